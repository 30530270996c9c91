//! ID tokens: what is in one, and what must be (OpenID Connect Core 1.0 section 3.1.3.7, RFC 8725).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use serde::Deserialize;
use serde_json::{Map, Value};
use types::{Timestamp, UserName};

use crate::OidcError;
use crate::algorithm::Algorithm;
use crate::provider::{OidcConfig, VerifiedIdentity};

/// The longest token, in characters (STS API reference, AssumeRoleWithWebIdentity).
pub(crate) const MAX_TOKEN_CHARS: usize = 20_000;
/// The most groups that are read.
const MAX_GROUPS: usize = 1000;

/// A token whose signature has not been looked at.
pub(crate) struct Unverified<'a> {
    pub(crate) algorithm: Algorithm,
    pub(crate) key_id: Option<String>,
    /// What is signed.
    pub(crate) message: &'a [u8],
    pub(crate) signature: Vec<u8>,
    payload: &'a str,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    /// Extensions that must be understood, of which there are none.
    crit: Option<Value>,
}

impl<'a> Unverified<'a> {
    /// Reads the header.
    ///
    /// # Errors
    /// [`OidcError::Malformed`] and [`OidcError::AlgorithmNotAllowed`].
    pub(crate) fn parse(token: &'a str, allowed: &[Algorithm]) -> Result<Self, OidcError> {
        if token.len() > MAX_TOKEN_CHARS {
            return Err(OidcError::Malformed("it is too long"));
        }
        let (signed, signature) = token.rsplit_once('.').ok_or(OidcError::Malformed("it has no signature"))?;
        let (header, payload) = signed.split_once('.').ok_or(OidcError::Malformed("it has no payload"))?;
        if payload.contains('.') {
            return Err(OidcError::Malformed("it has more than three parts"));
        }
        let header = BASE64_URL.decode(header).map_err(|_| OidcError::Malformed("its header is not in base64url"))?;
        let header: Header =
            serde_json::from_slice(&header).map_err(|_| OidcError::Malformed("its header is not understood"))?;
        if header.crit.is_some() {
            return Err(OidcError::Malformed("it has extensions that must be understood and are not"));
        }
        let algorithm = header.alg.parse().ok().filter(|algorithm| allowed.contains(algorithm));
        let algorithm = algorithm.ok_or(OidcError::AlgorithmNotAllowed(header.alg))?;
        let signature =
            BASE64_URL.decode(signature).map_err(|_| OidcError::Malformed("its signature is not in base64url"))?;
        Ok(Self { algorithm, key_id: header.kid, message: signed.as_bytes(), signature, payload })
    }

    /// What the token says, once its signature was found to hold.
    ///
    /// # Errors
    /// [`OidcError::Expired`], [`OidcError::NotYetValid`] and [`OidcError::Claim`].
    pub(crate) fn accept(
        &self,
        config: &OidcConfig,
        nonce: Option<&str>,
        now: Timestamp,
    ) -> Result<VerifiedIdentity, OidcError> {
        let payload =
            BASE64_URL.decode(self.payload).map_err(|_| OidcError::Malformed("its payload is not in base64url"))?;
        let claims: Map<String, Value> =
            serde_json::from_slice(&payload).map_err(|_| OidcError::Malformed("its payload is no JSON object"))?;
        let claims = Claims { claims: &claims };
        claims.check_issuer_and_audience(config)?;
        let expires = claims.check_times(config.skew_seconds, now)?;
        if let Some(nonce) = nonce
            && claims.text("nonce")? != nonce
        {
            return Err(OidcError::claim("nonce", "is that of another log-in"));
        }
        Ok(VerifiedIdentity {
            subject: claims.text("sub")?.to_owned(),
            user: claims.user(&config.user_claim)?,
            email: claims.text("email").ok().filter(|_| claims.has_verified_email()).map(str::to_owned),
            groups: claims.groups(&config.groups_claim)?,
            expires,
            authenticated: claims.moment("auth_time")?,
        })
    }
}

struct Claims<'a> {
    claims: &'a Map<String, Value>,
}

impl<'a> Claims<'a> {
    fn text(&self, name: &str) -> Result<&'a str, OidcError> {
        match self.claims.get(name) {
            Some(Value::String(text)) if !text.is_empty() => Ok(text),
            Some(_) => Err(OidcError::claim(name, "is no text")),
            None => Err(OidcError::claim(name, "is missing")),
        }
    }

    /// One text, or a list of them.
    fn texts(&self, name: &str) -> Result<Vec<&'a str>, OidcError> {
        let no_text = || OidcError::claim(name, "is neither a text nor a list of texts");
        match self.claims.get(name) {
            None => Ok(Vec::new()),
            Some(Value::String(text)) => Ok(vec![text]),
            Some(Value::Array(items)) => items.iter().map(|item| item.as_str().ok_or_else(no_text)).collect(),
            Some(_) => Err(no_text()),
        }
    }

    fn check_issuer_and_audience(&self, config: &OidcConfig) -> Result<(), OidcError> {
        if self.text("iss")? != config.issuer {
            return Err(OidcError::claim("iss", "is another issuer than oidc.issuer"));
        }
        let audiences = self.texts("aud")?;
        let is_for_us =
            |audience: &str| audience == config.client_id || config.audiences.iter().any(|ours| ours == audience);
        if !audiences.iter().copied().any(is_for_us) {
            return Err(OidcError::claim("aud", "names neither oidc.client_id nor one of oidc.audiences"));
        }
        // A token for several must say for whom it was made.
        match self.claims.get("azp") {
            None if audiences.len() > 1 => Err(OidcError::claim("azp", "is missing, and the token is for several")),
            None => Ok(()),
            Some(_) if is_for_us(self.text("azp")?) => Ok(()),
            Some(_) => Err(OidcError::claim("azp", "names a client that is none of ours")),
        }
    }

    /// Checks the times, and says when the token expires. The provider's clock may be off by `skew_seconds`.
    fn check_times(&self, skew_seconds: u64, now: Timestamp) -> Result<Timestamp, OidcError> {
        let expires = self.moment("exp")?.ok_or_else(|| OidcError::claim("exp", "is missing"))?;
        if expires.plus_secs(skew_seconds) <= now {
            return Err(OidcError::Expired);
        }
        for name in ["nbf", "iat"] {
            if self.moment(name)?.is_some_and(|moment| moment > now.plus_secs(skew_seconds)) {
                return Err(OidcError::NotYetValid);
            }
        }
        Ok(expires)
    }

    /// A number of seconds, which may have a fraction (RFC 7519 section 2).
    fn moment(&self, name: &str) -> Result<Option<Timestamp>, OidcError> {
        let Some(value) = self.claims.get(name) else { return Ok(None) };
        let seconds = value.as_u64().or_else(|| {
            // Rounded down; beyond 2^53 no moment is meant.
            value.as_f64().filter(|seconds| (0.0..9e15).contains(seconds)).map(|seconds| seconds as u64)
        });
        let seconds = seconds.ok_or_else(|| OidcError::claim(name, "is no moment"))?;
        Ok(Some(Timestamp::from_secs(seconds)))
    }

    fn user(&self, claim: &str) -> Result<UserName, OidcError> {
        let name = self.text(claim)?;
        if claim == "email" && !self.has_verified_email() {
            return Err(OidcError::claim(
                "email_verified",
                "does not say that the address in oidc.user_claim was verified",
            ));
        }
        UserName::new(name).map_err(|error| OidcError::claim(claim, format!("is no user name: {error}")))
    }

    fn has_verified_email(&self) -> bool {
        self.claims.get("email_verified") == Some(&Value::Bool(true))
    }

    fn groups(&self, claim: &str) -> Result<Vec<String>, OidcError> {
        if claim.is_empty() {
            return Ok(Vec::new());
        }
        let groups = self.texts(claim)?;
        if groups.len() > MAX_GROUPS {
            return Err(OidcError::claim(claim, format!("names more than {MAX_GROUPS} groups")));
        }
        let mut groups: Vec<String> = groups.into_iter().map(str::to_owned).collect();
        groups.sort();
        groups.dedup();
        Ok(groups)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{any, prop, proptest};

    use super::*;

    fn config() -> OidcConfig {
        OidcConfig {
            issuer: "https://id.example.org".to_owned(),
            client_id: "commonhold".to_owned(),
            audiences: Vec::new(),
            client_secret: None,
            user_claim: "sub".to_owned(),
            groups_claim: "groups".to_owned(),
            algorithms: Algorithm::ALL.to_vec(),
            skew_seconds: 60,
        }
    }

    proptest! {
        /// Whatever stands in a token, reading it ends with an answer, and no token names somebody without a claim that
        /// says so.
        #[test]
        fn no_token_is_too_strange(
            text in any::<String>(),
            header in any::<String>(),
            payload in prop::collection::vec(any::<u8>(), 0..200),
            claims in prop::collection::hash_map("iss|aud|exp|nbf|iat|sub|azp|groups", any::<f64>(), 0..8),
        ) {
            let encode = |bytes: &[u8]| BASE64_URL.encode(bytes);
            let good = encode(br#"{"alg":"ES256"}"#);
            let claims = serde_json::to_vec(&claims).expect("JSON");
            for token in [
                text.clone(),
                format!("{}.{}.{}", encode(header.as_bytes()), encode(&payload), encode(&payload)),
                format!("{good}.{}.{}", encode(&payload), text),
                format!("{good}.{}.", encode(&payload)),
                format!("{good}.{}.", encode(&claims)),
            ] {
                if let Ok(token) = Unverified::parse(&token, &Algorithm::ALL) {
                    let accepted = token.accept(&config(), None, Timestamp::from_secs(1));
                    assert!(accepted.is_err(), "{accepted:?}");
                }
            }
        }
    }
}
