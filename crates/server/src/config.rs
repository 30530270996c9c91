//! The configuration: one TOML file, environment variables over it, a default for every setting.
//!
//! [`settings`] declares every setting once, with its default and its text; the text becomes `docs/configuration.md`
//! and the comments of `commonhold config show` ([`reference`]). [`load`] reads and checks; a mistake is named by file,
//! line and column, or by the environment variable. [`values`] are the types that check themselves.

mod load;
mod reference;
mod settings;
mod values;

use std::path::PathBuf;

pub(crate) use load::{ConfigError, Environment, load, unknown_variables};
pub(crate) use reference::{reference, show};
pub(crate) use settings::{Config, LdapSection, LimitSettings, MailSettings, OidcSettings};
pub(crate) use values::{
    CertificateFiles, Domain, Domains, LdapNesting, LdapSchema, LdapTls, LogFormat, ProxySetting, Switch,
};

impl Config {
    /// The socket of the administration API: the one that is set, else `admin.sock` in the data directory.
    pub(crate) fn admin_socket_path(&self) -> PathBuf {
        self.listen.admin_socket.clone().unwrap_or_else(|| self.data_dir.join("admin.sock"))
    }

    /// The file that keeps the master key where the environment does not give it.
    pub(crate) fn master_key_path(&self) -> PathBuf {
        self.data_dir.join("master.key")
    }
}

#[cfg(test)]
mod tests;
