//! What can go wrong with a token or its provider.

/// A token proves nothing, or its provider can not be asked.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum OidcError {
    /// The token is no signed JSON web token.
    #[error("the token is no signed JSON web token: {0}")]
    Malformed(&'static str),
    /// The token is signed by an algorithm that is not allowed.
    #[error("the token is signed with {0:?}, which is not among oidc.algorithms")]
    AlgorithmNotAllowed(String),
    /// The provider has no such key.
    #[error("the provider has no key for this token")]
    UnknownKey,
    /// The signature is not the one of the provider's key.
    #[error("the signature of the token does not hold")]
    WrongSignature,
    /// The token's time is over.
    #[error("the token has expired")]
    Expired,
    /// The token's time has not come.
    #[error("the token is not valid yet: compare the clocks of the provider and of this server")]
    NotYetValid,
    /// A claim is missing or says something else than it must.
    #[error("the claim {claim} {reason}")]
    Claim {
        /// Which claim.
        claim: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The provider did not answer, or not as it must.
    #[error("the identity provider can not be asked: {0}")]
    Away(String),
}

impl OidcError {
    pub(crate) fn claim(claim: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Claim { claim: claim.into(), reason: reason.into() }
    }
}
