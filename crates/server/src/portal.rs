//! The portal behind a listener.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use s3_api::{ConnectionInfo, Proxies};
use tower::ServiceExt;

use crate::connection::{Handler, Peer, RequestBody};

/// The portal's pages as a handler, which tells them who asks.
#[derive(Debug)]
pub(crate) struct PortalPages {
    /// The pages.
    pub(crate) router: Router,
    /// Whose word counts for who the client is.
    pub(crate) proxies: Proxies,
}

impl Handler for PortalPages {
    type Body = Body;

    async fn handle(self: Arc<Self>, request: Request<RequestBody>, peer: Peer) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let connection = match peer {
            Peer::Http(remote) => Some(ConnectionInfo { remote, tls: false }),
            Peer::Https(remote) => Some(ConnectionInfo { remote, tls: true }),
            // The administration socket has a handler of its own.
            Peer::Local(_) => None,
        };
        if let Some(connection) = connection {
            let ConnectionInfo { remote, tls } = self.proxies.see_through(&mut parts, connection);
            parts.extensions.insert(portal::Visitor { address: remote.ip(), tls });
        }
        match self.router.clone().oneshot(Request::from_parts(parts, Body::new(body))).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}
