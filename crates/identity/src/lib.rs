//! Who there is: tenancies, people, the roles that people hold in tenancies, and access keys. No S3, no HTTP.
//!
//! [`Identity`] is the whole of it, kept in the control space of the metadata store. Its operations stand one noun a
//! file: [`tenancy`], [`user`], [`role`], [`key`], [`token`], [`session`], [`quota`] and [`request`]. What people are to be told of waits as
//! [`events`]. People come from a [`Directory`], of which [`BuiltInDirectory`] is the one that needs nothing else; [`standing`] is
//! what a person is in all tenancies together, and [`write_through`] makes the groups of an external directory follow
//! from the roles. `control` holds what the nouns share: the store, the caches and the one lock under
//! which changes are made; `keyspace` says where each record lies, and `docs/format/identity.md` what is in it.
//!
//! What a request needs (its key, what the key's owner is, its tenancy) is answered from memory. Changes made through
//! this [`Identity`] are seen by the next request.

mod actor;
pub mod authority;
mod cache;
mod control;
pub mod directory;
mod error;
pub mod events;
mod group;
mod identity;
pub mod key;
mod keyspace;
mod last_use;
pub mod login;
mod master_key;
pub mod message;
mod password;
pub mod quota;
pub mod request;
pub mod role;
mod secret;
pub mod session;
pub mod standing;
pub mod suspension;
pub mod tenancy;
pub mod term;
pub mod token;
pub mod user;
pub mod write_through;

pub use actor::Actor;
pub use authority::Act;
pub use directory::{BuiltInDirectory, Directory, ExternalDirectory, GroupWriter, TenancyGroups};
pub use error::IdentityError;
pub use events::{Event, EventId, PendingEvent, Recipients};
pub use group::{GroupName, TenancyGroup};
pub use identity::Identity;
pub use key::{KeyInfo, KeyRecord, NewKey};
pub use last_use::LastUse;
pub use login::{Login, LoginToken, Vouched};
pub use master_key::{MasterKey, MasterKeyError};
pub use message::NewMessage;
pub use quota::{Quota, QuotaChange, QuotaScope, Quotas};
pub use request::{
    Approval, NewRequest, Request, RequestAct, RequestFilter, RequestId, RequestKind, RequestState, RequestStep,
    RequestSummary, StepKind,
};
pub use role::{GrantEnd, GrantState, Holder, NewRole, Revocation, RoleGrant};
pub use secret::Secret;
pub use session::{IssuedSession, NewSession, Session, SessionInfo};
pub use standing::Standing;
pub use suspension::Suspension;
pub use tenancy::{CLOSED_TO_BUCKETS, Joining, NewTenancy, Tenancy, TenancyChange, Visibility, bucket_counter};
pub use term::Term;
pub use token::{NewToken, Token, TokenInfo, TokenText};
pub use user::{NewUser, User, UserStatus};

#[cfg(test)]
mod events_tests;
#[cfg(test)]
mod fixture;
#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
