//! [`S3Service`]: from a request's head to an operation, and from its outcome to a response.
//!
//! The order is that of `s3-protocol`: host, route, credentials, signature, principal, operation. Until the operation
//! has authorized the request nobody polls its body, so that `100 Continue` is sent to those who may go on and to nobody
//! else (hyper sends it at the first poll).

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use access::{Access, Credential};
use audit::{Audit, Pending};
use bytes::Bytes;
use http::header::{ORIGIN, SERVER};
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use identity::Identity;
use metering::Metering;
use objects::Objects;
use policy::{Cors, Principal};
use s3_protocol::auth::SigningKeyCache;
use s3_protocol::headers::header_value;
use s3_protocol::{ErrorCode, Operation, RequestHead, S3Error, route};
use types::{BucketName, Clock, Entropy, HexText};

use crate::audited;
use crate::body::{Content, ResponseBody};
use crate::bulk::Bulk;
use crate::call::{Call, Outcome, Reply};
use crate::cors;
use crate::errors;
use crate::observe::{Meters, Record, RequestId};
use crate::operations;
use crate::pages::Pages;
use crate::proxy::Proxies;
use crate::request_body::RequestBody;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-amz-request-id");
const ID_2: HeaderName = HeaderName::from_static("x-amz-id-2");
const COMMONHOLD: HeaderValue = HeaderValue::from_static("Commonhold");
/// How many signing keys are kept: one for each access key in use, day and region. 160 bytes each.
const SIGNING_KEYS: usize = 16 * 1024;

/// What an installation may set.
#[derive(Clone, Debug)]
pub struct S3Config {
    /// What GetBucketLocation answers where a bucket was made without a constraint, and `x-amz-bucket-region`.
    pub region: String,
    /// How long a client may take to send the next piece of a body.
    pub stall: Duration,
    /// The origins of the portal's pages, `https://portal.example.org`, which talk to the store from browsers.
    pub portal_origins: Vec<String>,
}

impl Default for S3Config {
    fn default() -> Self {
        Self { region: "us-east-1".to_owned(), stall: Duration::from_secs(60), portal_origins: Vec::new() }
    }
}

/// What is known of the connection that a request came on.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionInfo {
    /// The client, or the proxy before it.
    pub remote: SocketAddr,
    /// Whether it is encrypted.
    pub tls: bool,
}

/// The S3 API of every tenancy. Shared by all connections.
pub struct S3Service {
    pub(crate) access: Arc<Access>,
    pub(crate) identity: Arc<Identity>,
    pub(crate) objects: Arc<Objects>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) config: S3Config,
    pub(crate) signing_keys: SigningKeyCache,
    pub(crate) pages: Pages,
    pub(crate) bulk: Bulk,
    /// What the portal's pages may ask for.
    pub(crate) portal_pages: Option<Cors>,
    audit: Audit,
    meters: Arc<Meters>,
    entropy: Arc<dyn Entropy>,
    proxies: Proxies,
}

impl S3Service {
    /// The service on these parts.
    pub fn new(
        access: Arc<Access>,
        identity: Arc<Identity>,
        objects: Arc<Objects>,
        audit: Audit,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        config: S3Config,
    ) -> Self {
        let signing_keys = SigningKeyCache::new(SIGNING_KEYS);
        let portal_pages = cors::of_portal(&config.portal_origins);
        Self {
            access,
            identity,
            objects,
            clock,
            config,
            signing_keys,
            pages: Pages::default(),
            bulk: Bulk::new(Instant::now()),
            portal_pages,
            audit,
            meters: Arc::default(),
            entropy,
            proxies: Proxies::None,
        }
    }

    /// The service, with a history of use.
    #[must_use]
    pub fn metered(self, history: Arc<Metering>) -> Self {
        Self { meters: Arc::new(Meters::with_history(history)), ..self }
    }

    /// The service behind such proxies.
    #[must_use]
    pub fn behind(self, proxies: Proxies) -> Self {
        Self { proxies, ..self }
    }

    /// Answers one request. Never fails: whatever goes wrong is a response.
    pub async fn handle<B>(&self, request: Request<B>, connection: ConnectionInfo) -> Response<ResponseBody>
    where
        B: Body<Data = Bytes> + Send + 'static,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let ids = self.request_ids();
        let (mut parts, body) = request.into_parts();
        let connection = self.proxies.see_through(&mut parts, connection);
        let mut record = Record::new(ids.request, connection.remote, Arc::clone(&self.meters));
        let body = RequestBody::new(body, record.received());
        let outcome = self.answer(&parts, &body, connection, &mut record).await;
        let mut reply = match outcome {
            Ok(reply) => reply,
            Err(error) => {
                record.error = Some(error.code().as_str());
                if !matches!(error.code(), ErrorCode::RequestTimeout | ErrorCode::IncompleteBody) {
                    body.drain(&RequestHead::new(&parts, None), self.config.stall).await;
                }
                let (request_id, host_id) = (ids.request.as_str(), ids.host.as_str());
                let response = error.to_response(&parts.method, parts.uri.path(), request_id, host_id);
                let (head, body) = response.into_parts();
                Reply { status: head.status, headers: head.headers, content: Content::Whole(body) }
            }
        };
        if parts.headers.contains_key(ORIGIN) {
            Box::pin(self.tell_browser(&parts, &record, &mut reply.headers)).await;
        }
        finish(reply, &parts.method, &ids, record)
    }

    async fn answer(
        &self,
        parts: &http::request::Parts,
        body: &RequestBody,
        connection: ConnectionInfo,
        record: &mut Record,
    ) -> Result<Reply, S3Error> {
        let host = self.access.resolve_host(RequestHead::new(parts, None).host());
        let head = RequestHead::new(parts, host.bucket.as_ref().map(BucketName::as_str));
        let route = route(&head)?;
        record.operation = route.operation.name();
        record.bucket = route.bucket().cloned();
        record.key = route.key().cloned();
        if !matches!(route.operation, Operation::DeleteObject | Operation::DeleteObjects) {
            self.bulk.other_began(record.started);
        }
        if route.operation == Operation::PreflightRequest {
            // Browsers ask without credentials, so this is answered before anybody is identified.
            return Box::pin(operations::preflight_request::handle(self, &head, &route)).await;
        }
        let (sender, form) = match route.operation {
            Operation::PostObject => {
                let (sender, form) =
                    Box::pin(self.identify_form(&head, &host, body, record.request_id.as_str())).await?;
                (sender, Some(form))
            }
            _ => (self.identify(&head, &route.query, &host, record.request_id.as_str()).await?, None),
        };
        record.principal = Some(Arc::clone(&sender.principal));
        if let Some(credential) = &sender.credential {
            self.access.note_use(credential, connection.remote.ip(), route.operation.name()).await;
        }
        let (principal, request_id) = (Arc::clone(&sender.principal), record.request_id);
        let pending = audited::act(&route, &principal, record).map(|act| self.audit.begin(act));
        let call = Call {
            service: self,
            head,
            route: &route,
            record,
            principal: sender.principal,
            signature: sender.signature,
            token_issued_at: sender.credential.as_ref().and_then(Credential::issued),
            payload_mode: &sender.payload_mode,
            connection,
            fields: None,
            body,
        };
        let answer = operations::perform(call, form).await;
        match pending {
            Some(pending) => self.recorded(pending, &principal, answer, request_id.as_str()).await,
            None => answer,
        }
    }

    /// The answer of an act, once the audit log has it.
    ///
    /// # Errors
    /// InternalError where it has not.
    async fn recorded(
        &self,
        pending: Pending,
        principal: &Principal,
        answer: Outcome,
        request_id: &str,
    ) -> Result<Reply, S3Error> {
        let ending = audited::ending(&answer);
        if !audited::is_worth_an_entry(principal, &ending) {
            pending.forget();
            return answer;
        }
        pending.end(ending).await.map_err(|error| errors::internal(&error, request_id))?;
        answer
    }

    fn request_ids(&self) -> RequestIds {
        let mut bytes = [0; 40];
        self.entropy.fill(&mut bytes);
        let (request, host) = bytes.split_at(8);
        RequestIds { request: HexText::upper(request), host: HexText::lower(host) }
    }
}

/// What a client names a request by, when it asks about it.
struct RequestIds {
    /// `x-amz-request-id`, which the log has too.
    request: RequestId,
    /// `x-amz-id-2`.
    host: HexText<64>,
}

impl std::fmt::Debug for S3Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("S3Service")
    }
}

/// What all responses have in common. A HEAD, 204 or 304 has no body.
fn finish(reply: Reply, method: &Method, ids: &RequestIds, mut record: Record) -> Response<ResponseBody> {
    let Reply { status, mut headers, content } = reply;
    record.status = Some(status);
    headers.insert(REQUEST_ID, header_value(ids.request.as_str()));
    headers.insert(ID_2, header_value(ids.host.as_str()));
    headers.insert(SERVER, COMMONHOLD);
    let bodyless = *method == Method::HEAD || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let content = if bodyless { Content::Empty } else { content };
    let mut response = Response::new(ResponseBody::new(content, record));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Connections run on any thread, so the future must be able to move.
    #[expect(dead_code, reason = "it is enough that it compiles")]
    fn requests_can_be_spawned(service: Arc<S3Service>, request: Request<http_body_util::Full<Bytes>>) {
        fn is_send(_: impl Send) {}
        let connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: false };
        is_send(async move { service.handle(request, connection).await });
    }
}
