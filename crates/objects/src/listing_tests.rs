//! Listings against a plain model: random writes, deletes and switches of versioning, then random pages.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof};
use proptest::{proptest, sample};
use types::VersionId;

use crate::fixture::World;
use crate::listing::{After, Entry, Filter, ListObjects, ListVersions, ListedObject};
use crate::{Bucket, Usage, Versioning};

#[derive(Clone, Debug)]
enum Step {
    Put(String, usize),
    Delete(String),
    /// Deletes a version that there is, by its place among all.
    DeleteVersion(sample::Index),
    Enable,
    Suspend,
    /// Sets the clock.
    Clock(u64),
}

#[derive(Clone, Debug)]
struct Query {
    prefix: String,
    delimiter: String,
    max_keys: usize,
    after: String,
    /// Starts after a version that there is instead.
    after_version: Option<sample::Index>,
}

#[derive(Clone, PartialEq, Debug)]
struct Version {
    id: VersionId,
    /// The size of the object; `None` for a delete marker.
    size: Option<u64>,
}

/// What a bucket holds: versions newest first.
#[derive(Default)]
struct Model {
    versioning: Versioning,
    keys: BTreeMap<String, Vec<Version>>,
}

/// An entry of a listing: a key with a version, or a common prefix.
type Expected = (String, Option<Version>);

impl Model {
    fn add(&mut self, key: &str, version: Version) {
        let versions = self.keys.entry(key.to_owned()).or_default();
        versions.retain(|old| version.id != VersionId::Null || old.id != VersionId::Null);
        versions.insert(0, version);
    }

    fn remove(&mut self, key: &str, id: VersionId) {
        if let Some(versions) = self.keys.get_mut(key) {
            versions.retain(|version| version.id != id);
        }
        self.keys.retain(|_, versions| !versions.is_empty());
    }

    fn all(&self) -> Vec<(String, Version)> {
        let pairs = |(key, versions): (&String, &Vec<Version>)| {
            versions.iter().map(|version| (key.clone(), version.clone())).collect::<Vec<_>>()
        };
        self.keys.iter().flat_map(pairs).collect()
    }

    fn usage(&self) -> Usage {
        let sizes: Vec<u64> = self.all().into_iter().filter_map(|(_, version)| version.size).collect();
        Usage { bytes: sizes.iter().sum(), objects: sizes.len() as u64 }
    }

    /// Entries by prefix and delimiter, of all versions or of current objects.
    fn entries(&self, query: &Query, versions: bool) -> Vec<Expected> {
        self.entries_of(query, versions, |_| true)
    }

    /// The same, of those keys only.
    fn entries_of(&self, query: &Query, versions: bool, is_in: impl Fn(&str) -> bool) -> Vec<Expected> {
        let mut entries: Vec<Expected> = Vec::new();
        for (key, all) in self.keys.iter().filter(|(key, _)| is_in(key)) {
            let Some(rest) = key.strip_prefix(&query.prefix) else { continue };
            let shown = if versions { &all[..] } else { &all[..1] };
            for version in shown.iter().filter(|version| versions || version.size.is_some()) {
                let cut = rest.find(&query.delimiter).filter(|_| !query.delimiter.is_empty());
                let entry = match cut {
                    Some(at) => (key[..query.prefix.len() + at + query.delimiter.len()].to_owned(), None),
                    None => (key.clone(), Some(version.clone())),
                };
                if entry.1.is_some() || entries.last() != Some(&entry) {
                    entries.push(entry);
                }
            }
        }
        entries
    }
}

fn text(most: usize) -> impl Strategy<Value = String> {
    vec(sample::select(vec!['a', 'b', '/', '\u{1}', 'é']), 0..most).prop_map(String::from_iter)
}

fn key() -> impl Strategy<Value = String> {
    (sample::select(vec!['a', '/', 'é']), text(4)).prop_map(|(first, rest)| format!("{first}{rest}"))
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (key(), 0usize..9).prop_map(|(key, size)| Step::Put(key, size)),
        4 => key().prop_map(Step::Delete),
        3 => any::<sample::Index>().prop_map(Step::DeleteVersion),
        2 => Just(Step::Enable),
        1 => Just(Step::Suspend),
        1 => (0u64..100).prop_map(Step::Clock),
    ]
}

fn query() -> impl Strategy<Value = Query> {
    let delimiter = sample::select(vec!["", "", "/", "é", "/a", "\u{1}"]);
    (text(3), delimiter, 0usize..9, text(4), proptest::option::of(any::<sample::Index>())).prop_map(
        |(prefix, delimiter, max_keys, after, after_version)| Query {
            prefix,
            delimiter: delimiter.to_owned(),
            max_keys,
            after,
            after_version,
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn listings_are_the_models(steps in vec(step(), 0..60), queries in vec(query(), 12)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(run(steps, queries));
    }
}

async fn run(steps: Vec<Step>, queries: Vec<Query>) {
    let world = World::new();
    let bucket = world.bucket("model", Versioning::Unversioned).await;
    let mut model = Model::default();
    for step in steps {
        apply(&world, &bucket, &mut model, step).await;
    }
    assert_eq!(world.usage(&bucket).await, model.usage());
    let owner = world.caller.user().unwrap();
    assert_eq!(world.objects.user_usage(&world.tenancy(), owner).await.unwrap(), model.usage());
    for query in &queries {
        check_objects(&world, &bucket, &model, query).await;
        check_versions(&world, &bucket, &model, query).await;
    }
    for (key, version) in model.all() {
        let read = world.get(&bucket, &key, Some(version.id), crate::object::Selection::Whole).await;
        assert_eq!(read.ok().map(|read| read.head.info.size), version.size, "{key:?} {version:?}");
    }
    // Everything goes by version, and nothing is left.
    for (key, version) in model.all() {
        world.delete(&bucket, &key, Some(version.id)).await;
    }
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0));
    world.objects.delete_bucket(&world.on_bucket(&bucket)).await.unwrap();
}

async fn apply(world: &World, bucket: &Bucket, model: &mut Model, step: Step) {
    match step {
        Step::Put(key, size) => {
            let written = world.put(bucket, &key, &vec![7; size]).await;
            assert_eq!(written.version.is_some(), model.versioning == Versioning::Enabled);
            let id = written.version.unwrap_or(VersionId::Null);
            model.add(&key, Version { id, size: Some(size as u64) });
        }
        Step::Delete(key) => {
            let deleted = world.delete(bucket, &key, None).await;
            assert_eq!(deleted.delete_marker, model.versioning != Versioning::Unversioned);
            match deleted.version {
                Some(id) => model.add(&key, Version { id, size: None }),
                None => model.remove(&key, VersionId::Null),
            }
        }
        Step::DeleteVersion(index) => {
            let all = model.all();
            if !all.is_empty() {
                let (key, version) = index.get(&all);
                let deleted = world.delete(bucket, key, Some(version.id)).await;
                assert_eq!(deleted.delete_marker, version.size.is_none());
                model.remove(key, version.id);
            }
        }
        Step::Enable => {
            model.versioning = Versioning::Enabled;
            world.set_versioning(bucket, model.versioning).await;
        }
        Step::Suspend => {
            model.versioning = Versioning::Suspended;
            world.set_versioning(bucket, model.versioning).await;
        }
        Step::Clock(seconds) => world.clock.set(types::Timestamp::from_secs(seconds)),
    }
}

fn filter(query: &Query) -> Filter {
    Filter { prefix: query.prefix.clone(), delimiter: query.delimiter.clone(), max_keys: query.max_keys }
}

/// Pages from `after` to the end, with the model's beside them. A page may have fewer entries than there are, if it says
/// where to go on.
async fn check_objects(world: &World, bucket: &Bucket, model: &Model, query: &Query) {
    let mut after = After::Entry(query.after.clone());
    loop {
        let mut expected = match &after {
            After::Entry(_) => model.entries(query, false),
            After::Key(after) => model.entries_of(query, false, |key| key > after.as_str()),
        };
        if let After::Entry(after) = &after {
            expected.retain(|(name, _)| name > after);
        }
        let (found, next) = list(world, bucket, ListObjects { filter: filter(query), after: after.clone() }).await;
        assert_eq!(found, expected[..found.len().min(expected.len())], "{query:?} after {after:?}");
        let is_full = found.len() == query.max_keys;
        let is_whole = found.len() == expected.len() || query.max_keys == 0;
        match &next {
            None => assert!(is_whole, "{query:?} after {after:?}: {} are missing", expected.len() - found.len()),
            Some(After::Entry(last)) => {
                // There may be delete markers alone behind a full page.
                assert!(is_full, "{query:?} after {after:?}");
                assert_eq!(found.last().map(|(name, _)| name), Some(last));
            }
            Some(After::Key(passed)) => {
                assert!(!is_full && found.last().is_none_or(|(name, _)| name < passed), "{query:?} after {after:?}");
                let (After::Entry(from) | After::Key(from)) = &after;
                assert!(from < passed, "{query:?} after {after:?}");
            }
        }
        match next {
            Some(next) => after = next,
            None => return,
        }
    }
}

async fn list(world: &World, bucket: &Bucket, request: ListObjects) -> (Vec<Expected>, Option<After>) {
    let mut found = Vec::new();
    let keep = |entry: Entry<'_, ListedObject<'_>>| {
        found.push(match entry {
            Entry::CommonPrefix(common) => (common.to_owned(), None),
            Entry::Key(listed) => {
                let version = Version { id: listed.version.id, size: Some(listed.content.size) };
                (listed.key.to_owned(), Some(version))
            }
        });
    };
    let next = world.objects.list_objects(&world.on_bucket(bucket), &request, keep).await.unwrap();
    assert!(found.is_sorted_by(|left, right| left.0 < right.0), "{request:?}: {found:?}");
    (found, next)
}

async fn check_versions(world: &World, bucket: &Bucket, model: &Model, query: &Query) {
    let all = model.all();
    let mut marker = (query.after.clone(), None);
    if let Some(index) = query.after_version.filter(|_| !all.is_empty()) {
        let (key, version) = index.get(&all);
        marker = (key.clone(), Some(version.id));
    }
    loop {
        let entries = model.entries(query, true);
        let at_marker = |(name, version): &Expected| {
            marker.1.is_some() && *name == marker.0 && version.as_ref().map(|version| version.id) == marker.1
        };
        let mut expected = match entries.iter().position(at_marker) {
            Some(at) => entries[at + 1..].to_vec(),
            None => entries.into_iter().filter(|(name, _)| *name > marker.0).collect(),
        };
        let more = expected.len() > query.max_keys && query.max_keys > 0;
        expected.truncate(query.max_keys);
        let request = ListVersions { filter: filter(query), key_marker: marker.0.clone(), version_marker: marker.1 };
        let page = world.version_page(bucket, &request).await;
        let mut found: Vec<Expected> = page.common_prefixes.into_iter().map(|common| (common, None)).collect();
        for listed in page.versions {
            let version = Version { id: listed.id, size: listed.size };
            assert_eq!(listed.is_latest, model.keys[&listed.key][0] == version);
            found.push((listed.key, Some(version)));
        }
        found.sort_by(|left, right| left.0.cmp(&right.0));
        assert_eq!(found, expected, "{query:?} after {marker:?}");
        assert_eq!(page.next.is_some(), more, "{query:?} after {marker:?}");
        match page.next {
            Some(next) => marker = next,
            None => return,
        }
    }
}

/// A page costs what it answers, however many keys and versions are jumped over.
#[tokio::test]
async fn pages_cost_what_they_answer() {
    let world = World::new();
    let bucket = world.bucket("wide", Versioning::Enabled).await;
    for folder in 0..5 {
        for file in 0..400 {
            world.put(&bucket, &format!("{folder}/{file}"), b"").await;
        }
    }
    for _ in 0..1500 {
        world.put(&bucket, "5", b"").await;
    }
    world.put(&bucket, "6", b"").await;
    let scans = world.faults.calls(storage::faults::Call::Scan);
    let filter = Filter { delimiter: "/".to_owned(), max_keys: 1000, ..Filter::default() };
    let (found, next) = list(&world, &bucket, ListObjects { filter, after: After::default() }).await;
    let common_prefixes = found.iter().filter(|(_, version)| version.is_none()).count();
    assert_eq!((found.len(), common_prefixes, next), (7, 5, None));
    assert!(world.faults.calls(storage::faults::Call::Scan) - scans <= 8);
}

/// Older versions lie apart from what a listing of current objects reads.
#[tokio::test]
async fn older_versions_cost_a_listing_nothing() {
    let world = World::new();
    let bucket = world.bucket("deep", Versioning::Enabled).await;
    for delimiter in ["", "/"] {
        let mut scans = Vec::new();
        for _ in 0..12 {
            for key in 0..50 {
                world.put(&bucket, &format!("{key}/file"), b"").await;
            }
            let before = world.faults.calls(storage::faults::Call::Scan);
            let filter = Filter { delimiter: delimiter.to_owned(), max_keys: 1000, ..Filter::default() };
            let (found, _) = list(&world, &bucket, ListObjects { filter, after: After::default() }).await;
            assert_eq!(found.len(), 50);
            scans.push(world.faults.calls(storage::faults::Call::Scan) - before);
        }
        assert!(scans.iter().all(|count| *count == scans[0]), "{delimiter:?}: {scans:?}");
    }
}

/// Clients empty buckets so: list a page, delete what it has, go on from where it ended.
#[tokio::test]
async fn versions_deleted_page_by_page_are_all_met() {
    for max_keys in 1..5 {
        let world = World::new();
        let bucket = world.bucket("emptied", Versioning::Unversioned).await;
        for key in ["a", "b", "c"] {
            world.put(&bucket, key, b"null").await;
        }
        world.set_versioning(&bucket, Versioning::Enabled).await;
        for key in ["a", "b", "b", "c", "a"] {
            world.put(&bucket, key, b"x").await;
        }
        world.set_versioning(&bucket, Versioning::Suspended).await;
        world.put(&bucket, "b", b"null").await;
        world.delete(&bucket, "c", None).await;
        let mut marker = (String::new(), None);
        loop {
            let filter = Filter { max_keys, ..Filter::default() };
            let request = ListVersions { filter, key_marker: marker.0, version_marker: marker.1 };
            let page = world.version_page(&bucket, &request).await;
            for listed in page.versions {
                world.delete(&bucket, &listed.key, Some(listed.id)).await;
            }
            match page.next {
                Some(next) => marker = next,
                None => break,
            }
        }
        assert_eq!(world.versions(&bucket).await, [], "{max_keys}");
        assert_eq!(world.usage(&bucket).await, Usage::default());
    }
}
