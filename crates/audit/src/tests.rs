//! The log on the memory engine: what is appended, what a page shows, what damage is found, what pruning leaves.

use std::sync::Arc;

use proptest::prelude::{Strategy, any, prop, proptest};
use proptest::test_runner::Config;
use storage::faults::{Call, Fault, Faulty};
use storage::memory::MemoryStore;
use storage::{Batch, Engine, Metadata, Space, StorageError};
use types::{ManualClock, TenancyName, Timestamp, UserName};

use crate::entry::{Act, Ending, Hash, Outcome, Source, Via};
use crate::query::PAGE_ENTRIES;
use crate::{Actor, Audit, AuditError, Filter, Line, Order, Pattern, keyspace};

const START: Timestamp = Timestamp::from_secs(1_800_000_000);

struct World {
    audit: Audit,
    faults: Faulty,
    clock: Arc<ManualClock>,
}

impl World {
    async fn new() -> Self {
        let faults = Faulty::new(Engine::new(Arc::new(MemoryStore::new())));
        let clock = Arc::new(ManualClock::new(START));
        let audit = Audit::open(faults.engine().metadata, clock.clone()).await.expect("opens");
        Self { audit, faults, clock }
    }

    /// With `count` entries, one a second.
    async fn with_entries(count: u64) -> Self {
        let world = Self::new().await;
        for number in 1..=count {
            world.clock.advance_secs(1);
            assert_eq!(world.record(act("ann", "t", "role.grant", number)).await.expect("recorded"), number);
        }
        world
    }

    async fn record(&self, act: Act) -> Result<u64, AuditError> {
        self.audit.begin(act).end(Ending::done()).await
    }

    fn metadata(&self) -> Arc<dyn Metadata> {
        self.faults.engine().metadata
    }

    async fn get(&self, key: &[u8]) -> Vec<u8> {
        self.metadata().get(Space::CONTROL, key).await.expect("read").expect("there").to_vec()
    }

    /// Writes around the log, as someone with access to the disk would.
    async fn tamper(&self, put: Vec<(Vec<u8>, Vec<u8>)>, delete: Vec<Vec<u8>>) {
        let put = put.into_iter().map(|(key, value)| (key, value.into())).collect();
        let batch = Batch { put, delete, ..Batch::default() };
        self.metadata().commit(Space::CONTROL, keyspace::GROUP, batch).await.expect("written");
    }

    async fn faults_found(&self) -> Vec<String> {
        let verified = self.audit.verify(None).await.expect("read");
        assert_eq!(verified.fault_count, verified.faults.len() as u64);
        verified.faults
    }

    async fn all(&self, filter: &Filter, order: Order, limit: usize) -> Vec<Line> {
        let (mut lines, mut after) = (Vec::new(), None);
        loop {
            let page = self.audit.page(filter, order, after, limit).await.expect("a page");
            assert!(page.lines.len() <= limit);
            lines.extend(page.lines);
            after = page.next;
            if after.is_none() {
                return lines;
            }
        }
    }
}

fn act(who: &str, tenancy: &str, action: &str, number: u64) -> Act {
    Act {
        actor: who.parse().expect("an actor"),
        source: Source::via(Via::S3),
        action: action.to_owned(),
        tenancy: TenancyName::new(tenancy).ok(),
        target: format!("bucket b{number}"),
        facts: vec![("number".to_owned(), number.to_string())],
    }
}

#[tokio::test]
async fn an_entry_says_who_did_what_to_whom_from_where() {
    let world = World::new().await;
    let source = Source {
        address: "192.0.2.7".parse().ok(),
        key: "0123abcd".parse().ok(),
        request: Some("00000000000000FF".to_owned()),
        ..Source::via(Via::S3)
    };
    let facts = vec![("role".to_owned(), "MANAGER\nx".to_owned()), ("long".to_owned(), "é".repeat(1000))];
    let pending = world.audit.begin(Act { source, facts, ..act("ann", "t", "role.grant", 1) });
    let ending = Ending::with_error(Outcome::Refused, "NoSuchUser");
    assert_eq!(pending.end(ending).await.expect("recorded"), 1);
    let line = world.get(&keyspace::entry(1)).await;
    let text = String::from_utf8(line.clone()).expect("text");
    let long = "é".repeat(crate::entry::FACT_CHARS);
    let canonical = format!(
        "{{\"sequence\":1,\"at\":\"2027-01-15T08:00:00.000000Z\",\"actor\":\"user:ann\",\"via\":\"s3\",\
         \"address\":\"192.0.2.7\",\"key\":\"0123abcd\",\"request\":\"00000000000000FF\",\"action\":\"role.grant\",\
         \"tenancy\":\"t\",\"target\":\"bucket b1\",\"facts\":{{\"long\":\"{long}\",\"number\":\"1\",\"role\":\"MANAGER x\"}},\
         \"outcome\":\"refused\",\"error\":\"NoSuchUser\"}}"
    );
    let facts_of_canonical = canonical.replace(",\"number\":\"1\"", "");
    let hash = Hash::GENESIS.of_next(facts_of_canonical.as_bytes());
    let zeros = "0".repeat(64);
    assert_eq!(text, format!("{{\"hash\":\"{hash}\",\"previous\":\"{zeros}\",\"entry\":{facts_of_canonical}}}"));
    assert_eq!(Line::parse(&line).expect("a line").to_json(), text);
}

#[tokio::test]
async fn the_longest_entry_fits() {
    let world = World::new().await;
    let worst = || "\"\u{10ffff}".repeat(5000);
    let facts = (0..100).map(|number| (format!("{number}{}", worst()), worst())).collect();
    let long = Act { action: worst(), target: worst(), facts, ..act("ann", "t", "x", 1) };
    let all: Vec<_> = (0..200).map(|_| world.audit.begin(long.clone()).end(Ending::done())).collect();
    for (at, one) in all.into_iter().enumerate() {
        assert_eq!(one.await.expect("recorded"), at as u64 + 1);
    }
    assert_eq!(world.faults_found().await, Vec::<String>::new());
}

#[tokio::test]
async fn acts_that_nobody_ended_are_recorded_too() {
    let world = World::new().await;
    drop(world.audit.begin(act("ann", "t", "role.grant", 1)));
    // Nobody waits for this one; it comes all the same.
    drop(world.audit.begin(act("ann", "t", "role.grant", 2)).end(Ending::done()));
    world.audit.idle().await;
    let lines = world.all(&Filter::default(), Order::Oldest, 10).await;
    let outcomes: Vec<Outcome> = lines.iter().map(|line| line.entry.outcome).collect();
    assert_eq!(outcomes, [Outcome::Unknown, Outcome::Done]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn many_at_once_are_one_chain() {
    let world = World::new().await;
    let tasks: Vec<_> = (0..500)
        .map(|number| {
            let pending = world.audit.begin(act("ann", "t", "role.grant", number));
            tokio::spawn(async move { pending.end(Ending::done()).await.expect("recorded") })
        })
        .collect();
    let mut sequences = Vec::new();
    for task in tasks {
        sequences.push(task.await.expect("joined"));
    }
    sequences.sort_unstable();
    assert_eq!(sequences, (1..=500).collect::<Vec<u64>>());
    assert_eq!(world.faults_found().await, Vec::<String>::new());
    assert_eq!(world.audit.head().await.expect("a head").sequence, 500);
}

#[tokio::test]
async fn moments_never_go_back() {
    let world = World::with_entries(3).await;
    world.clock.set(Timestamp::from_secs(5));
    world.record(act("ann", "t", "role.grant", 4)).await.expect("recorded");
    let lines = world.all(&Filter::default(), Order::Newest, 2).await;
    assert_eq!(lines[0].entry.at, lines[1].entry.at);
    assert_eq!(world.faults_found().await, Vec::<String>::new());
}

#[tokio::test]
async fn an_entry_comes_once_whatever_the_answer_of_the_store() {
    for (fault, is_recorded) in [
        (Fault::UnknownDone, true),
        (Fault::UnknownUndone, true),
        (Fault::Fail(StorageError::Full), false),
        (Fault::Fail(StorageError::ReadOnly("no".to_owned())), false),
    ] {
        let world = World::with_entries(2).await;
        let name = format!("{fault:?}");
        world.faults.plan(Call::Commit, 1, fault);
        let recorded = world.record(act("ann", "t", "role.grant", 3)).await;
        assert_eq!(recorded.is_ok(), is_recorded, "{name}");
        let next = world.record(act("ann", "t", "role.grant", 4)).await.expect("the store works again");
        assert_eq!(next, if is_recorded { 4 } else { 3 }, "{name}");
        assert_eq!(world.faults_found().await, Vec::<String>::new(), "{name}");
    }
}

#[tokio::test]
async fn it_goes_on_where_it_ended() {
    let world = World::with_entries(3).await;
    let again = Audit::open(world.metadata(), world.clock.clone()).await.expect("opens");
    let recorded = again.begin(act("bob", "t", "role.revoke", 4)).end(Ending::done()).await;
    assert_eq!(recorded.expect("recorded"), 4);
    assert_eq!(world.faults_found().await, Vec::<String>::new());
}

/// Each way of changing a log of ten entries that is not computing all of it anew, and what is said of it.
#[tokio::test]
async fn tampering_is_found() {
    let entry = keyspace::entry;
    // Flip: each byte of an entry, one after the other.
    let world = World::with_entries(10).await;
    let original = world.get(&entry(5)).await;
    for at in 0..original.len() {
        let mut flipped = original.clone();
        flipped[at] ^= 1;
        world.tamper(vec![(entry(5), flipped)], vec![]).await;
        assert!(!world.faults_found().await.is_empty(), "byte {at} of {}", String::from_utf8_lossy(&original));
    }
    world.tamper(vec![(entry(5), original)], vec![]).await;
    assert_eq!(world.faults_found().await, Vec::<String>::new());

    // An entry written anew with a right hash of its own.
    let mut forged = Line::parse(&world.get(&entry(5)).await).expect("a line");
    forged.entry.actor = Actor::Operator;
    let forged = Line::new(forged.previous, forged.entry);
    world.tamper(vec![(entry(5), forged.to_json().into())], vec![]).await;
    let found = world.faults_found().await;
    assert!(found.contains(&"entry 6 does not follow the one before it".to_owned()), "{found:?}");

    // Delete, in the middle, at the beginning, and at the end.
    for (gone, expected) in [(5, "entry 5 is missing"), (1, "entry 1 is missing"), (10, "entry 10 is missing")] {
        let world = World::with_entries(10).await;
        world.tamper(vec![], vec![entry(gone)]).await;
        let found = world.faults_found().await;
        assert!(found.contains(&expected.to_owned()), "{found:?}");
    }
    let world = World::with_entries(10).await;
    world.tamper(vec![], (4..=8).map(entry).collect()).await;
    let found = world.faults_found().await;
    assert!(found.contains(&"entries 4 to 8 are missing".to_owned()), "{found:?}");

    // Insert: a copy of one after the end, and between two.
    let world = World::with_entries(10).await;
    let copy = world.get(&entry(3)).await;
    world.tamper(vec![(entry(11), copy.clone())], vec![]).await;
    let found = world.faults_found().await;
    assert_eq!(found, ["there are entries after the last one that the head names"]);
    let stopped = world.record(act("ann", "t", "role.grant", 11)).await;
    assert!(matches!(stopped, Err(AuditError::Damaged(_))), "evidence is not written over: {stopped:?}");
    let world = World::with_entries(10).await;
    world.tamper(vec![([entry(5), b"0".to_vec()].concat(), copy)], vec![]).await;
    assert!(world.faults_found().await[0].contains("is no place of an entry"));

    // Reorder.
    let world = World::with_entries(10).await;
    let (third, seventh) = (world.get(&entry(3)).await, world.get(&entry(7)).await);
    world.tamper(vec![(entry(3), seventh), (entry(7), third)], vec![]).await;
    let found = world.faults_found().await;
    assert!(found.contains(&"entry 3 says that it is 7".to_owned()), "{found:?}");

    // Truncate, with the head set back to an old one.
    let world = World::with_entries(9).await;
    let old_head = world.get(keyspace::HEAD).await;
    world.record(act("ann", "t", "role.grant", 10)).await.expect("recorded");
    let noted = world.audit.head().await.expect("a head");
    let lines: Vec<_> = [keyspace::by_tenancy(&TenancyName::new("t").expect("good")), b"a/by/actor/user:ann/".to_vec()]
        .iter()
        .map(|prefix| keyspace::line(prefix, 10))
        .collect();
    world.tamper(vec![(keyspace::HEAD.to_vec(), old_head)], [vec![entry(10)], lines].concat()).await;
    // Only the noted head can tell.
    assert_eq!(world.faults_found().await, Vec::<String>::new());
    let found = world.audit.verify(Some((10, noted.hash))).await.expect("read").faults;
    assert_eq!(found, ["entry 10, which was noted, is missing at the end"]);
    world.record(act("eve", "t", "role.grant", 10)).await.expect("recorded");
    let found = world.audit.verify(Some((10, noted.hash))).await.expect("read").faults;
    assert_eq!(found, ["entry 10 has not the hash that was noted: the log was written anew"]);

    // The head, and the indexes.
    let world = World::with_entries(3).await;
    world.tamper(vec![(keyspace::HEAD.to_vec(), b"{}".to_vec())], vec![]).await;
    assert!(!world.faults_found().await.is_empty());
    let world = World::with_entries(3).await;
    let line = keyspace::line(b"a/by/actor/user:ann/", 2);
    world.tamper(vec![], vec![line.clone()]).await;
    assert_eq!(
        world.faults_found().await,
        [format!("entry 2 is not in the index at {}", String::from_utf8_lossy(&line))]
    );
    let more = keyspace::line(b"a/by/actor/user:bob/", 2);
    world.tamper(vec![(line, b"1".to_vec()), (more, b"1".to_vec())], vec![]).await;
    assert_eq!(world.faults_found().await, ["the indexes have 7 lines, and the entries 6"]);
}

#[tokio::test]
async fn what_pruning_leaves_is_proven_from_its_anchor() {
    let world = World::with_entries(1000).await;
    let noted = (600, world.all(&at_most(600), Order::Newest, 1).await[0].hash);
    // Entry n is of second n.
    let pruned = world.audit.prune("prune_audit", START.plus_secs(701)).await.expect("pruned");
    assert_eq!(pruned, 700);
    let verified = world.audit.verify(Some(noted)).await.expect("read");
    assert_eq!((verified.first, verified.last, verified.entries), (701, 1001, 301));
    assert_eq!(verified.faults, Vec::<String>::new());
    let newest = world.all(&Filter::default(), Order::Newest, 1).await.remove(0).entry;
    assert_eq!((newest.action.as_str(), newest.target.as_str()), ("audit.prune", "entries 1 to 700"));
    assert_eq!(newest.actor, Actor::Job("prune_audit".to_owned()));
    let ann = Filter { actor: "ann".parse().ok(), ..Filter::default() };
    assert_eq!(world.all(&ann, Order::Newest, PAGE_ENTRIES).await.len(), 300);
    assert_eq!(world.audit.prune("prune_audit", START.plus_secs(701)).await.expect("pruned"), 0);

    // The noted hash of the entry before the first one is still proven; another one is not.
    assert_eq!(world.audit.verify(Some((700, verified.anchor))).await.expect("read").fault_count, 0);
    assert_eq!(world.audit.verify(Some((700, noted.1))).await.expect("read").fault_count, 1);
    // Someone else's pruning is found.
    world.tamper(vec![], vec![keyspace::entry(701)]).await;
    assert!(world.faults_found().await.contains(&"entry 701 is missing".to_owned()));

    // The last entry stays, whatever is asked.
    let world = World::with_entries(5).await;
    assert_eq!(world.audit.prune("prune_audit", START.plus_secs(9999)).await.expect("pruned"), 4);
    assert_eq!(world.faults_found().await, Vec::<String>::new());
}

fn at_most(sequence: u64) -> Filter {
    Filter { to: Some(START.plus_secs(sequence + 1)), ..Filter::default() }
}

#[tokio::test]
async fn a_page_looks_at_a_bounded_number_of_entries() {
    let world = World::new().await;
    let all: Vec<_> =
        (0..6000).map(|n| world.audit.begin(act("ann", "t", "role.grant", n)).end(Ending::done())).collect();
    for one in all {
        one.await.expect("recorded");
    }
    let none = Filter { action: Some(Pattern("no.such".to_owned())), ..Filter::default() };
    let first = world.audit.page(&none, Order::Newest, None, 10).await.expect("a page");
    assert_eq!((first.lines.len(), first.next), (0, Some(1001)));
    let second = world.audit.page(&none, Order::Newest, first.next, 10).await.expect("a page");
    assert_eq!((second.lines.len(), second.next), (0, None));
    // The index leads past them.
    world.record(act("bob", "u", "no.such", 1)).await.expect("recorded");
    let of_bob = Filter { actor: "bob".parse().ok(), ..Filter::default() };
    let page = world.audit.page(&of_bob, Order::Newest, None, 10).await.expect("a page");
    assert_eq!((page.lines.len(), page.next), (1, None));
}

/// One act of few names, so that filters match often.
fn any_act() -> impl Strategy<Value = (Act, u64)> {
    let names = prop::sample::select(vec!["ann", "bob", "operator", "anonymous", "job:scrub"]);
    let tenancies = prop::sample::select(vec!["t", "u", ""]);
    let actions = prop::sample::select(vec!["role.grant", "role.revoke", "s3:CreateBucket"]);
    (names, tenancies, actions, 0..3u64, 0..3u64)
        .prop_map(|(who, tenancy, action, number, seconds)| (act(who, tenancy, action, number), seconds))
}

fn any_filter() -> impl Strategy<Value = Filter> {
    let actor = prop::option::of(prop::sample::select(vec!["ann", "bob", "carl", "job:scrub"]));
    let tenancy = prop::option::of(prop::sample::select(vec!["t", "u", "v"]));
    let action = prop::option::of(prop::sample::select(vec!["role.*", "role.grant", "*", "x"]));
    let target = prop::option::of(prop::sample::select(vec!["bucket b1", "bucket*"]));
    let moment = || prop::option::of(0..60u64);
    (actor, tenancy, action, target, moment(), moment()).prop_map(|(actor, tenancy, action, target, from, to)| Filter {
        actor: actor.map(|name| name.parse().expect("an actor")),
        tenancy: tenancy.map(|name| TenancyName::new(name).expect("a name")),
        action: action.map(|text| Pattern(text.to_owned())),
        target: target.map(|text| Pattern(text.to_owned())),
        outcome: None,
        from: from.map(|seconds| START.plus_secs(seconds)),
        to: to.map(|seconds| START.plus_secs(seconds)),
    })
}

proptest! {
    #![proptest_config(Config { cases: 48, failure_persistence: None, ..Config::default() })]

    /// Whatever is asked, the pages together are what one would get by looking at every entry.
    #[test]
    fn pages_are_what_looking_at_everything_gives(
        acts in prop::collection::vec(any_act(), 0..60),
        filters in prop::collection::vec(any_filter(), 1..8),
        limit in 1..7usize,
        pruned in prop::option::of(0..60u64),
        is_newest in any::<bool>(),
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async move {
            let world = World::new().await;
            for (act, seconds) in acts {
                world.record(act).await.expect("recorded");
                world.clock.advance_secs(seconds);
            }
            if let Some(seconds) = pruned {
                world.audit.prune("prune_audit", START.plus_secs(seconds)).await.expect("pruned");
            }
            assert_eq!(world.faults_found().await, Vec::<String>::new());
            let everything = world.all(&Filter::default(), Order::Oldest, 3).await;
            let order = if is_newest { Order::Newest } else { Order::Oldest };
            for filter in filters {
                let mut expected: Vec<Line> = everything.iter().filter(|l| filter.matches(&l.entry)).cloned().collect();
                if is_newest {
                    expected.reverse();
                }
                assert_eq!(world.all(&filter, order, limit).await, expected, "{filter:?}");
            }
        });
    }
}

#[test]
fn user_names_and_actors_can_stand_in_keys() {
    let ann = UserName::new("ann.x+y@z").expect("a name");
    let key = keyspace::line(&keyspace::by_actor(&Actor::Person(ann)), 7);
    assert_eq!(keyspace::parse_line(&key), Some(7));
    assert_eq!(keyspace::parse_entry(&keyspace::entry(7)), Some(7));
    for bad in [&b"a/entry/7"[..], b"a/entry/000000000000000G", b"a/entry/+000000000000001", b"a/by/x"] {
        assert_eq!(keyspace::parse_entry(bad), None);
    }
}
