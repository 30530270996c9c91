//! Servers that end, come back, or do not answer at all.

use std::time::Duration;

use identity::{Directory, IdentityError, TenancyGroups};
use identity_ldap::Schema;
use policy::Role;
use testkit::Slapd;
use tokio::net::TcpListener;
use tokio::time::Instant;

use crate::world::{CACHE, GRACE, World, can_run, directory, name, people, settings};

/// How long after a failure questions are refused without being asked, and a little more.
const REST: Duration = Duration::from_millis(2300);

#[tokio::test(flavor = "multi_thread")]
async fn keys_go_on_for_the_grace_and_log_ins_say_that_the_directory_is_away() {
    if !can_run() {
        return;
    }
    let mut slapd = Slapd::start(&people());
    let directory = directory(settings(Schema::Posix, &slapd, &[slapd.url()]));
    let world = World::new(directory.clone(), TenancyGroups::Ours).await;
    world.grant("ann", Role::User, None).await;
    assert_eq!(world.ask("ann").await, "t-members");
    slapd.stop();
    world.clock.advance_secs(CACHE);
    assert_eq!(world.ask("ann").await, "t-members", "what was known goes on");
    assert_eq!(world.ask("bob").await, "away", "of whom nothing was known nothing is assumed");
    let log_in = directory.verify_password(&name("ann"), "correct horse").await;
    assert!(matches!(log_in, Err(IdentityError::DirectoryAway { .. })), "{log_in:?}");
    world.revoke("ann").await;
    assert_eq!(world.ask("ann").await, "", "a role ends at once all the same");
    world.clock.advance_secs(GRACE);
    assert_eq!(world.ask("ann").await, "away");

    slapd.start_again();
    tokio::time::sleep(REST).await;
    assert_eq!(world.ask("ann").await, "", "it is back");
    assert_eq!(world.ask("nobody").await, "nobody");
    assert!(directory.verify_password(&name("ann"), "correct horse").await.expect("asked").is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn another_server_takes_over() {
    if !can_run() {
        return;
    }
    let (mut first, second) = (Slapd::start(&people()), Slapd::start(&people()));
    let mut settings = settings(Schema::Posix, &first, &[first.url(), second.tls_url()]);
    let both = [std::fs::read(first.ca_file()), std::fs::read(second.ca_file())];
    settings.trust = identity_ldap::Trust::Pem(both.map(|pem| pem.expect("read")).concat());
    let directory = directory(settings);
    assert!(directory.find(&name("ann")).await.expect("asked").is_some());
    first.stop();
    assert!(directory.find(&name("ann")).await.expect("the second is asked").is_some());
    assert!(directory.verify_password(&name("ann"), "correct horse").await.expect("and binds").is_some());
    first.start_again();
    drop(second);
    assert!(directory.find(&name("ann")).await.expect("the first is asked again").is_some());
}

/// A server that takes connections and says nothing: questions end in their time, and the next ones at once.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_says_nothing_is_given_up() {
    if !can_run() {
        return;
    }
    let slapd = Slapd::start(&people());
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let url = format!("ldap://localhost:{}", silent.local_addr().expect("an address").port());
    let mut settings = settings(Schema::Posix, &slapd, &[url]);
    settings.connect_timeout = Duration::from_secs(1);
    let directory = directory(settings);
    for (at_least, at_most) in [(900, 3000), (0, 200), (0, 200)] {
        let began = Instant::now();
        let outcome = directory.find(&name("ann")).await;
        assert!(matches!(outcome, Err(IdentityError::DirectoryAway { .. })), "{outcome:?}");
        let took = began.elapsed().as_millis();
        assert!((at_least..at_most).contains(&took), "{took} ms");
    }
    tokio::time::sleep(REST).await;
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let directory = directory.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                directory.find(&name("ann")).await.expect_err("away");
                began.elapsed() > Duration::from_millis(500)
            })
        })
        .collect();
    let mut waited = 0;
    for task in tasks {
        waited += usize::from(task.await.expect("ended"));
    }
    assert_eq!(waited, 1, "one tries whether it is back, the others do not wait for that");
}
