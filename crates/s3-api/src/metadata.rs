//! What travels with an object: from the headers of a request, and into those of a response.

use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_TYPE, EXPIRES, HeaderMap,
    HeaderName, HeaderValue,
};
use objects::object::ObjectMetadata;
use s3_protocol::S3Error;
use s3_protocol::headers::{self, SystemMetadata, UserMetadata, WEBSITE_REDIRECT, header_value};

const USER_PREFIX: &str = "x-amz-meta-";
const STORAGE_CLASS: HeaderName = HeaderName::from_static("x-amz-storage-class");
/// What AWS answers for an object that was stored without a type.
const DEFAULT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("binary/octet-stream");
/// The class of an object that names none.
pub(crate) const STANDARD: &str = "STANDARD";

/// Reads what travels with an object from the headers of a request that writes it.
///
/// # Errors
/// MetadataTooLarge, InvalidStorageClass.
pub(crate) fn read(headers: &HeaderMap) -> Result<ObjectMetadata, S3Error> {
    let system = SystemMetadata::from_headers(headers);
    let user = UserMetadata::from_headers(headers)?;
    Ok(of(system, user, storage_class(headers)?))
}

/// What travels with an object, in the terms of the store.
pub(crate) fn of(system: SystemMetadata, user: UserMetadata, storage_class: Option<String>) -> ObjectMetadata {
    ObjectMetadata {
        content_type: system.content_type,
        cache_control: system.cache_control,
        content_disposition: system.content_disposition,
        content_encoding: system.content_encoding,
        content_language: system.content_language,
        expires: system.expires,
        website_redirect: system.website_redirect_location,
        storage_class,
        user: user.0.into_iter().collect(),
    }
}

/// The `x-amz-storage-class` of a request; `None` for STANDARD, which is what an object has that tells none.
///
/// # Errors
/// InvalidStorageClass.
pub(crate) fn storage_class(headers: &HeaderMap) -> Result<Option<String>, S3Error> {
    let class = headers::storage_class(headers)?;
    Ok(class.filter(|class| *class != STANDARD).map(str::to_owned))
}

/// Writes what travels with an object into the headers of a response.
pub(crate) fn write(metadata: &ObjectMetadata, headers: &mut HeaderMap) {
    for (name, value) in [
        (CONTENT_TYPE, &metadata.content_type),
        (CACHE_CONTROL, &metadata.cache_control),
        (CONTENT_DISPOSITION, &metadata.content_disposition),
        (CONTENT_ENCODING, &metadata.content_encoding),
        (CONTENT_LANGUAGE, &metadata.content_language),
        (EXPIRES, &metadata.expires),
        (WEBSITE_REDIRECT, &metadata.website_redirect),
        (STORAGE_CLASS, &metadata.storage_class),
    ] {
        if let Some(value) = value {
            headers.insert(name, header_value(value));
        }
    }
    if metadata.content_type.is_none() {
        headers.insert(CONTENT_TYPE, DEFAULT_CONTENT_TYPE);
    }
    for (name, value) in &metadata.user {
        // Names come from header names, so they can be some again.
        if let Ok(name) = HeaderName::from_bytes(format!("{USER_PREFIX}{name}").as_bytes()) {
            headers.insert(name, header_value(value));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_read_is_written_again() {
        let pairs = [
            ("content-type", "text/plain"),
            ("cache-control", "no-cache"),
            ("content-disposition", "inline"),
            ("content-encoding", "gzip"),
            ("content-language", "en"),
            ("expires", "never"),
            ("x-amz-website-redirect-location", "/elsewhere"),
            ("x-amz-storage-class", "STANDARD_IA"),
            ("x-amz-meta-colour", "blue"),
        ];
        let sent: HeaderMap = pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect();
        let mut told = HeaderMap::new();
        write(&read(&sent).expect("metadata"), &mut told);
        assert_eq!(told, sent);
    }

    #[test]
    fn an_object_stored_with_nothing_tells_a_type_only() {
        let mut sent = HeaderMap::new();
        sent.insert(STORAGE_CLASS, HeaderValue::from_static(STANDARD));
        let mut told = HeaderMap::new();
        write(&read(&sent).expect("metadata"), &mut told);
        assert_eq!(told.len(), 1);
        assert_eq!(told[CONTENT_TYPE], "binary/octet-stream");
    }
}
