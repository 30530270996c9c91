//! Copying an object, or a version of one, with what it carries.
//!
//! An object that was uploaded in parts is copied part by part where the source tells them, so that the copy has the same ETag.
//! What is too large for one request is copied in ranges. Both go by [`pieces`], several at a time. The copy counts when its
//! ETag is the one that follows from what passed, and the source's where that says something of the content.

use std::sync::Arc;

use http::{HeaderMap, Method, StatusCode};
use s3_client::listing::Entry;
use s3_client::{Call, ClientError};
use types::ETag;

use super::pieces::{self, Part, Piece};
use super::plan::is_md5;
use super::stream::through;
use super::{Pair, Shared, SourceEtags, lost};

/// The largest object that is copied by one request, where the source did not make it of parts.
const WHOLE_BYTES: u64 = 1 << 30;
/// The size of a part where the source tells none: 10,000 of them make 1.2 TiB.
const PART_BYTES: u64 = 128 << 20;
/// The most parts of an upload (S3 user guide, "Amazon S3 multipart upload limits").
const MAX_PARTS: u64 = 10_000;
/// What an object carries beside its content, and `x-amz-meta-…`.
const CARRIED: [&str; 6] =
    ["content-type", "content-encoding", "content-disposition", "content-language", "cache-control", "expires"];
const META: &str = "x-amz-meta-";

/// Copies an object or a version.
pub(super) async fn copy(shared: &Arc<Shared>, entry: &Entry, pair: &mut Pair) -> Result<(), ClientError> {
    let acl = lost::canned_acl(shared, entry, pair).await?;
    let one = Arc::new(Copy { shared: Arc::clone(shared), entry: entry.clone(), acl });
    match parts_of(&entry.etag) {
        Some(_) => one.in_parts(pair).await,
        None if entry.size > WHOLE_BYTES => one.in_ranges(pair).await,
        None => one.whole(pair).await,
    }
}

/// How many parts an ETag tells of.
fn parts_of(etag: &str) -> Option<u64> {
    etag.split_once('-')?.1.parse().ok().filter(|parts| (1..=MAX_PARTS).contains(parts))
}

/// An object on its way.
pub(super) struct Copy {
    pub(super) shared: Arc<Shared>,
    entry: Entry,
    acl: Option<&'static str>,
}

impl Copy {
    /// A request for the content at the source.
    pub(super) fn get(&self) -> Call {
        lost::of_source(&self.shared, &self.entry, Method::GET)
    }

    /// A request for the copy.
    pub(super) fn put(&self, method: Method) -> Call {
        Call::object(method, &self.shared.bucket, &self.entry.key)
    }

    /// By one request.
    async fn whole(&self, pair: &mut Pair) -> Result<(), ClientError> {
        let answer = pair.from.open(self.get()).await?;
        let (head, body) = answer.into_parts();
        let length = length_of(&head.headers)?;
        self.check_length(length)?;
        let (body, passed) = through(body, length);
        let call = self.with_metadata(self.put(Method::PUT), &head.headers)?;
        let answer = pair.to.send(call.body(body, length)).await?;
        let md5 = hex::encode(passed.md5());
        self.check_etag("the copy", answer.header("etag"), &md5)?;
        let is_of_content = self.shared.import.etags == SourceEtags::Md5 && is_md5(&self.entry.etag);
        if is_of_content && !self.entry.etag.eq_ignore_ascii_case(&md5) {
            let text = format!("what came has the MD5 {md5}, and the source's ETag is {}", self.entry.etag);
            return Err(ClientError::Body(text));
        }
        Ok(())
    }

    /// Part by part, as it was uploaded.
    async fn in_parts(self: &Arc<Self>, pair: &mut Pair) -> Result<(), ClientError> {
        let first = pair.from.open(self.get().query("partNumber", "1")).await;
        let first = match first {
            Ok(first) => first,
            // A source that does not know of parts.
            Err(error)
                if error
                    .refusal()
                    .is_some_and(|(status, _)| !status.is_server_error() || status == StatusCode::NOT_IMPLEMENTED) =>
            {
                return self.in_ranges(pair).await;
            }
            Err(error) => return Err(error),
        };
        let (head, body) = first.into_parts();
        let told = head.headers.get("x-amz-mp-parts-count").and_then(|count| count.to_str().ok()?.parse::<u64>().ok());
        let Some(count) = told.filter(|count| (1..=MAX_PARTS).contains(count)) else {
            // The whole object is on its way; it is not read.
            pair.from = s3_client::Connection::new(self.shared.import.from.clone());
            return self.in_ranges(pair).await;
        };
        let length = length_of(&head.headers)?;
        let upload = self.begin(pair, &head.headers).await?;
        let sent = async {
            let first = pieces::send_part(self, pair, &upload, 1, body, length).await?;
            let rest = (2..=count).map(|number| Piece { number, range: None }).collect();
            let mut parts = vec![first];
            parts.extend(pieces::send(self, pair, &upload, rest).await?);
            self.check_length(parts.iter().map(|part| part.length).sum())?;
            Ok(parts)
        };
        let sent = sent.await;
        self.end(pair, &upload, sent, Some(&self.entry.etag)).await
    }

    /// In ranges of a size of our own.
    async fn in_ranges(self: &Arc<Self>, pair: &mut Pair) -> Result<(), ClientError> {
        if self.entry.size == 0 {
            return self.whole(pair).await;
        }
        let head = pair.from.send(lost::of_source(&self.shared, &self.entry, Method::HEAD)).await?;
        let upload = self.begin(pair, &head.headers).await?;
        let size = PART_BYTES.max(self.entry.size.div_ceil(MAX_PARTS));
        let pieces = (1..=self.entry.size.div_ceil(size)).map(|number| {
            let start = (number - 1) * size;
            Piece { number, range: Some((start, (start + size).min(self.entry.size))) }
        });
        let sent = pieces::send(self, pair, &upload, pieces.collect()).await;
        self.end(pair, &upload, sent, None).await
    }

    async fn begin(&self, pair: &mut Pair, metadata: &HeaderMap) -> Result<String, ClientError> {
        let call = self.with_metadata(self.put(Method::POST).query("uploads", ""), metadata)?;
        let answer = pair.to.send(call).await?.element()?;
        let id = answer.text("UploadId").map(str::to_owned);
        id.ok_or_else(|| ClientError::Body("the destination began an upload without an id".to_owned()))
    }

    /// Completes the upload, or gives it up.
    async fn end(
        &self,
        pair: &mut Pair,
        upload: &str,
        sent: Result<Vec<Part>, ClientError>,
        expected: Option<&str>,
    ) -> Result<(), ClientError> {
        let completed = match sent {
            Ok(parts) => self.complete(pair, upload, &parts, expected).await,
            Err(error) => Err(error),
        };
        if completed.is_err() {
            // The connection may hold half a part. What can not be given up now the destination's own rules remove.
            let mut anew = s3_client::Connection::new(self.shared.import.to.clone());
            let _ = anew.send(self.put(Method::DELETE).query("uploadId", upload)).await;
        }
        completed
    }

    async fn complete(
        &self,
        pair: &mut Pair,
        upload: &str,
        parts: &[Part],
        expected: Option<&str>,
    ) -> Result<(), ClientError> {
        let mut document = "<CompleteMultipartUpload>".to_owned();
        for (number, part) in (1..).zip(parts) {
            let etag = part.etag.trim_matches('"');
            document.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
        }
        document.push_str("</CompleteMultipartUpload>");
        let ours = ETag::of_parts(parts.iter().map(|part| part.md5)).to_string();
        // What was cut as the source has it has the source's ETag, or did not come whole: known before it is an object.
        if expected
            .is_some_and(|theirs| self.shared.import.etags == SourceEtags::Md5 && !theirs.eq_ignore_ascii_case(&ours))
        {
            let text = format!("what came has the ETag {ours}, and the source's is {}", self.entry.etag);
            return Err(ClientError::Body(text));
        }
        let answer = pair.to.send(self.put(Method::POST).query("uploadId", upload).document(document)).await?;
        let answer = answer.element()?;
        // An upload that fails late says so in a document with the status of success.
        if answer.name == "Error" {
            let text = answer.text("Message").or(answer.text("Code")).unwrap_or_default();
            return Err(ClientError::Body(format!("the destination could not complete the upload: {text}")));
        }
        self.check_etag("the copy", answer.text("ETag"), &ours)
    }

    /// What the source's headers say of the object, on the request that makes its copy.
    fn with_metadata(&self, mut call: Call, from: &HeaderMap) -> Result<Call, ClientError> {
        for (name, value) in from {
            let name = name.as_str();
            if CARRIED.contains(&name) || name.starts_with(META) {
                let value = std::str::from_utf8(value.as_bytes());
                let value = value.map_err(|_| ClientError::Body(format!("the header {name} is no UTF-8")))?;
                call = call.header(name, value);
            }
        }
        lost::note(&self.shared, &self.entry, from);
        Ok(match self.acl {
            Some(acl) => call.header("x-amz-acl", acl),
            None => call,
        })
    }

    fn check_length(&self, length: u64) -> Result<(), ClientError> {
        match length == self.entry.size {
            true => Ok(()),
            false => Err(ClientError::Body(format!("{length} bytes come, and {} were listed", self.entry.size))),
        }
    }

    pub(super) fn check_etag(&self, what: &str, answered: Option<&str>, expected: &str) -> Result<(), ClientError> {
        let etag = answered.unwrap_or_default().trim_matches('"');
        match etag.eq_ignore_ascii_case(expected) {
            true => Ok(()),
            false => Err(ClientError::Body(format!("{what} has the ETag {etag:?} in the place of {expected}"))),
        }
    }
}

/// How long a body of the source is.
pub(super) fn length_of(headers: &HeaderMap) -> Result<u64, ClientError> {
    let length = headers.get("content-length").and_then(|length| length.to_str().ok()?.parse().ok());
    length.ok_or_else(|| ClientError::Body("the source does not say how long a body is".to_owned()))
}
