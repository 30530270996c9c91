//! Ports nobody listens on.

use std::net::{Ipv4Addr, TcpListener};

/// A TCP port of 127.0.0.1 that was free a moment ago.
///
/// The system gives ports out in turn, so that another process taking the same one before the caller binds it is
/// unlikely; [`TestServer`](crate::TestServer) starts again with new ports where it happens.
///
/// # Panics
/// Where the loopback interface has no free port left.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("127.0.0.1 has a free port");
    listener.local_addr().expect("a bound socket has an address").port()
}
