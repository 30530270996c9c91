//! `AssumeRoleWithLDAPIdentity`: a session for a person's name and password, of whichever directory the store has.
//!
//! Source: MinIO's documentation of the action, which AWS does not have. `LDAPUsername` and `LDAPPassword` take the place
//! of a signature; so it should be asked for under TLS.

use access::LogInError;

use super::Answer;
use crate::caller::Call;
use crate::error::{Code, StsError};
use crate::xml;

/// Answers with the session.
///
/// # Errors
/// `AccessDenied` where the password is wrong, where there were too many wrong ones, and where the person may do
/// nothing in the tenancy; `ServiceUnavailable` while the directory is away; `ValidationError`, `MalformedPolicyDocument`.
pub(super) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    let name = call.parameters.required("LDAPUsername")?;
    let password = call.parameters.required("LDAPPassword")?;
    let role = call.role_arn()?;
    let tenancy = call.tenancy(role.as_ref())?;
    let request = call.session(role.as_ref())?;
    let access = &call.service.access;
    let user = access.log_in(name, password, call.source).await.map_err(refusal)?;
    let issued = access.session_for(user.name, tenancy, Vec::new(), request).await?;
    let document = xml::answer("AssumeRoleWithLDAPIdentity", call.request_id, |xml| {
        xml::assumed_role_user(xml, &issued);
        xml::credentials(xml, &issued);
        xml::packed_policy_size(xml, &issued);
    });
    Ok(Answer { document, principal: call.service.principal_of(&issued).await, session: Some(issued.session) })
}

fn refusal(error: LogInError) -> StsError {
    match error {
        LogInError::Wrong => StsError::new(Code::AccessDenied, "The user name or the password is wrong."),
        LogInError::TooManyFailures { wait_seconds } => {
            let message = format!("There were too many wrong passwords. Try again in {wait_seconds} seconds.");
            StsError::new(Code::AccessDenied, message).retry_after(wait_seconds)
        }
        LogInError::Identity(error) => error.into(),
    }
}
