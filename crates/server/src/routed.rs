//! axum routers as handlers of a listener.

use std::sync::Arc;

use admin::SocketPeer;
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

    async fn handle(self: Arc<Self>, mut request: Request<RequestBody>, peer: Peer) -> Response<Body> {
        if let Peer::Local(uid) = peer {
            request.extensions_mut().insert(SocketPeer { uid });
        }
        match self.0.clone().oneshot(request.map(Body::new)).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
