//! From where a request comes.

use std::net::IpAddr;

/// What the listener knows of a request, which it puts among the request's extensions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Visitor {
    /// The address of the browser, or of the proxy before us.
    pub address: IpAddr,
    /// Whether the browser speaks TLS: then cookies are for TLS alone.
    pub tls: bool,
}
