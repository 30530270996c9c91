//! The provider's public keys (RFC 7517), held in memory and asked for again.
//!
//! A set is used for an hour. A token that names a key which is not in it has the set asked for at once, because
//! providers change keys without notice; but only so often, or anybody could have the provider asked by sending
//! tokens. While the provider is away, the set that is held goes on for a day.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64_URL;
use parking_lot::RwLock;
use ring::signature::{RsaPublicKeyComponents, UnparsedPublicKey};
use serde::Deserialize;
use types::Timestamp;

use crate::OidcError;
use crate::algorithm::{Algorithm, Verification};
use crate::discovery::{Addresses, discover};
use crate::fetch::Fetch;

/// How long a set is used before it is asked for again.
const FRESH_SECONDS: u64 = 3600;
/// How long a set is used while the provider is away.
const KEPT_SECONDS: u64 = 24 * 3600;
/// How long it takes at least from one request for the set to the next.
const PAUSE_SECONDS: u64 = 30;
/// The same, where no set is held and the last request failed.
const PAUSE_WITHOUT_SECONDS: u64 = 5;
/// The most keys that are read of a set.
const MAX_KEYS: usize = 64;

/// The key set of a provider.
pub(crate) struct Keys {
    issuer: String,
    held: RwLock<Option<Arc<Held>>>,
    /// When the provider was asked last, and how that failed if it did. Held while it is asked, so that it is asked once.
    asked: tokio::sync::Mutex<Option<Asked>>,
}

struct Asked {
    at: Timestamp,
    error: Option<OidcError>,
}

/// What the provider said.
pub(crate) struct Held {
    pub(crate) addresses: Addresses,
    keys: Vec<Key>,
    since: Timestamp,
}

#[derive(Debug)]
struct Key {
    id: Option<String>,
    algorithm: Option<String>,
    material: Material,
}

#[derive(Debug)]
enum Material {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// On the curve of this name.
    Point {
        curve: String,
        point: Vec<u8>,
    },
}

#[derive(Deserialize)]
struct JwkSet {
    keys: Vec<serde_json::Value>,
}

/// A key as it is written.
#[derive(Deserialize)]
struct Jwk {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    purpose: Option<String>,
    alg: Option<String>,
    n: Option<String>,
    e: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
}

impl Keys {
    pub(crate) fn new(issuer: String) -> Self {
        Self { issuer, held: RwLock::default(), asked: tokio::sync::Mutex::default() }
    }

    /// What is held of the provider, fresh or as good as there is.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub(crate) async fn held(&self, fetch: &Fetch, now: Timestamp) -> Result<Arc<Held>, OidcError> {
        let held = self.held.read().clone();
        match held {
            Some(held) if now < held.since.plus_secs(FRESH_SECONDS) => Ok(held),
            held => self.renewed(fetch, now, held).await,
        }
    }

    /// What the provider says now, where `held` does not have the key that a token names.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub(crate) async fn renewed(
        &self,
        fetch: &Fetch,
        now: Timestamp,
        held: Option<Arc<Held>>,
    ) -> Result<Arc<Held>, OidcError> {
        let mut asked = self.asked.lock().await;
        // Someone else may have asked while this one waited.
        let latest = self.held.read().clone();
        if let Some(latest) = &latest
            && held.as_ref().is_none_or(|held| held.since < latest.since)
        {
            return Ok(Arc::clone(latest));
        }
        let kept = latest.filter(|held| now < held.since.plus_secs(KEPT_SECONDS));
        let pause = if kept.is_some() { PAUSE_SECONDS } else { PAUSE_WITHOUT_SECONDS };
        if let Some(last) = asked.as_ref().filter(|asked| now < asked.at.plus_secs(pause)) {
            let error = last.error.clone().unwrap_or_else(|| OidcError::Away("it was asked a moment ago".to_owned()));
            return kept.ok_or(error);
        }
        let result = self.ask(fetch, now).await;
        *asked = Some(Asked { at: now, error: result.as_ref().err().cloned() });
        match result {
            Ok(held) => {
                let held = Arc::new(held);
                *self.held.write() = Some(Arc::clone(&held));
                Ok(held)
            }
            Err(error) => {
                tracing::warn!(issuer = self.issuer, %error, holds_keys = kept.is_some(), "an identity provider was not reached");
                kept.ok_or(error)
            }
        }
    }

    async fn ask(&self, fetch: &Fetch, now: Timestamp) -> Result<Held, OidcError> {
        let addresses = discover(fetch, &self.issuer).await?;
        let set = fetch.get(&addresses.jwks_uri).await?;
        let set: JwkSet = serde_json::from_slice(&set)
            .map_err(|error| OidcError::Away(format!("{}: {error}", addresses.jwks_uri)))?;
        // Keys of other kinds and for other purposes may stand beside those for signatures (RFC 7517 section 5).
        let keys = set.keys.into_iter().filter_map(|key| Key::read(serde_json::from_value(key).ok()?));
        Ok(Held { addresses, keys: keys.take(MAX_KEYS).collect(), since: now })
    }
}

impl Held {
    /// Whether there is a key that a token of this header could be signed with.
    pub(crate) fn has_key(&self, id: Option<&str>, algorithm: Algorithm) -> bool {
        self.candidates(id, algorithm).next().is_some()
    }

    /// Whether one of the keys for such a header made the signature.
    pub(crate) fn verify(&self, id: Option<&str>, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.candidates(id, algorithm).any(|key| key.material.verify(algorithm, message, signature))
    }

    fn candidates<'a>(&'a self, id: Option<&'a str>, algorithm: Algorithm) -> impl Iterator<Item = &'a Key> {
        self.keys.iter().filter(move |key| {
            let is_named = id.is_none_or(|id| key.id.as_deref() == Some(id));
            let is_for = key.algorithm.as_deref().is_none_or(|of_key| of_key == algorithm.name());
            is_named && is_for && key.material.fits(algorithm)
        })
    }
}

impl Key {
    fn read(jwk: Jwk) -> Option<Self> {
        if jwk.purpose.as_deref().is_some_and(|purpose| purpose != "sig") {
            return None;
        }
        let decode = |text: Option<String>| BASE64_URL.decode(text?.trim_end_matches('=')).ok();
        let material = match jwk.kty.as_str() {
            "RSA" => {
                let without_zeros = |bytes: Vec<u8>| {
                    let first = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
                    bytes[first..].to_vec()
                };
                Material::Rsa { n: without_zeros(decode(jwk.n)?), e: without_zeros(decode(jwk.e)?) }
            }
            // An uncompressed point (SEC 1 section 2.3.3).
            "EC" => {
                let point = [&[4], decode(jwk.x)?.as_slice(), decode(jwk.y)?.as_slice()].concat();
                Material::Point { curve: jwk.crv?, point }
            }
            "OKP" => Material::Point { curve: jwk.crv?, point: decode(jwk.x)? },
            _ => return None,
        };
        Some(Self { id: jwk.kid, algorithm: jwk.alg, material })
    }
}

impl Material {
    fn fits(&self, algorithm: Algorithm) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { .. }, Verification::Rsa(_)) => true,
            (Self::Point { curve, .. }, Verification::Curve(name, _)) => curve == name,
            _ => false,
        }
    }

    fn verify(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm.verification()) {
            (Self::Rsa { n, e }, Verification::Rsa(parameters)) => {
                RsaPublicKeyComponents { n, e }.verify(parameters, message, signature).is_ok()
            }
            (Self::Point { point, .. }, Verification::Curve(_, verification)) => {
                UnparsedPublicKey::new(verification, point).verify(message, signature).is_ok()
            }
            _ => false,
        }
    }
}
