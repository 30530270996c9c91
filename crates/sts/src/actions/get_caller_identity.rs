//! `GetCallerIdentity`: who a key or session is.

use super::Answer;
use crate::caller::Call;
use crate::error::StsError;
use crate::xml;

/// Answers with the person and the tenancy, which stands for AWS's account.
///
/// # Errors
/// Those of the signature.
pub(super) async fn perform(call: &Call<'_>) -> Result<Answer, StsError> {
    let caller = call.caller().await?;
    let document = xml::answer("GetCallerIdentity", call.request_id, |xml| {
        xml.text("Arn", &xml::arn(&caller.credential));
        xml.text("UserId", &xml::user_id(&caller.credential));
        xml.text("Account", caller.credential.tenancy().as_str());
    });
    Ok(Answer { document, principal: Some(caller.principal), session: None })
}
