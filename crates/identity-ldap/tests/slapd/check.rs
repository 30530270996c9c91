//! What `check` tells of a directory that does not work.

use identity::Directory;
use identity_ldap::{Schema, TlsMode};
use testkit::Slapd;

use crate::world::{can_run, directory, name, people, posix_group, settings};

#[tokio::test]
async fn the_step_that_fails_is_named() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&format!("{}{}", people(), posix_group("sea", 700, &["ann"])));
    type Edit = fn(&mut identity_ldap::LdapSettings);
    let cases: [(&str, Edit, &str, &str); 7] = [
        ("ann", |_| {}, "", "sea"),
        ("eve", |_| {}, "", "disabled"),
        ("nobody", |_| {}, "", "no such person"),
        ("ann", |s| s.account.as_mut().expect("one").password = "x".to_owned().into(), "bind as", "service account"),
        ("ann", |s| s.people.base = "ou=none,dc=example,dc=org".into(), "search people", "ldap.user_base"),
        ("ann", |s| s.groups.base = Some("ou=none,dc=example,dc=org".into()), "search groups", "ldap.group_base"),
        ("ann", |s| s.servers = vec!["ldap://localhost:1".parse().expect("a server")], "connect to", "refused"),
    ];
    for (user, edit, step, detail) in cases {
        let mut settings = settings(Schema::Posix, &slapd, &[slapd.url()]);
        edit(&mut settings);
        let steps = directory(settings).check(Some(&name(user))).await;
        let failed: Vec<&str> = steps.iter().filter(|step| !step.works).map(|step| step.step.as_str()).collect();
        assert!(if step.is_empty() { failed.is_empty() } else { failed[0].starts_with(step) }, "{steps:?}");
        assert!(steps.iter().any(|step| step.detail.contains(detail)), "{detail}: {steps:?}");
        assert!(!format!("{steps:?}").contains("a service's password"), "a check tells no secret");
    }
    let mut settings = settings(Schema::Posix, &slapd, &[slapd.url()]);
    settings.tls = TlsMode::Off;
    let steps = directory(settings).check(None).await;
    assert!(steps[0].detail.contains("passwords can be read"), "{steps:?}");
}
