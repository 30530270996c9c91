//! Logs and metrics: how they are set up, and what every metric means.
//!
//! Crates count what they do under names of their own; [`describe`] explains all of them in one place, and a test
//! holds `docs/metrics.md` against it.

mod access_line;
mod lines;

use std::io::{IsTerminal as _, Stderr};

use metrics::Unit;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Format;

use crate::config::LogFormat;
use access_line::AccessLine;
use lines::Lines;

/// Connections of the network listeners that are open now.
pub(crate) const CONNECTIONS_OPEN: &str = "commonhold_connections_open";
/// Connections closed because their client did nothing.
pub(crate) const CONNECTIONS_TIMED_OUT: &str = "commonhold_connections_timed_out_total";
/// TLS handshakes that failed.
pub(crate) const TLS_HANDSHAKES_FAILED: &str = "commonhold_tls_handshakes_failed_total";
/// Changed certificates that could not be used.
pub(crate) const CERTIFICATE_RELOADS_FAILED: &str = "commonhold_tls_certificate_reloads_failed_total";
/// Seconds since the start.
pub(crate) const UPTIME_SECONDS: &str = "commonhold_uptime_seconds";
/// Size of the data directory's file system.
pub(crate) const DISK_BYTES: &str = "commonhold_disk_bytes";
/// What of it is free for the server.
pub(crate) const DISK_FREE_BYTES: &str = "commonhold_disk_free_bytes";
/// Bytes of content in a tenancy.
pub(crate) const TENANCY_BYTES: &str = "commonhold_tenancy_bytes";
/// Objects in a tenancy.
pub(crate) const TENANCY_OBJECTS: &str = "commonhold_tenancy_objects";
/// The version that runs.
pub(crate) const BUILD_INFO: &str = "commonhold_build_info";

/// Upper bounds of latency buckets in seconds: from a small object out of memory to a large part over a slow line.
const LATENCY_BUCKETS_SECONDS: [f64; 14] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0];

/// Upper bounds of buckets that count things done together.
const COUNT_BUCKETS: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 256.0, 1024.0];

/// What is less talkative than the rest unless the level names it: the index tells of its every file.
const QUIET: &str = "lsm_tree=warn";

/// The log of the process. What it still holds is written when it is dropped.
pub(crate) struct Log(Lines<Stderr>);

impl Drop for Log {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Sends log lines to standard error.
///
/// # Errors
/// A text where the level can not be read (the configuration check has refused that before), where there is a log
/// already, or where the system gives no thread.
pub(crate) fn start_log(level: &str, format: LogFormat) -> Result<Log, String> {
    let filter = EnvFilter::builder().parse(format!("{QUIET},{level}")).map_err(|error| error.to_string())?;
    let lines = Lines::start(std::io::stderr()).map_err(|error| error.to_string())?;
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(lines.clone());
    let started = match format {
        LogFormat::Text => {
            let log = log.with_ansi(std::io::stderr().is_terminal());
            log.event_format(AccessLine { others: Format::default() }).try_init()
        }
        LogFormat::Json => log.json().flatten_event(true).with_current_span(false).try_init(),
    };
    started.map(|()| Log(lines)).map_err(|error| error.to_string())
}

/// Starts counting. The handle renders what was counted.
///
/// # Errors
/// Where it was started already.
pub(crate) fn start_metrics() -> Result<PrometheusHandle, String> {
    let handle = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &LATENCY_BUCKETS_SECONDS)
        .and_then(|builder| builder.set_buckets_for_metric(Matcher::Suffix("_records".to_owned()), &COUNT_BUCKETS))
        .and_then(PrometheusBuilder::install_recorder)
        .map_err(|error| error.to_string())?;
    describe();
    metrics::gauge!(BUILD_INFO, "version" => env!("CARGO_PKG_VERSION")).set(1.0);
    Ok(handle)
}

use MetricKind::{Counter, Gauge, Histogram};

/// What kind of metric one is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum MetricKind {
    /// It only grows.
    Counter,
    /// It goes up and down.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

/// One metric in words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Metric {
    /// Its name.
    pub(crate) name: &'static str,
    /// Its kind.
    pub(crate) kind: MetricKind,
    /// Its unit.
    pub(crate) unit: Unit,
    /// Its labels, with commas between.
    #[cfg_attr(not(test), expect(dead_code, reason = "docs/metrics.md has it, and a test compares"))]
    pub(crate) labels: &'static str,
    /// What it says.
    pub(crate) text: &'static str,
}

const fn metric(name: &'static str, kind: MetricKind, unit: Unit, labels: &'static str, text: &'static str) -> Metric {
    Metric { name, kind, unit, labels, text }
}

/// Every metric that the program has.
pub(crate) const METRICS: &[Metric] = &[
    metric(
        s3_api::observe::REQUESTS,
        Counter,
        Unit::Count,
        "operation, status",
        "S3 requests, by operation and HTTP status.",
    ),
    metric(
        s3_api::observe::DURATION_SECONDS,
        Histogram,
        Unit::Seconds,
        "operation",
        "Seconds from a request's head to its response's last byte.",
    ),
    metric(s3_api::observe::RECEIVED_BYTES, Counter, Unit::Bytes, "", "Bytes of request bodies, framing included."),
    metric(s3_api::observe::SENT_BYTES, Counter, Unit::Bytes, "", "Bytes of response bodies."),
    metric(
        s3_api::observe::DAMAGED_READS,
        Counter,
        Unit::Count,
        "",
        "Requests that met damaged data. Anything but 0 needs an operator.",
    ),
    metric(TENANCY_BYTES, Gauge, Unit::Bytes, "tenancy", "Bytes of content in a tenancy, all versions."),
    metric(TENANCY_OBJECTS, Gauge, Unit::Count, "tenancy", "Objects in a tenancy, all versions."),
    metric(DISK_BYTES, Gauge, Unit::Bytes, "", "Size of the file system that holds the data directory."),
    metric(DISK_FREE_BYTES, Gauge, Unit::Bytes, "", "What of it is free for the server."),
    metric(
        "commonhold_storage_free_bytes",
        Gauge,
        Unit::Bytes,
        "",
        "Free space as the engine last saw it; below `storage.reserve_mib` new data is refused.",
    ),
    metric(
        "commonhold_storage_read_only",
        Gauge,
        Unit::Count,
        "",
        "1 where the engine takes no more writes, because one failed: restart after repairing the disk.",
    ),
    metric(
        "commonhold_storage_damaged_total",
        Counter,
        Unit::Count,
        "",
        "Checksums that did not match. Anything but 0 needs an operator.",
    ),
    metric(
        objects::scrub::SCRUBBED_BYTES,
        Counter,
        Unit::Bytes,
        "",
        "Bytes of content that scrubs have read and found whole.",
    ),
    metric(
        objects::scrub::SCRUB_REMAINING_BYTES,
        Gauge,
        Unit::Bytes,
        "",
        "What the scrub that runs has still to read; 0 after its end.",
    ),
    metric(
        objects::scrub::SCRUB_LAST_PASS_SECONDS,
        Gauge,
        Unit::Seconds,
        "",
        "When the last whole scrub ended, in seconds since 1970; absent where there was none.",
    ),
    metric(
        objects::inspect::SCRUB_DAMAGES,
        Counter,
        Unit::Count,
        "",
        "Damages that scrubs found; the log names the objects. Anything but 0 needs an operator.",
    ),
    metric("commonhold_storage_sync_seconds", Histogram, Unit::Seconds, "", "Seconds that a sync of the log took."),
    metric(
        "commonhold_storage_group_records",
        Histogram,
        Unit::Count,
        "",
        "Records that shared one sync (group commit).",
    ),
    metric("commonhold_storage_log_bytes_total", Counter, Unit::Bytes, "", "Bytes written to the log."),
    metric(
        "commonhold_storage_stalls_total",
        Counter,
        Unit::Count,
        "",
        "Times that writers waited for the index to be written.",
    ),
    metric(
        "commonhold_commit_conflicts_total",
        Counter,
        Unit::Count,
        "",
        "Commits that were tried again, because another writer changed the same key.",
    ),
    metric(
        objects::QUOTA_REFUSALS,
        Counter,
        Unit::Count,
        "scope",
        "Writes that a hard limit refused, on a `tenancy`, a `bucket` or an `owner` (a person).",
    ),
    metric(
        "commonhold_list_pages_total",
        Counter,
        Unit::Count,
        "from",
        "Pages of listings: told again from `memory`, because their bucket did not change, or read from the `store`.",
    ),
    metric(
        metering::RECEIVED_BYTES,
        Counter,
        Unit::Bytes,
        "tenancy",
        "Bytes of request bodies, counted once a minute.",
    ),
    metric(metering::SENT_BYTES, Counter, Unit::Bytes, "tenancy", "Bytes of response bodies, counted once a minute."),
    metric(
        metering::REQUESTS,
        Counter,
        Unit::Count,
        "tenancy, class",
        "Requests, counted once a minute: `read`, `write`, `list`, `delete` or `other`.",
    ),
    metric(
        background::jobs::STORED_BYTES,
        Gauge,
        Unit::Bytes,
        "tenancy, kind",
        "Bytes that are stored: of `current` objects, `older` versions and `parts` of uploads, as of the last minute.",
    ),
    metric(background::jobs::STORED_OBJECTS, Gauge, Unit::Count, "tenancy, kind", "How many of them there are."),
    metric(
        audit::AUDIT_ENTRIES,
        Counter,
        Unit::Count,
        "outcome",
        "Entries of the audit log, by how the act ended: `done`, `refused`, `failed`, or `unknown` where its client went away.",
    ),
    metric(
        audit::AUDIT_FAILURES,
        Counter,
        Unit::Count,
        "",
        "Acts that the audit log does not have. Anything but 0 needs an operator.",
    ),
    metric(notify::NOTIFICATIONS, Counter, Unit::Count, "event", "Entries put into inboxes, by what they tell of."),
    metric(
        notify::MAILS,
        Counter,
        Unit::Count,
        "outcome",
        "Mails: `sent`, `deferred` where the server did not take them yet, or `dead` where it never will.",
    ),
    metric(
        notify::MAILS_WAITING,
        Gauge,
        Unit::Count,
        "state",
        "Mails that wait (`queued`), or could not be sent and are kept to be looked at (`dead`).",
    ),
    metric(CONNECTIONS_OPEN, Gauge, Unit::Count, "", "Network connections that are open now."),
    metric(
        CONNECTIONS_TIMED_OUT,
        Counter,
        Unit::Count,
        "reason",
        "Connections closed because their client did nothing: before its first request (`header`), between requests \
         (`idle`), or in the middle of one (`stall`).",
    ),
    metric(TLS_HANDSHAKES_FAILED, Counter, Unit::Count, "", "TLS handshakes that failed."),
    metric(
        CERTIFICATE_RELOADS_FAILED,
        Counter,
        Unit::Count,
        "",
        "Changed certificates that could not be used; those from before stay in use.",
    ),
    metric(
        sts::REQUESTS,
        Counter,
        Unit::Count,
        "action, status",
        "Requests for temporary credentials, by action and HTTP status.",
    ),
    metric(
        identity_oidc::FETCHES,
        Counter,
        Unit::Count,
        "outcome",
        "Requests to the OpenID Connect provider: `done` or `failed`.",
    ),
    metric(
        identity_oidc::FETCH_SECONDS,
        Histogram,
        Unit::Seconds,
        "",
        "Seconds that requests to the OpenID Connect provider took.",
    ),
    metric(background::JOB_RUNS, Counter, Unit::Count, "job, outcome", "Runs of background jobs: `done` or `failed`."),
    metric(background::JOB_ITEMS, Counter, Unit::Count, "job", "Things that background jobs dealt with."),
    metric(background::JOB_DURATION_SECONDS, Histogram, Unit::Seconds, "job", "Seconds that runs of jobs took."),
    metric(
        background::JOB_LAST_RUN_SECONDS,
        Gauge,
        Unit::Seconds,
        "job",
        "When a job last ended well, in seconds since 1970.",
    ),
    metric(
        identity_ldap::DIRECTORY_REQUESTS,
        Counter,
        Unit::Count,
        "operation, outcome",
        "Questions to the directory on LDAP: `done`, `refused` by it, or `away`.",
    ),
    metric(
        identity_ldap::DIRECTORY_REQUEST_SECONDS,
        Histogram,
        Unit::Seconds,
        "operation",
        "Seconds that questions to the directory took.",
    ),
    metric(identity_ldap::DIRECTORY_AWAY, Gauge, Unit::Count, "", "1 while no server of the directory can be reached."),
    metric(
        background::jobs::DIRECTORY_DRIFT,
        Gauge,
        Unit::Count,
        "kind",
        "Members that the directory's groups of tenancies lack (`missing`), have too many (`extra`) or can not have \
         (`unknown`) after the last run. Anything but 0 needs an operator.",
    ),
    metric(UPTIME_SECONDS, Gauge, Unit::Seconds, "", "Seconds since the start."),
    metric(BUILD_INFO, Gauge, Unit::Count, "version", "1, with the version that runs."),
];

fn describe() {
    for Metric { name, kind, unit, text, .. } in METRICS {
        match kind {
            Counter => metrics::describe_counter!(*name, *unit, *text),
            Gauge => metrics::describe_gauge!(*name, *unit, *text),
            Histogram => metrics::describe_histogram!(*name, *unit, *text),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fmt::Write;

    use super::*;

    /// The page that explains the metrics.
    const PAGE: &str = include_str!("../../../docs/metrics.md");

    fn page() -> String {
        let mut page = String::from(
            "# Metrics\n\nIn the Prometheus text format at `/metrics` of the listener `listen.metrics` (default \
             `http://127.0.0.1:9001/metrics`).\nBeside them, `/healthz` answers 200 while the process lives, and \
             `/readyz` 200 while it takes requests and writes, else 503 with the reason.\n\n| metric | kind | labels | meaning |\n|---|---|---|---|\n",
        );
        for Metric { name, kind, labels, text, .. } in METRICS {
            let kind = format!("{kind:?}").to_lowercase();
            let labels = labels.split(", ").filter(|l| !l.is_empty()).map(|l| format!("`{l}`")).collect::<Vec<_>>();
            let _ = writeln!(page, "| `{name}` | {kind} | {} | {text} |", labels.join(", "));
        }
        page
    }

    #[test]
    fn the_page_is_the_metrics() {
        let page = page();
        assert!(page == PAGE, "docs/metrics.md should read:\n{page}");
    }

    #[test]
    fn names_are_one_of_a_kind_and_say_their_unit() {
        let names: BTreeSet<&str> = METRICS.iter().map(|metric| metric.name).collect();
        assert_eq!(names.len(), METRICS.len());
        for Metric { name, kind, .. } in METRICS {
            assert!(name.starts_with("commonhold_"), "{name}");
            assert_eq!(name.ends_with("_total"), *kind == Counter, "{name}");
        }
    }
}
