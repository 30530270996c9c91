//! `commonhold admin usage`: bytes and objects, as counted with every commit.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::Method;
use identity::{IdentityError, Tenancy};
use serde::{Deserialize, Serialize};
use types::{BucketName, TenancyName, UserName};

use crate::client::{AdminClient, ClientError, NO_BODY, with_query};
use crate::error::ApiError;
use crate::extract::{Json, Query};
use crate::state::{AdminState, LIST_LIMIT};

/// What the tenancies use.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UsageReport {
    /// Each tenancy, in the order of names.
    pub tenancies: Vec<TenancyUsage>,
}

/// What a tenancy uses. Every version counts; delete markers do not.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct TenancyUsage {
    /// Which.
    pub tenancy: TenancyName,
    /// How many bytes it may hold; without limit where absent.
    pub quota_bytes: Option<u64>,
    /// Bytes of content.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
    /// What each bucket uses, where one tenancy was asked for.
    pub buckets: Vec<BucketUsage>,
    /// What each person uses by the objects that they wrote, where one tenancy was asked for: everyone with a role or a
    /// bucket who uses anything.
    pub users: Vec<UserUsage>,
}

/// What a bucket uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BucketUsage {
    /// Which.
    pub bucket: BucketName,
    /// Whose it is.
    pub owner: UserName,
    /// Bytes of content.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

/// What a person uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserUsage {
    /// Who.
    pub user: UserName,
    /// Bytes of content.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageFilter {
    tenancy: Option<TenancyName>,
}

impl AdminClient {
    /// What every tenancy uses, or one in detail.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage(&self, tenancy: Option<&TenancyName>) -> Result<UsageReport, ClientError> {
        let path = with_query("/v1/usage", &[("tenancy", tenancy.map(TenancyName::as_str))]);
        self.call(Method::GET, &path, NO_BODY).await
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new().route("/v1/usage", get(usage))
}

async fn usage(
    State(state): State<AdminState>,
    Query(filter): Query<UsageFilter>,
) -> Result<Json<UsageReport>, ApiError> {
    let mut tenancies = Vec::new();
    match filter.tenancy {
        Some(name) => {
            let tenancy = state.identity.tenancy(&name).ok_or(IdentityError::NoSuchTenancy(name))?;
            tenancies.push(detailed(&state, &tenancy).await?);
        }
        None => {
            for tenancy in state.identity.tenancies() {
                tenancies.push(total(&state, &tenancy).await?);
            }
        }
    }
    Ok(Json(UsageReport { tenancies }))
}

async fn total(state: &AdminState, tenancy: &Tenancy) -> Result<TenancyUsage, ApiError> {
    let usage = state.objects.tenancy_usage(&tenancy.name).await?;
    Ok(TenancyUsage {
        tenancy: tenancy.name.clone(),
        quota_bytes: tenancy.quota.hard.bytes,
        bytes: usage.bytes,
        objects: usage.objects,
        buckets: Vec::new(),
        users: Vec::new(),
    })
}

async fn detailed(state: &AdminState, tenancy: &Tenancy) -> Result<TenancyUsage, ApiError> {
    let mut report = total(state, tenancy).await?;
    let roles = state.identity.roles(&tenancy.name, LIST_LIMIT).await?;
    let mut users: BTreeSet<UserName> = roles.into_iter().map(|role| role.user).collect();
    for bucket in state.buckets(&tenancy.name).await? {
        let usage = state.objects.bucket_usage(&bucket).await?;
        let (bucket, owner) = (bucket.name.clone(), bucket.owner.clone());
        users.insert(owner.clone());
        report.buckets.push(BucketUsage { bucket, owner, bytes: usage.bytes, objects: usage.objects });
    }
    for user in users {
        let usage = state.objects.user_usage(&tenancy.name, &user).await?;
        if usage.objects > 0 {
            report.users.push(UserUsage { user, bytes: usage.bytes, objects: usage.objects });
        }
    }
    Ok(report)
}
