//! The S3 operations, one file each: what it needs, what it does, how errors map.
//!
//! [`S3Service`] takes a request's head through `s3-protocol` (route, credentials, signature) and `access` (key, tenancy,
//! principal) and makes it a `Call`. `operations` is the registry that finds the call's handler, in the file named like the
//! operation. A handler asks the call for the grants that it needs (`authorize`), reads what is left of the request,
//! calls `objects`, and makes a `Reply`. `errors` is the one place where an error of the store becomes one of S3.
//! `cors` adds what browsers need to show an answer to a page of another site. `bulk` lets the work of a thousand requests
//! make way for others.
//! [`ResponseBody`] carries the content out, and with it the request's record ([`observe`]), which writes the access log
//! and the metrics when the response ends.

mod acl;
mod audited;
mod authorize;
mod body;
mod bulk;
mod call;
mod content;
mod context;
mod copy_source;
mod cors;
mod document;
mod errors;
mod identify;
mod index_page;
mod listing;
mod metadata;
mod object_headers;
pub mod observe;
mod operations;
mod pages;
mod proxy;
mod refused_headers;
mod request_body;
mod service;

pub use body::{BodyError, ResponseBody};
pub use proxy::Proxies;
pub use service::{ConnectionInfo, S3Config, S3Service};
