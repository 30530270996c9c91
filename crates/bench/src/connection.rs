//! One HTTP/1.1 connection that is kept open.

use std::io;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::body::UploadBody;
use crate::error::BenchError;
use crate::target::Target;

/// How much of a response is kept where it is kept at all: a page of a listing, an error's document.
const KEPT_BYTES: usize = 4 << 20;

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The length of its body.
    pub(crate) bytes: u64,
    /// Its body, where it was to be kept or the request failed.
    pub(crate) kept: Vec<u8>,
}

/// What happens to an answer's body.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Keep {
    /// It is counted.
    Length,
    /// It is kept, up to a bound.
    Bytes,
}

/// A connection, which is made again after it broke.
pub(crate) struct Connection {
    target: Target,
    sender: Option<SendRequest<UploadBody>>,
}

impl Connection {
    pub(crate) fn new(target: &Target) -> Self {
        Self { target: target.clone(), sender: None }
    }

    /// Opens the connection, if it is not open, so that no request pays for it.
    pub(crate) async fn open(&mut self) -> Result<(), BenchError> {
        let connecting = connect(self.target.authority()).await;
        let failed = BenchError::io(format!("no connection to {}", self.target.authority()));
        let stream = connecting.map_err(failed)?;
        let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        // What breaks the connection is told to whoever waits for an answer on it.
        tokio::spawn(connection);
        self.sender = Some(sender);
        Ok(())
    }

    /// Sends a request and reads its answer to the end.
    pub(crate) async fn send(&mut self, request: Request<UploadBody>, keep: Keep) -> Result<Answer, BenchError> {
        let result = self.exchange(request, keep).await;
        if result.is_err() {
            self.sender = None;
        }
        result
    }

    /// Sends a request, waits for the first bytes of its answer's body, and gives the connection up.
    pub(crate) async fn first_byte(mut self, request: Request<UploadBody>) -> Result<(), BenchError> {
        let (head, mut body) = self.begin(request).await?.into_parts();
        let first = body.frame().await.transpose()?;
        match first.and_then(|frame| frame.into_data().ok()) {
            Some(data) if head.status.is_success() && !data.is_empty() => Ok(()),
            other => {
                let text = String::from_utf8_lossy(&other.unwrap_or_default()).chars().take(300).collect();
                Err(BenchError::Refused { what: "GET".to_owned(), status: head.status.as_u16(), text })
            }
        }
    }

    async fn exchange(&mut self, request: Request<UploadBody>, keep: Keep) -> Result<Answer, BenchError> {
        let (head, mut body) = self.begin(request).await?.into_parts();
        let keep = if head.status.is_success() { keep } else { Keep::Bytes };
        let mut answer = Answer { status: head.status, headers: head.headers, bytes: 0, kept: Vec::new() };
        while let Some(frame) = body.frame().await {
            let Ok(data) = frame?.into_data() else { continue };
            answer.take(&data, keep);
        }
        Ok(answer)
    }

    /// Sends a request, and answers when the head of its answer has come.
    async fn begin(&mut self, request: Request<UploadBody>) -> Result<Response<Incoming>, BenchError> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            self.open().await?;
        }
        let closed = || BenchError::Io { what: "a connection".to_owned(), error: io::ErrorKind::NotConnected.into() };
        let sender = self.sender.as_mut().ok_or_else(closed)?;
        sender.ready().await?;
        Ok(sender.send_request(request).await?)
    }
}

impl Answer {
    fn take(&mut self, data: &Bytes, keep: Keep) {
        self.bytes += data.len() as u64;
        if keep == Keep::Bytes && self.kept.len() + data.len() <= KEPT_BYTES {
            self.kept.extend_from_slice(data);
        }
    }

    /// An error unless the status says success.
    pub(crate) fn checked(self, what: impl Into<String>) -> Result<Self, BenchError> {
        if self.status.is_success() {
            return Ok(self);
        }
        let text: String = String::from_utf8_lossy(&self.kept).chars().take(300).collect();
        Err(BenchError::Refused { what: what.into(), status: self.status.as_u16(), text })
    }
}

async fn connect(authority: &str) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(authority).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}
