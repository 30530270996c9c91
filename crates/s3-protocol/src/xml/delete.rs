//! `Delete` and `DeleteResult` (DeleteObjects).

use types::{Conditions, EtagMatch, Timestamp};

use super::{Element, XmlWriter};
use crate::{ErrorCode, S3Error};

/// The most objects of one request.
pub const MAX_OBJECTS: usize = 1000;
/// The most bytes of the request: 1000 keys of 1024 bytes, each byte written as a reference of six.
pub const MAX_REQUEST_BYTES: usize = 8 * 1024 * 1024;

/// The body of DeleteObjects.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteRequest {
    /// Whether only errors are to be reported.
    pub quiet: bool,
    /// What to delete: 1 to [`MAX_OBJECTS`].
    pub objects: Vec<ObjectIdentifier>,
}

/// One object to delete. Keys and ids are checked by the caller, so that one bad one does not spoil the others.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectIdentifier {
    /// Its key.
    pub key: String,
    /// The version, where one is named.
    pub version_id: Option<String>,
    /// The tag that it must have, as `If-Match`.
    pub etag: Option<String>,
    /// The moment of its last change that it must have, as text.
    pub last_modified_time: Option<String>,
    /// The length that it must have, as text.
    pub size: Option<String>,
}

impl DeleteRequest {
    /// Reads the body.
    ///
    /// # Errors
    /// `MalformedXML`, also for no objects and for too many.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        let root = Element::parse(body, "Delete")?;
        let mut objects = Vec::new();
        for object in root.children("Object") {
            let own = |name| object.text_of(name).map(str::to_owned);
            objects.push(ObjectIdentifier {
                key: own("Key").ok_or(ErrorCode::MalformedXML)?,
                version_id: own("VersionId"),
                etag: own("ETag"),
                last_modified_time: own("LastModifiedTime"),
                size: own("Size"),
            });
        }
        if !(1..=MAX_OBJECTS).contains(&objects.len()) {
            return Err(ErrorCode::MalformedXML.into());
        }
        let quiet = root.word_of("Quiet").is_some_and(|text| text.eq_ignore_ascii_case("true"));
        Ok(Self { quiet, objects })
    }
}

/// The result of DeleteObjects.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeleteResult {
    /// What was deleted; nothing where the request is quiet.
    pub deleted: Vec<DeletedObject>,
    /// What was not.
    pub errors: Vec<DeleteError>,
}

/// One object that was deleted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DeletedObject {
    /// Its key.
    pub key: String,
    /// The version that the request named.
    pub version_id: Option<String>,
    /// Whether a delete marker was made, or one was deleted.
    pub delete_marker: bool,
    /// The delete marker that was made or deleted.
    pub delete_marker_version_id: Option<String>,
}

/// One object that was not deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DeleteError {
    /// Its key.
    pub key: String,
    /// The version that the request named.
    pub version_id: Option<String>,
    /// Why.
    pub error: S3Error,
}

impl DeleteResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("DeleteResult", |xml| {
            for deleted in &self.deleted {
                xml.element("Deleted", |xml| {
                    xml.text("Key", &deleted.key);
                    xml.optional("VersionId", deleted.version_id.as_deref());
                    if deleted.delete_marker {
                        xml.boolean("DeleteMarker", true);
                    }
                    xml.optional("DeleteMarkerVersionId", deleted.delete_marker_version_id.as_deref());
                });
            }
            for failed in &self.errors {
                xml.element("Error", |xml| {
                    xml.text("Key", &failed.key);
                    xml.optional("VersionId", failed.version_id.as_deref());
                    xml.text("Code", failed.error.code().as_str());
                    xml.text("Message", failed.error.message());
                });
            }
        })
    }
}

impl ObjectIdentifier {
    /// What the object must be to be deleted.
    ///
    /// # Errors
    /// `InvalidArgument` for a time or size that can not be read: to ignore it would delete too much.
    pub fn conditions(&self) -> Result<Conditions, S3Error> {
        let invalid = |name, text| move || S3Error::invalid_argument(name, text, format!("{name} can not be read"));
        let last_modified = self.last_modified_time.as_deref().map(|text| {
            let time = Timestamp::parse_iso8601(text).or_else(|| Timestamp::parse_http_date(text));
            time.ok_or_else(invalid("LastModifiedTime", text))
        });
        let size = self.size.as_deref().map(|text| text.trim().parse().map_err(|_| invalid("Size", text)()));
        Ok(Conditions {
            if_match: self.etag.as_deref().map(EtagMatch::parse),
            last_modified: last_modified.transpose()?,
            size: size.transpose()?,
            ..Conditions::default()
        })
    }
}
