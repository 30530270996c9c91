//! `commonhold admin usage`: bytes and objects, as counted with every commit, and the history of use.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use http::Method;
use identity::{IdentityError, Tenancy};
use metering::{Day, History, Of, Period, Stored};
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
    /// How much.
    #[serde(flatten)]
    pub stored: Stored,
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
    /// How much.
    #[serde(flatten)]
    pub stored: Stored,
}

/// What a person uses.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct UserUsage {
    /// Who.
    pub user: UserName,
    /// How much.
    #[serde(flatten)]
    pub stored: Stored,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UsageFilter {
    tenancy: Option<TenancyName>,
}

/// What of the history is asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistoryFilter {
    /// Where.
    pub tenancy: TenancyName,
    /// Of the whole, of buckets or of people.
    #[serde(default)]
    pub of: HistoryOf,
    /// One bucket.
    pub bucket: Option<BucketName>,
    /// One person.
    pub owner: Option<UserName>,
    /// By days or months.
    #[serde(default)]
    pub by: Period,
    /// The first day; 30 days ago by default.
    pub from: Option<Day>,
    /// The last day; today by default.
    pub to: Option<Day>,
}

/// Of what a history is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HistoryOf {
    /// The tenancy as a whole.
    #[default]
    Tenancy,
    /// Each bucket.
    Buckets,
    /// Each person.
    Owners,
}

/// How many days a history goes back, unless it is asked for more.
const HISTORY_DAYS: u64 = 30;

impl AdminClient {
    /// What was used day by day or month by month.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn usage_history(&self, filter: &HistoryFilter) -> Result<History, ClientError> {
        let HistoryFilter { tenancy, of, bucket, owner, by, from, to } = filter;
        let of = match of {
            HistoryOf::Tenancy => "tenancy",
            HistoryOf::Buckets => "buckets",
            HistoryOf::Owners => "owners",
        };
        let by = match by {
            Period::Day => "day",
            Period::Month => "month",
        };
        let parameters = [
            ("tenancy", Some(tenancy.as_str())),
            ("of", Some(of)),
            ("bucket", bucket.as_ref().map(BucketName::as_str)),
            ("owner", owner.as_ref().map(UserName::as_str)),
            ("by", Some(by)),
            ("from", from.as_ref().map(Day::as_str)),
            ("to", to.as_ref().map(Day::as_str)),
        ];
        self.call(Method::GET, &with_query("/v1/usage/history", &parameters), NO_BODY).await
    }

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
    Router::new().route("/v1/usage", get(usage)).route("/v1/usage/history", get(history))
}

async fn history(
    State(state): State<AdminState>,
    Query(filter): Query<HistoryFilter>,
) -> Result<Json<History>, ApiError> {
    let HistoryFilter { tenancy, of, bucket, owner, by: period, from, to } = filter;
    if state.identity.tenancy(&tenancy).is_none() {
        return Err(IdentityError::NoSuchTenancy(tenancy).into());
    }
    let of = match (bucket, owner, of) {
        (Some(_), Some(_), _) => {
            return Err(ApiError::invalid("a history is of one bucket or of one owner, not of both", "Ask twice."));
        }
        (Some(bucket), None, _) => Of::Buckets(Some(bucket)),
        (None, Some(owner), _) => Of::People(Some(owner)),
        (None, None, HistoryOf::Tenancy) => Of::Tenancy,
        (None, None, HistoryOf::Buckets) => Of::Buckets(None),
        (None, None, HistoryOf::Owners) => Of::People(None),
    };
    let from = from.unwrap_or_else(|| Day::before(state.clock.now(), HISTORY_DAYS));
    let to = to.unwrap_or_else(|| state.metering.today());
    Ok(Json(state.metering.history(&metering::Query { tenancy, of, period, from, to }).await?))
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
    let usage = state.objects.tenancy_usage_detail(&tenancy.name).await?;
    Ok(TenancyUsage {
        tenancy: tenancy.name.clone(),
        quota_bytes: tenancy.quota.hard.bytes,
        stored: usage.into(),
        buckets: Vec::new(),
        users: Vec::new(),
    })
}

async fn detailed(state: &AdminState, tenancy: &Tenancy) -> Result<TenancyUsage, ApiError> {
    let mut report = total(state, tenancy).await?;
    let roles = state.identity.roles(&tenancy.name, LIST_LIMIT).await?;
    let mut users: BTreeSet<UserName> = roles.into_iter().map(|role| role.user).collect();
    for bucket in state.buckets(&tenancy.name).await? {
        let stored = state.objects.bucket_usage_detail(&bucket).await?.into();
        let (bucket, owner) = (bucket.name.clone(), bucket.owner.clone());
        users.insert(owner.clone());
        report.buckets.push(BucketUsage { bucket, owner, stored });
    }
    for user in users {
        let stored = Stored::from(state.objects.user_usage_detail(&tenancy.name, &user).await?);
        if stored.bytes > 0 || stored.objects > 0 {
            report.users.push(UserUsage { user, stored });
        }
    }
    Ok(report)
}
