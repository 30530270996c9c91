//! The institution's logo: an image that the operator gave, and how it is told from what is none.

use std::fmt;

/// The largest logo, in bytes: it is part of what every first visit loads.
pub const MAX_LOGO_BYTES: usize = 64 * 1024;

/// What PNG files begin with (PNG specification, section 5.2).
const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";

/// An image that browsers show.
#[derive(Clone, PartialEq, Eq)]
pub struct Logo {
    content: Vec<u8>,
    content_type: &'static str,
}

/// What is no logo for the portal.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum LogoError {
    /// It is too large.
    #[error("it has {0} bytes: a logo has at most {MAX_LOGO_BYTES}")]
    TooLarge(usize),
    /// It is no image of a known kind.
    #[error("it is neither an SVG nor a PNG file")]
    UnknownKind,
}

impl Logo {
    /// The logo of a file's bytes: SVG or PNG, by what is in it.
    ///
    /// # Errors
    /// [`LogoError`].
    pub fn new(content: Vec<u8>) -> Result<Self, LogoError> {
        if content.len() > MAX_LOGO_BYTES {
            return Err(LogoError::TooLarge(content.len()));
        }
        let content_type = if content.starts_with(PNG) {
            "image/png"
        } else if is_svg(&content) {
            "image/svg+xml"
        } else {
            return Err(LogoError::UnknownKind);
        };
        Ok(Self { content, content_type })
    }

    pub(crate) fn content(&self) -> &[u8] {
        &self.content
    }

    pub(crate) const fn content_type(&self) -> &'static str {
        self.content_type
    }
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Logo({}, {} bytes)", self.content_type, self.content.len())
    }
}

/// Whether a text begins as an SVG document does: with its element, after a declaration, comments and a document type.
fn is_svg(content: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(content) else { return false };
    let mut rest = text.trim_start_matches('\u{feff}').trim_start();
    loop {
        let end = match rest {
            _ if rest.starts_with("<?") => "?>",
            _ if rest.starts_with("<!--") => "-->",
            _ if rest.starts_with("<!DOCTYPE svg") => ">",
            _ => break rest.strip_prefix("<svg").is_some_and(|rest| rest.starts_with([' ', '>', '\n', '\r', '\t'])),
        };
        let Some((_, after)) = rest.split_once(end) else { break false };
        rest = after.trim_start();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_what_is_in_them() {
        for (content, expected) in [
            (&b"\x89PNG\r\n\x1a\n..."[..], Ok("image/png")),
            (b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>", Ok("image/svg+xml")),
            (b"<?xml version=\"1.0\"?>\n<!-- made -->\n<!DOCTYPE svg PUBLIC \"x\">\n<svg>", Ok("image/svg+xml")),
            (b"\xef\xbb\xbf <svg\n>", Ok("image/svg+xml")),
            (b"<html><svg></svg></html>", Err(LogoError::UnknownKind)),
            (b"<svgx>", Err(LogoError::UnknownKind)),
            (b"<!-- never ends", Err(LogoError::UnknownKind)),
            (b"GIF89a", Err(LogoError::UnknownKind)),
            (b"", Err(LogoError::UnknownKind)),
        ] {
            let logo = Logo::new(content.to_vec());
            assert_eq!(logo.map(|logo| logo.content_type), expected, "{}", String::from_utf8_lossy(content));
        }
        let large = [PNG, &vec![0; MAX_LOGO_BYTES]].concat();
        assert_eq!(Logo::new(large.clone()), Err(LogoError::TooLarge(large.len())));
    }
}
