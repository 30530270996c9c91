//! The S3 service behind a listener, and the service for temporary credentials beside it, which has the same address.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{Either, Full};
use s3_api::{ConnectionInfo, Proxies, ResponseBody, S3Service};
use s3_protocol::auth::SECURITY_TOKEN;
use s3_protocol::{ErrorCode, S3Error};
use sts::StsService;
use types::{Entropy, OsEntropy};

use crate::connection::{Handler, Peer, RequestBody};

/// The most bytes of a request's headers, names and values: S3's own bound (S3 user guide, "Working with object
/// metadata": the PUT request header is limited to 8 KB). The token of a session, which has a bound of its own, does not
/// count.
const HEADER_BYTES: usize = 8 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// The services as a handler.
#[derive(Debug)]
pub(crate) struct S3 {
    /// Everything but temporary credentials.
    pub(crate) s3: S3Service,
    /// Temporary credentials.
    pub(crate) sts: StsService,
    /// Whose word counts for who the client is.
    pub(crate) proxies: Proxies,
}

impl Handler for S3 {
    type Body = Either<ResponseBody, Full<Bytes>>;

    async fn handle(self: Arc<Self>, request: Request<RequestBody>, peer: Peer) -> Response<Self::Body> {
        let connection = match peer {
            Peer::Http(remote) => ConnectionInfo { remote, tls: false },
            Peer::Https(remote) => ConnectionInfo { remote, tls: true },
            // The administration socket has a handler of its own.
            Peer::Local(_) => return refuse(&request, ErrorCode::MethodNotAllowed),
        };
        if header_bytes(request.headers()) > HEADER_BYTES {
            return refuse(&request, ErrorCode::RequestHeaderSectionTooLarge);
        }
        let (mut parts, body) = request.into_parts();
        if sts::is_request(&parts) {
            let connection = self.proxies.see_through(&mut parts, connection);
            let request = Request::from_parts(parts, body);
            return Box::pin(self.sts.handle(request, connection.remote)).await.map(Either::Right);
        }
        self.s3.handle(Request::from_parts(parts, body), connection).await.map(Either::Left)
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    let counted = headers.iter().filter(|(name, _)| *name != SECURITY_TOKEN);
    counted.map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// The error as S3 words it, where the service does not answer.
fn refuse<B>(request: &Request<RequestBody>, code: ErrorCode) -> Response<Either<B, Full<Bytes>>> {
    let request_id = format!("{:016X}", OsEntropy.next_u64());
    let mut response = S3Error::from(code).to_response(request.method(), request.uri().path(), &request_id, "");
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.map(|body| Either::Right(Full::new(body)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The most bytes that are taken for a request before it is known what it asks for. Rarer requests have boxes of
    /// their own.
    const MOST: usize = 4 * 1024;

    fn size_of_future<F>(_: impl FnOnce(Arc<S3>, Request<RequestBody>, Peer) -> F) -> usize {
        size_of::<F>()
    }

    #[test]
    fn what_every_request_takes_is_small() {
        let size = size_of_future(|handler, request, peer| handler.handle(request, peer));
        assert!(size <= MOST, "{size} bytes: put what is large and rare into a box");
    }
}
