//! `quota` of a tenancy or a bucket: the storage quota. Operators set it.
//!
//! Source: the Content Gateway's page "Setting Quotas". Of the names of states only `nowrite` is known from the wire; beside
//! it this store's own are taken.

use http::{Method, StatusCode};
use identity::{Act, QuotaChange, QuotaScope};
use policy::QuotaState;
use serde_json::json;

use super::{check_leads, nothing_there};
use crate::Swarm;
use crate::asked::Asked;
use crate::caller::Member;
use crate::error::SwarmError;
use crate::recorded::{self, nothing};
use crate::reply::Reply;

/// What follows when a limit is reached, in Swarm's word.
const NO_WRITE: &str = "nowrite";
const STATES: [QuotaState; 4] =
    [QuotaState::Notify, QuotaState::ReadAndDelete, QuotaState::ReadOnly, QuotaState::Lockout];

pub(super) async fn serve(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    scope: &QuotaScope,
    what: &[String],
) -> Result<Reply, SwarmError> {
    check_leads(member)?;
    let words: Vec<&str> = what.iter().map(String::as_str).collect();
    match (&asked.method, words.as_slice()) {
        (&Method::GET, [] | ["storage"] | ["storage", "limit"]) => show(swarm, member, scope).await,
        (&Method::PUT, ["storage", "limit"]) => set(swarm, asked, member, scope, change(asked)?).await,
        (&Method::DELETE, ["storage", "limit"]) => set(swarm, asked, member, scope, QuotaChange::of_bytes(None)).await,
        (_, ["bandwidth", ..]) => Err(SwarmError::NotCarried(
            "there is no quota of bandwidth: what was transferred is counted and shown, and never refused".to_owned(),
        )),
        (_, ["email", ..]) => Err(SwarmError::NotCarried(
            "managers and deputies of the tenancy are told of a quota that is reached, in their inbox and by mail; no \
             other addresses are kept"
                .to_owned(),
        )),
        (_, ["storage", "override", ..]) => Err(SwarmError::NotCarried(
            "an override has an end and a reason here: operators set it with commonhold admin quota".to_owned(),
        )),
        (method, [] | ["storage"] | ["storage", "limit"]) => Err(SwarmError::MethodNotAllowed(method.clone())),
        _ => Err(nothing_there()),
    }
}

async fn show(swarm: &Swarm, member: &Member, scope: &QuotaScope) -> Result<Reply, SwarmError> {
    let used = swarm.objects.usage_in(&member.tenancy, scope).await?;
    let quota = swarm.identity.quotas().of(&member.tenancy).and_then(|all| all.get(scope).cloned()).unwrap_or_default();
    let state = quota.action_at(swarm.clock.now());
    let answer = json!({ "storage": {
        "limit": quota.hard.bytes,
        "state": name(state),
        "usage": used.bytes,
        "reached": quota.marks.hard.is_some(),
    } });
    Ok(Reply::json(StatusCode::OK, &answer))
}

/// The change that a query asks for.
fn change(asked: &Asked) -> Result<QuotaChange, SwarmError> {
    let limit = asked.parameter("limit").ok_or_else(|| SwarmError::invalid("limit= is missing: give the bytes"))?;
    let limit: u64 = limit.parse().map_err(|_| SwarmError::Invalid(format!("{limit:?} is no number of bytes")))?;
    let state = asked.parameter("state").map(|text| {
        let is_named = |state: &QuotaState| text == name(*state) || text == state.name();
        STATES.into_iter().find(is_named).ok_or_else(|| {
            SwarmError::Invalid(format!("{text:?} is no state: write notify, {NO_WRITE}, read-only or lockout"))
        })
    });
    Ok(QuotaChange { action: state.transpose()?, ..QuotaChange::of_bytes(Some(limit)) })
}

fn name(state: QuotaState) -> &'static str {
    match state {
        QuotaState::ReadAndDelete => NO_WRITE,
        other => other.name(),
    }
}

async fn set(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    scope: &QuotaScope,
    change: QuotaChange,
) -> Result<Reply, SwarmError> {
    let limit = change.hard_bytes.flatten().map_or_else(|| "none".to_owned(), |bytes| bytes.to_string());
    let target = format!("quota of {scope} in {}", member.tenancy);
    let facts = vec![("hard_bytes".to_owned(), limit)];
    let act = recorded::act_of(asked, &member.caller, "quota.set", &member.tenancy, target, facts);
    let work = async {
        if !member.may(swarm, &Act::Operate).await? {
            let text = "operators set quotas; a manager asks for more in the portal, on the page of the service";
            return Err(SwarmError::Forbidden(text.to_owned()));
        }
        swarm.identity.set_quota(&member.tenancy, scope, change).await?;
        Ok(Reply::done(StatusCode::OK))
    };
    recorded::record(swarm, act, work, nothing).await
}
