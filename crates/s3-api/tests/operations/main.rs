//! Every S3 operation against a whole store in this process: what it does, its errors as the S3 API reference lists
//! them, and that none goes without authorization.

mod absent_configurations;
mod acl;
mod audited;
mod authorization_coverage;
mod bucket_policy;
mod buckets;
mod connections;
mod cors;
mod faults;
mod harness;
mod index_page;
mod listings;
mod multipart;
mod objects;
mod observed;
mod ownership;
mod post_object;
mod public_access_block;
mod sessions;
mod signatures;
mod signer;
