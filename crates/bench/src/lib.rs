//! Load for S3 endpoints, and the limits of the machine to hold the results against.
//!
//! [`Target`] is an endpoint with credentials; it signs requests with the signer of `s3-client`, which shares nothing
//! with the store's verification, so that a mistake in one cannot hide in the other. A [`Workload`] says what to send; [`run`] drives it over many connections
//! and answers a [`Measurement`]. [`limits`] does with bare means (a hyper server without a store, a log without an
//! index, a hash without a network) what the store does with everything, in the same process and minute. [`targets`]
//! pairs the two, round by round, and judges the ratios. [`Server`] starts a store where none is there to be measured;
//! [`scale`] fills one, and measures what only a full store shows. [`policy`] times decisions under a large policy.
//! [`report`] writes tables.
//!
//! Endpoints are plain HTTP/1.1: what is measured is the store, not TLS.

mod body;
mod connection;
mod error;
mod histogram;
pub mod limits;
mod measurement;
mod multipart;
pub mod policy;
pub mod report;
mod run;
pub mod scale;
mod server;
mod target;
pub mod targets;
mod workload;

pub use error::BenchError;
pub use histogram::Histogram;
pub use measurement::{Latency, Measurement};
pub use run::{prepare, run};
pub use server::Server;
pub use target::{Credentials, PayloadSigning, Target};
pub use workload::{Operation, Stop, Workload};
