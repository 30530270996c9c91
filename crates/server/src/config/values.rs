//! The types of settings. Each reads itself from text and says what it takes.

use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::str::FromStr;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

/// The longest host name, in bytes (RFC 1035 section 2.3.4).
const HOST_BYTES: usize = 253;
/// The longest label of a host name, in bytes (RFC 1035 section 2.3.4).
const LABEL_BYTES: usize = 63;

/// Where a listener listens, if at all.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) enum Listen {
    /// Nowhere.
    #[default]
    Off,
    /// At this address. Port 0 takes any free one.
    At(SocketAddr),
}

impl Listen {
    /// The address, where there is one.
    pub(crate) const fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) => Some(address),
        }
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            format!(
                "{text:?} is no address to listen at: write an IP address and a port, such as \"127.0.0.1:9000\", \
                 \"0.0.0.0:9000\" (every interface) or \"[::]:9000\"; or \"off\""
            )
        })
    }
}

impl TryFrom<String> for Listen {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Listen> for String {
    fn from(listen: Listen) -> Self {
        listen.to_string()
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) => address.fmt(f),
        }
    }
}

/// A domain under which tenancies have their host names, in lower case, without a dot at either end.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Domain(String);

impl Domain {
    /// The domain as text.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Domain {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let name = text.to_ascii_lowercase();
        let label_is_good = |label: &str| {
            (1..=LABEL_BYTES).contains(&label.len())
                && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if name.len() > HOST_BYTES || !name.split('.').all(label_is_good) {
            return Err(format!(
                "{text:?} is no domain: write a host name without scheme, port or wildcard, such as \"s3.example.org\""
            ));
        }
        Ok(Self(name))
    }
}

impl TryFrom<String> for Domain {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Domain> for String {
    fn from(domain: Domain) -> Self {
        domain.0
    }
}

/// Domains, in TOML a list of texts or a single one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Domains(Vec<Domain>);

impl Domains {
    /// One by one.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, Domain> {
        self.0.iter()
    }

    /// Whether `domain` is one of them.
    pub(crate) fn contains(&self, domain: &Domain) -> bool {
        self.0.contains(domain)
    }
}

impl FromIterator<Domain> for Domains {
    fn from_iter<I: IntoIterator<Item = Domain>>(domains: I) -> Self {
        Self(domains.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Domains {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Domains;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a domain, or a list of domains in brackets")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Domains, E> {
                text.parse().map(|domain| Domains(vec![domain])).map_err(E::custom)
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Domains, A::Error> {
                let mut domains = Vec::new();
                while let Some(domain) = list.next_element()? {
                    domains.push(domain);
                }
                Ok(Domains(domains))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// The files of one TLS certificate.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CertificateFiles {
    /// The certificate and those that link it to its root, PEM.
    pub(crate) cert: PathBuf,
    /// Its private key, PEM.
    pub(crate) key: PathBuf,
}

/// Texts, in TOML a list or a single one.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
#[serde(transparent)]
pub(crate) struct Texts(Vec<String>);

impl Texts {
    /// One by one.
    pub(crate) fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }

    /// Whether there are none.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl FromIterator<String> for Texts {
    fn from_iter<I: IntoIterator<Item = String>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl<'de> Deserialize<'de> for Texts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;

        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Texts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a list of texts in brackets")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Texts, E> {
                Ok(Texts(vec![text.to_owned()]))
            }

            fn visit_seq<A: de::SeqAccess<'de>>(self, mut list: A) -> Result<Texts, A::Error> {
                let mut texts = Vec::new();
                while let Some(text) = list.next_element()? {
                    texts.push(text);
                }
                Ok(Texts(texts))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// Whether something is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Switch {
    /// It is not.
    #[default]
    Off,
    /// It is.
    On,
}

/// How an LDAP directory is made up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LdapSchema {
    /// `posixAccount` and `posixGroup`.
    #[default]
    Posix,
    /// `inetOrgPerson` and `groupOfNames`.
    GroupOfNames,
    /// Active Directory.
    ActiveDirectory,
}

/// How connections to `ldap://` servers are secured.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LdapTls {
    /// By StartTLS.
    #[default]
    StartTls,
    /// Not at all.
    Off,
}

/// How groups in groups count.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum LdapNesting {
    /// They do not.
    Off,
    /// Level by level.
    Levels,
    /// The server resolves them.
    InChain,
}

/// How log lines look.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// Whose word counts for who the client is and which host it addressed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ProxySetting {
    /// The connection's.
    #[default]
    None,
    /// That of the proxies in front.
    Trusted,
}

/// What a setting's value looks like in an environment variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// As it is.
    Text,
    /// A whole number.
    Integer,
    /// Texts with commas between.
    TextList,
    /// A TOML array.
    Tables,
}

/// A type that settings have.
pub(crate) trait SettingValue {
    /// How its values are written.
    const KIND: Kind;
}

macro_rules! kinds {
    ($($type:ty => $kind:ident,)*) => { $(impl SettingValue for $type { const KIND: Kind = Kind::$kind; })* };
}
kinds! {
    Listen => Text,
    LogFormat => Text,
    ProxySetting => Text,
    notify::Security => Text,
    PathBuf => Text,
    String => Text,
    types::TenancyName => Text,
    u16 => Integer,
    u32 => Integer,
    u64 => Integer,
    Domains => TextList,
    Texts => TextList,
    Switch => Text,
    LdapSchema => Text,
    LdapTls => Text,
    LdapNesting => Text,
    identity::TenancyGroups => Text,
    Vec<String> => TextList,
    Vec<CertificateFiles> => Tables,
}

impl<T: SettingValue> SettingValue for Option<T> {
    const KIND: Kind = T::KIND;
}
