//! One HTTP/1.1 connection that is kept open, and made again after it broke.

use std::io;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Response, StatusCode};
use http_body_util::BodyExt as _;
use hyper::body::Incoming;
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::call::{Call, SendBody};
use crate::client::Client;
use crate::element::Element;
use crate::error::ClientError;

/// How long an endpoint may say nothing: an answer to a large upload takes its time.
const PATIENCE: Duration = Duration::from_secs(300);
/// The most bytes of a document: a page of a listing with the longest keys, encoded.
const DOCUMENT_BYTES: usize = 16 << 20;
/// How much of the body of a refusal stands in a message.
const TOLD_CHARS: usize = 300;

/// Anything that HTTP can be spoken over.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A connection.
pub struct Connection {
    client: Client,
    sender: Option<SendRequest<SendBody>>,
}

/// An answer whose body was read.
#[derive(Debug)]
pub struct Received {
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    what: String,
}

impl Received {
    /// A header as text.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The body as a document.
    ///
    /// # Errors
    /// [`ClientError::Document`]
    pub fn element(&self) -> Result<Element, ClientError> {
        Element::parse(&self.body).map_err(|problem| ClientError::Document { what: self.what.clone(), problem })
    }
}

impl Connection {
    /// A connection that is opened when it is used.
    pub const fn new(client: Client) -> Self {
        Self { client, sender: None }
    }

    /// Where it leads.
    pub fn client(&self) -> &Client {
        &self.client
    }

    /// Sends a call and reads its answer, a document, to the end.
    ///
    /// # Errors
    /// [`ClientError`]; [`ClientError::Refused`] unless the status says success.
    pub async fn send(&mut self, call: Call) -> Result<Received, ClientError> {
        let what = call.name();
        let (head, body) = self.open(call).await?.into_parts();
        let body = match read(body).await {
            Ok(body) => body,
            Err(error) => {
                self.sender = None;
                return Err(error);
            }
        };
        Ok(Received { headers: head.headers, body, what })
    }

    /// Sends a call and answers when the head of its answer has come. The body must be read to its end before the next
    /// call.
    ///
    /// # Errors
    /// As [`Connection::send`].
    pub async fn open(&mut self, call: Call) -> Result<Response<Incoming>, ClientError> {
        let what = call.name();
        let request = self.client.request(call)?;
        let outcome = self.begin(request).await;
        let response = match outcome {
            Ok(response) => response,
            Err(error) => {
                self.sender = None;
                return Err(error);
            }
        };
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, body) = (response.status(), read(response.into_body()).await);
        Err(match body {
            Ok(body) => refused(what, status, &body),
            Err(error) => {
                self.sender = None;
                error
            }
        })
    }

    async fn begin(&mut self, request: http::Request<SendBody>) -> Result<Response<Incoming>, ClientError> {
        if self.sender.as_ref().is_none_or(SendRequest::is_closed) {
            self.sender = Some(connect(&self.client).await?);
        }
        let closed = || ClientError::Connect {
            authority: self.client.authority().to_owned(),
            error: io::ErrorKind::NotConnected.into(),
        };
        let sender = self.sender.as_mut().ok_or_else(closed)?;
        sender.ready().await?;
        within_patience(sender.send_request(request)).await?.map_err(ClientError::from)
    }
}

impl std::fmt::Debug for Connection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection").field("to", &self.client.authority()).finish_non_exhaustive()
    }
}

async fn connect(client: &Client) -> Result<SendRequest<SendBody>, ClientError> {
    let failed = |error| ClientError::Connect { authority: client.authority().to_owned(), error };
    let (host, port) = client.address();
    let stream = within_patience(TcpStream::connect((host, port))).await?.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let stream: Box<dyn Stream> = match client.trust() {
        None => Box::new(stream),
        Some(trust) => {
            let name = ServerName::try_from(client.server_name().to_owned());
            let name = name.map_err(|error| failed(io::Error::other(error)))?;
            let shaken = within_patience(trust.0.connect(name, stream)).await?;
            Box::new(shaken.map_err(|error| certificate_problem(client, &error).unwrap_or_else(|| failed(error)))?)
        }
    };
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    // What breaks the connection is told to whoever waits for an answer on it.
    tokio::spawn(connection);
    Ok(sender)
}

/// What is wrong with the certificate that the endpoint shows, where a handshake failed for that.
fn certificate_problem(client: &Client, error: &io::Error) -> Option<ClientError> {
    match error.get_ref()?.downcast_ref::<rustls::Error>()? {
        rustls::Error::InvalidCertificate(problem) => {
            let authority = client.authority().to_owned();
            Some(ClientError::Certificate { authority, problem: problem.to_string() })
        }
        _ => None,
    }
}

async fn read(mut body: Incoming) -> Result<Bytes, ClientError> {
    let mut bytes = BytesMut::new();
    while let Some(frame) = within_patience(body.frame()).await? {
        let Ok(data) = frame?.into_data() else { continue };
        if bytes.len() + data.len() > DOCUMENT_BYTES {
            return Err(ClientError::Body(format!("a document has more than {DOCUMENT_BYTES} bytes")));
        }
        bytes.extend_from_slice(&data);
    }
    Ok(bytes.freeze())
}

async fn within_patience<T>(work: impl Future<Output = T>) -> Result<T, ClientError> {
    tokio::time::timeout(PATIENCE, work).await.map_err(|_| ClientError::Stalled(PATIENCE.as_secs()))
}

fn refused(what: String, status: StatusCode, body: &[u8]) -> ClientError {
    let document = Element::parse(body).ok();
    let text = |name| document.as_ref().and_then(|document| document.text(name)).map(str::to_owned);
    let start = || String::from_utf8_lossy(body).chars().take(TOLD_CHARS).collect();
    ClientError::Refused {
        what,
        status,
        code: text("Code").unwrap_or_default(),
        message: text("Message").unwrap_or_else(start),
    }
}
