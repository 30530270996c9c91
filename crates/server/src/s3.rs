//! The S3 service behind a listener.

use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{Either, Full};
use s3_api::{ConnectionInfo, ResponseBody, S3Service};
use s3_protocol::{ErrorCode, S3Error};
use types::{Entropy, OsEntropy};

use crate::connection::{Handler, Peer, RequestBody};

/// The most bytes of a request's headers, names and values: S3's own bound (S3 user guide, "Working with object
/// metadata": the PUT request header is limited to 8 KB).
const HEADER_BYTES: usize = 8 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// The service as a handler.
#[derive(Debug)]
pub(crate) struct S3(pub(crate) S3Service);

impl Handler for S3 {
    type Body = Either<ResponseBody, Full<Bytes>>;

    async fn handle(self: Arc<Self>, request: Request<RequestBody>, peer: Peer) -> Response<Self::Body> {
        let connection = match peer {
            Peer::Http(remote) => ConnectionInfo { remote, tls: false },
            Peer::Https(remote) => ConnectionInfo { remote, tls: true },
            // The administration socket has a handler of its own.
            Peer::Local => return refuse(&request, ErrorCode::MethodNotAllowed),
        };
        if header_bytes(request.headers()) > HEADER_BYTES {
            return refuse(&request, ErrorCode::RequestHeaderSectionTooLarge);
        }
        self.0.handle(request, connection).await.map(Either::Left)
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
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
