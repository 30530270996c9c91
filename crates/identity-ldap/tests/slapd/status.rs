//! Who is disabled or gone stops, also with what was known of them.

use identity::directory::Directory;
use identity::{TenancyGroups, UserStatus};
use identity_ldap::Schema;
use policy::Role;
use testkit::Slapd;
use testkit::slapd::{GROUPS_DN, PEOPLE_DN};

use crate::world::{CACHE, World, can_run, directory, name, people, posix_group, settings};

#[tokio::test]
async fn who_is_disabled_or_removed_stops_within_the_time() {
    if !can_run() {
        return;
    }
    let changes = [
        ("changetype: modify\nreplace: shadowExpire\nshadowExpire: 1\n", "disabled"),
        ("changetype: modify\nadd: description\ndescription: locked\n", "disabled"),
        ("changetype: delete\n", "nobody"),
    ];
    for (change, expected) in changes {
        let slapd = Slapd::start(&people());
        let mut settings = settings(Schema::Posix, &slapd, &[slapd.url()]);
        settings.people.disabled_filter = Some("(description=locked)".to_owned());
        let directory = directory(settings);
        let world = World::new(directory.clone(), TenancyGroups::Ours).await;
        world.grant("ann", Role::User, None).await;
        assert_eq!(world.ask("ann").await, "t-members");
        slapd.change(&format!("dn: uid=ann,{PEOPLE_DN}\n{change}"));
        world.clock.advance_secs(CACHE);
        assert_eq!(world.ask("ann").await, expected);
        let password = directory.verify_password(&name("ann"), "correct horse").await.expect("asked");
        assert_eq!(password, None, "and the password lets nobody in");
        let listed = directory.list(100).await.expect("listed");
        let status = listed.iter().find(|user| user.name == name("ann")).map(|user| user.status);
        assert_eq!(status, (expected == "disabled").then_some(UserStatus::Disabled));
    }
}

#[tokio::test]
async fn a_new_group_works_within_the_time() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&people());
    let world = World::new(directory(settings(Schema::Posix, &slapd, &[slapd.url()])), TenancyGroups::Ours).await;
    assert_eq!(world.ask("ann").await, "");
    slapd.change(&posix_group("sea", 700, &["ann"]));
    world.clock.advance_secs(CACHE);
    assert_eq!(world.ask("ann").await, "sea");
    slapd.change(&format!("dn: cn=sea,{GROUPS_DN}\nchangetype: modify\ndelete: memberUid\nmemberUid: ann\n"));
    world.clock.advance_secs(CACHE);
    assert_eq!(world.ask("ann").await, "");
    world.grant("ann", Role::Manager, None).await;
    assert_eq!(world.ask("ann").await, "t-managers,t-members", "a role works at once");
}
