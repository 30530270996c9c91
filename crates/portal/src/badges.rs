//! How much waits for a person, as the head of each page tells it.

use identity::{Actor, RequestFilter, RequestKind, RequestState};
use notify::Recipient;

use crate::Portal;
use crate::error::PageError;
use crate::signed_in::SignedIn;

/// The most requests that are counted for operators; more are as good as this many.
const COUNTED: usize = 1000;

/// How much waits.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(crate) struct Badges {
    /// Entries of the inbox that were not read.
    pub(crate) unread: usize,
    /// Requests that the person may decide on by their roles.
    pub(crate) to_decide: usize,
    /// Requests for tenancies and quotas, where the person is an operator.
    pub(crate) to_operate: usize,
}

/// What waits for a person. A page is shown without badges rather than not at all, so a failure is logged here.
pub(crate) async fn of(portal: &Portal, signed_in: &SignedIn) -> Badges {
    counted(portal, signed_in).await.unwrap_or_else(|error| {
        tracing::warn!(?error, "what waits for a person can not be counted");
        Badges::default()
    })
}

async fn counted(portal: &Portal, signed_in: &SignedIn) -> Result<Badges, PageError> {
    let actor = Actor::Person(signed_in.user.clone());
    Ok(Badges {
        unread: portal.notify.unread(&Recipient::Person(signed_in.user.clone())).await?,
        to_decide: portal.identity.requests_to_decide(&actor).await?,
        to_operate: if signed_in.operates { to_operate(portal).await? } else { 0 },
    })
}

async fn to_operate(portal: &Portal) -> Result<usize, PageError> {
    let filter = RequestFilter { state: Some(RequestState::Pending), ..RequestFilter::default() };
    let pending = portal.identity.requests(&Actor::Operator, &filter, COUNTED).await?;
    Ok(pending.iter().filter(|request| !matches!(request.kind, RequestKind::Join { .. })).count())
}
