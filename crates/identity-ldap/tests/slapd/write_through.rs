//! Roles written to groups, and what was changed by hand repaired.

use identity::TenancyGroups;
use identity::write_through::Removals;
use identity_ldap::{NewGroups, Schema};
use policy::Role;
use testkit::Slapd;
use testkit::slapd::{GROUPS_DN, PEOPLE_DN, SERVICE_DN};
use types::Clock;

use crate::world::{World, can_run, directory, dn, group_of_names, name, people, posix_group, settings};

/// The members of a group of tenancy `t`, with their distinguished names shortened; `None` where there is no group.
fn members(slapd: &Slapd, group: &str, attribute: &str) -> Option<String> {
    let values = slapd.values(&format!("cn={group},{GROUPS_DN}"), attribute)?;
    let short = |value: &String| {
        let name = value.strip_prefix("uid=").and_then(|value| value.strip_suffix(&format!(",{PEOPLE_DN}")));
        name.unwrap_or(if value == SERVICE_DN { "-" } else { value }).to_owned()
    };
    let mut names: Vec<String> = values.iter().map(short).collect();
    names.sort();
    Some(names.join(","))
}

#[tokio::test]
async fn groups_follow_from_roles_and_drift_is_repaired() {
    if !can_run() {
        return;
    }
    for (schema, attribute, nobody) in [(Schema::Posix, "memberUid", ""), (Schema::GroupOfNames, "member", "-")] {
        let slapd = Slapd::start(&format!("{}{}", people(), posix_group("other", 60_001, &["eve"])));
        let mut settings = settings(schema, &slapd, &[slapd.url()]);
        settings.groups.new_groups = NewGroups::Made { first_gid: 60_000 };
        let world = World::new(directory(settings), TenancyGroups::Write).await;
        let is = |group: &str| members(&slapd, group, attribute);
        let run = async || world.identity.reconcile_groups(Removals::Bounded).await.expect("done");

        let until = world.clock.now().plus_secs(1000);
        world.grant("ann", Role::Manager, None).await;
        world.grant("bob", Role::User, Some(until)).await;
        world.grant("anna.b", Role::Deputy, None).await;
        let done = run().await;
        assert_eq!((done.created, done.added, done.left), (3, 5, vec![]), "{schema:?}");
        let with_nobody =
            |names: &str| Some([nobody, names].iter().filter(|n| !n.is_empty()).copied().collect::<Vec<_>>().join(","));
        assert_eq!(is("t-members"), with_nobody("ann,anna.b,bob"));
        assert_eq!(is("t-managers"), with_nobody("ann"));
        assert_eq!(is("t-deputies"), with_nobody("anna.b"));
        if schema == Schema::Posix {
            let mut numbers: Vec<_> = ["t-members", "t-managers", "t-deputies"]
                .iter()
                .filter_map(|group| slapd.values(&format!("cn={group},{GROUPS_DN}"), "gidNumber")?.pop())
                .collect();
            numbers.sort();
            assert_eq!(numbers, ["60002", "60003", "60004"], "numbers that are free");
        }
        assert_eq!(run().await, identity::write_through::Reconciled::default(), "once is enough");

        // Somebody's hand.
        let member = |user: &str| if schema == Schema::Posix { user.to_owned() } else { dn(user) };
        slapd.change(&format!(
            "dn: cn=t-members,{GROUPS_DN}\nchangetype: modify\nadd: {attribute}\n{attribute}: {}\n-\n\
             delete: {attribute}\n{attribute}: {}\n",
            member("eve"),
            member("ann"),
        ));
        let drift = world.identity.group_drift().await.expect("compared");
        assert_eq!(drift.len(), 1, "{drift:?}");
        assert_eq!((&drift[0].missing, &drift[0].extra), (&vec![name("ann")], &vec![member("eve")]));
        let done = run().await;
        assert_eq!((done.added, done.removed), (1, 1));
        assert_eq!(is("t-members"), with_nobody("ann,anna.b,bob"));

        // The ends of roles: by time, and by hand, to the last.
        world.clock.set(until);
        run().await;
        assert_eq!(is("t-members"), with_nobody("ann,anna.b"));
        for user in ["ann", "anna.b"] {
            world.revoke(user).await;
        }
        let done = run().await;
        assert_eq!((done.removed, done.left), (4, vec![]));
        assert_eq!(is("t-members"), Some(nobody.to_owned()));
    }
}

/// A group of distinguished names that somebody else made, without the placeholder: its last member is replaced by it.
#[tokio::test]
async fn the_last_member_of_a_group_of_names_can_go() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&format!(
        "{}{}",
        people(),
        group_of_names("t-members", &["UID=Eve, OU=people,dc=example,dc=org"])
    ));
    let world =
        World::new(directory(settings(Schema::GroupOfNames, &slapd, &[slapd.url()])), TenancyGroups::Write).await;
    world.grant("eve", Role::User, None).await;
    assert_eq!(world.identity.group_drift().await.expect("compared"), [], "another spelling is the same person");
    world.revoke("eve").await;
    let done = world.identity.reconcile_groups(Removals::Bounded).await.expect("done");
    assert_eq!((done.removed, done.left), (1, vec![]));
    assert_eq!(members(&slapd, "t-members", "member"), Some("-".to_owned()));
}

#[tokio::test]
async fn what_the_directory_refuses_is_told_and_does_not_stop_the_rest() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&format!("{}{}", people(), posix_group("t-members", 700, &[])));
    let world = World::new(directory(settings(Schema::Posix, &slapd, &[slapd.url()])), TenancyGroups::Write).await;
    world.grant("ann", Role::Manager, None).await;
    let done = world.identity.reconcile_groups(Removals::Bounded).await.expect("done");
    assert_eq!((done.created, done.added), (0, 1), "a group that is not there is not made unasked");
    assert_eq!(done.left.len(), 1);
    assert!(done.left[0].problem.contains("ldap.create_groups"), "{:?}", done.left);

    // A service account that may not write.
    let mut read_only = settings(Schema::Posix, &slapd, &[slapd.url()]);
    read_only.account =
        Some(identity_ldap::ServiceAccount { dn: dn("bob"), password: "battery staple".to_owned().into() });
    let reader = World::new(directory(read_only), TenancyGroups::Write).await;
    let done = reader.identity.reconcile_groups(Removals::Bounded).await.expect("done");
    assert_eq!((done.removed, &done.left[0].extra[..]), (0, &["ann".to_owned()][..]));
    assert!(done.left[0].problem.contains("insufficientAccess"), "{:?}", done.left);
    assert_eq!(members(&slapd, "t-members", "memberUid"), Some("ann".to_owned()), "nothing changes");
}
