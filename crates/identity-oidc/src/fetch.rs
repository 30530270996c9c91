//! Asking the provider: one HTTP request at a time, on a connection of its own, with bounds on time and size.
//!
//! It is done a few times an hour, so that nothing is gained by keeping connections. Redirects are not followed: what the
//! provider's addresses are stands in its discovery document.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, USER_AGENT};
use http::uri::Scheme;
use http::{Method, Request, Uri};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper_util::rt::TokioIo;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::OidcError;

/// How long one request may take, from the look-up of the name to the last byte.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The largest answer, in bytes: key sets and discovery documents have a few thousand.
const ANSWER_BYTES: usize = 512 * 1024;
/// Requests to the provider, by `outcome`: `done` or `failed`.
pub const FETCHES: &str = "commonhold_oidc_requests_total";
/// Seconds that requests to the provider took.
pub const FETCH_SECONDS: &str = "commonhold_oidc_request_seconds";

/// Asks the provider.
pub(crate) struct Fetch {
    tls: Arc<rustls::ClientConfig>,
}

/// A form to be posted.
pub(crate) struct Form {
    /// The fields, encoded.
    pub(crate) body: String,
    /// What goes into `Authorization`.
    pub(crate) authorization: Option<String>,
}

impl Fetch {
    /// With the authorities of `tls`.
    pub(crate) fn new(tls: Arc<rustls::ClientConfig>) -> Self {
        Self { tls }
    }

    /// What is at `url`.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub(crate) async fn get(&self, url: &str) -> Result<Bytes, OidcError> {
        self.ask(Method::GET, url, None).await
    }

    /// The answer to a form.
    ///
    /// # Errors
    /// [`OidcError::Away`].
    pub(crate) async fn post(&self, url: &str, form: Form) -> Result<Bytes, OidcError> {
        self.ask(Method::POST, url, Some(form)).await
    }

    async fn ask(&self, method: Method, url: &str, form: Option<Form>) -> Result<Bytes, OidcError> {
        let started = Instant::now();
        let asked = tokio::time::timeout(TIMEOUT, self.exchange(method, url, form)).await;
        let answer = asked.unwrap_or_else(|_| Err(format!("it took more than {} seconds", TIMEOUT.as_secs())));
        metrics::histogram!(FETCH_SECONDS).record(started.elapsed());
        let outcome = if answer.is_ok() { "done" } else { "failed" };
        metrics::counter!(FETCHES, "outcome" => outcome).increment(1);
        answer.map_err(|reason| OidcError::Away(format!("{url}: {reason}")))
    }

    async fn exchange(&self, method: Method, url: &str, form: Option<Form>) -> Result<Bytes, String> {
        let address = Address::parse(url)?;
        let stream = TcpStream::connect((address.host.trim_matches(['[', ']']), address.port)).await;
        let stream = stream.map_err(|error| error.to_string())?;
        let request = address.request(method, form)?;
        if !address.is_tls {
            return send(stream, request).await;
        }
        let name = ServerName::try_from(address.host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| error.to_string())?;
        let stream = TlsConnector::from(Arc::clone(&self.tls)).connect(name, stream).await;
        send(stream.map_err(|error| error.to_string())?, request).await
    }
}

async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Bytes, String>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let text = |error: hyper::Error| error.to_string();
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.map_err(text)?;
    // It ends with the sender, or with this future.
    let connection = Driver(tokio::spawn(connection));
    let response = sender.send_request(request).await.map_err(text)?;
    let status = response.status();
    if !status.is_success() {
        return Err(format!("it answered {status}"));
    }
    let answer = Limited::new(response.into_body(), ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
    drop(connection);
    Ok(answer.to_bytes())
}

/// The task of a connection, which ends when it is dropped.
struct Driver(tokio::task::JoinHandle<Result<(), hyper::Error>>);

impl Drop for Driver {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Where a URL leads.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Address {
    is_tls: bool,
    host: String,
    port: u16,
    /// Host and port as the URL has them.
    authority: String,
    /// Path and query.
    target: String,
}

impl Address {
    fn parse(url: &str) -> Result<Self, String> {
        let uri: Uri = url.parse().map_err(|_| "it is no URL".to_owned())?;
        let authority = uri.authority().ok_or("it names no host")?;
        if authority.as_str().contains('@') {
            return Err("a URL here has no user".to_owned());
        }
        let is_tls = uri.scheme() == Some(&Scheme::HTTPS);
        let is_local = || uri.scheme() == Some(&Scheme::HTTP) && is_loopback(authority.host());
        if !is_tls && !is_local() {
            return Err("it must begin with https:// (http:// only for the machine itself)".to_owned());
        }
        let target = uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        Ok(Self {
            is_tls,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if is_tls { 443 } else { 80 }),
            authority: authority.as_str().to_owned(),
            target: target.to_owned(),
        })
    }

    fn request(&self, method: Method, form: Option<Form>) -> Result<Request<Full<Bytes>>, String> {
        let mut request = Request::builder()
            .method(method)
            .uri(&self.target)
            .header(HOST, &self.authority)
            .header(USER_AGENT, "commonhold")
            .header(ACCEPT, "application/json");
        let body = match form {
            None => Bytes::new(),
            Some(form) => {
                request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded");
                if let Some(authorization) = form.authorization {
                    request = request.header(AUTHORIZATION, authorization);
                }
                form.body.into()
            }
        };
        request.body(Full::new(body)).map_err(|error| error.to_string())
    }
}

/// Whether the store may speak to this address without reading further: that it is `https`, or the machine itself.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check_url(url: &str) -> Result<(), String> {
    Address::parse(url).map(|_| ())
}

fn is_loopback(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host == "localhost" || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_tls_leaves_the_machine() {
        for (url, expected) in [
            ("https://id.example.org/realms/a", Some(("id.example.org", 443, "/realms/a"))),
            ("https://id.example.org:8443/a?b=c", Some(("id.example.org", 8443, "/a?b=c"))),
            ("http://127.0.0.1:8080/", Some(("127.0.0.1", 8080, "/"))),
            ("http://[::1]:8080", Some(("[::1]", 8080, "/"))),
            ("http://localhost", Some(("localhost", 80, "/"))),
            ("http://id.example.org/", None),
            ("http://127.0.0.1.example.org/", None),
            ("https://user@id.example.org/", None),
            ("ftp://id.example.org/", None),
            ("id.example.org", None),
            ("/realms", None),
            ("", None),
        ] {
            let found = Address::parse(url).ok();
            let found = found.as_ref().map(|found| (found.host.as_str(), found.port, found.target.as_str()));
            assert_eq!(found, expected, "{url}");
        }
    }
}
