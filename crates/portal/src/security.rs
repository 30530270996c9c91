//! What every answer tells a browser not to do.

use axum::response::Response;
use http::HeaderValue;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};

/// Nothing runs or is shown but our own files; no other site may frame a page, and forms go to us alone.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What others made gets, an object of the store in a page or a logo: it runs nothing, loads nothing, and has no origin.
const SANDBOX: &str = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'none'";

/// Among an answer's extensions: it is what others made, as an object's content, which anybody may have written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sandboxed;

/// Among an answer's extensions: the page's scripts talk to this address too.
#[derive(Clone, Debug)]
pub(crate) struct ConnectsTo(pub(crate) String);

const HEADERS: [(HeaderName, &str); 4] = [
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (X_FRAME_OPTIONS, "DENY"),
    (REFERRER_POLICY, "same-origin"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
];

/// Adds the headers. What is not said to be kept is not kept: pages show keys and names.
pub(crate) async fn protect(mut response: Response) -> Response {
    let policy = match (response.extensions().get::<Sandboxed>(), response.extensions().get::<ConnectsTo>()) {
        (Some(Sandboxed), _) => HeaderValue::from_static(SANDBOX),
        (None, Some(ConnectsTo(store))) => {
            let widened = POLICY.replace("connect-src 'self'", &format!("connect-src 'self' {store}"));
            // An address that can not stand in a header is talked to by nobody.
            HeaderValue::from_str(&widened).unwrap_or(HeaderValue::from_static(POLICY))
        }
        (None, None) => HeaderValue::from_static(POLICY),
    };
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(CONTENT_SECURITY_POLICY, policy);
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
