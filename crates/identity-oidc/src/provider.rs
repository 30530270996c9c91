//! [`Provider`]: an identity provider and what is held of it.

use std::sync::Arc;

use types::{Clock, Timestamp, UserName};
use zeroize::Zeroizing;

use crate::OidcError;
use crate::algorithm::Algorithm;
use crate::fetch::{Fetch, check_url};
use crate::keys::{Held, Keys};
use crate::token::Unverified;

/// Which provider is trusted, and for what.
#[derive(Clone)]
pub struct OidcConfig {
    /// The provider's name, a URL, as it stands in `iss`.
    pub issuer: String,
    /// The name under which the provider knows this store: `aud` must name it, or one of `audiences`.
    pub client_id: String,
    /// Further audiences whose tokens are accepted.
    pub audiences: Vec<String>,
    /// The secret that the store shows to the provider in the code flow; a public client has none.
    pub client_secret: Option<Zeroizing<String>>,
    /// The claim that is the login name of the person.
    pub user_claim: String,
    /// The claim that names the person's groups; empty for none.
    pub groups_claim: String,
    /// The signature algorithms that are accepted.
    pub algorithms: Vec<Algorithm>,
    /// How far the provider's clock may be off, in seconds.
    pub skew_seconds: u64,
}

/// What a token proved.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct VerifiedIdentity {
    /// The provider's own name for the person, which never changes.
    pub subject: String,
    /// Their login name.
    pub user: UserName,
    /// Their e-mail address, where the provider verified it.
    pub email: Option<String>,
    /// The groups that the provider says they are in, sorted.
    pub groups: Vec<String>,
    /// When the token expires.
    pub expires: Timestamp,
    /// When the provider last asked the person who they are (`auth_time`), where it says so.
    pub authenticated: Option<Timestamp>,
}

/// An identity provider. It is asked when the first token comes, and never in the way of other requests.
pub struct Provider {
    pub(crate) config: OidcConfig,
    pub(crate) fetch: Fetch,
    keys: Keys,
    pub(crate) clock: Arc<dyn Clock>,
}

impl Provider {
    /// The provider of `config`, whose certificate an authority of `tls` must have signed.
    ///
    /// # Errors
    /// What is wrong with the issuer's URL.
    pub fn new(config: OidcConfig, tls: Arc<rustls::ClientConfig>, clock: Arc<dyn Clock>) -> Result<Self, String> {
        check_url(&config.issuer)?;
        let keys = Keys::new(config.issuer.clone());
        Ok(Self { config, fetch: Fetch::new(tls), keys, clock })
    }

    /// The provider's name.
    pub fn issuer(&self) -> &str {
        &self.config.issuer
    }

    /// The name under which the provider knows this store.
    pub fn client_id(&self) -> &str {
        &self.config.client_id
    }

    /// Who this ID token is about.
    ///
    /// # Errors
    /// [`OidcError`].
    pub async fn verify(&self, token: &str) -> Result<VerifiedIdentity, OidcError> {
        self.verify_with_nonce(token, None).await
    }

    pub(crate) async fn verify_with_nonce(
        &self,
        token: &str,
        nonce: Option<&str>,
    ) -> Result<VerifiedIdentity, OidcError> {
        let token = Unverified::parse(token, &self.config.algorithms)?;
        let (id, now) = (token.key_id.as_deref(), self.clock.now());
        let mut held = self.held().await?;
        if !held.has_key(id, token.algorithm) {
            held = self.keys.renewed(&self.fetch, now, Some(held)).await?;
            if !held.has_key(id, token.algorithm) {
                return Err(OidcError::UnknownKey);
            }
        }
        if !held.verify(id, token.algorithm, token.message, &token.signature) {
            return Err(OidcError::WrongSignature);
        }
        token.accept(&self.config, nonce, now)
    }

    /// What is held of the provider.
    pub(crate) async fn held(&self) -> Result<Arc<Held>, OidcError> {
        self.keys.held(&self.fetch, self.clock.now()).await
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("issuer", &self.config.issuer).finish_non_exhaustive()
    }
}
