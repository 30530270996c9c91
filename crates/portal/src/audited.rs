//! Every form that changes something is recorded in the audit log before it is answered, with the person who sent it and
//! their address.
//!
//! One layer around all pages does it, so no form can go past it. What the act is called stands in [`ACTIONS`], by method
//! and route; `cargo xtask tidy` fails where a route that changes something has no line there. To whom it was done is what
//! the path and those fields of the form name that [`FACTS`] lists, and no others: forms hold passwords and letters.
//!
//! Nothing is recorded of a browser that is nobody's, but for log-ins: strangers could fill the log.

use audit::{Act, Actor, Ending, Outcome, Source, Via};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use types::{TenancyName, UserName};

use crate::error::PageError;
use crate::page::View;
use crate::pages::oidc::{self, Purpose};
use crate::{FORM_BYTES, Portal, signed_in};

/// What forms that change something are called, by method and route.
const ACTIONS: &[(&str, &str, &str)] = &[
    ("POST", "/login", "login.begin"),
    ("POST", "/confirm", "login.confirm"),
    ("GET", "/login/oidc/callback", "login.begin"),
    ("POST", "/logout", "login.end"),
    ("POST", "/logout/everywhere", "login.end-all"),
    ("POST", "/account/password", "user.set-password"),
    ("POST", "/object-stores/{tenancy}/keys/new", "key.create"),
    ("POST", "/object-stores/{tenancy}/keys/delete", "key.delete"),
    ("POST", "/_admin/portal/{tenancy}/tokens/add", "token.create"),
    ("POST", "/_admin/portal/{tenancy}/tokens/delete", "token.delete"),
    ("POST", "/object-stores/{tenancy}/buckets/create", "s3:CreateBucket"),
    ("POST", "/object-stores/{tenancy}/buckets/delete", "s3:DeleteBucket"),
    ("POST", "/object-stores/{tenancy}/buckets/versioning", "s3:PutBucketVersioning"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/policies/save", "s3:PutBucketPolicy"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/policies/delete", "s3:DeleteBucketPolicy"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/cors", "s3:PutBucketCors"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/index", "bucket.set-index"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/upload", "s3:PutObject"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/delete", "s3:DeleteObjects"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/undelete", "objects.undelete"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/delete-version", "s3:DeleteObject"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/restore", "object.restore"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/share", "object.share"),
    ("POST", "/services/{tenancy}/apply/{role}", "request.submit"),
    ("POST", "/services/new", "request.submit"),
    ("POST", "/services/{tenancy}/quota", "request.submit"),
    ("POST", "/services/{tenancy}/members/grant", "role.grant"),
    ("POST", "/services/{tenancy}/members/revoke", "role.revoke"),
    ("POST", "/services/{tenancy}/message", "message.send"),
    ("POST", "/inbox/read", "inbox.read"),
    ("POST", "/inbox/delete", "inbox.delete"),
    ("POST", "/inbox/preferences", "inbox.preferences"),
    ("POST", "/operate/tenancies/new", "tenancy.create"),
    ("POST", "/operate/tenancies/{tenancy}/change", "tenancy.set"),
    ("POST", "/operate/tenancies/{tenancy}/end", "tenancy.set"),
    ("POST", "/operate/tenancies/{tenancy}/delete", "tenancy.delete"),
    ("POST", "/operate/tenancies/{tenancy}/quotas/set", "quota.set"),
    ("POST", "/operate/tenancies/{tenancy}/members/grant", "role.grant"),
    ("POST", "/operate/tenancies/{tenancy}/members/revoke", "role.revoke"),
    ("POST", "/operate/people/{user}/suspend", "user.suspend"),
    ("POST", "/operate/people/{user}/reactivate", "user.reactivate"),
    ("POST", "/operate/people/{user}/end-logins", "session.end"),
    ("POST", "/operate/requests/{tenancy}/{number}/approve", "request.approve"),
    ("POST", "/operate/requests/{tenancy}/{number}/reject", "request.reject"),
    ("POST", "/operate/requests/{tenancy}/{number}/ask", "request.ask"),
    ("POST", "/operate/health/retry-mail", "mail.retry"),
    ("POST", "/requests/{tenancy}/{number}/approve", "request.approve"),
    ("POST", "/requests/{tenancy}/{number}/reject", "request.reject"),
    ("POST", "/requests/{tenancy}/{number}/ask", "request.ask"),
    ("POST", "/requests/{tenancy}/{number}/answer", "request.answer"),
    ("POST", "/requests/{tenancy}/{number}/withdraw", "request.withdraw"),
];

/// Forms that change nothing: they show what would be.
const READS: &[(&str, &str)] = &[
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/policies/new"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/policies/remove"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/policies/preview"),
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/ask-delete"),
    // What is done at the addresses is in the store's own logs.
    ("POST", "/object-stores/{tenancy}/buckets/{bucket}/objects/sign"),
];

/// Forms whose bodies are files: they go on as they come, and what they made is told by [`Made`].
const STREAMED: &[&str] = &["/object-stores/{tenancy}/buckets/{bucket}/objects/upload"];

/// What nobody has logged in for.
const LOG_IN: &str = "/login";
/// Coming back from the identity provider, which begins or confirms a login though it is a GET.
const COME_BACK: &str = "/login/oidc/callback";

/// The fields of forms that are recorded: names, ids and terms.
const FACTS: &[&str] = &[
    "action",
    "bucket",
    "bytes",
    "cors",
    "date",
    "default_policy",
    "ends",
    "expires",
    "folder",
    "index",
    "key",
    "manager",
    "objects",
    "of",
    "other_action",
    "quota",
    "role",
    "scope",
    "seconds",
    "soft_bytes",
    "soft_objects",
    "tenancy",
    "term",
    "until",
    "user",
    "version",
    "versioning",
];

/// The names of refusals that are not recorded: nothing was looked at, or nobody vouched for who it was.
const UNRECORDED: &[&str] =
    &[NOT_CONFIRMED, TOO_MANY_FAILURES, oidc::PROVIDER_REFUSED, oidc::PROVIDER_AWAY, oidc::PROVIDER_NOT_BELIEVED];

/// The browser was sent to confirm the password first.
pub(crate) const NOT_CONFIRMED: &str = "NotConfirmed";
/// The password was not looked at.
pub(crate) const TOO_MANY_FAILURES: &str = "TooManyFailures";

/// Among an answer's extensions: that nothing was done, and by which name of error.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NotDone(pub(crate) &'static str);

/// Among an answer's extensions: what was made, by its id.
#[derive(Clone, Debug)]
pub(crate) struct Made(pub(crate) String);

/// Among an answer's extensions: who has logged in.
#[derive(Clone, Debug)]
pub(crate) struct LoggedIn(pub(crate) UserName);

/// Every route that takes a form of fields, by its path: those that change something and those that show what would be.
#[cfg(test)]
pub(crate) fn form_routes() -> impl Iterator<Item = &'static str> {
    let changes = ACTIONS.iter().map(|(method, route, _)| (*method, *route));
    let all =
        changes.chain(READS.iter().copied()).filter(|(method, route)| *method == "POST" && !STREAMED.contains(route));
    all.map(|(_, route)| route)
}

/// Records a form, in the order: note the act, carry it out, record its end, answer.
pub(crate) async fn layer(
    State(portal): State<Portal>,
    matched: Option<MatchedPath>,
    request: Request,
    next: Next,
) -> Response {
    let route = match matched {
        Some(matched) if is_change(request.method(), matched.as_str()) => matched.as_str().to_owned(),
        // Reads, and what no page has.
        _ => return next.run(request).await,
    };
    let (mut parts, body) = request.into_parts();
    let view = View::of(&parts, &portal);
    let person = match signed_in::find(&view).await {
        Ok(signed_in) => signed_in.map(|signed_in| signed_in.user),
        Err(error) => return error.answer(&view),
    };
    if person.is_none() && route != LOG_IN && route != COME_BACK {
        return next.run(Request::from_parts(parts, body)).await;
    }
    let parameters = match RawPathParams::from_request_parts(&mut parts, &()).await {
        Ok(all) => all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        Err(_) => Vec::new(),
    };
    let (form, body) = if STREAMED.contains(&route.as_str()) {
        (Bytes::new(), body)
    } else {
        let Ok(form) = to_bytes(body, FORM_BYTES).await else { return PageError::FormTooLarge.answer(&view) };
        (form.clone(), Body::from(form))
    };
    let act = act(&view, &parts.method, &route, person, parameters, &form).await;
    let pending = portal.audit.begin(act);
    let response = next.run(Request::from_parts(parts, body)).await;
    let Some(ending) = ending(&response, &view) else {
        pending.forget();
        return response;
    };
    match pending.end(ending).await {
        Ok(_) => response,
        Err(error) => PageError::Failed(format!("the audit log: {error}")).answer(&view),
    }
}

fn is_change(method: &Method, route: &str) -> bool {
    route == COME_BACK || (!matches!(*method, Method::GET | Method::HEAD) && !READS.contains(&(method.as_str(), route)))
}

async fn act(
    view: &View,
    method: &Method,
    route: &str,
    person: Option<UserName>,
    parameters: Vec<(String, String)>,
    form: &Bytes,
) -> Act {
    let action = ACTIONS.iter().find(|(of, at, _)| *of == method.as_str() && *at == route).map(|(_, _, name)| *name);
    // A route without a line is recorded all the same, under its own name.
    let action = match oidc::purpose(view).filter(|_| route == COME_BACK) {
        Some(Purpose::Confirm) => "login.confirm".to_owned(),
        _ => action.map_or_else(|| format!("{method} {route}"), str::to_owned),
    };
    let fields: Vec<(String, String)> = serde_html_form::from_bytes(form).unwrap_or_default();
    let mut target = target(route, &parameters);
    if route == LOG_IN {
        let claimed = fields.iter().find(|(name, _)| name == "name").map(|(_, name)| name.trim());
        if let Some(user) = known(view, claimed).await {
            target = format!("{target} {user}");
        }
    }
    let tenancy = parameters.iter().chain(&fields).find(|(name, _)| name == "tenancy").map(|(_, value)| value);
    Act {
        actor: person.map_or(Actor::Anonymous, Actor::Person),
        source: Source { address: Some(view.visitor.address), ..Source::via(Via::Portal) },
        action,
        tenancy: tenancy.and_then(|name| TenancyName::new(name).ok()),
        target,
        facts: fields.into_iter().filter(|(name, fact)| FACTS.contains(&name.as_str()) && !fact.is_empty()).collect(),
    }
}

/// The person of this name. What is no person's name may be a password that was typed into the wrong field.
async fn known(view: &View, name: Option<&str>) -> Option<UserName> {
    let name = UserName::new(name?).ok()?;
    view.portal.identity.standing(&name).await.ok().flatten().map(|standing| standing.user.name.clone())
}

/// What the path names, as in `object-stores ceda-o keys delete`.
fn target(route: &str, parameters: &[(String, String)]) -> String {
    let words = route.split('/').filter(|word| !word.is_empty()).map(|word| {
        let name = word.strip_prefix('{').and_then(|word| word.strip_suffix('}'));
        let value = name.and_then(|name| parameters.iter().find(|(of, _)| of == name));
        value.map_or(word, |(_, value)| value.as_str())
    });
    words.collect::<Vec<_>>().join(" ")
}

/// How a form ended; `None` where that is not recorded.
fn ending(response: &Response, view: &View) -> Option<Ending> {
    let Some(NotDone(error)) = response.extensions().get::<NotDone>() else {
        let made = response.extensions().get::<Made>().map(|Made(id)| ("id".to_owned(), id.clone()));
        let user = response.extensions().get::<LoggedIn>().map(|LoggedIn(user)| ("user".to_owned(), user.to_string()));
        return Some(Ending { facts: made.into_iter().chain(user).collect(), ..Ending::done() });
    };
    let is_strangers = view.login_token().is_none() && *error == PageError::FormForged.name();
    if UNRECORDED.contains(error) || is_strangers {
        return None;
    }
    let outcome = if response.status().is_server_error() { Outcome::Failed } else { Outcome::Refused };
    Some(Ending::with_error(outcome, error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_actions_are_one_of_a_kind() {
        let mut seen = std::collections::BTreeSet::new();
        for (method, route, action) in ACTIONS {
            assert!(seen.insert((method, route)), "{method} {route} stands twice");
            assert!(action.contains(['.', ':']), "{action}");
        }
    }

    #[test]
    fn no_fact_is_a_secret_or_a_letter() {
        for name in ["password", "again", "reason", "internal", "comment", "description", "csrf", "subject", "body"] {
            assert!(!FACTS.contains(&name), "{name} is not recorded");
        }
        let parameters = [("tenancy".to_owned(), "t-o".to_owned())];
        assert_eq!(target("/object-stores/{tenancy}/keys/delete", &parameters), "object-stores t-o keys delete");
    }
}
