//! The portal and the doors of a Swarm site behind a listener, and the origins that its pages have. Both are at the portal's
//! address and at that of `listen.legacy`.

use std::sync::Arc;

use ::portal::{Origin, SignLinks};
use axum::Router;
use axum::body::Body;
use http::{Request, Response};
use s3_api::{ConnectionInfo, Proxies};
use s3_protocol::auth::presign;
use tower::ServiceExt;
use types::Presign;

use crate::config::Config;
use crate::connection::{Handler, Peer, RequestBody};
use crate::serve::Started;

/// The pages and doors as a handler, which tells them who asks.
#[derive(Debug)]
pub(crate) struct PortalPages {
    /// The pages, and the doors before them.
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
            parts.extensions.insert(swarm::Client { address: remote.ip(), tls });
        }
        match self.router.clone().oneshot(Request::from_parts(parts, Body::new(body))).await {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

/// Signs the addresses that the portal sends browsers to, as S3 wants them.
#[derive(Debug)]
pub(crate) struct LinkSigner;

impl SignLinks for LinkSigner {
    fn sign(&self, wanted: Presign<'_>) -> Option<String> {
        presign(wanted).ok()
    }
}

/// The origins under which browsers open the portal: those that the configuration names, else those of its listeners on this
/// machine and of the address that stands in mails.
pub(crate) fn origins(config: &Config, addresses: &Started) -> Vec<String> {
    if !config.portal.origins.is_empty() {
        return config.portal.origins.iter().cloned().collect();
    }
    let listeners = [("http", addresses.portal), ("https", addresses.portal_tls)];
    let listening = listeners.into_iter().filter_map(|(scheme, address)| Some((scheme, address?)));
    let of_listeners = listening.flat_map(|(scheme, address)| {
        let own = (!address.ip().is_unspecified()).then(|| format!("{scheme}://{address}"));
        [Some(format!("{scheme}://localhost:{}", address.port())), own].into_iter().flatten()
    });
    let of_mail = config.mail.portal_url.as_deref().and_then(Origin::of_url);
    of_listeners.chain(of_mail.map(|origin| origin.to_string())).collect()
}
