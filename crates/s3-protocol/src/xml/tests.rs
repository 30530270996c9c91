use bytes::Bytes;
use types::{ETag, Timestamp, VersionId};

use super::access_control_policy::AccessControlPolicy;
use super::complete_multipart_upload::{self, CompleteMultipartUploadResult};
use super::copy_result::{CopyKind, CopyResult};
use super::create_bucket_configuration::CreateBucketConfiguration;
use super::delete::{DeleteError, DeleteRequest, DeleteResult, DeletedObject};
use super::entries::{ContentEntry, Entries};
use super::list_buckets::{BucketEntry, ListBucketsResult};
use super::list_multipart_uploads::{ListMultipartUploadsResult, UploadEntry};
use super::list_object_versions::{ListVersionsResult, VersionEntry};
use super::list_objects::{ListObjectsResult, ObjectEntry, Paging};
use super::list_parts::{ListPartsResult, PartEntry};
use super::object_attributes::{AttributesPart, ObjectAttributesResult, ObjectParts, PartsPage};
use super::*;
use crate::acl::{Grant, Grantee, Permission};
use crate::{ErrorCode, S3Error};

const MOMENT: Timestamp = Timestamp::from_secs(1_255_369_830);
const TAG: ETag = ETag { md5: [0xab; 16], parts: 0 };

fn owner() -> Owner {
    Owner { id: "ann".into(), display_name: "ann".into() }
}

/// The names of a document's elements, in order, without their ends: `a(b c)`.
fn outline(document: &str, root: &str) -> String {
    fn write(element: &Element, out: &mut String) {
        out.push_str(&element.name);
        if !element.children.is_empty() {
            out.push('(');
            for (index, child) in element.children.iter().enumerate() {
                out.push_str(if index > 0 { " " } else { "" });
                write(child, out);
            }
            out.push(')');
        }
    }
    let mut out = String::new();
    write(&Element::parse(document.as_bytes(), root).expect(document), &mut out);
    out
}

fn borrowed(owner: &Owner) -> OwnerRef<'_> {
    OwnerRef { id: &owner.id, display_name: &owner.display_name }
}

const CONTENT: ContentEntry<'static> = ContentEntry { etag: TAG, size: 3, storage_class: "STANDARD", checksum: None };

fn listing(paging: Paging, encoding: EncodingType) -> String {
    let result = ListObjectsResult {
        bucket: "b".into(),
        prefix: "a b".into(),
        delimiter: Some("/".into()),
        max_keys: 10,
        is_truncated: false,
        paging,
    };
    let mut entries = Entries::new(encoding);
    entries.add_object(&ObjectEntry {
        key: "a b\u{1}",
        last_modified: MOMENT,
        content: ContentEntry { checksum: Some((ChecksumAlgorithm::Crc32, ChecksumType::FullObject)), ..CONTENT },
        owner: Some(borrowed(&owner())),
    });
    entries.add_common_prefix("a b/");
    text(result.to_xml(entries))
}

fn text(document: Bytes) -> String {
    String::from_utf8(document.into()).expect("UTF-8")
}

/// The order of elements in the samples of the S3 API reference.
#[test]
fn listings_have_the_elements_of_the_reference() {
    let v1 = listing(Paging::V1 { marker: "m".into(), next_marker: None }, EncodingType::None);
    assert_eq!(
        outline(&v1, "ListBucketResult"),
        "ListBucketResult(Name Prefix Marker MaxKeys Delimiter IsTruncated Contents(Key LastModified ETag \
         ChecksumAlgorithm ChecksumType Size Owner(ID DisplayName) StorageClass) CommonPrefixes(Prefix))"
    );
    let paging = Paging::V2 {
        continuation_token: Some("t".into()),
        next_continuation_token: None,
        start_after: Some("é".into()),
    };
    let v2 = listing(paging, EncodingType::Url);
    let root = Element::parse(v2.as_bytes(), "ListBucketResult").expect("a document");
    for (name, text) in [
        ("Prefix", "a%20b"),
        ("Delimiter", "/"),
        ("StartAfter", "%C3%A9"),
        ("ContinuationToken", "t"),
        ("KeyCount", "2"),
        ("EncodingType", "url"),
        ("IsTruncated", "false"),
    ] {
        assert_eq!(root.text_of(name), Some(text), "{name}");
    }
    let object = root.child("Contents").expect("an object");
    assert_eq!(object.text_of("Key"), Some("a%20b%01"));
    assert_eq!(object.text_of("ETag"), Some(TAG.quoted().as_str()));
    assert_eq!(object.text_of("LastModified"), Some("2009-10-12T17:50:30.000Z"));
    let plain = Element::parse(v1.as_bytes(), "ListBucketResult").expect("a document");
    assert_eq!(plain.child("Contents").and_then(|object| object.text_of("Key")), Some("a b\u{1}"));
}

#[test]
fn version_listings_tell_versions_from_markers() {
    let owner = owner();
    let entry = |version, content| VersionEntry {
        key: "k",
        version,
        is_latest: true,
        last_modified: MOMENT,
        owner: borrowed(&owner),
        content,
    };
    let result = ListVersionsResult {
        bucket: "b".into(),
        prefix: String::new(),
        delimiter: None,
        key_marker: String::new(),
        version_id_marker: String::new(),
        next_key_marker: Some("k".into()),
        next_version_id_marker: Some("null".into()),
        max_keys: 1,
        is_truncated: true,
    };
    let mut entries = Entries::new(EncodingType::None);
    let id = VersionId::Id([0x5a; 16]);
    entries.add_version(&entry(id, Some(ContentEntry { etag: ETag { parts: 12, ..TAG }, size: 0, ..CONTENT })));
    entries.add_version(&entry(VersionId::Null, None));
    let document = text(result.to_xml(entries));
    let root = Element::parse(document.as_bytes(), "ListVersionsResult").expect("a document");
    let version = root.child("Version").expect("a version");
    for (name, text) in [
        ("VersionId", id.to_string()),
        ("IsLatest", "true".into()),
        ("LastModified", MOMENT.to_iso8601()),
        ("ETag", ETag { parts: 12, ..TAG }.quoted()),
        ("Size", "0".into()),
    ] {
        assert_eq!(version.text_of(name), Some(text.as_str()), "{name}");
    }
    assert_eq!(
        outline(&document, "ListVersionsResult"),
        "ListVersionsResult(Name Prefix KeyMarker VersionIdMarker NextKeyMarker NextVersionIdMarker MaxKeys \
         IsTruncated Version(Key VersionId IsLatest LastModified ETag Size Owner(ID DisplayName) StorageClass) \
         DeleteMarker(Key VersionId IsLatest LastModified Owner(ID DisplayName)))"
    );
}

#[test]
fn multipart_documents_have_the_elements_of_the_reference() {
    let checksum = Checksum::of(ChecksumAlgorithm::Sha1, b"");
    let parts = ListPartsResult {
        bucket: "b".into(),
        key: "k".into(),
        upload_id: "u".into(),
        initiator: owner(),
        owner: owner(),
        storage_class: "STANDARD".into(),
        part_number_marker: 0,
        next_part_number_marker: Some(1),
        max_parts: 1,
        is_truncated: true,
        checksum: Some((ChecksumAlgorithm::Sha1, ChecksumType::Composite)),
        parts: vec![PartEntry {
            number: 1,
            last_modified: MOMENT,
            etag: TAG,
            size: 5,
            checksum: Some(ChecksumValue::of(checksum, None)),
        }],
    };
    assert_eq!(
        outline(&parts.to_xml(), "ListPartsResult"),
        "ListPartsResult(Bucket Key UploadId Initiator(ID DisplayName) Owner(ID DisplayName) StorageClass \
         PartNumberMarker NextPartNumberMarker MaxParts IsTruncated ChecksumAlgorithm ChecksumType \
         Part(PartNumber LastModified ETag Size ChecksumSHA1))"
    );
    let uploads = ListMultipartUploadsResult {
        bucket: "b".into(),
        key_marker: String::new(),
        upload_id_marker: String::new(),
        next_key_marker: None,
        next_upload_id_marker: None,
        prefix: String::new(),
        delimiter: None,
        max_uploads: 1000,
        encoding: EncodingType::Url,
        is_truncated: false,
        uploads: vec![UploadEntry {
            key: "k".into(),
            upload_id: "u".into(),
            initiator: owner(),
            owner: owner(),
            storage_class: "STANDARD".into(),
            initiated: MOMENT,
            checksum: None,
        }],
        common_prefixes: vec!["p/".into()],
    };
    assert_eq!(
        outline(&uploads.to_xml(), "ListMultipartUploadsResult"),
        "ListMultipartUploadsResult(Bucket KeyMarker UploadIdMarker Prefix EncodingType MaxUploads IsTruncated \
         Upload(Key UploadId Initiator(ID DisplayName) Owner(ID DisplayName) StorageClass Initiated) \
         CommonPrefixes(Prefix))"
    );
    let complete = CompleteMultipartUploadResult {
        location: "http://h/b/k".into(),
        bucket: "b".into(),
        key: "k".into(),
        etag: TAG,
        checksum: Some(ChecksumValue::of(checksum, Some(ChecksumType::Composite))),
    };
    assert_eq!(
        outline(&complete.to_xml(), "CompleteMultipartUploadResult"),
        "CompleteMultipartUploadResult(Location Bucket Key ETag ChecksumSHA1 ChecksumType)"
    );
    let copy = CopyResult { kind: CopyKind::Part, last_modified: MOMENT, etag: TAG, checksum: None };
    assert_eq!(outline(&copy.to_xml(), "CopyPartResult"), "CopyPartResult(LastModified ETag)");
}

#[test]
fn completions_are_read() {
    let part = |number: &str, etag: &str| format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>");
    let document =
        |parts: &str| format!("<CompleteMultipartUpload xmlns=\"{NAMESPACE}\">{parts}</CompleteMultipartUpload>");
    let quoted = format!("&quot;{TAG}&quot;");
    let parsed = complete_multipart_upload::parse(document(&(part("1", &quoted) + &part("7", "bad"))).as_bytes());
    let parsed: Vec<_> = parsed.expect("parts").iter().map(|part| (part.number, part.etag)).collect();
    assert_eq!(parsed, [(1, Some(TAG)), (7, None)]);
    let checksum = Checksum::of(ChecksumAlgorithm::Crc64Nvme, b"x");
    let with_checksum = format!(
        "<Part><ChecksumCRC64NVME>{}</ChecksumCRC64NVME><ETag>{TAG}</ETag><PartNumber>1</PartNumber></Part>",
        checksum.to_base64()
    );
    let parsed = complete_multipart_upload::parse(document(&with_checksum).as_bytes()).expect("parts");
    assert_eq!(parsed[0].checksum, Some(checksum));
    let many: String = (1..=10_000).map(|number| part(&number.to_string(), &quoted)).collect();
    assert_eq!(complete_multipart_upload::parse(document(&many).as_bytes()).map(|parts| parts.len()), Ok(10_000));
    for (parts, code) in [
        (String::new(), ErrorCode::MalformedXML),
        (part("1", &quoted) + &part("1", &quoted), ErrorCode::InvalidPartOrder),
        (part("2", &quoted) + &part("1", &quoted), ErrorCode::InvalidPartOrder),
        (part("0", &quoted), ErrorCode::InvalidArgument),
        (part("10001", &quoted), ErrorCode::InvalidArgument),
        (part("x", &quoted), ErrorCode::MalformedXML),
        ("<Part><PartNumber>1</PartNumber></Part>".to_owned(), ErrorCode::MalformedXML),
    ] {
        let error = complete_multipart_upload::parse(document(&parts).as_bytes()).expect_err(&parts);
        assert_eq!(error.code(), code, "{parts}");
    }
}

#[test]
fn deletions_are_read_and_answered() {
    let document = "<Delete><Quiet>true</Quiet><Object><Key> a&#13;\u{e9} </Key></Object>\
                    <Object><Key>b</Key><VersionId>null</VersionId><ETag>x</ETag></Object></Delete>";
    let request = DeleteRequest::parse(document.as_bytes()).expect("a request");
    assert!(request.quiet);
    assert_eq!(request.objects[0].key, " a\r\u{e9} ");
    assert_eq!(request.objects[1].version_id.as_deref(), Some("null"));
    let object = "<Object><Key>k</Key></Object>";
    for (objects, fits) in
        [("", false), ("<Object/>", false), (&object.repeat(1000), true), (&object.repeat(1001), false)]
    {
        let parsed = DeleteRequest::parse(format!("<Delete>{objects}</Delete>").as_bytes());
        assert_eq!(parsed.is_ok(), fits, "{} bytes", objects.len());
    }
    let longest = format!("<Object><Key>{}</Key></Object>", "&#xA;".repeat(1024)).repeat(1000);
    assert!(longest.len() < delete::MAX_REQUEST_BYTES);
    let result = DeleteResult {
        deleted: vec![DeletedObject {
            key: "a".into(),
            delete_marker: true,
            delete_marker_version_id: Some("v".into()),
            ..DeletedObject::default()
        }],
        errors: vec![DeleteError { key: "b".into(), version_id: None, error: S3Error::new(ErrorCode::AccessDenied) }],
    };
    assert_eq!(
        outline(&result.to_xml(), "DeleteResult"),
        "DeleteResult(Deleted(Key DeleteMarker DeleteMarkerVersionId) Error(Key Code Message))"
    );
}

#[test]
fn access_control_lists_survive_the_round_trip() {
    let grant = |grantee, permission| Grant { grantee, permission };
    let policy = AccessControlPolicy {
        owner: Some(owner()),
        grants: vec![
            grant(Grantee::User { id: "ann".into(), display_name: Some("Ann".into()) }, Permission::FullControl),
            grant(Grantee::Group("http://acs.amazonaws.com/groups/global/AllUsers".into()), Permission::Read),
            grant(Grantee::Email("a@b".into()), Permission::WriteAcp),
        ],
    };
    let document = policy.to_xml();
    assert!(document.contains("<Grantee xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:type=\"Group\">"));
    assert_eq!(AccessControlPolicy::parse(document.as_bytes()), Ok(policy));
    for damaged in [
        document.replace("FULL_CONTROL", "EVERYTHING"),
        document.replace("<ID>ann</ID>", ""),
        document.replace("AccessControlList>", "Other>"),
        "<AccessControlPolicy>".to_owned(),
    ] {
        let parsed = AccessControlPolicy::parse(damaged.as_bytes());
        // Without its id the owner is still one; the grant is not.
        assert_eq!(parsed.expect_err(&damaged).code(), ErrorCode::MalformedACLError);
    }
}

#[test]
fn small_documents() {
    let parse = |body: &str| CreateBucketConfiguration::parse(body.as_bytes());
    assert_eq!(parse(" "), Ok(CreateBucketConfiguration::default()));
    let body = "<CreateBucketConfiguration><LocationConstraint>eu</LocationConstraint></CreateBucketConfiguration>";
    assert_eq!(parse(body).map(|body| body.location_constraint), Ok(Some("eu".into())));
    assert!(parse("<Other/>").is_err());
    let location = |region| bucket_settings::location_constraint(region);
    let element = Element::parse(location(Some("eu")).as_bytes(), "LocationConstraint").expect("a document");
    assert_eq!(element.text, "eu");
    assert!(location(None).ends_with("></LocationConstraint>"));
    for (document, root) in [
        (bucket_settings::no_logging(), "BucketLoggingStatus"),
        (bucket_settings::no_notification(), "NotificationConfiguration"),
        (bucket_settings::no_acceleration(), "AccelerateConfiguration"),
        (bucket_settings::owner_pays(), "RequestPaymentConfiguration"),
        (bucket_settings::policy_status(false), "PolicyStatus"),
        (bucket_settings::no_configurations("ListMetricsConfigurationsResult"), "ListMetricsConfigurationsResult"),
    ] {
        assert!(Element::parse(document.as_bytes(), root).is_ok(), "{document}");
    }
    let buckets = ListBucketsResult {
        owner: owner(),
        buckets: vec![BucketEntry { name: "b".into(), created: MOMENT, region: None }],
        prefix: None,
        continuation_token: None,
    };
    assert_eq!(
        outline(&buckets.to_xml(), "ListAllMyBucketsResult"),
        "ListAllMyBucketsResult(Owner(ID DisplayName) Buckets(Bucket(Name CreationDate)))"
    );
}

#[test]
fn object_attributes_are_what_was_asked_for() {
    let part = AttributesPart { number: 1, size: 5, checksum: None };
    let page = PartsPage { max_parts: 1, next_part_number_marker: 1, parts: vec![part], ..PartsPage::default() };
    let all = ObjectAttributesResult {
        etag: Some(TAG),
        checksum: Some(ChecksumValue::of(Checksum::of(ChecksumAlgorithm::Crc32, b""), Some(ChecksumType::FullObject))),
        parts: Some(ObjectParts { total: 1, page: Some(page) }),
        storage_class: Some("STANDARD".into()),
        size: Some(5),
    };
    assert_eq!(
        outline(&all.to_xml(), "GetObjectAttributesResponse"),
        "GetObjectAttributesResponse(ETag Checksum(ChecksumCRC32 ChecksumType) ObjectParts(PartsCount \
         PartNumberMarker NextPartNumberMarker MaxParts IsTruncated Part(PartNumber Size)) StorageClass ObjectSize)"
    );
    let none = ObjectAttributesResult::default().to_xml();
    assert_eq!(outline(&none, "GetObjectAttributesResponse"), "GetObjectAttributesResponse");
}
