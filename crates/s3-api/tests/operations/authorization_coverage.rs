//! Authorization is complete: every operation of the protocol is tried as nobody, as a USER and as a MANAGER of another
//! tenancy, as somebody whose role has expired, as a disabled and as a suspended MANAGER, as a USER who does not own the
//! bucket, as the owner, as a DEPUTY and as a MANAGER; and again under policies that allow and that deny everything.
//!
//! All but the last three are refused with AccessDenied, before a byte of the body was asked for; those who are not of the
//! tenancy get the same answer where the bucket does not exist. The owner, deputy and manager are not refused. A policy
//! that allows everything lets everybody in, and one that denies everything keeps everybody out, but for the policy itself.
//! [`EXCEPTIONS`] is all that differs, and it may only shrink. An operation without a probe fails the test.

use s3_protocol::Operation;

use crate::harness::{Reply, Who, World};

/// How an operation is asked for.
struct Probe {
    operation: Operation,
    method: &'static str,
    /// Path and query; `UPLOAD` stands for the id of an upload of `bkt/k`.
    target: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
}

/// Why an operation does not answer as the others do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Exception {
    /// Every member of the tenancy may do it, so `User` is not refused.
    ForMembers,
    /// It stands in the body who asks or what for, so a bounded part of that is read first.
    ReadsBodyFirst,
    /// It is not there and there is no action to authorize: 501 for everyone, without a look at the bucket.
    NotThere,
    /// Browsers ask without credentials: the rules of the bucket answer, the same for everyone.
    Preflight,
    /// It creates the bucket, which must not be there: there is no private bucket to compare with.
    CreatesBucket,
}

const EXCEPTIONS: &[(Operation, &[Exception])] = &[
    (Operation::CreateBucket, &[Exception::ForMembers, Exception::CreatesBucket]),
    (Operation::ListBuckets, &[Exception::ForMembers, Exception::CreatesBucket]),
    (Operation::DeleteObjects, &[Exception::ReadsBodyFirst]),
    (Operation::PostObject, &[Exception::ReadsBodyFirst]),
    (Operation::PreflightRequest, &[Exception::Preflight]),
    (Operation::CreateBucketMetadataConfiguration, &[Exception::NotThere]),
    (Operation::CreateBucketMetadataTableConfiguration, &[Exception::NotThere]),
    (Operation::CreateSession, &[Exception::NotThere]),
    (Operation::DeleteBucketAnalyticsConfiguration, &[Exception::NotThere]),
    (Operation::DeleteBucketIntelligentTieringConfiguration, &[Exception::NotThere]),
    (Operation::DeleteBucketInventoryConfiguration, &[Exception::NotThere]),
    (Operation::DeleteBucketMetadataConfiguration, &[Exception::NotThere]),
    (Operation::DeleteBucketMetadataTableConfiguration, &[Exception::NotThere]),
    (Operation::DeleteBucketMetricsConfiguration, &[Exception::NotThere]),
    (Operation::DeleteObjectAnnotation, &[Exception::NotThere]),
    (Operation::GetBucketAbac, &[Exception::NotThere]),
    (Operation::GetBucketAnalyticsConfiguration, &[Exception::NotThere]),
    (Operation::GetBucketIntelligentTieringConfiguration, &[Exception::NotThere]),
    (Operation::GetBucketInventoryConfiguration, &[Exception::NotThere]),
    (Operation::GetBucketMetadataConfiguration, &[Exception::NotThere]),
    (Operation::GetBucketMetadataTableConfiguration, &[Exception::NotThere]),
    (Operation::GetBucketMetricsConfiguration, &[Exception::NotThere]),
    (Operation::GetObjectAnnotation, &[Exception::NotThere]),
    (Operation::ListBucketAnalyticsConfigurations, &[Exception::NotThere]),
    (Operation::ListBucketIntelligentTieringConfigurations, &[Exception::NotThere]),
    (Operation::ListBucketInventoryConfigurations, &[Exception::NotThere]),
    (Operation::ListBucketMetricsConfigurations, &[Exception::NotThere]),
    (Operation::ListDirectoryBuckets, &[Exception::NotThere]),
    (Operation::ListObjectAnnotations, &[Exception::NotThere]),
    (Operation::PutBucketAbac, &[Exception::NotThere]),
    (Operation::PutBucketAnalyticsConfiguration, &[Exception::NotThere]),
    (Operation::PutBucketIntelligentTieringConfiguration, &[Exception::NotThere]),
    (Operation::PutBucketInventoryConfiguration, &[Exception::NotThere]),
    (Operation::PutBucketMetricsConfiguration, &[Exception::NotThere]),
    (Operation::PutObjectAnnotation, &[Exception::NotThere]),
    (Operation::RenameObject, &[Exception::NotThere]),
    (Operation::UpdateBucketMetadataAnnotationTableConfiguration, &[Exception::NotThere]),
    (Operation::UpdateBucketMetadataInventoryTableConfiguration, &[Exception::NotThere]),
    (Operation::UpdateBucketMetadataJournalTableConfiguration, &[Exception::NotThere]),
    (Operation::UpdateObjectEncryption, &[Exception::NotThere]),
    (Operation::WriteGetObjectResponse, &[Exception::NotThere]),
];

macro_rules! probes {
    ($($operation:ident $method:ident $target:literal $(with $headers:expr)? $(, $body:expr)?;)*) => {
        &[$(Probe {
            operation: Operation::$operation,
            method: stringify!($method),
            target: $target,
            headers: probes!(@headers $($headers)?),
            body: probes!(@body $($body)?),
        },)*]
    };
    (@headers) => { &[] };
    (@headers $headers:expr) => { &$headers };
    (@body) => { "" };
    (@body $body:expr) => { $body };
}

const COPY: [(&str, &str); 1] = [("x-amz-copy-source", "bkt/k")];
/// Whoever puts a policy under which they could not put the next says so.
const CONFIRM: [(&str, &str); 1] = [("x-amz-confirm-remove-self-bucket-access", "true")];
const CANNED: [(&str, &str); 1] = [("x-amz-acl", "private")];
const MD5_OF_DELETE: [(&str, &str); 1] = [("content-md5", "5DKh5iefM5MSKvRILIuFwQ==")];
const DELETE: &str = "<Delete><Object><Key>k</Key></Object></Delete>";
const VERSIONING: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[]}"#;
const OWNERSHIP: &str =
    "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerEnforced</ObjectOwnership></Rule></OwnershipControls>";
const PUBLIC_ACCESS_BLOCK: &str =
    "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>";
const CORS: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>https://app.example.org</AllowedOrigin>\
     <AllowedMethod>PUT</AllowedMethod></CORSRule></CORSConfiguration>";
const FORM: [(&str, &str); 1] = [("content-type", "multipart/form-data; boundary=x")];
const FORM_BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nnew\r\n--x\r\n\
     Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncontent\r\n--x--\r\n";
const PARTS: &str = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
     <ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag></Part></CompleteMultipartUpload>";

/// In the order of the protocol's own table.
const PROBES: &[Probe] = probes! {
    ListDirectoryBuckets GET "/?max-directory-buckets=1";
    ListBuckets GET "/";
    WriteGetObjectResponse POST "/bkt" with [("x-amz-request-route", "r")];
    PostObject POST "/bkt" with FORM, FORM_BODY;
    CreateBucket PUT "/fresh";
    HeadBucket HEAD "/bkt";
    DeleteBucket DELETE "/bkt";
    ListObjectsV2 GET "/bkt?list-type=2";
    ListObjects GET "/bkt";
    ListObjectVersions GET "/bkt?versions";
    ListMultipartUploads GET "/bkt?uploads";
    DeleteObjects POST "/bkt?delete" with MD5_OF_DELETE, DELETE;
    GetBucketLocation GET "/bkt?location";
    GetBucketVersioning GET "/bkt?versioning";
    PutBucketVersioning PUT "/bkt?versioning", VERSIONING;
    GetBucketAcl GET "/bkt?acl";
    PutBucketAcl PUT "/bkt?acl" with CANNED;
    GetBucketPolicy GET "/bkt?policy";
    PutBucketPolicy PUT "/bkt?policy" with CONFIRM, POLICY;
    DeleteBucketPolicy DELETE "/bkt?policy";
    GetBucketPolicyStatus GET "/bkt?policyStatus";
    GetBucketCors GET "/bkt?cors";
    PutBucketCors PUT "/bkt?cors", CORS;
    DeleteBucketCors DELETE "/bkt?cors";
    GetBucketTagging GET "/bkt?tagging";
    PutBucketTagging PUT "/bkt?tagging", "<x/>";
    DeleteBucketTagging DELETE "/bkt?tagging";
    GetBucketLifecycleConfiguration GET "/bkt?lifecycle";
    PutBucketLifecycleConfiguration PUT "/bkt?lifecycle", "<x/>";
    DeleteBucketLifecycle DELETE "/bkt?lifecycle";
    GetObjectLockConfiguration GET "/bkt?object-lock";
    PutObjectLockConfiguration PUT "/bkt?object-lock", "<x/>";
    GetBucketEncryption GET "/bkt?encryption";
    PutBucketEncryption PUT "/bkt?encryption", "<x/>";
    DeleteBucketEncryption DELETE "/bkt?encryption";
    GetBucketWebsite GET "/bkt?website";
    PutBucketWebsite PUT "/bkt?website", "<x/>";
    DeleteBucketWebsite DELETE "/bkt?website";
    GetBucketLogging GET "/bkt?logging";
    PutBucketLogging PUT "/bkt?logging", "<x/>";
    GetBucketNotificationConfiguration GET "/bkt?notification";
    PutBucketNotificationConfiguration PUT "/bkt?notification", "<x/>";
    GetBucketReplication GET "/bkt?replication";
    PutBucketReplication PUT "/bkt?replication", "<x/>";
    DeleteBucketReplication DELETE "/bkt?replication";
    GetBucketRequestPayment GET "/bkt?requestPayment";
    PutBucketRequestPayment PUT "/bkt?requestPayment", "<x/>";
    GetBucketAccelerateConfiguration GET "/bkt?accelerate";
    PutBucketAccelerateConfiguration PUT "/bkt?accelerate", "<x/>";
    GetBucketOwnershipControls GET "/bkt?ownershipControls";
    PutBucketOwnershipControls PUT "/bkt?ownershipControls", OWNERSHIP;
    DeleteBucketOwnershipControls DELETE "/bkt?ownershipControls";
    GetPublicAccessBlock GET "/bkt?publicAccessBlock";
    PutPublicAccessBlock PUT "/bkt?publicAccessBlock", PUBLIC_ACCESS_BLOCK;
    DeletePublicAccessBlock DELETE "/bkt?publicAccessBlock";
    GetBucketAbac GET "/bkt?abac";
    PutBucketAbac PUT "/bkt?abac", "<x/>";
    GetBucketAnalyticsConfiguration GET "/bkt?analytics&id=1";
    ListBucketAnalyticsConfigurations GET "/bkt?analytics";
    PutBucketAnalyticsConfiguration PUT "/bkt?analytics&id=1", "<x/>";
    DeleteBucketAnalyticsConfiguration DELETE "/bkt?analytics&id=1";
    GetBucketIntelligentTieringConfiguration GET "/bkt?intelligent-tiering&id=1";
    ListBucketIntelligentTieringConfigurations GET "/bkt?intelligent-tiering";
    PutBucketIntelligentTieringConfiguration PUT "/bkt?intelligent-tiering&id=1", "<x/>";
    DeleteBucketIntelligentTieringConfiguration DELETE "/bkt?intelligent-tiering&id=1";
    GetBucketInventoryConfiguration GET "/bkt?inventory&id=1";
    ListBucketInventoryConfigurations GET "/bkt?inventory";
    PutBucketInventoryConfiguration PUT "/bkt?inventory&id=1", "<x/>";
    DeleteBucketInventoryConfiguration DELETE "/bkt?inventory&id=1";
    GetBucketMetricsConfiguration GET "/bkt?metrics&id=1";
    ListBucketMetricsConfigurations GET "/bkt?metrics";
    PutBucketMetricsConfiguration PUT "/bkt?metrics&id=1", "<x/>";
    DeleteBucketMetricsConfiguration DELETE "/bkt?metrics&id=1";
    GetBucketMetadataConfiguration GET "/bkt?metadataConfiguration";
    CreateBucketMetadataConfiguration POST "/bkt?metadataConfiguration", "<x/>";
    DeleteBucketMetadataConfiguration DELETE "/bkt?metadataConfiguration";
    GetBucketMetadataTableConfiguration GET "/bkt?metadataTable";
    CreateBucketMetadataTableConfiguration POST "/bkt?metadataTable", "<x/>";
    DeleteBucketMetadataTableConfiguration DELETE "/bkt?metadataTable";
    UpdateBucketMetadataAnnotationTableConfiguration PUT "/bkt?metadataAnnotationTable", "<x/>";
    UpdateBucketMetadataInventoryTableConfiguration PUT "/bkt?metadataInventoryTable", "<x/>";
    UpdateBucketMetadataJournalTableConfiguration PUT "/bkt?metadataJournalTable", "<x/>";
    CreateSession GET "/bkt?session";
    HeadObject HEAD "/bkt/k";
    GetObject GET "/bkt/k";
    CopyObject PUT "/bkt/copy" with COPY;
    PutObject PUT "/bkt/new", "content";
    DeleteObject DELETE "/bkt/k";
    GetObjectAttributes GET "/bkt/k?attributes" with [("x-amz-object-attributes", "ETag")];
    GetObjectAcl GET "/bkt/k?acl";
    PutObjectAcl PUT "/bkt/k?acl" with CANNED;
    GetObjectTagging GET "/bkt/k?tagging";
    PutObjectTagging PUT "/bkt/k?tagging", "<x/>";
    DeleteObjectTagging DELETE "/bkt/k?tagging";
    GetObjectRetention GET "/bkt/k?retention";
    PutObjectRetention PUT "/bkt/k?retention", "<x/>";
    GetObjectLegalHold GET "/bkt/k?legal-hold";
    PutObjectLegalHold PUT "/bkt/k?legal-hold", "<x/>";
    GetObjectTorrent GET "/bkt/k?torrent";
    RestoreObject POST "/bkt/k?restore", "<x/>";
    SelectObjectContent POST "/bkt/k?select&select-type=2", "<x/>";
    RenameObject PUT "/bkt/k?renameObject";
    UpdateObjectEncryption PUT "/bkt/k?encryption", "<x/>";
    GetObjectAnnotation GET "/bkt/k?annotation&annotationName=a";
    ListObjectAnnotations GET "/bkt/k?annotation";
    PutObjectAnnotation PUT "/bkt/k?annotation", "<x/>";
    DeleteObjectAnnotation DELETE "/bkt/k?annotation";
    CreateMultipartUpload POST "/bkt/k?uploads";
    UploadPartCopy PUT "/bkt/k?partNumber=1&uploadId=UPLOAD" with COPY;
    UploadPart PUT "/bkt/k?partNumber=1&uploadId=UPLOAD", "content";
    CompleteMultipartUpload POST "/bkt/k?uploadId=UPLOAD", PARTS;
    AbortMultipartUpload DELETE "/bkt/k?uploadId=UPLOAD";
    ListParts GET "/bkt/k?uploadId=UPLOAD";
    PreflightRequest OPTIONS "/bkt/k"
        with [("origin", "http://example.org"), ("access-control-request-method", "GET")];
};

#[test]
fn every_operation_has_one_probe() {
    for operation in Operation::ALL {
        let probes = PROBES.iter().filter(|probe| probe.operation == *operation).count();
        assert_eq!(probes, 1, "{}", operation.name());
    }
    assert_eq!(PROBES.len(), Operation::ALL.len());
}

const OUTSIDERS: [Who; 3] = [Who::Nobody, Who::Stranger, Who::ForeignManager];
/// Whose key opens nothing any more.
const FORMER: [Who; 3] = [Who::Expired, Who::Disabled, Who::Suspended];
const IN_CHARGE: [Who; 3] = [Who::Owner, Who::Deputy, Who::Manager];

#[tokio::test]
async fn only_those_who_may_get_through() {
    for probe in PROBES {
        let (world, upload) = world().await;
        for who in OUTSIDERS.into_iter().chain(FORMER).chain([Who::User]) {
            check_refused(&world, &upload, probe, who).await;
        }
        check_nothing_changed(&world, &upload, probe).await;
        for who in IN_CHARGE {
            let (world, upload) = self::world().await;
            check_allowed(&world, &upload, probe, who).await;
        }
    }
}

/// What a policy denies to everyone it denies to those in charge too, who can still change the policy.
#[tokio::test]
async fn a_policy_that_denies_binds_everyone() {
    let on_policy = [Operation::GetBucketPolicy, Operation::PutBucketPolicy, Operation::DeleteBucketPolicy];
    for probe in PROBES {
        let (world, upload) = world().await;
        world.send(Who::Owner, "PUT", "/bkt?policy", &[], policy("Deny").as_bytes()).await.expect(204);
        for who in OUTSIDERS.into_iter().chain(FORMER).chain([Who::User]) {
            check_refused(&world, &upload, probe, who).await;
        }
        for who in IN_CHARGE {
            match on_policy.contains(&probe.operation) {
                true => check_allowed(&world, &upload, probe, who).await,
                false => check_refused(&world, &upload, probe, who).await,
            }
            // A policy that was replaced or removed is put back.
            world.send(Who::Owner, "PUT", "/bkt?policy", &[], policy("Deny").as_bytes()).await.expect(204);
        }
        world.send(Who::Owner, "DELETE", "/bkt?policy", &[], b"").await.expect(204);
        check_nothing_changed(&world, &upload, probe).await;
    }
}

#[tokio::test]
async fn a_policy_that_allows_lets_everyone_in() {
    for probe in PROBES {
        for who in OUTSIDERS.into_iter().chain([Who::User]) {
            let (world, upload) = world().await;
            world.send(Who::Owner, "PUT", "/bkt?policy", &[], policy("Allow").as_bytes()).await.expect(204);
            // A form is not signed by its request, so it is nobody's whoever sends it.
            for former in FORMER.into_iter().filter(|_| probe.operation != Operation::PostObject) {
                check_refused(&world, &upload, probe, former).await;
            }
            match is_exception(probe, Exception::ForMembers) && who != Who::User {
                true => check_refused(&world, &upload, probe, who).await,
                false => check_allowed(&world, &upload, probe, who).await,
            }
        }
    }
}

fn policy(effect: &str) -> String {
    format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"{effect}","Principal":"*","Action":"s3:*",
            "Resource":["arn:aws:s3:::bkt","arn:aws:s3:::bkt/*"]}}]}}"#
    )
}

/// The owner's bucket `bkt` with an object `k` and an upload for `k`.
async fn world() -> (World, String) {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"content").await;
    let reply = world.send(Who::Owner, "POST", "/bkt/k?uploads", &[], b"").await.expect(200);
    let upload = reply.all("UploadId").remove(0);
    (world, upload)
}

async fn send(world: &World, upload: &str, probe: &Probe, who: Who, target: &str) -> (Reply, bool) {
    let target = target.replace("UPLOAD", upload);
    world.send_watched(who, probe.method, &target, probe.headers, probe.body.as_bytes()).await
}

async fn check_refused(world: &World, upload: &str, probe: &Probe, who: Who) {
    let (reply, body_was_read) = send(world, upload, probe, who, probe.target).await;
    let named = format!("{} as {who:?}: {}", probe.operation.name(), reply.text());
    let is_member = who == Who::User || IN_CHARGE.contains(&who);
    // A form is not signed by its request, so it is nobody's whoever sends it; its own tests sign.
    let is_known = !FORMER.contains(&who) || probe.operation == Operation::PostObject;
    if is_exception(probe, Exception::NotThere) && is_known {
        assert_eq!(reply.status, 501, "{named}");
    } else if is_exception(probe, Exception::ForMembers) && is_member {
        assert!(reply.status == 200 || reply.code().as_deref() == Some("BucketAlreadyExists"), "{named}");
        return;
    } else if probe.operation == Operation::DeleteObjects && is_member {
        assert_eq!((reply.status, reply.code().as_deref()), (200, Some("AccessDenied")), "{named}");
    } else {
        let refused = if is_exception(probe, Exception::Preflight) { "AccessForbidden" } else { "AccessDenied" };
        assert_eq!(reply.status, 403, "{named}");
        assert!(probe.method == "HEAD" || reply.code().as_deref() == Some(refused), "{named}");
    }
    assert!(!body_was_read || is_exception(probe, Exception::ReadsBodyFirst), "{named}: the body was read");
    if !is_member && !is_exception(probe, Exception::CreatesBucket) {
        let elsewhere = probe.target.replacen("/bkt", "/missing", 1);
        let (other, _) = send(world, upload, probe, who, &elsewhere).await;
        assert_eq!((other.status, other.code()), (reply.status, reply.code()), "{named}: a missing bucket differs");
    }
}

async fn check_nothing_changed(world: &World, upload: &str, probe: &Probe) {
    let named = probe.operation.name();
    let get = world.send(Who::Owner, "GET", "/bkt/k", &[], b"").await;
    assert_eq!((get.status, get.text().as_str()), (200, "content"), "{named}");
    let listed = world.send(Who::Owner, "GET", "/bkt?versions", &[], b"").await;
    assert_eq!(listed.all("VersionId").len(), 1, "{named}");
    let uploads = world.send(Who::Owner, "GET", "/bkt?uploads", &[], b"").await;
    assert_eq!(uploads.all("UploadId"), [upload], "{named}");
}

async fn check_allowed(world: &World, upload: &str, probe: &Probe, who: Who) {
    let (reply, _) = send(world, upload, probe, who, probe.target).await;
    let named = format!("{} as {who:?}: {}", probe.operation.name(), reply.text());
    let expected = is_exception(probe, Exception::Preflight) || probe.operation == Operation::PostObject;
    // A form is not signed by its request, so it is nobody's whoever sends it; its own tests sign.
    assert!(expected || reply.status != 403, "{named}");
    assert!(reply.status < 500 || reply.code().as_deref() == Some("NotImplemented"), "{named}");
    assert!(expected || reply.code().as_deref() != Some("AccessDenied"), "{named}");
}

fn is_exception(probe: &Probe, exception: Exception) -> bool {
    EXCEPTIONS.iter().any(|(operation, all)| *operation == probe.operation && all.contains(&exception))
}

#[test]
fn exceptions_are_named_once() {
    for (index, (operation, exceptions)) in EXCEPTIONS.iter().enumerate() {
        assert!(!exceptions.is_empty());
        assert!(EXCEPTIONS[..index].iter().all(|(other, _)| other != operation), "{}", operation.name());
    }
}
