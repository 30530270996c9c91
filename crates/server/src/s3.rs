//! The S3 service behind a listener.

use std::num::NonZero;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, Uri};
use http_body_util::{Either, Full};
use s3_api::{ConnectionInfo, ResponseBody, S3Service};
use s3_protocol::{ErrorCode, S3Error};
use tokio_util::task::{AbortOnDropHandle, LocalPoolHandle};
use types::{Entropy, OsEntropy};

use crate::connection::{Handler, Peer, RequestBody};

/// The most bytes of a request's headers, names and values: S3's own bound (S3 user guide, "Working with object
/// metadata": the PUT request header is limited to 8 KB).
const HEADER_BYTES: usize = 8 * 1024;
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");

/// The service as a handler.
///
/// Requests run on threads of their own, each to its end on one of them, because the service's futures do not move
/// between threads. A request whose client goes away is dropped with its connection.
#[derive(Debug)]
pub(crate) struct S3 {
    service: S3Service,
    threads: LocalPoolHandle,
}

impl S3 {
    /// The service on as many threads as there are cores.
    pub(crate) fn new(service: S3Service) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
        Self { service, threads: LocalPoolHandle::new(cores) }
    }
}

impl Handler for S3 {
    type Body = Either<ResponseBody, Full<Bytes>>;

    async fn handle(self: Arc<Self>, request: Request<RequestBody>, peer: Peer) -> Response<Self::Body> {
        let (method, uri) = (request.method().clone(), request.uri().clone());
        let connection = match peer {
            Peer::Http(remote) => ConnectionInfo { remote, tls: false },
            Peer::Https(remote) => ConnectionInfo { remote, tls: true },
            // The administration socket has a handler of its own.
            Peer::Local => return refuse(&method, &uri, ErrorCode::MethodNotAllowed),
        };
        if header_bytes(request.headers()) > HEADER_BYTES {
            return refuse(&method, &uri, ErrorCode::RequestHeaderSectionTooLarge);
        }
        let of_task = Arc::clone(&self);
        let task = self.threads.spawn_pinned(move || async move { of_task.service.handle(request, connection).await });
        match AbortOnDropHandle::new(task).await {
            Ok(response) => response.map(Either::Left),
            Err(error) => {
                tracing::error!(%error, %method, path = uri.path(), "a request broke down");
                refuse(&method, &uri, ErrorCode::InternalError)
            }
        }
    }
}

fn header_bytes(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}

/// The error as S3 words it, where the service does not answer.
fn refuse<B>(method: &Method, uri: &Uri, code: ErrorCode) -> Response<Either<B, Full<Bytes>>> {
    let request_id = format!("{:016X}", OsEntropy.next_u64());
    let mut response = S3Error::from(code).to_response(method, uri.path(), &request_id, "");
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.map(|body| Either::Right(Full::new(body)))
}
