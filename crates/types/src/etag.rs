//! The entity tag of an object.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{HexText, Md5};

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

    /// The tag of an object made of parts with these MD5s, in their order.
    pub fn of_parts(md5s: impl IntoIterator<Item = [u8; 16]>) -> Self {
        let (mut md5, mut parts) = (Md5::default(), 0_u16);
        for part in md5s {
            md5.update(&part);
            parts = parts.saturating_add(1);
        }
        Self { md5: md5.finish(), parts }
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

    /// Of the digests in binary, one after the other; the values are of Python's hashlib.
    #[test]
    fn parts_make_the_tag_of_the_whole() {
        let part = Md5::of(&vec![0; 5 << 20]);
        assert_eq!(hex::encode(part), "5f363e0e58a95f06cbe9bbc662c5dfb6");
        assert_eq!(ETag::of_parts([part, part]).to_string(), "a7d414b9133d6483d9a1c4e04e856e3b-2");
    }

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
