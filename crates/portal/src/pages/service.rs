//! One tenancy: what it is for, who manages it, and what the person holds, has asked for and can ask for.

use askama::Template;
use axum::Router;
use axum::extract::Path;
use axum::response::Response;
use axum::routing::get;
use identity::authority::Act;
use identity::request::{MAX_REASON_CHARS, RequestFilter, RequestState};
use identity::role::GrantState;
use identity::{Actor, NewRequest, Request, RequestKind, RoleGrant, Standing, Tenancy};
use policy::Role;
use serde::Deserialize;
use types::size::format_size;
use types::{TenancyName, Timestamp};

use crate::Portal;
use crate::error::PageError;
use crate::form::Form;
use crate::page::{Layout, Part, View, done, page};
use crate::shown::{Day, End};
use crate::signed_in::SignedIn;

/// The most requests of one person about one tenancy on the page.
const REQUESTS_SHOWN: usize = 50;

#[derive(Template)]
#[template(path = "service.html")]
struct ServicePage {
    layout: Layout,
    name: String,
    description: String,
    project: String,
    ends: End,
    usage: Option<String>,
    /// Who manages it; only those learn it who hold a role.
    managers: Vec<String>,
    /// The roles that can be asked for now.
    roles: Vec<Role>,
    grants: Vec<GrantRow>,
    requests: Vec<RequestRow>,
    /// What those who lead it can do.
    leads: bool,
    asks_for_quota: bool,
    pending: usize,
}

pub(super) struct GrantRow {
    pub(super) tenancy: String,
    pub(super) role: Role,
    pub(super) granted: Day,
    pub(super) expires: End,
    pub(super) state: &'static str,
    /// Whether the person who holds or held it may ask for it anew.
    pub(super) renew: bool,
}

pub(super) struct RequestRow {
    pub(super) id: String,
    pub(super) user: String,
    pub(super) what: String,
    pub(super) state: RequestState,
    pub(super) changed: Day,
}

#[derive(Template)]
#[template(path = "apply.html")]
struct ApplyPage {
    layout: Layout,
    name: String,
    role: Role,
    reason_chars: usize,
}

#[derive(Deserialize)]
struct Application {
    reason: String,
}

pub(crate) fn routes() -> Router<Portal> {
    Router::new()
        .route("/services/{tenancy}/", get(show))
        .route("/services/{tenancy}/apply/{role}", get(apply).post(submit))
}

impl GrantRow {
    pub(super) fn new(grant: &RoleGrant, now: Timestamp) -> Self {
        let state = match grant.state(now) {
            GrantState::Active => "ACTIVE",
            GrantState::Expiring => "EXPIRING",
            GrantState::Expired => "EXPIRED",
            GrantState::Revoked => "REVOKED",
            GrantState::Replaced => "REPLACED",
        };
        let (tenancy, granted) = (grant.tenancy.to_string(), Day(grant.granted));
        Self { tenancy, role: grant.role, granted, expires: End(grant.expires), state, renew: false }
    }

    /// A grant of the person themselves, who may ask for it anew when its end comes near or has passed.
    pub(super) fn own(grant: &RoleGrant, standing: &Standing, now: Timestamp) -> Self {
        let stands = standing.roles.iter().any(|known| known.tenancy == grant.tenancy && known.number == grant.number);
        let renew = stands && standing.grant_in_the_way(&grant.tenancy, grant.role, now).is_none();
        Self { renew, ..Self::new(grant, now) }
    }
}

impl RequestRow {
    pub(super) fn new(request: &Request) -> Self {
        Self {
            id: request.id.to_string(),
            user: request.user.to_string(),
            what: words(&request.kind),
            state: request.state,
            changed: Day(request.changed),
        }
    }
}

/// What a request is for, in a few words.
pub(super) fn words(kind: &RequestKind) -> String {
    match kind {
        RequestKind::Join { role } => role.to_string(),
        RequestKind::Tenancy { quota_bytes: Some(bytes), .. } => format!("a new tenancy of {}", format_size(*bytes)),
        RequestKind::Tenancy { .. } => "a new tenancy".to_owned(),
        RequestKind::Quota { quota_bytes } => format!("a quota of {}", format_size(*quota_bytes)),
    }
}

/// The tenancy, where the person may know of it.
///
/// # Errors
/// [`PageError::NotFound`].
pub(super) fn find(portal: &Portal, tenancy: &TenancyName) -> Result<std::sync::Arc<Tenancy>, PageError> {
    portal.identity.tenancy(tenancy).ok_or(PageError::NotFound)
}

async fn show(view: View, signed_in: SignedIn, Path(tenancy): Path<TenancyName>) -> Result<Response, PageError> {
    Ok(page(&assemble(&view, &signed_in, &tenancy).await?))
}

async fn assemble(view: &View, signed_in: &SignedIn, name: &TenancyName) -> Result<ServicePage, PageError> {
    let portal = &view.portal;
    let (tenancy, actor) = (find(portal, name)?, Actor::Person(signed_in.user.clone()));
    let (identity, now) = (&portal.identity, portal.clock.now());
    let role = signed_in.standing.role_in(name, now);
    let leads = identity.may(&actor, name, &Act::SeeRequests).await?;
    let mut requests = Vec::new();
    for state in [None, Some(RequestState::Approved), Some(RequestState::Rejected)] {
        let filter = RequestFilter { tenancy: Some(name.clone()), user: Some(signed_in.user.clone()), state };
        requests.extend(identity.requests(&actor, &filter, REQUESTS_SHOWN).await?);
    }
    let managers = if identity.may(&actor, name, &Act::SeeManagers).await? {
        let holders = identity.holders(name, now).await?.into_iter();
        holders
            .filter(|holder| holder.role != Role::User)
            .map(|holder| format!("{} ({})", holder.user, holder.role))
            .collect()
    } else {
        Vec::new()
    };
    let usage = match role {
        Some(_) => {
            let used = portal.objects.tenancy_usage(name).await?;
            let quota = tenancy.quota.hard.bytes.map_or_else(|| "no limit".to_owned(), format_size);
            Some(format!("{} of {quota}", format_size(used.bytes)))
        }
        None => None,
    };
    let pending = if leads {
        let filter = RequestFilter { tenancy: Some(name.clone()), user: None, state: Some(RequestState::Pending) };
        identity.requests(&actor, &filter, REQUESTS_SHOWN).await?.len()
    } else {
        0
    };
    Ok(ServicePage {
        layout: view.layout(Some(signed_in), Part::Services, name.as_str()),
        name: name.to_string(),
        description: tenancy.description.clone(),
        project: tenancy.project.clone(),
        ends: End(tenancy.ends),
        usage,
        managers,
        roles: [Role::User, Role::Deputy, Role::Manager].into_iter().filter(|asked| role < Some(*asked)).collect(),
        grants: identity
            .role_history(name, &signed_in.user)
            .await?
            .iter()
            .rev()
            .map(|grant| GrantRow::own(grant, &signed_in.standing, now))
            .collect(),
        requests: requests.iter().map(RequestRow::new).collect(),
        leads,
        asks_for_quota: identity.may(&actor, name, &Act::AskForQuota).await?,
        pending,
    })
}

async fn apply(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, role)): Path<(TenancyName, Role)>,
) -> Result<Response, PageError> {
    find(&view.portal, &tenancy)?;
    let layout = view.layout(Some(&signed_in), Part::Services, "Apply for access");
    Ok(page(&ApplyPage { layout, name: tenancy.to_string(), role, reason_chars: MAX_REASON_CHARS }))
}

async fn submit(
    view: View,
    signed_in: SignedIn,
    Path((tenancy, role)): Path<(TenancyName, Role)>,
    Form(Application { reason }): Form<Application>,
) -> Result<Response, PageError> {
    let new = NewRequest { tenancy, kind: RequestKind::Join { role }, reason: reason.trim().to_owned() };
    let request = view.portal.identity.submit_request(&Actor::Person(signed_in.user.clone()), new).await?;
    match request.state {
        RequestState::Approved => Ok(done("/services/my/", "joined")),
        _ => Ok(done(&format!("/requests/{}/", request.id), "request-submitted")),
    }
}
