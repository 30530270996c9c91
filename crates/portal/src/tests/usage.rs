//! Usage: that charts and file hold what was used, and of whose buckets.

use metering::{Class, Request, Stored, Subject};
use types::BucketName;

use super::browser::{Browser, World, tenancy, user};

fn bucket(name: &str) -> BucketName {
    name.parse().expect("a name")
}

/// A world in which `max` and `ann` have a bucket each, of 3 and 1 GiB in a tenancy of 6 GiB, and ann's was read.
async fn world() -> World {
    let world = World::new().await;
    for name in ["max", "ann"] {
        let mut browser = Browser::logged_in(&world, name).await;
        let bucket = format!("of-{name}");
        assert_eq!(browser.post("/object-stores/t-o/buckets/create", &[("bucket", &bucket)]).await.status, 303);
    }
    let (metering, of) = (&world.portal.metering, tenancy("t-o"));
    let stored = |gib: u64| Stored { bytes: gib << 30, objects: gib, ..Stored::default() };
    let noted = vec![
        (Subject::Tenancy, stored(6), None),
        (Subject::Bucket(bucket("of-max")), stored(3), Some(user("max"))),
        (Subject::Bucket(bucket("of-ann")), stored(1), Some(user("ann"))),
    ];
    metering.note_stored(&of, noted).await.expect("noted");
    for (name, person, sent_bytes) in [("of-ann", "ann", 7 << 20), ("of-max", "max", 9 << 20)] {
        let (bucket, person) = (bucket(name), user(person));
        let (class, received_bytes) = (Class::Read, 0);
        let bucket = Some(&bucket);
        metering.count(&Request { tenancy: &of, bucket, person: Some(&person), class, received_bytes, sent_bytes });
    }
    world
}

#[tokio::test]
async fn everybody_sees_the_use_of_what_they_may_look_into() {
    let world = world().await;
    for (name, path, shown, hidden) in [
        (
            "max",
            "/object-stores/t-o/usage/",
            &["of-max", "of-ann", "other buckets", "2 GiB", "16 MiB"][..],
            "no bucket",
        ),
        (
            "ops",
            "/operate/tenancies/t-o/usage/",
            &["of-max", "of-ann", "other buckets", "2 GiB", "16 MiB"],
            "no bucket",
        ),
        ("ann", "/object-stores/t-o/usage/", &["of-ann", "1 GiB", "7 MiB", "that you may look into"], "of-max"),
        ("ann", "/object-stores/t-o/usage/?range=12m", &["of-ann", "1 GiB", "7 MiB"], "of-max"),
        ("bob", "/object-stores/t-o/usage/", &["Nothing is known of this time.</p>"], "of-ann"),
    ] {
        let mut browser = Browser::logged_in(&world, name).await;
        let reply = browser.get(path).await;
        assert_eq!(reply.status, 200, "{path} as {name}: {}", reply.text);
        for part in shown {
            assert!(reply.text.contains(part), "{path} as {name} has {part}: {}", reply.text);
        }
        assert!(!reply.text.contains(hidden), "{path} as {name}");
        assert!(!reply.text.contains("style="), "no page has styles of its own");
    }
}

#[tokio::test]
async fn the_file_has_the_same_buckets_as_the_page() {
    let world = world().await;
    for (name, path, rows) in [
        ("max", "/object-stores/t-o/usage/csv?range=90d", 2),
        ("ops", "/operate/tenancies/t-o/usage/csv", 2),
        ("ann", "/object-stores/t-o/usage/csv", 1),
        ("bob", "/object-stores/t-o/usage/csv", 0),
    ] {
        let reply = Browser::logged_in(&world, name).await.get(path).await;
        assert_eq!(reply.header("content-type"), Some("text/csv; charset=utf-8"));
        assert!(reply.header("content-disposition").expect("named").contains("t-o-usage.csv"));
        let lines: Vec<_> = reply.text.lines().collect();
        assert!(lines[0].starts_with("period,bucket,owner,stored_bytes"));
        assert_eq!(lines.len() - 1, rows, "{path} as {name}: {lines:?}");
        assert!(rows == 0 || reply.text.contains(",of-ann,ann,1073741824,"), "{}", reply.text);
    }
}

#[tokio::test]
async fn a_quota_is_a_gauge() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    assert!(ops.get("/operate/tenancies/t-o/usage/").await.text.contains("has no limit"));
    let set = "/operate/tenancies/t-o/quotas/set";
    assert_eq!(ops.post(set, &[("bytes", "8 GiB"), ("action", "notify")]).await.status, 303);
    let text = Browser::logged_in(&world, "ann").await.get("/object-stores/t-o/usage/").await.text;
    assert!(text.contains("The tenancy holds 0 B of 8 GiB, 0 %.") && text.contains("class=\"share\""), "{text}");
}
