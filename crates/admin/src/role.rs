//! `commonhold admin role`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, put};
use http::Method;
use identity::{IdentityError, NewRole, RoleGrant};
use policy::Role;
use serde::{Deserialize, Serialize};
use types::{TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded, with_query};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::state::{AdminState, Done, LIST_LIMIT, List};

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

impl RoleView {
    pub(crate) fn new(grant: &RoleGrant, now: Timestamp) -> Self {
        Self {
            tenancy: grant.tenancy.clone(),
            user: grant.user.clone(),
            role: grant.role,
            granted: grant.granted,
            expires: grant.expires,
            validity: if grant.is_active(now) { Validity::Active } else { Validity::Expired },
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

    /// Takes a role away.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn revoke_role(&self, tenancy: &TenancyName, user: &UserName) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &path(tenancy, user), NO_BODY).await
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
    Router::new().route("/v1/roles", get(list)).route("/v1/tenancies/{tenancy}/roles/{user}", put(grant).delete(revoke))
}

async fn grant(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
    Json(GrantRole { role, expires }): Json<GrantRole>,
) -> Result<Json<RoleView>, ApiError> {
    let grant = state.identity.grant_role(NewRole { tenancy, user, role, expires }).await?;
    Ok(Json(RoleView::new(&grant, state.clock.now())))
}

async fn revoke(
    State(state): State<AdminState>,
    Path((tenancy, user)): Path<(TenancyName, UserName)>,
) -> Result<Json<Done>, ApiError> {
    state.identity.revoke_role(&tenancy, &user).await?;
    Ok(Json(Done {}))
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
