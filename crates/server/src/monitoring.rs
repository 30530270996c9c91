//! What monitoring asks: `/metrics`, `/healthz` and `/readyz`, on a listener of their own, because every path of the
//! S3 listeners may be somebody's bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::IntoResponse;
use axum::routing::get;
use identity::Identity;
use metrics_exporter_prometheus::PrometheusHandle;
use objects::Objects;
use storage::maintenance::Maintenance;
use tokio_util::sync::CancellationToken;

use crate::telemetry;

/// The Prometheus text format (Prometheus documentation, "Exposition formats").
const TEXT_FORMAT: &str = "text/plain; version=0.0.4; charset=utf-8";
/// The most tenancies with series of their own, so that a scrape stays small.
const TENANCIES: usize = 1000;
/// How often histograms are drained, so that they stay small when nobody scrapes.
const UPKEEP_INTERVAL: Duration = Duration::from_secs(5);

/// Whether the server takes requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Readiness(Arc<AtomicBool>);

impl Readiness {
    /// It does from now on, or no longer.
    pub(crate) fn set(&self, ready: bool) {
        self.0.store(ready, Ordering::Relaxed);
    }

    fn is_ready(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// What monitoring looks at.
#[derive(Clone)]
pub(crate) struct Monitored {
    /// Whether the server takes requests.
    pub(crate) readiness: Readiness,
    /// What was counted.
    pub(crate) metrics: PrometheusHandle,
    /// Whether it takes writes.
    pub(crate) engine: Arc<dyn Maintenance>,
    /// Which tenancies there are.
    pub(crate) identity: Arc<Identity>,
    /// What they use.
    pub(crate) objects: Arc<Objects>,
    /// Whose disk is measured.
    pub(crate) data_dir: PathBuf,
    /// When the server started.
    pub(crate) started: Instant,
}

/// The routes.
pub(crate) fn router(state: Monitored) -> Router {
    Router::new()
        .route("/healthz", get(async || "ok\n"))
        .route("/readyz", get(readyz))
        .route("/metrics", get(render))
        .with_state(state)
}

/// Keeps the recorder small until `stop`.
pub(crate) async fn upkeep(metrics: PrometheusHandle, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(UPKEEP_INTERVAL)).await.is_some() {
        metrics.run_upkeep();
    }
}

async fn readyz(State(monitored): State<Monitored>) -> impl IntoResponse {
    if !monitored.readiness.is_ready() {
        return (StatusCode::SERVICE_UNAVAILABLE, "starting or stopping\n".to_owned());
    }
    match monitored.engine.failure() {
        None => (StatusCode::OK, "ready\n".to_owned()),
        Some(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("read-only: {reason}\n")),
    }
}

async fn render(State(monitored): State<Monitored>) -> impl IntoResponse {
    metrics::gauge!(telemetry::UPTIME_SECONDS).set(monitored.started.elapsed().as_secs_f64());
    measure_disk(&monitored.data_dir);
    measure_tenancies(&monitored).await;
    ([(CONTENT_TYPE, TEXT_FORMAT)], monitored.metrics.render())
}

fn measure_disk(data_dir: &Path) {
    match rustix::fs::statvfs(data_dir) {
        Ok(disk) => {
            metrics::gauge!(telemetry::DISK_BYTES).set(float(disk.f_blocks.saturating_mul(disk.f_frsize)));
            metrics::gauge!(telemetry::DISK_FREE_BYTES).set(float(disk.f_bavail.saturating_mul(disk.f_frsize)));
        }
        Err(error) => tracing::warn!(%error, "the disk of the data directory can not be measured"),
    }
}

async fn measure_tenancies(monitored: &Monitored) {
    for tenancy in monitored.identity.tenancies().iter().take(TENANCIES) {
        match monitored.objects.tenancy_usage(&tenancy.name).await {
            Ok(usage) => {
                let name = tenancy.name.to_string();
                metrics::gauge!(telemetry::TENANCY_BYTES, "tenancy" => name.clone()).set(float(usage.bytes));
                metrics::gauge!(telemetry::TENANCY_OBJECTS, "tenancy" => name).set(float(usage.objects));
            }
            Err(error) => tracing::warn!(%error, tenancy = %tenancy.name, "usage can not be read"),
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point; sizes below 2^53 are exact")]
const fn float(count: u64) -> f64 {
    count as f64
}
