//! Byte ranges (RFC 9110 section 14).

use std::ops::Range;

/// One range as a client asked for it, before the object's size is known.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ByteRange {
    /// `bytes=first-` and `bytes=first-last`, both ends inside.
    From {
        /// The first byte.
        first: u64,
        /// The last byte; to the end where absent.
        last: Option<u64>,
    },
    /// `bytes=-length`: the last `length` bytes.
    Suffix {
        /// How many bytes, counted from the end.
        length: u64,
    },
}

/// The range lies outside the object: 416 InvalidRange.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the requested range is not satisfiable for an object of {size} bytes")]
pub struct RangeError {
    /// The object's size in bytes.
    pub size: u64,
}

impl ByteRange {
    /// Reads a `Range` header. `None` where there is no single valid byte range: several ranges, another unit,
    /// or nonsense, all of which S3 answers with the whole object.
    pub fn parse(header: &str) -> Option<Self> {
        let set = header.trim().strip_prefix("bytes=")?;
        let (first, last) = set.trim().split_once('-')?;
        match (first.trim(), last.trim()) {
            ("", length) => Some(Self::Suffix { length: digits(length)? }),
            (first, "") => Some(Self::From { first: digits(first)?, last: None }),
            (first, last) => {
                let (first, last) = (digits(first)?, digits(last)?);
                (first <= last).then_some(Self::From { first, last: Some(last) })
            }
        }
    }

    /// The bytes meant in an object of `size` bytes.
    ///
    /// # Errors
    /// [`RangeError`] where not one byte of the object is in the range.
    pub fn resolve(self, size: u64) -> Result<Range<u64>, RangeError> {
        let range = match self {
            Self::From { first, last } => first..last.map_or(size, |last| last.saturating_add(1)).min(size),
            Self::Suffix { length } => size.saturating_sub(length)..size,
        };
        if range.start < range.end { Ok(range) } else { Err(RangeError { size }) }
    }
}

/// A number in decimal digits and nothing else; too large a one is as good as infinite.
fn digits(text: &str) -> Option<u64> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    Some(text.parse().unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_resolve_as_rfc_9110_says() {
        for (header, size, expected) in [
            ("bytes=0-0", 10, Ok(0..1)),
            ("bytes=2-", 10, Ok(2..10)),
            ("bytes=2-99", 10, Ok(2..10)),
            ("bytes=-3", 10, Ok(7..10)),
            ("bytes=-99", 10, Ok(0..10)),
            ("bytes=0-18446744073709551616", 10, Ok(0..10)),
            ("bytes=10-", 10, Err(RangeError { size: 10 })),
            ("bytes=-0", 10, Err(RangeError { size: 10 })),
            ("bytes=0-", 0, Err(RangeError { size: 0 })),
        ] {
            let range = ByteRange::parse(header).expect(header);
            assert_eq!(range.resolve(size), expected, "{header} of {size}");
        }
    }

    #[test]
    fn what_is_no_single_range_asks_for_the_whole() {
        for header in ["", "bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=0-1,3-4", "items=0-1", "bytes=+1-2"] {
            assert_eq!(ByteRange::parse(header), None, "{header}");
        }
    }
}
