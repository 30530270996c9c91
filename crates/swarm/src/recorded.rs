//! Each change is in the audit log before it is answered.

use audit::{Act, Actor, Ending, Source, Via};
use types::TenancyName;

use crate::Swarm;
use crate::asked::Asked;
use crate::caller::Caller;
use crate::error::SwarmError;

/// Facts of an act: names, ids and terms, never a secret or a letter.
pub(crate) type Facts = Vec<(String, String)>;

/// An act of this request.
pub(crate) fn act(
    asked: &Asked,
    actor: Actor,
    action: &str,
    tenancy: Option<&TenancyName>,
    target: String,
    facts: Facts,
) -> Act {
    let source = Source { address: Some(asked.client.address), ..Source::via(Via::Swarm) };
    Act { actor, source, action: action.to_owned(), tenancy: tenancy.cloned(), target, facts }
}

/// An act of a person.
pub(crate) fn act_of(
    asked: &Asked,
    caller: &Caller,
    action: &str,
    tenancy: &TenancyName,
    target: String,
    facts: Facts,
) -> Act {
    act(asked, Actor::Person(caller.name.clone()), action, Some(tenancy), target, facts)
}

/// Does `work` with its act in the log: noted before, ended after, with the facts that `told` finds in what came of it.
pub(crate) async fn record<T>(
    swarm: &Swarm,
    act: Act,
    work: impl Future<Output = Result<T, SwarmError>>,
    told: impl FnOnce(&T) -> Facts,
) -> Result<T, SwarmError> {
    let pending = swarm.audit.begin(act);
    let outcome = work.await;
    let ending = match &outcome {
        Ok(done) => Ending { facts: told(done), ..Ending::done() },
        Err(error) => Ending::with_error(error.outcome(), error.name()),
    };
    pending.end(ending).await.map_err(|error| SwarmError::Failed(format!("the audit log: {error}")))?;
    outcome
}

/// Nothing more became known.
pub(crate) const fn nothing<T>(_: &T) -> Facts {
    Vec::new()
}
