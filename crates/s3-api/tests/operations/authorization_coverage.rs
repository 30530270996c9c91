//! Authorization is complete: every operation of the protocol is tried as nobody, as a stranger, as a USER who does not own
//! the bucket, as the owner, and as a MANAGER.
//!
//! Nobody, stranger and user are refused with AccessDenied, before a byte of the body was asked for; nobody and stranger
//! get the same answer where the bucket does not exist. The owner and the manager are not refused. [`EXCEPTIONS`] is all
//! that differs, and it may only shrink. An operation without a probe fails the test.

use s3_protocol::Operation;

use crate::harness::{Reply, Who, World};

/// How an operation is asked for.
struct Probe {
    operation: Operation,
    method: &'static str,
    /// Path and query; `UPLOAD` stands for the id of an upload of `b/k`.
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
    /// Browsers ask without credentials: the same answer for everyone, without a look at the bucket.
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

const COPY: [(&str, &str); 1] = [("x-amz-copy-source", "b/k")];
const CANNED: [(&str, &str); 1] = [("x-amz-acl", "private")];
const MD5_OF_DELETE: [(&str, &str); 1] = [("content-md5", "Ck4kNfpVh3ZXvROlBaSG3Q==")];
const DELETE: &str = "<Delete><Object><Key>k</Key></Object></Delete>";
const VERSIONING: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const FORM: [(&str, &str); 1] = [("content-type", "multipart/form-data; boundary=x")];
const FORM_BODY: &str = "--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nnew\r\n--x\r\n\
     Content-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\ncontent\r\n--x--\r\n";
const PARTS: &str = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber>\
     <ETag>\"d41d8cd98f00b204e9800998ecf8427e\"</ETag></Part></CompleteMultipartUpload>";

/// In the order of the protocol's own table.
const PROBES: &[Probe] = probes! {
    ListDirectoryBuckets GET "/?max-directory-buckets=1";
    ListBuckets GET "/";
    WriteGetObjectResponse POST "/b" with [("x-amz-request-route", "r")];
    PostObject POST "/b" with FORM, FORM_BODY;
    CreateBucket PUT "/fresh";
    HeadBucket HEAD "/b";
    DeleteBucket DELETE "/b";
    ListObjectsV2 GET "/b?list-type=2";
    ListObjects GET "/b";
    ListObjectVersions GET "/b?versions";
    ListMultipartUploads GET "/b?uploads";
    DeleteObjects POST "/b?delete" with MD5_OF_DELETE, DELETE;
    GetBucketLocation GET "/b?location";
    GetBucketVersioning GET "/b?versioning";
    PutBucketVersioning PUT "/b?versioning", VERSIONING;
    GetBucketAcl GET "/b?acl";
    PutBucketAcl PUT "/b?acl" with CANNED;
    GetBucketPolicy GET "/b?policy";
    PutBucketPolicy PUT "/b?policy", "{}";
    DeleteBucketPolicy DELETE "/b?policy";
    GetBucketPolicyStatus GET "/b?policyStatus";
    GetBucketCors GET "/b?cors";
    PutBucketCors PUT "/b?cors", "<x/>";
    DeleteBucketCors DELETE "/b?cors";
    GetBucketTagging GET "/b?tagging";
    PutBucketTagging PUT "/b?tagging", "<x/>";
    DeleteBucketTagging DELETE "/b?tagging";
    GetBucketLifecycleConfiguration GET "/b?lifecycle";
    PutBucketLifecycleConfiguration PUT "/b?lifecycle", "<x/>";
    DeleteBucketLifecycle DELETE "/b?lifecycle";
    GetObjectLockConfiguration GET "/b?object-lock";
    PutObjectLockConfiguration PUT "/b?object-lock", "<x/>";
    GetBucketEncryption GET "/b?encryption";
    PutBucketEncryption PUT "/b?encryption", "<x/>";
    DeleteBucketEncryption DELETE "/b?encryption";
    GetBucketWebsite GET "/b?website";
    PutBucketWebsite PUT "/b?website", "<x/>";
    DeleteBucketWebsite DELETE "/b?website";
    GetBucketLogging GET "/b?logging";
    PutBucketLogging PUT "/b?logging", "<x/>";
    GetBucketNotificationConfiguration GET "/b?notification";
    PutBucketNotificationConfiguration PUT "/b?notification", "<x/>";
    GetBucketReplication GET "/b?replication";
    PutBucketReplication PUT "/b?replication", "<x/>";
    DeleteBucketReplication DELETE "/b?replication";
    GetBucketRequestPayment GET "/b?requestPayment";
    PutBucketRequestPayment PUT "/b?requestPayment", "<x/>";
    GetBucketAccelerateConfiguration GET "/b?accelerate";
    PutBucketAccelerateConfiguration PUT "/b?accelerate", "<x/>";
    GetBucketOwnershipControls GET "/b?ownershipControls";
    PutBucketOwnershipControls PUT "/b?ownershipControls", "<x/>";
    DeleteBucketOwnershipControls DELETE "/b?ownershipControls";
    GetPublicAccessBlock GET "/b?publicAccessBlock";
    PutPublicAccessBlock PUT "/b?publicAccessBlock", "<x/>";
    DeletePublicAccessBlock DELETE "/b?publicAccessBlock";
    GetBucketAbac GET "/b?abac";
    PutBucketAbac PUT "/b?abac", "<x/>";
    GetBucketAnalyticsConfiguration GET "/b?analytics&id=1";
    ListBucketAnalyticsConfigurations GET "/b?analytics";
    PutBucketAnalyticsConfiguration PUT "/b?analytics&id=1", "<x/>";
    DeleteBucketAnalyticsConfiguration DELETE "/b?analytics&id=1";
    GetBucketIntelligentTieringConfiguration GET "/b?intelligent-tiering&id=1";
    ListBucketIntelligentTieringConfigurations GET "/b?intelligent-tiering";
    PutBucketIntelligentTieringConfiguration PUT "/b?intelligent-tiering&id=1", "<x/>";
    DeleteBucketIntelligentTieringConfiguration DELETE "/b?intelligent-tiering&id=1";
    GetBucketInventoryConfiguration GET "/b?inventory&id=1";
    ListBucketInventoryConfigurations GET "/b?inventory";
    PutBucketInventoryConfiguration PUT "/b?inventory&id=1", "<x/>";
    DeleteBucketInventoryConfiguration DELETE "/b?inventory&id=1";
    GetBucketMetricsConfiguration GET "/b?metrics&id=1";
    ListBucketMetricsConfigurations GET "/b?metrics";
    PutBucketMetricsConfiguration PUT "/b?metrics&id=1", "<x/>";
    DeleteBucketMetricsConfiguration DELETE "/b?metrics&id=1";
    GetBucketMetadataConfiguration GET "/b?metadataConfiguration";
    CreateBucketMetadataConfiguration POST "/b?metadataConfiguration", "<x/>";
    DeleteBucketMetadataConfiguration DELETE "/b?metadataConfiguration";
    GetBucketMetadataTableConfiguration GET "/b?metadataTable";
    CreateBucketMetadataTableConfiguration POST "/b?metadataTable", "<x/>";
    DeleteBucketMetadataTableConfiguration DELETE "/b?metadataTable";
    UpdateBucketMetadataAnnotationTableConfiguration PUT "/b?metadataAnnotationTable", "<x/>";
    UpdateBucketMetadataInventoryTableConfiguration PUT "/b?metadataInventoryTable", "<x/>";
    UpdateBucketMetadataJournalTableConfiguration PUT "/b?metadataJournalTable", "<x/>";
    CreateSession GET "/b?session";
    HeadObject HEAD "/b/k";
    GetObject GET "/b/k";
    CopyObject PUT "/b/copy" with COPY;
    PutObject PUT "/b/new", "content";
    DeleteObject DELETE "/b/k";
    GetObjectAttributes GET "/b/k?attributes" with [("x-amz-object-attributes", "ETag")];
    GetObjectAcl GET "/b/k?acl";
    PutObjectAcl PUT "/b/k?acl" with CANNED;
    GetObjectTagging GET "/b/k?tagging";
    PutObjectTagging PUT "/b/k?tagging", "<x/>";
    DeleteObjectTagging DELETE "/b/k?tagging";
    GetObjectRetention GET "/b/k?retention";
    PutObjectRetention PUT "/b/k?retention", "<x/>";
    GetObjectLegalHold GET "/b/k?legal-hold";
    PutObjectLegalHold PUT "/b/k?legal-hold", "<x/>";
    GetObjectTorrent GET "/b/k?torrent";
    RestoreObject POST "/b/k?restore", "<x/>";
    SelectObjectContent POST "/b/k?select&select-type=2", "<x/>";
    RenameObject PUT "/b/k?renameObject";
    UpdateObjectEncryption PUT "/b/k?encryption", "<x/>";
    GetObjectAnnotation GET "/b/k?annotation&annotationName=a";
    ListObjectAnnotations GET "/b/k?annotation";
    PutObjectAnnotation PUT "/b/k?annotation", "<x/>";
    DeleteObjectAnnotation DELETE "/b/k?annotation";
    CreateMultipartUpload POST "/b/k?uploads";
    UploadPartCopy PUT "/b/k?partNumber=1&uploadId=UPLOAD" with COPY;
    UploadPart PUT "/b/k?partNumber=1&uploadId=UPLOAD", "content";
    CompleteMultipartUpload POST "/b/k?uploadId=UPLOAD", PARTS;
    AbortMultipartUpload DELETE "/b/k?uploadId=UPLOAD";
    ListParts GET "/b/k?uploadId=UPLOAD";
    PreflightRequest OPTIONS "/b/k";
};

#[test]
fn every_operation_has_one_probe() {
    for operation in Operation::ALL {
        let probes = PROBES.iter().filter(|probe| probe.operation == *operation).count();
        assert_eq!(probes, 1, "{}", operation.name());
    }
    assert_eq!(PROBES.len(), Operation::ALL.len());
}

#[tokio::test]
async fn only_those_who_may_get_through() {
    for probe in PROBES {
        let (world, upload) = world().await;
        for who in [Who::Nobody, Who::Stranger, Who::User] {
            check_refused(&world, &upload, probe, who).await;
        }
        check_nothing_changed(&world, &upload, probe).await;
        check_allowed(&world, &upload, probe, Who::Owner).await;
        let (world, upload) = self::world().await;
        check_allowed(&world, &upload, probe, Who::Manager).await;
    }
}

/// The owner's bucket `b` with an object `k` and an upload for `k`.
async fn world() -> (World, String) {
    let world = World::with_bucket("b").await;
    world.put("b/k", b"content").await;
    let reply = world.send(Who::Owner, "POST", "/b/k?uploads", &[], b"").await.expect(200);
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
    if is_exception(probe, Exception::NotThere) {
        assert_eq!(reply.status, 501, "{named}");
    } else if is_exception(probe, Exception::ForMembers) && who == Who::User {
        assert_eq!(reply.status, 200, "{named}");
        return;
    } else if probe.operation == Operation::DeleteObjects && who == Who::User {
        assert_eq!((reply.status, reply.code().as_deref()), (200, Some("AccessDenied")), "{named}");
    } else {
        assert_eq!(reply.status, 403, "{named}");
        assert!(probe.method == "HEAD" || reply.code().as_deref() == Some("AccessDenied"), "{named}");
    }
    assert!(!body_was_read || is_exception(probe, Exception::ReadsBodyFirst), "{named}: the body was read");
    if who != Who::User && !is_exception(probe, Exception::CreatesBucket) {
        let elsewhere = probe.target.replacen("/b", "/missing", 1);
        let (other, _) = send(world, upload, probe, who, &elsewhere).await;
        assert_eq!((other.status, other.code()), (reply.status, reply.code()), "{named}: a missing bucket differs");
    }
}

async fn check_nothing_changed(world: &World, upload: &str, probe: &Probe) {
    let named = probe.operation.name();
    let get = world.send(Who::Owner, "GET", "/b/k", &[], b"").await;
    assert_eq!((get.status, get.text().as_str()), (200, "content"), "{named}");
    let listed = world.send(Who::Owner, "GET", "/b?versions", &[], b"").await;
    assert_eq!(listed.all("VersionId").len(), 1, "{named}");
    let uploads = world.send(Who::Owner, "GET", "/b?uploads", &[], b"").await;
    assert_eq!(uploads.all("UploadId"), [upload], "{named}");
}

async fn check_allowed(world: &World, upload: &str, probe: &Probe, who: Who) {
    let (reply, _) = send(world, upload, probe, who, probe.target).await;
    let named = format!("{} as {who:?}: {}", probe.operation.name(), reply.text());
    let expected = is_exception(probe, Exception::Preflight) || probe.operation == Operation::PostObject;
    // The form is not signed, so it is nobody's whoever holds the connection; its own tests sign.
    assert!(expected || reply.status != 403, "{named}");
    assert!(reply.status < 500 || reply.code().as_deref() == Some("NotImplemented"), "{named}");
    assert_ne!(reply.code().as_deref(), Some("AccessDenied").filter(|_| !expected), "{named}");
}

fn is_exception(probe: &Probe, exception: Exception) -> bool {
    EXCEPTIONS.iter().any(|(operation, all)| *operation == probe.operation && all.contains(&exception))
}

/// The list is no longer than it has to be.
#[test]
fn exceptions_are_named_once() {
    for (index, (operation, exceptions)) in EXCEPTIONS.iter().enumerate() {
        assert!(!exceptions.is_empty());
        assert!(EXCEPTIONS[..index].iter().all(|(other, _)| other != operation), "{}", operation.name());
    }
    let _ = Who::ALL;
}
