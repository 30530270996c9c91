//! The members of a tenancy: who holds which role, granting one, taking one away. For those who lead it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use identity::authority::Act;
use identity::term::Term;
use identity::{Actor, NewRole, Revocation};
use policy::Role;
use serde::Deserialize;
use types::{TenancyName, UserName};

use super::requests::{end_of, term_words};
use super::service::GrantRow;
use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::signed_in::SignedIn;

/// The most grants on the page.
const SHOWN: usize = 1000;

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    layout: Layout,
    name: String,
    members: Vec<Member>,
    search: String,
    truncated: bool,
    roles: Vec<Role>,
    terms: Vec<(String, String)>,
}

struct Member {
    user: String,
    grant: GrantRow,
    can_revoke: bool,
}

#[derive(Deserialize)]
struct Search {
    #[serde(default)]
    search: String,
}

#[derive(Deserialize)]
struct GrantForm {
    user: UserName,
    role: Role,
    term: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
struct RevokeForm {
    user: UserName,
    role: Role,
    reason: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/services/{tenancy}/members/", get(show))
        .route("/services/{tenancy}/members/grant", post(grant))
        .route("/services/{tenancy}/members/revoke", post(revoke))
}

async fn show(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Query(Search { search }): Query<Search>,
) -> Result<Response, Response> {
    let shown = assemble(&view, &signed_in, &tenancy, search.trim()).await;
    shown.map(|shown| page(&shown)).map_err(|error| error.answer(&view))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    tenancy: &TenancyName,
    search: &str,
) -> Result<MembersPage, PageError> {
    let (identity, actor) = (&view.portal.identity, Actor::Person(signed_in.user.clone()));
    if !identity.may(&actor, tenancy, &Act::SeeMembers).await? {
        return Err(PageError::NotFound);
    }
    let now = view.portal.clock.now();
    let held = signed_in.standing.role_in(tenancy, now);
    let grants = identity.roles(tenancy, SHOWN + 1).await?;
    let found = grants.iter().take(SHOWN).filter(|grant| grant.user.as_str().contains(search));
    let members = found.map(|grant| Member {
        user: grant.user.to_string(),
        grant: GrantRow::new(grant, now),
        can_revoke: identity::authority::allows(&actor, held, &Act::Revoke { user: &grant.user, role: grant.role }),
    });
    let grants_role = |role: &Role| held == Some(Role::Manager) || *role == Role::User;
    Ok(MembersPage {
        layout: view.layout(Some(signed_in), Part::Services, "Members"),
        name: tenancy.to_string(),
        members: members.collect(),
        search: search.to_owned(),
        truncated: grants.len() > SHOWN,
        roles: [Role::User, Role::Deputy, Role::Manager].into_iter().filter(grants_role).collect(),
        terms: Term::CHOICES.iter().map(|term| (term.to_string(), term_words(*term))).collect(),
    })
}

async fn grant(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<GrantForm>,
) -> Result<Response, Response> {
    let path = format!("/services/{tenancy}/members/");
    let granted = async {
        let expires = end_of(&form.term, &form.date, view.portal.clock.now())?;
        let new = NewRole { tenancy, user: form.user, role: form.role, expires };
        let actor = Actor::Person(signed_in.user);
        Ok::<_, PageError>(view.portal.identity.grant_role_as(&actor, new, form.reason.trim()).await?)
    };
    granted.await.map_err(|error| error.answer(&view))?;
    Ok(done(&path, "role-granted"))
}

async fn revoke(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(RevokeForm { user, role, reason }): Form<RevokeForm>,
) -> Result<Response, Response> {
    let path = format!("/services/{tenancy}/members/");
    let revocation = Revocation { tenancy, user, role: Some(role), reason: reason.trim().to_owned() };
    let revoked = view.portal.identity.revoke_role(&Actor::Person(signed_in.user), revocation).await;
    revoked.map_err(|error| PageError::from(error).answer(&view))?;
    Ok(done(&path, "role-revoked"))
}
