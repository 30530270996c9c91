//! What the handlers work with, and what several nouns answer with.

use std::sync::Arc;

use access::{Access, action};
use audit::Audit;
use identity::Identity;
use metering::Metering;
use notify::Notify;
use objects::{Bucket, Objects};
use serde::{Deserialize, Serialize};
use storage::maintenance::Maintenance;
use types::{Clock, TenancyName, Timestamp};

use crate::error::ApiError;
use crate::maintenance::Tasks;

/// The most items that a list answers with, so that an answer stays below some ten megabytes.
pub const LIST_LIMIT: usize = 50_000;

/// What the handlers work with.
#[derive(Clone)]
pub struct AdminState {
    /// Tenancies, people, roles and keys.
    pub identity: Arc<Identity>,
    /// Grants for what the operator does.
    pub access: Arc<Access>,
    /// Where every change is recorded.
    pub audit: Audit,
    /// What people are told.
    pub notify: Arc<Notify>,
    /// Buckets and usage.
    pub objects: Arc<Objects>,
    /// What was used day by day.
    pub metering: Arc<Metering>,
    /// The engine under both, as its operator sees it.
    pub engine: Arc<dyn Maintenance>,
    /// The long work that runs.
    pub tasks: Tasks,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// When the server started.
    pub started: Timestamp,
    /// How this installation is set up.
    pub installation: Arc<Installation>,
}

/// How an installation is set up, as far as whoever talks to it needs to know.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Installation {
    /// The version of the program.
    pub version: String,
    /// Where its data is.
    pub data_dir: String,
    /// The address on which S3 is served without TLS, `127.0.0.1:9000`.
    pub s3_address: Option<String>,
    /// The address on which S3 is served with TLS.
    pub s3_tls_address: Option<String>,
    /// The address of the portal.
    #[serde(default)]
    pub portal_address: Option<String>,
    /// The address of the portal with TLS.
    #[serde(default)]
    pub portal_tls_address: Option<String>,
    /// The domains for requests from inside.
    pub internal_domains: Vec<String>,
    /// The domains for requests from anywhere.
    pub external_domains: Vec<String>,
    /// The tenancy of requests that name none.
    pub default_tenancy: Option<TenancyName>,
}

/// A list.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct List<T> {
    /// The items.
    pub items: Vec<T>,
    /// Whether there are more than [`LIST_LIMIT`], of which these are the first.
    pub truncated: bool,
}

impl<T> List<T> {
    /// A list of at most [`LIST_LIMIT`] of `items`.
    pub(crate) fn new(mut items: Vec<T>) -> Self {
        let truncated = items.len() > LIST_LIMIT;
        items.truncate(LIST_LIMIT);
        Self { items, truncated }
    }
}

/// It was done, and there is nothing more to say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Done {}

impl AdminState {
    /// The buckets of a tenancy.
    pub(crate) async fn buckets(&self, tenancy: &TenancyName) -> Result<Vec<Arc<Bucket>>, ApiError> {
        let operator = self.access.operator(tenancy.clone());
        let grant = self.access.authorize_on_tenancy::<action::ListAllMyBuckets>(&operator)?;
        Ok(self.objects.list_buckets(&grant).await?)
    }
}
