//! The access log and the order of requests in it: one event each, whatever becomes of the request.

use std::io;
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::harness::Who::{Nobody, Owner};
use crate::harness::World;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    /// The access log so far.
    fn take(&self) -> Vec<String> {
        let bytes = std::mem::take(&mut *self.0.lock().expect("unpoisoned"));
        let text = String::from_utf8(bytes).expect("a log of text");
        text.lines().filter(|line| line.contains("commonhold::access")).map(str::to_owned).collect()
    }
}

impl io::Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().expect("unpoisoned").extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

#[tokio::test]
async fn each_request_is_told_once_and_without_secrets() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::with_bucket("bkt").await;
    lines.take();
    let put = world.send(Owner, "PUT", "/bkt/k", &[], b"hello").await.expect(200);
    let told = lines.take();
    assert_eq!(told.len(), 1);
    for part in [
        format!("\"request_id\":\"{}\"", put.header("x-amz-request-id").expect("an id")),
        "\"operation\":\"PutObject\"".into(),
        "\"tenancy\":\"t\"".into(),
        "\"bucket\":\"bkt\"".into(),
        "\"key\":\"k\"".into(),
        "\"principal\":\"owner\"".into(),
        "\"status\":200".into(),
        "\"received_bytes\":5".into(),
    ] {
        assert!(told[0].contains(&part), "{part} in {}", told[0]);
    }
    let key = world.key(Owner).expect("a key");
    assert!(!told[0].contains(&key.secret) && !told[0].contains("Signature"), "{}", told[0]);
    world.send(Nobody, "GET", "/bkt/k", &[], b"").await.expect(403);
    let told = lines.take();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"error\":\"AccessDenied\"") && told[0].contains("\"principal\":\"anonymous\""));
}

/// A client that goes away before there was an answer is told too.
#[tokio::test]
async fn a_request_that_is_given_up_is_told() {
    let lines = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let world = World::with_bucket("bkt").await;
    lines.take();
    world.put_and_give_up("/bkt/k").await;
    let told = lines.take();
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"status\":499") && told[0].contains("\"operation\":\"PutObject\""), "{}", told[0]);
    world.send(Owner, "GET", "/bkt/k", &[], b"").await.expect(404);
}
