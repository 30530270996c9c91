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

use crate::{disk, telemetry};

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
    measure_scrub(&monitored).await;
    ([(CONTENT_TYPE, TEXT_FORMAT)], monitored.metrics.render())
}

fn measure_disk(data_dir: &Path) {
    match disk::space(data_dir) {
        Ok(space) => {
            metrics::gauge!(telemetry::DISK_BYTES).set(float(space.total_bytes));
            metrics::gauge!(telemetry::DISK_FREE_BYTES).set(float(space.free_bytes));
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

async fn measure_scrub(monitored: &Monitored) {
    match monitored.objects.scrub_status().await {
        Ok(status) => {
            if let Some(last) = status.last {
                metrics::gauge!(objects::scrub::SCRUB_LAST_PASS_SECONDS).set(float(last.ended.as_secs()));
            }
        }
        Err(error) => tracing::warn!(%error, "when the store was scrubbed can not be read"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "metrics are floating point; sizes below 2^53 are exact")]
const fn float(count: u64) -> f64 {
    count as f64
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use axum::http::Request;
    use http_body_util::BodyExt as _;
    use identity::MasterKey;
    use metrics_exporter_prometheus::PrometheusBuilder;
    use storage::{Batch, Engine, Metadata as _, Space};
    use storage_embedded::disk::{Fault, MemoryDisk};
    use storage_embedded::{EmbeddedStore, Options};
    use tower::ServiceExt as _;
    use types::{Clock, SeededEntropy, SystemClock};

    use super::*;

    /// A store on `disk`, its index in `folder`, and what monitors it.
    async fn monitored(disk: &MemoryDisk, folder: &Path) -> (Arc<EmbeddedStore>, Monitored) {
        let entropy = Arc::new(SeededEntropy::new(1));
        let options = Options { segment_bytes: 256 << 10, reserve_bytes: 0, ..Options::default() };
        let engine = EmbeddedStore::open(Arc::new(disk.clone()), &folder.join("index"), options, &*entropy);
        let engine = engine.expect("it opens");
        let Engine { metadata, blobs } = Engine::new(Arc::clone(&engine));
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        // The same for every opening of one disk, whatever else asked for randomness.
        let master = MasterKey::generate(&SeededEntropy::new(2));
        let of_store = entropy.clone();
        let identity = Identity::open(Arc::clone(&metadata), master, Arc::clone(&clock), entropy).await;
        let monitored = Monitored {
            readiness: Readiness::default(),
            metrics: PrometheusBuilder::new().build_recorder().handle(),
            engine: Arc::clone(&engine) as Arc<dyn Maintenance>,
            identity: Arc::new(identity.expect("it opens")),
            objects: Arc::new(Objects::new(metadata, blobs, clock, of_store)),
            data_dir: folder.to_owned(),
            started: Instant::now(),
        };
        (engine, monitored)
    }

    async fn readyz(monitored: &Monitored) -> (u16, String) {
        let request = Request::get("/readyz").body(Body::empty()).expect("a request");
        let answer = router(monitored.clone()).oneshot(request).await.expect("infallible");
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.expect("a body").to_bytes();
        (status, String::from_utf8(body.to_vec()).expect("text"))
    }

    #[tokio::test]
    async fn a_failed_sync_is_told_until_the_restart() {
        let (disk, folder) = (MemoryDisk::new(), tempfile::tempdir().expect("a folder"));
        let (engine, before) = monitored(&disk, folder.path()).await;
        assert_eq!(readyz(&before).await, (503, "starting or stopping\n".to_owned()));
        before.readiness.set(true);
        assert_eq!(readyz(&before).await, (200, "ready\n".to_owned()));
        disk.fail(Fault::Sync, 1);
        let put = || Batch { put: vec![(b"k".to_vec(), "v".into())], ..Batch::default() };
        engine.commit(Space(9), b"k", put()).await.expect_err("the sync fails");
        let (status, reason) = readyz(&before).await;
        assert_eq!(status, 503);
        assert!(reason.starts_with("read-only: the log can not be written"), "{reason}");
        engine.close().await.expect("closed");
        drop((engine, before));

        let (engine, after) = monitored(&disk, folder.path()).await;
        after.readiness.set(true);
        assert_eq!(readyz(&after).await.0, 200);
        engine.commit(Space(9), b"k", put()).await.expect("it takes writes again");
    }
}
