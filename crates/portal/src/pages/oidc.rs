//! Logging in, and showing who one is again, by way of the OpenID Connect provider.
//!
//! The browser is sent there with a `state`, a `nonce` and the digest of a verifier (PKCE), which wait here in a cookie that
//! lives some minutes and that no page reads. It comes back to one address for both; the cookie says for which. Who comes
//! back must be known here, and may do what their roles say: the provider vouches for the name, and for groups that policies
//! may name, as in sessions of the Security Token Service.

use axum::Router;
use axum::extract::Query;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::StatusCode;
use identity::session::MAX_GROUPS;
use identity::{UserStatus, Vouched};
use identity_oidc::{OidcError, Prompt, Provider, VerifiedIdentity};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use subtle::ConstantTimeEq as _;
use types::Timestamp;

use super::confirm;
use super::log_in::{self, Refusal};
use crate::Portal;
use crate::audited::{LoggedIn, NotDone};
use crate::error::PageError;
use crate::page::{View, with_cookie};
use crate::signed_in::{self, SignedIn, safe_next};

/// Where the provider sends browsers back to, below the portal's address.
const CALLBACK: &str = "/login/oidc/callback";
/// How long ago, in seconds, the provider may have asked for the password of who shows again who they are. It has the time
/// that a slow person needs, and the difference of the clocks.
const FRESH_SECONDS: u64 = 300;
/// The longest path that the browser is sent on to afterwards; a longer one is forgotten.
const NEXT_BYTES: usize = 1024;

/// The provider did not let the person in.
pub(crate) const PROVIDER_REFUSED: &str = "ProviderRefused";
/// The provider did not answer.
pub(crate) const PROVIDER_AWAY: &str = "ProviderAway";
/// What the provider said was not believed.
pub(crate) const PROVIDER_NOT_BELIEVED: &str = "ProviderNotBelieved";

/// What a browser was sent to the provider for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Purpose {
    LogIn,
    Confirm,
}

/// A browser that was sent to the provider, as its cookie has it.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Begun {
    purpose: Purpose,
    state: String,
    nonce: String,
    verifier: String,
    next: String,
}

#[derive(Deserialize)]
struct Next {
    next: Option<String>,
}

/// What the browser brings back.
#[derive(Deserialize)]
struct Answer {
    #[serde(default)]
    state: String,
    #[serde(default)]
    code: String,
    #[serde(default)]
    error: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/login/oidc", get(log_in))
        .route("/confirm/oidc", get(confirm_again))
        .route("/login/oidc/callback", get(come_back))
}

/// What the browser that comes back was sent for; `None` where it was not sent.
pub(crate) fn purpose(view: &View) -> Option<Purpose> {
    Begun::parse(view.oidc()?).map(|begun| begun.purpose)
}

impl Begun {
    fn parse(text: &str) -> Option<Self> {
        let parts: Vec<_> = text.split('.').collect();
        let [purpose, state, nonce, verifier, next] = parts.try_into().ok()?;
        let purpose = match purpose {
            "log-in" => Purpose::LogIn,
            "confirm" => Purpose::Confirm,
            _ => return None,
        };
        let next = String::from_utf8(hex::decode(next).ok()?).ok()?;
        let [state, nonce, verifier] = [state, nonce, verifier].map(str::to_owned);
        Some(Self { purpose, state, nonce, verifier, next })
    }

    /// In characters that cookies take.
    fn text(&self) -> String {
        let purpose = match self.purpose {
            Purpose::LogIn => "log-in",
            Purpose::Confirm => "confirm",
        };
        [purpose, &self.state, &self.nonce, &self.verifier, &hex::encode(&self.next)].join(".")
    }
}

async fn log_in(view: View, Query(Next { next }): Query<Next>) -> Result<Response, PageError> {
    begin(view, next.as_deref(), Purpose::LogIn).await
}

async fn confirm_again(view: View, _: SignedIn, Query(Next { next }): Query<Next>) -> Result<Response, PageError> {
    begin(view, next.as_deref(), Purpose::Confirm).await
}

async fn begin(view: View, next: Option<&str>, purpose: Purpose) -> Result<Response, PageError> {
    let provider = view.portal.oidc.clone().ok_or(PageError::NotFound)?;
    let next = safe_next(next.filter(|next| next.len() <= NEXT_BYTES)).to_owned();
    let prompt = if purpose == Purpose::Confirm { Prompt::LogIn } else { Prompt::AsNeeded };
    let asked = provider.authorization_request(&redirect_uri(&view), prompt, &*view.portal.entropy).await;
    match asked {
        Ok(request) => {
            let verifier = request.verifier.to_string();
            let begun = Begun { purpose, state: request.state, nonce: request.nonce, verifier, next };
            Ok(with_cookie(Redirect::to(&request.url).into_response(), Some(view.set_oidc(&begun.text()))))
        }
        Err(error) => Ok(log_in::ask(view, next, String::new(), Some(refusal(&error)))),
    }
}

/// The address that the provider must know.
fn redirect_uri(view: &View) -> String {
    let own = || {
        let scheme = if view.visitor.tls { "https" } else { "http" };
        format!("{scheme}://{}", view.host.as_deref().unwrap_or("localhost"))
    };
    let portal = view.portal.site.url.as_deref().map_or_else(own, |url| url.trim_end_matches('/').to_owned());
    format!("{portal}{CALLBACK}")
}

async fn come_back(view: View, Query(answer): Query<Answer>) -> Result<Response, PageError> {
    let provider = view.portal.oidc.clone().ok_or(PageError::NotFound)?;
    let forgotten = view.clear_oidc();
    let begun = view.oidc().and_then(Begun::parse);
    let begun = begun.filter(|begun| begun.state.as_bytes().ct_eq(answer.state.as_bytes()).into());
    let Some(begun) = begun else {
        // It was not sent from here, or too long ago.
        return Ok(with_cookie(PageError::FormForged.into_response(), Some(forgotten)));
    };
    let response = match verified(&provider, &view, &begun, &answer).await {
        Ok(identity) if begun.purpose == Purpose::LogIn => logged_in(view, &begun, identity).await,
        Ok(identity) => confirmed(view, &begun, &identity).await,
        Err(refusal) => Ok(log_in::ask(view, begun.next, String::new(), Some(refusal))),
    };
    Ok(with_cookie(response.into_response(), Some(forgotten)))
}

async fn verified(
    provider: &Provider,
    view: &View,
    begun: &Begun,
    answer: &Answer,
) -> Result<VerifiedIdentity, Refusal> {
    if !answer.error.is_empty() || answer.code.is_empty() {
        let text = "You were not logged in there, or did not allow it. Nothing was changed.";
        return Err(refused(StatusCode::UNAUTHORIZED, PROVIDER_REFUSED, text));
    }
    let exchanged = provider.exchange(&answer.code, &redirect_uri(view), &begun.verifier, &begun.nonce).await;
    exchanged.map_err(|error| refusal(&error))
}

async fn logged_in(view: View, begun: &Begun, identity: VerifiedIdentity) -> Result<Response, PageError> {
    let (portal, next) = (view.portal.clone(), safe_next(Some(&begun.next)).to_owned());
    let standing = portal.identity.standing(&identity.user).await?;
    let standing = standing.filter(|standing| standing.user.status == UserStatus::Active);
    let Some(standing) = standing else {
        let text = "Nobody of this name is known here, or they are disabled. Please write to the operators.";
        let refusal = refused(StatusCode::FORBIDDEN, "NoSuchUser", text);
        return Ok(log_in::ask(view, next, String::new(), Some(refusal)));
    };
    if standing.suspension.is_some() {
        return Ok(log_in::ask(view, next, String::new(), Some(Refusal::suspended())));
    }
    let (user, source) = (&standing.user.name, view.visitor.address.to_string());
    let vouched = Vouched { confirmed: identity.authenticated, groups: counted(identity.groups) };
    let (token, _) = portal.identity.begin_vouched_login(user, &source, vouched).await?;
    let mut response = with_cookie(onward(&next), Some(view.set_login(&token)));
    response.extensions_mut().insert(LoggedIn(user.clone()));
    Ok(response)
}

/// The groups that the login has: all of them, or none where they are more than a session takes. A part of them would be
/// neither what the provider said nor what anybody expects.
fn counted(groups: Vec<String>) -> Vec<String> {
    if groups.len() <= MAX_GROUPS {
        return groups;
    }
    let count = groups.len();
    tracing::warn!(count, limit = MAX_GROUPS, "the identity provider names too many groups, and none of them count");
    Vec::new()
}

/// Sends the browser on. It came from another site, and our cookies go along because they are `Lax`.
fn onward(next: &str) -> Response {
    Redirect::to(next).into_response()
}

async fn confirmed(view: View, begun: &Begun, identity: &VerifiedIdentity) -> Result<Response, PageError> {
    let Some(signed_in) = signed_in::find(&view).await? else {
        let next = utf8_percent_encode(&begun.next, NON_ALPHANUMERIC);
        let mut response = onward(&format!("/login?next={next}"));
        response.extensions_mut().insert(NotDone("NotLoggedIn"));
        return Ok(response);
    };
    let refusal = if identity.user != signed_in.user {
        Some(("OtherPerson", "That was another person there. Log in as yourself, or give your password here."))
    } else if is_fresh(identity.authenticated, view.portal.clock.now()) {
        None
    } else {
        let text = "You were not asked for your password there, or that was too long ago. Give it here.";
        Some(("NotFresh", text))
    };
    if let Some((name, text)) = refusal {
        let refusal = refused(StatusCode::UNAUTHORIZED, name, text);
        return Ok(confirm::ask(&view, &signed_in, Some(&begun.next), Some(refusal)));
    }
    view.portal.identity.confirm_login(&signed_in.token).await?;
    Ok(onward(safe_next(Some(&begun.next))))
}

fn is_fresh(authenticated: Option<Timestamp>, now: Timestamp) -> bool {
    authenticated.is_some_and(|moment| now <= moment.plus_secs(FRESH_SECONDS))
}

fn refused(status: StatusCode, name: &'static str, text: &str) -> Refusal {
    Refusal { status, name, text: text.to_owned() }
}

fn refusal(error: &OidcError) -> Refusal {
    if let OidcError::Away(reason) = error {
        tracing::warn!(reason, "the identity provider does not answer");
        let text = "The identity provider can not be reached now. Log in with your password, or try again in a minute.";
        return refused(StatusCode::SERVICE_UNAVAILABLE, PROVIDER_AWAY, text);
    }
    tracing::warn!(%error, "the identity provider's word was not taken");
    let text = "What the identity provider said can not be accepted. If it goes on, please tell the operators.";
    refused(StatusCode::UNAUTHORIZED, PROVIDER_NOT_BELIEVED, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_in_the_cookie_comes_back_whole() {
        let begun = Begun {
            purpose: Purpose::Confirm,
            state: "s-_1".to_owned(),
            nonce: "n".to_owned(),
            verifier: "v".to_owned(),
            next: "/operate/audit/?a=b.c;d".to_owned(),
        };
        assert_eq!(Begun::parse(&begun.text()), Some(begun.clone()));
        assert!(begun.text().bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)), "{}", begun.text());
        for bad in ["", "log-in.a.b.c", "other.a.b.c.2f", "log-in.a.b.c.zz", "log-in.a.b.c.2f.d"] {
            assert_eq!(Begun::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn all_groups_count_or_none() {
        let groups = |count: usize| (0..count).map(|number| number.to_string()).collect::<Vec<_>>();
        for (said, expected) in [(0, 0), (1, 1), (MAX_GROUPS, MAX_GROUPS), (MAX_GROUPS + 1, 0)] {
            assert_eq!(counted(groups(said)), groups(expected));
        }
    }

    #[test]
    fn only_a_password_of_just_now_is_fresh() {
        let now = Timestamp::from_secs(10_000);
        for (authenticated, expected) in [
            (None, false),
            (Some(now), true),
            (Some(Timestamp::from_secs(10_000 - FRESH_SECONDS)), true),
            (Some(Timestamp::from_secs(9_999 - FRESH_SECONDS)), false),
        ] {
            assert_eq!(is_fresh(authenticated, now), expected, "{authenticated:?}");
        }
    }
}
