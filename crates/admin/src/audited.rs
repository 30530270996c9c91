//! Every call that changes something is recorded in the audit log before it is answered.
//!
//! One layer around the whole router does it, so no call can go past it: whatever is not GET or HEAD is an act. What the
//! act is called stands in [`ACTIONS`], by method and route; `cargo xtask tidy` fails where a route that changes something
//! has no line there. To whom it was done is what the path names, and what it was done with are those fields of request and
//! answer that [`FACTS`] names, and no others: bodies hold secrets.

use std::collections::BTreeMap;

use audit::{Act, Actor, Ending, Outcome, Source, Via};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::{Method, StatusCode};
use serde_json::{Map, Value};
use types::TenancyName;

use crate::BODY_BYTES;
use crate::error::{ApiError, ErrorBody};
use crate::state::AdminState;

/// What calls that change something are called, by method and route.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("POST", "/v1/tenancies", "tenancy.create"),
    ("PATCH", "/v1/tenancies/{name}", "tenancy.set"),
    ("DELETE", "/v1/tenancies/{name}", "tenancy.delete"),
    ("POST", "/v1/users", "user.create"),
    ("DELETE", "/v1/users/{name}", "user.delete"),
    ("POST", "/v1/users/{name}/disable", "user.disable"),
    ("POST", "/v1/users/{name}/enable", "user.enable"),
    ("POST", "/v1/users/{name}/suspend", "user.suspend"),
    ("POST", "/v1/users/{name}/reactivate", "user.reactivate"),
    ("PUT", "/v1/users/{name}/password", "user.set-password"),
    ("PUT", "/v1/users/{name}/email", "user.set-email"),
    ("PUT", "/v1/tenancies/{tenancy}/roles/{user}", "role.grant"),
    ("POST", "/v1/tenancies/{tenancy}/roles/{user}/renew", "role.renew"),
    ("POST", "/v1/tenancies/{tenancy}/roles/{user}/revoke", "role.revoke"),
    ("POST", "/v1/requests", "request.submit"),
    ("POST", "/v1/requests/{tenancy}/{number}/approve", "request.approve"),
    ("POST", "/v1/requests/{tenancy}/{number}/reject", "request.reject"),
    ("POST", "/v1/requests/{tenancy}/{number}/ask", "request.ask"),
    ("POST", "/v1/requests/{tenancy}/{number}/answer", "request.answer"),
    ("POST", "/v1/requests/{tenancy}/{number}/withdraw", "request.withdraw"),
    ("POST", "/v1/tenancies/{tenancy}/messages", "message.send"),
    ("PUT", "/v1/tenancies/{tenancy}/buckets/{bucket}/owner", "bucket.set-owner"),
    ("PUT", "/v1/tenancies/{tenancy}/buckets/{bucket}/index", "bucket.set-index"),
    ("PUT", "/v1/tenancies/{tenancy}/quota", "quota.set"),
    ("POST", "/v1/keys", "key.create"),
    ("DELETE", "/v1/keys/{id}", "key.delete"),
    ("DELETE", "/v1/sessions/{user}", "session.end"),
    ("PUT", "/v1/tenancies/{tenancy}/buckets/{bucket}/policy", "policy.put"),
    ("DELETE", "/v1/tenancies/{tenancy}/buckets/{bucket}/policy", "policy.delete"),
    ("POST", "/v1/directory/repair", "directory.repair"),
    ("DELETE", "/v1/inbox/{id}", "inbox.delete"),
    ("POST", "/v1/inbox/{id}/read", "inbox.read"),
    ("PUT", "/v1/inbox/preferences", "inbox.preferences"),
    ("POST", "/v1/mail/retry", "mail.retry"),
    ("POST", "/v1/mail/test", "mail.test"),
    ("POST", "/v1/demo", "demo.create"),
    ("DELETE", "/v1/maintenance", "maintenance.stop"),
    ("POST", "/v1/maintenance/scrub", "maintenance.scrub"),
    ("POST", "/v1/maintenance/backup", "maintenance.backup"),
];

/// Calls that change nothing, and are sent with POST because they carry a document.
const READS: &[(&str, &str)] =
    &[("POST", "/v1/tenancies/{tenancy}/buckets/{bucket}/policy/explain"), ("POST", "/v1/policies/lint")];

/// The fields of bodies that are recorded, at whatever depth of one object: names, ids and limits, never a text that somebody
/// wrote to somebody, and never a secret.
const FACTS: &[&str] = &[
    "access_key",
    "action",
    "as",
    "at_most",
    "bucket",
    "default_policy",
    "directory",
    "ends",
    "expires",
    "hard_bytes",
    "id",
    "kind",
    "manager",
    "name",
    "objects",
    "owner",
    "public_index",
    "quota_bytes",
    "role",
    "soft_bytes",
    "status",
    "tenancy",
    "until",
    "user",
];

/// The largest answer that facts are taken from, in bytes; none that a change gives is longer.
const ANSWER_BYTES: usize = 1024 * 1024;

/// Who opened the connection that a request came on. The server puts it into the request's extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct SocketPeer {
    /// The user of the machine, where the system says.
    pub uid: Option<u32>,
}

/// Records a call that changes something, in the order: note the act, carry it out, record its end, answer.
pub(crate) async fn layer(
    State(state): State<AdminState>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let route = match matched {
        Some(matched) if is_change(request.method(), matched.as_str()) => matched.as_str().to_owned(),
        // Reads, and what no handler has.
        _ => return next.run(request).await,
    };
    let (mut parts, body) = request.into_parts();
    let parameters = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(all) => all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        Err(_) => Vec::new(),
    };
    let body = match to_bytes(body, BODY_BYTES).await {
        Ok(body) => body,
        Err(_) => return ApiError::invalid(format!("a request has at most {BODY_BYTES} bytes"), "").into_response(),
    };
    let facts = facts_of(&body);
    let uid = parts.extensions.get::<SocketPeer>().and_then(|peer| peer.uid);
    let act = act(&parts.method, &route, &parameters, uid, facts);
    let pending = state.audit.begin(act);
    let (ending, response) = ended(next.run(Request::from_parts(parts, Body::from(body))).await).await;
    match pending.end(ending).await {
        Ok(_) => response,
        Err(error) => ApiError::unrecorded(&error).into_response(),
    }
}

fn is_change(method: &Method, route: &str) -> bool {
    !matches!(*method, Method::GET | Method::HEAD) && !READS.contains(&(method.as_str(), route))
}

fn act(
    method: &Method,
    route: &str,
    parameters: &[(String, String)],
    uid: Option<u32>,
    facts: BTreeMap<String, String>,
) -> Act {
    let action = ACTIONS.iter().find(|(of, at, _)| *of == method.as_str() && *at == route).map(|(_, _, name)| *name);
    // A route without a line is recorded all the same, under its own name.
    let action = action.map_or_else(|| format!("{method} {route}"), str::to_owned);
    let tenancy = parameter(parameters, "tenancy")
        .or_else(|| route.starts_with("/v1/tenancies/{name}").then(|| parameter(parameters, "name")).flatten())
        .or_else(|| facts.get("tenancy").map(String::as_str))
        .or_else(|| (route == "/v1/tenancies").then(|| facts.get("name").map(String::as_str)).flatten());
    Act {
        actor: Actor::Operator,
        source: Source { uid, ..Source::via(Via::Socket) },
        tenancy: tenancy.and_then(|name| TenancyName::new(name).ok()),
        target: target(route, parameters, &facts),
        action,
        facts: facts.into_iter().collect(),
    }
}

fn parameter<'a>(parameters: &'a [(String, String)], name: &str) -> Option<&'a str> {
    parameters.iter().find(|(of, _)| of == name).map(|(_, value)| value.as_str())
}

/// What the path names, as in `tenancies ceda-o roles ann`; where it names nothing, what the body does.
fn target(route: &str, parameters: &[(String, String)], facts: &BTreeMap<String, String>) -> String {
    let words = route.trim_start_matches("/v1/").split('/').map(|word| {
        let name = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
        name.map_or(word, |name| parameter(parameters, name.trim_start_matches('*')).unwrap_or(word))
    });
    let mut target = words.collect::<Vec<_>>().join(" ");
    if parameters.is_empty() {
        for name in ["name", "owner", "user"] {
            if let Some(named) = facts.get(name) {
                target = format!("{target} {named}");
                break;
            }
        }
    }
    target
}

/// How a call ended, with the facts of its answer, and the answer.
async fn ended(response: Response) -> (Ending, Response) {
    let (parts, body) = response.into_parts();
    let Ok(body) = to_bytes(body, ANSWER_BYTES).await else {
        let failed = Ending::with_error(Outcome::Failed, "AnswerTooLarge");
        return (failed, StatusCode::INTERNAL_SERVER_ERROR.into_response());
    };
    let ending = if parts.status.is_success() {
        Ending { facts: facts_of(&body).into_iter().collect(), ..Ending::done() }
    } else {
        let outcome = if parts.status.is_server_error() { Outcome::Failed } else { Outcome::Refused };
        let error = serde_json::from_slice::<ErrorBody>(&body).map(|body| body.error.code);
        Ending::with_error(outcome, &error.unwrap_or_else(|_| parts.status.as_str().to_owned()))
    };
    (ending, Response::from_parts(parts, Body::from(body)))
}

/// The fields of a body that are recorded. One that is no JSON object has none.
fn facts_of(body: &Bytes) -> BTreeMap<String, String> {
    let mut facts = BTreeMap::new();
    if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
        collect(&object, &mut facts);
    }
    facts
}

fn collect(object: &Map<String, Value>, facts: &mut BTreeMap<String, String>) {
    for (name, value) in object {
        if let Value::Object(inner) = value {
            collect(inner, facts);
        }
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            Value::Bool(flag) => flag.to_string(),
            Value::Null | Value::Array(_) | Value::Object(_) => continue,
        };
        if FACTS.contains(&name.as_str()) {
            facts.entry(name.clone()).or_insert(text);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_actions_are_one_of_a_kind() {
        let mut seen = std::collections::BTreeSet::new();
        for (method, route, action) in ACTIONS {
            assert!(seen.insert((method, route)), "{method} {route} stands twice");
            assert!(
                action.split_once('.').is_some_and(|(noun, verb)| !noun.is_empty() && !verb.is_empty()),
                "{action}"
            );
        }
    }

    #[test]
    fn facts_are_names_and_limits_and_never_secrets() {
        let body = r#"{"name":"ann","password":"p4ss","secret":"s3cret","role":"USER","quota_bytes":5,"expires":null,
            "description":"long story","reason":"private","key":{"id":"abc","secret":"s3cret"},"body":"text"}"#;
        let facts = facts_of(&Bytes::from_static(body.as_bytes()));
        let texts: Vec<_> = facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
        assert_eq!(texts, ["id=abc", "name=ann", "quota_bytes=5", "role=USER"]);
        for name in ["password", "secret", "body", "comment", "description", "reason", "email", "subject", "token"] {
            assert!(!FACTS.contains(&name), "{name} is not recorded");
        }
    }

    #[test]
    fn targets_are_what_paths_and_bodies_name() {
        let given = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        for (method, route, parameters, facts, tenancy, target, action) in [
            (
                "PUT",
                "/v1/tenancies/{tenancy}/roles/{user}",
                given(&[("tenancy", "t"), ("user", "ann")]),
                given(&[("role", "USER")]),
                Some("t"),
                "tenancies t roles ann",
                "role.grant",
            ),
            ("POST", "/v1/tenancies", vec![], given(&[("name", "t")]), Some("t"), "tenancies t", "tenancy.create"),
            (
                "DELETE",
                "/v1/tenancies/{name}",
                given(&[("name", "t")]),
                vec![],
                Some("t"),
                "tenancies t",
                "tenancy.delete",
            ),
            ("DELETE", "/v1/users/{name}", given(&[("name", "ann")]), vec![], None, "users ann", "user.delete"),
            (
                "POST",
                "/v1/keys",
                vec![],
                given(&[("owner", "ann"), ("tenancy", "t")]),
                Some("t"),
                "keys ann",
                "key.create",
            ),
            ("PUT", "/v1/new/{x}", given(&[("x", "y")]), vec![], None, "new y", "PUT /v1/new/{x}"),
        ] {
            let method = Method::from_bytes(method.as_bytes()).expect("a method");
            let act = act(&method, route, &parameters, Some(7), facts.into_iter().collect());
            assert_eq!((act.action.as_str(), act.target.as_str()), (action, target));
            assert_eq!(act.tenancy.as_ref().map(TenancyName::as_str), tenancy, "{route}");
            assert_eq!(act.source.uid, Some(7));
        }
    }
}
