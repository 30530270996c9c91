//! Who may do what: one pure, total function, [`decide`], for every way into the store.
//!
//! [`action`] names what can be done, [`principal`] who asks, [`acl`] what buckets and objects grant, and [`decision`]
//! weighs them in the one order there is. Nothing here does I/O: the facts come as arguments, and the answer carries its
//! reason, so that "why?" is answered by what was really decided.

pub mod acl;
pub mod action;
mod decision;
mod principal;

pub use acl::{Acl, AclGrant, CannedAcl, Grantee, Permission};
pub use action::{Action, Scope};
pub use decision::{BucketFacts, Decision, DefaultPolicy, Facts, ObjectFacts, Reason, decide};
pub use principal::{Caller, Principal, Role};
