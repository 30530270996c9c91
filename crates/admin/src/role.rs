//! `commonhold admin role`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use http::Method;
use identity::{GrantEnd, GrantState, IdentityError, NewRole, Revocation, RoleGrant};
use policy::Role;
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded, with_query};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::request::{actor, by};
use crate::state::{AdminState, LIST_LIMIT, List};

/// Whether something with an expiry counts.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Validity {
    /// It does.
    Active,
    /// It no longer does.
    Expired,
}

/// That a person holds a role in a tenancy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RoleView {
    /// Where.
    pub tenancy: TenancyName,
    /// Who.
    pub user: UserName,
    /// As what.
    pub role: Role,
    /// Since when.
    #[serde(with = "iso8601")]
    pub granted: Timestamp,
    /// Until when; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// Whether it counts now.
    pub validity: Validity,
    /// What has become of it: `active`, `expiring` (within two months), `expired`, `revoked` or `replaced`.
    pub state: GrantState,
    /// Its number among the grants of the person in the tenancy.
    pub number: u32,
    /// The number of the grant whose place it took.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<u32>,
    /// Who granted it: `operator`, a person, or nothing where the tenancy's own setting did.
    #[serde(default)]
    pub by: String,
    /// Why it was granted, or taken away.
    #[serde(default)]
    pub reason: String,
}

/// A role to be granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantRole {
    /// Which.
    pub role: Role,
    /// Until when; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// Who grants it; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// A role to be granted for longer.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RenewRole {
    /// Which; the strongest one that the person has where absent.
    #[serde(default)]
    pub role: Option<Role>,
    /// Until when; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// Who renews it; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

/// A role to be taken away.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevokeRole {
    /// Which; all that the person has where absent.
    #[serde(default)]
    pub role: Option<Role>,
    /// Why. The person reads it.
    pub reason: String,
    /// Who takes it away; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
}

/// Which roles to list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleFilter {
    /// Those in this tenancy.
    pub tenancy: Option<TenancyName>,
    /// Those of this person.
    pub user: Option<UserName>,
}

impl GrantRole {
    /// A role for good, granted by the operator.
    pub const fn of(role: Role) -> Self {
        Self { role, expires: None, user: None, reason: String::new() }
    }
}

impl RevokeRole {
    /// All roles, taken away by the operator.
    pub fn all(reason: &str) -> Self {
        Self { role: None, reason: reason.to_owned(), user: None }
    }
}

impl RoleView {
    pub(crate) fn new(grant: &RoleGrant, now: Timestamp) -> Self {
        Self {
            tenancy: grant.tenancy.clone(),
            user: grant.user.clone(),
            role: grant.role,
            granted: grant.granted,
            expires: grant.expires,
            validity: if grant.is_active(now) { Validity::Active } else { Validity::Expired },
            state: grant.state(now),
            number: grant.number,
            previous: grant.previous,
            by: by(grant.by.as_ref()),
            reason: match &grant.end {
                Some(GrantEnd::Revoked { reason, .. }) => reason.clone(),
                _ => grant.reason.clone(),
            },
        }
    }
}

impl AdminClient {
    /// Grants a role, in place of the one that the person has in the tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn grant_role(
        &self,
        tenancy: &TenancyName,
        user: &UserName,
        grant: &GrantRole,
    ) -> Result<RoleView, ClientError> {
        self.call(Method::PUT, &path(tenancy, user), Some(grant)).await
    }

    /// Takes roles away, and says which.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_role(
        &self,
        tenancy: &TenancyName,
        user: &UserName,
        revoke: &RevokeRole,
    ) -> Result<List<RoleView>, ClientError> {
        self.call(Method::POST, &format!("{}/revoke", path(tenancy, user)), Some(revoke)).await
    }

    /// Grants a role for longer.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn renew_role(
        &self,
        tenancy: &TenancyName,
        user: &UserName,
        renew: &RenewRole,
    ) -> Result<RoleView, ClientError> {
        self.call(Method::POST, &format!("{}/renew", path(tenancy, user)), Some(renew)).await
    }

    /// Every grant of a person in a tenancy that is remembered, oldest first.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn role_history(&self, tenancy: &TenancyName, user: &UserName) -> Result<List<RoleView>, ClientError> {
        self.call(Method::GET, &path(tenancy, user), NO_BODY).await
    }

    /// The roles that the filter leaves.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_roles(&self, filter: &RoleFilter) -> Result<List<RoleView>, ClientError> {
        let tenancy = filter.tenancy.as_ref().map(TenancyName::as_str);
        let user = filter.user.as_ref().map(UserName::as_str);
        self.call(Method::GET, &with_query("/v1/roles", &[("tenancy", tenancy), ("user", user)]), NO_BODY).await
    }
}

fn path(tenancy: &TenancyName, user: &UserName) -> String {
    format!("/v1/tenancies/{}/roles/{}", encoded(tenancy), encoded(user))
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/roles", get(list))
        .route("/v1/tenancies/{tenancy}/roles/{user}", put(grant).get(history))
        .route("/v1/tenancies/{tenancy}/roles/{user}/renew", post(renew))
        .route("/v1/tenancies/{tenancy}/roles/{user}/revoke", post(revoke))
}

async fn grant(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
    Json(GrantRole { role, expires, user: by, reason }): Json<GrantRole>,
) -> Result<Json<RoleView>, ApiError> {
    let new = NewRole { tenancy, user, role, expires };
    let grant = state.identity.grant_role_as(&actor(by), new, &reason).await?;
    Ok(Json(RoleView::new(&grant, state.clock.now())))
}

async fn renew(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
    Json(RenewRole { role, expires, user: by }): Json<RenewRole>,
) -> Result<Json<RoleView>, ApiError> {
    let grant = state.identity.renew_role(&actor(by), &tenancy, &user, role, expires).await?;
    Ok(Json(RoleView::new(&grant, state.clock.now())))
}

async fn history(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
) -> Result<Json<List<RoleView>>, ApiError> {
    let (grants, now) = (state.identity.role_history(&tenancy, &user).await?, state.clock.now());
    Ok(Json(List::new(grants.iter().map(|grant| RoleView::new(grant, now)).collect())))
}

async fn revoke(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
    Json(RevokeRole { role, reason, user: by }): Json<RevokeRole>,
) -> Result<Json<List<RoleView>>, ApiError> {
    let revocation = Revocation { tenancy, user, role, reason };
    let (grants, now) = (state.identity.revoke_role(&actor(by), revocation).await?, state.clock.now());
    Ok(Json(List::new(grants.iter().map(|grant| RoleView::new(grant, now)).collect())))
}

async fn list(
    State(state): State<AdminState>,
    Query(filter): Query<RoleFilter>,
) -> Result<Json<List<RoleView>>, ApiError> {
    let grants = match (&filter.user, &filter.tenancy) {
        (Some(user), tenancy) => {
            let standing = state.identity.standing(user).await?;
            let standing = standing.ok_or_else(|| IdentityError::NoSuchUser(user.clone()))?;
            let wanted = |grant: &&RoleGrant| tenancy.as_ref().is_none_or(|tenancy| grant.tenancy == *tenancy);
            standing.roles.iter().filter(wanted).cloned().collect()
        }
        (None, Some(tenancy)) => state.identity.roles(tenancy, LIST_LIMIT + 1).await?,
        (None, None) => {
            let mut grants = Vec::new();
            for tenancy in state.identity.tenancies() {
                let limit = (LIST_LIMIT + 1).saturating_sub(grants.len());
                grants.extend(state.identity.roles(&tenancy.name, limit).await?);
            }
            grants
        }
    };
    let now = state.clock.now();
    Ok(Json(List::new(grants.iter().map(|grant| RoleView::new(grant, now)).collect())))
}
