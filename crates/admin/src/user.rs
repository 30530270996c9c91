//! `commonhold admin user`.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use http::Method;
use identity::{Actor, IdentityError, NewUser, Suspension, User, UserStatus};
use serde::{Deserialize, Serialize};
use types::{Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded};
use crate::date::iso8601;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::key::{self, KeyView};
use crate::request::by;
use crate::role::RoleView;
use crate::secret_text::SecretText;
use crate::state::{AdminState, Done, LIST_LIMIT, List};

/// A person.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserView {
    /// Their login name.
    pub name: UserName,
    /// Their name in full, where the directory tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Where mail reaches them.
    pub email: Option<String>,
    /// `active` or `disabled`.
    pub status: UserStatus,
    /// When they were made known.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
}

/// A person with all that they hold.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserDetail {
    /// The person.
    pub user: UserView,
    /// Their roles, in the order of tenancies.
    pub roles: Vec<RoleView>,
    /// Their keys, in the order of tenancies.
    pub keys: Vec<KeyView>,
    /// That nothing of theirs works.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspension: Option<SuspensionView>,
}

/// That nothing of a person's works.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct SuspensionView {
    /// Who.
    pub user: UserName,
    /// Since when.
    #[serde(with = "iso8601")]
    pub at: Timestamp,
    /// By whom.
    pub by: String,
    /// Why. The person reads it.
    pub reason: String,
}

/// A person to be suspended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspendUser {
    /// Why. The person reads it.
    pub reason: String,
}

/// Another password.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetPassword {
    /// The password.
    pub password: SecretText,
}

/// Another address.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetEmail {
    /// Where mail reaches the person; nowhere where it is `null`.
    pub email: Option<String>,
}

impl From<&Suspension> for SuspensionView {
    fn from(suspension: &Suspension) -> Self {
        let Suspension { user, at, by: who, reason } = suspension.clone();
        Self { user, at, by: by(Some(&who)), reason }
    }
}

/// A person to be made known.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// Their login name.
    pub name: UserName,
    /// Where mail reaches them.
    #[serde(default)]
    pub email: Option<String>,
    /// Their password; without one they can have keys but not log in.
    #[serde(default)]
    pub password: Option<SecretText>,
}

impl From<User> for UserView {
    fn from(user: User) -> Self {
        Self {
            name: user.name,
            full_name: user.full_name,
            email: user.email,
            status: user.status,
            created: user.created,
        }
    }
}

impl AdminClient {
    /// Makes a person known.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_user(&self, new: &CreateUser) -> Result<UserView, ClientError> {
        self.call(Method::POST, "/v1/users", Some(new)).await
    }

    /// Everyone.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_users(&self) -> Result<List<UserView>, ClientError> {
        self.call(Method::GET, "/v1/users", NO_BODY).await
    }

    /// One person, with roles and keys.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn show_user(&self, name: &UserName) -> Result<UserDetail, ClientError> {
        self.call(Method::GET, &path(name), NO_BODY).await
    }

    /// Lets neither passwords nor keys of the person work.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn disable_user(&self, name: &UserName) -> Result<UserView, ClientError> {
        self.call(Method::POST, &format!("{}/disable", path(name)), NO_BODY).await
    }

    /// Lets them work again.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn enable_user(&self, name: &UserName) -> Result<UserView, ClientError> {
        self.call(Method::POST, &format!("{}/enable", path(name)), NO_BODY).await
    }

    /// Lets nothing of a person's work, in any tenancy, until they are reactivated.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn suspend_user(&self, name: &UserName, suspend: &SuspendUser) -> Result<SuspensionView, ClientError> {
        self.call(Method::POST, &format!("{}/suspend", path(name)), Some(suspend)).await
    }

    /// Lifts a suspension. Roles that expired meanwhile are granted for 30 days.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn reactivate_user(&self, name: &UserName) -> Result<Done, ClientError> {
        self.call(Method::POST, &format!("{}/reactivate", path(name)), NO_BODY).await
    }

    /// Sets a person's password, in the built-in directory.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_password(&self, name: &UserName, set: &SetPassword) -> Result<UserView, ClientError> {
        self.call(Method::PUT, &format!("{}/password", path(name)), Some(set)).await
    }

    /// Sets where mail reaches a person, in the built-in directory.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_email(&self, name: &UserName, set: &SetEmail) -> Result<UserView, ClientError> {
        self.call(Method::PUT, &format!("{}/email", path(name)), Some(set)).await
    }

    /// Deletes a person with their roles and keys. Their buckets stay.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_user(&self, name: &UserName) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &path(name), NO_BODY).await
    }
}

fn path(name: &UserName) -> String {
    format!("/v1/users/{}", encoded(name))
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/users", post(create).get(list))
        .route("/v1/users/{name}", get(show).delete(delete))
        .route("/v1/users/{name}/disable", post(disable))
        .route("/v1/users/{name}/enable", post(enable))
        .route("/v1/users/{name}/suspend", post(suspend))
        .route("/v1/users/{name}/reactivate", post(reactivate))
        .route("/v1/users/{name}/password", put(set_password))
        .route("/v1/users/{name}/email", put(set_email))
}

async fn create(State(state): State<AdminState>, Json(new): Json<CreateUser>) -> Result<Json<UserView>, ApiError> {
    let CreateUser { name, email, password } = new;
    let password = password.as_ref().map(SecretText::expose);
    Ok(Json(state.identity.create_user(NewUser { name, email }, password).await?.into()))
}

async fn list(State(state): State<AdminState>) -> Result<Json<List<UserView>>, ApiError> {
    let users = state.identity.users(LIST_LIMIT + 1).await?;
    Ok(Json(List::new(users.into_iter().map(UserView::from).collect())))
}

async fn show(State(state): State<AdminState>, Path(name): Path<UserName>) -> Result<Json<UserDetail>, ApiError> {
    let standing = state.identity.standing(&name).await?.ok_or_else(|| IdentityError::NoSuchUser(name.clone()))?;
    let now = state.clock.now();
    let keys = key::views(&state, state.identity.keys_of(&name, LIST_LIMIT).await?).await?;
    let roles = standing.roles.iter().map(|grant| RoleView::new(grant, now)).collect();
    let suspension = standing.suspension.as_deref().map(SuspensionView::from);
    Ok(Json(UserDetail { user: standing.user.clone().into(), roles, keys, suspension }))
}

async fn disable(State(state): State<AdminState>, Path(name): Path<UserName>) -> Result<Json<UserView>, ApiError> {
    Ok(Json(state.identity.set_user_status(&name, UserStatus::Disabled).await?.into()))
}

async fn enable(State(state): State<AdminState>, Path(name): Path<UserName>) -> Result<Json<UserView>, ApiError> {
    Ok(Json(state.identity.set_user_status(&name, UserStatus::Active).await?.into()))
}

async fn delete(State(state): State<AdminState>, Path(name): Path<UserName>) -> Result<Json<Done>, ApiError> {
    state.identity.delete_user(&name).await?;
    Ok(Json(Done {}))
}

async fn suspend(
    State(state): State<AdminState>,
    Path(name): Path<UserName>,
    Json(SuspendUser { reason }): Json<SuspendUser>,
) -> Result<Json<SuspensionView>, ApiError> {
    let suspension = state.identity.suspend_user(&Actor::Operator, &name, &reason).await?;
    Ok(Json(SuspensionView::from(&suspension)))
}

async fn reactivate(State(state): State<AdminState>, Path(name): Path<UserName>) -> Result<Json<Done>, ApiError> {
    state.identity.reactivate_user(&Actor::Operator, &name).await?;
    Ok(Json(Done {}))
}

async fn set_password(
    State(state): State<AdminState>,
    Path(name): Path<UserName>,
    Json(SetPassword { password }): Json<SetPassword>,
) -> Result<Json<UserView>, ApiError> {
    Ok(Json(state.identity.set_password(&name, password.expose()).await?.into()))
}

async fn set_email(
    State(state): State<AdminState>,
    Path(name): Path<UserName>,
    Json(SetEmail { email }): Json<SetEmail>,
) -> Result<Json<UserView>, ApiError> {
    Ok(Json(state.identity.set_email(&name, email).await?.into()))
}
