//! `commonhold admin tenancy`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::{IdentityError, Joining, NewTenancy, Tenancy, TenancyChange, Visibility};
use policy::DefaultPolicy;
use serde::{Deserialize, Deserializer, Serialize};
use types::{TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded};
use crate::date::{iso8601, iso8601_option, parse_date};
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::state::{AdminState, Done, List};

/// A tenancy.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenancyView {
    /// Its name.
    pub name: TenancyName,
    /// What it is for.
    pub description: String,
    /// How many bytes it may hold; without limit where absent.
    pub quota_bytes: Option<u64>,
    /// What its members may do where nothing else decides.
    pub default_policy: DefaultPolicy,
    /// Further host names under which it is served.
    pub endpoints: Vec<String>,
    /// When it was made.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
    /// What it is for, in one line.
    #[serde(default)]
    pub summary: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project: String,
    /// When it ends: from then on only its managers reach it.
    #[serde(default, with = "iso8601_option")]
    pub ends: Option<Timestamp>,
    /// `listed`, or `hidden` from people who hold no role in it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What becomes of a request for a role: `decided`, `automatic` or `closed`.
    #[serde(default)]
    pub joining: Joining,
}

/// A tenancy to be made.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateTenancy {
    /// Its name.
    pub name: TenancyName,
    /// What it is for.
    #[serde(default)]
    pub description: String,
    /// How many bytes it may hold; without limit where absent.
    #[serde(default)]
    pub quota_bytes: Option<u64>,
    /// What its members may do where nothing else decides.
    #[serde(default)]
    pub default_policy: DefaultPolicy,
    /// Further host names under which it is served.
    #[serde(default)]
    pub endpoints: Vec<String>,
    /// What it is for, in one line.
    #[serde(default)]
    pub summary: String,
    /// The project that it belongs to.
    #[serde(default)]
    pub project: String,
    /// When it ends; never where absent.
    #[serde(default, with = "iso8601_option")]
    pub ends: Option<Timestamp>,
    /// Whether people who hold no role in it find it.
    #[serde(default)]
    pub visibility: Visibility,
    /// What becomes of a request for a role in it.
    #[serde(default)]
    pub joining: Joining,
    /// Who is its first MANAGER.
    #[serde(default)]
    pub manager: Option<UserName>,
}

/// What is to become of a tenancy; what is absent stays as it is.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetTenancy {
    /// What it is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// How many bytes it may hold; `Some(None)`, in JSON `null`, takes the limit away.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub quota_bytes: Option<Option<u64>>,
    /// What its members may do where nothing else decides.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_policy: Option<DefaultPolicy>,
    /// Further host names under which it is served, all of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoints: Option<Vec<String>>,
    /// What it is for, in one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// The project that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it ends, as `2027-01-31`; an empty text lets it go on for good.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ends: Option<String>,
    /// Whether people who hold no role in it find it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub visibility: Option<Visibility>,
    /// What becomes of a request for a role in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joining: Option<Joining>,
}

/// Reads a field that is there, `null` too.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<u64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl From<&Tenancy> for TenancyView {
    fn from(tenancy: &Tenancy) -> Self {
        Self {
            name: tenancy.name.clone(),
            description: tenancy.description.clone(),
            quota_bytes: tenancy.quota.hard.bytes,
            default_policy: tenancy.default_policy,
            endpoints: tenancy.endpoints.clone(),
            created: tenancy.created,
            summary: tenancy.summary.clone(),
            project: tenancy.project.clone(),
            ends: tenancy.ends,
            visibility: tenancy.visibility,
            joining: tenancy.joining,
        }
    }
}

impl AdminClient {
    /// Makes a tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_tenancy(&self, new: &CreateTenancy) -> Result<TenancyView, ClientError> {
        self.call(Method::POST, "/v1/tenancies", Some(new)).await
    }

    /// Every tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_tenancies(&self) -> Result<List<TenancyView>, ClientError> {
        self.call(Method::GET, "/v1/tenancies", NO_BODY).await
    }

    /// One tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn show_tenancy(&self, name: &TenancyName) -> Result<TenancyView, ClientError> {
        self.call(Method::GET, &path(name), NO_BODY).await
    }

    /// Changes a tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_tenancy(&self, name: &TenancyName, set: &SetTenancy) -> Result<TenancyView, ClientError> {
        self.call(Method::PATCH, &path(name), Some(set)).await
    }

    /// Deletes a tenancy that holds no buckets, with its roles and keys.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_tenancy(&self, name: &TenancyName) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &path(name), NO_BODY).await
    }
}

fn path(name: &TenancyName) -> String {
    format!("/v1/tenancies/{}", encoded(name))
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/tenancies", post(create).get(list))
        .route("/v1/tenancies/{name}", get(show).patch(set).delete(delete))
}

async fn create(
    State(state): State<AdminState>,
    Json(new): Json<CreateTenancy>,
) -> Result<Json<TenancyView>, ApiError> {
    let CreateTenancy { name, description, quota_bytes, default_policy, endpoints, .. } = new;
    let CreateTenancy { summary, project, ends, visibility, joining, manager, .. } = new;
    let new = NewTenancy {
        name,
        description,
        quota_bytes,
        default_policy,
        endpoints,
        summary,
        project,
        ends,
        visibility,
        joining,
        manager,
    };
    Ok(Json(TenancyView::from(&*state.identity.create_tenancy(new).await?)))
}

async fn list(State(state): State<AdminState>) -> Json<List<TenancyView>> {
    let tenancies = state.identity.tenancies();
    Json(List::new(tenancies.iter().map(|tenancy| TenancyView::from(&**tenancy)).collect()))
}

async fn show(State(state): State<AdminState>, Path(name): Path<TenancyName>) -> Result<Json<TenancyView>, ApiError> {
    let tenancy = state.identity.tenancy(&name).ok_or(IdentityError::NoSuchTenancy(name))?;
    Ok(Json(TenancyView::from(&*tenancy)))
}

async fn set(
    State(state): State<AdminState>,
    Path(name): Path<TenancyName>,
    Json(set): Json<SetTenancy>,
) -> Result<Json<TenancyView>, ApiError> {
    let SetTenancy { description, quota_bytes, default_policy, endpoints, summary, project, ends, visibility, joining } =
        set;
    let ends = ends.map(|ends| end(&ends)).transpose()?;
    let change = TenancyChange {
        description,
        quota_bytes,
        default_policy,
        endpoints,
        summary,
        project,
        ends,
        visibility,
        joining,
    };
    Ok(Json(TenancyView::from(&*state.identity.change_tenancy(&name, change).await?)))
}

fn end(text: &str) -> Result<Option<Timestamp>, ApiError> {
    if text.is_empty() {
        return Ok(None);
    }
    parse_date(text)
        .map(Some)
        .map_err(|error| ApiError::invalid(error, "Write it as 2027-01-31, or nothing for never."))
}

async fn delete(State(state): State<AdminState>, Path(name): Path<TenancyName>) -> Result<Json<Done>, ApiError> {
    state.identity.delete_tenancy(&name).await?;
    Ok(Json(Done {}))
}
