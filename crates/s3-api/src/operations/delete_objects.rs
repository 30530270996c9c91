//! DeleteObjects: up to 1,000 keys. Needs `s3:DeleteObject`, or `s3:DeleteObjectVersion` where a version is named, for each
//! key. A key that may not be deleted is an error of its own, and the others go on.
//!
//! Which keys are meant stands in the body, so this is one of the two operations that read it (bounded) before they can
//! authorize. Who may delete none of the keys and does not belong to the tenancy is told nothing but AccessDenied, as for
//! a bucket that does not exist.

use access::action;
use objects::object::Deleted;
use s3_protocol::xml::delete::{self, DeleteError, DeleteRequest, DeleteResult, DeletedObject, ObjectIdentifier};
use s3_protocol::{Claims, ErrorCode, S3Error, params};
use types::{ObjectKey, VersionId};

use crate::authorize::{Found, denied};
use crate::call::{Call, Outcome, Reply};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let found = call.find_own().await?;
    let claims = Claims::parse(call.headers())?;
    if claims.md5.is_none() && claims.checksum.is_none() && claims.trailer.is_none() {
        return Err(S3Error::invalid_request("Missing required header for this request: Content-MD5"));
    }
    let body = call.document(delete::MAX_REQUEST_BYTES).await?;
    let request = DeleteRequest::parse(&body)?;
    let (call, found) = (&call, &found);
    let delete = |object| async move {
        let outcome = delete_one(call, found, &object).await;
        (object, outcome)
    };
    let outcomes = call.service.bulk.each(request.objects, delete).await;
    let is_denied = |outcome: &Result<Deleted, S3Error>| {
        outcome.as_ref().is_err_and(|error| error.code() == ErrorCode::AccessDenied)
    };
    if !call.is_member() && outcomes.iter().all(|(_, outcome)| is_denied(outcome)) {
        return Err(denied());
    }
    let mut result = DeleteResult::default();
    for (object, outcome) in outcomes {
        match outcome {
            Ok(deleted) if !request.quiet => result.deleted.push(deleted_object(object, deleted)),
            Ok(_) => {}
            Err(error) => {
                result.errors.push(DeleteError { key: object.key, version_id: object.version_id, error });
            }
        }
    }
    Ok(Reply::xml(result.to_xml()))
}

async fn delete_one(call: &Call<'_>, found: &Found, object: &ObjectIdentifier) -> Result<Deleted, S3Error> {
    let key = ObjectKey::new(&object.key).map_err(|_| match object.key.is_empty() {
        true => S3Error::new(ErrorCode::UserKeyMustBeSpecified),
        false => S3Error::new(ErrorCode::KeyTooLongError),
    })?;
    let version = version_of(object)?;
    let grant = call.place_grant::<action::DeleteObject>(found, &key, version)?;
    let deleted = call.service.objects.delete_object(&grant, &object.conditions()?).await;
    deleted.map_err(|error| call.version_error(error, version))
}

fn version_of(object: &ObjectIdentifier) -> Result<Option<VersionId>, S3Error> {
    let text = object.version_id.as_deref().filter(|text| !text.is_empty());
    text.map(params::parse_version_id).transpose()
}

fn deleted_object(object: ObjectIdentifier, deleted: Deleted) -> DeletedObject {
    let marker = deleted.version.filter(|_| deleted.delete_marker);
    DeletedObject {
        key: object.key,
        version_id: object.version_id,
        delete_marker: deleted.delete_marker,
        delete_marker_version_id: marker.map(|version| version.to_string()),
    }
}
