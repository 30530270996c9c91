//! Credentials to [`policy::Principal`]; principal and request to [`Grant`].
//!
//! A request goes through here in this order: [`Access::resolve_host`] says what its `Host` names; [`Access::find_key`]
//! gives the key that claims to have signed it; once the signature is verified, [`Access::resolve_tenancy`] and
//! [`Access::principal_for_key`] (or [`Access::anonymous`]) say who asks and in which tenancy; and
//! [`Access::authorize`] turns that and a target into a [`Grant`], which is what the functions that act want to see.

mod authentication;
pub mod grant;
pub mod host;

pub use authentication::{Access, AuthenticationError};
pub use grant::{
    ActionType, BucketTarget, Denied, Grant, NewBucketTarget, ObjectTarget, Target, TenancyTarget, action, authorize,
};
pub use host::{Domains, Endpoint, HostTarget, NamedTenancy};
