//! `commonhold admin key`.

use std::net::IpAddr;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use http::Method;
use identity::{IdentityError, KeyInfo, LastUse, NewKey, Secret};
use policy::KeyScope;
use serde::{Deserialize, Serialize};
use types::{AccessKeyId, TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded, with_query};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::{Json, Path, Query};
use crate::role::Validity;
use crate::secret_text::SecretText;
use crate::state::{AdminState, Done, LIST_LIMIT, List};

/// A key, without its secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyView {
    /// Its public half.
    pub access_key: AccessKeyId,
    /// Whose it is.
    pub owner: UserName,
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// What its owner calls it.
    pub description: String,
    /// When it was made.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
    /// Until when it works; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// What it is narrowed to, beyond what its owner may. The default bounds nothing.
    #[serde(default)]
    pub scope: KeyScope,
    /// When, from where and for what it was used last, to the minute; never where absent.
    #[serde(default)]
    pub last_use: Option<LastUseView>,
    /// Whether it has expired. An active key works only while its owner is enabled and holds a role in the tenancy.
    pub validity: Validity,
}

/// The last use of a key.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct LastUseView {
    /// When, to the minute.
    #[serde(with = "iso8601")]
    pub at: Timestamp,
    /// From which address.
    pub source: IpAddr,
    /// For which operation, such as `GetObject`.
    pub operation: String,
}

/// A key that was just made: the one time that its secret is told.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct CreatedKey {
    /// The key.
    pub key: KeyView,
    /// Its secret.
    pub secret: SecretText,
}

/// A key to be made, or to be taken over with id and secret.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateKey {
    /// The tenancy that it is for.
    pub tenancy: TenancyName,
    /// Whose it is to be.
    pub user: UserName,
    /// What its owner calls it.
    #[serde(default)]
    pub description: String,
    /// Until when it works; for good where absent.
    #[serde(default, with = "iso8601_option")]
    pub expires: Option<Timestamp>,
    /// What it is to be narrowed to.
    #[serde(default)]
    pub scope: KeyScope,
    /// The id of a key that exists, with `secret`.
    #[serde(default)]
    pub access_key: Option<AccessKeyId>,
    /// The secret of a key that exists, with `access_key`.
    #[serde(default)]
    pub secret: Option<SecretText>,
}

/// Which keys to list.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyFilter {
    /// Those for this tenancy.
    pub tenancy: Option<TenancyName>,
    /// Those of this person.
    pub user: Option<UserName>,
}

impl KeyView {
    pub(crate) fn new(key: KeyInfo, last_use: Option<LastUse>, now: Timestamp) -> Self {
        Self {
            validity: if key.is_expired(now) { Validity::Expired } else { Validity::Active },
            access_key: key.id,
            owner: key.owner,
            tenancy: key.tenancy,
            description: key.description,
            created: key.created,
            expires: key.expires,
            scope: key.scope,
            last_use: last_use.map(|LastUse { at, source, operation }| LastUseView { at, source, operation }),
        }
    }
}

impl AdminClient {
    /// Makes a key, or takes one over.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn create_key(&self, new: &CreateKey) -> Result<CreatedKey, ClientError> {
        self.call(Method::POST, "/v1/keys", Some(new)).await
    }

    /// The keys that the filter leaves.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_keys(&self, filter: &KeyFilter) -> Result<List<KeyView>, ClientError> {
        let tenancy = filter.tenancy.as_ref().map(TenancyName::as_str);
        let user = filter.user.as_ref().map(UserName::as_str);
        self.call(Method::GET, &with_query("/v1/keys", &[("tenancy", tenancy), ("user", user)]), NO_BODY).await
    }

    /// A key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn key(&self, id: &AccessKeyId) -> Result<KeyView, ClientError> {
        self.call(Method::GET, &format!("/v1/keys/{}", encoded(id)), NO_BODY).await
    }

    /// Deletes a key.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn delete_key(&self, id: &AccessKeyId) -> Result<Done, ClientError> {
        self.call(Method::DELETE, &format!("/v1/keys/{}", encoded(id)), NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/keys", post(create).get(list)).route("/v1/keys/{id}", get(show).delete(remove))
}

async fn create(State(state): State<AdminState>, Json(new): Json<CreateKey>) -> Result<Json<CreatedKey>, ApiError> {
    let CreateKey { tenancy, user, description, expires, scope, access_key, secret } = new;
    let new = NewKey { tenancy, owner: user, description, expires, scope };
    let key = match (access_key, secret) {
        (None, None) => state.identity.create_key(new).await?,
        (Some(id), Some(secret)) => state.identity.import_key(new, id, Secret::import(secret.expose())?).await?,
        _ => {
            let hint = "Give both --access-key and --secret-stdin to take over a key, or neither to make one.";
            return Err(ApiError::invalid("an access key and its secret go together", hint));
        }
    };
    let secret = SecretText::new(key.secret.expose());
    Ok(Json(CreatedKey { key: KeyView::new(key.info.clone(), None, state.clock.now()), secret }))
}

async fn list(
    State(state): State<AdminState>,
    Query(filter): Query<KeyFilter>,
) -> Result<Json<List<KeyView>>, ApiError> {
    let tenancies = match filter.tenancy {
        Some(tenancy) => vec![tenancy],
        None => state.identity.tenancies().iter().map(|tenancy| tenancy.name.clone()).collect(),
    };
    let mut keys = Vec::new();
    for tenancy in &tenancies {
        let limit = (LIST_LIMIT + 1).saturating_sub(keys.len());
        keys.extend(state.identity.keys(tenancy, filter.user.as_ref(), limit).await?);
    }
    Ok(Json(List::new(views(&state, keys).await?)))
}

async fn show(State(state): State<AdminState>, Path(id): Path<AccessKeyId>) -> Result<Json<KeyView>, ApiError> {
    let key = state.identity.key(&id).await?.ok_or(IdentityError::NoSuchKey(id))?;
    let shown = views(&state, vec![key.info.clone()]).await?;
    shown.into_iter().next().map(Json).ok_or_else(|| IdentityError::NoSuchKey(key.info.id.clone()).into())
}

/// Keys as they are told, with their last uses.
pub(crate) async fn views(state: &AdminState, keys: Vec<KeyInfo>) -> Result<Vec<KeyView>, ApiError> {
    let now = state.clock.now();
    let last_uses = state.identity.last_uses(&keys).await?;
    Ok(keys.into_iter().zip(last_uses).map(|(key, last_use)| KeyView::new(key, last_use, now)).collect())
}

async fn remove(State(state): State<AdminState>, Path(id): Path<AccessKeyId>) -> Result<Json<Done>, ApiError> {
    state.identity.delete_key(&id).await?;
    Ok(Json(Done {}))
}
