//! The start after a kill, and resident memory, with a full store.

use std::time::Duration;

use http::Method;

use super::fill::{Filling, fill};
use super::{Finding, Setup, serve};
use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::run::{prepare, run};
use crate::server::{Resident, Server};
use crate::target::Target;
use crate::workload::{Operation, Stop, Workload};

/// The longest start.
const START_SECONDS: f64 = 2.0;
/// The most resident memory at rest, in MiB.
const IDLE_MIB: f64 = 100.0;
/// How long after a start memory is looked at the first time.
const START: Duration = Duration::from_secs(3);
/// How long a server rests before its memory counts as that of rest. It takes some 20 seconds until it sees that nobody
/// writes any more, writes its index to disk, and gives back what that took; after a start it does, too, for what it had to
/// replay.
const REST: Duration = Duration::from_secs(40);
/// The writers of the burst that a kill ends.
const BURST_CONNECTIONS: usize = 64;
/// By how much a round's burst is longer than the one before.
const BURST_STEP: Duration = Duration::from_millis(700);
/// The objects that are read before memory is looked at.
const READ_OBJECTS: u64 = 10_000;
/// Bytes of an object of the burst.
const BURST_BYTES: u64 = 4096;

/// From the program's start to `/readyz`: killed at rest, with and without the page cache, and in a burst of writes.
pub(super) async fn starts(setup: &Setup, told: &impl Fn(&str)) -> Result<Vec<Finding>, BenchError> {
    let mut server = serve(setup).await?;
    fill(&server, Filling::of(setup.objects), told).await?;
    let (mut warm, mut cold, mut burst) = (Starts::default(), Starts::default(), Starts::default());
    for round in 0..setup.rounds.max(1) {
        server.kill();
        server = warm.start(setup).await?;
        server.kill();
        if drop_page_cache() {
            cold.start(setup).await?.kill();
        }
        // Bursts of several lengths end at several distances from the index's last checkpoint.
        let length = setup.duration + BURST_STEP * u32::try_from(round).unwrap_or(u32::MAX);
        kill_in_burst(serve(setup).await?, length).await?;
        server = burst.start(setup).await?;
    }
    server.stop().await?;
    let name = |when: &str| format!("start-{}-{when}", setup.objects);
    let named = [(warm, "killed-at-rest"), (cold, "killed-at-rest-cold-cache"), (burst, "killed-in-burst")];
    let measured = named.into_iter().filter(|(starts, _)| !starts.seconds.is_empty());
    Ok(measured.map(|(starts, when)| starts.finding(name(when))).collect())
}

#[derive(Default)]
struct Starts {
    seconds: Vec<f64>,
    said: Vec<String>,
}

impl Starts {
    async fn start(&mut self, setup: &Setup) -> Result<Server, BenchError> {
        let (server, took) = Server::start(&setup.program, &setup.folder).await?;
        self.seconds.push(took.as_secs_f64());
        self.said.push(server.said("log recovered")?);
        Ok(server)
    }

    fn finding(&self, name: String) -> Finding {
        let worst = self.seconds.iter().copied().fold(0.0, f64::max);
        let rounds = self.seconds.iter().zip(&self.said).map(|(took, said)| format!("{took:.2} s ({said})"));
        Finding::new(name, worst, "s", START_SECONDS, rounds.collect::<Vec<_>>().join("; "))
    }
}

/// Makes the system forget what it has read of files; false where it does not let this user.
fn drop_page_cache() -> bool {
    std::fs::write("/proc/sys/vm/drop_caches", "1").is_ok()
}

/// Kills the server while many connections write.
async fn kill_in_burst(server: Server, length: Duration) -> Result<(), BenchError> {
    let target = server.target("burst")?;
    let workload = Workload {
        operation: Operation::Put,
        size: BURST_BYTES,
        connections: BURST_CONNECTIONS,
        // The kill is what ends it: a connection gives up after some errors.
        stop: Stop::After(length * 2),
        objects: 0,
        prefix: "burst/".to_owned(),
    };
    prepare(&target, &workload).await?;
    let writers = tokio::spawn(async move { run(&target, &workload).await });
    tokio::time::sleep(length).await;
    server.kill();
    writers.await??;
    Ok(())
}

/// Resident memory with a full store: at rest after a start amid writes, and at rest after reading and listing.
pub(super) async fn memory(setup: &Setup, told: &impl Fn(&str)) -> Result<Vec<Finding>, BenchError> {
    let filling = Filling::of(setup.objects);
    let server = serve(setup).await?;
    fill(&server, filling, told).await?;
    server.kill();
    let server = serve(setup).await?;
    tokio::time::sleep(START).await;
    let early = server.resident()?;
    tokio::time::sleep(REST).await;
    let started = server.resident()?;
    let target = server.target(&filling.bucket())?;
    let workload = Workload {
        operation: Operation::Mixed,
        size: BURST_BYTES,
        connections: BURST_CONNECTIONS,
        stop: Stop::After(setup.duration),
        objects: READ_OBJECTS,
        prefix: "mixed/".to_owned(),
    };
    prepare(&target, &workload).await?;
    run(&target, &workload).await?;
    list_all(&target).await?;
    let busy = server.resident()?;
    tokio::time::sleep(REST).await;
    let rested = server.resident()?;
    server.stop().await?;
    let name = |when: &str| format!("memory-{}-{when}", setup.objects);
    Ok(vec![
        resident(name("after-start"), started, &format!("{:.0} MiB in the first seconds of it", early.all)),
        resident(
            name("at-rest"),
            rested,
            &format!("{:.0} MiB right after reads, writes and a whole listing", busy.all),
        ),
    ])
}

fn resident(name: String, resident: Resident, note: &str) -> Finding {
    let note = format!("{note}; without pages of files {:.0} MiB", resident.anonymous);
    Finding::new(name, resident.all, "MiB", IDLE_MIB, note)
}

/// Lists every key of a bucket, page by page.
async fn list_all(target: &Target) -> Result<(), BenchError> {
    let mut connection = Connection::new(target);
    let mut after = String::new();
    loop {
        let query = format!("list-type=2&max-keys=1000&start-after={after}");
        let request = target.request(Method::GET, "", &query, Content::empty().body(), None)?;
        let answer = connection.send(request, Keep::Bytes).await?.checked("ListObjectsV2")?;
        let page = String::from_utf8_lossy(&answer.kept);
        let last = page.rsplit_once("<Key>").and_then(|(_, rest)| rest.split('<').next());
        let Some(last) = last else { return Ok(()) };
        after = last.replace('/', "%2F");
    }
}
