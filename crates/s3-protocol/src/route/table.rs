//! The table of operations.
//!
//! Source: S3 API reference, "Actions". Deprecated twins of an operation with the same request (`GetBucketLifecycle`,
//! `PutBucketNotification` …) stand under the name of the current one.

use http::Method;

use super::ResourceKind;

/// What besides method, kind of resource and sub-resource tells an operation from another.
#[derive(Clone, Copy, Debug)]
pub(super) enum When {
    /// Nothing.
    Always,
    /// A query parameter is there.
    Parameter(&'static str),
    /// A query parameter is not there.
    NoParameter(&'static str),
    /// A query parameter has this value.
    Value(&'static str, &'static str),
    /// A header is there.
    Header(&'static str),
    /// A copy source is there, and no `partNumber`.
    CopyWhole,
    /// A copy source and `partNumber` are there.
    PartCopy,
    /// The body is a form.
    Form,
}

/// One line of the table.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) operation: Operation,
    pub(super) method: Method,
    pub(super) kind: ResourceKind,
    pub(super) sub_resource: Option<&'static str>,
    pub(super) when: When,
}

macro_rules! operations {
    (@sub) => { None };
    (@sub $sub:literal) => { Some($sub) };
    (@when) => { When::Always };
    (@when $variant:ident) => { When::$variant };
    (@when $variant:ident $($argument:literal)+) => { When::$variant($($argument),+) };
    ($(
        $operation:ident $method:ident $kind:ident $($sub:literal)?
        $(if $variant:ident $(($($argument:literal),+))?)?;
    )*) => {
        /// An operation of the S3 API, by its name there.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Operation {
            $(
                #[doc = concat!(stringify!($method), " on a ", stringify!($kind), $(", `?", $sub, "`",)? ".")]
                $operation,
            )*
            /// OPTIONS on anything: a browser asks whether it may send a request (CORS).
            PreflightRequest,
        }

        impl Operation {
            /// Every operation.
            pub const ALL: &[Self] = &[$(Self::$operation,)* Self::PreflightRequest];

            /// The name in the API reference.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$operation => stringify!($operation),)*
                    Self::PreflightRequest => "PreflightRequest",
                }
            }
        }

        /// The operations in the order in which they are tried: the more particular first.
        pub(super) static TABLE: &[Entry] = &[$(
            Entry {
                operation: Operation::$operation,
                method: Method::$method,
                kind: ResourceKind::$kind,
                sub_resource: operations!(@sub $($sub)?),
                when: operations!(@when $($variant $($($argument)+)?)?),
            },
        )*];
    };
}

operations! {
    ListDirectoryBuckets GET Service if Parameter("max-directory-buckets");
    ListBuckets GET Service;

    WriteGetObjectResponse POST Bucket if Header("x-amz-request-route");
    PostObject POST Bucket if Form;
    CreateBucket PUT Bucket;
    HeadBucket HEAD Bucket;
    DeleteBucket DELETE Bucket;
    ListObjectsV2 GET Bucket if Value("list-type", "2");
    ListObjects GET Bucket;
    ListObjectVersions GET Bucket "versions";
    ListMultipartUploads GET Bucket "uploads";
    DeleteObjects POST Bucket "delete";
    GetBucketLocation GET Bucket "location";
    GetBucketVersioning GET Bucket "versioning";
    PutBucketVersioning PUT Bucket "versioning";
    GetBucketAcl GET Bucket "acl";
    PutBucketAcl PUT Bucket "acl";
    GetBucketPolicy GET Bucket "policy";
    PutBucketPolicy PUT Bucket "policy";
    DeleteBucketPolicy DELETE Bucket "policy";
    GetBucketPolicyStatus GET Bucket "policyStatus";
    GetBucketCors GET Bucket "cors";
    PutBucketCors PUT Bucket "cors";
    DeleteBucketCors DELETE Bucket "cors";
    GetBucketTagging GET Bucket "tagging";
    PutBucketTagging PUT Bucket "tagging";
    DeleteBucketTagging DELETE Bucket "tagging";
    GetBucketLifecycleConfiguration GET Bucket "lifecycle";
    PutBucketLifecycleConfiguration PUT Bucket "lifecycle";
    DeleteBucketLifecycle DELETE Bucket "lifecycle";
    GetObjectLockConfiguration GET Bucket "object-lock";
    PutObjectLockConfiguration PUT Bucket "object-lock";
    GetBucketEncryption GET Bucket "encryption";
    PutBucketEncryption PUT Bucket "encryption";
    DeleteBucketEncryption DELETE Bucket "encryption";
    GetBucketWebsite GET Bucket "website";
    PutBucketWebsite PUT Bucket "website";
    DeleteBucketWebsite DELETE Bucket "website";
    GetBucketLogging GET Bucket "logging";
    PutBucketLogging PUT Bucket "logging";
    GetBucketNotificationConfiguration GET Bucket "notification";
    PutBucketNotificationConfiguration PUT Bucket "notification";
    GetBucketReplication GET Bucket "replication";
    PutBucketReplication PUT Bucket "replication";
    DeleteBucketReplication DELETE Bucket "replication";
    GetBucketRequestPayment GET Bucket "requestPayment";
    PutBucketRequestPayment PUT Bucket "requestPayment";
    GetBucketAccelerateConfiguration GET Bucket "accelerate";
    PutBucketAccelerateConfiguration PUT Bucket "accelerate";
    GetBucketOwnershipControls GET Bucket "ownershipControls";
    PutBucketOwnershipControls PUT Bucket "ownershipControls";
    DeleteBucketOwnershipControls DELETE Bucket "ownershipControls";
    GetPublicAccessBlock GET Bucket "publicAccessBlock";
    PutPublicAccessBlock PUT Bucket "publicAccessBlock";
    DeletePublicAccessBlock DELETE Bucket "publicAccessBlock";
    GetBucketAbac GET Bucket "abac";
    PutBucketAbac PUT Bucket "abac";
    GetBucketAnalyticsConfiguration GET Bucket "analytics" if Parameter("id");
    ListBucketAnalyticsConfigurations GET Bucket "analytics";
    PutBucketAnalyticsConfiguration PUT Bucket "analytics" if Parameter("id");
    DeleteBucketAnalyticsConfiguration DELETE Bucket "analytics" if Parameter("id");
    GetBucketIntelligentTieringConfiguration GET Bucket "intelligent-tiering" if Parameter("id");
    ListBucketIntelligentTieringConfigurations GET Bucket "intelligent-tiering";
    PutBucketIntelligentTieringConfiguration PUT Bucket "intelligent-tiering" if Parameter("id");
    DeleteBucketIntelligentTieringConfiguration DELETE Bucket "intelligent-tiering" if Parameter("id");
    GetBucketInventoryConfiguration GET Bucket "inventory" if Parameter("id");
    ListBucketInventoryConfigurations GET Bucket "inventory";
    PutBucketInventoryConfiguration PUT Bucket "inventory" if Parameter("id");
    DeleteBucketInventoryConfiguration DELETE Bucket "inventory" if Parameter("id");
    GetBucketMetricsConfiguration GET Bucket "metrics" if Parameter("id");
    ListBucketMetricsConfigurations GET Bucket "metrics";
    PutBucketMetricsConfiguration PUT Bucket "metrics" if Parameter("id");
    DeleteBucketMetricsConfiguration DELETE Bucket "metrics" if Parameter("id");
    GetBucketMetadataConfiguration GET Bucket "metadataConfiguration";
    CreateBucketMetadataConfiguration POST Bucket "metadataConfiguration";
    DeleteBucketMetadataConfiguration DELETE Bucket "metadataConfiguration";
    GetBucketMetadataTableConfiguration GET Bucket "metadataTable";
    CreateBucketMetadataTableConfiguration POST Bucket "metadataTable";
    DeleteBucketMetadataTableConfiguration DELETE Bucket "metadataTable";
    UpdateBucketMetadataAnnotationTableConfiguration PUT Bucket "metadataAnnotationTable";
    UpdateBucketMetadataInventoryTableConfiguration PUT Bucket "metadataInventoryTable";
    UpdateBucketMetadataJournalTableConfiguration PUT Bucket "metadataJournalTable";
    CreateSession GET Bucket "session";

    HeadObject HEAD Object;
    GetObject GET Object;
    CopyObject PUT Object if CopyWhole;
    PutObject PUT Object if NoParameter("partNumber");
    DeleteObject DELETE Object;
    GetObjectAttributes GET Object "attributes";
    GetObjectAcl GET Object "acl";
    PutObjectAcl PUT Object "acl";
    GetObjectTagging GET Object "tagging";
    PutObjectTagging PUT Object "tagging";
    DeleteObjectTagging DELETE Object "tagging";
    GetObjectRetention GET Object "retention";
    PutObjectRetention PUT Object "retention";
    GetObjectLegalHold GET Object "legal-hold";
    PutObjectLegalHold PUT Object "legal-hold";
    GetObjectTorrent GET Object "torrent";
    RestoreObject POST Object "restore";
    SelectObjectContent POST Object "select";
    RenameObject PUT Object "renameObject";
    UpdateObjectEncryption PUT Object "encryption";
    GetObjectAnnotation GET Object "annotation" if Parameter("annotationName");
    ListObjectAnnotations GET Object "annotation";
    PutObjectAnnotation PUT Object "annotation";
    DeleteObjectAnnotation DELETE Object "annotation";
    CreateMultipartUpload POST Object "uploads";
    UploadPartCopy PUT Object "uploadId" if PartCopy;
    UploadPart PUT Object "uploadId" if Parameter("partNumber");
    CompleteMultipartUpload POST Object "uploadId";
    AbortMultipartUpload DELETE Object "uploadId";
    ListParts GET Object "uploadId";
}

/// The sub-resource with this name; names are case-sensitive.
pub(super) fn sub_resource(name: &str) -> Option<&'static str> {
    TABLE.iter().filter_map(|entry| entry.sub_resource).find(|sub_resource| *sub_resource == name)
}

/// Whether a parameter of this name selects an operation.
pub(crate) fn is_sub_resource(name: &str) -> bool {
    sub_resource(name).is_some()
}

/// Parameters that say more about an operation and never select one, with or without a value.
const ORDINARY: &[&str] = &[
    "annotationName",
    "AWSAccessKeyId",
    "Expires",
    "Signature",
    "allow-unordered",
    "bucket-region",
    "continuation-token",
    "delimiter",
    "encoding-type",
    "fetch-owner",
    "id",
    "key-marker",
    "list-type",
    "marker",
    "max-buckets",
    "max-directory-buckets",
    "max-keys",
    "max-parts",
    "max-uploads",
    "part-number-marker",
    "partNumber",
    "prefix",
    "select-type",
    "start-after",
    "upload-id-marker",
    "version-id-marker",
    "versionId",
    "x-id",
];

/// Whether a parameter of this name belongs to an operation without selecting it.
pub(super) fn is_ordinary(name: &str) -> bool {
    ORDINARY.contains(&name)
        || name.starts_with("response-")
        || name.get(..6).is_some_and(|start| start.eq_ignore_ascii_case("x-amz-"))
}
