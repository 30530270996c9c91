//! Groups in groups.

use identity::Directory;
use identity_ldap::{Nesting, Schema};
use testkit::Slapd;
use testkit::slapd::{GROUPS_DN, PEOPLE_DN};

use crate::world::{can_run, directory, dn, group_of_names, name, people, posix_group, settings};

fn group(name: &str) -> String {
    format!("cn={name},{GROUPS_DN}")
}

#[tokio::test]
async fn groups_in_groups_count_once_to_a_depth_and_in_circles() {
    if !can_run() {
        return;
    }
    let mut ldif = people();
    ldif += &group_of_names("a", &["ann", &group("c")]);
    ldif += &group_of_names("b", &[&group("a")]);
    ldif += &group_of_names("c", &[&group("b"), "eve"]);
    ldif += &format!(
        "dn: {}\nobjectClass: groupOfUniqueNames\ncn: unique\nuniqueMember: {}\nuniqueMember: {}\n\n",
        group("unique"),
        dn("bob"),
        group("b"),
    );
    // A chain longer than the depth that counts.
    ldif += &group_of_names("d00", &["bob"]);
    for level in 1..20 {
        ldif += &group_of_names(&format!("d{level:02}"), &[&group(&format!("d{:02}", level - 1))]);
    }
    ldif += &posix_group("posix", 900, &["ann"]);
    let slapd = Slapd::start(&ldif);
    for (nesting, user, expected) in [
        (Nesting::Levels, "ann", "a,b,c,unique"),
        (Nesting::None, "ann", "a"),
        (Nesting::Levels, "eve", "a,b,c,unique"),
        (Nesting::Levels, "bob", "d00,d01,d02,d03,d04,d05,d06,d07,unique"),
        (Nesting::Levels, "anna.b", ""),
    ] {
        let mut settings = settings(Schema::GroupOfNames, &slapd, &[slapd.url()]);
        settings.groups.nesting = nesting;
        let found = directory(settings).groups(&name(user)).await.expect("asked");
        assert_eq!(found.join(","), expected, "{user}, {nesting:?}");
    }

    // Both kinds at once.
    let mut settings = settings(Schema::GroupOfNames, &slapd, &[slapd.url()]);
    settings.groups.filter = "(|(objectClass=posixGroup)(objectClass=groupOfNames))".to_owned();
    settings.groups.member_attributes = vec!["member".to_owned(), "memberUid".to_owned()];
    assert_eq!(directory(settings).groups(&name("ann")).await.expect("asked").join(","), "a,b,c,posix");
}

/// A login name and a distinguished name with everything that filters and names take for more than text.
#[tokio::test]
async fn odd_names_are_no_patterns() {
    if !can_run() {
        return;
    }
    let odd = format!("cn=a \\28b\\29 \\2A \\5C \\2C c\\+d,{PEOPLE_DN}");
    let ldif = format!(
        "{}dn: {odd}\nobjectClass: inetOrgPerson\ncn: a (b) * \\ , c+d\nsn: x\nuid: o+d@d\nuserPassword: password\n\n{}",
        people(),
        group_of_names("odd", &[&odd]),
    );
    let slapd = Slapd::start(&ldif);
    let directory = directory(settings(Schema::GroupOfNames, &slapd, &[slapd.url()]));
    assert_eq!(directory.groups(&name("o+d@d")).await.expect("asked"), ["odd"]);
    assert!(directory.verify_password(&name("o+d@d"), "password").await.expect("asked").is_some());
    for (prefix, expected) in [("a (b) *", 1), ("a (b) * \\ , c+d", 1), ("*", 0), ("a (b) x", 0), ("a*", 0)] {
        assert_eq!(directory.search_people(prefix, 10).await.expect("asked").len(), expected, "{prefix:?}");
    }
}
