//! What the tests share: entries as LDIF, settings for a server, and identities on it.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use identity::directory::conformance::PEOPLE;
use identity::{
    Actor, ExternalDirectory, Identity, MasterKey, NewRole, NewTenancy, Revocation, Standing, TenancyGroups, UserStatus,
};
use identity_ldap::{LdapDirectory, LdapSettings, Schema, ServiceAccount, Trust};
use policy::Role;
use storage::memory::MemoryStore;
use testkit::Slapd;
use testkit::slapd::{GROUPS_DN, PEOPLE_DN, SERVICE_DN, SERVICE_PASSWORD};
use types::{Clock, ManualClock, SeededEntropy, SystemClock, TenancyName, Timestamp, UserName};

/// The freshness and the grace of the tests, in seconds.
pub(crate) const CACHE: u64 = 30;
pub(crate) const GRACE: u64 = 3600;

/// Whether the tests can run here. In CI they must.
pub(crate) fn can_run() -> bool {
    let installed = Slapd::is_installed();
    assert!(installed || std::env::var_os("CI").is_none(), "CI needs slapd");
    if !installed {
        eprintln!("skipped: slapd is not installed");
    }
    installed
}

pub(crate) fn name(text: &str) -> UserName {
    UserName::new(text).expect("a name")
}

pub(crate) fn tenancy() -> TenancyName {
    TenancyName::new("t").expect("a name")
}

/// Who is in every directory of the suite, with an expired shadow account for the one who is disabled.
pub(crate) fn people() -> String {
    let each = PEOPLE.iter().map(|person| {
        let more = match person.status {
            UserStatus::Active => "",
            UserStatus::Disabled => "shadowExpire: 1\n",
        };
        let email = person.email.map(|email| format!("mail: {email}\n")).unwrap_or_default();
        account(person.name, person.full_name, person.password, &format!("{more}{email}"))
    });
    each.collect()
}

/// Someone, with further lines of LDIF.
pub(crate) fn account(name: &str, full_name: &str, password: &str, more: &str) -> String {
    format!(
        "dn: uid={name},{PEOPLE_DN}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n\
         objectClass: shadowAccount\nuid: {name}\ncn: {full_name}\nsn: {full_name}\nuidNumber: 1000\ngidNumber: 1000\n\
         homeDirectory: /home\nuserPassword:: {}\n{more}\n",
        STANDARD.encode(password),
    )
}

/// A group of login names.
pub(crate) fn posix_group(group: &str, gid: u32, members: &[&str]) -> String {
    let members: String = members.iter().map(|member| format!("memberUid: {member}\n")).collect();
    format!("dn: cn={group},{GROUPS_DN}\nobjectClass: posixGroup\ncn: {group}\ngidNumber: {gid}\n{members}\n")
}

/// A group of distinguished names; a member without `=` is a person.
pub(crate) fn group_of_names(group: &str, members: &[&str]) -> String {
    let each = members.iter().map(|member| format!("member: {}\n", dn(member)));
    format!("dn: cn={group},{GROUPS_DN}\nobjectClass: groupOfNames\ncn: {group}\n{}\n", each.collect::<String>())
}

pub(crate) fn dn(member: &str) -> String {
    if member.contains('=') { member.to_owned() } else { format!("uid={member},{PEOPLE_DN}") }
}

/// Settings for these servers, of which `first` is one; connections are secured by StartTLS.
pub(crate) fn settings(schema: Schema, first: &Slapd, servers: &[String]) -> LdapSettings {
    let servers = servers.iter().map(|url| url.parse().expect("a server")).collect();
    let mut settings = LdapSettings::new(schema, servers, PEOPLE_DN.to_owned(), Some(GROUPS_DN.to_owned()));
    settings.trust = Trust::Pem(std::fs::read(first.ca_file()).expect("read"));
    settings.account = Some(ServiceAccount { dn: SERVICE_DN.to_owned(), password: SERVICE_PASSWORD.to_owned().into() });
    settings
}

pub(crate) fn directory(settings: LdapSettings) -> LdapDirectory {
    LdapDirectory::new(settings, Arc::new(SystemClock)).expect("settings that can work")
}

/// Identities with a directory beside them, and a clock that starts today and stands still.
pub(crate) struct World {
    pub(crate) identity: Identity,
    pub(crate) clock: Arc<ManualClock>,
}

impl World {
    /// With the tenancy `t`.
    pub(crate) async fn new(directory: LdapDirectory, tenancy_groups: TenancyGroups) -> Self {
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let entropy = Arc::new(SeededEntropy::new(1));
        let master = MasterKey::generate(&*entropy);
        let external = ExternalDirectory {
            directory: Arc::new(directory.clone()),
            writer: Some(Arc::new(directory)),
            tenancy_groups,
            cache_seconds: CACHE,
            grace_seconds: GRACE,
        };
        let time = Arc::clone(&clock) as Arc<dyn Clock>;
        let store = Arc::new(MemoryStore::new());
        let identity = Identity::open_beside(store, master, time, entropy, Some(external)).await.expect("opens");
        identity.create_tenancy(NewTenancy::named(tenancy())).await.expect("made");
        Self { identity, clock }
    }

    pub(crate) async fn grant(&self, user: &str, role: Role, expires: Option<Timestamp>) {
        let new = NewRole { tenancy: tenancy(), user: name(user), role, expires };
        self.identity.grant_role(new).await.expect("granted");
    }

    pub(crate) async fn revoke(&self, user: &str) {
        let revocation = Revocation::of_all(&tenancy(), &name(user), "gone");
        self.identity.revoke_role(&Actor::Operator, revocation).await.expect("revoked");
    }

    /// What is known of a person: their groups, that they are disabled, that there is nobody, or `away`.
    pub(crate) async fn ask(&self, user: &str) -> String {
        match self.identity.standing(&name(user)).await {
            Ok(Some(standing)) => words(&standing, self.clock.now()),
            Ok(None) => "nobody".to_owned(),
            Err(identity::IdentityError::DirectoryAway { .. }) => "away".to_owned(),
            Err(error) => panic!("{error}"),
        }
    }
}

fn words(standing: &Standing, now: Timestamp) -> String {
    match standing.user.status {
        UserStatus::Active => standing.groups(now).join(","),
        UserStatus::Disabled => "disabled".to_owned(),
    }
}
