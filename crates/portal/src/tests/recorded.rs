//! What the audit log says of what was done on pages.

use audit::{Filter, Order};

use super::browser::{Browser, World};

/// Each entry as `actor action target outcome error facts`, the oldest first.
async fn entries(world: &World) -> Vec<String> {
    let page = world.portal.audit.page(&Filter::default(), Order::Oldest, None, 100).await.expect("read");
    let line = |line: audit::Line| {
        let entry = line.entry;
        assert_eq!(entry.via, audit::Via::Portal);
        assert_eq!(entry.address, Some([192, 0, 2, 1].into()));
        let facts: Vec<_> = entry.facts.iter().map(|(name, fact)| format!("{name}={fact}")).collect();
        let words = [
            entry.actor.to_string(),
            entry.action,
            entry.target,
            entry.outcome.to_string(),
            entry.error,
            facts.join(" "),
        ];
        words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
    };
    page.lines.into_iter().map(line).collect()
}

#[tokio::test]
async fn forms_are_recorded_with_the_person_and_without_secrets() {
    let world = World::new().await;
    Browser::new(&world).log_in("ann", "s3cret-guess").await;
    Browser::new(&world).log_in("s3cret-in-the-wrong-field", "x").await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "climate")]).await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "climate")]).await;
    let key = [("description", "s3cret-plan"), ("expires", "30")];
    ann.post("/object-stores/t-o/keys/new", &key).await;
    ann.post_with("/object-stores/t-o/buckets/delete", &[("bucket", "climate")], Some("forged")).await;
    world.clock.advance_secs(identity::login::CONFIRMED_SECONDS);
    ann.post_with("/object-stores/t-o/keys/delete", &[("key", "abc")], Some("forged")).await;

    let seen = entries(&world).await;
    let starts = [
        "anonymous login.begin login ann refused WrongPassword",
        "anonymous login.begin login refused WrongPassword",
        "anonymous login.begin login ann done",
        "user:ann s3:CreateBucket object-stores t-o buckets create done bucket=climate",
        "user:ann s3:CreateBucket object-stores t-o buckets create refused Refused bucket=climate",
        "user:ann key.create object-stores t-o keys new done expires=30 id=",
        "user:ann s3:DeleteBucket object-stores t-o buckets delete refused FormForged bucket=climate",
    ];
    assert_eq!(seen.len(), starts.len(), "{seen:#?}");
    for (entry, start) in seen.iter().zip(starts) {
        assert!(entry.starts_with(start), "{entry}");
        assert!(!entry.contains("s3cret"), "{entry}");
    }
}

/// Strangers can not fill the log.
#[tokio::test]
async fn what_nobody_sends_is_not_recorded() {
    let world = World::new().await;
    let mut nobody = Browser::new(&world);
    for path in ["/logout", "/confirm", "/object-stores/t-o/keys/delete", "/login"] {
        nobody.post_with(path, &[("name", "ann"), ("password", "x")], Some("forged")).await;
    }
    assert!(entries(&world).await.is_empty());
    for _ in 0..30 {
        nobody.log_in("ann", "wrong").await;
    }
    assert_eq!(entries(&world).await.len(), 10, "passwords that are not looked at leave nothing");
}
