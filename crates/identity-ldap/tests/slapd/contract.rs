//! The suite of `identity`, on each kind of directory and each kind of connection.

use identity::Directory;
use identity::directory::conformance::{self, GROUPS, HasGroups};
use identity_ldap::{Schema, ServiceAccount, TlsMode};
use testkit::Slapd;

use crate::world::{can_run, directory, dn, group_of_names, people, posix_group, settings};

#[tokio::test]
async fn every_kind_of_directory_keeps_the_contract() {
    if !can_run() {
        return;
    }
    let posix: String =
        GROUPS.iter().zip(500..).map(|((group, members), gid)| posix_group(group, gid, members)).collect();
    let names: String = GROUPS.iter().map(|(group, members)| group_of_names(group, members)).collect();
    for (schema, groups) in [(Schema::Posix, posix), (Schema::GroupOfNames, names)] {
        let slapd = Slapd::start(&format!("{}{groups}", people()));
        for (tls, url) in
            [(TlsMode::StartTls, slapd.url()), (TlsMode::Off, slapd.tls_url()), (TlsMode::Off, slapd.url())]
        {
            let mut settings = settings(schema, &slapd, &[url]);
            settings.tls = tls;
            conformance::run(&directory(settings), HasGroups::Yes).await;
        }
    }
}

/// More people than one page of an answer.
#[tokio::test]
async fn a_long_list_comes_in_pages() {
    if !can_run() {
        return;
    }
    let many: String = (0..1203).map(|n| crate::world::account(&format!("u{n:04}"), "U", "password", "")).collect();
    let slapd = Slapd::start(&many);
    // OpenLDAP gives others than the service account 500 entries, in pages or not.
    let mut of_other = settings(Schema::Posix, &slapd, &[slapd.url()]);
    of_other.account = Some(ServiceAccount { dn: dn("u0000"), password: "password".to_owned().into() });
    assert_eq!(directory(of_other).list(10_000).await.expect("listed").len(), 500);
    let directory = directory(settings(Schema::Posix, &slapd, &[slapd.url()]));
    for (limit, expected) in [(10_000, 1203), (700, 700), (1, 1)] {
        assert_eq!(directory.list(limit).await.expect("listed").len(), expected, "at most {limit}");
    }
    assert_eq!(directory.search_people("u", 1000).await.expect("found").len(), identity::directory::MAX_FOUND);
    assert_eq!(directory.search_people("u1202", 10).await.expect("found").len(), 1);
}
