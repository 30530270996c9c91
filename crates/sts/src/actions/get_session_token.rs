//! `GetSessionToken`: a session with all that the caller's key may, which ends by itself.

use access::session::SESSION_SECONDS;
use access::{Credential, SessionRequest};

use super::Answer;
use crate::caller::Call;
use crate::error::{Code, StsError};
use crate::xml;

/// The longest session that AWS gives here, in seconds. Longer ones than ours are asked for, and are cut.
const AWS_LONGEST_SECONDS: u64 = 129_600;

/// Answers with the session.
///
/// # Errors
/// Those of the signature; `AccessDenied` for a session, which can not be prolonged; `ValidationError`.
pub(super) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    let caller = call.caller().await?;
    if matches!(caller.credential, Credential::Session(_)) {
        let message = "GetSessionToken needs an access key. A session makes narrower ones with AssumeRole.";
        return Err(StsError::new(Code::AccessDenied, message));
    }
    if call.parameters.get("SerialNumber").or_else(|| call.parameters.get("TokenCode")).is_some() {
        return Err(StsError::validation(
            "There are no MFA devices in this store: leave out SerialNumber and TokenCode.",
        ));
    }
    let seconds = call.parameters.duration_seconds(*SESSION_SECONDS.end())?;
    let seconds = if seconds <= AWS_LONGEST_SECONDS { seconds.min(*SESSION_SECONDS.end()) } else { seconds };
    let request = SessionRequest { name: "session".to_owned(), role: None, policy: None, seconds };
    let issued = call.service.access.session_from(&caller.credential, request).await?;
    let document = xml::answer("GetSessionToken", call.request_id, |xml| xml::credentials(xml, &issued));
    Ok(Answer { document, principal: Some(caller.principal), session: Some(issued.session) })
}
