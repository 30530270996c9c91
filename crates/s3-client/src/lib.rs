//! A client of any S3 endpoint, for what this project asks of other stores and of its own.
//!
//! A [`Client`] is an endpoint with credentials; a [`Connection`] of it sends one [`Call`] after the other, signed by a
//! [`Signer`] that shares nothing with the server's verification, so that a mistake in one can not hide in the other. Bodies
//! stream in both directions. [`Element`] reads the documents of answers, and [`listing`] the pages of listings.
//!
//! Buckets are addressed by path. Nothing is retried here: whoever calls knows what may be sent twice.

mod call;
mod client;
mod connection;
mod element;
mod error;
pub mod listing;
mod signature;
mod tls;

pub use call::{Call, SendBody, whole};
pub use client::{Client, Credentials};
pub use connection::{Connection, Received};
pub use element::Element;
pub use error::ClientError;
pub use signature::{EMPTY_SHA256, Signable, Signer, UNSIGNED_PAYLOAD};
pub use tls::{Trust, TrustError};
