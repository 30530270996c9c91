//! Policies, ownership, the public access block, and what they do to uploads and ACLs.

use std::sync::Arc;

use access::{Grant, ObjectTarget, action};
use policy::{Acl, CannedAcl, Existence, Facts, ObjectOwnership, Policy, Principal, PublicAccessBlock, Resource, Role};
use types::{Conditions, EtagMatch, UserName};

use crate::buckets::target_of;
use crate::copy_tests::copying;
use crate::fixture::{Body, World, key, person};
use crate::multipart::NewUpload;
use crate::multipart_tests::request;
use crate::object::{CopyRequest, MetadataDirective, PutRequest};
use crate::{Bucket, NewBucket, ObjectError, PublicBy, Versioning, policy_etag};

/// With what a document may not lose: spaces, order, letters beyond ASCII.
const FIRST: &str = "{ \"Statement\" : [{\"Effect\":\"Allow\",\"Sid\":\"\u{e9}\",\"Principal\":{\"user\":[\"bob\"]},\"Action\":\"GetObject\",\
     \"Resource\":\"*\"}],\n\"Version\":\"2008-10-17\" }";
const PUBLIC: &str =
    r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"arn:aws:s3:::data/*"}]}"#;

fn policy(document: &str) -> Policy {
    Policy::parse(document.as_bytes()).unwrap()
}

fn name(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

async fn found(world: &World, bucket: &Bucket) -> Arc<Bucket> {
    world.objects.find_bucket(&world.tenancy(), &bucket.name).await.unwrap().unwrap()
}

#[tokio::test]
async fn a_policy_is_kept_byte_for_byte_and_survives_a_restart() {
    let mut world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    assert_eq!(bucket.policy, None);
    let put = world.objects.put_bucket_policy(&world.on_bucket(&bucket), policy(FIRST), Conditions::default()).await;
    put.unwrap();
    for restart in [false, true] {
        if restart {
            world.restart(9);
        }
        let found = found(&world, &bucket).await;
        assert_eq!(found.policy.as_ref().map(Policy::document), Some(FIRST));
        assert_eq!(found.facts().policy, found.policy.as_ref());
    }
    world.objects.delete_bucket_policy(&world.on_bucket(&bucket), Conditions::default()).await.unwrap();
    assert_eq!(found(&world, &bucket).await.policy, None);
    world.objects.delete_bucket_policy(&world.on_bucket(&bucket), Conditions::default()).await.unwrap();
}

#[tokio::test]
async fn of_two_editors_the_second_is_told() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let put = async |document, conditions| {
        world.objects.put_bucket_policy(&world.on_bucket(&bucket), policy(document), conditions).await
    };
    let delete = async |conditions| world.objects.delete_bucket_policy(&world.on_bucket(&bucket), conditions).await;
    let is_new = || Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() };
    let is = |document| Conditions {
        if_match: Some(EtagMatch::Tags(vec![policy_etag(&policy(document))])),
        ..Conditions::default()
    };
    let failed = |outcome: Result<(), ObjectError>| {
        assert!(matches!(outcome, Err(ObjectError::PreconditionFailed { .. })), "{outcome:?}");
    };
    failed(put(FIRST, is(FIRST)).await);
    put(FIRST, is_new()).await.unwrap();
    failed(put(PUBLIC, is_new()).await);
    put(PUBLIC, is(FIRST)).await.unwrap();
    failed(put(FIRST, is(FIRST)).await);
    failed(delete(is(FIRST)).await);
    assert_eq!(found(&world, &bucket).await.policy, Some(policy(PUBLIC)));
    delete(is(PUBLIC)).await.unwrap();
    failed(delete(is(PUBLIC)).await);
}

#[tokio::test]
async fn a_public_access_block_refuses_what_would_be_public() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let public = CannedAcl::PublicRead.expand(&bucket.owner, &bucket.owner);
    let block = async |block| {
        world.objects.put_public_access_block(&world.on_bucket(&bucket), Some(block)).await.unwrap();
    };
    let put_policy = async |document| {
        world.objects.put_bucket_policy(&world.on_bucket(&bucket), policy(document), Conditions::default()).await
    };
    let put_acl = async |acl: &Acl| world.objects.put_bucket_acl(&world.on_bucket(&bucket), acl.clone()).await;
    block(PublicAccessBlock { block_public_policy: true, ..PublicAccessBlock::NONE }).await;
    assert!(matches!(put_policy(PUBLIC).await, Err(ObjectError::PublicAccessBlocked(PublicBy::Policy))));
    put_policy(FIRST).await.unwrap();
    put_acl(&public).await.unwrap();
    block(PublicAccessBlock { block_public_acls: true, ..PublicAccessBlock::NONE }).await;
    put_policy(PUBLIC).await.unwrap();
    assert!(matches!(put_acl(&public).await, Err(ObjectError::PublicAccessBlocked(PublicBy::Acl))));
    put_acl(&Acl::private(&bucket.owner)).await.unwrap();
    world.objects.put_public_access_block(&world.on_bucket(&bucket), None).await.unwrap();
    put_acl(&public).await.unwrap();
    assert_eq!(found(&world, &bucket).await.public_access, None);
}

#[tokio::test]
async fn where_all_is_the_bucket_owners_acls_can_not_be_set() {
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    world.put(&bucket, "k", b"x").await;
    let own = async |ownership| world.objects.put_bucket_ownership(&world.on_bucket(&bucket), ownership).await;
    let private = Acl::private(&bucket.owner);
    let shared = CannedAcl::AuthenticatedRead.expand(&bucket.owner, &bucket.owner);
    world.objects.put_bucket_acl(&world.on_bucket(&bucket), shared.clone()).await.unwrap();
    let enforced = Some(ObjectOwnership::BucketOwnerEnforced);
    assert!(matches!(own(enforced).await, Err(ObjectError::InvalidBucketAclWithObjectOwnership)));
    world.objects.put_bucket_acl(&world.on_bucket(&bucket), private.clone()).await.unwrap();
    own(enforced).await.unwrap();
    let on_bucket = world.objects.put_bucket_acl(&world.on_bucket(&bucket), private.clone()).await;
    assert!(matches!(on_bucket, Err(ObjectError::AccessControlListNotSupported)));
    let on_object = world.objects.put_object_acl(&world.on_object(&bucket, "k", None), private).await;
    assert!(matches!(on_object, Err(ObjectError::AccessControlListNotSupported)));
    own(None).await.unwrap();
    world.objects.put_object_acl(&world.on_object(&bucket, "k", None), shared).await.unwrap();
}

#[tokio::test]
async fn a_bucket_can_not_begin_shared_by_an_acl_that_does_not_count() {
    let world = World::new();
    for (acl, ownership, works) in [
        (CannedAcl::PublicRead, ObjectOwnership::BucketOwnerEnforced, false),
        (CannedAcl::BucketOwnerFullControl, ObjectOwnership::BucketOwnerEnforced, true),
        (CannedAcl::PublicRead, ObjectOwnership::ObjectWriter, true),
    ] {
        let target = access::NewBucketTarget {
            tenancy: world.tenancy(),
            bucket: types::BucketName::new(&format!("made-{works}-{}", ownership.name())).unwrap(),
        };
        let owner = name("ada");
        let new =
            NewBucket { acl: Some(acl.expand(&owner, &owner)), ownership: Some(ownership), ..NewBucket::default() };
        let made = world.objects.create_bucket(&world.grant(target), new).await;
        match made {
            Ok(bucket) => assert!(works && bucket.object_ownership() == ownership),
            Err(error) => assert!(!works && matches!(error, ObjectError::InvalidBucketAclWithObjectOwnership)),
        }
    }
}

/// Whose an upload of bob's into ada's bucket is, by what the bucket says and the upload asks for.
#[tokio::test]
async fn uploads_are_their_writers_or_the_bucket_owners() {
    use ObjectOwnership::{BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter};
    let world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let (ada, bob) = (name("ada"), name("bob"));
    for (ownership, asked, writer, owner) in [
        (ObjectWriter, None, Some(&bob), Some(Some(&bob))),
        (ObjectWriter, None, None, Some(None)),
        (ObjectWriter, Some(CannedAcl::PublicRead), Some(&bob), Some(Some(&bob))),
        (ObjectWriter, Some(CannedAcl::BucketOwnerFullControl), Some(&bob), Some(Some(&bob))),
        (BucketOwnerPreferred, None, Some(&bob), Some(Some(&bob))),
        (BucketOwnerPreferred, Some(CannedAcl::BucketOwnerRead), Some(&bob), Some(Some(&bob))),
        (BucketOwnerPreferred, Some(CannedAcl::BucketOwnerFullControl), Some(&bob), Some(Some(&ada))),
        (BucketOwnerEnforced, None, Some(&bob), Some(Some(&ada))),
        (BucketOwnerEnforced, None, None, Some(Some(&ada))),
        (BucketOwnerEnforced, Some(CannedAcl::Private), Some(&bob), Some(Some(&ada))),
        (BucketOwnerEnforced, Some(CannedAcl::BucketOwnerFullControl), Some(&bob), Some(Some(&ada))),
        (BucketOwnerEnforced, Some(CannedAcl::BucketOwnerRead), Some(&bob), None),
        (BucketOwnerEnforced, Some(CannedAcl::PublicRead), Some(&bob), None),
        (BucketOwnerEnforced, Some(CannedAcl::PublicRead), Some(&ada), None),
    ] {
        let named = format!("{ownership:?} {asked:?} {writer:?}");
        let bucket = Bucket { ownership: Some(ownership), ..Bucket::clone(&bucket) };
        let acl = asked.map(|canned| canned.expand(writer.unwrap_or(&ada), &ada));
        match (bucket.admit_upload(writer, acl), owner) {
            (Ok((of, acl)), Some(owner)) => {
                assert_eq!(of.as_ref(), owner, "{named}");
                let is_moved = owner == Some(&ada) && writer != Some(&ada);
                assert!(!is_moved || acl == Acl::private(&ada), "{named}");
            }
            (Err(ObjectError::AccessControlListNotSupported), None) => {}
            (outcome, _) => panic!("{named}: {outcome:?}"),
        }
    }
}

/// All ways of writing an object ask [`Bucket::admit_upload`].
#[tokio::test]
async fn no_way_of_writing_gets_around_the_ownership() {
    let mut world = World::new();
    let bucket = world.bucket("data", Versioning::Unversioned).await;
    let enforced = Some(ObjectOwnership::BucketOwnerEnforced);
    world.objects.put_bucket_ownership(&world.on_bucket(&bucket), enforced).await.unwrap();
    world.caller = person("bob", Role::Manager);
    world.put(&bucket, "put", b"x").await;
    let request = CopyRequest {
        metadata: MetadataDirective::Copy,
        storage_class: None,
        acl: None,
        source_conditions: Conditions::default(),
        conditions: Conditions::default(),
        checksum_algorithm: None,
    };
    let (from, to) = (world.on_object(&bucket, "put", None), world.on_object(&bucket, "copied", None));
    world.objects.copy_object(&from, &to, request).await.unwrap();
    for key in ["put", "copied"] {
        let head = world.objects.object_acl(&world.on_object(&bucket, key, None)).await.unwrap();
        assert_eq!((head.info.owner, head.info.acl), (Some(name("ada")), Acl::private(&name("ada"))), "{key}");
    }
    let public = Some(CannedAcl::PublicRead.expand(&name("bob"), &name("ada")));
    let upload = NewUpload { acl: public, ..NewUpload::default() };
    let refused = world.objects.create_upload(&world.on_object(&bucket, "parts", None), upload).await;
    assert!(matches!(refused, Err(ObjectError::AccessControlListNotSupported)));
}

/// Records of buckets from before there were policies.
#[test]
fn older_records_are_read() {
    let record = r#"{"id":7,"tenancy":"lab-o","name":"data","owner":"ada","created":1,"versioning":"Enabled","acl":[],
        "location":null,"deleting":false}"#;
    let record: crate::buckets::BucketRecord = serde_json::from_str(record).unwrap();
    assert_eq!((record.bucket.policy, record.bucket.ownership, record.bucket.public_access), (None, None, None));
}

/// A grant of somebody outside the tenancy, by the bucket's policy, to write a key that is there or is not.
fn granted(bucket: &Bucket, name: &str, is_there: bool) -> Grant<action::PutObject> {
    let caller = Arc::new(Principal::anonymous(bucket.tenancy.clone()));
    let target = ObjectTarget { bucket: target_of(bucket), key: key(name), version: None };
    let existence = Existence::of(is_there);
    access::authorize(
        &caller,
        target,
        Facts { bucket: Some(bucket.facts()), existence, ..Facts::about(Resource::Tenancy) },
    )
    .unwrap()
}

/// The decision was about a key that is new, or is not. Another writer comes between it and the commit.
#[tokio::test]
async fn a_grant_for_new_keys_writes_no_other() {
    let only_new = r#"{"Version":"2008-10-17","Statement":[{"Sid":"drop","Effect":"Allow",
        "Principal":{"anonymous":["*"]},"Action":["CreateObject"],"Resource":"/*"}]}"#;
    let never_new = r#"{"Version":"2008-10-17","Statement":[
        {"Sid":"write","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["PutObject"],"Resource":"/*"},
        {"Sid":"old","Effect":"Deny","Principal":{"anonymous":["*"]},"Action":["CreateObject"],"Resource":"/*"}]}"#;
    for (document, is_there) in [(only_new, false), (never_new, true)] {
        for way in ["put", "copy", "complete"] {
            let world = World::new();
            let bucket = world.bucket("data", Versioning::Unversioned).await;
            let may_put = world.on_bucket(&bucket);
            world.objects.put_bucket_policy(&may_put, policy(document), Conditions::default()).await.unwrap();
            let bucket = found(&world, &bucket).await;
            world.put(&bucket, "source", b"theirs").await;
            let write = async |grant: &Grant<action::PutObject>| match way {
                "put" => {
                    let mut body = Body::new(b"theirs");
                    world.objects.put_object(grant, PutRequest::default(), &mut body).await.map(|_| ())
                }
                "copy" => {
                    let source = world.on_object(&bucket, "source", None);
                    world.objects.copy_object(&source, grant, copying()).await.map(|_| ())
                }
                _ => {
                    let upload = world.objects.create_upload(grant, NewUpload::default()).await.unwrap().upload;
                    let part = world.objects.upload_part(grant, upload, 1, &mut Body::new(b"theirs")).await.unwrap();
                    world.objects.complete_upload(grant, upload, request(&[(1, part.etag)])).await.map(|_| ())
                }
            };
            for intervenes in [true, false] {
                let name = format!("{way}-{intervenes}");
                if is_there {
                    world.put(&bucket, &name, b"ours").await;
                }
                let grant = granted(&bucket, &name, is_there);
                if intervenes && is_there {
                    world.delete(&bucket, &name, None).await;
                } else if intervenes {
                    world.put(&bucket, &name, b"ours").await;
                }
                let outcome = write(&grant).await;
                match intervenes {
                    true => assert!(matches!(outcome, Err(ObjectError::AccessDenied)), "{name}: {outcome:?}"),
                    false => assert!(outcome.is_ok(), "{name}: {outcome:?}"),
                }
            }
        }
    }
}
