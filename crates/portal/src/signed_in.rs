//! Whose browser it is.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use axum::response::{IntoResponse, Redirect, Response};
use http::Method;
use http::request::Parts;
use identity::{Login, LoginToken, Standing, UserStatus};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use policy::{Principal, Role};
use types::{TenancyName, UserName};

use crate::Portal;
use crate::acting::Acting;
use crate::audited::{NOT_CONFIRMED, NotDone};
use crate::badges::{self, Badges};
use crate::error::PageError;
use crate::page::View;

/// A person who has logged in, and may still do so.
#[derive(Clone)]
pub(crate) struct SignedIn {
    pub(crate) user: UserName,
    pub(crate) login: Login,
    pub(crate) token: LoginToken,
    pub(crate) standing: Arc<Standing>,
    /// Whether they run the installation.
    pub(crate) operates: bool,
    /// What the head of a page tells them; nothing where no page is shown.
    pub(crate) badges: Badges,
}

/// A person who has logged in and gave the password not long ago: for keys and permissions.
#[derive(Clone)]
pub(crate) struct Confirmed(pub(crate) SignedIn);

/// An operator who has logged in. To everybody else their pages are not there.
#[derive(Clone)]
pub(crate) struct Operator(pub(crate) SignedIn);

/// An operator who gave the password not long ago: for whatever changes something.
#[derive(Clone)]
pub(crate) struct ConfirmedOperator(pub(crate) SignedIn);

/// A tenancy that the person belongs to.
pub(crate) struct Member {
    pub(crate) principal: Arc<Principal>,
    pub(crate) role: Role,
}

impl SignedIn {
    /// They themselves, with what their roles allow.
    pub(crate) fn as_person(&self) -> Acting {
        Acting::Person(self.user.clone())
    }

    /// The person in a tenancy that they hold a role in now.
    ///
    /// # Errors
    /// [`PageError::NotFound`] for others, whether there is such a tenancy or not.
    pub(crate) fn member_of(&self, portal: &Portal, tenancy: &TenancyName) -> Result<Member, PageError> {
        let principal = portal.access.principal_for_login(&self.standing, &self.login.groups, tenancy);
        let principal = principal.ok_or(PageError::NotFound)?;
        let role = principal.role.ok_or(PageError::NotFound)?;
        Ok(Member { principal, role })
    }
}

impl Member {
    /// Whether they decide for others in the tenancy.
    pub(crate) fn manages(&self) -> bool {
        matches!(self.role, Role::Manager | Role::Deputy)
    }
}

impl FromRequestParts<Portal> for SignedIn {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Response> {
        let view = View::of(parts, portal);
        match find(&view).await {
            Ok(Some(signed_in)) if parts.method == Method::GET => {
                let badges = badges::of(portal, &signed_in).await;
                Ok(Self { badges, ..signed_in })
            }
            Ok(Some(signed_in)) => Ok(signed_in),
            Ok(None) => Err(ask("/login", &parts.method, &view, NotDone("NotLoggedIn"))),
            Err(error) => Err(error.into_response()),
        }
    }
}

impl FromRequestParts<Portal> for Confirmed {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.login.is_confirmed(portal.clock.now()) {
            return Ok(Self(signed_in));
        }
        Err(ask("/confirm", &parts.method, &View::of(parts, portal), NotDone(NOT_CONFIRMED)))
    }
}

impl FromRequestParts<Portal> for Operator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Response> {
        let signed_in = SignedIn::from_request_parts(parts, portal).await?;
        if signed_in.operates { Ok(Self(signed_in)) } else { Err(PageError::NotFound.into_response()) }
    }
}

impl FromRequestParts<Portal> for ConfirmedOperator {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, portal: &Portal) -> Result<Self, Response> {
        let Operator(_) = Operator::from_request_parts(parts, portal).await?;
        Confirmed::from_request_parts(parts, portal).await.map(|Confirmed(signed_in)| Self(signed_in))
    }
}

/// Who is signed in; nobody where the login has ended or the person may not log in any more.
pub(crate) async fn find(view: &View) -> Result<Option<SignedIn>, PageError> {
    let identity = &view.portal.identity;
    let Some(token) = view.login_token() else { return Ok(None) };
    let Some(login) = identity.login(&token).await? else { return Ok(None) };
    let Some(standing) = identity.standing(&login.user).await? else { return Ok(None) };
    let active = standing.user.status == UserStatus::Active && standing.suspension.is_none();
    let was_ended = standing.sessions_ended.is_some_and(|until| login.began <= until);
    let operates = view.portal.operators.includes(&standing);
    let badges = Badges::default();
    Ok((active && !was_ended).then(|| SignedIn { user: login.user.clone(), login, token, standing, operates, badges }))
}

/// Sends the browser to a page that asks for the password, and back afterwards. A form is not sent again: its page is
/// shown anew.
fn ask(path: &str, method: &Method, view: &View, not_done: NotDone) -> Response {
    let back = if method == Method::GET { view.path.as_str() } else { parent(&view.path) };
    let next = utf8_percent_encode(back, NON_ALPHANUMERIC);
    let mut response = Redirect::to(&format!("{path}?next={next}")).into_response();
    response.extensions_mut().insert(not_done);
    response
}

/// The page that holds a form: forms go to paths below it.
fn parent(path: &str) -> &str {
    let path = path.split('?').next().unwrap_or(path);
    path.rfind('/').map_or("/", |slash| &path[..=slash])
}

/// Where to go after a password was given: only to a path of ours, so that no link leads elsewhere by way of here.
pub(crate) fn safe_next(next: Option<&str>) -> &str {
    let ours = |path: &&str| {
        path.starts_with('/') && !path.starts_with("//") && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
    };
    next.filter(ours).unwrap_or("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_pages_are_gone_to() {
        for (next, expected) in [
            (Some("/object-stores/a-o/keys"), "/object-stores/a-o/keys"),
            (Some("/a?b=c&d"), "/a?b=c&d"),
            (Some("//evil.example"), "/"),
            (Some("/\\evil.example"), "/"),
            (Some("https://evil.example"), "/"),
            (Some("/a\r\nSet-Cookie: x"), "/"),
            (Some("/\t/evil.example"), "/"),
            (Some(""), "/"),
            (None, "/"),
        ] {
            assert_eq!(safe_next(next), expected, "{next:?}");
        }
        assert_eq!(parent("/object-stores/a-o/keys/delete?x=y"), "/object-stores/a-o/keys/");
    }
}
