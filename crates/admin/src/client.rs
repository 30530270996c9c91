//! The client: one connection for each call over the local socket.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use http::{Method, Request, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::net::UnixStream;

use crate::error::{ErrorBody, ErrorDetail};

/// The largest answer that is read, in bytes: a list of [`crate::LIST_LIMIT`] items with long texts.
const ANSWER_BYTES: usize = 256 << 20;

/// Talks to a running server through its administration socket. The calls stand with their nouns.
#[derive(Clone, Debug)]
pub struct AdminClient {
    socket: PathBuf,
}

/// A call was not answered, or with an error.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClientError {
    /// Nobody answers at the socket.
    #[error(
        "no server answers at {socket} ({reason}). Start one with `commonhold serve`, or name its socket with --socket"
    )]
    NotRunning {
        /// The socket.
        socket: String,
        /// What the operating system says.
        reason: String,
    },
    /// The server refuses.
    #[error("{}", refusal(.0))]
    Refused(ErrorDetail),
    /// The answer is not one of this API.
    #[error("the server's answer can not be understood: {0}")]
    Protocol(String),
}

fn refusal(detail: &ErrorDetail) -> String {
    match detail.hint.as_str() {
        "" => detail.message.clone(),
        hint => format!("{}. {hint}", detail.message),
    }
}

/// The body of a call that has none.
pub(crate) const NO_BODY: Option<&()> = None;

impl AdminClient {
    /// A client for the server whose socket is at `socket`. Nothing is connected yet.
    pub fn new(socket: impl Into<PathBuf>) -> Self {
        Self { socket: socket.into() }
    }

    /// Where the server's socket is.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    /// Makes one call.
    pub(crate) async fn call<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        body: Option<&impl Serialize>,
    ) -> Result<T, ClientError> {
        let body = match body {
            Some(body) => serde_json::to_vec(body).map_err(protocol)?,
            None => Vec::new(),
        };
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(protocol)?;
        let (status, answer) = self.exchange(request).await?;
        if status.is_success() {
            return serde_json::from_slice(&answer).map_err(protocol);
        }
        match serde_json::from_slice::<ErrorBody>(&answer) {
            Ok(body) => Err(ClientError::Refused(body.error)),
            Err(_) => Err(protocol(format!("status {status}"))),
        }
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<(StatusCode, Bytes), ClientError> {
        let stream = UnixStream::connect(&self.socket).await.map_err(|error| ClientError::NotRunning {
            socket: self.socket.display().to_string(),
            reason: error.to_string(),
        })?;
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(protocol)?;
        // The task ends with the connection, which ends when the sender is dropped and the answer is read.
        let driver = tokio::spawn(connection);
        let response = sender.send_request(request).await.map_err(protocol)?;
        let status = response.status();
        let answer = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(protocol)?;
        drop(sender);
        driver.abort();
        Ok((status, answer.to_bytes()))
    }
}

/// A name as a part of a path or query.
pub(crate) fn encoded(name: impl AsRef<str>) -> String {
    utf8_percent_encode(name.as_ref(), NON_ALPHANUMERIC).to_string()
}

/// A path with the parameters that are there.
pub(crate) fn with_query(path: &str, parameters: &[(&str, Option<&str>)]) -> String {
    let given = parameters.iter().filter_map(|(name, value)| value.map(|value| format!("{name}={}", encoded(value))));
    let query = given.collect::<Vec<_>>().join("&");
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

fn protocol(error: impl ToString) -> ClientError {
    ClientError::Protocol(error.to_string())
}
