//! Resident memory while many large uploads are in flight.

use std::time::{Duration, Instant};

use http::Method;
use tokio::task::JoinSet;

use super::fill::make_bucket;
use super::{Finding, Setup, serve};
use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;

/// Uploads at the same time.
const UPLOADS: usize = 64;
/// The most resident memory meanwhile, in MiB.
const AT_MOST_MIB: f64 = 300.0;
/// Between two looks at memory.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// Uploads are looked at for so many times the length of a measurement, since all of them share two cores.
const LENGTHS: u32 = 3;
const BUCKET: &str = "uploads";

/// The most resident memory that the server has while 64 connections send it a large object each. They are broken off
/// before an object is whole: what is asked is memory, and the disk has not room for all of them.
pub(super) async fn measure(setup: &Setup) -> Result<Vec<Finding>, BenchError> {
    let server = serve(setup).await?;
    let target = server.target(BUCKET)?;
    make_bucket(&mut Connection::new(&target), &target).await?;
    let before = server.resident()?;
    let content = Content::new(setup.upload_bytes);
    let mut uploads = JoinSet::new();
    for number in 0..UPLOADS {
        let request = target.request(Method::PUT, &format!("large/{number}"), "", content.body(), None)?;
        let mut connection = Connection::new(&target);
        uploads.spawn(async move { connection.send(request, Keep::Length).await?.checked("PUT").map(drop) });
    }
    let (started, mut most) = (Instant::now(), before);
    while started.elapsed() < setup.duration * LENGTHS {
        tokio::time::sleep(LOOK_INTERVAL).await;
        let now = server.resident()?;
        if now.all > most.all {
            most = now;
        }
        if let Some(ended) = uploads.try_join_next() {
            ended??;
        }
    }
    let in_flight = uploads.len();
    uploads.shutdown().await;
    server.stop().await?;
    let note = format!(
        "{in_flight} of {UPLOADS} uploads of {} MiB in flight at the end; without pages of files {:.0} MiB; {:.0} MiB before",
        setup.upload_bytes >> 20,
        most.anonymous,
        before.all
    );
    Ok(vec![Finding::new(format!("uploads-{UPLOADS}-memory"), most.all, "MiB", AT_MOST_MIB, note)])
}
