//! The fields of a form before its file (RFC 7578).

use bytes::BytesMut;

use crate::body::Frames;
use crate::{ErrorCode, S3Error};

/// The most bytes before the file. S3 allows 20 KB of fields; a policy in base64 comes on top.
const MAX_BYTES_BEFORE_FILE: usize = 64 * 1024;
/// The most fields.
const MAX_FIELDS: usize = 128;
/// How many bytes must come before the parts are looked for again: looking costs what is buffered, whatever the size of
/// the frames.
const STEP_BYTES: usize = 4 * 1024;
/// The most characters of a boundary (RFC 2046 section 5.1.1).
const MAX_BOUNDARY_BYTES: usize = 70;

/// The fields in their order, with names in lower case, and the name of the file.
#[derive(Debug, Default)]
pub(super) struct Fields {
    fields: Vec<(String, String)>,
    file_name: String,
}

/// The boundary in a `Content-Type` of `multipart/form-data`.
pub(super) fn boundary(content_type: &str) -> Option<Vec<u8>> {
    let (kind, rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(rest, "boundary")?;
    let fits = (1..=MAX_BOUNDARY_BYTES).contains(&boundary.len());
    fits.then(|| boundary.into_bytes())
}

impl Fields {
    /// The value of the first field with this name, in lower case.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Every field, in its order.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.fields.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// The last segment of the path that the browser names the file by.
    pub(super) fn file_name(&self) -> &str {
        &self.file_name
    }

    /// Reads up to the first byte of the file, and gives the rest back to `frames`.
    pub(super) async fn read(frames: &mut Frames, boundary: &[u8]) -> Result<Self, S3Error> {
        let mut fields = Self::default();
        let mut buffer = BytesMut::new();
        let (mut parsed, mut tried) = (0, 0);
        loop {
            let data = frames.next().await?;
            let ended = data.is_none();
            buffer.extend_from_slice(&data.unwrap_or_default());
            if !ended && buffer.len() < tried + STEP_BYTES {
                continue;
            }
            tried = buffer.len();
            while let Some(step) = step(&buffer[parsed..], boundary)? {
                parsed += step.used();
                if parsed > MAX_BYTES_BEFORE_FILE || fields.fields.len() == MAX_FIELDS {
                    return Err(ErrorCode::MaxPostPreDataLengthExceeded.into());
                }
                match step {
                    Step::Field { name, value, .. } => fields.add(name, value)?,
                    Step::File { file_name, .. } => {
                        fields.file_name = file_name;
                        frames.unread(buffer.freeze().slice(parsed..));
                        return Ok(fields);
                    }
                    Step::End => return Err(ErrorCode::IncorrectNumberOfFilesInPostRequest.into()),
                }
            }
            if ended {
                return Err(Self::ended(&buffer[parsed..]));
            }
            if buffer.len() - parsed > MAX_BYTES_BEFORE_FILE {
                return Err(ErrorCode::MaxPostPreDataLengthExceeded.into());
            }
        }
    }

    /// A field may come once: with two of them, a policy could be held against one and the other be used.
    fn add(&mut self, name: String, value: String) -> Result<(), S3Error> {
        if self.get(&name).is_some() {
            return Err(S3Error::invalid_argument(&name, &value, "The form has more than one field with this name."));
        }
        self.fields.push((name, value));
        Ok(())
    }

    /// What is wrong where the body ends before the file.
    fn ended(rest: &[u8]) -> S3Error {
        let code = if rest.is_empty() { ErrorCode::MalformedPOSTRequest } else { ErrorCode::IncompleteBody };
        code.into()
    }
}

/// One part of the form that is there as far as it is needed.
enum Step {
    Field { used: usize, name: String, value: String },
    File { used: usize, file_name: String },
    End,
}

impl Step {
    /// How many bytes it takes.
    fn used(&self) -> usize {
        match self {
            Self::Field { used, .. } | Self::File { used, .. } => *used,
            Self::End => 0,
        }
    }
}

/// Reads the part that `data` begins with; `None` where more is needed.
fn step(data: &[u8], boundary: &[u8]) -> Result<Option<Step>, S3Error> {
    let malformed = || S3Error::new(ErrorCode::MalformedPOSTRequest);
    // Before the first boundary there is no line break, or there is one.
    let start = if data.starts_with(b"\r\n") { 2 } else { 0 };
    let opening = [b"--", boundary].concat();
    let Some(after) = data.get(start + opening.len()..).filter(|after| after.len() >= 2) else { return Ok(None) };
    if !data[start..].starts_with(&opening) {
        return Err(malformed());
    }
    if after.starts_with(b"--") {
        return Ok(Some(Step::End));
    }
    if !after.starts_with(b"\r\n") {
        return Err(malformed());
    }
    // The head may be empty, so its end is looked for from the line break on.
    let Some(head_end) = crate::body::find(after, b"\r\n\r\n") else { return Ok(None) };
    let head = std::str::from_utf8(&after[2.min(head_end)..head_end]).map_err(|_| malformed())?;
    let content_start = start + opening.len() + head_end + 4;
    let disposition = head.split("\r\n").find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.trim().eq_ignore_ascii_case("content-disposition").then_some(value)
    });
    let disposition = disposition.and_then(|value| value.split_once(';')).map(|(_, parameters)| parameters);
    let name = disposition.and_then(|value| parameter(value, "name")).ok_or_else(malformed)?.to_ascii_lowercase();
    if name == "file" {
        let file_name = disposition.and_then(|value| parameter(value, "filename")).unwrap_or_default();
        let file_name = file_name.rsplit(['/', '\\']).next().unwrap_or_default().to_owned();
        return Ok(Some(Step::File { used: content_start, file_name }));
    }
    let delimiter = [b"\r\n", opening.as_slice()].concat();
    let Some(length) = crate::body::find(&data[content_start..], &delimiter) else { return Ok(None) };
    let value = data[content_start..content_start + length].to_vec();
    let value = String::from_utf8(value).map_err(|_| malformed())?;
    Ok(Some(Step::Field { used: content_start + length, name, value }))
}

/// A parameter of a header, `name=value` or `name="value"` with `\"` for a quote.
fn parameter(mut text: &str, wanted: &str) -> Option<String> {
    loop {
        text = text.trim_start_matches([' ', '\t', ';']);
        let (name, rest) = text.split_once('=')?;
        let (value, rest) = match rest.strip_prefix('"') {
            Some(quoted) => unquote(quoted)?,
            None => {
                let end = rest.find(';').unwrap_or(rest.len());
                (rest[..end].trim().to_owned(), &rest[end..])
            }
        };
        if name.trim().eq_ignore_ascii_case(wanted) {
            return Some(value);
        }
        text = rest;
    }
}

/// The text up to the closing quote, and what follows that.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((value, &text[at + 1..])),
            '\\' if text[at + 1..].starts_with('"') => {
                chars.next();
                value.push('"');
            }
            c => value.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read() {
        for (text, name, value) in [
            (" name=\"key\"; filename=\"a;b=\\\"c\\\".txt\"", "filename", Some("a;b=\"c\".txt")),
            ("name=key ;filename=x", "name", Some("key")),
            ("NAME=key", "name", Some("key")),
            ("name=\"key", "name", None),
            ("", "name", None),
            ("filename=\"C:\\dir\\f\"", "filename", Some("C:\\dir\\f")),
        ] {
            assert_eq!(parameter(text, name).as_deref(), value, "{text}");
        }
        assert_eq!(boundary("multipart/form-data; boundary=\"x y\"").as_deref(), Some(&b"x y"[..]));
        assert_eq!(boundary("Multipart/Form-Data; charset=utf-8; boundary=x").as_deref(), Some(&b"x"[..]));
        for text in ["multipart/form-data", "text/plain; boundary=x", "multipart/form-data; boundary="] {
            assert_eq!(boundary(text), None, "{text}");
        }
    }
}
