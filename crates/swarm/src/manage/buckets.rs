//! `buckets` of a domain: those that the caller may list, with what is in them.

use std::sync::Arc;

use access::{BucketTarget, action};
use http::{Method, StatusCode};
use objects::Bucket;
use policy::{Facts, Principal, Resource};
use serde_json::{Value, json};
use types::BucketName;

use crate::Swarm;
use crate::asked::Asked;
use crate::caller::Member;
use crate::error::SwarmError;
use crate::reply::Reply;

/// The most buckets of one answer.
const LISTED: usize = 10_000;

/// The buckets of the tenancy that the caller may list.
pub(crate) async fn list(swarm: &Swarm, asked: &Asked, member: &Member) -> Result<Reply, SwarmError> {
    if !asked.is_read() {
        return Err(SwarmError::MethodNotAllowed(asked.method.clone()));
    }
    let principal = member.principal(swarm)?;
    let grant = swarm.access.authorize_on_tenancy::<action::ListAllMyBuckets>(&principal)?;
    let buckets = swarm.objects.list_buckets(&grant).await?;
    let mut found = Vec::new();
    for bucket in buckets.iter().filter(|bucket| may_list(swarm, &principal, bucket)).take(LISTED) {
        found.push(described(swarm, bucket).await?);
    }
    Ok(Reply::json(StatusCode::OK, &found))
}

/// One bucket.
pub(super) async fn itself(
    swarm: &Swarm,
    asked: &Asked,
    member: &Member,
    name: &BucketName,
) -> Result<Reply, SwarmError> {
    if asked.method != Method::GET {
        let text = "buckets are made and deleted by S3 or in the portal";
        return Err(SwarmError::NotCarried(text.to_owned()));
    }
    let bucket = seen(swarm, member, name).await?;
    Ok(Reply::json(StatusCode::OK, &described(swarm, &bucket).await?))
}

/// A bucket that the caller may list. Whether there is another is not told.
pub(super) async fn seen(swarm: &Swarm, member: &Member, name: &BucketName) -> Result<Arc<Bucket>, SwarmError> {
    let principal = member.principal(swarm)?;
    let found = swarm.objects.find_bucket(&member.tenancy, name).await?;
    let found = found.filter(|bucket| may_list(swarm, &principal, bucket));
    found.ok_or_else(|| SwarmError::NotFound(format!("there is no bucket {name:?}", name = name.as_str())))
}

fn may_list(swarm: &Swarm, principal: &Arc<Principal>, bucket: &Bucket) -> bool {
    let target = BucketTarget { tenancy: bucket.tenancy.clone(), bucket: bucket.name.clone(), bucket_id: bucket.id };
    let facts = Facts { bucket: Some(bucket.facts()), ..Facts::about(Resource::Bucket(&bucket.name)) };
    swarm.access.authorize::<action::ListBucket>(principal, target, facts).is_ok()
}

async fn described(swarm: &Swarm, bucket: &Bucket) -> Result<Value, SwarmError> {
    let usage = swarm.objects.bucket_usage(bucket).await?;
    Ok(json!({
        "name": bucket.name,
        "last_modified": bucket.created.to_rfc3339_micros(),
        "x_owner_meta": bucket.owner,
        "bytes": usage.bytes,
        "count": usage.objects,
    }))
}
