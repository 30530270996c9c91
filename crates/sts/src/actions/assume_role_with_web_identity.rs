//! `AssumeRoleWithWebIdentity`: a session for an ID token of the OpenID Connect provider that the operator trusts.
//!
//! `WebIdentityToken` takes the place of a signature. The person must be known to the store and hold a role in the tenancy.

use identity_oidc::OidcError;

use super::Answer;
use crate::caller::Call;
use crate::error::{Code, StsError};
use crate::xml;

/// Answers with the session.
///
/// # Errors
/// `InvalidIdentityToken`, `ExpiredTokenException`, `IDPRejectedClaim`, `IDPCommunicationError`; `AccessDenied` where the
/// person may do nothing in the tenancy; `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`.
pub(super) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    let token = call.parameters.required("WebIdentityToken")?;
    let provider = call.service.oidc.as_ref().ok_or_else(|| {
        let message = "This store trusts no identity provider. Its operator sets one with oidc.issuer.";
        StsError::new(Code::InvalidIdentityToken, message)
    })?;
    let role = call.role_arn()?;
    let tenancy = call.tenancy(role.as_ref())?;
    let request = call.session(role.as_ref())?;
    let identity = provider.verify(token).await?;
    let issued = call.service.access.session_for(identity.user, tenancy, identity.groups, request).await?;
    let document = xml::answer("AssumeRoleWithWebIdentity", call.request_id, |xml| {
        xml.text("SubjectFromWebIdentityToken", &identity.subject);
        xml.text("Audience", provider.client_id());
        xml.text("Provider", provider.issuer());
        xml::assumed_role_user(xml, &issued);
        xml::credentials(xml, &issued);
        xml::packed_policy_size(xml, &issued);
    });
    Ok(Answer { document, principal: call.service.principal_of(&issued).await, session: Some(issued.session) })
}

impl From<OidcError> for StsError {
    fn from(error: OidcError) -> Self {
        let code = match &error {
            OidcError::Expired => Code::ExpiredTokenException,
            OidcError::Claim { .. } => Code::IdpRejectedClaim,
            OidcError::Away(reason) => {
                tracing::warn!(reason, "a web identity can not be checked");
                let message = "The identity provider does not answer. Try again later.";
                return Self::new(Code::IdpCommunicationError, message);
            }
            OidcError::Malformed(_)
            | OidcError::AlgorithmNotAllowed(_)
            | OidcError::UnknownKey
            | OidcError::WrongSignature
            | OidcError::NotYetValid => Code::InvalidIdentityToken,
        };
        Self::new(code, crate::error::sentence(&error))
    }
}
