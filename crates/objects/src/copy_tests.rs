//! Copies, ACLs, and writes whose commit gave no answer.

use access::action;
use policy::{Acl, CannedAcl, ObjectFacts};
use storage::faults::{Call, Fault};
use types::{Checksum, ChecksumAlgorithm, Conditions, ETag, EtagMatch, VersionId};

use crate::fixture::{World, pattern};
use crate::object::{Copied, CopyRequest, MetadataDirective, ObjectMetadata, Selection};
use crate::{Bucket, ObjectError, Usage, Versioning};

pub(crate) fn copying() -> CopyRequest {
    CopyRequest {
        metadata: MetadataDirective::Copy,
        storage_class: None,
        acl: None,
        source_conditions: Conditions::default(),
        conditions: Conditions::default(),
        checksum_algorithm: None,
    }
}

fn renaming(content_type: &str) -> CopyRequest {
    let metadata = ObjectMetadata { content_type: Some(content_type.to_owned()), ..ObjectMetadata::default() };
    CopyRequest { metadata: MetadataDirective::Replace(metadata), ..copying() }
}

impl World {
    async fn copy(
        &self,
        bucket: &Bucket,
        (from, version): (&str, Option<VersionId>),
        to: &str,
        request: CopyRequest,
    ) -> Result<Copied, ObjectError> {
        let source = self.on_object(bucket, from, version);
        self.objects.copy_object(&source, &self.on_object(bucket, to, None), request).await
    }
}

#[tokio::test]
async fn copies_share_content_and_go_their_own_ways() {
    for size in [0, 100, 200_000] {
        let world = World::new();
        let bucket = world.bucket("data", Versioning::Unversioned).await;
        let body = pattern(size, 1);
        let written = world.put(&bucket, "a", &body).await;
        let copied = world.copy(&bucket, ("a", None), "b", renaming("x/y")).await.unwrap();
        assert_eq!((copied.written.etag, copied.source_version), (written.etag, None));
        world.delete(&bucket, "a", None).await;
        assert!(world.body(&bucket, "b").await == body);
        // Onto itself: the content stays where it is.
        let blobs = world.faults.calls(Call::Link) + world.faults.calls(Call::Read);
        world.copy(&bucket, ("b", None), "b", renaming("x/z")).await.unwrap();
        assert_eq!(world.faults.calls(Call::Link) + world.faults.calls(Call::Read), blobs);
        let read = world.get(&bucket, "b", None, Selection::Whole).await.unwrap();
        assert_eq!(read.head.info.metadata.content_type.as_deref(), Some("x/z"));
        assert!(read.body.collect().await.unwrap() == body);
        assert_eq!(world.usage(&bucket).await, Usage { bytes: size as u64, objects: 1 });
        let nothing = world.copy(&bucket, ("b", None), "b", copying()).await;
        assert!(matches!(nothing, Err(ObjectError::InvalidRequest(_))));
        let asked = CopyRequest { checksum_algorithm: Some(ChecksumAlgorithm::Sha1), ..copying() };
        let copied = world.copy(&bucket, ("b", None), "b", asked).await.unwrap();
        let checksum = copied.written.checksum.unwrap().value;
        assert_eq!(checksum, Checksum::of(ChecksumAlgorithm::Sha1, &body));
        world.delete(&bucket, "b", None).await;
        assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage::default(), 0), "{size}");
    }
}

#[tokio::test]
async fn old_versions_are_restored_by_copying() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    let old = world.put(&bucket, "k", b"old").await.version.unwrap();
    let marker = world.delete(&bucket, "k", None).await.version.unwrap();
    let copy = async |version, conditions| {
        let request = CopyRequest { source_conditions: conditions, ..copying() };
        world.copy(&bucket, ("k", version), "k", request).await
    };
    assert!(matches!(copy(None, Conditions::default()).await, Err(ObjectError::NoSuchKey)));
    assert!(matches!(copy(Some(marker), Conditions::default()).await, Err(ObjectError::InvalidRequest(_))));
    let other = Conditions { if_match: Some(EtagMatch::Tags(vec![ETag::whole([1; 16])])), ..Conditions::default() };
    assert!(matches!(copy(Some(old), other).await, Err(ObjectError::PreconditionFailed { .. })));
    let copied = copy(Some(old), Conditions::default()).await.unwrap();
    assert_eq!(copied.source_version, Some(old));
    assert_eq!(world.body(&bucket, "k").await, b"old");
    // In place, a copy of the current version is a version too.
    world.copy(&bucket, ("k", None), "k", renaming("a/b")).await.unwrap();
    assert_eq!(world.versions(&bucket).await.len(), 4);
    assert_eq!(world.usage(&bucket).await, Usage { bytes: 9, objects: 3 });
    // Suspended, the source is not what is replaced: it has a version of its own.
    world.set_versioning(&bucket, Versioning::Suspended).await;
    world.copy(&bucket, ("k", None), "k", renaming("c/d")).await.unwrap();
    world.copy(&bucket, ("k", None), "k", renaming("e/f")).await.unwrap();
    assert_eq!(world.versions(&bucket).await.len(), 5);
    assert_eq!((world.usage(&bucket).await, world.blobs().await), (Usage { bytes: 12, objects: 4 }, 4));
}

#[tokio::test]
async fn acls_are_replaced_in_place() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Enabled).await;
    let owner = world.caller.user().unwrap();
    let old = world.put(&bucket, "k", b"old").await.version;
    let new = world.put(&bucket, "k", b"new").await.version;
    let public = CannedAcl::PublicRead.expand(owner, owner);
    for version in [old, None] {
        let grant = world.on_object::<action::PutObjectAcl>(&bucket, "k", version);
        let told = world.objects.put_object_acl(&grant, public.clone()).await.unwrap();
        assert_eq!(told, version.or(new));
        let seen = world.objects.look_up(grant.target().clone()).await.unwrap().unwrap();
        assert_eq!(seen.facts(), Some(ObjectFacts { acl: &public, owner: Some(owner) }));
    }
    assert_eq!(world.versions(&bucket).await.len(), 2);
    let marker = world.delete(&bucket, "k", None).await.version;
    for (version, gone) in [(None, true), (marker, true), (Some(VersionId::Null), true), (old, false)] {
        let grant = world.on_object::<action::PutObjectAcl>(&bucket, "k", version);
        let outcome = world.objects.put_object_acl(&grant, Acl::private(owner)).await;
        assert_eq!(outcome.is_err(), gone, "{version:?}");
    }
}

/// A write recognises its own work, whether the commit without an answer happened or not.
#[tokio::test]
async fn commits_without_an_answer_are_settled() {
    for fault in [Fault::UnknownDone, Fault::UnknownUndone] {
        for versioning in [Versioning::Unversioned, Versioning::Enabled, Versioning::Suspended] {
            let world = World::new();
            let bucket = world.bucket("data", versioning).await;
            let plan = || world.faults.plan(Call::Commit, 1, fault.clone());
            let absent = Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
            plan();
            let first = world.try_put(&bucket, "k", &pattern(70_000, 0), absent).await.unwrap();
            plan();
            world.put(&bucket, "k", b"second").await;
            plan();
            world.copy(&bucket, ("k", None), "k", renaming("a/b")).await.unwrap();
            plan();
            let grant = world.on_object(&bucket, "k", None);
            world.objects.put_object_acl(&grant, Acl { grants: Vec::new() }).await.unwrap();
            let kept = if versioning == Versioning::Enabled { (70_012, 3) } else { (6, 1) };
            let usage = Usage { bytes: kept.0, objects: kept.1 };
            assert_eq!(world.usage(&bucket).await, usage, "{fault:?} {versioning:?}");
            plan();
            let version = first.version.filter(|_| versioning == Versioning::Enabled);
            let deleted = world.delete(&bucket, "k", version.or(Some(VersionId::Null))).await;
            assert!(!deleted.delete_marker);
            plan();
            let deleted = world.delete(&bucket, "k", None).await;
            assert_eq!(deleted.delete_marker, versioning != Versioning::Unversioned);
            let kept = if versioning == Versioning::Enabled { (12, 2) } else { (0, 0) };
            assert_eq!(world.usage(&bucket).await, Usage { bytes: kept.0, objects: kept.1 });
        }
    }
}
