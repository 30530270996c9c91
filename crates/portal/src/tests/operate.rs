//! The operators' pages: that they are there for operators alone, that no form is taken from elsewhere or with a stale
//! password, what each does, and what the audit log has of it.

use audit::{Filter, Order};
use identity::{Actor, NewKey, NewRequest, RequestKind};
use policy::KeyScope;

use super::browser::{Browser, World, tenancy, user};

type Fields = &'static [(&'static str, &'static str)];

const PAGES: &[&str] = &[
    "/operate/tenancies/",
    "/operate/tenancies/new",
    "/operate/tenancies/t-o/",
    "/operate/tenancies/t-o/quotas/",
    "/operate/tenancies/t-o/members/",
    "/operate/tenancies/t-o/usage/",
    "/operate/tenancies/t-o/usage/csv",
    "/operate/people/",
    "/operate/people/ann/",
    "/operate/requests/",
    "/operate/requests/new-o/1/",
    "/operate/usage",
    "/operate/audit/",
    "/operate/audit/lines",
    "/operate/health/",
    "/operate/health/?check=directory",
];

const CHANGE: Fields = &[
    ("summary", "changed"),
    ("description", ""),
    ("project", ""),
    ("ends", ""),
    ("endpoints", ""),
    ("visibility", "hidden"),
    ("joining", "closed"),
    ("default_policy", "members"),
];

/// Every form: where it is, where it goes, and what is in it.
const FORMS: &[(&str, &str, Fields)] = &[
    ("/operate/tenancies/new", "/operate/tenancies/new", &[("tenancy", "made-o"), ("quota", "10 TiB")]),
    ("/operate/tenancies/t-o/", "/operate/tenancies/t-o/change", CHANGE),
    ("/operate/tenancies/t-o/", "/operate/tenancies/t-o/end", &[]),
    ("/operate/tenancies/t-o/", "/operate/tenancies/t-o/delete", &[("again", "t-o")]),
    ("/operate/tenancies/t-o/quotas/", "/operate/tenancies/t-o/quotas/set", &[("bytes", "5 TiB")]),
    (
        "/operate/tenancies/t-o/members/",
        "/operate/tenancies/t-o/members/grant",
        &[("user", "stranger"), ("role", "DEPUTY"), ("term", "1y")],
    ),
    (
        "/operate/tenancies/t-o/members/",
        "/operate/tenancies/t-o/members/revoke",
        &[("user", "ann"), ("role", "USER"), ("reason", "gone")],
    ),
    ("/operate/people/ann/", "/operate/people/ann/suspend", &[("reason", "gone")]),
    ("/operate/people/bob/", "/operate/people/bob/reactivate", &[]),
    ("/operate/people/ann/", "/operate/people/ann/end-logins", &[]),
    ("/operate/requests/new-o/1/", "/operate/requests/new-o/1/approve", &[("quota", "")]),
    ("/operate/requests/new-o/1/", "/operate/requests/new-o/1/reject", &[("reason", "no room")]),
    ("/operate/requests/new-o/1/", "/operate/requests/new-o/1/ask", &[("reason", "for what?")]),
    ("/operate/health/", "/operate/health/retry-mail", &[]),
];

/// A world in which `stranger` asks for the tenancy `new-o`, `bob` is suspended, and `ann` has a key.
async fn world() -> World {
    let world = World::new().await;
    let identity = &world.portal.identity;
    let kind = RequestKind::Tenancy {
        description: "Sea ice".to_owned(),
        project: "ice".to_owned(),
        quota_bytes: Some(3 << 40),
        ends: None,
    };
    let new = NewRequest { tenancy: tenancy("new-o"), kind, reason: "For the ice".to_owned() };
    identity.submit_request(&Actor::Person(user("stranger")), new).await.expect("submitted");
    identity.suspend_user(&Actor::Operator, &user("bob"), "away").await.expect("suspended");
    let (owner, description) = (user("ann"), "laptop".to_owned());
    let new = NewKey { tenancy: tenancy("t-o"), owner, description, expires: None, scope: KeyScope::default() };
    identity.create_key(new).await.expect("made");
    world
}

/// What the operators' forms change.
async fn state(world: &World) -> String {
    let identity = &world.portal.identity;
    let mut state = format!("{:?}", identity.tenancies());
    state += &format!("{:?}", identity.roles(&tenancy("t-o"), 100).await.ok());
    state += &format!("{:?}", identity.suspensions());
    let id = identity::RequestId { tenancy: tenancy("new-o"), number: 1 };
    state += &format!("{:?}", identity.request(&Actor::Operator, &id).await.expect("read"));
    state + &format!("{:?}", identity.standing(&user("ann")).await.expect("read").expect("known").sessions_ended)
}

#[tokio::test]
async fn pages_are_there_for_operators_alone() {
    let world = world().await;
    for path in PAGES {
        let reply = Browser::new(&world).get(path).await;
        assert!(reply.location().starts_with("/login?next=%2Foperate"), "{path}: {}", reply.location());
    }
    for name in ["ann", "max", "stranger", "expired"] {
        let mut browser = Browser::logged_in(&world, name).await;
        let absent = browser.get("/operate/no-such-page").await;
        assert_eq!(absent.status, 404);
        for path in PAGES {
            let reply = browser.get(path).await;
            assert_eq!((reply.status, &reply.text), (404, &absent.text), "{path} as {name}");
        }
        assert!(!browser.get("/object-stores/").await.text.contains("/operate/"), "{name} is not led there");
    }
    for name in ["ops", "oda"] {
        let mut browser = Browser::logged_in(&world, name).await;
        for path in PAGES {
            let reply = browser.get(path).await;
            assert_eq!(reply.status, 200, "{path} as {name}: {}", reply.text);
        }
        assert_eq!(browser.get("/operate/").await.location(), "/operate/tenancies/");
        assert!(browser.get("/object-stores/").await.text.contains("href=\"/operate/\""));
        for path in ["/operate/tenancies/no-such-o/", "/operate/people/nobody/", "/operate/requests/t-o/7/"] {
            assert_eq!(browser.get(path).await.status, 404, "{path}");
        }
    }
}

/// Being one is asked at each request: whoever is taken from the directory is none any more.
#[tokio::test]
async fn an_operator_who_is_suspended_is_none() {
    let world = world().await;
    let mut oda = Browser::logged_in(&world, "oda").await;
    assert_eq!(oda.get("/operate/tenancies/").await.status, 200);
    world.portal.identity.suspend_user(&Actor::Operator, &user("oda"), "gone").await.expect("suspended");
    assert!(oda.get("/operate/tenancies/").await.location().starts_with("/login"));
}

#[tokio::test]
async fn forms_of_others_of_elsewhere_or_with_a_stale_password_change_nothing() {
    let world = world().await;
    let before = state(&world).await;
    let foreign = Browser::logged_in(&world, "max").await.get("/account/").await.csrf().expect("a token").to_owned();
    for &(page, path, fields) in FORMS {
        let mut browser = Browser::logged_in(&world, "ops").await;
        browser.get(page).await;
        for token in [None, Some(""), Some("0"), Some(foreign.as_str())] {
            assert_eq!(browser.post_with(path, fields, token).await.status, 403, "{path} with {token:?}");
        }
        let mut manager = Browser::logged_in(&world, "max").await;
        assert_eq!(manager.post_from("/account/", path, fields).await.status, 404, "{path} as a manager");
        assert!(
            Browser::new(&world).post_from("/login", path, fields).await.location().starts_with("/login"),
            "{path}"
        );
    }
    let mut ops = Browser::logged_in(&world, "ops").await;
    world.clock.advance_secs(identity::login::CONFIRMED_SECONDS);
    for &(_, path, fields) in FORMS {
        let reply = ops.post_from("/account/", path, fields).await;
        assert!(reply.location().starts_with("/confirm?next=%2Foperate"), "{path}: {}", reply.location());
    }
    for path in ["/operate/tenancies/new", "/operate/audit/lines"] {
        assert!(ops.get(path).await.location().starts_with("/confirm"), "{path}");
    }
    assert_eq!(state(&world).await, before);
}

/// With the token of their page they all do something, so that the test above can fail.
#[tokio::test]
async fn forms_of_operators_are_taken() {
    for &(page, path, fields) in FORMS {
        let world = world().await;
        let before = state(&world).await;
        let mut ops = Browser::logged_in(&world, "ops").await;
        let reply = ops.post_from(page, path, fields).await;
        if path.ends_with("retry-mail") {
            assert_eq!(reply.status, 400, "{path}: there is no mail server");
            assert!(reply.text.contains("No mail server is configured"), "{}", reply.text);
            continue;
        }
        assert_eq!(reply.status, 303, "{path}: {}", reply.text);
        let shown = ops.get(reply.location()).await;
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.text.contains("role=\"status\""), "{path} says what was done");
        assert_ne!(state(&world).await, before, "{path}");
    }
}

#[tokio::test]
async fn a_tenancy_is_made_changed_and_limited() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    let new =
        [("tenancy", "made-o"), ("quota", "1.5 TiB"), ("manager", "ann"), ("ends", "2033-01-31"), ("project", "ice")];
    assert_eq!(ops.post("/operate/tenancies/new", &new).await.status, 303);
    let made = world.portal.identity.tenancy(&tenancy("made-o")).expect("made");
    assert_eq!((made.quota.hard.bytes, made.project.as_str()), (Some(3 << 39), "ice"));
    assert!(ops.get("/operate/tenancies/?search=ICE").await.text.contains("made-o"));
    assert!(!ops.get("/operate/tenancies/?search=ICE").await.text.contains(">t-o<"));
    for (name, quota, ends) in [("Big", "", ""), ("t-o", "", ""), ("b-o", "lots", ""), ("b-o", "", "soon")] {
        let reply = ops.post("/operate/tenancies/new", &[("tenancy", name), ("quota", quota), ("ends", ends)]).await;
        assert_eq!(reply.status, 400, "{name} {quota} {ends}");
    }

    let page = "/operate/tenancies/made-o/";
    assert!(ops.get(page).await.text.contains("value=\"2033-01-31\""));
    let with_end = |&(name, value): &(&'static str, &'static str)| {
        if name == "ends" { (name, "2033-01-31") } else { (name, value) }
    };
    let change: Vec<_> = CHANGE.iter().map(with_end).collect();
    assert_eq!(ops.post(&format!("{page}change"), &change).await.status, 303);
    let changed = world.portal.identity.tenancy(&tenancy("made-o")).expect("there");
    assert_eq!((changed.summary.as_str(), changed.visibility.name(), changed.ends), ("changed", "hidden", made.ends));
    assert_eq!(ops.post(&format!("{page}end"), &[]).await.status, 303);
    assert!(ops.get(page).await.text.contains(">ended<"));
    let wrong = ops.post(&format!("{page}delete"), &[("again", "made")]).await;
    assert_eq!(wrong.status, 400, "{}", wrong.text);
    assert_eq!(ops.post(&format!("{page}delete"), &[("again", "made-o")]).await.status, 303);
    assert_eq!(ops.get(page).await.status, 404);
}

#[tokio::test]
async fn quotas_are_set_as_the_form_shows_them() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    let set = "/operate/tenancies/t-o/quotas/set";
    let own = [
        ("scope", "tenancy"),
        ("bytes", "10 TiB"),
        ("objects", "1000"),
        ("soft_bytes", "9000000000000"),
        ("action", "read-only"),
        ("other_action", "notify"),
        ("until", "2030-05-01"),
        ("reason", "moving"),
    ];
    assert_eq!(ops.post(set, &own).await.status, 303);
    let quota = world.portal.identity.tenancy(&tenancy("t-o")).expect("there").quota.clone();
    assert_eq!(
        (quota.hard.bytes, quota.hard.objects, quota.soft.bytes),
        (Some(10 << 40), Some(1000), Some(9_000_000_000_000))
    );
    assert_eq!(
        (quota.action.name(), quota.overridden.as_ref().map(|o| o.action.name())),
        ("read-only", Some("notify"))
    );
    let page = ops.get("/operate/tenancies/t-o/quotas/").await.text;
    for part in ["value=\"10 TiB\"", "value=\"1000\"", "value=\"8789062500 KiB\"", "value=\"2030-05-01\""] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert_eq!(
        ops.post(set, &[("scope", "person"), ("of", "ann"), ("bytes", "1 GiB"), ("action", "notify")]).await.status,
        303
    );
    assert!(ops.get("/operate/tenancies/t-o/quotas/").await.text.contains("what ann wrote"));
    for fields in [
        &[("bytes", "many")][..],
        &[("objects", "-1")],
        &[("other_action", "notify"), ("until", "")],
        &[("scope", "bucket"), ("of", "no-such-bucket"), ("bytes", "1 GiB")],
        &[("scope", "person"), ("of", "a b"), ("bytes", "1 GiB")],
    ] {
        assert_eq!(ops.post(set, fields).await.status, 400, "{fields:?}");
    }
    assert_eq!(ops.post(set, &[("scope", "person"), ("of", "ann")]).await.status, 303);
    assert!(!ops.get("/operate/tenancies/t-o/quotas/").await.text.contains("what ann wrote"), "an empty one is none");
}

#[tokio::test]
async fn people_are_found_and_shown_without_secrets() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    let found = ops.get("/operate/people/?search=AN").await.text;
    assert!(found.contains("/operate/people/ann/") && !found.contains("/operate/people/max/"), "{found}");
    assert!(found.contains("/operate/people/bob/"), "the suspended are told of");
    let page = ops.get("/operate/people/ann/").await.text;
    assert!(page.contains("laptop") && page.contains("t-o-members"), "{page}");
    let keys = world.portal.identity.keys_of(&user("ann"), 10).await.expect("read");
    let key = world.portal.identity.key(&keys[0].id).await.expect("read").expect("there");
    assert!(page.contains(&key.info.id.to_string()) && !page.contains(key.secret.expose()));
    let own = ops.post_from("/account/", "/operate/people/ops/suspend", &[("reason", "tired")]).await;
    assert_eq!(own.status, 400, "nobody suspends themselves");

    let mut ann = Browser::logged_in(&world, "ann").await;
    world.clock.advance_secs(1);
    assert_eq!(ops.post("/operate/people/ann/end-logins", &[]).await.status, 303);
    assert_eq!(ann.get("/object-stores/").await.status, 303, "ann is logged out");
}

#[tokio::test]
async fn requests_for_tenancies_and_quotas_are_decided_on() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    let head = ops.get("/object-stores/").await.text;
    assert!(head.contains("Operate <span class=\"badge warn\">1<"), "{head}");
    let list = ops.get("/operate/requests/").await.text;
    assert!(list.contains("/operate/requests/new-o/1/") && list.contains("a new tenancy of 3 TiB"), "{list}");
    let page = ops.get("/operate/requests/new-o/1/").await.text;
    assert!(page.contains("Sea ice") && page.contains("value=\"3 TiB\"") && page.contains("For the ice"), "{page}");
    assert_eq!(ops.post("/operate/requests/new-o/1/approve", &[("quota", "x")]).await.status, 400);
    assert_eq!(ops.post("/operate/requests/new-o/1/approve", &[("quota", "2 TiB")]).await.status, 303);
    let made = world.portal.identity.tenancy(&tenancy("new-o")).expect("made");
    assert_eq!(made.quota.hard.bytes, Some(2 << 40), "less was granted");
    assert!(ops.get("/operate/requests/?state=APPROVED").await.text.contains("/operate/requests/new-o/1/"));

    let kind =
        RequestKind::Tenancy { description: String::new(), project: String::new(), quota_bytes: None, ends: None };
    let own = NewRequest { tenancy: tenancy("oda-o"), kind, reason: "mine".to_owned() };
    world.portal.identity.submit_request(&Actor::Person(user("oda")), own).await.expect("submitted");
    let mut oda = Browser::logged_in(&world, "oda").await;
    assert!(!oda.get("/operate/requests/oda-o/1/").await.text.contains("Decide"));
    let reply = oda.post("/operate/requests/oda-o/1/approve", &[]).await;
    assert_eq!(reply.status, 403, "nobody decides on what they ask for themselves");
    assert_eq!(ops.post("/operate/requests/oda-o/1/approve", &[]).await.status, 303);
}

#[tokio::test]
async fn what_operators_do_is_in_the_log_with_their_name_and_can_be_queried() {
    let world = world().await;
    let mut ops = Browser::logged_in(&world, "ops").await;
    ops.post("/operate/tenancies/new", &[("tenancy", "made-o"), ("quota", "1 TiB"), ("description", "s3cret plan")])
        .await;
    ops.post("/operate/people/ann/suspend", &[("reason", "s3cret reason")]).await;
    Browser::logged_in(&world, "max").await.post_from("/account/", "/operate/people/ann/suspend", &[]).await;
    let page = world.portal.audit.page(&Filter::default(), Order::Oldest, None, 100).await.expect("read");
    let told: Vec<_> = page
        .lines
        .iter()
        .map(|line| &line.entry)
        .filter(|entry| !entry.action.starts_with("login"))
        .map(|entry| {
            format!(
                "{} {} {:?} {} {}",
                entry.actor,
                entry.action,
                entry.tenancy.as_ref().map(ToString::to_string),
                entry.target,
                entry.outcome
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            "user:ops tenancy.create Some(\"made-o\") operate tenancies new done",
            "user:ops user.suspend None operate people ann suspend done",
            "user:max user.suspend None operate people ann suspend refused",
        ]
    );

    for (query, shown, hidden) in [
        ("actor=max", "refused", "tenancy.create"),
        ("action=tenancy.*", "tenancy.create", "user.suspend"),
        ("tenancy=made-o", "tenancy.create", "user.suspend"),
        ("outcome=refused", "NotFound", "tenancy.create"),
        ("target=operate+people*", "user.suspend", "tenancy.create"),
        ("from=2027-01-01&to=2027-12-31", "tenancy.create", "No entry"),
        ("to=2026-12-31", "No entry", "tenancy.create"),
    ] {
        let text = ops.get(&format!("/operate/audit/?{query}")).await.text;
        assert!(text.contains(shown) && !text.contains(hidden), "{query}: {text}");
        assert!(!text.contains("s3cret"), "{query}");
    }
    assert_eq!(ops.get("/operate/audit/?from=soon").await.status, 400);
    assert_eq!(ops.get("/operate/audit/?actor=a+b").await.status, 400);

    let export = ops.get("/operate/audit/lines?action=user.*").await;
    assert_eq!(export.header("content-type"), Some("application/jsonl; charset=utf-8"));
    let lines: Vec<audit::Line> = export.text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect();
    assert_eq!(lines.iter().map(|line| line.entry.action.as_str()).collect::<Vec<_>>(), ["user.suspend"; 2]);
}

/// Pages of the log go on where the one before ended.
#[tokio::test]
async fn the_log_is_read_page_by_page() {
    let world = world().await;
    for _ in 0..105 {
        Browser::logged_in(&world, "ann").await;
    }
    let mut ops = Browser::logged_in(&world, "ops").await;
    let first = ops.get("/operate/audit/?actor=anonymous").await.text;
    let next = first.split("<a class=\"button\" href=\"?").nth(1).and_then(|rest| rest.split('"').next());
    let next = next.expect("an older page").replace("&#38;", "&").replace("&amp;", "&");
    let second = ops.get(&format!("/operate/audit/?{next}")).await.text;
    let numbers = |text: &str| {
        text.split("no. ").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!((numbers(&first).len(), numbers(&second).len()), (100, 6));
    assert!(numbers(&second).iter().all(|number| !numbers(&first).contains(number)));
}

#[tokio::test]
async fn health_tells_of_disk_and_directory() {
    let world = world().await;
    world.clock.advance_secs(90_000);
    let mut ops = Browser::logged_in(&world, "ops").await;
    let page = ops.get("/operate/health/?check=directory").await.text;
    for part in ["1 day 1 h", "5 GiB of 100 GiB free", "nearly full", "No mail waits", "works"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    assert!(!ops.get("/operate/health/").await.text.contains(">works<"), "the directory is asked on demand");
}
