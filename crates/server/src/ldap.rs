//! The directory on LDAP as the configuration says: the settings of `[ldap]` with the files that they name.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use identity::{ExternalDirectory, GroupWriter};
use identity_ldap::{
    LdapDirectory, LdapSettings, Nesting, NewGroups, Schema, ServerUrl, ServiceAccount, SettingsError, TlsMode, Trust,
};
use types::SystemClock;

use crate::config::{Environment, LdapNesting, LdapSchema, LdapSection, LdapTls, Switch};

/// The variable with the service account's password.
pub(crate) const PASSWORD_VARIABLE: &str = "COMMONHOLD_LDAP_BIND_PASSWORD";
/// The largest file that is read for a setting, in bytes: far above a bundle of every public authority.
const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;

/// The directory can not be used as it is configured.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LdapError {
    /// A setting.
    #[error("{0}")]
    Settings(#[from] SettingsError),
    /// A file that a setting names.
    #[error("{setting}: {path} can not be read: {error}")]
    File {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// The directory of `[ldap]`; `None` where it names no servers. Nothing is connected yet.
///
/// # Errors
/// [`LdapError`] names the setting.
pub(crate) fn external(
    section: &LdapSection,
    environment: &Environment,
) -> Result<Option<ExternalDirectory>, LdapError> {
    if section.servers.is_empty() {
        return Ok(None);
    }
    let mut settings = settings(section)?;
    if let Some(path) = &section.ca_file {
        settings.trust = Trust::Pem(read("ldap.ca_file", path)?);
    }
    if let Some(account) = &mut settings.account {
        account.password = password(section, environment)?.into();
    }
    if settings.tls == TlsMode::Off && settings.servers.iter().any(|server| !server.is_ldaps()) {
        tracing::warn!("ldap.tls is off: passwords travel to the directory as they are");
    }
    let directory = LdapDirectory::new(settings, Arc::new(SystemClock))?;
    Ok(Some(ExternalDirectory {
        directory: Arc::new(directory.clone()),
        writer: Some(Arc::new(directory) as Arc<dyn GroupWriter>),
        tenancy_groups: section.tenancy_groups,
        cache_seconds: section.cache_seconds,
        grace_seconds: section.grace_seconds,
    }))
}

/// Refuses settings that can not work, without reading any file.
///
/// # Errors
/// [`SettingsError`] names the setting.
pub(crate) fn check(section: &LdapSection) -> Result<(), SettingsError> {
    if !section.servers.is_empty() {
        let mut settings = settings(section)?;
        if let Some(account) = &mut settings.account {
            // Whatever it is: it is read at the start.
            account.password = "unknown".to_owned().into();
        }
        return settings.check();
    }
    if *section == LdapSection::default() {
        return Ok(());
    }
    let problem = "without servers the rest of [ldap] has no effect: name some, such as [\"ldaps://ldap.example.org\"]";
    Err(SettingsError { setting: "ldap.servers", problem: problem.to_owned() })
}

fn settings(section: &LdapSection) -> Result<LdapSettings, SettingsError> {
    let servers: Result<Vec<ServerUrl>, String> = section.servers.iter().map(|text| text.parse()).collect();
    let servers = servers.map_err(|problem| SettingsError { setting: "ldap.servers", problem })?;
    let schema = match section.schema {
        LdapSchema::Posix => Schema::Posix,
        LdapSchema::GroupOfNames => Schema::GroupOfNames,
        LdapSchema::ActiveDirectory => Schema::ActiveDirectory,
    };
    let people_base = section.user_base.clone().unwrap_or_default();
    let mut settings = LdapSettings::new(schema, servers, people_base, section.group_base.clone());
    settings.tls = match section.tls {
        LdapTls::StartTls => TlsMode::StartTls,
        LdapTls::Off => TlsMode::Off,
    };
    let account = |dn: &String| ServiceAccount { dn: dn.clone(), password: String::new().into() };
    settings.account = section.bind_dn.as_ref().map(account);
    let (people, groups) = (&mut settings.people, &mut settings.groups);
    for (name, set) in [
        (&mut people.filter, &section.user_filter),
        (&mut people.name_attribute, &section.user_name_attribute),
        (&mut people.full_name_attribute, &section.full_name_attribute),
        (&mut people.email_attribute, &section.email_attribute),
        (&mut groups.filter, &section.group_filter),
        (&mut groups.name_attribute, &section.group_name_attribute),
    ] {
        if let Some(text) = set {
            name.clone_from(text);
        }
    }
    people.disabled_filter.clone_from(&section.disabled_filter);
    if !section.member_attributes.is_empty() {
        groups.member_attributes = section.member_attributes.iter().cloned().collect();
    }
    groups.nesting = match section.nested_groups {
        None => groups.nesting,
        Some(LdapNesting::Off) => Nesting::None,
        Some(LdapNesting::Levels) => Nesting::Levels,
        Some(LdapNesting::InChain) => Nesting::InChain,
    };
    groups.new_groups = match section.create_groups {
        Switch::On => NewGroups::Made { first_gid: section.first_gid },
        Switch::Off => NewGroups::Refused,
    };
    settings.connect_timeout = Duration::from_secs(section.connect_timeout_seconds);
    settings.operation_timeout = Duration::from_secs(section.operation_timeout_seconds);
    settings.connections = section.connections as usize;
    Ok(settings)
}

fn password(section: &LdapSection, environment: &Environment) -> Result<String, LdapError> {
    if let Some(password) = environment.get(PASSWORD_VARIABLE).filter(|password| !password.is_empty()) {
        return Ok(password.clone());
    }
    let Some(path) = &section.bind_password_file else {
        let problem = format!("name the file with the password of ldap.bind_dn, or set {PASSWORD_VARIABLE}");
        return Err(SettingsError { setting: "ldap.bind_password_file", problem }.into());
    };
    let bytes = read("ldap.bind_password_file", path)?;
    let text = String::from_utf8(bytes).map_err(|_| {
        let problem = format!("{} is no text in UTF-8", path.display());
        SettingsError { setting: "ldap.bind_password_file", problem }
    })?;
    // Editors end files with a line end.
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

fn read(setting: &'static str, path: &Path) -> Result<Vec<u8>, LdapError> {
    let failed = |error| LdapError::File { setting, path: path.to_owned(), error };
    let length = std::fs::metadata(path).map_err(failed)?.len();
    if length > MAX_FILE_BYTES {
        return Err(failed(io::Error::other(format!("{length} bytes are too many"))));
    }
    std::fs::read(path).map_err(failed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn section() -> LdapSection {
        LdapSection {
            servers: ["ldap://localhost".to_owned()].into_iter().collect(),
            user_base: Some("ou=people,dc=x".to_owned()),
            ..LdapSection::default()
        }
    }

    #[test]
    fn without_servers_there_is_no_directory() {
        let none = external(&LdapSection::default(), &Environment::new()).expect("good");
        assert!(none.is_none());
        let section = LdapSection { user_base: Some("dc=x".to_owned()), ..LdapSection::default() };
        assert_eq!(check(&section).expect_err("refused").setting, "ldap.servers");
    }

    #[test]
    fn the_password_comes_from_a_file_or_the_environment() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("password");
        std::fs::write(&path, "from the file\n").expect("written");
        let variable = Environment::from([(PASSWORD_VARIABLE.to_owned(), "from the environment".to_owned())]);
        for (file, environment, expected) in [
            (Some(&path), &Environment::new(), Some("from the file")),
            (Some(&path), &variable, Some("from the environment")),
            (None, &variable, Some("from the environment")),
            (None, &Environment::new(), None),
        ] {
            let section = LdapSection { bind_password_file: file.cloned(), ..section() };
            assert_eq!(password(&section, environment).ok().as_deref(), expected);
        }
        let section = LdapSection { bind_dn: Some("cn=x".to_owned()), ..section() };
        let error = external(&section, &Environment::new()).expect_err("refused");
        assert!(error.to_string().contains("ldap.bind_password_file"), "{error}");
        let section = LdapSection { ca_file: Some(folder.path().join("none")), ..section };
        let error = external(&section, &variable).expect_err("refused");
        assert!(error.to_string().contains("ldap.ca_file"), "{error}");
    }

    #[test]
    fn what_is_set_takes_the_place_of_what_the_schema_says() {
        let section = LdapSection {
            schema: LdapSchema::ActiveDirectory,
            user_name_attribute: Some("userPrincipalName".to_owned()),
            member_attributes: ["member".to_owned(), "memberUid".to_owned()].into_iter().collect(),
            nested_groups: Some(LdapNesting::Off),
            ..section()
        };
        let settings = settings(&section).expect("good");
        assert_eq!(settings.people.name_attribute, "userPrincipalName");
        assert_eq!(settings.people.full_name_attribute, "displayName");
        assert_eq!(settings.groups.member_attributes, ["member", "memberUid"]);
        assert_eq!(settings.groups.nesting, Nesting::None);
    }
}
