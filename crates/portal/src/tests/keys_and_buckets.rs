//! Keys and buckets, as members and managers see them.

use types::AccessKeyId;

use super::browser::{Browser, World, tenancy};

const KEYS: &str = "/object-stores/t-o/keys/";
const BUCKETS: &str = "/object-stores/t-o/buckets/";

/// Makes a key and gives its id and secret, as the page shows them.
async fn make_key(browser: &mut Browser, description: &str, expires: &str) -> (String, String) {
    let page = browser.post("/object-stores/t-o/keys/new", &[("description", description), ("expires", expires)]).await;
    assert_eq!(page.status, 200, "{}", page.text);
    let mut codes = page.text.split("<code>").skip(1).filter_map(|rest| rest.split("</code>").next());
    let mut code = || codes.next().expect("a code").to_owned();
    (code(), code())
}

#[tokio::test]
async fn a_key_is_shown_once_with_what_programs_need() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert!(ann.get(KEYS).await.text.contains("There is no key yet"));
    let (id, secret) = make_key(&mut ann, "laptop", "365").await;
    let key = world.portal.identity.key(&AccessKeyId::new(&id).expect("an id")).await.expect("read").expect("is there");
    assert_eq!(key.secret.expose(), secret);
    assert_eq!(key.info.owner.as_str(), "ann");
    assert_eq!(key.info.expires, Some(key.info.created.plus_secs(365 * 24 * 3600)));
    let list = ann.get(KEYS).await.text;
    assert!(list.contains(&id) && list.contains("laptop") && list.contains("ACTIVE"));
    assert!(!list.contains(&secret));
    let refused = ann.post("/object-stores/t-o/keys/new", &[("description", "x"), ("expires", "9999")]).await;
    assert_eq!(refused.status, 400);
}

#[tokio::test]
async fn keys_end() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    make_key(&mut ann, "laptop", "30").await;
    for (days, status) in [(0, "ACTIVE"), (24, "EXPIRING"), (7, "EXPIRED")] {
        world.clock.advance_secs(days * 24 * 3600);
        let mut ann = Browser::logged_in(&world, "ann").await;
        let list = ann.get(KEYS).await.text;
        assert!(list.contains(&format!(">{status}<")), "{status} after {days} days more");
    }
}

#[tokio::test]
async fn managers_see_all_keys_and_members_their_own() {
    let world = World::new().await;
    let (mut ann, mut bob, mut max) = (
        Browser::logged_in(&world, "ann").await,
        Browser::logged_in(&world, "bob").await,
        Browser::logged_in(&world, "max").await,
    );
    let (of_ann, _) = make_key(&mut ann, "of ann", "never").await;
    let (of_bob, secret_of_bob) = make_key(&mut bob, "of bob", "never").await;
    assert!(!ann.get(KEYS).await.text.contains(&of_bob));
    let seen = max.get(KEYS).await.text;
    assert!(seen.contains(&of_ann) && seen.contains(&of_bob) && !seen.contains(&secret_of_bob));

    for (is_ann, key, status) in [(true, &of_bob, 404), (false, &of_bob, 303), (true, &of_ann, 303)] {
        let browser = if is_ann { &mut ann } else { &mut max };
        assert_eq!(browser.post("/object-stores/t-o/keys/delete", &[("key", key)]).await.status, status);
    }
    assert!(world.portal.identity.keys(&tenancy("t-o"), None, 10).await.expect("read").is_empty());
}

/// A manager of another tenancy reaches no key by its id.
#[tokio::test]
async fn a_key_is_deleted_only_in_its_own_tenancy() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let (id, _) = make_key(&mut ann, "laptop", "never").await;
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    for path in ["/object-stores/t-o/keys/delete", "/object-stores/other-o/keys/delete"] {
        let reply = stranger.post_from("/account/", path, &[("key", &id)]).await;
        assert_eq!(reply.status, 404, "{path}");
    }
    assert_eq!(world.portal.identity.keys(&tenancy("t-o"), None, 10).await.expect("read").len(), 1);
}

#[tokio::test]
async fn buckets_are_made_found_and_deleted() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert!(ann.get(BUCKETS).await.text.contains("There is no bucket yet"));
    for (name, status) in
        [("climate", 303), ("ocean", 303), ("climate", 400), ("a", 400), ("UP_case.1", 303), ("x/y", 400)]
    {
        let reply = ann.post(&format!("{BUCKETS}create"), &[("bucket", name)]).await;
        assert_eq!(reply.status, status, "{name}: {}", reply.text);
    }
    let found = ann.get(&format!("{BUCKETS}?search=oce")).await.text;
    assert!(found.contains("ocean") && !found.contains("climate"));
    assert!(ann.get(&format!("{BUCKETS}?search=nothing")).await.text.contains("No bucket has"));
    let change = |to| [("bucket", "ocean"), ("versioning", to)];
    for (to, badge) in [("on", true), ("off", false)] {
        let reply = ann.post(&format!("{BUCKETS}versioning"), &change(to)).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        assert_eq!(ann.get(BUCKETS).await.text.contains(">versions<"), badge);
    }
    assert_eq!(ann.post(&format!("{BUCKETS}delete"), &[("bucket", "ocean")]).await.status, 303);
    assert!(!ann.get(BUCKETS).await.text.contains("ocean"));
    assert_eq!(ann.post(&format!("{BUCKETS}delete"), &[("bucket", "ocean")]).await.status, 404);
}

#[tokio::test]
async fn other_peoples_buckets_are_neither_seen_nor_changed() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post(&format!("{BUCKETS}create"), &[("bucket", "climate")]).await;
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert!(!bob.get(BUCKETS).await.text.contains("climate"));
    let fields = [("bucket", "climate"), ("versioning", "on")];
    for form in ["delete", "versioning"] {
        assert_eq!(bob.post(&format!("{BUCKETS}{form}"), &fields).await.status, 403, "{form}");
    }
    let mut max = Browser::logged_in(&world, "max").await;
    assert!(max.get(BUCKETS).await.text.contains("climate"));
    assert_eq!(max.post(&format!("{BUCKETS}delete"), &[("bucket", "climate")]).await.status, 303);
}

/// Each client's configuration can be saved by the browser without asking the server, which keeps no secret.
#[tokio::test]
async fn a_new_key_comes_with_configurations_to_save() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let created = ann.post("/object-stores/t-o/keys/new", &[("description", "laptop"), ("expires", "30")]).await.text;
    for (client, file, beginning) in [
        ("s3cmd", "s3cfg", "%5Bdefault%5D"),
        ("rclone", "rclone.conf", "%5Bt%2Do%5D"),
        ("mc", "mc-alias.sh", "mc%20alias%20set%20t%2Do%20https%3A"),
        ("s5cmd", "s5cmd.sh", "export%20AWS%5FACCESS%5FKEY%5FID"),
        ("AWS CLI", "aws.sh", "export%20AWS%5FACCESS%5FKEY%5FID"),
        ("Python", "object_store.py", "import%20s3fs"),
    ] {
        assert!(created.contains(&format!("<summary>{client}")), "{client}: {created}");
        let link = format!("download=\"{file}\" href=\"data:text/plain;charset=utf-8,{beginning}");
        assert!(created.contains(&link), "{link}: {created}");
    }
}
