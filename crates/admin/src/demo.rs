//! `commonhold demo`: something to try every client with.
//!
//! Run again, it makes another key and puts back what is missing; what is there stays as it is.

mod dataset;

use std::sync::Arc;

use access::{BucketTarget, Credential, NewBucketTarget, ObjectTarget, action};
use async_trait::async_trait;
use axum::Router;
use axum::extract::State;
use axum::routing::post;
use bytes::Bytes;
use http::Method;
use identity::{IdentityError, KeyRecord, NewKey, NewRole, NewTenancy, NewUser};
use objects::object::{ObjectMetadata, PutRequest};
use objects::{Bucket, Claims, NewBucket, ObjectError, Payload, PayloadError};
use policy::{Facts, KeyScope, Principal, Resource, Role};
use serde::{Deserialize, Serialize};
use types::{AccessKeyId, BucketName, ChecksumAlgorithm, Conditions, EtagMatch, ObjectKey, TenancyName, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY};
use crate::error::ApiError;
use crate::extract::Json;
use crate::secret_text::SecretText;
use crate::state::AdminState;

const TENANCY: &str = "demo-o";
const USER: &str = "demo";
const BUCKET: &str = "demo";

/// What there is to try.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Demo {
    /// The tenancy.
    pub tenancy: TenancyName,
    /// The person, who is its MANAGER.
    pub user: UserName,
    /// A fresh key of theirs.
    pub access_key: AccessKeyId,
    /// Its secret.
    pub secret: SecretText,
    /// A bucket of theirs.
    pub bucket: BucketName,
    /// The Zarr dataset in it: what stands before the keys of its objects, without a `/` at the end.
    pub dataset: String,
}

impl AdminClient {
    /// Makes a tenancy, a person, a key and a bucket with a dataset to try.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn demo(&self) -> Result<Demo, ClientError> {
        self.call(Method::POST, "/v1/demo", NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/demo", post(demo))
}

async fn demo(State(state): State<AdminState>) -> Result<Json<Demo>, ApiError> {
    let tenancy = TenancyName::new(TENANCY).expect("demo-o is a tenancy name");
    let user = UserName::new(USER).expect("demo is a user name");
    let name = BucketName::new(BUCKET).expect("demo is a bucket name");
    let key = make_key(&state, &tenancy, &user).await?;
    let principal = state.access.principal_for(&Credential::Key(Arc::clone(&key)), &tenancy).await?;
    let bucket = make_bucket(&state, &principal, &name).await?;
    put_dataset(&state, &principal, &bucket).await?;
    Ok(Json(Demo {
        tenancy,
        user,
        access_key: key.info.id.clone(),
        secret: SecretText::new(key.secret.expose()),
        bucket: name,
        dataset: dataset::NAME.to_owned(),
    }))
}

/// Makes tenancy, person and role where they are missing, and a key.
async fn make_key(state: &AdminState, tenancy: &TenancyName, user: &UserName) -> Result<Arc<KeyRecord>, ApiError> {
    let identity = &state.identity;
    let new = NewTenancy { description: "To try things out".to_owned(), ..NewTenancy::named(tenancy.clone()) };
    match identity.create_tenancy(new).await {
        Ok(_) | Err(IdentityError::TenancyExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    match identity.create_user(NewUser { name: user.clone(), email: None }, None).await {
        Ok(_) | Err(IdentityError::UserExists(_)) => {}
        Err(error) => return Err(error.into()),
    }
    if identity.role_of(tenancy, user, state.clock.now()).await? != Some(Role::Manager) {
        let (tenancy, user) = (tenancy.clone(), user.clone());
        identity.grant_role(NewRole { tenancy, user, role: Role::Manager, expires: None }).await?;
    }
    let (tenancy, owner) = (tenancy.clone(), user.clone());
    let new =
        NewKey { tenancy, owner, description: "commonhold demo".to_owned(), expires: None, scope: KeyScope::default() };
    Ok(identity.create_key(new).await?)
}

async fn make_bucket(
    state: &AdminState,
    principal: &Arc<Principal>,
    name: &BucketName,
) -> Result<Arc<Bucket>, ApiError> {
    if let Some(bucket) = state.objects.find_bucket(&principal.tenancy, name).await? {
        return Ok(bucket);
    }
    let target = NewBucketTarget { tenancy: principal.tenancy.clone(), bucket: name.clone() };
    let grant = state.access.authorize::<action::CreateBucket>(principal, target, Facts::about(Resource::Tenancy))?;
    Ok(state.objects.create_bucket(&grant, NewBucket::default()).await?)
}

/// Puts the objects of the dataset that are missing.
async fn put_dataset(state: &AdminState, principal: &Arc<Principal>, bucket: &Bucket) -> Result<(), ApiError> {
    let facts = Facts { bucket: Some(bucket.facts()), ..Facts::about(Resource::Bucket(&bucket.name)) };
    for item in dataset::items() {
        let target = ObjectTarget {
            bucket: BucketTarget { tenancy: bucket.tenancy.clone(), bucket: bucket.name.clone(), bucket_id: bucket.id },
            key: ObjectKey::new(&format!("{}/{}", dataset::NAME, item.key)).expect("the dataset's keys are short"),
            version: None,
        };
        let grant = state.access.authorize::<action::PutObject>(principal, target, facts)?;
        let metadata = ObjectMetadata { content_type: Some(item.content_type.to_owned()), ..ObjectMetadata::default() };
        let conditions = Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
        let mut content = Content(item.content);
        match state.objects.put_object(&grant, PutRequest { metadata, acl: None, conditions }, &mut content).await {
            Ok(_) | Err(ObjectError::PreconditionFailed { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Content that is at hand.
struct Content(Bytes);

#[async_trait]
impl Payload for Content {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        Ok(Some(std::mem::take(&mut self.0)).filter(|piece| !piece.is_empty()))
    }

    fn length(&self) -> Option<u64> {
        Some(self.0.len() as u64)
    }

    fn claims(&self) -> Claims {
        Claims::default()
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        None
    }
}
