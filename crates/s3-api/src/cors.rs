//! What browsers are told when a page of another site asks (S3 user guide, "How CORS works").
//!
//! A request without `Origin` comes from no page and costs nothing here. A preflight ([`S3Service::preflight`]) is answered
//! from the bucket's rules before anybody is identified, because browsers ask without credentials: a bucket without rules and
//! one that does not exist are answered alike. An actual request is answered by its operation, and the answer, also one that
//! refuses, gets the headers of the rule that is for it ([`S3Service::tell_browser`]).
//!
//! The portal's own pages talk to the store as those of another site. They have a rule of their own, which is for every
//! bucket and stands in none: [`of_portal`].

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS,
    ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use policy::{Cors, CorsMethod, CorsPattern, CorsRequest, CorsRule};
use s3_protocol::auth::Credentials;
use s3_protocol::headers::header_value;
use s3_protocol::{ErrorCode, Query, RequestHead, Route, S3Error};
use types::{AccessKeyId, BucketName, TenancyName};

use crate::call::{Outcome, Reply};
use crate::observe::Record;
use crate::service::S3Service;

/// What an answer depends on besides the address: for caches.
const VARIES: HeaderValue =
    HeaderValue::from_static("Origin, Access-Control-Request-Headers, Access-Control-Request-Method");
/// How long a browser may remember what the portal's pages may do.
const PORTAL_MAX_AGE_SECS: u32 = 3600;

/// The rule of the portal's pages: any request to any bucket. Their credentials decide, as everybody's.
pub(crate) fn of_portal(origins: &[String]) -> Option<Cors> {
    let rule = CorsRule {
        origins: origins.iter().map(|origin| origin.as_str().into()).collect(),
        methods: CorsMethod::ALL.to_vec(),
        headers: vec!["*".into()],
        expose: vec!["ETag".to_owned(), "x-amz-version-id".to_owned(), "x-amz-request-id".to_owned()],
        max_age_secs: Some(PORTAL_MAX_AGE_SECS),
        ..CorsRule::default()
    };
    Cors::new(vec![rule]).ok()
}

impl S3Service {
    /// Answers a browser that asks whether a page may send a request.
    ///
    /// # Errors
    /// BadRequest for an incomplete question; AccessForbidden where no rule allows the request, or there are none.
    pub(crate) async fn preflight(&self, head: &RequestHead<'_>, route: &Route) -> Outcome {
        let bad = |message: String| S3Error::new(ErrorCode::BadRequest).with_message(message);
        let header = |name: &HeaderName| head.headers().get(name).and_then(|value| value.to_str().ok());
        let origin = header(&ORIGIN);
        let origin = origin.ok_or_else(|| bad("Insufficient information. Origin request header needed.".to_owned()))?;
        let method = header(&ACCESS_CONTROL_REQUEST_METHOD);
        let is_known = |method: &&str| method.parse::<CorsMethod>().is_ok();
        let method = method
            .filter(is_known)
            .ok_or_else(|| bad(format!("Invalid Access-Control-Request-Method: {}", method.unwrap_or("null"))))?;
        let request = CorsRequest { origin, method, headers: header(&ACCESS_CONTROL_REQUEST_HEADERS) };
        let mut reply = Reply::ok();
        if let Some((rule, pattern)) = self.portal_pages.as_ref().and_then(|cors| cors.find(request)) {
            allow(&mut reply.headers, rule, pattern, request);
            return Ok(reply);
        }
        let kind = if route.key().is_some() { "OBJECT" } else { "BUCKET" };
        let forbidden = |message: &'static str| {
            S3Error::new(ErrorCode::AccessForbidden)
                .with_message(message)
                .with_field("Method", method)
                .with_field("ResourceType", kind)
        };
        let bucket = match (route.bucket(), self.tenancy_asked(head, None).await) {
            (Some(name), Some(tenancy)) => self.rules_of(&tenancy, name).await,
            _ => None,
        };
        let cors = bucket.ok_or_else(|| forbidden("CORSResponse: CORS is not enabled for this bucket."))?;
        let found = cors.find(request).ok_or_else(|| {
            forbidden(
                "CORSResponse: This CORS request is not allowed. This is usually because the evaluation of Origin, \
                 request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted \
                 by the resource's CORS spec.",
            )
        })?;
        allow(&mut reply.headers, found.0, found.1, request);
        Ok(reply)
    }

    /// Puts into an answer what the browser needs to show it to the page that asked, which `parts` name by `Origin`.
    pub(crate) async fn tell_browser(&self, parts: &Parts, record: &Record, headers: &mut HeaderMap) {
        let header = |name: &HeaderName| parts.headers.get(name).and_then(|value| value.to_str().ok());
        let Some(origin) = header(&ORIGIN).filter(|_| parts.method != Method::OPTIONS) else { return };
        let request = CorsRequest {
            origin,
            // Browsers name the method in a preflight only; whoever names it here too asks about that one.
            method: header(&ACCESS_CONTROL_REQUEST_METHOD).unwrap_or(parts.method.as_str()),
            headers: header(&ACCESS_CONTROL_REQUEST_HEADERS),
        };
        if let Some((rule, pattern)) = self.portal_pages.as_ref().and_then(|cors| cors.find(request)) {
            allow(headers, rule, pattern, request);
            return;
        }
        let Some(bucket) = &record.bucket else { return };
        let head = RequestHead::new(parts, None);
        let Some(tenancy) = self.tenancy_asked(&head, Some(record)).await else { return };
        let Some(cors) = self.rules_of(&tenancy, bucket).await else { return };
        match cors.find(request) {
            Some((rule, pattern)) => allow(headers, rule, pattern, request),
            None => {
                headers.append(VARY, VARIES);
            }
        }
    }

    async fn rules_of(&self, tenancy: &TenancyName, bucket: &BucketName) -> Option<Cors> {
        let found = self.objects.find_bucket(tenancy, bucket).await.ok().flatten()?;
        found.cors.clone()
    }

    /// The tenancy that a request is for: that of its sender where that is proven, else as its host says, or the key that it
    /// claims. Nothing rests on it but which rules are told.
    async fn tenancy_asked(&self, head: &RequestHead<'_>, record: Option<&Record>) -> Option<TenancyName> {
        if let Some(principal) = record.and_then(|record| record.principal.as_ref()) {
            return Some(principal.tenancy.clone());
        }
        let host = self.access.resolve_host(head.host());
        if let Ok(tenancy) = self.access.resolve_tenancy(&host, None) {
            return Some(tenancy);
        }
        let query = Query::parse(head.raw_query()).ok()?;
        let credentials = Credentials::parse(head, &query).ok()?;
        let token = credentials.security_token(head, &query).ok()?;
        let key = AccessKeyId::new(credentials.access_key()?).ok()?;
        let credential = self.access.find_credential(&key, token).await.ok()?;
        self.access.resolve_tenancy(&host, Some(&credential)).ok()
    }
}

/// The headers that let a page read the answer, and tell a preflight what it may ask.
fn allow(headers: &mut HeaderMap, rule: &CorsRule, pattern: &CorsPattern, request: CorsRequest<'_>) {
    let list = |names: &mut dyn Iterator<Item = &str>| header_value(names.collect::<Vec<_>>().join(", "));
    if pattern.is_any() {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    } else {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, header_value(request.origin));
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, list(&mut rule.methods.iter().map(|method| method.name())));
    if request.header_names().next().is_some() {
        headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, list(&mut request.header_names()));
    }
    if !rule.expose.is_empty() {
        headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, list(&mut rule.expose.iter().map(String::as_str)));
    }
    if let Some(seconds) = rule.max_age_secs {
        headers.insert(ACCESS_CONTROL_MAX_AGE, seconds.into());
    }
    headers.append(VARY, VARIES);
}
