//! People and groups on LDAP (RFC 4511): OpenLDAP, 389 Directory Server, Active Directory. The only crate that knows
//! LDAP.
//!
//! [`LdapDirectory`] keeps the contract of [`identity::Directory`], and [`identity::GroupWriter`] for the groups of
//! tenancies. It asks as a service account over a bounded `pool` of connections, and checks a password by binding as
//! the person on a connection of its own. `connection` reaches a server, with TLS or without; `search` asks, and
//! `entry` reads what comes, which never panics; `filter` writes filters in which no value is taken for a pattern;
//! `people`, `groups` and `group_writer` are the questions themselves; `check` tries them one after the other for an
//! operator. [`LdapSettings`] say where things are, with the names that each [`Schema`] has for them.
//!
//! **What a failure means.** A server that can not be reached, does not answer in time, or answers with an error is
//! [`identity::IdentityError::DirectoryAway`]: nothing is known, whoever asked must neither let in nor remove anybody.
//! That there is no such person is said only by a search that succeeded and found none.

mod check;
mod connection;
mod directory;
mod entry;
mod failure;
mod filter;
mod group_writer;
mod groups;
mod people;
mod pool;
mod search;
mod settings;
mod telemetry;

pub use directory::LdapDirectory;
pub use settings::{
    GroupSettings, LdapSettings, Nesting, NewGroups, PeopleSettings, Schema, ServerUrl, ServiceAccount, SettingsError,
    TlsMode, Trust,
};
pub use telemetry::{DIRECTORY_AWAY, DIRECTORY_REQUEST_SECONDS, DIRECTORY_REQUESTS};
