//! What is told of each request: one access log event, its metrics and its part of the history of use, once, when the
//! response ends or is given up.
//!
//! A [`Record`] is opened when a request arrives and travels with it: through the handler, then in the response's body.
//! Whatever drops it last (the end of the body, a client that went away, a cancelled task) writes the event, so none is
//! lost. Secrets, signatures and query strings never enter it.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use http::StatusCode;
use metering::{Class, Metering};
use metrics::{Counter, Histogram};
use parking_lot::RwLock;
use policy::{Caller, Principal};
use types::{BucketName, HexText, ObjectKey, UserName};

use crate::body::BodyError;

/// The target of access log events.
pub const ACCESS_LOG: &str = "commonhold::access";
/// Requests by `operation` and `status`.
pub const REQUESTS: &str = "commonhold_s3_requests_total";
/// Seconds from a request's head to its response's last byte, by `operation`.
pub const DURATION_SECONDS: &str = "commonhold_s3_request_duration_seconds";
/// Bytes of request bodies, framing included.
pub const RECEIVED_BYTES: &str = "commonhold_s3_received_bytes_total";
/// Bytes of response bodies.
pub const SENT_BYTES: &str = "commonhold_s3_sent_bytes_total";
/// Damaged data met while an answer was made or sent.
pub const DAMAGED_READS: &str = "commonhold_s3_damaged_reads_total";

/// The status that is logged where the client went away before there was an answer.
const CLIENT_CLOSED_REQUEST: u16 = 499;
/// The operation of a request that was refused before it was known what it asks for.
const UNROUTED: &str = "Unrouted";

/// Counts the bytes of a request's body as they arrive.
#[derive(Clone, Debug, Default)]
pub(crate) struct ReceivedBytes(Arc<AtomicU64>);

impl ReceivedBytes {
    pub(crate) fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Whether anything has arrived.
    pub(crate) fn any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

/// `x-amz-request-id`: 16 hex digits.
pub(crate) type RequestId = HexText<16>;

/// The metrics of requests, and the history of use. Those with labels are looked up once for each operation and status, because to find one by
/// its labels costs more than to count.
#[derive(Debug)]
pub(crate) struct Meters {
    /// There are as many as there are operations and statuses that they end with.
    by_outcome: RwLock<HashMap<(&'static str, u16), Arc<Meter>>>,
    received: Counter,
    sent: Counter,
    history: Option<Arc<Metering>>,
}

#[derive(Debug)]
struct Meter {
    requests: Counter,
    duration: Histogram,
}

impl Default for Meters {
    fn default() -> Self {
        let (received, sent) = (metrics::counter!(RECEIVED_BYTES), metrics::counter!(SENT_BYTES));
        Self { by_outcome: RwLock::default(), received, sent, history: None }
    }
}

impl Meters {
    /// Those that keep a history of use too.
    pub(crate) fn with_history(history: Arc<Metering>) -> Self {
        Self { history: Some(history), ..Self::default() }
    }

    fn of(&self, operation: &'static str, status: u16) -> Arc<Meter> {
        if let Some(meter) = self.by_outcome.read().get(&(operation, status)) {
            return Arc::clone(meter);
        }
        let requests = metrics::counter!(REQUESTS, "operation" => operation, "status" => status.to_string());
        let duration = metrics::histogram!(DURATION_SECONDS, "operation" => operation);
        let meter = Arc::new(Meter { requests, duration });
        self.by_outcome.write().insert((operation, status), Arc::clone(&meter));
        meter
    }
}

/// What is known of one request so far.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) request_id: RequestId,
    pub(crate) operation: &'static str,
    remote: SocketAddr,
    pub(crate) bucket: Option<BucketName>,
    /// Whether there is such a bucket, as far as it was looked for.
    pub(crate) is_bucket_there: AtomicBool,
    pub(crate) key: Option<ObjectKey>,
    pub(crate) principal: Option<Arc<Principal>>,
    pub(crate) status: Option<StatusCode>,
    pub(crate) error: Option<&'static str>,
    received: ReceivedBytes,
    sent: u64,
    failure: Option<String>,
    pub(crate) started: Instant,
    meters: Arc<Meters>,
}

impl Record {
    pub(crate) fn new(request_id: RequestId, remote: SocketAddr, meters: Arc<Meters>) -> Self {
        Self {
            request_id,
            operation: UNROUTED,
            remote,
            bucket: None,
            is_bucket_there: AtomicBool::new(false),
            key: None,
            principal: None,
            status: None,
            error: None,
            received: ReceivedBytes::default(),
            sent: 0,
            failure: None,
            started: Instant::now(),
            meters,
        }
    }

    /// The client.
    pub(crate) const fn remote(&self) -> SocketAddr {
        self.remote
    }

    /// The counter that the request's body adds to.
    pub(crate) fn received(&self) -> ReceivedBytes {
        self.received.clone()
    }

    pub(crate) fn sent(&mut self, bytes: u64) {
        self.sent += bytes;
    }

    /// The response broke off after its head was sent.
    pub(crate) fn broke_off(&mut self, error: &BodyError) {
        if matches!(error, BodyError::Storage(storage::StorageError::Damaged(_))) {
            metrics::counter!(DAMAGED_READS).increment(1);
        }
        tracing::error!(request_id = %self.request_id, operation = self.operation, %error, "a response broke off");
        self.failure = Some(error.to_string());
    }

    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self::new(HexText::upper(&[0; 8]), ([127, 0, 0, 1], 0).into(), Arc::default())
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        let status = self.status.map_or(CLIENT_CLOSED_REQUEST, |status| status.as_u16());
        let received = self.received.0.load(Ordering::Relaxed);
        let elapsed = self.started.elapsed();
        let meter = self.meters.of(self.operation, status);
        meter.requests.increment(1);
        meter.duration.record(elapsed);
        self.meters.received.increment(received);
        self.meters.sent.increment(self.sent);
        if let (Some(history), Some(principal)) = (&self.meters.history, &self.principal) {
            let is_there = *self.is_bucket_there.get_mut();
            history.count(&metering::Request {
                tenancy: &principal.tenancy,
                bucket: self.bucket.as_ref().filter(|_| is_there),
                person: person(principal),
                class: class(self.operation),
                received_bytes: received,
                sent_bytes: self.sent,
            });
        }
        tracing::info!(
            target: ACCESS_LOG,
            request_id = %self.request_id,
            remote = %self.remote,
            operation = self.operation,
            tenancy = self.principal.as_ref().map(|principal| principal.tenancy.as_str()),
            bucket = self.bucket.as_ref().map(BucketName::as_str),
            key = self.key.as_ref().map(ObjectKey::as_str),
            principal = self.principal.as_deref().map(principal_name),
            access_key = self.principal.as_deref().and_then(access_key),
            status,
            error = self.error,
            failure = self.failure.as_deref(),
            received_bytes = received,
            sent_bytes = self.sent,
            duration_us = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
            "request"
        );
    }
}

fn person(principal: &Principal) -> Option<&UserName> {
    match &principal.caller {
        Caller::Person { name, .. } => Some(name),
        Caller::Anonymous | Caller::Operator => None,
    }
}

/// What an operation does, which the API reference begins its name with.
fn class(operation: &str) -> Class {
    const CLASSES: [(&str, Class); 13] = [
        ("Get", Class::Read),
        ("Head", Class::Read),
        ("Select", Class::Read),
        ("Put", Class::Write),
        ("Post", Class::Write),
        ("Copy", Class::Write),
        ("Create", Class::Write),
        ("Upload", Class::Write),
        ("Complete", Class::Write),
        ("Restore", Class::Write),
        ("List", Class::List),
        ("Delete", Class::Delete),
        ("Abort", Class::Delete),
    ];
    CLASSES.iter().find(|(begin, _)| operation.starts_with(begin)).map_or(Class::Other, |(_, class)| *class)
}

fn principal_name(principal: &Principal) -> &str {
    match &principal.caller {
        Caller::Anonymous => "anonymous",
        Caller::Person { name, .. } => name.as_str(),
        Caller::Operator => "operator",
    }
}

fn access_key(principal: &Principal) -> Option<&str> {
    match &principal.caller {
        Caller::Person { key, .. } => key.as_ref().map(types::AccessKeyId::as_str),
        Caller::Anonymous | Caller::Operator => None,
    }
}
