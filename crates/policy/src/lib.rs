//! Who may do what: one pure, total function, [`decide`], for every way into the store.
//!
//! [`action`] names what can be done, [`principal`] who asks, [`acl`] and [`document`] what buckets and objects grant, and
//! [`decision`] weighs them in the one order there is. [`facts`] is what it rests on; of that, [`context`] is the request
//! itself, which only conditions ask for. What narrows a decision afterwards: [`key_scope`] and [`quota`]. Which pages may
//! ask at all through a browser is said by [`Cors`].
//! Nothing here does I/O: the facts come as arguments, and the answer carries its reason, so that "why?" is answered by
//! what was really decided.

pub mod acl;
pub mod action;
mod action_names;
mod action_set;
mod conditions;
pub mod context;
mod cors;
pub mod decision;
pub mod document;
pub mod explain;
pub mod facts;
#[cfg(test)]
mod fixture;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod glob;
mod ip_network;
pub mod key_scope;
pub mod lint;
mod ownership;
#[cfg(test)]
mod precedence_tests;
mod presets;
pub mod principal;
#[cfg(test)]
mod properties_tests;
mod question;
pub mod quota;
#[cfg(test)]
mod swarm_tests;
mod template;
pub mod who_can;

pub use acl::{Acl, AclGrant, CannedAcl, Grantee, Permission};
pub use action::{Action, Scope};
pub use action_set::ActionSet;
pub use context::{AuthType, Context, RequestText, Signature, SignatureVersion};
pub use cors::{Cors, CorsError, CorsMethod, CorsPattern, CorsRequest, CorsRule};
pub use decision::{Decision, DefaultPolicy, Reason, decide};
pub use document::{Effect, Policy, PolicyError, StatementName};
pub use explain::{Trace, explain};
pub use facts::{BucketFacts, Existence, Facts, ObjectFacts, Resource};
pub use ip_network::IpNetwork;
pub use key_scope::{KeyAccess, KeyBound, KeyScope, KeyTarget};
pub use lint::{Finding, Known, Names, Oddity, Severity, lint};
pub use ownership::{ObjectOwnership, PublicAccessBlock};
pub use presets::Preset;
pub use principal::{Caller, Principal, Role};
pub use quota::QuotaState;
pub use who_can::{Candidates, EffectiveAccess, Subject, who_can};
