//! `Tagging` (GetObjectTagging, PutObjectTagging, their twins for buckets, and the field of a form).

use super::{Element, XmlWriter};
use crate::{ErrorCode, Query, S3Error};

/// The most tags of an object (S3 user guide, "Categorizing your objects using tags").
pub const MAX_OBJECT_TAGS: usize = 10;
/// The most tags of a bucket.
pub const MAX_BUCKET_TAGS: usize = 50;
const MAX_KEY_CHARS: usize = 128;
const MAX_VALUE_CHARS: usize = 256;

/// Reads a `Tagging` document.
///
/// # Errors
/// `MalformedXML`; `InvalidTag` for a key twice, or a key or value that is too long; `BadRequest` for more than
/// [`MAX_BUCKET_TAGS`]. That an object has no more than [`MAX_OBJECT_TAGS`] is the caller's to check.
pub fn parse(body: &[u8]) -> Result<Vec<(String, String)>, S3Error> {
    let root = Element::parse(body, "Tagging")?;
    tags_of(root.child("TagSet").ok_or(ErrorCode::MalformedXML)?)
}

/// Reads an `x-amz-tagging` header: tags as a query.
///
/// # Errors
/// `InvalidArgument` where it can not be read, `InvalidTag` and `BadRequest` as [`parse`].
pub fn parse_header(text: &str) -> Result<Vec<(String, String)>, S3Error> {
    let query = Query::parse(Some(text)).map_err(|_| {
        let message = "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters \
                       without tag name duplicates.";
        S3Error::invalid_argument("x-amz-tagging", text, message)
    })?;
    checked(query.iter().map(|(key, value)| (key.to_owned(), value.unwrap_or_default().to_owned())).collect())
}

/// Writes a `Tagging` document.
pub fn to_xml(tags: &[(String, String)]) -> String {
    XmlWriter::document("Tagging", |xml| {
        xml.element("TagSet", |xml| {
            for (key, value) in tags {
                xml.element("Tag", |xml| {
                    xml.text("Key", key);
                    xml.text("Value", value);
                });
            }
        });
    })
}

pub(super) fn tags_of(set: &Element) -> Result<Vec<(String, String)>, S3Error> {
    let mut tags = Vec::new();
    for tag in set.children("Tag") {
        let (key, value) = (tag.text_of("Key"), tag.text_of("Value"));
        let (key, value) = key.zip(value).ok_or(ErrorCode::MalformedXML)?;
        tags.push((key.to_owned(), value.to_owned()));
    }
    checked(tags)
}

fn checked(tags: Vec<(String, String)>) -> Result<Vec<(String, String)>, S3Error> {
    let invalid =
        |message, key: &str| Err(S3Error::new(ErrorCode::InvalidTag).with_message(message).with_field("TagKey", key));
    if tags.len() > MAX_BUCKET_TAGS {
        return Err(S3Error::new(ErrorCode::BadRequest).with_message("The number of tags exceeds the limit."));
    }
    for (index, (key, value)) in tags.iter().enumerate() {
        if key.is_empty() || key.chars().count() > MAX_KEY_CHARS {
            return invalid("The TagKey you have provided is invalid", key);
        }
        if value.chars().count() > MAX_VALUE_CHARS {
            return invalid("The TagValue you have provided is invalid", key);
        }
        if tags[..index].iter().any(|(other, _)| other == key) {
            return invalid("Cannot provide multiple Tags with the same key", key);
        }
    }
    Ok(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_survive_the_round_trip() {
        let tags = vec![("a".to_owned(), "1 <".to_owned()), ("ключ".to_owned(), String::new())];
        assert_eq!(parse(to_xml(&tags).as_bytes()), Ok(tags.clone()));
        assert_eq!(parse_header("a=1%20%3C&%D0%BA%D0%BB%D1%8E%D1%87"), Ok(tags));
        assert_eq!(parse(to_xml(&[]).as_bytes()), Ok(Vec::new()));
    }

    #[test]
    fn bad_tags_are_refused() {
        let long = to_xml(&[("k".repeat(129), String::new())]);
        for (document, code) in [
            ("<Tagging/>", ErrorCode::MalformedXML),
            ("<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>", ErrorCode::MalformedXML),
            (long.as_str(), ErrorCode::InvalidTag),
        ] {
            assert_eq!(parse(document.as_bytes()).expect_err(document).code(), code);
        }
        assert_eq!(parse_header("a=1&a=2").expect_err("twice").code(), ErrorCode::InvalidTag);
    }
}
