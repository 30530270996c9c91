//! [`StsService`]: from a request to an action, and from its outcome to a response.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use access::{Access, Credential};
use audit::{Audit, Ending};
use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER};
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use identity::IssuedSession;
use identity_oidc::Provider;
use policy::Principal;
use s3_protocol::RequestHead;
use s3_protocol::auth::SigningKeyCache;
use types::{Clock, Entropy, HexText};

use crate::actions::{self, Action, Answer};
use crate::caller::Call;
use crate::error::{Code, StsError};
use crate::parameters::Parameters;
use crate::{VERSION, audited};

/// The largest request body in bytes: a policy and a web identity token, percent-encoded, with room.
const BODY_BYTES: usize = 128 * 1024;
/// How many signing keys are kept: one for each access key in use, day and region.
const SIGNING_KEYS: usize = 1024;
/// The target of access log events, which those of S3 have too.
const ACCESS_LOG: &str = "commonhold::access";
/// Requests by `action` and `status`.
pub const REQUESTS: &str = "commonhold_sts_requests_total";
const REQUEST_ID: HeaderName = HeaderName::from_static("x-amzn-requestid");
const FORM: &str = "application/x-www-form-urlencoded";
/// What stands in the log for a request that names no action.
const NO_ACTION: &str = "Unknown";

/// The Security Token Service of every tenancy. Shared by all connections.
pub struct StsService {
    pub(crate) access: Arc<Access>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) signing_keys: SigningKeyCache,
    pub(crate) oidc: Option<Arc<Provider>>,
    audit: Audit,
    entropy: Arc<dyn Entropy>,
}

/// Whether a request is one of this service: for `/`, with `Action` in its query, or as a form, of which S3 has none
/// that is encoded like a URL. (A browser's upload is `multipart/form-data`, and a POST to S3 has a query.)
pub fn is_request(parts: &Parts) -> bool {
    if parts.uri.path() != "/" || !matches!(parts.method, Method::GET | Method::POST) {
        return false;
    }
    match parts.uri.query().filter(|query| !query.is_empty()) {
        Some(query) => {
            let names = |wanted| query.split('&').any(|piece| piece.split('=').next() == Some(wanted));
            names("Action") && names("Version")
        }
        None => parts.method == Method::POST && is_form(parts),
    }
}

fn is_form(parts: &Parts) -> bool {
    let content_type = parts.headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media_type = content_type.and_then(|value| value.split(';').next());
    media_type.is_some_and(|value| value.trim().eq_ignore_ascii_case(FORM))
}

impl StsService {
    /// The service for the people and tenancies of `access`, which tells `audit` of each session.
    pub fn new(access: Arc<Access>, audit: Audit, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        Self { access, clock, signing_keys: SigningKeyCache::new(SIGNING_KEYS), oidc: None, audit, entropy }
    }

    /// The service that also takes the word of an identity provider, where there is one.
    #[must_use]
    pub fn trusting(self, oidc: Option<Arc<Provider>>) -> Self {
        Self { oidc, ..self }
    }

    /// Answers one request of a client, or of the one that the proxy before it names. Never fails: whatever goes wrong is
    /// a response.
    pub async fn handle<B>(&self, request: Request<B>, remote: SocketAddr) -> Response<Full<Bytes>>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let started = Instant::now();
        let mut id = [0; 16];
        self.entropy.fill(&mut id);
        let request_id: HexText<32> = HexText::lower(&id);
        let (parts, body) = request.into_parts();
        let mut action = None;
        let outcome = self.answer(&parts, body, remote.ip(), request_id.as_str(), &mut action).await;
        let outcome = match outcome {
            Ok(answer) => self.recorded(answer, action, remote.ip(), request_id.as_str()).await,
            Err(error) => Err(error),
        };
        let (principal, error, mut response) = match outcome {
            Ok(answer) => (answer.principal, None, document(StatusCode::OK, answer.document)),
            Err(error) => (None, Some(error.code()), refusal(&error, request_id.as_str())),
        };
        if let Ok(value) = HeaderValue::from_str(request_id.as_str()) {
            response.headers_mut().insert(REQUEST_ID, value);
        }
        let (operation, status) = (action.map_or(NO_ACTION, Action::name), response.status().as_u16());
        metrics::counter!(REQUESTS, "action" => operation, "status" => status.to_string()).increment(1);
        let caller = principal.as_deref().map(|principal| &principal.caller);
        let (user, key) = match caller {
            Some(policy::Caller::Person { name, key }) => (Some(name.as_str()), key.as_ref().map(|key| key.as_str())),
            _ => (None, None),
        };
        tracing::info!(
            target: ACCESS_LOG,
            request_id = %request_id.as_str(),
            %remote,
            operation,
            tenancy = principal.as_deref().map(|principal| principal.tenancy.as_str()),
            principal = user,
            access_key = key,
            status,
            error,
            duration_us = u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX),
            "request"
        );
        response
    }

    async fn answer<B>(
        &self,
        parts: &Parts,
        body: B,
        source: IpAddr,
        request_id: &str,
        action: &mut Option<Action>,
    ) -> Result<Answer, StsError>
    where
        B: Body<Data = Bytes> + Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let body = Limited::new(body, BODY_BYTES).collect().await.map_err(|error| unread(&*error))?.to_bytes();
        let form: &[u8] = if is_form(parts) { &body } else { b"" };
        let parameters = Parameters::parse(parts.uri.query(), form)?;
        let found = Action::parse(parameters.required("Action")?)?;
        *action = Some(found);
        if parameters.get("Version").is_some_and(|version| version != VERSION) {
            return Err(StsError::validation(format!("Version must be {VERSION}.")));
        }
        let head = RequestHead::new(parts, None);
        let host = self.access.resolve_host(head.host());
        let (parameters, body) = (&parameters, &body);
        let call = Call { service: self, action: found, head, host: &host, body, source, parameters, request_id };
        actions::perform(&call).await
    }

    /// The answer, once the audit log has the session that it gives.
    ///
    /// # Errors
    /// `InternalFailure` where it has not: nobody is told of the session then.
    async fn recorded(
        &self,
        answer: Answer,
        action: Option<Action>,
        address: IpAddr,
        request_id: &str,
    ) -> Result<Answer, StsError> {
        if let (Some(action), Some(session)) = (action, &answer.session) {
            let act = audited::act(action, &session.info, address, request_id);
            let recorded = self.audit.begin(act).end(Ending::done()).await;
            recorded.map_err(|error| StsError::internal(&error))?;
        }
        Ok(answer)
    }

    /// Who a session that was just made is, for the log.
    pub(crate) async fn principal_of(&self, issued: &IssuedSession) -> Option<Arc<Principal>> {
        let credential = Credential::Session(Arc::clone(&issued.session));
        self.access.principal_for(&credential, credential.tenancy()).await.ok()
    }

    /// That a key is used from where it may be.
    ///
    /// # Errors
    /// `AccessDenied`.
    pub(crate) fn check_source(&self, principal: &Principal, source: IpAddr) -> Result<(), StsError> {
        let scope = principal.key_scope.as_deref();
        if scope.is_none_or(|scope| scope.allows_source(Some(source))) {
            return Ok(());
        }
        Err(StsError::new(Code::AccessDenied, "The access key may not be used from this address."))
    }
}

impl std::fmt::Debug for StsService {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StsService")
    }
}

fn document(status: StatusCode, text: String) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(text)));
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/xml"));
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

fn refusal(error: &StsError, request_id: &str) -> Response<Full<Bytes>> {
    let mut response = document(error.status(), error.to_xml(request_id));
    if let Some(seconds) = error.retry_after_seconds() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

fn unread(error: &(dyn std::error::Error + Send + Sync + 'static)) -> StsError {
    if error.is::<LengthLimitError>() {
        return StsError::new(Code::RequestTooLarge, format!("The request may have at most {BODY_BYTES} bytes."));
    }
    StsError::validation("The request's body did not arrive as a whole.")
}
