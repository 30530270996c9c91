//! The provider's addresses (OpenID Connect Discovery 1.0 section 4).

use serde::Deserialize;

use crate::OidcError;
use crate::fetch::{Fetch, check_url};

/// What of the document counts here.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Addresses {
    issuer: String,
    pub(crate) jwks_uri: String,
    pub(crate) authorization_endpoint: Option<String>,
    pub(crate) token_endpoint: Option<String>,
}

/// Asks the provider for its addresses.
///
/// # Errors
/// [`OidcError::Away`], where the document is another issuer's too.
pub(crate) async fn discover(fetch: &Fetch, issuer: &str) -> Result<Addresses, OidcError> {
    let url = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
    let away = |reason: String| OidcError::Away(format!("{url}: {reason}"));
    let document = fetch.get(&url).await?;
    let addresses: Addresses = serde_json::from_slice(&document).map_err(|error| away(error.to_string()))?;
    if addresses.issuer != issuer {
        return Err(away(format!("it is the document of issuer {:?}: write oidc.issuer so", addresses.issuer)));
    }
    let endpoints = [addresses.authorization_endpoint.as_ref(), addresses.token_endpoint.as_ref()];
    for address in endpoints.into_iter().flatten().chain([&addresses.jwks_uri]) {
        check_url(address).map_err(|reason| away(format!("{address}: {reason}")))?;
    }
    Ok(addresses)
}
