//! Headers that ask for what this store does not do yet. None is ever ignored: who asks for encryption and is answered
//! 200 would rely on it.

use http::HeaderMap;
use s3_protocol::S3Error;

/// Server-side encryption, with keys of the store, of a key service, or of the client.
const ENCRYPTION: &str = "x-amz-server-side-encryption";
/// The client's key for the source of a copy.
const SOURCE_ENCRYPTION: &str = "x-amz-copy-source-server-side-encryption";
const TAGGING: &str = "x-amz-tagging";
/// `-mode`, `-retain-until-date` and `-legal-hold`.
const OBJECT_LOCK: &str = "x-amz-object-lock-";

/// Refuses the headers that a write can not honour.
///
/// # Errors
/// NotImplemented for encryption and tags; InvalidRequest for object lock, since no bucket has it.
pub(crate) fn of_write(headers: &HeaderMap) -> Result<(), S3Error> {
    for name in amz_names(headers) {
        check_encryption(name)?;
        if name == TAGGING {
            return Err(S3Error::not_implemented(TAGGING));
        }
        if name.starts_with(OBJECT_LOCK) {
            return Err(S3Error::invalid_request("Bucket is missing Object Lock Configuration"));
        }
    }
    Ok(())
}

/// Refuses the headers that a read or a part can not honour.
///
/// # Errors
/// NotImplemented for encryption.
pub(crate) fn of_read(headers: &HeaderMap) -> Result<(), S3Error> {
    amz_names(headers).try_for_each(check_encryption)
}

fn amz_names(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.keys().map(http::HeaderName::as_str).filter(|name| name.starts_with("x-amz-"))
}

fn check_encryption(name: &str) -> Result<(), S3Error> {
    if name.starts_with(ENCRYPTION) || name.starts_with(SOURCE_ENCRYPTION) {
        return Err(S3Error::not_implemented(name));
    }
    Ok(())
}
