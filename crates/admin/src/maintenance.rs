//! Long work on the whole store while it serves: a scrub, a backup. It is started by one call and watched by others;
//! one runs at a time.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use background::jobs::scrub;
use http::Method;
use objects::inspect::Inspected;
use objects::scrub::{PassOf, ScrubStatus};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use storage::maintenance::{BackedUp, Damages, Progress};
use types::Timestamp;

use crate::client::{AdminClient, ClientError, NO_BODY};
use crate::date::{iso8601, iso8601_option};
use crate::error::ApiError;
use crate::extract::Json;
use crate::state::{AdminState, Done};

/// Which work.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskKind {
    /// Every byte is read.
    Scrub,
    /// A backup is made.
    Backup,
}

impl fmt::Display for TaskKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Scrub => "scrub",
            Self::Backup => "backup",
        })
    }
}

/// How work is, or how it was that ran last.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Task {
    /// Which.
    pub kind: TaskKind,
    /// Bytes that it is known to go through.
    pub total_bytes: u64,
    /// Bytes that it went through.
    pub done_bytes: u64,
    /// How it ended, once it has.
    pub outcome: Option<Outcome>,
}

/// How work ended.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It was done; damages may have been found.
    Done(Report),
    /// It could not be done.
    Failed(String),
}

/// What work found and did. What it has nothing to do with is 0.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Report {
    /// Buckets that were looked at.
    pub buckets: u64,
    /// Versions of objects that were looked at.
    pub versions: u64,
    /// Blobs that were looked at.
    pub blobs: u64,
    /// Bytes that were read.
    pub read_bytes: u64,
    /// Files that were copied.
    pub copied_files: u64,
    /// Their bytes.
    pub copied_bytes: u64,
    /// Files that were there from before.
    pub reused_files: u64,
    /// Files that were removed, because nothing needs them any more.
    pub removed_files: u64,
    /// How many damages there are.
    pub damage_count: u64,
    /// The first thousand of them in words.
    pub damages: Vec<String>,
    /// How many counters were wrong and are right now.
    #[serde(default)]
    pub corrected_count: u64,
    /// The first thousand of them in words.
    #[serde(default)]
    pub corrected: Vec<String>,
}

impl Report {
    /// With these damages.
    pub fn damaged(mut self, damages: Damages) -> Self {
        self.damage_count = damages.count;
        self.damages = damages.listed.into_iter().map(|damage| damage.what).collect();
        self
    }
}

impl From<Inspected> for Report {
    fn from(inspected: Inspected) -> Self {
        let Inspected { buckets, versions, blobs, bytes, damages, corrected } = inspected;
        let corrected_count = corrected.count;
        let corrected = corrected.listed.into_iter().map(|counter| counter.what).collect();
        let of = Self { buckets, versions, blobs, read_bytes: bytes, corrected_count, corrected, ..Self::default() };
        of.damaged(damages)
    }
}

impl From<BackedUp> for Report {
    fn from(made: BackedUp) -> Self {
        let BackedUp { copied_files, copied_bytes, reused_files, removed_files, damages, .. } = made;
        Self { copied_files, copied_bytes, reused_files, removed_files, ..Self::default() }.damaged(damages)
    }
}

/// How the store was scrubbed.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ScrubView {
    /// The pass of the background job that has not ended, as it was remembered last.
    pub under_way: Option<PassView>,
    /// The last whole pass, whoever asked for it.
    pub last: Option<PassView>,
}

/// A pass through everything.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PassView {
    /// When it began.
    #[serde(with = "iso8601")]
    pub started: Timestamp,
    /// When it ended.
    #[serde(with = "iso8601_option")]
    pub ended: Option<Timestamp>,
    /// Bytes of content that it read.
    pub read_bytes: u64,
    /// Damages that it found.
    pub damage_count: u64,
}

impl From<ScrubStatus> for ScrubView {
    fn from(ScrubStatus { under_way, last }: ScrubStatus) -> Self {
        let view = |started, ended, read_bytes, damage_count| PassView { started, ended, read_bytes, damage_count };
        Self {
            under_way: under_way.map(|pass| view(pass.started, None, pass.bytes, pass.damages)),
            last: last.map(|pass| view(pass.started, Some(pass.ended), pass.bytes, pass.damages)),
        }
    }
}

/// Where a backup is to be.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BackupRequest {
    /// A directory of the server's machine, with its whole path.
    pub directory: PathBuf,
}

impl AdminClient {
    /// Starts a scrub.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start_scrub(&self) -> Result<Done, ClientError> {
        self.call(Method::POST, "/v1/maintenance/scrub", NO_BODY).await
    }

    /// How the store was scrubbed.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn scrubs(&self) -> Result<ScrubView, ClientError> {
        self.call(Method::GET, "/v1/maintenance/scrub", NO_BODY).await
    }

    /// Starts a backup.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn start_backup(&self, request: &BackupRequest) -> Result<Done, ClientError> {
        self.call(Method::POST, "/v1/maintenance/backup", Some(request)).await
    }

    /// The work that runs or ran last; `None` where none ever did.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn task(&self) -> Result<Option<Task>, ClientError> {
        self.call(Method::GET, "/v1/maintenance", NO_BODY).await
    }

    /// Asks the work that runs to end.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn stop_task(&self) -> Result<Done, ClientError> {
        self.call(Method::DELETE, "/v1/maintenance", NO_BODY).await
    }
}

/// The work of a server: one at a time.
#[derive(Clone, Debug, Default)]
pub struct Tasks(Arc<Mutex<Option<Running>>>);

#[derive(Clone, Debug)]
struct Running {
    kind: TaskKind,
    progress: Arc<Progress>,
    outcome: Arc<OnceLock<Outcome>>,
}

impl Tasks {
    /// Asks the work that runs to end.
    pub fn stop(&self) {
        if let Some(running) = &*self.0.lock() {
            running.progress.stop();
        }
    }

    fn start(&self, kind: TaskKind) -> Result<Running, ApiError> {
        let mut current = self.0.lock();
        if let Some(running) = current.as_ref().filter(|running| running.outcome.get().is_none()) {
            return Err(ApiError::busy(format!("a {} is running already", running.kind)));
        }
        let running = Running { kind, progress: Arc::new(Progress::unpaced()), outcome: Arc::default() };
        *current = Some(running.clone());
        Ok(running)
    }

    fn current(&self) -> Option<Task> {
        let current = self.0.lock();
        current.as_ref().map(|Running { kind, progress, outcome }| {
            let outcome = outcome.get().cloned();
            let (total_bytes, done_bytes) = progress.bytes();
            Task { kind: *kind, total_bytes, done_bytes, outcome }
        })
    }
}

impl Running {
    fn end(&self, result: Result<Report, String>) {
        let outcome = match result {
            _ if self.progress.is_stopped() => Outcome::Failed("it was stopped before its end".to_owned()),
            Ok(report) => Outcome::Done(report),
            Err(error) => Outcome::Failed(error),
        };
        tracing::info!(task = %self.kind, ?outcome, "maintenance ended");
        // It ends once.
        let _ = self.outcome.set(outcome);
    }
}

pub(crate) fn routes() -> Router<AdminState> {
    Router::new()
        .route("/v1/maintenance", get(show).delete(stop))
        .route("/v1/maintenance/scrub", get(show_scrubs).post(start_scrub))
        .route("/v1/maintenance/backup", post(start_backup))
}

async fn show(State(state): State<AdminState>) -> Json<Option<Task>> {
    Json(state.tasks.current())
}

async fn stop(State(state): State<AdminState>) -> Json<Done> {
    state.tasks.stop();
    Json(Done {})
}

async fn show_scrubs(State(state): State<AdminState>) -> Result<Json<ScrubView>, ApiError> {
    Ok(Json(state.objects.scrub_status().await?.into()))
}

async fn start_scrub(State(state): State<AdminState>) -> Result<Json<Done>, ApiError> {
    let running = state.tasks.start(TaskKind::Scrub)?;
    tokio::spawn(async move {
        let inspected = scrub(&state.objects, &state.engine, PassOf::Operator, &running.progress).await;
        running.end(inspected.map(Report::from).map_err(|error| error.to_string()));
    });
    Ok(Json(Done {}))
}

async fn start_backup(
    State(state): State<AdminState>,
    Json(request): Json<BackupRequest>,
) -> Result<Json<Done>, ApiError> {
    if !request.directory.is_absolute() {
        return Err(ApiError::invalid("the directory of a backup needs its whole path", ""));
    }
    let running = state.tasks.start(TaskKind::Backup)?;
    tokio::task::spawn_blocking(move || {
        let made = state.engine.backup(&request.directory, &running.progress);
        running.end(made.map(Report::from).map_err(|error| error.to_string()));
    });
    Ok(Json(Done {}))
}
