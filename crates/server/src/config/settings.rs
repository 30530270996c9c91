//! Every setting, with its default and its text. This is the one place where settings are declared and explained.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use identity::TenancyGroups;
use notify::Security;
use serde::{Deserialize, Serialize};
use types::TenancyName;

use super::values::{
    CertificateFiles, Domains, Kind, LdapNesting, LdapSchema, LdapTls, Listen, LogFormat, ProxySetting, SettingValue,
    Switch, Texts,
};

/// One setting, as the reference and the environment see it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Setting {
    /// Its name inside its section.
    pub(crate) name: &'static str,
    /// What it means, line by line.
    pub(crate) text: &'static [&'static str],
    /// How its value is written.
    pub(crate) kind: Kind,
}

/// Settings that stand together in one TOML table.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Section {
    /// The table's name; empty for what stands at the top of the file.
    pub(crate) name: &'static str,
    /// What they are about, line by line.
    pub(crate) text: &'static [&'static str],
    /// The settings.
    pub(crate) settings: &'static [Setting],
}

/// Declares a section: the struct, its defaults and its description.
macro_rules! section {
    (
        $(#[doc = $about:literal])*
        $section:ident $title:literal {
            $($(#[doc = $text:literal])* $name:ident: $type:ty = $default:expr,)*
        }
        $(tables { $($table:ident: $table_type:ident,)* })?
    ) => {
        $(#[doc = $about])*
        #[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
        #[serde(default)]
        pub(crate) struct $section {
            $($(#[doc = $text])* pub(crate) $name: $type,)*
            $($(#[doc = concat!("The table `", stringify!($table), "`.")] pub(crate) $table: $table_type,)*)?
        }

        impl Default for $section {
            fn default() -> Self {
                Self { $($name: $default,)* $($($table: $table_type::default(),)*)? }
            }
        }

        impl $section {
            const SECTION: Section = Section {
                name: $title,
                text: &[$($about),*],
                settings: &[$(Setting {
                    name: stringify!($name),
                    text: &[$($text),*],
                    kind: <$type as SettingValue>::KIND,
                }),*],
            };
        }
    };
}

section! {
    /// Settings of the whole store.
    Config "" {
        /// The folder that holds everything: data, index, log and, unless the environment gives it, the master key.
        /// It is made at the first start. One server at a time works in it.
        data_dir: PathBuf = PathBuf::from("./commonhold-data"),
        /// The tenancy of requests whose host name names none and that no key of another tenancy signed. Without one,
        /// such requests must be signed.
        default_tenancy: Option<TenancyName> = None,
    }
    tables {
        listen: ListenSettings,
        domains: DomainSettings,
        s3: S3Settings,
        portal: PortalSettings,
        operators: OperatorSettings,
        tls: TlsSettings,
        ldap: LdapSection,
        oidc: OidcSettings,
        storage: StorageSettings,
        scrub: ScrubSettings,
        audit: AuditSettings,
        mail: MailSettings,
        log: LogSettings,
        limits: LimitSettings,
    }
}

section! {
    /// Where the server listens. An address is an IP address and a port, or `"off"`.
    ListenSettings "listen" {
        /// S3 over HTTP, for the machine itself or a trusted network. `"0.0.0.0:9000"` opens it to every network that
        /// reaches the machine.
        s3: Listen = loopback(9000),
        /// S3 over HTTPS (HTTP/1.1 and HTTP/2). Needs `tls.certificates`.
        s3_tls: Listen = Listen::Off,
        /// The portal: pages for people, over HTTP. Behind a proxy that speaks TLS, or with `portal_tls`, it can be
        /// opened to others; over plain HTTP passwords can be read on the way.
        portal: Listen = loopback(9002),
        /// The portal over HTTPS. Needs `tls.certificates`.
        portal_tls: Listen = Listen::Off,
        /// What has port 81 at a Swarm site: tokens at `/.TOKEN/`, the management API at `/_admin/manage`, and the portal at
        /// `/_admin/portal`, over HTTP, because the programs of such a site speak nothing else there. The same paths are at
        /// the portal's address. Passwords can be read on the way: open it to a trusted network alone. See
        /// [swarm.md](swarm.md).
        legacy: Listen = Listen::Off,
        /// `"trusted"` where every S3 request comes through a proxy of yours that sets `X-Forwarded-For`,
        /// `X-Forwarded-Host` and `X-Forwarded-Proto`: they then say who the client is and which host it signed for.
        /// With `"none"` they count for nothing.
        proxies: ProxySetting = ProxySetting::None,
        /// Prometheus metrics at `/metrics`, liveness at `/healthz`, readiness at `/readyz`. No authentication: keep
        /// it on a private network.
        metrics: Listen = loopback(9001),
        /// The Unix socket of `commonhold admin`. Who can open it administers the store; it is made with mode 0600.
        /// At most 107 bytes. Without this setting it is `admin.sock` in the data directory.
        admin_socket: Option<PathBuf> = None,
    }
}

section! {
    /// Under which domains tenancies have host names: `<tenancy>.<domain>` and `<bucket>.<tenancy>.<domain>`. The
    /// domain's own name serves the default tenancy. DNS must lead `*.<domain>` here.
    DomainSettings "domains" {
        /// Domains of the inner network.
        internal: Domains = domain("s3.localhost"),
        /// Domains of the outside.
        external: Domains = domain("s3-ext.localhost"),
    }
}

section! {
    /// What S3 clients are told.
    S3Settings "s3" {
        /// The region that the store says it is in. Requests signed for any region are accepted.
        region: String = "us-east-1".to_owned(),
    }
}

section! {
    /// How the portal looks, and where browsers find it and the store.
    PortalSettings "portal" {
        /// The institution's name, in the head of each page.
        name: String = "Commonhold".to_owned(),
        /// The colour of buttons and links, six hex digits; dark enough for white text.
        colour: String = "#0b6e4f".to_owned(),
        /// The institution's logo, an SVG or PNG file of at most 64 KiB, before its name. It is read at the start.
        logo: Option<PathBuf> = None,
        /// The origins under which browsers open the portal, such as `"https://portal.example.org"`, one or a list. Its pages
        /// upload and read straight from the S3 addresses, which answer (CORS) to these origins for every bucket. Without this
        /// setting they are the listeners' at `localhost` and at their own address, and that of `mail.portal_url`.
        origins: Texts = Texts::default(),
        /// The S3 address to which the portal's pages send browsers, such as `"https://s3.example.org"`. Without it: the
        /// tenancy's external address over HTTPS; over HTTP its internal one, or the S3 port beside the portal where that is
        /// opened as `localhost` or by an IP address.
        store_url: Option<String> = None,
    }
}

section! {
    /// Who runs the installation with the portal: tenancies, people, requests, usage, the audit log and health. Whoever
    /// holds the administration socket does too. See [portal.md](portal.md).
    OperatorSettings "operators" {
        /// The names with which they log in.
        people: Texts = Texts::default(),
        /// Groups of the directory, all of whose members are operators. Those that follow from roles in tenancies,
        /// such as `"cedadev-o-managers"`, can not be named.
        groups: Texts = Texts::default(),
    }
}

section! {
    /// TLS. Certificates are read again when their files change, and on SIGHUP; one that can not be read is logged,
    /// and the one before stays in use.
    TlsSettings "tls" {
        /// Certificates with their keys, PEM: `[{ cert = "site.pem", key = "site.key" }]`. The client's server name
        /// chooses among them, `*.` names included; the first one answers when none matches.
        certificates: Vec<CertificateFiles> = Vec::new(),
    }
}

section! {
    /// People, passwords and groups on LDAP, beside the built-in directory, which is asked first. See
    /// [directory.md](directory.md). The service account's password is in `ldap.bind_password_file` or in
    /// `COMMONHOLD_LDAP_BIND_PASSWORD`.
    LdapSection "ldap" {
        /// The servers, such as `["ldaps://ldap1.example.org", "ldap://ldap2.example.org:389"]`; one that does not
        /// answer is passed over for the next. Without any, the built-in directory is the only one.
        servers: Texts = Texts::default(),
        /// How the directory is made up, which gives the names of what is not set below: `"posix"` (`posixAccount`, and
        /// `posixGroup` with login names in `memberUid`), `"group-of-names"` (`inetOrgPerson`, and `groupOfNames` with
        /// distinguished names) or `"active-directory"`.
        schema: LdapSchema = LdapSchema::Posix,
        /// How connections to `ldap://` servers are secured: `"starttls"` or `"off"`, with which passwords travel as they
        /// are. Those to `ldaps://` servers always are. Certificates are always verified.
        tls: LdapTls = LdapTls::StartTls,
        /// PEM file of the certificates that sign those of the servers. Without one, those that the system trusts.
        ca_file: Option<PathBuf> = None,
        /// The distinguished name of the service account that asks. Without one, nobody in particular asks.
        bind_dn: Option<String> = None,
        /// A file with the service account's password, for the server alone to read.
        bind_password_file: Option<PathBuf> = None,
        /// The entry below which people are, such as `"ou=people,dc=example,dc=org"`. Needed with `ldap.servers`.
        user_base: Option<String> = None,
        /// The filter of people among the entries there.
        user_filter: Option<String> = None,
        /// The attribute with the login name: `uid`, or `sAMAccountName` with Active Directory.
        user_name_attribute: Option<String> = None,
        /// The attribute with the name in full: `cn`, or `displayName` with Active Directory.
        full_name_attribute: Option<String> = None,
        /// The attribute with the e-mail address: `mail`.
        email_attribute: Option<String> = None,
        /// A filter of people who are disabled, such as `"(loginShell=/sbin/nologin)"`. `shadowExpire`,
        /// `pwdAccountLockedTime`, `nsAccountLock`, `userAccountControl` and `accountExpires` are understood without it.
        disabled_filter: Option<String> = None,
        /// The entry below which groups are. Without one, the directory's groups do not count.
        group_base: Option<String> = None,
        /// The filter of groups among the entries there.
        group_filter: Option<String> = None,
        /// The attribute with a group's name: `cn`.
        group_name_attribute: Option<String> = None,
        /// The attributes with a group's members: login names in `memberUid`, distinguished names in any other. The
        /// first one is written.
        member_attributes: Texts = Texts::default(),
        /// Whether groups in groups count: `"off"`, `"levels"` (to a depth of 8) or `"in-chain"` (Active Directory
        /// resolves them).
        nested_groups: Option<LdapNesting> = None,
        /// What the groups `<tenancy>-members`, `-deputies` and `-managers` of the directory have to do with roles:
        /// `"ours"` (nothing: roles alone count), `"read"` (who is in them there is in them here too) or `"write"` (they
        /// are made to follow from the roles).
        tenancy_groups: TenancyGroups = TenancyGroups::Ours,
        /// Whether a group of a tenancy that is missing is made, `"on"` or `"off"`, where they are written.
        create_groups: Switch = Switch::Off,
        /// The smallest `gidNumber` of a `posixGroup` that is made. 1 to 2,147,483,647.
        first_gid: u32 = 100_000,
        /// Seconds that what the directory said of a person is used at most: so soon a disabled person stops, and a new
        /// group works. 2 to 3600.
        cache_seconds: u64 = 30,
        /// Seconds that what it said last is used while it is away: so long keys go on working. 0 to 2,592,000.
        grace_seconds: u64 = 86_400,
        /// Connections at a time for questions; as many again check passwords. 1 to 64.
        connections: u32 = 8,
        /// Seconds that a connection may take to be made. 1 to 60.
        connect_timeout_seconds: u64 = 5,
        /// Seconds that a question may take. 1 to 60.
        operation_timeout_seconds: u64 = 10,
    }
}

section! {
    /// The OpenID Connect provider whose word is taken for who people are: they log in to the portal with it, and its ID
    /// tokens are exchanged for temporary credentials. See [portal.md](portal.md) and [sts.md](sts.md).
    OidcSettings "oidc" {
        /// The provider's URL as it stands in its tokens, such as `"https://accounts.example.org/realms/research"`.
        /// Without one, nobody's word is taken.
        issuer: Option<String> = None,
        /// The name under which the provider knows this store: the audience of tokens for it.
        client_id: String = "commonhold".to_owned(),
        /// What it is called on the portal's button that leads there.
        name: String = "your institution".to_owned(),
        /// A file that holds the secret with which this store shows the provider who it is. A public client has none.
        client_secret_file: Option<PathBuf> = None,
        /// Further audiences whose tokens are accepted, such as that of a notebook server.
        audiences: Texts = Texts::default(),
        /// The claim that is the login name. With `"email"`, the provider must have verified the address.
        user_claim: String = "preferred_username".to_owned(),
        /// The claim that names groups, which sessions bring along for policies; `""` for none.
        groups_claim: String = "groups".to_owned(),
        /// The signature algorithms that are accepted, of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 and
        /// EdDSA.
        algorithms: Texts = ["RS256", "ES256"].map(str::to_owned).into_iter().collect(),
        /// Seconds that the provider's clock may be off. 0 to 600.
        skew_seconds: u64 = 60,
        /// PEM file of the certificates that sign the provider's. Without one, those that the system trusts.
        ca_file: Option<PathBuf> = None,
    }
}

section! {
    /// The embedded engine.
    StorageSettings "storage" {
        /// Memory for blocks of the index, in MiB. The system's page cache has them too, so that more gains little. 8 to
        /// 1,048,576.
        cache_mib: u64 = 16,
        /// Free space of the disk, in MiB, below which new data is refused, so that deletes still have room. 16 to
        /// 1,048,576.
        reserve_mib: u64 = 256,
    }
}

section! {
    /// Reading every byte in the background, so that damage is known while there is still a copy elsewhere.
    ScrubSettings "scrub" {
        /// Hours from the start of one pass to the start of the next, 0 to 87,600; 0 turns it off. A restart of the
        /// server breaks a pass off, and it goes on an hour later.
        period_hours: u64 = 720,
        /// The most that it reads, in MiB a second. 1 to 1,048,576.
        pace_mib_per_second: u64 = 16,
    }
}

section! {
    /// The audit log: who did what to whom from where.
    AuditSettings "audit" {
        /// Days for which entries are kept, 0 to 36,500; 0 keeps them for ever, at some 700 bytes an entry. What is left
        /// when old ones go can still be proven.
        keep_days: u64 = 0,
    }
}

section! {
    /// Mail to people, of what concerns them. Without a server there are only the inboxes.
    MailSettings "mail" {
        /// The SMTP server's name, which its certificate has.
        server: Option<String> = None,
        /// Its port: usually 587 with `starttls`, 465 with `tls`, 25 with `none`. 1 to 65,535.
        port: u16 = 587,
        /// `"starttls"`, `"tls"` from the first byte, or `"none"`, which is for a server on the same machine.
        security: Security = Security::Starttls,
        /// Certificates of authorities, PEM, in place of those that the machine trusts.
        ca_file: Option<PathBuf> = None,
        /// Who logs in; nobody without it.
        username: Option<String> = None,
        /// A file that holds the password alone. `COMMONHOLD_MAIL_PASSWORD` gives it too, and counts before the file.
        password_file: Option<PathBuf> = None,
        /// The sender, such as `"Object Store <store@example.org>"`.
        from: String = "commonhold@localhost".to_owned(),
        /// Where answers go; to the sender without it.
        reply_to: Option<String> = None,
        /// Addresses of those who run the installation: requests for tenancies and quota go there.
        operators: Vec<String> = Vec::new(),
        /// What the installation is called in mails.
        site_name: String = "Commonhold".to_owned(),
        /// The portal's address, such as `"https://portal.example.org"`. It stands under each text, and an identity provider
        /// sends browsers back there.
        portal_url: Option<String> = None,
    }
}

section! {
    /// Log lines go to standard error. Every request has a line with the target `commonhold::access`.
    LogSettings "log" {
        /// `error`, `warn`, `info`, `debug` or `trace`; also by part, such as `"info,commonhold::access=off"` or
        /// `"warn,objects=debug"`.
        level: String = "info".to_owned(),
        /// `"text"` or `"json"` (one object a line).
        format: LogFormat = LogFormat::Text,
    }
}

section! {
    /// Bounds that keep one client from taking what others need. They hold for the S3 listeners together.
    LimitSettings "limits" {
        /// Connections at a time, 1 to 1,000,000. Further ones wait unaccepted.
        connections: u32 = 4096,
        /// Seconds that a new connection may take until its first request's headers are complete, TLS handshake apart
        /// (which may take as long again). 1 to 3600.
        header_timeout_seconds: u64 = 20,
        /// Seconds that a connection may wait between a response and the next request's complete headers. 1 to 3600.
        idle_timeout_seconds: u64 = 75,
        /// Seconds that a client may send nothing of a body that it announced, or take nothing of a response, before
        /// its connection is closed. 1 to 3600.
        stall_timeout_seconds: u64 = 60,
        /// Seconds that requests in flight may take to finish after SIGTERM or SIGINT. 0 to 3600.
        shutdown_timeout_seconds: u64 = 30,
    }
}

/// Every section, in the order of the reference.
pub(crate) const SECTIONS: [Section; 15] = [
    Config::SECTION,
    ListenSettings::SECTION,
    DomainSettings::SECTION,
    S3Settings::SECTION,
    PortalSettings::SECTION,
    OperatorSettings::SECTION,
    TlsSettings::SECTION,
    LdapSection::SECTION,
    OidcSettings::SECTION,
    StorageSettings::SECTION,
    ScrubSettings::SECTION,
    AuditSettings::SECTION,
    MailSettings::SECTION,
    LogSettings::SECTION,
    LimitSettings::SECTION,
];

impl Section {
    /// The setting's full name, such as `listen.s3`.
    pub(crate) fn path(&self, setting: &Setting) -> String {
        if self.name.is_empty() { setting.name.to_owned() } else { format!("{}.{}", self.name, setting.name) }
    }

    /// The environment variable that overrides the setting, such as `COMMONHOLD_LISTEN_S3`.
    pub(crate) fn variable(&self, setting: &Setting) -> String {
        format!("COMMONHOLD_{}", self.path(setting).replace('.', "_").to_ascii_uppercase())
    }
}

const fn loopback(port: u16) -> Listen {
    Listen::At(SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), port))
}

fn domain(name: &str) -> Domains {
    name.parse().into_iter().collect()
}
