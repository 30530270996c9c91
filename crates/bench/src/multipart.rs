//! One multipart upload as a single request of a workload.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Method;

use crate::body::Content;
use crate::connection::{Connection, Keep};
use crate::error::BenchError;
use crate::target::Target;

/// Uploads objects in parts over connections of its own.
pub(crate) struct Uploader {
    target: Target,
    control: Connection,
    parts: Vec<Connection>,
    layout: Arc<Layout>,
}

struct Layout {
    full: Content,
    last: Content,
    count: u64,
    parts: Parts,
}

/// Where parts come from.
enum Parts {
    /// They are sent.
    Sent,
    /// Each is a copy of this object (UploadPartCopy).
    Copied(String),
}

impl Uploader {
    /// An uploader of objects of `size` bytes. Connections are open when it returns.
    pub(crate) async fn open(
        target: &Target,
        size: u64,
        part_size: u64,
        parallel_parts: usize,
    ) -> Result<Self, BenchError> {
        let part_size = part_size.max(1);
        let count = size.div_ceil(part_size).max(1);
        let last = Content::new(size - (count - 1) * part_size);
        Self::with(target, Layout { full: Content::new(part_size), last, count, parts: Parts::Sent }, parallel_parts)
            .await
    }

    /// An uploader of objects of `count` parts, each of which is a copy of the object `source`, of `size` bytes.
    pub(crate) async fn copying(
        target: &Target,
        (source, size): (&str, u64),
        count: u64,
        parallel_parts: usize,
    ) -> Result<Self, BenchError> {
        let (full, last) = (Content::new(size), Content::new(size));
        let parts = Parts::Copied(source.to_owned());
        Self::with(target, Layout { full, last, count, parts }, parallel_parts).await
    }

    async fn with(target: &Target, layout: Layout, parallel_parts: usize) -> Result<Self, BenchError> {
        let mut parts: Vec<Connection> = (0..parallel_parts.max(1)).map(|_| Connection::new(target)).collect();
        for connection in &mut parts {
            connection.open().await?;
        }
        Ok(Self { target: target.clone(), control: Connection::new(target), parts, layout: Arc::new(layout) })
    }

    /// Creates, fills and completes one upload.
    pub(crate) async fn upload(&mut self, key: &str) -> Result<u64, BenchError> {
        let upload = self.create(key).await?;
        let tags = self.put_parts(key, &upload).await?;
        let document = complete_document(&tags);
        let body = Content::whole(Bytes::from(document)).body();
        let request = self.target.request(Method::POST, key, &format!("uploadId={upload}"), body, None)?;
        let answer = self.control.send(request, Keep::Bytes).await?.checked("CompleteMultipartUpload")?;
        // An error may come after the status was sent: S3 API reference, CompleteMultipartUpload.
        if element(&answer.kept, "ETag").is_none() {
            let text = String::from_utf8_lossy(&answer.kept).into_owned();
            return Err(BenchError::Refused { what: "CompleteMultipartUpload".to_owned(), status: 200, text });
        }
        Ok(self.layout.full.length() * (self.layout.count - 1) + self.layout.last.length())
    }

    async fn create(&mut self, key: &str) -> Result<String, BenchError> {
        let request = self.target.request(Method::POST, key, "uploads=", Content::empty().body(), None)?;
        let answer = self.control.send(request, Keep::Bytes).await?.checked("CreateMultipartUpload")?;
        element(&answer.kept, "UploadId").ok_or_else(|| BenchError::Refused {
            what: "CreateMultipartUpload without an upload id".to_owned(),
            status: answer.status.as_u16(),
            text: String::from_utf8_lossy(&answer.kept).into_owned(),
        })
    }

    /// The ETags of all parts, in their order.
    async fn put_parts(&mut self, key: &str, upload: &str) -> Result<Vec<String>, BenchError> {
        let next = Arc::new(AtomicU64::new(0));
        let mut tasks = Vec::new();
        for mut connection in self.parts.drain(..) {
            let (target, layout, next) = (self.target.clone(), Arc::clone(&self.layout), Arc::clone(&next));
            let (key, upload) = (key.to_owned(), upload.to_owned());
            tasks.push(tokio::spawn(async move {
                let result = put_some(&mut connection, &target, &layout, &next, (&key, &upload)).await;
                (connection, result)
            }));
        }
        let mut tags = Vec::new();
        let mut failed = None;
        for task in tasks {
            let (connection, result) = task.await?;
            self.parts.push(connection);
            match result {
                Ok(some) => tags.extend(some),
                Err(error) => failed = Some(error),
            }
        }
        tags.sort_unstable();
        failed.map_or_else(|| Ok(tags.into_iter().map(|(_, tag)| tag).collect()), Err)
    }
}

/// Puts parts until there is none left that nobody else puts.
async fn put_some(
    connection: &mut Connection,
    target: &Target,
    layout: &Layout,
    next: &AtomicU64,
    (key, upload): (&str, &str),
) -> Result<Vec<(u64, String)>, BenchError> {
    let mut tags = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed) + 1;
        if number > layout.count {
            return Ok(tags);
        }
        let query = format!("partNumber={number}&uploadId={upload}");
        let tag = match &layout.parts {
            Parts::Sent => {
                let content = if number == layout.count { &layout.last } else { &layout.full };
                let request = target.request(Method::PUT, key, &query, content.body(), None)?;
                let answer = connection.send(request, Keep::Length).await?.checked("UploadPart")?;
                answer.headers.get("etag").and_then(|tag| tag.to_str().ok()).map(str::to_owned)
            }
            Parts::Copied(source) => {
                let request = target.copy(key, &query, source)?;
                let answer = connection.send(request, Keep::Bytes).await?.checked("UploadPartCopy")?;
                element(&answer.kept, "ETag").map(|tag| tag.replace("&quot;", "\""))
            }
        };
        tags.push((number, tag.unwrap_or_default()));
    }
}

fn complete_document(tags: &[String]) -> String {
    let parts = tags.iter().enumerate().map(|(at, tag)| {
        format!("<Part><PartNumber>{}</PartNumber><ETag>{}</ETag></Part>", at + 1, tag.replace('"', "&quot;"))
    });
    format!("<CompleteMultipartUpload>{}</CompleteMultipartUpload>", parts.collect::<String>())
}

/// The text of the first element of that name, in a document of which no more is asked.
fn element(document: &[u8], name: &str) -> Option<String> {
    let text = std::str::from_utf8(document).ok()?;
    let (_, rest) = text.split_once(&format!("<{name}>"))?;
    Some(rest.split_once('<')?.0.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents_are_read_and_written() {
        assert_eq!(element(b"<a><UploadId>x-1</UploadId></a>", "UploadId").as_deref(), Some("x-1"));
        assert_eq!(element(b"<a/>", "UploadId"), None);
        let expected = "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>&quot;a&quot;</ETag></Part>\
                        </CompleteMultipartUpload>";
        assert_eq!(complete_document(&["\"a\"".to_owned()]), expected);
    }
}
