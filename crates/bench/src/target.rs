//! An endpoint, and requests that it accepts.

use std::fmt;
use std::sync::{Arc, RwLock};

use bytes::Bytes;
use http::{Method, Request};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use s3_client::{EMPTY_SHA256, Signable, Signer, UNSIGNED_PAYLOAD};
use sha2::{Digest as _, Sha256};
use types::{Clock, SystemClock};

use crate::body::{Content, UploadBody};
use crate::error::BenchError;

/// What stays unencoded in a key: RFC 3986's unreserved characters, and the slash.
const KEY: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// Who signs.
#[derive(Clone)]
pub struct Credentials {
    /// The access key.
    pub access_key: String,
    /// Its secret.
    pub secret_key: String,
    /// The region of the signature.
    pub region: String,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credentials").field("access_key", &self.access_key).finish_non_exhaustive()
    }
}

/// Whether the signature covers the body.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum PayloadSigning {
    /// It does not: `UNSIGNED-PAYLOAD`, as clients send over TLS.
    #[default]
    Unsigned,
    /// It does: one SHA-256 on each side. A body's hash is made once and sent many times, so the client pays little.
    Signed,
}

/// An endpoint with a bucket and credentials. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Target(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    name: String,
    authority: String,
    bucket: String,
    credentials: Credentials,
    payload: PayloadSigning,
    signer: RwLock<Option<Signer>>,
}

impl Target {
    /// `endpoint` is `http://HOST:PORT`; `bucket` is addressed by path.
    ///
    /// # Errors
    /// [`BenchError::Endpoint`] for any other form.
    pub fn new(
        name: &str,
        endpoint: &str,
        bucket: &str,
        credentials: Credentials,
        payload: PayloadSigning,
    ) -> Result<Self, BenchError> {
        let authority = endpoint.strip_prefix("http://").map(|rest| rest.trim_end_matches('/'));
        let authority = authority.filter(|authority| !authority.is_empty() && !authority.contains('/'));
        let authority = authority.ok_or_else(|| BenchError::Endpoint(endpoint.to_owned()))?.to_owned();
        let authority = if authority.contains(':') { authority } else { format!("{authority}:80") };
        let (bucket, name) = (bucket.to_owned(), name.to_owned());
        Ok(Self(Arc::new(Inner { name, authority, bucket, credentials, payload, signer: RwLock::new(None) })))
    }

    /// How reports call it.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    pub(crate) fn authority(&self) -> &str {
        &self.0.authority
    }

    /// The path of a key, or of the bucket where `key` is empty.
    fn path(&self, key: &str) -> String {
        format!("/{}/{}", self.0.bucket, utf8_percent_encode(key, KEY)).trim_end_matches('/').to_owned()
    }

    /// A signed request. `query` is sorted and encoded.
    ///
    /// # Errors
    /// Where key or query make no URI.
    pub(crate) fn request(
        &self,
        method: Method,
        key: &str,
        query: &str,
        body: UploadBody,
        range: Option<(u64, u64)>,
    ) -> Result<Request<UploadBody>, BenchError> {
        let mut request = self.signed(method, key, query, body, None)?;
        if let Some((first, last)) = range {
            let range = format!("bytes={first}-{last}").try_into().map_err(http::Error::from)?;
            request.headers_mut().insert("range", range);
        }
        Ok(request)
    }

    /// A signed request that copies the object `source` of the same bucket.
    ///
    /// # Errors
    /// As [`Target::request`].
    pub(crate) fn copy(&self, key: &str, query: &str, source: &str) -> Result<Request<UploadBody>, BenchError> {
        self.signed(Method::PUT, key, query, Content::empty().body(), Some(&self.path(source)))
    }

    fn signed(
        &self,
        method: Method,
        key: &str,
        query: &str,
        body: UploadBody,
        copy_source: Option<&str>,
    ) -> Result<Request<UploadBody>, BenchError> {
        let path = self.path(key);
        let date = SystemClock.now().to_amz_date();
        let payload_hash = match (&body, self.0.payload) {
            (body, _) if body.is_empty() => EMPTY_SHA256,
            (_, PayloadSigning::Unsigned) => UNSIGNED_PAYLOAD,
            (body, PayloadSigning::Signed) => body.sha256(),
        };
        let source = copy_source.map(|source| ("x-amz-copy-source", source));
        let authorization = self.signer(&date).authorization(&Signable {
            method: method.as_str(),
            host: self.authority(),
            path: &path,
            query,
            date: &date,
            payload_hash,
            headers: source.as_slice(),
        });
        let uri = if query.is_empty() { path } else { format!("{path}?{query}") };
        let mut request = Request::builder()
            .method(method)
            .uri(uri)
            .header("host", self.authority())
            .header("x-amz-date", &date)
            .header("x-amz-content-sha256", payload_hash)
            .header("authorization", authorization);
        if let Some(source) = copy_source {
            request = request.header("x-amz-copy-source", source);
        }
        Ok(request.body(body)?)
    }

    /// The signer of `date`'s day.
    fn signer(&self, date: &str) -> Signer {
        if let Ok(held) = self.0.signer.read()
            && let Some(signer) = &*held
            && signer.is_of_day(date)
        {
            return signer.clone();
        }
        let Credentials { access_key, secret_key, region } = &self.0.credentials;
        let signer = Signer::new(access_key, secret_key, region, date.get(..8).unwrap_or_default());
        if let Ok(mut held) = self.0.signer.write() {
            *held = Some(signer.clone());
        }
        signer
    }
}

/// The SHA-256 of `pieces`, in hex.
pub(crate) fn sha256_of(pieces: impl Iterator<Item = Bytes>) -> String {
    let mut hasher = Sha256::new();
    pieces.for_each(|piece| hasher.update(&piece));
    hex::encode(hasher.finalize())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_are_plain_http_without_a_path() {
        let credentials = Credentials { access_key: String::new(), secret_key: String::new(), region: String::new() };
        let target = |endpoint| Target::new("x", endpoint, "b", credentials.clone(), PayloadSigning::Unsigned);
        for (endpoint, authority) in [("http://a:1", "a:1"), ("http://a:1/", "a:1"), ("http://a", "a:80")] {
            assert_eq!(target(endpoint).unwrap().authority(), authority);
        }
        for endpoint in ["https://a", "a:1", "http://", "http://a/b", ""] {
            assert!(matches!(target(endpoint), Err(BenchError::Endpoint(_))), "{endpoint}");
        }
        let target = target("http://a").unwrap();
        assert_eq!(target.path("a b/ü"), "/b/a%20b/%C3%BC");
        assert_eq!(target.path(""), "/b");
    }
}
