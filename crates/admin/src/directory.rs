//! `commonhold admin directory`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::directory::{CheckStep, MAX_FOUND};
use identity::write_through::{GroupDrift, Reconciled, Removals};
use serde::{Deserialize, Serialize};
use types::UserName;

use crate::client::{AdminClient, ClientError, NO_BODY, with_query};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::state::{AdminState, List};
use crate::user::UserView;

/// Whom a check looks for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckDirectory {
    /// Who; nobody in particular where absent.
    #[serde(default)]
    pub user: Option<UserName>,
}

/// What a search looks for.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SearchDirectory {
    /// What names begin with.
    #[serde(default)]
    pub prefix: String,
}

/// What a search found, at most 100 of each kind.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct FoundInDirectory {
    /// People.
    pub people: Vec<UserView>,
    /// Groups of the directory's own.
    pub groups: Vec<String>,
}

/// Which differences are to be repaired.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RepairGroups {
    /// Whether so many members may be taken out of a group that it is rather a fault.
    pub removals: Removals,
}

impl AdminClient {
    /// Tries step by step what the directory is needed for.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn check_directory(&self, check: &CheckDirectory) -> Result<List<CheckStep>, ClientError> {
        let user = check.user.as_ref().map(UserName::as_str);
        self.call(Method::GET, &with_query("/v1/directory/check", &[("user", user)]), NO_BODY).await
    }

    /// People and groups whose name begins so.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn search_directory(&self, search: &SearchDirectory) -> Result<FoundInDirectory, ClientError> {
        let path = with_query("/v1/directory/search", &[("prefix", Some(&search.prefix))]);
        self.call(Method::GET, &path, NO_BODY).await
    }

    /// How the groups of the directory differ from the roles.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn directory_drift(&self) -> Result<List<GroupDrift>, ClientError> {
        self.call(Method::GET, "/v1/directory/drift", NO_BODY).await
    }

    /// Makes the groups of the directory follow from the roles, now.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn repair_directory(&self, repair: &RepairGroups) -> Result<Reconciled, ClientError> {
        self.call(Method::POST, "/v1/directory/repair", Some(repair)).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/directory/check", get(check))
        .route("/v1/directory/search", get(search))
        .route("/v1/directory/drift", get(drift))
        .route("/v1/directory/repair", post(repair))
}

async fn check(State(state): State<AdminState>, Query(check): Query<CheckDirectory>) -> Json<List<CheckStep>> {
    Json(List::new(state.identity.directory().check(check.user.as_ref()).await))
}

async fn search(
    State(state): State<AdminState>,
    Query(search): Query<SearchDirectory>,
) -> Result<Json<FoundInDirectory>, ApiError> {
    let directory = state.identity.directory();
    let people = directory.search_people(&search.prefix, MAX_FOUND).await?;
    let groups = directory.search_groups(&search.prefix, MAX_FOUND).await?;
    Ok(Json(FoundInDirectory { people: people.into_iter().map(UserView::from).collect(), groups }))
}

async fn drift(State(state): State<AdminState>) -> Result<Json<List<GroupDrift>>, ApiError> {
    written(&state)?;
    Ok(Json(List::new(state.identity.group_drift().await?)))
}

async fn repair(
    State(state): State<AdminState>,
    Json(repair): Json<RepairGroups>,
) -> Result<Json<Reconciled>, ApiError> {
    written(&state)?;
    Ok(Json(state.identity.reconcile_groups(repair.removals).await?))
}

/// Refuses where the groups of the directory are none of our business.
fn written(state: &AdminState) -> Result<(), ApiError> {
    if state.identity.writes_groups() {
        return Ok(());
    }
    let hint = "Set ldap.tenancy_groups = \"write\" where the groups of tenancies are to be written.";
    Err(ApiError::invalid("no directory's groups follow from the roles here", hint))
}
