use http::Request;

use super::*;

fn find(method: &str, target: &str, headers: &[(&str, &str)], host_bucket: Option<&str>) -> Result<Route, S3Error> {
    let mut request = Request::builder().method(method).uri(target);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    route(&RequestHead::new(&parts, host_bucket))
}

fn operation_of(method: &str, target: &str) -> Result<&'static str, (ErrorCode, u16)> {
    let route = find(method, target, &[], None);
    route.map(|route| route.operation.name()).map_err(|error| (error.code(), error.status().as_u16()))
}

/// Every operation of the API, as its own page in the reference writes the request.
const REQUESTS: &[(&str, &str, &str)] = &[
    ("GET", "/", "ListBuckets"),
    ("GET", "/?max-directory-buckets=5", "ListDirectoryBuckets"),
    ("PUT", "/b", "CreateBucket"),
    ("HEAD", "/b", "HeadBucket"),
    ("DELETE", "/b", "DeleteBucket"),
    ("GET", "/b", "ListObjects"),
    ("GET", "/b/", "ListObjects"),
    ("GET", "/b?prefix=a&delimiter=/&max-keys=3&marker=m&encoding-type=url", "ListObjects"),
    ("GET", "/b?list-type=2&start-after=a&fetch-owner=true", "ListObjectsV2"),
    ("GET", "/b?versions&key-marker=a", "ListObjectVersions"),
    ("GET", "/b?uploads", "ListMultipartUploads"),
    ("POST", "/b?delete", "DeleteObjects"),
    ("GET", "/b?location", "GetBucketLocation"),
    ("GET", "/b?versioning", "GetBucketVersioning"),
    ("PUT", "/b?versioning", "PutBucketVersioning"),
    ("GET", "/b?acl", "GetBucketAcl"),
    ("PUT", "/b?acl", "PutBucketAcl"),
    ("GET", "/b?policy", "GetBucketPolicy"),
    ("PUT", "/b?policy", "PutBucketPolicy"),
    ("DELETE", "/b?policy", "DeleteBucketPolicy"),
    ("GET", "/b?policyStatus", "GetBucketPolicyStatus"),
    ("GET", "/b?cors", "GetBucketCors"),
    ("PUT", "/b?cors", "PutBucketCors"),
    ("DELETE", "/b?cors", "DeleteBucketCors"),
    ("GET", "/b?tagging", "GetBucketTagging"),
    ("PUT", "/b?tagging", "PutBucketTagging"),
    ("DELETE", "/b?tagging", "DeleteBucketTagging"),
    ("GET", "/b?lifecycle", "GetBucketLifecycleConfiguration"),
    ("PUT", "/b?lifecycle", "PutBucketLifecycleConfiguration"),
    ("DELETE", "/b?lifecycle", "DeleteBucketLifecycle"),
    ("GET", "/b?object-lock", "GetObjectLockConfiguration"),
    ("PUT", "/b?object-lock", "PutObjectLockConfiguration"),
    ("GET", "/b?encryption", "GetBucketEncryption"),
    ("PUT", "/b?encryption", "PutBucketEncryption"),
    ("DELETE", "/b?encryption", "DeleteBucketEncryption"),
    ("GET", "/b?website", "GetBucketWebsite"),
    ("PUT", "/b?website", "PutBucketWebsite"),
    ("DELETE", "/b?website", "DeleteBucketWebsite"),
    ("GET", "/b?logging", "GetBucketLogging"),
    ("PUT", "/b?logging", "PutBucketLogging"),
    ("GET", "/b?notification", "GetBucketNotificationConfiguration"),
    ("PUT", "/b?notification", "PutBucketNotificationConfiguration"),
    ("GET", "/b?replication", "GetBucketReplication"),
    ("PUT", "/b?replication", "PutBucketReplication"),
    ("DELETE", "/b?replication", "DeleteBucketReplication"),
    ("GET", "/b?requestPayment", "GetBucketRequestPayment"),
    ("PUT", "/b?requestPayment", "PutBucketRequestPayment"),
    ("GET", "/b?accelerate", "GetBucketAccelerateConfiguration"),
    ("PUT", "/b?accelerate", "PutBucketAccelerateConfiguration"),
    ("GET", "/b?ownershipControls", "GetBucketOwnershipControls"),
    ("PUT", "/b?ownershipControls", "PutBucketOwnershipControls"),
    ("DELETE", "/b?ownershipControls", "DeleteBucketOwnershipControls"),
    ("GET", "/b?publicAccessBlock", "GetPublicAccessBlock"),
    ("PUT", "/b?publicAccessBlock", "PutPublicAccessBlock"),
    ("DELETE", "/b?publicAccessBlock", "DeletePublicAccessBlock"),
    ("GET", "/b?abac", "GetBucketAbac"),
    ("PUT", "/b?abac", "PutBucketAbac"),
    ("GET", "/b?analytics&id=1", "GetBucketAnalyticsConfiguration"),
    ("GET", "/b?analytics", "ListBucketAnalyticsConfigurations"),
    ("PUT", "/b?analytics&id=1", "PutBucketAnalyticsConfiguration"),
    ("DELETE", "/b?analytics&id=1", "DeleteBucketAnalyticsConfiguration"),
    ("GET", "/b?intelligent-tiering&id=1", "GetBucketIntelligentTieringConfiguration"),
    ("GET", "/b?intelligent-tiering", "ListBucketIntelligentTieringConfigurations"),
    ("PUT", "/b?intelligent-tiering&id=1", "PutBucketIntelligentTieringConfiguration"),
    ("DELETE", "/b?intelligent-tiering&id=1", "DeleteBucketIntelligentTieringConfiguration"),
    ("GET", "/b?inventory&id=1", "GetBucketInventoryConfiguration"),
    ("GET", "/b?inventory", "ListBucketInventoryConfigurations"),
    ("PUT", "/b?inventory&id=1", "PutBucketInventoryConfiguration"),
    ("DELETE", "/b?inventory&id=1", "DeleteBucketInventoryConfiguration"),
    ("GET", "/b?metrics&id=1", "GetBucketMetricsConfiguration"),
    ("GET", "/b?metrics", "ListBucketMetricsConfigurations"),
    ("PUT", "/b?metrics&id=1", "PutBucketMetricsConfiguration"),
    ("DELETE", "/b?metrics&id=1", "DeleteBucketMetricsConfiguration"),
    ("GET", "/b?metadataConfiguration", "GetBucketMetadataConfiguration"),
    ("POST", "/b?metadataConfiguration", "CreateBucketMetadataConfiguration"),
    ("DELETE", "/b?metadataConfiguration", "DeleteBucketMetadataConfiguration"),
    ("GET", "/b?metadataTable", "GetBucketMetadataTableConfiguration"),
    ("POST", "/b?metadataTable", "CreateBucketMetadataTableConfiguration"),
    ("DELETE", "/b?metadataTable", "DeleteBucketMetadataTableConfiguration"),
    ("PUT", "/b?metadataAnnotationTable", "UpdateBucketMetadataAnnotationTableConfiguration"),
    ("PUT", "/b?metadataInventoryTable", "UpdateBucketMetadataInventoryTableConfiguration"),
    ("PUT", "/b?metadataJournalTable", "UpdateBucketMetadataJournalTableConfiguration"),
    ("GET", "/b?session", "CreateSession"),
    ("HEAD", "/b/k?versionId=null&partNumber=1", "HeadObject"),
    ("GET", "/b/k?response-content-type=text/plain", "GetObject"),
    ("GET", "/b/k?partNumber=1", "GetObject"),
    ("PUT", "/b/k?x-id=PutObject", "PutObject"),
    ("DELETE", "/b/k?versionId=null", "DeleteObject"),
    ("GET", "/b/k?attributes", "GetObjectAttributes"),
    ("GET", "/b/k?acl&versionId=null", "GetObjectAcl"),
    ("PUT", "/b/k?acl", "PutObjectAcl"),
    ("GET", "/b/k?tagging", "GetObjectTagging"),
    ("PUT", "/b/k?tagging", "PutObjectTagging"),
    ("DELETE", "/b/k?tagging", "DeleteObjectTagging"),
    ("GET", "/b/k?retention", "GetObjectRetention"),
    ("PUT", "/b/k?retention", "PutObjectRetention"),
    ("GET", "/b/k?legal-hold", "GetObjectLegalHold"),
    ("PUT", "/b/k?legal-hold", "PutObjectLegalHold"),
    ("GET", "/b/k?torrent", "GetObjectTorrent"),
    ("POST", "/b/k?restore", "RestoreObject"),
    ("POST", "/b/k?select&select-type=2", "SelectObjectContent"),
    ("PUT", "/b/k?renameObject", "RenameObject"),
    ("PUT", "/b/k?encryption", "UpdateObjectEncryption"),
    ("GET", "/b/k?annotation&annotationName=a", "GetObjectAnnotation"),
    ("GET", "/b/k?annotation", "ListObjectAnnotations"),
    ("PUT", "/b/k?annotation&annotationName=a", "PutObjectAnnotation"),
    ("DELETE", "/b/k?annotation&annotationName=a", "DeleteObjectAnnotation"),
    ("POST", "/b/k?uploads", "CreateMultipartUpload"),
    ("POST", "/b/k?uploads=", "CreateMultipartUpload"),
    ("PUT", "/b/k?partNumber=1&uploadId=u", "UploadPart"),
    ("POST", "/b/k?uploadId=u", "CompleteMultipartUpload"),
    ("DELETE", "/b/k?uploadId=u", "AbortMultipartUpload"),
    ("GET", "/b/k?uploadId=u&max-parts=3", "ListParts"),
    ("OPTIONS", "/b/k", "PreflightRequest"),
    ("OPTIONS", "/b?unknown", "PreflightRequest"),
];

#[test]
fn every_operation_is_found() {
    for (method, target, operation) in REQUESTS {
        assert_eq!(operation_of(method, target), Ok(*operation), "{method} {target}");
    }
    let source = [("x-amz-copy-source", "/b/other")];
    let form = [("content-type", "Multipart/form-data; boundary=x")];
    type Headers<'a> = &'a [(&'a str, &'a str)];
    let by_header: [(&str, &str, Headers<'_>, &str); 4] = [
        ("PUT", "/b/k", &source, "CopyObject"),
        ("PUT", "/b/k?partNumber=1&uploadId=u", &source, "UploadPartCopy"),
        ("POST", "/b", &form, "PostObject"),
        ("POST", "/WriteGetObjectResponse", &[("x-amz-request-route", "r")], "WriteGetObjectResponse"),
    ];
    for (method, target, headers, operation) in by_header {
        let found = find(method, target, headers, None).expect(target);
        assert_eq!(found.operation.name(), operation, "{method} {target}");
    }
    let named = REQUESTS.iter().map(|(.., operation)| *operation);
    let named: Vec<_> = named.chain(by_header.iter().map(|(.., operation)| *operation)).collect();
    for operation in Operation::ALL {
        assert!(named.contains(&operation.name()), "{operation:?} has no request in this test");
    }
}

#[test]
fn what_is_not_in_the_table_never_reaches_the_base_operation() {
    let not_allowed = Err((ErrorCode::MethodNotAllowed, 405));
    let unknown = Err((ErrorCode::NotImplemented, 501));
    let request = Err((ErrorCode::InvalidRequest, 400));
    let argument = Err((ErrorCode::InvalidArgument, 400));
    for (method, target, expected) in [
        ("DELETE", "/b?notification", not_allowed),
        ("DELETE", "/b?acl", not_allowed),
        ("HEAD", "/b?acl", not_allowed),
        ("PUT", "/b?delete", not_allowed),
        ("DELETE", "/b?versions", not_allowed),
        ("PUT", "/b/k?attributes", not_allowed),
        ("POST", "/b/k", not_allowed),
        ("PATCH", "/b/k", not_allowed),
        ("POST", "/", not_allowed),
        ("GET", "/?acl", not_allowed),
        ("GET", "/b?unknown", unknown),
        ("DELETE", "/b?unknown", unknown),
        ("PUT", "/b/k?append", unknown),
        ("GET", "/b?ACL", unknown),
        ("GET", "/b/k?versions", request),
        ("DELETE", "/b/k?policy", request),
        ("POST", "/b?uploadId=u", request),
        ("GET", "/b?legal-hold", request),
        ("GET", "/b?acl&policy", argument),
        ("GET", "/b/k?acl&uploadId=u", argument),
        ("PUT", "/b/k?uploadId=u", argument),
        ("PUT", "/b/k?partNumber=1", argument),
        ("PUT", "/b?inventory", argument),
        ("POST", "/b", Err((ErrorCode::PreconditionFailed, 412))),
    ] {
        assert_eq!(operation_of(method, target), expected, "{method} {target}");
    }
    let error = find("DELETE", "/b?notification", &[], None).expect_err("refused");
    assert_eq!(error.headers()[0].1, "GET, PUT");
    assert_eq!(operation_of("GET", "/b?format=json&custom=1"), Ok("ListObjects"));
}

#[test]
fn paths_are_decoded_once_and_never_normalised() {
    let long = "k".repeat(1024);
    let longest = format!("/b/{long}");
    for (target, bucket, key) in [
        ("/test_bucket", "test_bucket", None),
        ("/b//", "b", Some("/")),
        ("/b/a//b", "b", Some("a//b")),
        ("/b/./../..", "b", Some("./../..")),
        ("/b/%2e%2E/%2F", "b", Some("..//")),
        ("/b/dir/", "b", Some("dir/")),
        ("/b/%E2%82%AC%2B+", "b", Some("€++")),
        ("/b/%252F", "b", Some("%2F")),
        ("/b/%00%0a", "b", Some("\u{0}\n")),
        ("/nlds.5d3c%2D1/k", "nlds.5d3c-1", Some("k")),
        (&longest, "b", Some(long.as_str())),
    ] {
        let route = find("GET", target, &[], None).expect(target);
        let found = (route.bucket().map(BucketName::as_str), route.key().map(ObjectKey::as_str));
        assert_eq!(found, (Some(bucket), key), "{target}");
    }
    for (target, bucket, key) in [("/", "h", None), ("/b/k", "h", Some("b/k")), ("//", "h", Some("/"))] {
        let route = find("GET", target, &[], Some("h")).expect(target);
        let found = (route.bucket().map(BucketName::as_str), route.key().map(ObjectKey::as_str));
        assert_eq!(found, (Some(bucket), key), "{target} at a bucket's host");
    }
}

#[test]
fn paths_that_name_nothing_are_refused() {
    let long = format!("/b/{}", "k".repeat(1025));
    let long_bucket = format!("/{}", "b".repeat(256));
    for (target, code) in [
        ("/b/%ff", ErrorCode::InvalidURI),
        ("/%C3/k", ErrorCode::InvalidURI),
        ("/b?prefix=%ff", ErrorCode::InvalidURI),
        (&long, ErrorCode::KeyTooLongError),
        (&long_bucket, ErrorCode::InvalidBucketName),
        ("//k", ErrorCode::InvalidBucketName),
        ("/a%2Fb/k", ErrorCode::InvalidBucketName),
        ("/a%0Ab", ErrorCode::InvalidBucketName),
    ] {
        assert_eq!(operation_of("GET", target).map_err(|(code, _)| code), Err(code), "{target}");
    }
}
