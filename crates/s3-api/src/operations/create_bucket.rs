//! CreateBucket. Needs `s3:CreateBucket`, which every member of the tenancy has. Making a bucket again is a conflict,
//! whoever owns it.

use access::action;
use http::HeaderName;
use http::header::LOCATION;
use objects::NewBucket;
use policy::ObjectOwnership;
use s3_protocol::xml::MAX_DOCUMENT_BYTES;
use s3_protocol::xml::create_bucket_configuration::CreateBucketConfiguration;
use s3_protocol::{ErrorCode, S3Error, headers};

use crate::authorize::denied;
use crate::call::{Call, Outcome, Reply};

const OBJECT_LOCK: &str = "x-amz-bucket-object-lock-enabled";
const OWNERSHIP: HeaderName = HeaderName::from_static("x-amz-object-ownership");

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let name = call.bucket_name()?;
    let grant = call.on_new_bucket::<action::CreateBucket>(name)?;
    name.check_for_creation().map_err(|error| {
        S3Error::new(ErrorCode::InvalidBucketName)
            .with_message(error.to_string())
            .with_field("BucketName", name.as_str())
    })?;
    if headers::flag(call.headers(), OBJECT_LOCK) {
        return Err(S3Error::not_implemented(OBJECT_LOCK));
    }
    let ownership = ownership(&call)?;
    let principal = call.principal.clone();
    let owner = principal.user().ok_or_else(denied)?;
    let acl = call.acl_of_headers(call.headers(), owner, owner).await?;
    let body = call.document(MAX_DOCUMENT_BYTES).await?;
    let configuration = CreateBucketConfiguration::parse(&body)?;
    if !configuration.tags.is_empty() {
        return Err(S3Error::not_implemented("Tags"));
    }
    let new = NewBucket { acl, location: configuration.location_constraint, ownership };
    call.service.objects.create_bucket(&grant, new).await.map_err(|error| call.error(error))?;
    Ok(Reply::ok().with(LOCATION, format!("/{name}")))
}

/// Whose the objects are to be. A bucket for which nobody says is one of object writers: clients of this store use ACLs.
fn ownership(call: &Call<'_>) -> Result<Option<ObjectOwnership>, S3Error> {
    let Some(text) = call.header(&OWNERSHIP) else { return Ok(None) };
    let invalid = || S3Error::invalid_argument(OWNERSHIP.as_str(), text, "Invalid x-amz-object-ownership header");
    text.parse().map(Some).map_err(|()| invalid())
}
