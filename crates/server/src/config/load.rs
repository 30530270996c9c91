//! Reads the file and the environment, and checks what they say.
//!
//! The text is parsed twice: once with positions, for unknown names and for where a checked value stands, and once into
//! [`Config`], whose types refuse bad values with the position that the parser knows.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};
use toml::{Spanned, Table};

use super::settings::{Config, SECTIONS, Section, Setting};
use super::values::Kind;
use crate::{ldap, oidc};

/// The largest configuration file, in bytes: far above any real one, far below what hurts.
const FILE_BYTES: u64 = 1024 * 1024;
/// Variables of our prefix that are no settings.
const OTHER_VARIABLES: [&str; 4] =
    ["COMMONHOLD_CONFIG", "COMMONHOLD_MASTER_KEY", "COMMONHOLD_MAIL_PASSWORD", ldap::PASSWORD_VARIABLE];

/// The environment, as an argument: what tests set does not leak into the process.
pub(crate) type Environment = BTreeMap<String, String>;

/// Where a mistake stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Place {
    /// In a file; line and column count from 1.
    File { path: PathBuf, line: usize, column: usize },
    /// The file as a whole.
    WholeFile(PathBuf),
    /// In an environment variable.
    Variable(String),
    /// In no single place: a default does not go with what was set.
    Defaults,
}

/// A mistake in the configuration, with what to do about it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct ConfigError {
    /// Where it stands.
    pub(crate) place: Place,
    /// What is wrong, and what to write instead.
    pub(crate) message: String,
}

impl std::error::Error for ConfigError {}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.place {
            Place::File { path, line, column } => write!(f, "{}:{line}:{column}: ", path.display())?,
            Place::WholeFile(path) => write!(f, "{}: ", path.display())?,
            Place::Variable(name) => write!(f, "environment variable {name}: ")?,
            Place::Defaults => write!(f, "configuration: ")?,
        }
        f.write_str(&self.message)
    }
}

/// The configuration of `file`, if any, with the environment's overrides, checked.
///
/// Relative paths in the file start from the file's folder; those of defaults and variables from the working directory.
///
/// # Errors
/// The first mistake.
pub(crate) fn load(file: Option<&Path>, environment: &Environment) -> Result<Config, ConfigError> {
    let (text, path) = match file {
        Some(path) => (read(path)?, path),
        None => (String::new(), Path::new("")),
    };
    let source = Source { path, text: &text };
    let mut table = source.table()?;
    anchor_paths(&mut table, path.parent().unwrap_or(Path::new("")));
    let overridden = apply_environment(&mut table, environment)?;
    let config: Config = table
        .try_into()
        .map_err(|error: toml::de::Error| ConfigError { place: Place::Defaults, message: in_words(error.message()) })?;
    check(&config).map_err(|problem| {
        let place = match overridden.get(problem.path) {
            Some(variable) => Place::Variable(variable.clone()),
            None => source.place_of(problem.path),
        };
        ConfigError { place, message: format!("{}: {}", problem.path, problem.message) }
    })?;
    Ok(config)
}

/// Variables that look like settings and are none: worth a warning. Not an error, because container platforms inject
/// variables with the name of the service.
pub(crate) fn unknown_variables(environment: &Environment) -> Vec<&str> {
    let known: Vec<String> = all_settings().map(|(section, setting)| section.variable(setting)).collect();
    environment
        .keys()
        .map(String::as_str)
        .filter(|name| name.starts_with("COMMONHOLD_"))
        .filter(|name| !known.iter().any(|k| k == name) && !OTHER_VARIABLES.contains(name))
        .collect()
}

fn all_settings() -> impl Iterator<Item = (&'static Section, &'static Setting)> {
    SECTIONS.iter().flat_map(|section| section.settings.iter().map(move |setting| (section, setting)))
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let whole = |message| ConfigError { place: Place::WholeFile(path.to_owned()), message };
    let length = std::fs::metadata(path)
        .map_err(|error| whole(format!("the configuration file can not be read ({error}): check the path")))?
        .len();
    if length > FILE_BYTES {
        return Err(whole(format!("{length} bytes are too many for a configuration file")));
    }
    std::fs::read_to_string(path).map_err(|error| whole(format!("the configuration file can not be read: {error}")))
}

/// The text of the file, to name places in it.
struct Source<'a> {
    path: &'a Path,
    text: &'a str,
}

impl Source<'_> {
    /// The file as a table, once every name in it is known and every value is of its type.
    fn table(&self) -> Result<Table, ConfigError> {
        let spanned = DeTable::parse(self.text).map_err(|error| self.parse_error(&error))?;
        self.check_names(spanned.get_ref())?;
        toml::from_str::<Config>(self.text).map_err(|error| self.parse_error(&error))?;
        toml::from_str(self.text).map_err(|error| self.parse_error(&error))
    }

    fn check_names(&self, top: &DeTable<'_>) -> Result<(), ConfigError> {
        for (key, value) in top {
            let name: &str = key.get_ref();
            let known = &SECTIONS[0];
            if known.settings.iter().any(|setting| setting.name == name) {
                continue;
            }
            let Some(section) = SECTIONS.iter().find(|section| section.name == name && !name.is_empty()) else {
                return Err(self.error_at(&key.span(), unknown_at_top(name)));
            };
            let Some(table) = value.get_ref().as_table() else {
                return Err(
                    self.error_at(&value.span(), format!("{name} is a table: write [{name}] above its settings"))
                );
            };
            for key in table.keys() {
                let inner: &str = key.get_ref();
                if !section.settings.iter().any(|setting| setting.name == inner) {
                    let message = format!("unknown setting {inner:?}: [{name}] has {}", names(section));
                    return Err(self.error_at(&key.span(), message));
                }
            }
        }
        Ok(())
    }

    /// Where the setting of this path stands, or where it would: the file as a whole, or the defaults.
    fn place_of(&self, path: &str) -> Place {
        let span = DeTable::parse(self.text).ok().and_then(|top| {
            match path.split_once('.') {
                None => find(top.get_ref(), path),
                Some((section, name)) => find(find(top.get_ref(), section)?.get_ref().as_table()?, name),
            }
            .map(Spanned::span)
        });
        match span {
            Some(span) => self.place(&span),
            None if self.path.as_os_str().is_empty() => Place::Defaults,
            None => Place::WholeFile(self.path.to_owned()),
        }
    }

    fn parse_error(&self, error: &toml::de::Error) -> ConfigError {
        self.error_at(&error.span().unwrap_or(0..0), in_words(error.message()))
    }

    fn error_at(&self, span: &Range<usize>, message: String) -> ConfigError {
        ConfigError { place: self.place(span), message }
    }

    fn place(&self, span: &Range<usize>) -> Place {
        let before = self.text.get(..span.start).unwrap_or(self.text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Place::File {
            path: self.path.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

fn find<'t, 'i>(table: &'t DeTable<'i>, name: &str) -> Option<&'t Spanned<DeValue<'i>>> {
    table.iter().find(|(key, _)| key.get_ref() == name).map(|(_, value)| value)
}

fn unknown_at_top(name: &str) -> String {
    let owner = all_settings().find(|(section, setting)| setting.name == name && !section.name.is_empty());
    match owner {
        Some((section, _)) => format!("unknown setting {name:?}: write it below [{}]", section.name),
        None => {
            let tables: Vec<String> = SECTIONS[1..].iter().map(|section| format!("[{}]", section.name)).collect();
            format!(
                "unknown setting {name:?}: at the top stand {} and the tables {}",
                names(&SECTIONS[0]),
                tables.join(", ")
            )
        }
    }
}

fn names(section: &Section) -> String {
    section.settings.iter().map(|setting| setting.name).collect::<Vec<_>>().join(", ")
}

/// The parser's message, with our name for its types.
fn in_words(message: &str) -> String {
    message.replace("expected u64", "expected a whole number").replace("expected u32", "expected a whole number")
}

/// Makes relative paths of the file start from its folder.
fn anchor_paths(table: &mut Table, folder: &Path) {
    let anchor = |value: &mut toml::Value| {
        if let toml::Value::String(text) = value {
            *text = folder.join(&*text).to_string_lossy().into_owned();
        }
    };
    if let Some(value) = table.get_mut("data_dir") {
        anchor(value);
    }
    if let Some(value) = table.get_mut("listen").and_then(|listen| listen.get_mut("admin_socket")) {
        anchor(value);
    }
    let files = [
        ("ldap", "ca_file"),
        ("ldap", "bind_password_file"),
        ("mail", "ca_file"),
        ("mail", "password_file"),
        ("oidc", "ca_file"),
        ("oidc", "client_secret_file"),
        ("portal", "logo"),
    ];
    for (section, name) in files {
        if let Some(value) = table.get_mut(section).and_then(|section| section.get_mut(name)) {
            anchor(value);
        }
    }
    let certificates = table.get_mut("tls").and_then(|tls| tls.get_mut("certificates"));
    for files in certificates.and_then(toml::Value::as_array_mut).into_iter().flatten() {
        for name in ["cert", "key"] {
            if let Some(value) = files.get_mut(name) {
                anchor(value);
            }
        }
    }
}

/// Sets what variables say; answers which settings they set. An empty variable is as good as none.
fn apply_environment(table: &mut Table, environment: &Environment) -> Result<BTreeMap<String, String>, ConfigError> {
    let mut overridden = BTreeMap::new();
    for (section, setting) in all_settings() {
        let variable = section.variable(setting);
        let Some(text) = environment.get(&variable).filter(|text| !text.is_empty()) else { continue };
        let wrong = |message: String| ConfigError { place: Place::Variable(variable.clone()), message };
        let value = parse_variable(setting.kind, text).map_err(wrong)?;
        let mut alone = Table::new();
        put(&mut alone, section, setting, value.clone());
        alone.try_into::<Config>().map_err(|error| wrong(in_words(error.message())))?;
        put(table, section, setting, value);
        overridden.insert(section.path(setting), variable);
    }
    Ok(overridden)
}

fn parse_variable(kind: Kind, text: &str) -> Result<toml::Value, String> {
    match kind {
        Kind::Text => Ok(toml::Value::String(text.to_owned())),
        Kind::Integer => text.parse().map(toml::Value::Integer).map_err(|_| format!("{text:?} is no whole number")),
        Kind::TextList => {
            Ok(toml::Value::Array(text.split(',').map(|item| toml::Value::String(item.trim().to_owned())).collect()))
        }
        Kind::Tables => format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"))
            .filter(toml::Value::is_array)
            .ok_or_else(|| format!("{text:?} is no TOML array, such as [{{ cert = \"a.pem\", key = \"a.key\" }}]")),
    }
}

fn put(table: &mut Table, section: &Section, setting: &Setting, value: toml::Value) {
    if section.name.is_empty() {
        table.insert(setting.name.to_owned(), value);
        return;
    }
    let inner = table.entry(section.name).or_insert_with(|| toml::Value::Table(Table::new()));
    if let toml::Value::Table(inner) = inner {
        inner.insert(setting.name.to_owned(), value);
    }
}

/// A value that is of its type and can not be, with the setting to name.
struct Problem {
    path: &'static str,
    message: String,
}

/// What no single value's type can say: ranges, and settings that need each other.
fn check(config: &Config) -> Result<(), Problem> {
    let listen = &config.listen;
    let problem = |path, message: &str| Err(Problem { path, message: message.to_owned() });
    if listen.s3.address().is_none() && listen.s3_tls.address().is_none() {
        return problem("listen.s3", "neither listen.s3 nor listen.s3_tls is on: give one of them an address");
    }
    for (path, listen) in [("listen.s3_tls", listen.s3_tls), ("listen.portal_tls", listen.portal_tls)] {
        if listen.address().is_some() && config.tls.certificates.is_empty() {
            return problem(path, "HTTPS needs a certificate: set tls.certificates = [{ cert = …, key = … }]");
        }
    }
    if let Err(error) = config.portal.colour.parse::<::portal::Colour>() {
        return problem("portal.colour", &error.to_string());
    }
    let is_no_origin = |origin: &&String| ::portal::Origin::new(origin).is_none();
    if let Some(origin) = config.portal.origins.iter().find(is_no_origin) {
        let message =
            format!("{origin:?} is no origin: write scheme, host and port alone, \"https://portal.example.org\"");
        return problem("portal.origins", &message);
    }
    if let Some(url) = config.portal.store_url.as_ref().filter(is_no_origin) {
        let message = format!("{url:?} is no address: write scheme, host and port alone, \"https://s3.example.org\"");
        return problem("portal.store_url", &message);
    }
    if let Err(error) = access::Operators::new(config.operators.people.iter(), config.operators.groups.iter()) {
        let path =
            if matches!(error, access::OperatorsError::Person(_)) { "operators.people" } else { "operators.groups" };
        return problem(path, &error.to_string());
    }
    check_addresses(config)?;
    if let Some(shared) = config.domains.internal.iter().find(|domain| config.domains.external.contains(domain)) {
        let message = format!("{:?} is in domains.internal too: a domain belongs to one of them", shared.as_str());
        return problem("domains.external", &message);
    }
    let is_of_region = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    if config.s3.region.is_empty() || !config.s3.region.bytes().all(is_of_region) {
        return problem("s3.region", "a region is made of letters, digits, '-' and '.', such as \"us-east-1\"");
    }
    if let Err(error) = tracing_subscriber::EnvFilter::builder().parse(&config.log.level) {
        let message = format!("{error}: write error, warn, info, debug or trace, or \"info,commonhold::access=off\"");
        return problem("log.level", &message);
    }
    ldap::check(&config.ldap).map_err(|error| Problem { path: error.setting, message: error.problem })?;
    oidc::check(&config.oidc).map_err(|(path, message)| Problem { path, message })?;
    check_ranges(config)
}

/// No two listeners at one address, unless the system chooses the port.
fn check_addresses(config: &Config) -> Result<(), Problem> {
    let listen = &config.listen;
    let all = [
        ("listen.s3", listen.s3),
        ("listen.s3_tls", listen.s3_tls),
        ("listen.portal", listen.portal),
        ("listen.portal_tls", listen.portal_tls),
        ("listen.legacy", listen.legacy),
        ("listen.metrics", listen.metrics),
    ];
    for (at, (path, one)) in all.iter().enumerate() {
        let taken = all[..at].iter().find(|(_, other)| {
            one.address().is_some_and(|address| address.port() != 0) && one.address() == other.address()
        });
        if let Some((other, _)) = taken {
            return Err(Problem { path, message: format!("{one} is taken by {other}: choose another port") });
        }
    }
    Ok(())
}

fn check_ranges(config: &Config) -> Result<(), Problem> {
    let (limits, ldap) = (&config.limits, &config.ldap);
    let ranges = [
        ("storage.cache_mib", config.storage.cache_mib, 8, 1 << 20),
        ("storage.reserve_mib", config.storage.reserve_mib, 16, 1 << 20),
        ("scrub.period_hours", config.scrub.period_hours, 0, 87_600),
        ("scrub.pace_mib_per_second", config.scrub.pace_mib_per_second, 1, 1 << 20),
        ("audit.keep_days", config.audit.keep_days, 0, 36_500),
        ("ldap.first_gid", u64::from(ldap.first_gid), 1, 2_147_483_647),
        ("ldap.cache_seconds", ldap.cache_seconds, 2, 3600),
        ("ldap.grace_seconds", ldap.grace_seconds, 0, 2_592_000),
        ("ldap.connections", u64::from(ldap.connections), 1, 64),
        ("ldap.connect_timeout_seconds", ldap.connect_timeout_seconds, 1, 60),
        ("ldap.operation_timeout_seconds", ldap.operation_timeout_seconds, 1, 60),
        ("mail.port", u64::from(config.mail.port), 1, 65_535),
        ("oidc.skew_seconds", config.oidc.skew_seconds, 0, 600),
        ("limits.connections", u64::from(limits.connections), 1, 1_000_000),
        ("limits.header_timeout_seconds", limits.header_timeout_seconds, 1, 3600),
        ("limits.idle_timeout_seconds", limits.idle_timeout_seconds, 1, 3600),
        ("limits.stall_timeout_seconds", limits.stall_timeout_seconds, 1, 3600),
        ("limits.shutdown_timeout_seconds", limits.shutdown_timeout_seconds, 0, 3600),
    ];
    for (path, value, least, most) in ranges {
        if !(least..=most).contains(&value) {
            return Err(Problem { path, message: format!("{value} is out of range: write {least} to {most}") });
        }
    }
    Ok(())
}
