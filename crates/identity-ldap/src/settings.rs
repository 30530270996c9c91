//! Where things are in the directory, and how it is reached.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use zeroize::Zeroizing;

use crate::filter;

/// The most servers.
const MAX_SERVERS: usize = 8;

/// A setting can not be used, with what to write instead.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{setting}: {problem}")]
pub struct SettingsError {
    /// Which one, by its name in the configuration.
    pub setting: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

/// The address of a server: `ldap://host[:port]` or `ldaps://host[:port]`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerUrl {
    text: String,
    is_ldaps: bool,
}

impl ServerUrl {
    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether TLS begins with the connection.
    pub const fn is_ldaps(&self) -> bool {
        self.is_ldaps
    }
}

impl FromStr for ServerUrl {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is no server: write ldap://HOST, ldap://HOST:PORT or ldaps://HOST");
        let (scheme, rest) = text.split_once("://").ok_or_else(wrong)?;
        let is_ldaps = match scheme {
            "ldap" => false,
            "ldaps" => true,
            _ => return Err(wrong()),
        };
        let address = rest.strip_suffix('/').unwrap_or(rest);
        let (host, port) = match address.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(port)),
            _ => (address, None),
        };
        let host_is_good = !host.is_empty()
            && host
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'[' | b']' | b':'));
        if !host_is_good || port.is_some_and(|port| port.parse::<u16>().is_err()) {
            return Err(wrong());
        }
        Ok(Self { text: format!("{scheme}://{address}"), is_ldaps })
    }
}

impl fmt::Display for ServerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Whether connections to `ldap://` servers are secured. Those to `ldaps://` servers always are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TlsMode {
    /// By StartTLS (RFC 4511 section 4.14), before anything else is sent.
    StartTls,
    /// Not at all: passwords travel as they are.
    Off,
}

/// Whose certificates are trusted. A server's certificate is always verified, with its name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Trust {
    /// Those that the system trusts.
    System,
    /// Those signed by the certificates in this PEM text, and no others.
    Pem(Vec<u8>),
}

/// The account that asks.
#[derive(Clone)]
pub struct ServiceAccount {
    /// Its distinguished name, or what else the directory takes to bind.
    pub dn: String,
    /// Its password.
    pub password: Zeroizing<String>,
}

impl fmt::Debug for ServiceAccount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ServiceAccount").field("dn", &self.dn).finish_non_exhaustive()
    }
}

/// How a directory is made up; gives the names of things that are not set.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Schema {
    /// RFC 2307, as at JASMIN: `posixAccount`, and `posixGroup` with login names in `memberUid`.
    Posix,
    /// `inetOrgPerson`, and `groupOfNames` or `groupOfUniqueNames` with distinguished names, nested.
    GroupOfNames,
    /// Active Directory: `sAMAccountName`, and groups whose nesting the server resolves.
    ActiveDirectory,
}

/// Where people are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PeopleSettings {
    /// The entry below which they are.
    pub base: String,
    /// What sets them apart from other entries.
    pub filter: String,
    /// The attribute with the login name.
    pub name_attribute: String,
    /// The attribute with the name in full.
    pub full_name_attribute: String,
    /// The attribute with the e-mail address.
    pub email_attribute: String,
    /// What sets those apart who are disabled, beside what the attributes of known servers say.
    pub disabled_filter: Option<String>,
}

/// How groups in groups count.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nesting {
    /// They do not.
    None,
    /// Level by level, to a bounded depth.
    Levels,
    /// The server resolves them, by Active Directory's rule `LDAP_MATCHING_RULE_IN_CHAIN`.
    InChain,
}

/// Whether groups of tenancies that are missing are made.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum NewGroups {
    /// They are not: somebody else makes them.
    Refused,
    /// They are, below the base of groups.
    Made {
        /// The smallest `gidNumber` for one that needs one.
        first_gid: u32,
    },
}

/// Where groups are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct GroupSettings {
    /// The entry below which they are. Nobody is in any group where absent.
    pub base: Option<String>,
    /// What sets them apart from other entries.
    pub filter: String,
    /// The attribute with the name.
    pub name_attribute: String,
    /// The attributes with members: login names in `memberUid`, distinguished names in any other. The first one is
    /// written.
    pub member_attributes: Vec<String>,
    /// How groups in groups count.
    pub nesting: Nesting,
    /// The object classes of a group that is made.
    pub new_classes: Vec<String>,
    /// Whether any is.
    pub new_groups: NewGroups,
}

/// Where things are in the directory, and how it is reached.
#[derive(Clone, Debug)]
pub struct LdapSettings {
    /// The servers; one that does not answer is passed over for the next.
    pub servers: Vec<ServerUrl>,
    /// How connections are secured.
    pub tls: TlsMode,
    /// Whose certificates are trusted.
    pub trust: Trust,
    /// Who asks; nobody in particular where absent.
    pub account: Option<ServiceAccount>,
    /// Where people are.
    pub people: PeopleSettings,
    /// Where groups are.
    pub groups: GroupSettings,
    /// How long a connection may take to be made, TLS and the service account's bind included.
    pub connect_timeout: Duration,
    /// How long one question may take.
    pub operation_timeout: Duration,
    /// The most connections at a time for questions; as many again check passwords.
    pub connections: usize,
}

impl LdapSettings {
    /// Settings for `servers` with the names of `schema`, people below `people_base` and groups below `group_base`.
    pub fn new(schema: Schema, servers: Vec<ServerUrl>, people_base: String, group_base: Option<String>) -> Self {
        Self {
            servers,
            tls: TlsMode::StartTls,
            trust: Trust::System,
            account: None,
            people: schema.people(people_base),
            groups: schema.groups(group_base),
            connect_timeout: Duration::from_secs(5),
            operation_timeout: Duration::from_secs(10),
            connections: 8,
        }
    }

    /// Refuses what can not work, whatever the directory holds.
    ///
    /// # Errors
    /// [`SettingsError`] names the setting.
    pub fn check(&self) -> Result<(), SettingsError> {
        let wrong = |setting, problem: String| Err(SettingsError { setting, problem });
        if self.servers.is_empty() || self.servers.len() > MAX_SERVERS {
            return wrong(
                "ldap.servers",
                format!("name 1 to {MAX_SERVERS} servers, such as [\"ldaps://ldap.example.org\"]"),
            );
        }
        if self.people.base.is_empty() {
            return wrong(
                "ldap.user_base",
                "name the entry below which people are: \"ou=people,dc=example,dc=org\"".into(),
            );
        }
        if self.account.as_ref().is_some_and(|account| account.dn.is_empty() || account.password.is_empty()) {
            let problem = "a bind without a name or a password is anonymous whatever it names: set both, or neither";
            return wrong("ldap.bind_dn", problem.to_owned());
        }
        let disabled = self.people.disabled_filter.as_deref();
        let filters = [
            ("ldap.user_filter", Some(self.people.filter.as_str())),
            ("ldap.disabled_filter", disabled),
            ("ldap.group_filter", Some(self.groups.filter.as_str())),
        ];
        for (setting, text) in filters {
            if text.is_some_and(|text| !filter::is_valid(text)) {
                return wrong(
                    setting,
                    format!("{:?} is no filter, such as \"(objectClass=person)\"", text.unwrap_or("")),
                );
            }
        }
        let attributes = [
            ("ldap.user_name_attribute", &self.people.name_attribute),
            ("ldap.full_name_attribute", &self.people.full_name_attribute),
            ("ldap.email_attribute", &self.people.email_attribute),
            ("ldap.group_name_attribute", &self.groups.name_attribute),
        ];
        let members = self.groups.member_attributes.iter().map(|name| ("ldap.member_attributes", name));
        for (setting, name) in attributes.into_iter().chain(members) {
            if !filter::is_attribute(name) {
                return wrong(setting, format!("{name:?} is no name of an attribute, such as \"uid\""));
            }
        }
        if self.groups.member_attributes.is_empty() {
            return wrong("ldap.member_attributes", "name one at least, such as [\"memberUid\"]".to_owned());
        }
        Ok(())
    }
}

impl Schema {
    fn people(self, base: String) -> PeopleSettings {
        let (filter, name) = match self {
            Self::Posix => ("(objectClass=posixAccount)", "uid"),
            Self::GroupOfNames => ("(objectClass=inetOrgPerson)", "uid"),
            Self::ActiveDirectory => ("(&(objectCategory=person)(objectClass=user))", "sAMAccountName"),
        };
        let full_name = if self == Self::ActiveDirectory { "displayName" } else { "cn" };
        PeopleSettings {
            base,
            filter: filter.to_owned(),
            name_attribute: name.to_owned(),
            full_name_attribute: full_name.to_owned(),
            email_attribute: "mail".to_owned(),
            disabled_filter: None,
        }
    }

    fn groups(self, base: Option<String>) -> GroupSettings {
        let (filter, members, nesting, classes): (_, &[&str], _, &[&str]) = match self {
            Self::Posix => ("(objectClass=posixGroup)", &["memberUid"], Nesting::None, &["posixGroup"]),
            Self::GroupOfNames => (
                "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames))",
                &["member", "uniqueMember"],
                Nesting::Levels,
                &["groupOfNames"],
            ),
            Self::ActiveDirectory => ("(objectClass=group)", &["member"], Nesting::InChain, &["group"]),
        };
        let texts = |list: &[&str]| list.iter().map(|text| (*text).to_owned()).collect();
        GroupSettings {
            base,
            filter: filter.to_owned(),
            name_attribute: "cn".to_owned(),
            member_attributes: texts(members),
            nesting,
            new_classes: texts(classes),
            new_groups: NewGroups::Refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> LdapSettings {
        let servers = vec!["ldap://localhost".parse().expect("a server")];
        LdapSettings::new(Schema::Posix, servers, "ou=people,dc=x".to_owned(), None)
    }

    #[test]
    fn servers_are_read() {
        for (text, is_ldaps) in [
            ("ldap://a.example.org", Some(false)),
            ("ldaps://a.example.org/", Some(true)),
            ("ldaps://a:6360", Some(true)),
            ("ldap://[::1]:389", Some(false)),
            ("ldap://[::1]", Some(false)),
            ("a.example.org", None),
            ("http://a", None),
            ("ldap://", None),
            ("ldap://a/dc=x", None),
            ("ldap://a:x", None),
            ("ldap://a b", None),
            ("ldapi://%2fvar", None),
        ] {
            assert_eq!(text.parse::<ServerUrl>().ok().map(|url| url.is_ldaps()), is_ldaps, "{text}");
        }
    }

    #[test]
    fn what_can_not_work_is_named() {
        type Edit = fn(&mut LdapSettings);
        let cases: [(Edit, &str); 8] = [
            (|s| s.servers.clear(), "ldap.servers"),
            (|s| s.people.base.clear(), "ldap.user_base"),
            (
                |s| s.account = Some(ServiceAccount { dn: "cn=x".into(), password: String::new().into() }),
                "ldap.bind_dn",
            ),
            (|s| s.people.filter = "(uid=*".into(), "ldap.user_filter"),
            (|s| s.people.disabled_filter = Some("nsAccountLock".into()), "ldap.disabled_filter"),
            (|s| s.groups.filter = String::new(), "ldap.group_filter"),
            (|s| s.people.name_attribute = "uid=*)(x".into(), "ldap.user_name_attribute"),
            (|s| s.groups.member_attributes.clear(), "ldap.member_attributes"),
        ];
        for (edit, setting) in cases {
            let mut settings = settings();
            assert_eq!(settings.check(), Ok(()));
            edit(&mut settings);
            assert_eq!(settings.check().expect_err("refused").setting, setting);
        }
        let account = ServiceAccount { dn: "cn=x".into(), password: "hush".to_owned().into() };
        assert!(!format!("{account:?}").contains("hush"));
    }
}
