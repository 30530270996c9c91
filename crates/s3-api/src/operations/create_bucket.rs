//! CreateBucket. Needs `s3:CreateBucket`, which every member of the tenancy has. Making a bucket again is a conflict,
//! whoever owns it.

use access::action;
use http::HeaderName;
use http::header::LOCATION;
use objects::NewBucket;
use s3_protocol::xml::MAX_DOCUMENT_BYTES;
use s3_protocol::xml::create_bucket_configuration::CreateBucketConfiguration;
use s3_protocol::{ErrorCode, S3Error, headers};

use crate::authorize::denied;
use crate::call::{Call, Outcome, Reply};

const OBJECT_LOCK: &str = "x-amz-bucket-object-lock-enabled";
const OWNERSHIP: HeaderName = HeaderName::from_static("x-amz-object-ownership");
/// The values of [`OWNERSHIP`]. All are accepted: objects belong to their writer, and the bucket's owner may do
/// anything with them.
const OWNERSHIPS: [&str; 3] = ["BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter"];

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let name = call.bucket_name()?;
    let grant = call.on_new_bucket::<action::CreateBucket>(name)?;
    name.check_for_creation().map_err(|error| {
        S3Error::new(ErrorCode::InvalidBucketName)
            .with_message(error.to_string())
            .with_field("BucketName", name.as_str())
    })?;
    check_headers(&call)?;
    let principal = call.principal.clone();
    let owner = principal.user().ok_or_else(denied)?;
    let acl = call.acl_of_headers(call.headers(), owner, owner).await?;
    let body = call.document(MAX_DOCUMENT_BYTES).await?;
    let configuration = CreateBucketConfiguration::parse(&body)?;
    if !configuration.tags.is_empty() {
        return Err(S3Error::not_implemented("Tags"));
    }
    let new = NewBucket { acl, location: configuration.location_constraint };
    call.service.objects.create_bucket(&grant, new).await.map_err(|error| call.error(error))?;
    Ok(Reply::ok().with(LOCATION, format!("/{name}")))
}

fn check_headers(call: &Call<'_>) -> Result<(), S3Error> {
    if headers::flag(call.headers(), OBJECT_LOCK) {
        return Err(S3Error::not_implemented(OBJECT_LOCK));
    }
    match call.header(&OWNERSHIP) {
        Some(other) if !OWNERSHIPS.contains(&other) => {
            Err(S3Error::invalid_argument(OWNERSHIP.as_str(), other, "Invalid x-amz-object-ownership header"))
        }
        _ => Ok(()),
    }
}
