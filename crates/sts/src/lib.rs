//! Temporary credentials: the AWS Security Token Service, version 2011-06-15 of its Query API.
//!
//! It answers on the addresses of S3: [`is_request`] tells its requests from those of S3, which has none like them.
//! [`StsService`] reads the parameters ([`parameters`]), finds the [`Action`], and has `actions` answer it, one file each: what it asks for, what it checks,
//! what it answers. Most are signed (SigV4 for the service `sts` or `s3`); those by password or by web identity bring
//! their proof along. `access` decides who gets a session and with which power; nothing is decided here.
//! [`audited`] has each session recorded.
//! [`StsError`] renders itself as AWS does.

mod actions;
mod audited;
mod caller;
mod error;
pub mod parameters;
mod role_arn;
mod service;
mod xml;

pub use actions::Action;
pub use error::StsError;
pub use service::{REQUESTS, StsService, is_request};

/// The namespace of the answers and the version of the API.
pub(crate) const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// What `Version` must be, where it is given.
pub(crate) const VERSION: &str = "2011-06-15";
