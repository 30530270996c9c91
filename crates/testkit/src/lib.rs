//! What integration tests share: the real `commonhold` program, running on free ports with a data directory of its own.
//!
//! [`TestServer`] starts the program, waits until it answers, administers it through its own command line (so the
//! tests need no second way in), and ends it by process id. Everything here panics on failure with the server's log
//! in the message: it is for tests only, where a panic is the report.
//!
//! [`slapd`] is a real LDAP server beside it.
//!
//! The client tests in `tests/clients` do the same in Python; the two share the configuration keys and nothing else.

mod binary;
mod config;
mod ports;
mod server;
pub mod slapd;

pub use binary::commonhold_binary;
pub use config::{LegacyListener, ServerConfig, Tls};
pub use ports::free_port;
pub use server::{AccessKey, TestServer};
pub use slapd::Slapd;
