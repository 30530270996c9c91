//! People whom an OpenID Connect provider vouches for.
//!
//! [`Provider`] is one provider, known by its issuer. It finds the provider's addresses (`discovery`) and public keys
//! (`keys`), keeps both in memory, and asks again when they are old or a token names a key that is not among them. With
//! that it checks ID tokens (`token`): the signature by an algorithm of the list that the operator allows, then issuer,
//! audience and times, by the clock that it is given. What is left is a [`VerifiedIdentity`]. `code_flow` is the log-in
//! of a browser, which ends with the same. `fetch` is the only part that speaks HTTP: to `https` addresses, or to the
//! machine itself, with bounds on time and size, and it follows no redirects.
//!
//! Sources: OpenID Connect Core 1.0 and Discovery 1.0; RFC 7515, 7517, 7518 and 7519 (JWS, JWK, JWA, JWT); RFC 7636 (PKCE);
//! RFC 8725 (best practices for JWTs).

mod algorithm;
mod code_flow;
mod discovery;
mod error;
mod fetch;
mod keys;
mod provider;
mod token;

pub use algorithm::Algorithm;
pub use code_flow::{AuthorizationRequest, Prompt};
pub use error::OidcError;
pub use fetch::{FETCH_SECONDS, FETCHES};
pub use provider::{OidcConfig, Provider, VerifiedIdentity};
