//! The access log: one event for each request, whatever becomes of it.

use std::io;
use std::sync::{Arc, LazyLock, Mutex};

use tracing_subscriber::fmt::MakeWriter;

use crate::harness::Who::{Nobody, Owner};
use crate::harness::World;

/// What every test of this program logs: the subscriber is one for all threads.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Lines {
    fn shared() -> &'static Self {
        static LINES: LazyLock<Lines> = LazyLock::new(|| {
            let lines = Lines::default();
            let subscriber = tracing_subscriber::fmt().json().flatten_event(true).with_writer(lines.clone()).finish();
            tracing::subscriber::set_global_default(subscriber).expect("the first subscriber");
            lines
        });
        &LINES
    }

    /// The access log of one bucket so far, but for the request that made it.
    fn of(&self, bucket: &str) -> Vec<String> {
        let bytes = self.0.lock().expect("unpoisoned").clone();
        let text = String::from_utf8(bytes).expect("a log of text");
        let bucket = format!("\"bucket\":\"{bucket}\"");
        let is_wanted = |line: &&str| {
            line.contains("commonhold::access") && line.contains(&bucket) && !line.contains("\"CreateBucket\"")
        };
        text.lines().filter(is_wanted).map(str::to_owned).collect()
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
    let lines = Lines::shared();
    let world = World::with_bucket("told").await;
    let put = world.send(Owner, "PUT", "/told/k", &[], b"hello").await.expect(200);
    let told = lines.of("told");
    assert_eq!(told.len(), 1);
    for part in [
        format!("\"request_id\":\"{}\"", put.header("x-amz-request-id").expect("an id")),
        "\"operation\":\"PutObject\"".into(),
        "\"tenancy\":\"t\"".into(),
        "\"key\":\"k\"".into(),
        "\"principal\":\"owner\"".into(),
        "\"status\":200".into(),
        "\"received_bytes\":5".into(),
    ] {
        assert!(told[0].contains(&part), "{part} in {}", told[0]);
    }
    let key = world.key(Owner).expect("a key");
    assert!(!told[0].contains(&key.secret) && !told[0].contains("Signature"), "{}", told[0]);
    world.send(Nobody, "GET", "/told/k", &[], b"").await.expect(403);
    let told = lines.of("told");
    assert_eq!(told.len(), 2);
    assert!(told[1].contains("\"error\":\"AccessDenied\"") && told[1].contains("\"principal\":\"anonymous\""));
}

/// A client that goes away before there was an answer is told too.
#[tokio::test]
async fn a_request_that_is_given_up_is_told() {
    let lines = Lines::shared();
    let world = World::with_bucket("given-up").await;
    world.put_and_give_up("/given-up/k").await;
    let told = lines.of("given-up");
    assert_eq!(told.len(), 1);
    assert!(told[0].contains("\"status\":499") && told[0].contains("\"operation\":\"PutObject\""), "{}", told[0]);
    world.send(Owner, "GET", "/given-up/k", &[], b"").await.expect(404);
}
