//! `AssumeRole`: a session of the caller's own, narrowed by a role, by a policy, or by nothing but its end.
//!
//! The caller may be a session too; what it makes is narrowed by both (AWS: role chaining).

use super::Answer;
use crate::caller::Call;
use crate::error::{Code, StsError};
use crate::xml;

/// Answers with the session.
///
/// # Errors
/// Those of the signature, and `AccessDenied`, `ValidationError`, `MalformedPolicyDocument`, `PackedPolicyTooLarge`.
pub(super) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    let caller = call.caller().await?;
    let role = call.role_arn()?;
    if let Some(tenancy) = role.as_ref().and_then(|role| role.tenancy.as_ref())
        && tenancy != caller.credential.tenancy()
    {
        let message = format!(
            "The access key is for tenancy {}, and RoleArn names a role in {tenancy}.",
            caller.credential.tenancy()
        );
        return Err(StsError::new(Code::AccessDenied, message));
    }
    let request = call.session(role.as_ref())?;
    let issued = call.service.access.session_from(&caller.credential, request).await?;
    let document = xml::answer("AssumeRole", call.request_id, |xml| {
        xml::assumed_role_user(xml, &issued);
        xml::credentials(xml, &issued);
        xml::packed_policy_size(xml, &issued);
    });
    Ok(Answer { document, principal: Some(caller.principal), session: Some(issued.session) })
}
