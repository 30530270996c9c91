//! axum routers as handlers of a listener.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use tower::ServiceExt;

use crate::connection::{Handler, Peer, RequestBody};

/// A router that a listener can serve.
#[derive(Debug)]
pub(crate) struct Routed(pub(crate) Router);

impl Handler for Routed {
    type Body = Body;

    async fn handle(self: Arc<Self>, request: Request<RequestBody>, _: Peer) -> Response<Body> {
        match self.0.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
