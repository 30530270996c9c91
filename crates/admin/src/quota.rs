//! `commonhold admin quota`: limits of tenancies, buckets and people, with what is used of them.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, put};
use http::Method;
use identity::quota::{Limits, QuotaOverride};
use identity::{IdentityError, Quota, QuotaChange, QuotaScope};
use policy::QuotaState;
use serde::{Deserialize, Deserializer, Serialize};
use types::{BucketName, TenancyName, Timestamp, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, encoded};
use crate::date::iso8601;
use crate::error::ApiError;
use crate::extract::{Json, Path};
use crate::state::{AdminState, List};

/// A quota, and what is used of it.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaView {
    /// What it is on.
    pub scope: QuotaScope,
    /// The limits that are only told of.
    pub soft: Limits,
    /// The limits that have an action.
    pub hard: Limits,
    /// What follows when a hard limit is reached.
    pub action: QuotaState,
    /// Another action, for a while.
    #[serde(rename = "override")]
    pub overridden: Option<OverrideQuota>,
    /// What follows now: the override's action while it lasts.
    pub action_now: QuotaState,
    /// Whether a soft limit is reached.
    pub soft_reached: bool,
    /// Whether a hard limit is reached.
    pub hard_reached: bool,
    /// Bytes that are held: objects, older versions and the parts of uploads.
    pub bytes: u64,
    /// Objects and older versions that are held.
    pub objects: u64,
}

/// Another action than a quota's own, until a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OverrideQuota {
    /// Which.
    pub action: QuotaState,
    /// Until when.
    #[serde(with = "iso8601")]
    pub until: Timestamp,
    /// Why.
    #[serde(default)]
    pub reason: String,
}

/// What is to become of a quota; what is absent stays as it is, and `null` takes a limit or the override away.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SetQuota {
    /// The bucket whose quota is meant. Without bucket and owner it is the tenancy's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bucket: Option<BucketName>,
    /// The person whose quota is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<UserName>,
    /// The hard limit of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub bytes: Option<Option<u64>>,
    /// The hard limit of objects.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub objects: Option<Option<u64>>,
    /// The soft limit of bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub soft_bytes: Option<Option<u64>>,
    /// The soft limit of objects.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub soft_objects: Option<Option<u64>>,
    /// What follows when a hard limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<QuotaState>,
    /// Another action, for a while.
    #[serde(default, rename = "override", skip_serializing_if = "Option::is_none", deserialize_with = "given")]
    pub overridden: Option<Option<OverrideQuota>>,
}

/// Reads a field that is there, `null` too.
fn given<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

impl AdminClient {
    /// The quotas of a tenancy: its own, and those of buckets and people in it.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn quotas(&self, tenancy: &TenancyName) -> Result<List<QuotaView>, ClientError> {
        self.call(Method::GET, &format!("/v1/tenancies/{}/quotas", encoded(tenancy)), NO_BODY).await
    }

    /// Changes a quota.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn set_quota(&self, tenancy: &TenancyName, set: &SetQuota) -> Result<QuotaView, ClientError> {
        self.call(Method::PUT, &format!("/v1/tenancies/{}/quota", encoded(tenancy)), Some(set)).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/tenancies/{tenancy}/quotas", get(list)).route("/v1/tenancies/{tenancy}/quota", put(set))
}

async fn list(
    State(state): State<AdminState>,
    Path(tenancy): Path<TenancyName>,
) -> Result<Json<List<QuotaView>>, ApiError> {
    if state.identity.tenancy(&tenancy).is_none() {
        return Err(IdentityError::NoSuchTenancy(tenancy).into());
    }
    let mut views = Vec::new();
    for (scope, quota) in state.identity.quotas().of(&tenancy).map(|quotas| quotas.all()).unwrap_or_default() {
        views.push(view(&state, &tenancy, scope, quota).await?);
    }
    Ok(Json(List::new(views)))
}

async fn set(
    State(state): State<AdminState>,
    Path(tenancy): Path<TenancyName>,
    Json(set): Json<SetQuota>,
) -> Result<Json<QuotaView>, ApiError> {
    let scope = match (set.bucket, set.owner) {
        (None, None) => QuotaScope::Tenancy,
        (Some(bucket), None) => QuotaScope::Bucket(bucket),
        (None, Some(owner)) => QuotaScope::Owner(owner),
        (Some(_), Some(_)) => {
            let rule = "it is on a bucket or on a person; name one of them".to_owned();
            return Err(IdentityError::Invalid { what: "quota", rule }.into());
        }
    };
    let overridden = |given: OverrideQuota| {
        let OverrideQuota { action, until, reason } = given;
        QuotaOverride { action, until, reason }
    };
    let change = QuotaChange {
        soft_bytes: set.soft_bytes,
        soft_objects: set.soft_objects,
        hard_bytes: set.bytes,
        hard_objects: set.objects,
        action: set.action,
        overridden: set.overridden.map(|given| given.map(overridden)),
    };
    let quota = state.identity.set_quota(&tenancy, &scope, change).await?;
    Ok(Json(view(&state, &tenancy, scope, quota).await?))
}

async fn view(
    state: &AdminState,
    tenancy: &TenancyName,
    scope: QuotaScope,
    quota: Quota,
) -> Result<QuotaView, ApiError> {
    let usage = state.objects.usage_in(tenancy, &scope).await?;
    let action_now = quota.action_at(state.clock.now());
    let overridden = quota.overridden.map(|other| {
        let QuotaOverride { action, until, reason } = other;
        OverrideQuota { action, until, reason }
    });
    Ok(QuotaView {
        scope,
        soft: quota.soft,
        hard: quota.hard,
        action: quota.action,
        overridden,
        action_now,
        soft_reached: quota.marks.soft.is_some(),
        hard_reached: quota.marks.hard.is_some(),
        bytes: usage.bytes,
        objects: usage.objects,
    })
}
