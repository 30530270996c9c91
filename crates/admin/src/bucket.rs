//! `commonhold admin bucket`: the buckets of a tenancy, and whose they are.

use access::action;
use axum::Router;
use axum::extract::State;
use axum::routing::{get, put};
use http::Method;
use identity::{Act, IdentityError};
use objects::Bucket;
use serde::{Deserialize, Serialize};
use types::{BucketName, TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded};
use crate::date::iso8601;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::request::actor;
use crate::state::{AdminState, LIST_LIMIT, List};

/// A bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BucketView {
    /// Its name.
    pub name: BucketName,
    /// Whose it is.
    pub owner: UserName,
    /// When it was made.
    #[serde(with = "iso8601")]
    pub created: Timestamp,
    /// Bytes of content, all versions and parts of uploads in progress.
    pub bytes: u64,
    /// Objects, all versions.
    pub objects: u64,
    /// Whether browsers that come to its address get a page of what is in it.
    #[serde(default)]
    pub public_index: bool,
}

/// Whether browsers get a page of a bucket.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetIndex {
    /// Whether they do.
    pub public_index: bool,
}

/// Another owner for a bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetOwner {
    /// Who gives it; the operator where absent.
    #[serde(default, rename = "as", skip_serializing_if = "Option::is_none")]
    pub user: Option<UserName>,
    /// Whose it is to be: someone who holds a role in the tenancy.
    pub owner: UserName,
}

impl AdminClient {
    /// The buckets of a tenancy.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn list_buckets(&self, tenancy: &TenancyName) -> Result<List<BucketView>, ClientError> {
        self.call(Method::GET, &format!("/v1/tenancies/{}/buckets", encoded(tenancy)), NO_BODY).await
    }

    /// Gives a bucket to another owner.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_bucket_owner(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
        set: &SetOwner,
    ) -> Result<BucketView, ClientError> {
        let path = format!("/v1/tenancies/{}/buckets/{}/owner", encoded(tenancy), encoded(bucket));
        self.call(Method::PUT, &path, Some(set)).await
    }

    /// Switches the page of a bucket on or off.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_bucket_index(
        &self,
        tenancy: &TenancyName,
        bucket: &BucketName,
        set: SetIndex,
    ) -> Result<BucketView, ClientError> {
        let path = format!("/v1/tenancies/{}/buckets/{}/index", encoded(tenancy), encoded(bucket));
        self.call(Method::PUT, &path, Some(&set)).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/tenancies/{tenancy}/buckets", get(list))
        .route("/v1/tenancies/{tenancy}/buckets/{bucket}/owner", put(set_owner))
        .route("/v1/tenancies/{tenancy}/buckets/{bucket}/index", put(set_index))
}

async fn view(state: &AdminState, bucket: &Bucket) -> Result<BucketView, ApiError> {
    let usage = state.objects.bucket_usage(bucket).await?;
    let (name, owner, created) = (bucket.name.clone(), bucket.owner.clone(), bucket.created);
    let public_index = bucket.public_index;
    Ok(BucketView { name, owner, created, bytes: usage.bytes, objects: usage.objects, public_index })
}

async fn list(
    State(state): State<AdminState>,
    Path(tenancy): Path<TenancyName>,
) -> Result<Json<List<BucketView>>, ApiError> {
    state.identity.tenancy(&tenancy).ok_or_else(|| IdentityError::NoSuchTenancy(tenancy.clone()))?;
    let mut buckets = Vec::new();
    for bucket in state.buckets(&tenancy).await?.iter().take(LIST_LIMIT + 1) {
        buckets.push(view(&state, bucket).await?);
    }
    Ok(Json(List::new(buckets)))
}

async fn set_owner(
    State(state): State<AdminState>,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Json(SetOwner { user, owner }): Json<SetOwner>,
) -> Result<Json<BucketView>, ApiError> {
    state.identity.check_may(&actor(user), &tenancy, &Act::GiveBucket).await?;
    if state.identity.role_of(&tenancy, &owner, state.clock.now()).await?.is_none() {
        return Err(IdentityError::NoRole { user: owner, tenancy }.into());
    }
    let bucket = state.bucket(&tenancy, &name).await?;
    // Whether the actor may was decided above, by the rules for members; the store wants a grant all the same.
    let grant = state.authorize_on_bucket::<action::PutBucketAcl>(&bucket)?;
    state.objects.set_bucket_owner(&grant, owner).await?;
    let bucket = state.bucket(&tenancy, &name).await?;
    Ok(Json(view(&state, &bucket).await?))
}

async fn set_index(
    State(state): State<AdminState>,
    Path((tenancy, name)): Path<(TenancyName, BucketName)>,
    Json(SetIndex { public_index }): Json<SetIndex>,
) -> Result<Json<BucketView>, ApiError> {
    let bucket = state.bucket(&tenancy, &name).await?;
    let grant = state.authorize_on_bucket::<action::PutBucketWebsite>(&bucket)?;
    state.objects.put_public_index(&grant, public_index).await?;
    let bucket = state.bucket(&tenancy, &name).await?;
    Ok(Json(view(&state, &bucket).await?))
}
