//! Credentials to [`policy::Principal`]; principal and request to [`Grant`].
//!
//! A request goes through here in this order: [`Access::resolve_host`] says what its `Host` names; [`Access::find_credential`]
//! gives the key or the session that claims to have signed it; once the signature is verified,
//! [`Access::resolve_tenancy`] and [`Access::principal_for`] (or [`Access::anonymous`]) say who asks and in which
//! tenancy; and [`Access::authorize`] turns that and a target into a [`Grant`], which is what the functions that act want
//! to see. [`Access::log_in`] takes names and passwords; [`Operators`] says who of those runs the installation.
//! Whoever has shown who they are gets a [`session`] from [`Access::session_from`] or [`Access::session_for`].

mod authentication;
mod credential;
pub mod grant;
pub mod host;
mod log_in;
mod names;
mod operators;
pub mod session;

pub use authentication::{Access, AuthenticationError};
pub use credential::Credential;
pub use grant::{
    ActionType, BucketTarget, Denied, Grant, NewBucketTarget, ObjectTarget, Target, TenancyTarget, action, authorize,
};
pub use host::{Domains, Endpoint, HostTarget, NamedTenancy};
pub use log_in::LogInError;
pub use operators::{Operators, OperatorsError};
pub use session::{SessionError, SessionRequest};
