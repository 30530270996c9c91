//! Bytes to typed requests and back: routing, signatures, chunked bodies, XML, forms, errors. No storage, no tenancies.
//!
//! How the parts meet, in the order in which a request passes them:
//!
//! 1. [`RequestHead`] is a request as it came in, with the bucket that the `Host` named, if it did. Path and query stay
//!    raw in it, because signatures are over what the client sent.
//! 2. [`route()`] reads the path and the query and finds the [`Operation`] in a closed table.
//! 3. [`auth::Credentials::parse`] reads who claims to send it. The caller looks up the secret of
//!    [`auth::Credentials::access_key`], and [`auth::Credentials::verify`] then proves the claim and says, as a
//!    [`auth::PayloadMode`], what the signature promises about the body.
//! 4. After the caller has authorized the request, [`body::Payload`] reads the body: it undoes the framing, checks
//!    every signature and hash that the head or the framing claims, and bounds time and size.
//!    [`Claims`] are the checksums that the layer above compares, since it hashes in one pass.
//! 5. [`headers`], [`params`] and [`acl`] turn headers and query parameters into typed values; [`xml`] has one file a
//!    document, in and out. A form upload is a [`post_form::PostForm`].
//! 6. Whatever goes wrong is an [`S3Error`], which renders itself as AWS does.
//!
//! Nothing here knows what a bucket contains, who a key belongs to, or which tenancy is meant.

pub mod acl;
pub mod auth;
pub mod body;
mod claims;
pub mod error;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod head;
pub mod headers;
pub mod params;
pub mod percent;
pub mod post_form;
mod query;
pub mod route;
pub mod xml;

pub use claims::Claims;
pub use error::{ErrorCode, S3Error};
pub use head::RequestHead;
pub use query::Query;
pub use route::{Operation, Resource, Route, route};
