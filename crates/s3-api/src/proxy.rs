//! Proxies before the store: what they say of the client, where they are trusted.
//!
//! A proxy that passes requests on under another `Host` must say which host the client addressed, or no signature holds.
//! Each header is read at its last value, which is the one that the nearest proxy added.

use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, HeaderMap, HeaderValue};
use http::request::Parts;

use crate::service::ConnectionInfo;

/// Whether requests come through proxies.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Proxies {
    /// They do not: `X-Forwarded-*` headers are anybody's, and count for nothing.
    #[default]
    None,
    /// They all do, so `X-Forwarded-For`, `X-Forwarded-Host` and `X-Forwarded-Proto` are true.
    Trusted,
}

impl Proxies {
    /// The connection as the nearest proxy tells of it, where proxies are trusted; `parts` then name the host that the
    /// client addressed.
    #[must_use]
    pub fn see_through(self, parts: &mut Parts, mut connection: ConnectionInfo) -> ConnectionInfo {
        if self == Self::Trusted {
            see_through(parts, &mut connection);
        }
        connection
    }
}

/// Puts what the nearest proxy says of the client in the place of what the connection says.
fn see_through(parts: &mut Parts, connection: &mut ConnectionInfo) {
    let last = |name| last_value(&parts.headers, name);
    if let Some(remote) = last("x-forwarded-for").and_then(address) {
        connection.remote = remote;
    }
    if let Some(scheme) = last("x-forwarded-proto") {
        connection.tls = scheme.eq_ignore_ascii_case("https");
    }
    if let Some(host) = last("x-forwarded-host").and_then(|host| HeaderValue::from_str(host).ok()) {
        parts.headers.insert(HOST, host);
    }
}

fn last_value<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let value = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    value.rsplit(',').next().map(str::trim).filter(|value| !value.is_empty())
}

/// An address with or without a port.
fn address(text: &str) -> Option<SocketAddr> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(|ip| SocketAddr::new(ip, 0)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_proxy_counts() {
        let request = http::Request::builder()
            .header("host", "inner:9000")
            .header("x-forwarded-for", "203.0.113.7, 198.51.100.2")
            .header("x-forwarded-for", "192.0.2.1")
            .header("x-forwarded-host", "evil.example.org, t.s3.example.org")
            .header("x-forwarded-proto", "HTTPS");
        let (mut parts, ()) = request.body(()).expect("a request").into_parts();
        let mut connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: false };
        see_through(&mut parts, &mut connection);
        assert_eq!(connection.remote, ([192, 0, 2, 1], 0).into());
        assert!(connection.tls);
        assert_eq!(parts.headers[HOST], "t.s3.example.org");
    }

    #[test]
    fn nonsense_changes_nothing() {
        let request = http::Request::builder().header("host", "h").header("x-forwarded-for", "nobody");
        let (mut parts, ()) = request.header("x-forwarded-host", "").body(()).expect("a request").into_parts();
        let mut connection = ConnectionInfo { remote: ([127, 0, 0, 1], 1).into(), tls: true };
        see_through(&mut parts, &mut connection);
        assert_eq!(
            (connection.remote.port(), connection.tls, &parts.headers[HOST]),
            (1, true, &HeaderValue::from_static("h"))
        );
    }
}
