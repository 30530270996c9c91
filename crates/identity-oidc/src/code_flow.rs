//! The log-in of a browser: the authorization code flow (OpenID Connect Core 1.0 section 3.1) with PKCE (RFC 7636).
//!
//! [`Provider::authorization_request`] says where to send the browser and what to keep of it, in a cookie that only this
//! server can read. When the browser comes back with `code` and `state`, whoever called compares `state`, and
//! [`Provider::exchange`] turns the code into a verified identity. The nonce binds the token to this log-in, and the
//! verifier binds the code to it.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD as BASE64, URL_SAFE_NO_PAD as BASE64_URL};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};
use types::Entropy;
use zeroize::Zeroizing;

use crate::OidcError;
use crate::fetch::Form;
use crate::provider::{Provider, VerifiedIdentity};

/// The bytes of randomness in state, nonce and verifier: 43 characters, the least that RFC 7636 section 4.1 allows.
const RANDOM_BYTES: usize = 32;

/// A log-in that begins.
#[derive(Clone, Debug)]
pub struct AuthorizationRequest {
    /// Where to send the browser.
    pub url: String,
    /// What the browser must bring back as `state`.
    pub state: String,
    /// What the ID token must have as `nonce`.
    pub nonce: String,
    /// What proves that the code was asked for here.
    pub verifier: Zeroizing<String>,
}

/// Whether the provider may take its own word for it that the person is there.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Prompt {
    /// It may: who has logged in there is not asked again.
    AsNeeded,
    /// It asks for the password, however short ago it did (`prompt=login` and `max_age=0`, OpenID Connect Core 1.0 section
    /// 3.1.2.1). Whether it did, [`VerifiedIdentity::authenticated`] tells.
    LogIn,
}

#[derive(Deserialize)]
struct TokenResponse {
    id_token: String,
}

impl Provider {
    /// Begins a log-in that is to come back to `redirect_uri`.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub async fn authorization_request(
        &self,
        redirect_uri: &str,
        prompt: Prompt,
        entropy: &dyn Entropy,
    ) -> Result<AuthorizationRequest, OidcError> {
        let held = self.held().await?;
        let endpoint = held.addresses.authorization_endpoint.as_deref();
        let endpoint = endpoint.ok_or_else(|| self.without("authorization_endpoint"))?;
        let (state, nonce, verifier) = (random(entropy), random(entropy), Zeroizing::new(random(entropy)));
        let challenge = BASE64_URL.encode(Sha256::digest(verifier.as_bytes()));
        let mut query = encoded(&[
            ("response_type", "code"),
            ("client_id", &self.config.client_id),
            ("redirect_uri", redirect_uri),
            ("scope", "openid profile email"),
            ("state", &state),
            ("nonce", &nonce),
            ("code_challenge", &challenge),
            ("code_challenge_method", "S256"),
        ]);
        if prompt == Prompt::LogIn {
            query.push_str("&prompt=login&max_age=0");
        }
        let joint = if endpoint.contains('?') { '&' } else { '?' };
        Ok(AuthorizationRequest { url: format!("{endpoint}{joint}{query}"), state, nonce, verifier })
    }

    /// Who logged in, by the code that the browser brought back.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn exchange(
        &self,
        code: &str,
        redirect_uri: &str,
        verifier: &str,
        nonce: &str,
    ) -> Result<VerifiedIdentity, OidcError> {
        let held = self.held().await?;
        let endpoint = held.addresses.token_endpoint.as_deref().ok_or_else(|| self.without("token_endpoint"))?;
        let client_id = self.config.client_id.as_str();
        let body = encoded(&[
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
            ("client_id", client_id),
        ]);
        // RFC 6749 section 2.3.1: both parts are encoded first.
        let authorization = self.config.client_secret.as_ref().map(|secret| {
            let pair = Zeroizing::new(format!("{}:{}", percent(client_id), percent(secret)));
            format!("Basic {}", BASE64.encode(pair.as_bytes()))
        });
        let answer = self.fetch.post(endpoint, Form { body, authorization }).await?;
        let answer: TokenResponse = serde_json::from_slice(&answer)
            .map_err(|error| OidcError::Away(format!("{endpoint}: its answer is not understood: {error}")))?;
        self.verify_with_nonce(&answer.id_token, Some(nonce)).await
    }

    fn without(&self, endpoint: &str) -> OidcError {
        OidcError::Away(format!("{} has no {endpoint}", self.config.issuer))
    }
}

fn random(entropy: &dyn Entropy) -> String {
    let mut bytes = [0; RANDOM_BYTES];
    entropy.fill(&mut bytes);
    BASE64_URL.encode(bytes)
}

fn percent(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string()
}

fn encoded(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(name, value)| format!("{name}={}", percent(value))).collect::<Vec<_>>().join("&")
}
