//! Conditional requests (RFC 9110 section 13, and the S3 API pages of GetObject, PutObject and CopyObject).

use crate::{ETag, Timestamp};

/// What an `If-Match` or `If-None-Match` header names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum EtagMatch {
    /// `*`: any object that exists.
    Any,
    /// A list of tags. Those that are no S3 ETag match nothing and are left out.
    Tags(Vec<ETag>),
}

impl EtagMatch {
    /// Reads a header value: `*`, or tags with or without quotes and `W/`, separated by commas.
    pub fn parse(text: &str) -> Self {
        if text.trim() == "*" {
            return Self::Any;
        }
        let tags = text.split(',').filter_map(|tag| tag.trim().trim_start_matches("W/").parse().ok());
        Self::Tags(tags.collect())
    }

    /// Whether an object with `current` as its tag (or none) is among those named.
    pub fn matches(&self, current: Option<&ETag>) -> bool {
        match (self, current) {
            (_, None) => false,
            (Self::Any, Some(_)) => true,
            (Self::Tags(tags), Some(etag)) => tags.contains(etag),
        }
    }
}

/// The conditions of one request. All absent: no condition.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Conditions {
    /// Go on only if the object's tag is named.
    pub if_match: Option<EtagMatch>,
    /// Go on only if the object's tag is not named.
    pub if_none_match: Option<EtagMatch>,
    /// Go on only if the object changed after this moment (seconds count, the rest does not).
    pub if_modified_since: Option<Timestamp>,
    /// Go on only if the object did not change after this moment.
    pub if_unmodified_since: Option<Timestamp>,
    /// Delete only what changed last at this moment (seconds count, the rest does not).
    pub last_modified: Option<Timestamp>,
    /// Delete only what has this length in bytes.
    pub size: Option<u64>,
}

impl Conditions {
    /// Whether there is nothing to check.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_quotes_and_weak_tags_parse() {
        let tag: ETag = "d41d8cd98f00b204e9800998ecf8427e".parse().expect("a tag");
        for text in [
            "d41d8cd98f00b204e9800998ecf8427e",
            "\"d41d8cd98f00b204e9800998ecf8427e\"",
            "\"other\", W/\"d41d8cd98f00b204e9800998ecf8427e\"",
            " * ",
        ] {
            assert!(EtagMatch::parse(text).matches(Some(&tag)), "{text}");
            assert!(!EtagMatch::parse(text).matches(None), "{text}");
        }
        assert!(!EtagMatch::parse("\"other\"").matches(Some(&tag)));
    }
}
