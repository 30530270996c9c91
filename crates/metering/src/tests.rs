//! The history on the memory engine: what is counted, kept over days, lost by faults, and left by the years.

use std::sync::Arc;

use storage::faults::{Call, Fault, Faulty};
use storage::memory::MemoryStore;
use storage::{Engine, StorageError};
use types::{BucketName, ManualClock, TenancyName, Timestamp, UserName};

use crate::{Class, Day, History, Metering, Of, Period, Query, Request, Requests, Row, Stored, Subject, Traffic};

/// Noon of 2026-11-29.
const START: Timestamp = Timestamp::from_secs(1_795_953_600);
const DAY: u64 = 24 * 60 * 60;

struct World {
    metering: Metering,
    faults: Faulty,
    clock: Arc<ManualClock>,
}

fn tenancy() -> TenancyName {
    "t".parse().expect("a name")
}

fn bucket(name: &str) -> BucketName {
    name.parse().expect("a name")
}

fn user(name: &str) -> UserName {
    name.parse().expect("a name")
}

impl World {
    fn new() -> Self {
        let faults = Faulty::new(Engine::new(Arc::new(MemoryStore::new())));
        let clock = Arc::new(ManualClock::new(START));
        let metering = Metering::new(faults.engine().metadata, clock.clone());
        Self { metering, faults, clock }
    }

    /// A process that is started on what this one left.
    fn started_again(self) -> Self {
        let metering = Metering::new(self.faults.engine().metadata, self.clock.clone());
        Self { metering, ..self }
    }

    fn count(&self, in_bucket: &str, by: Option<&str>, class: Class, received_bytes: u64, sent_bytes: u64) {
        let (tenancy, bucket, person) = (tenancy(), bucket(in_bucket), by.map(user));
        self.metering.count(&Request {
            tenancy: &tenancy,
            bucket: Some(&bucket),
            person: person.as_ref(),
            class,
            received_bytes,
            sent_bytes,
        });
    }

    async fn note(&self, of: Subject, bytes: u64, objects: u64, owner: Option<&str>) {
        let stored = Stored { bytes, objects, ..Stored::default() };
        let noted = self.metering.note_stored(&tenancy(), vec![(of, stored, owner.map(user))]).await;
        noted.expect("noted");
    }

    async fn ask(&self, of: Of, period: Period, from: &str, to: &str) -> Vec<Row> {
        let (from, to) = (from.parse().expect("a day"), to.parse().expect("a day"));
        let query = Query { tenancy: tenancy(), of, period, from, to };
        let History { rows, truncated } = self.metering.history(&query).await.expect("read");
        assert!(!truncated);
        rows
    }

    /// The requests of each row of the tenancy's history by days.
    async fn requests(&self) -> Vec<(String, u64)> {
        let rows = self.ask(Of::Tenancy, Period::Day, "2000-01-01", "2100-01-01").await;
        rows.into_iter().map(|row| (row.period, row.traffic.requests.total())).collect()
    }
}

fn traffic(received_bytes: u64, sent_bytes: u64, requests: Requests) -> Traffic {
    Traffic { received_bytes, sent_bytes, requests }
}

#[tokio::test]
async fn a_request_counts_for_its_tenancy_bucket_and_person() {
    let world = World::new();
    world.count("a", Some("ann"), Class::Write, 100, 1);
    world.count("b", Some("ann"), Class::Read, 0, 50);
    world.count("b", None, Class::Read, 0, 7);
    let read = |count| Requests { read: count, ..Requests::default() };
    let write = Requests { write: 1, ..Requests::default() };
    let rows = world.ask(Of::Tenancy, Period::Day, "2026-11-29", "2026-11-29").await;
    assert_eq!(rows[0].traffic, traffic(100, 58, Requests { read: 2, ..write }));
    world.note(Subject::Bucket(bucket("b")), 10, 1, Some("ann")).await;
    let rows = world.ask(Of::Buckets(None), Period::Day, "2026-11-29", "2026-11-29").await;
    let of: Vec<_> = rows.iter().map(|row| (row.bucket.clone(), row.traffic)).collect();
    assert_eq!(of, [(Some(bucket("a")), traffic(100, 1, write)), (Some(bucket("b")), traffic(0, 57, read(2)))]);
    let csv = History { rows, truncated: false }.to_csv();
    let lines: Vec<_> = csv.lines().collect();
    assert_eq!(lines[1..], ["2026-11-29,a,,,,,,,,100,1,0,1,0,0,0", "2026-11-29,b,ann,10,1,0,0,0,0,0,57,2,0,0,0,0"]);
    assert!(lines.iter().all(|line| line.split(',').count() == 16), "{csv}");
    let rows = world.ask(Of::People(Some(user("ann"))), Period::Day, "2026-11-29", "2026-11-29").await;
    assert_eq!(rows[0].traffic, traffic(100, 51, Requests { read: 1, ..write }));
    assert_eq!(world.ask(Of::People(None), Period::Day, "2026-11-29", "2026-11-29").await, rows, "nobody is anonymous");
}

#[tokio::test]
async fn days_are_apart_and_a_start_goes_on_where_the_last_one_ended() {
    let world = World::new();
    world.count("a", None, Class::Read, 0, 1);
    world.metering.flush().await.expect("written");
    world.note(Subject::Bucket(bucket("a")), 10, 1, Some("ann")).await;
    let world = world.started_again();
    world.count("a", None, Class::Read, 0, 1);
    world.note(Subject::Bucket(bucket("a")), 30, 2, Some("bob")).await;
    assert_eq!(world.requests().await, [("2026-11-29".to_owned(), 2)]);
    world.clock.advance_secs(2 * DAY);
    world.count("a", None, Class::Delete, 0, 0);
    assert_eq!(world.requests().await, [("2026-11-29".to_owned(), 2), ("2026-12-01".to_owned(), 1)]);
    let rows = world.ask(Of::Buckets(None), Period::Day, "2026-11-29", "2026-11-30").await;
    let last = rows.first().map(|row| (row.stored.map(|stored| stored.bytes), row.owner.clone()));
    assert_eq!((rows.len(), last), (1, Some((Some(30), Some(user("bob"))))), "the day's last word counts");
    assert_eq!(world.ask(Of::Tenancy, Period::Day, "2026-11-30", "2026-11-30").await, []);
    let months = world.ask(Of::Tenancy, Period::Month, "2026-11-01", "2026-12-31").await;
    let months: Vec<_> = months.iter().map(|row| (row.period.as_str(), row.traffic.requests.total())).collect();
    assert_eq!(months, [("2026-11", 2), ("2026-12", 1)]);
}

/// What could not be written waits; what may have been written is not written again.
#[tokio::test]
async fn nothing_counts_twice_and_a_refused_write_loses_nothing() {
    let world = World::new();
    world.count("a", Some("ann"), Class::List, 0, 0);
    world.faults.plan(Call::Commit, 1, Fault::Fail(StorageError::Full));
    assert!(world.metering.flush().await.is_err());
    world.count("a", Some("ann"), Class::List, 0, 0);
    assert_eq!(world.requests().await, [("2026-11-29".to_owned(), 2)]);
    assert_eq!(world.metering.flush().await.expect("nothing to write"), []);
    world.count("a", Some("ann"), Class::List, 0, 0);
    world.faults.plan(Call::Commit, 1, Fault::UnknownDone);
    assert!(world.metering.flush().await.is_err());
    assert_eq!(world.requests().await, [("2026-11-29".to_owned(), 3)]);
}

#[tokio::test]
async fn old_days_become_months_and_very_old_months_go() {
    let world = World::new();
    let years = 26;
    for day in 0..years * 365 {
        if day % 10 == 0 {
            world.count("a", None, Class::Read, 0, 1);
            world.note(Subject::Tenancy, day + 1, 1, None).await;
            world.metering.flush().await.expect("written");
        }
        world.clock.advance_secs(DAY);
    }
    let all = |rows: &[Row]| rows.iter().map(|row| row.traffic.requests.total()).sum::<u64>();
    let by_month = world.ask(Of::Tenancy, Period::Month, "2026-01-01", "2100-01-01").await;
    let gone = world.metering.condense().await.expect("done");
    assert!(gone > 0);
    assert_eq!(world.metering.condense().await.expect("done"), 0, "it is done");
    let condensed = world.ask(Of::Tenancy, Period::Month, "2026-01-01", "2100-01-01").await;
    let kept = by_month.len() - condensed.len();
    assert!(kept > 12, "the oldest months went: {kept}");
    assert_eq!(condensed, by_month[kept..], "a month says the same as its days did");
    let days = world.ask(Of::Tenancy, Period::Day, "2026-01-01", "2100-01-01").await;
    assert_eq!(all(&days), all(&condensed));
    let today = world.metering.today();
    let oldest = Day::before(types::Clock::now(&*world.clock), crate::KEPT_DAYS);
    let are_days = |row: &&Row| row.period.len() == 10 && row.period.as_str() >= oldest.as_str();
    assert_eq!(days.iter().filter(are_days).count() as u64, crate::KEPT_DAYS / 10, "until {today}");
}
