//! An endpoint with credentials, and requests that it accepts.

use std::fmt;
use std::sync::{Arc, RwLock};

use http::Request;
use http::header::{CONTENT_LENGTH, HOST, HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use types::Clock;
use zeroize::Zeroizing;

use crate::call::{Call, SendBody};
use crate::error::ClientError;
use crate::signature::{EMPTY_SHA256, Signable, Signer, UNSIGNED_PAYLOAD};
use crate::tls::Trust;

/// What stays unencoded in a query: RFC 3986's unreserved characters.
const QUERY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// The same in a key, and the slash.
const KEY: &AsciiSet = &QUERY.remove(b'/');
/// The headers of this prefix are signed.
const SIGNED_PREFIX: &str = "x-amz-";

/// Who signs.
#[derive(Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: Zeroizing<String>,
    /// The region of the signature.
    pub region: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// An endpoint with credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Client(Arc<Inner>);

#[derive(Clone)]
struct Endpoint {
    host: String,
    port: u16,
    /// As it was given.
    authority: String,
    trust: Option<Trust>,
}

struct Inner {
    /// Where connections lead.
    endpoint: Endpoint,
    /// As `Host` has it, where it is not the endpoint's.
    host: Option<String>,
    credentials: Option<Credentials>,
    clock: Arc<dyn Clock>,
    signer: RwLock<Option<Signer>>,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("authority", &self.endpoint.authority).finish_non_exhaustive()
    }
}

impl Client {
    /// `endpoint` is `http://HOST[:PORT]` or `https://HOST[:PORT]`, whose certificate is believed by `trust`. Requests of a
    /// client without credentials are not signed.
    ///
    /// # Errors
    /// [`ClientError::Endpoint`] for any other form.
    pub fn new(
        endpoint: &str,
        credentials: Option<Credentials>,
        trust: &Trust,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, ClientError> {
        let bad = || ClientError::Endpoint(endpoint.to_owned());
        let (scheme, rest) = endpoint.split_once("://").ok_or_else(bad)?;
        let authority = rest.trim_end_matches('/');
        if authority.is_empty() || authority.contains(['/', '@', '?', '#', ' ']) {
            return Err(bad());
        }
        let (usual, trust) = match scheme {
            "http" => (80, None),
            "https" => (443, Some(trust.clone())),
            _ => return Err(bad()),
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, port.parse().map_err(|_| bad())?),
            _ => (authority, usual),
        };
        let (host, authority) = (host.to_owned(), authority.to_owned());
        let endpoint = Endpoint { host, port, authority, trust };
        Ok(Self(Arc::new(Inner { endpoint, host: None, credentials, clock, signer: RwLock::new(None) })))
    }

    /// The same endpoint with other credentials, and `host` in the place of its own name: what a server that tells sites
    /// apart by it takes it for, and whose certificate it has to show.
    #[must_use]
    pub fn as_host(&self, host: &str, credentials: Credentials) -> Self {
        self.anew(Some(host.to_owned()), credentials)
    }

    /// The same endpoint with credentials.
    #[must_use]
    pub fn with_credentials(&self, credentials: Credentials) -> Self {
        self.anew(self.0.host.clone(), credentials)
    }

    fn anew(&self, host: Option<String>, credentials: Credentials) -> Self {
        Self(Arc::new(Inner {
            endpoint: self.0.endpoint.clone(),
            host,
            credentials: Some(credentials),
            clock: Arc::clone(&self.0.clock),
            signer: RwLock::new(None),
        }))
    }

    /// The host and port, as they were given.
    pub fn authority(&self) -> &str {
        &self.0.endpoint.authority
    }

    /// Where connections lead.
    pub(crate) fn address(&self) -> (&str, u16) {
        let Endpoint { host, port, .. } = &self.0.endpoint;
        (host.trim_start_matches('[').trim_end_matches(']'), *port)
    }

    /// The name that the endpoint's certificate must have.
    pub(crate) fn server_name(&self) -> &str {
        self.0.host.as_deref().unwrap_or_else(|| self.address().0)
    }

    pub(crate) fn trust(&self) -> Option<&Trust> {
        self.0.endpoint.trust.as_ref()
    }

    /// The request of a call. The body is not signed: it streams.
    pub(crate) fn request(&self, call: Call) -> Result<Request<SendBody>, ClientError> {
        let path = match (call.bucket.as_str(), call.key.as_str()) {
            ("", _) => "/".to_owned(),
            (bucket, "") => format!("/{}", utf8_percent_encode(bucket, KEY)),
            (bucket, key) => format!("/{}/{}", utf8_percent_encode(bucket, KEY), utf8_percent_encode(key, KEY)),
        };
        let mut pairs: Vec<String> = Vec::with_capacity(call.query.len());
        for (name, value) in &call.query {
            pairs.push(format!("{}={}", utf8_percent_encode(name, QUERY), utf8_percent_encode(value, QUERY)));
        }
        pairs.sort_unstable();
        let query = pairs.join("&");
        let host = self.0.host.as_deref().unwrap_or_else(|| self.authority());
        let uri = if query.is_empty() { path.clone() } else { format!("{path}?{query}") };
        let mut request = Request::builder()
            .method(call.method.clone())
            .uri(uri)
            .header(HOST, host)
            .header(CONTENT_LENGTH, call.length);
        for (name, value) in &call.headers {
            let value = HeaderValue::from_bytes(value.as_bytes()).map_err(http::Error::from)?;
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(http::Error::from)?;
            request = request.header(name, value);
        }
        if let Some(credentials) = &self.0.credentials {
            let date = self.0.clock.now().to_amz_date();
            let payload_hash = if call.length == 0 { EMPTY_SHA256 } else { UNSIGNED_PAYLOAD };
            let of_amz = call.headers.iter().filter(|(name, _)| name.starts_with(SIGNED_PREFIX));
            let headers: Vec<(&str, &str)> = of_amz.map(|(name, value)| (name.as_str(), value.as_str())).collect();
            let authorization = self.signer(credentials, &date).authorization(&Signable {
                method: call.method.as_str(),
                host,
                path: &path,
                query: &query,
                date: &date,
                payload_hash,
                headers: &headers,
            });
            request = request
                .header("x-amz-date", &date)
                .header("x-amz-content-sha256", payload_hash)
                .header("authorization", authorization);
        }
        Ok(request.body(call.body)?)
    }

    /// The signer of `date`'s day.
    fn signer(&self, credentials: &Credentials, date: &str) -> Signer {
        if let Ok(held) = self.0.signer.read()
            && let Some(signer) = &*held
            && signer.is_of_day(date)
        {
            return signer.clone();
        }
        let Credentials { access_key, secret_key, region } = credentials;
        let signer = Signer::new(access_key, secret_key, region, date.get(..8).unwrap_or_default());
        if let Ok(mut held) = self.0.signer.write() {
            *held = Some(signer.clone());
        }
        signer
    }
}

#[cfg(test)]
mod tests {
    use types::SystemClock;

    use super::*;

    #[test]
    fn endpoints_have_a_scheme_and_no_path() {
        let trust = Trust::of_system().expect("TLS");
        let client = |endpoint: &str| Client::new(endpoint, None, &trust, Arc::new(SystemClock));
        for (endpoint, host, port, authority) in [
            ("http://a:1", "a", 1, "a:1"),
            ("http://a.example/", "a.example", 80, "a.example"),
            ("https://a", "a", 443, "a"),
            ("http://[::1]:9000", "::1", 9000, "[::1]:9000"),
            ("http://[::1]", "::1", 80, "[::1]"),
        ] {
            let client = client(endpoint).expect(endpoint);
            assert_eq!((client.address(), client.authority()), ((host, port), authority), "{endpoint}");
        }
        for endpoint in ["a:1", "ftp://a", "http://", "http://a/b", "http://a:b", "http://u@a", ""] {
            assert!(matches!(client(endpoint), Err(ClientError::Endpoint(_))), "{endpoint}");
        }
    }

    #[test]
    fn requests_are_encoded_and_signed() {
        let trust = Trust::of_system().expect("TLS");
        let credentials = Credentials {
            access_key: "k".to_owned(),
            secret_key: Zeroizing::new("s".to_owned()),
            region: "us-east-1".to_owned(),
        };
        let client =
            Client::new("http://a", Some(credentials.clone()), &trust, Arc::new(SystemClock)).expect("a client");
        let call = Call::object(http::Method::GET, "b_1", "x y/ü?").query("versionId", "a+b").query("partNumber", "1");
        let request = client.request(call.header("X-Amz-Meta-Name", "v")).expect("a request");
        assert_eq!(request.uri(), "/b_1/x%20y/%C3%BC%3F?partNumber=1&versionId=a%2Bb");
        let elsewhere = Credentials { access_key: "l".to_owned(), ..credentials };
        let client_of_site = client.as_host("site.example", elsewhere);
        assert_eq!((client_of_site.address(), client_of_site.server_name()), (("a", 80), "site.example"));
        let of_site = client_of_site.request(Call::bucket(http::Method::GET, "")).expect("a request");
        assert_eq!(of_site.headers()["host"], "site.example");
        assert!(of_site.headers()["authorization"].to_str().is_ok_and(|it| it.contains("Credential=l/")));
        let authorization = request.headers()["authorization"].to_str().expect("text");
        assert!(
            authorization.contains("SignedHeaders=host;x-amz-content-sha256;x-amz-date;x-amz-meta-name,"),
            "{authorization}"
        );
    }
}
