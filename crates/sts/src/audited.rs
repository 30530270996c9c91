//! What the audit log holds of this service: each session that was made, for whom, by which proof, with which power and until
//! when. Who was refused one is in the access log.

use std::net::IpAddr;

use audit::{Act, Actor, Source, Via};
use identity::SessionInfo;

use crate::actions::Action;

/// The act of making a session.
pub(crate) fn act(action: Action, session: &SessionInfo, address: IpAddr, request_id: &str) -> Act {
    let mut facts = vec![("name", session.name.clone()), ("expires", session.expires.to_string())];
    facts.extend(session.role.map(|role| ("role", role.to_string())));
    if !session.policies.is_empty() {
        facts.push(("policies", session.policies.len().to_string()));
    }
    Act {
        actor: Actor::Person(session.owner.clone()),
        source: Source {
            address: Some(address),
            key: session.key.clone(),
            request: Some(request_id.to_owned()),
            ..Source::via(Via::Sts)
        },
        action: format!("sts:{}", action.name()),
        tenancy: Some(session.tenancy.clone()),
        target: format!("session {}", session.id),
        facts: facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect(),
    }
}
