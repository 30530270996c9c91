//! ListObjects, ListObjectsV2 and ListObjectVersions, asked again and again: pages that are kept, and pages that end early.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use storage::faults::Call;

use crate::harness::Who::{Manager, Owner, User};
use crate::harness::{Reply, World};

const LISTINGS: [&str; 5] = [
    "/bkt",
    "/bkt?list-type=2",
    "/bkt?list-type=2&fetch-owner=true&encoding-type=url",
    "/bkt?list-type=2&delimiter=%2F",
    "/bkt?versions",
];

/// A listing that nothing changed is the same, and is not read a third time; each change is in the next one.
#[tokio::test]
async fn pages_are_told_again_until_something_changes() {
    let world = World::with_bucket("bkt").await;
    world.enable_versioning("bkt").await;
    world.put("bkt/a", b"1").await;
    let list = async |target: &str| world.send(Owner, "GET", target, &[], b"").await.expect(200);
    let steps = [
        ("PUT", "/bkt/d/b", "22"),
        ("PUT", "/bkt/a", "333"),
        ("COPY", "/bkt/c", "/bkt/a"),
        ("DELETE", "/bkt/c", ""),
        ("DELETE", "/bkt/d/b", ""),
        ("PUT", "/bkt/c", "4444"),
    ];
    for (method, target, body) in steps {
        let mut before = Vec::new();
        for listing in LISTINGS {
            before.push(list(listing).await.body);
            assert_eq!(list(listing).await.body, before[before.len() - 1], "{listing}");
            let scans = world.faults.calls(Call::Scan);
            assert_eq!(list(listing).await.body, before[before.len() - 1], "{listing}");
            assert_eq!(world.faults.calls(Call::Scan), scans, "{listing} is not read again");
        }
        let changed = match method {
            "COPY" => world.send(Owner, "PUT", target, &[("x-amz-copy-source", body)], b"").await,
            _ => world.send(Owner, method, target, &[], body.as_bytes()).await,
        };
        assert!(changed.status < 300, "{method} {target}");
        for (listing, before) in LISTINGS.iter().zip(before) {
            assert_ne!(list(listing).await.body, before, "{listing} after {method} {target}");
        }
    }
    let other = world.send(User, "GET", LISTINGS[0], &[], b"").await;
    assert_eq!(other.status, 403, "what is kept is for those who may list");
    assert_eq!(world.send(Manager, "GET", LISTINGS[0], &[], b"").await.expect(200).body, list(LISTINGS[0]).await.body);
}

/// A bucket made anew has nothing of the one that was there.
#[tokio::test]
async fn pages_go_with_their_bucket() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/a", b"1").await;
    let list = async || world.send(Owner, "GET", "/bkt", &[], b"").await;
    for _ in 0..3 {
        assert_eq!(list().await.all("Key"), ["a"]);
    }
    for target in ["/bkt/a", "/bkt"] {
        world.send(Owner, "DELETE", target, &[], b"").await.expect(204);
    }
    assert_eq!(list().await.status, 404);
    world.send(Owner, "PUT", "/bkt", &[], b"").await.expect(200);
    assert!(list().await.all("Key").is_empty());
}

/// Writers count up beside listers: whatever was acknowledged or listed before a listing began is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn listings_never_go_back_in_time() {
    const KEYS: usize = 60;
    const WRITERS: usize = 2;
    let world = Arc::new(World::with_bucket("bkt").await);
    let acknowledged: Arc<[AtomicUsize; WRITERS]> = Arc::default();
    let told: Arc<[AtomicUsize; WRITERS]> = Arc::default();
    let writers = (0..WRITERS).map(|writer| {
        let (world, acknowledged) = (Arc::clone(&world), Arc::clone(&acknowledged));
        tokio::spawn(async move {
            for key in 1..=KEYS {
                world.put(&format!("bkt/{writer}/{key:04}"), b"x").await;
                acknowledged[writer].store(key, Ordering::SeqCst);
                tokio::task::yield_now().await;
            }
        })
    });
    let listers = (0..3).map(|_| {
        let (world, acknowledged, told) = (Arc::clone(&world), Arc::clone(&acknowledged), Arc::clone(&told));
        tokio::spawn(async move {
            while acknowledged.iter().any(|count| count.load(Ordering::SeqCst) < KEYS) {
                let least = |writer: usize| {
                    acknowledged[writer].load(Ordering::SeqCst).max(told[writer].load(Ordering::SeqCst))
                };
                let least: Vec<usize> = (0..WRITERS).map(least).collect();
                let keys = world.send(Owner, "GET", "/bkt?list-type=2", &[], b"").await.expect(200).all("Key");
                for (writer, least) in least.into_iter().enumerate() {
                    let count = keys.iter().filter(|key| key.starts_with(&format!("{writer}/"))).count();
                    assert!(count >= least, "{count} keys of {writer} are listed, and {least} were before");
                    told[writer].fetch_max(count, Ordering::SeqCst);
                }
                // The memory engine never waits, and writers are to have their turn.
                tokio::task::yield_now().await;
            }
        })
    });
    for task in writers.chain(listers).collect::<Vec<_>>() {
        task.await.expect("no task panics");
    }
}

/// A page passes over a bounded number of delete markers, and the next goes on there: by the token, by NextMarker, and
/// inside a common prefix.
#[tokio::test]
async fn runs_of_delete_markers_are_passed_over_page_by_page() {
    let world = World::with_bucket("bkt").await;
    world.enable_versioning("bkt").await;
    for batch in 0..11 {
        let objects = (0..1000).map(|key| format!("<Object><Key>m/{batch:02}{key:03}</Key></Object>"));
        let document = format!("<Delete><Quiet>true</Quiet>{}</Delete>", objects.collect::<String>());
        world.send_with_md5(Owner, "POST", "/bkt?delete", &document).await.expect(200);
    }
    for key in ["m/x", "z"] {
        world.put(&format!("bkt/{key}"), b"x").await;
    }
    let list = async |target: &str| world.send(Owner, "GET", target, &[], b"").await.expect(200);
    let is_empty = |page: &Reply| page.all("Contents").is_empty() && page.all("CommonPrefixes").is_empty();
    for (target, names) in [("/bkt?list-type=2", ["m/x", "z"]), ("/bkt?list-type=2&delimiter=%2F", ["m/", "z"])] {
        let first = list(target).await;
        assert!(is_empty(&first), "{target}");
        assert_eq!((first.all("KeyCount"), first.all("IsTruncated")), (vec!["0".to_owned()], vec!["true".to_owned()]));
        let token = first.all("NextContinuationToken").remove(0);
        let second = list(&format!("{target}&continuation-token={token}")).await;
        let found = [second.all("Prefix"), second.all("Key")].concat();
        assert_eq!(found.iter().filter(|name| !name.is_empty()).collect::<Vec<_>>(), names, "{target}");
        assert_eq!(second.all("IsTruncated"), ["false"]);
    }
    let first = list("/bkt").await;
    assert!(is_empty(&first));
    let marker = first.all("NextMarker").remove(0);
    assert_eq!(list(&format!("/bkt?marker={marker}")).await.all("Key"), ["m/x", "z"]);
    let rolled_up = list("/bkt?delimiter=%2F").await;
    assert_eq!((rolled_up.all("Key"), rolled_up.all("Prefix").last().cloned()), (vec!["z".into()], Some("m/".into())));
}
