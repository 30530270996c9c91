//! The members of a tenancy: who holds which role, granting one, taking one away. For those who lead it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query};
use axum::response::Response;
use axum::routing::{get, post};
use identity::authority::Act;
use identity::term::Term;
use identity::{NewRole, Revocation};
use policy::Role;
use serde::Deserialize;
use types::{TenancyName, UserName};

use super::requests::{end_of, term_words};
use super::service::{GrantRow, find};
use crate::Portal;
use crate::acting::Acting;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, View, done, page};
use crate::signed_in::SignedIn;

/// The most grants on the page.
const SHOWN: usize = 1000;

#[derive(Template)]
#[template(path = "members.html")]
struct MembersPage {
    layout: Layout,
    name: String,
    /// The page of all tenancies, and that of this one.
    tenancies_path: &'static str,
    tenancy_path: String,
    members: Vec<Member>,
    wanted: Wanted,
    truncated: bool,
    roles: Vec<Role>,
    terms: Vec<(String, String)>,
}

struct Member {
    user: String,
    grant: GrantRow,
    can_revoke: bool,
}

/// Which grants to show.
#[derive(Deserialize)]
pub(super) struct Wanted {
    #[serde(default)]
    search: String,
    /// A role; each where it is empty.
    #[serde(default)]
    role: String,
    /// A state of [`STATES`]; each where it is empty.
    #[serde(default)]
    state: String,
}

/// The states that grants on the page can be in: those that were replaced or taken away are not among them.
const STATES: [&str; 3] = ["ACTIVE", "EXPIRING", "EXPIRED"];

#[derive(Deserialize)]
pub(super) struct GrantForm {
    user: UserName,
    role: Role,
    term: String,
    #[serde(default)]
    date: String,
    #[serde(default)]
    reason: String,
}

#[derive(Deserialize)]
pub(super) struct RevokeForm {
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
    Query(wanted): Query<Wanted>,
) -> Result<Response, PageError> {
    show_members(&view, &signed_in, &signed_in.as_person(), &tenancy, wanted).await
}

/// The page of a tenancy's members.
///
/// # Errors
/// The page that says why it can not be seen.
pub(super) async fn show_members(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    tenancy: &TenancyName,
    wanted: Wanted,
) -> Result<Response, PageError> {
    Ok(page(&assemble(view, signed_in, acting, tenancy, wanted).await?))
}

async fn assemble(
    view: &View,
    signed_in: &SignedIn,
    acting: &Acting,
    tenancy: &TenancyName,
    wanted: Wanted,
) -> Result<MembersPage, PageError> {
    let (identity, actor) = (&view.portal.identity, acting.actor());
    find(&view.portal, tenancy)?;
    if !identity.may(&actor, tenancy, &Act::SeeMembers).await? {
        return Err(PageError::NotFound);
    }
    let now = view.portal.clock.now();
    let held = signed_in.standing.role_in(tenancy, now);
    let grants = identity.roles(tenancy, SHOWN + 1).await?;
    let members = grants.iter().take(SHOWN).map(|grant| Member {
        user: grant.user.to_string(),
        grant: GrantRow::new(grant, now),
        can_revoke: identity::authority::allows(&actor, held, &Act::Revoke { user: &grant.user, role: grant.role }),
    });
    let grants_role = |role: &Role| *acting == Acting::Operator || held == Some(Role::Manager) || *role == Role::User;
    Ok(MembersPage {
        layout: view.layout(Some(signed_in), acting.part(), "Members"),
        name: tenancy.to_string(),
        tenancies_path: acting.tenancies_path(),
        tenancy_path: acting.tenancy_path(tenancy),
        members: members.filter(|member| wanted.takes(member)).collect(),
        wanted,
        truncated: grants.len() > SHOWN,
        roles: [Role::User, Role::Deputy, Role::Manager].into_iter().filter(grants_role).collect(),
        terms: Term::CHOICES.iter().map(|term| (term.to_string(), term_words(*term))).collect(),
    })
}

impl Wanted {
    fn takes(&self, member: &Member) -> bool {
        member.user.contains(self.search.trim())
            && (self.role.is_empty() || member.grant.role.to_string() == self.role)
            && (self.state.is_empty() || member.grant.state == self.state)
    }

    /// Whether it leaves anything out.
    fn is_narrow(&self) -> bool {
        !(self.search.trim().is_empty() && self.role.is_empty() && self.state.is_empty())
    }
}

async fn grant(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<GrantForm>,
) -> Result<Response, PageError> {
    grant_role(&view, &Acting::Person(signed_in.user), tenancy, form).await
}

/// Grants a role, and sends the browser back to the members.
///
/// # Errors
/// The page that says why it can not be done.
pub(super) async fn grant_role(
    view: &View,
    acting: &Acting,
    tenancy: TenancyName,
    form: GrantForm,
) -> Result<Response, PageError> {
    let path = format!("{}members/", acting.tenancy_path(&tenancy));
    let expires = end_of(&form.term, &form.date, view.portal.clock.now())?;
    let new = NewRole { tenancy, user: form.user, role: form.role, expires };
    view.portal.identity.grant_role_as(&acting.actor(), new, form.reason.trim()).await?;
    Ok(done(&path, "role-granted"))
}

async fn revoke(
    view: View,
    signed_in: SignedIn,
    Path(tenancy): Path<TenancyName>,
    Form(form): Form<RevokeForm>,
) -> Result<Response, PageError> {
    revoke_role(&view, &Acting::Person(signed_in.user), tenancy, form).await
}

/// Takes a role away, and sends the browser back to the members.
///
/// # Errors
/// The page that says why it can not be done.
pub(super) async fn revoke_role(
    view: &View,
    acting: &Acting,
    tenancy: TenancyName,
    RevokeForm { user, role, reason }: RevokeForm,
) -> Result<Response, PageError> {
    let path = format!("{}members/", acting.tenancy_path(&tenancy));
    let revocation = Revocation { tenancy, user, role: Some(role), reason: reason.trim().to_owned() };
    view.portal.identity.revoke_role(&acting.actor(), revocation).await?;
    Ok(done(&path, "role-revoked"))
}
