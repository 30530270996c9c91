//! How an answer is made: text or JSON, with the headers that every answer has.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_TYPE, HeaderName, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::Swarm;
use crate::asked::Asked;
use crate::error::SwarmError;

/// The id under which logs have the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("gateway-request-id");
/// The token that was made, where no cookie is to be set.
const GATEWAY_TOKEN: HeaderName = HeaderName::from_static("gateway-token");
const TEXT: &str = "text/plain; charset=utf-8";
const JSON: &str = "application/json";

/// What is answered.
pub(crate) struct Reply {
    status: StatusCode,
    content_type: Option<&'static str>,
    body: String,
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl Reply {
    /// A line of text.
    pub(crate) fn text(status: StatusCode, text: &str) -> Self {
        Self { status, content_type: Some(TEXT), body: format!("{text}\n"), headers: Vec::new() }
    }

    /// A value as JSON.
    pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Self {
        let body = serde_json::to_string(value).expect("what is answered is texts and numbers, which JSON can hold");
        Self { status, content_type: Some(JSON), body, headers: Vec::new() }
    }

    /// A document that is JSON already.
    pub(crate) fn document(body: String) -> Self {
        Self { status: StatusCode::OK, content_type: Some(JSON), body, headers: Vec::new() }
    }

    /// That it was done, and nothing to say of it.
    pub(crate) const fn done(status: StatusCode) -> Self {
        Self { status, content_type: None, body: String::new(), headers: Vec::new() }
    }

    /// With a cookie for the client to keep.
    pub(crate) fn with_cookie(mut self, cookie: &cookie::Cookie<'_>) -> Self {
        if let Ok(value) = HeaderValue::from_str(&cookie.to_string()) {
            self.headers.push((SET_COOKIE, value));
        }
        self
    }

    /// With the token in a header.
    pub(crate) fn with_token(mut self, token: &str) -> Self {
        if let Ok(value) = HeaderValue::from_str(token) {
            self.headers.push((GATEWAY_TOKEN, value));
        }
        self
    }

    fn refused(error: &SwarmError) -> Self {
        let mut reply = Self::text(error.status(), &error.to_string());
        match error {
            SwarmError::Unauthenticated(_) => {
                reply.headers.push((WWW_AUTHENTICATE, HeaderValue::from_static("Basic realm=\"Commonhold\"")));
            }
            SwarmError::TooManyFailures { wait_seconds } => {
                reply.headers.push((RETRY_AFTER, HeaderValue::from(*wait_seconds)));
            }
            _ => {}
        }
        reply
    }
}

/// Answers a request by `serve`. Never fails: whatever goes wrong is an answer.
pub(crate) async fn answer<F>(swarm: &Swarm, request: Request, serve: F) -> Response
where
    F: AsyncFnOnce(&Swarm, &Asked) -> Result<Reply, SwarmError>,
{
    let id = format!("{:016X}", swarm.entropy.next_u64());
    let outcome = match Asked::of(request).await {
        Ok(asked) => match asked.check_site() {
            Ok(()) => serve(swarm, &asked).await,
            Err(error) => Err(error),
        },
        Err(error) => Err(error),
    };
    let reply = outcome.unwrap_or_else(|error| {
        if let SwarmError::Failed(reason) = &error {
            tracing::error!(request = id, reason, "a request at the doors of Swarm failed");
        }
        Reply::refused(&error)
    });
    response(reply, &id)
}

fn response(reply: Reply, id: &str) -> Response {
    let Reply { status, content_type, body, headers: own } = reply;
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    if let Some(content_type) = content_type {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
    }
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
    for (name, value) in own {
        headers.append(name, value);
    }
    response
}
