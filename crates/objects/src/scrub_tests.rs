//! Passes that are broken off, and what is remembered of them.

use std::time::Duration;

use storage::Batch;
use storage::StorageError;
use storage::faults::{Call, Fault};
use storage::maintenance::{Damage, Progress};
use types::BlobId;

use super::{PassOf, ScrubStatus, WholePass};
use crate::fixture::{World, pattern};
use crate::inspect::Inspected;
use crate::{ObjectError, Versioning};

const DAY: Duration = Duration::from_secs(86_400);

/// Three buckets with objects of which each has a blob: 9 in all, 9,045 bytes.
async fn filled() -> World {
    let world = World::new();
    for bucket in ["a", "b", "c"] {
        let bucket = world.bucket(bucket, Versioning::Unversioned).await;
        for (at, size) in [1000, 1005, 1010].into_iter().enumerate() {
            world.put(&bucket, &format!("k{at}"), &pattern(size, at)).await;
        }
    }
    world
}

async fn pass(world: &World, of: PassOf, progress: &Progress, suspects: &[Damage]) -> Result<Inspected, ObjectError> {
    let pass = world.objects.begin_scrub(of).await?;
    world.objects.scrub(pass, of, progress, suspects).await
}

async fn status(world: &World) -> ScrubStatus {
    world.objects.scrub_status().await.expect("told")
}

/// Wherever a pass of the job is broken off, by a read that fails or by a restart, the next goes on there: each blob is
/// read once, and damage that was found before counts in the end.
#[tokio::test]
async fn a_pass_goes_on_where_it_was_broken_off() {
    for read in 1..=9 {
        let mut world = filled().await;
        let lost = world.objects.blobs.list(None, 1).await.expect("listed")[0];
        let retire = Batch { retire: vec![lost.id], ..Batch::default() };
        world.faults.engine().metadata.commit(storage::Space::CONTROL, b"x/", retire).await.expect("lost");
        world.faults.plan(Call::Read, read, Fault::Fail(StorageError::Io("the disk".to_owned())));
        let (first, second) = (Progress::unpaced(), Progress::unpaced());
        pass(&world, PassOf::Job, &first, &[]).await.expect_err("it is broken off");
        assert_eq!(status(&world).await.last, None);
        world.restart(read);
        assert!(world.objects.is_scrub_due(DAY).await.expect("told"), "a pass is under way");
        world.clock.advance_secs(100);
        let whole = pass(&world, PassOf::Job, &second, &[]).await.expect("whole");
        let bytes = 9045 - lost.length;
        assert_eq!(first.bytes().1 + second.bytes().1, bytes, "read {read}: none is read twice");
        assert_eq!((whole.bytes, whole.damages.count), (bytes, 1), "read {read}");
        let ended = world.objects.clock.now();
        let last = WholePass { started: types::Timestamp::from_secs(ended.as_secs() - 100), ended, bytes, damages: 1 };
        assert_eq!(status(&world).await, ScrubStatus { under_way: None, last: Some(last) }, "read {read}");
    }
}

/// A bucket that was made anew under the name of the one where the pass was is read from its beginning.
#[tokio::test]
async fn a_pass_goes_on_though_its_bucket_went() {
    for is_made_anew in [false, true] {
        let world = filled().await;
        world.faults.plan(Call::Read, 6, Fault::Fail(StorageError::Io("the disk".to_owned())));
        pass(&world, PassOf::Job, &Progress::unpaced(), &[]).await.expect_err("it is broken off");
        let bucket = world.objects.find_bucket(&world.tenancy(), &"b".parse().expect("a name")).await;
        let bucket = bucket.expect("found").expect("there");
        for key in ["k0", "k1", "k2"] {
            world.delete(&bucket, key, None).await;
        }
        world.objects.delete_bucket(&world.on_bucket(&bucket)).await.expect("deleted");
        if is_made_anew {
            let bucket = world.bucket("b", Versioning::Unversioned).await;
            world.put(&bucket, "k0", &pattern(70, 0)).await;
        }
        let progress = Progress::unpaced();
        pass(&world, PassOf::Job, &progress, &[]).await.expect("whole");
        assert_eq!(progress.bytes().1, 3015 + if is_made_anew { 70 } else { 0 });
    }
}

#[tokio::test]
async fn one_is_due_a_period_after_the_last_whole_one_began() {
    let world = filled().await;
    assert!(world.objects.is_scrub_due(DAY).await.expect("told"), "there never was one");
    for of in [PassOf::Job, PassOf::Operator] {
        pass(&world, of, &Progress::unpaced(), &[]).await.expect("whole");
        for (seconds, is_due) in [(0, false), (86_399, false), (1, true)] {
            world.clock.advance_secs(seconds);
            assert_eq!(world.objects.is_scrub_due(DAY).await.expect("told"), is_due);
        }
    }
    let stopped = Progress::unpaced();
    stopped.stop();
    let before = status(&world).await;
    pass(&world, PassOf::Operator, &stopped, &[]).await.expect("stopped");
    assert_eq!(status(&world).await, before, "an operator's is no pass of the job");
}

/// What the engine suspects is known to the process that asked it: the next one has to ask again.
#[tokio::test]
async fn a_pass_with_suspects_begins_anew() {
    let world = filled().await;
    world.faults.plan(Call::Read, 5, Fault::Fail(StorageError::Io("the disk".to_owned())));
    let suspect = Damage { what: "its footer".to_owned(), blob: Some(BlobId([9; 16])) };
    pass(&world, PassOf::Job, &Progress::unpaced(), &[suspect]).await.expect_err("it is broken off");
    assert!(world.objects.begin_scrub(PassOf::Job).await.expect("begun").needs_structure());
}
