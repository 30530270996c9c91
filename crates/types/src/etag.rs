//! The entity tag of an object.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::HexText;

/// An S3 ETag: the MD5 of the content, or for a multipart object the MD5 of its parts' MD5s and the number of parts.
///
/// Source: the S3 API reference, data type `Object`, `ETag`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ETag {
    /// The MD5, of the content or of the parts' MD5s.
    pub md5: [u8; 16],
    /// How many parts a multipart object has; 0 for an object made in one PUT.
    pub parts: u16,
}

impl ETag {
    /// The tag of an object made in one PUT.
    pub const fn whole(md5: [u8; 16]) -> Self {
        Self { md5, parts: 0 }
    }

    /// The tag in double quotes, as in the `ETag` header and in XML.
    pub fn quoted(&self) -> String {
        let digits = HexText::<32>::lower(&self.md5);
        match self.parts {
            0 => ["\"", digits.as_str(), "\""].concat(),
            parts => format!("\"{digits}-{parts}\""),
        }
    }
}

impl fmt::Display for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(HexText::<32>::lower(&self.md5).as_str())?;
        match self.parts {
            0 => Ok(()),
            parts => write!(f, "-{parts}"),
        }
    }
}

impl fmt::Debug for ETag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ETag({self})")
    }
}

impl FromStr for ETag {
    type Err = hex::FromHexError;

    /// Reads a tag with or without its quotes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim().trim_matches('"');
        let (digits, parts) = match text.split_once('-') {
            Some((digits, parts)) => (digits, parts.parse().map_err(|_| hex::FromHexError::InvalidStringLength)?),
            None => (text, 0),
        };
        let mut md5 = [0; 16];
        hex::decode_to_slice(digits, &mut md5)?;
        Ok(Self { md5, parts })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_survive_their_text() {
        for text in ["d41d8cd98f00b204e9800998ecf8427e", "d41d8cd98f00b204e9800998ecf8427e-10000"] {
            let tag: ETag = text.parse().expect("a tag");
            assert_eq!(tag.to_string(), text);
            assert_eq!(tag.quoted().parse(), Ok(tag));
        }
        for text in ["", "abc", "d41d8cd98f00b204e9800998ecf8427e-x"] {
            assert!(text.parse::<ETag>().is_err(), "{text}");
        }
    }
}
