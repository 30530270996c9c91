//! What a scrub and a check find, and what they leave alone.

use bytes::Bytes;
use storage::maintenance::{Damage, Progress};
use storage::{Batch, Bounded, NewBlob, Space};
use types::BlobId;

use crate::Versioning;
use crate::fixture::{World, pattern};
use crate::inspect::{Inspected, WrongCounters};
use crate::scrub::PassOf;

async fn change(world: &World, batch: Batch) {
    world.objects.metadata.commit(Space::CONTROL, b"test/", batch).await.expect("committed");
}

async fn scrubbed(world: &World, progress: &Progress, suspects: &[Damage]) -> Inspected {
    let pass = world.objects.begin_scrub(PassOf::Operator).await.expect("begun");
    world.objects.scrub(pass, PassOf::Operator, progress, suspects).await.expect("looked")
}

async fn blob_of(world: &World, length: u64) -> BlobId {
    let blobs = world.objects.blobs.list(None, 100).await.expect("listed");
    blobs.iter().find(|info| info.length == length).expect("one of this length").id
}

#[tokio::test]
async fn what_is_whole_is_found_whole() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let versions = world.bucket("versions", Versioning::Enabled).await;
    world.bucket("empty", Versioning::Unversioned).await;
    for size in [0, 1, 70_000, 3_000_000] {
        world.put(&bucket, &format!("dir/k{size}"), &pattern(size, size)).await;
        world.put(&versions, "k", &pattern(size, size)).await;
    }
    world.delete(&versions, "k", None).await;
    world.delete(&bucket, "dir/k1", None).await;
    for inspected in [
        world.objects.check(&Progress::unpaced(), WrongCounters::Tell).await.expect("looked"),
        scrubbed(&world, &Progress::unpaced(), &[]).await,
    ] {
        assert_eq!(inspected.damages.listed, []);
        assert_eq!((inspected.buckets, inspected.versions, inspected.blobs), (3, 8, 5), "{inspected:?}");
    }
    let progress = Progress::unpaced();
    let bytes = scrubbed(&world, &progress, &[]).await.bytes;
    assert_eq!(bytes, 2 * 3_070_000 + 1);
    assert_eq!(progress.bytes(), (bytes, bytes));
    progress.stop();
    assert_eq!(scrubbed(&world, &progress, &[]).await.bytes, 0);
}

#[tokio::test]
async fn what_is_wrong_is_found_under_the_name_of_its_object() {
    for (wrong, expected, is_for_scrub) in [
        ("missing", "t/data/dir/k70000: ", true),
        ("counter", "counter t/t/bytes says 70001, and there are 70000", false),
        ("unnamed", "2 blobs are kept, and records name 1", false),
        ("record", "t/data/dir/k70000: damaged data: a record of a bucket", true),
    ] {
        let world = World::new();
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        world.put(&bucket, "dir/k70000", &pattern(70_000, 1)).await;
        let tenancy = bucket.tenancy.to_string();
        match wrong {
            "missing" => {
                let retire = vec![blob_of(&world, 70_000).await];
                change(&world, Batch { retire, ..Batch::default() }).await;
            }
            "counter" => {
                let count = vec![Bounded { name: format!("t/{tenancy}/bytes").into_bytes(), delta: 1, at_most: None }];
                change(&world, Batch { count, ..Batch::default() }).await;
            }
            "unnamed" => {
                let keep = vec![NewBlob::Inline(BlobId([3; 16]), Bytes::from_static(b"lost"))];
                change(&world, Batch { keep, ..Batch::default() }).await;
            }
            _ => {
                let group = b"odir/k70000\x01".to_vec();
                let put = vec![(group.clone(), Bytes::from_static(b"\x01strange"))];
                let batch = Batch { put, ..Batch::default() };
                world.objects.metadata.commit(bucket.space(), &group, batch).await.expect("committed");
            }
        }
        let expected =
            expected.replace("t/t/", &format!("t/{tenancy}/")).replace("t/data/", &format!("{tenancy}/data/"));
        let checked = world.objects.check(&Progress::unpaced(), WrongCounters::Tell).await.expect("looked").damages;
        assert!(checked.listed.iter().any(|damage| damage.what.starts_with(&expected)), "{wrong}: {checked:?}");
        let damages = scrubbed(&world, &Progress::unpaced(), &[]).await.damages;
        assert_eq!(damages.count, u64::from(is_for_scrub), "{wrong}: {damages:?}");
        assert!(damages.listed.iter().all(|damage| damage.what.starts_with(&expected)), "{wrong}: {damages:?}");
    }
}

#[tokio::test]
async fn what_the_engine_suspects_gets_its_name() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.put(&bucket, "k", &pattern(70_000, 1)).await;
    let blob = blob_of(&world, 70_000).await;
    let suspect = |blob| Damage { what: "its footer".to_owned(), blob };
    let suspects = [suspect(Some(blob)), suspect(Some(BlobId([9; 16]))), suspect(None)];
    let damages = scrubbed(&world, &Progress::unpaced(), &suspects).await.damages;
    let named = format!("{}/data/k: damaged data: its footer", bucket.tenancy);
    assert_eq!(damages.listed[1], Damage { what: named, blob: Some(blob) });
    assert_eq!(damages.count, 3);
}

#[tokio::test]
async fn wrong_counters_are_set_right_where_every_record_is_read() {
    for is_readable in [true, false] {
        let world = World::new();
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        world.put(&bucket, "k", &pattern(1000, 1)).await;
        world.put(&bucket, "strange", b"").await;
        let tenancy = bucket.tenancy.clone();
        let wrong = [("t/{}/bytes", 5), ("t/{}/older/objects", -2), ("u/{}/ada/objects", 3), ("t/{}/buckets", 1)];
        let count = wrong.map(|(name, delta)| {
            let name = name.replace("{}", tenancy.as_str()).into_bytes();
            Bounded { name, delta, at_most: None }
        });
        change(&world, Batch { count: count.into(), ..Batch::default() }).await;
        if !is_readable {
            let group = b"ostrange\x01".to_vec();
            let put = vec![(group.clone(), Bytes::from_static(b"\x01strange"))];
            let batch = Batch { put, ..Batch::default() };
            world.objects.metadata.commit(bucket.space(), &group, batch).await.expect("committed");
        }
        let checked = world.objects.check(&Progress::unpaced(), WrongCounters::Correct).await.expect("looked");
        if !is_readable {
            assert_eq!(checked.corrected.count, 0, "{checked:?}");
            assert!(checked.damages.count > 4, "{checked:?}");
            continue;
        }
        assert_eq!((checked.corrected.count, checked.damages.count), (4, 0), "{checked:?}");
        let first = format!("counter t/{tenancy}/buckets says 2, and there are 1");
        assert_eq!(checked.corrected.listed[0].what, first);
        let again = world.objects.check(&Progress::unpaced(), WrongCounters::Tell).await.expect("looked");
        assert_eq!((again.corrected.count, again.damages.count), (0, 0), "{again:?}");
        let usage = world.objects.tenancy_usage(&tenancy).await.expect("read");
        assert_eq!((usage.bytes, usage.objects), (1000, 2));
    }
}
