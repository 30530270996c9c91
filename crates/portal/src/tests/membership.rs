//! Services, requests and members: finding a tenancy, asking for a role, deciding, and taking it away.

use super::browser::{Browser, World, tenancy, user};

/// The id of the only request that a page names, as in `t-o/1`.
fn request_of(page: &str) -> String {
    let links = page.split("href=\"/requests/").skip(1).filter_map(|rest| rest.split('"').next());
    let id = links.map(|link| link.trim_end_matches('/')).find(|link| !link.is_empty());
    id.expect("a request").to_owned()
}

#[tokio::test]
async fn tenancies_are_found_by_words() {
    let world = World::new().await;
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    let all = stranger.get("/services/").await.text;
    assert!(all.contains("t-o") && all.contains("other-o") && all.contains("Apply for access"), "{all}");
    let found = stranger.get("/services/?search=OTHER").await.text;
    assert!(found.contains("other-o") && !found.contains(">t-o"), "{found}");
    assert!(stranger.get("/services/?search=nowhere").await.text.contains("Show all"));
    let mine = stranger.get("/services/my/").await.text;
    assert!(mine.contains("other-o") && mine.contains("MANAGER") && !mine.contains("/services/t-o/"), "{mine}");
    let page = stranger.get("/services/t-o/").await.text;
    assert!(page.contains("Apply for USER") && !page.contains("Managers"), "strangers do not learn who manages it");
    assert!(Browser::logged_in(&world, "ann").await.get("/services/t-o/").await.text.contains("max (MANAGER)"));
    assert_eq!(stranger.get("/services/no-such-o/").await.status, 404);
}

#[tokio::test]
async fn a_request_is_made_asked_about_answered_and_approved() {
    let world = World::new().await;
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    let mut max = Browser::logged_in(&world, "max").await;
    assert!(stranger.get("/requests/").await.text.contains("You have asked for nothing yet"));
    let apply = "/services/t-o/apply/USER";
    let reply = stranger.post_from(apply, apply, &[("reason", "For <b>ESGF</b>")]).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let own = stranger.get("/requests/").await.text;
    let id = request_of(&own);
    let path = format!("/requests/{id}/");
    assert!(own.contains("PENDING"));

    let page = max.get(&path).await.text;
    assert!(page.contains("stranger asks for USER") && page.contains("&#60;b&#62;ESGF"), "{page}");
    assert!(max.get("/services/t-o/").await.text.contains("Pending requests <span class=\"badge warn\">1</span>"));
    let bob = Browser::logged_in(&world, "bob").await.get(&path).await;
    assert_eq!(bob.status, 404, "who does not decide does not see it");

    for (browser, form, fields, state) in [
        (&mut max, "ask", [("reason", "Whose project?"), ("internal", "odd")], "INCOMPLETE"),
        (&mut stranger, "answer", [("reason", "That of Cy"), ("internal", "")], "PENDING"),
    ] {
        let reply = browser.post(&format!("{path}{form}"), &fields).await;
        assert_eq!(reply.status, 303, "{form}: {}", reply.text);
        assert!(browser.get(&path).await.text.contains(state), "{form}");
    }
    assert!(!stranger.get(&path).await.text.contains("odd"), "notes of those who decide are theirs");
    assert!(max.get(&path).await.text.contains("Internal: odd"));

    let own = stranger.post(&format!("{path}approve"), &[("term", "1y")]).await;
    assert_eq!(own.status, 403, "nobody decides on their own request");
    let wrong = max.post(&format!("{path}approve"), &[("term", "date"), ("date", "soon")]).await;
    assert_eq!(wrong.status, 400);
    let reply = max.post(&format!("{path}approve"), &[("term", "6mo"), ("comment", "welcome")]).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    assert!(stranger.get("/services/my/").await.text.contains("t-o"));
    assert_eq!(stranger.get("/object-stores/t-o/buckets/").await.status, 200);
}

#[tokio::test]
async fn a_request_is_rejected_with_a_reason_or_withdrawn() {
    let world = World::new().await;
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    let mut max = Browser::logged_in(&world, "max").await;
    let apply = "/services/t-o/apply/DEPUTY";
    for end in ["reject", "withdraw"] {
        stranger.post_from(apply, apply, &[("reason", "why not")]).await;
        let again = stranger.post_from(apply, apply, &[("reason", "why not")]).await;
        assert_eq!(again.status, 400, "one request at a time: {}", again.text);
        let id = request_of(&stranger.get("/requests/").await.text);
        let path = format!("/requests/{id}/");
        let (browser, said) = match end {
            "reject" => (&mut max, "Ask Cy first"),
            _ => (&mut stranger, "Withdrawn"),
        };
        let reply = browser.post(&format!("{path}{end}"), &[("reason", "Ask Cy first")]).await;
        assert_eq!(reply.status, 303, "{end}: {}", reply.text);
        assert!(stranger.get(&path).await.text.contains(said), "{end}");
        assert_eq!(stranger.post(&format!("{path}withdraw"), &[]).await.status, 400, "it has ended");
    }
}

#[tokio::test]
async fn managers_grant_and_take_away_roles() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    let members = "/services/t-o/members/";
    let page = max.get(members).await.text;
    assert!(page.contains("ann") && page.contains("DEPUTY"), "{page}");
    assert!(!max.get(&format!("{members}?search=bob")).await.text.contains("<strong>ann"));
    let grant =
        [("user", "stranger"), ("role", "DEPUTY"), ("term", "date"), ("date", "2027-06-01"), ("reason", "helps")];
    let reply = max.post(&format!("{members}grant"), &grant).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let mut stranger = Browser::logged_in(&world, "stranger").await;
    let page = stranger.get(members).await.text;
    assert!(page.contains("1 Jun 2027"), "{page}");
    for (fields, status) in [
        ([("user", "ann"), ("role", "MANAGER"), ("term", "1y")], 403),
        ([("user", "nobody"), ("role", "USER"), ("term", "1y")], 400),
        ([("user", "expired"), ("role", "USER"), ("term", "1y")], 303),
    ] {
        let reply = stranger.post(&format!("{members}grant"), &fields).await;
        assert_eq!(reply.status, status, "a deputy grants {fields:?}: {}", reply.text);
    }
    for (name, status) in [("max", 403), ("ann", 303)] {
        let role = if name == "max" { "MANAGER" } else { "USER" };
        let fields = [("user", name), ("role", role), ("reason", "left")];
        assert_eq!(stranger.post(&format!("{members}revoke"), &fields).await.status, status, "{name}");
    }
    let standing = world.portal.identity.standing(&user("ann")).await.expect("read").expect("is there");
    assert_eq!(standing.role_in(&tenancy("t-o"), world.portal.clock.now()), None);
    for name in ["bob", "expired"] {
        assert_eq!(Browser::logged_in(&world, name).await.get(members).await.status, 404, "{name}");
    }
}

#[tokio::test]
async fn members_read_what_managers_write() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    let path = "/services/t-o/message";
    assert_eq!(Browser::logged_in(&world, "ann").await.get(path).await.status, 404);
    let letter = |to, people| [("to", to), ("people", people), ("subject", "Move <soon>"), ("body", "On\r\nMonday")];
    for (to, people, status) in
        [("people", "ann, bob", 303), ("people", "stranger", 400), ("people", "", 400), ("nobody", "", 400)]
    {
        let reply = max.post_from(path, path, &letter(to, people)).await;
        assert_eq!(reply.status, status, "{to} {people}: {}", reply.text);
    }
    world.portal.notify.run().await.expect("told");
    let mut ann = Browser::logged_in(&world, "ann").await;
    let inbox = ann.get("/inbox/").await.text;
    assert!(inbox.contains("Move &#60;soon&#62;") && inbox.contains("Monday") && inbox.contains(">new<"), "{inbox}");
    let unread = inbox.matches(">new<").count();
    let (_, rest) = inbox.split_once("Move &#60;soon").expect("the letter");
    let (_, rest) = rest.split_once("name=\"entry\" value=\"").expect("an entry");
    let entry = rest.split('"').next().expect("an end").to_owned();
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert!(bob.get("/inbox/").await.text.contains("Monday"));
    assert_eq!(bob.post("/inbox/read", &[("entry", "no id")]).await.status, 404);
    assert_eq!(ann.post("/inbox/read", &[("entry", &entry)]).await.status, 303);
    assert_eq!(ann.get("/inbox/").await.text.matches(">new<").count(), unread - 1);
    assert_eq!(ann.post("/inbox/delete", &[("entry", &entry)]).await.status, 303);
    assert!(!ann.get("/inbox/").await.text.contains("Monday"));
    assert!(bob.get("/inbox/").await.text.contains("Monday"), "each has an own one");
    assert_eq!(ann.post("/inbox/preferences", &[("mail", "off")]).await.status, 303);
    assert!(ann.get("/inbox/").await.text.contains("value=\"off\" selected"));
}

#[tokio::test]
async fn a_manager_asks_for_more_quota_and_an_operator_grants_it() {
    let world = World::new().await;
    for name in ["ann", "stranger"] {
        let mut browser = Browser::logged_in(&world, name).await;
        assert_eq!(browser.get("/services/t-o/quota").await.status, 404, "{name}");
        let reply = browser.post_from("/account/", "/services/t-o/quota", &[("quota", "1 TiB"), ("reason", "x")]).await;
        assert_eq!(reply.status, 403, "{name}");
    }
    let mut max = Browser::logged_in(&world, "max").await;
    assert!(max.get("/services/t-o/").await.text.contains("href=\"/services/t-o/quota\""));
    let (page, fields) = ("/services/t-o/quota", [("quota", "20 TiB"), ("reason", "A new model")]);
    assert_eq!(max.post_with(page, &fields, Some("forged")).await.status, 403);
    for (quota, reason) in [("", "why"), ("lots", "why"), ("1 TiB", " ")] {
        assert_eq!(max.post_from(page, page, &[("quota", quota), ("reason", reason)]).await.status, 400, "{quota}");
    }
    assert_eq!(max.post_from(page, page, &fields).await.location(), "/requests/t-o/1/?said=request-submitted");
    let own = max.get("/requests/t-o/1/").await.text;
    assert!(own.contains("a quota of 20 TiB") && !own.contains("Decide"), "{own}");
    let mut ops = Browser::logged_in(&world, "ops").await;
    assert_eq!(ops.post("/operate/requests/t-o/1/approve", &[("quota", "15 TiB")]).await.status, 303);
    let quota = world.portal.identity.tenancy(&tenancy("t-o")).expect("there").quota.hard.bytes;
    assert_eq!(quota, Some(15 << 40));
}

#[tokio::test]
async fn a_new_tenancy_is_asked_for() {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    let fields = [
        ("tenancy", "ice-o"),
        ("description", "Sea\r\nice"),
        ("quota", "1 TiB"),
        ("reason", "why\r\nnot"),
        ("ends", "2033-01-01"),
    ];
    let page = "/services/new";
    for (at, bad) in [(0, "Ice"), (0, "t-o"), (2, "much"), (4, "soon")] {
        let mut fields = fields;
        fields[at].1 = bad;
        assert_eq!(ann.post_from(page, page, &fields).await.status, 400, "{bad}");
    }
    assert_eq!(ann.post_from(page, page, &fields).await.location(), "/requests/ice-o/1/?said=request-submitted");
    let own = ann.get("/requests/ice-o/1/").await.text;
    assert!(own.contains("It is to be called <strong>ice-o</strong>") && own.contains("Sea\nice"), "{own}");
}

/// What is counted stands in the head of each page, and is gone once it is done.
#[tokio::test]
async fn badges_tell_of_what_waits() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    let badge = "<span class=\"away\"> to decide on</span>";
    assert!(!max.get("/object-stores/").await.text.contains(badge));
    let apply = "/services/t-o/apply/USER";
    Browser::logged_in(&world, "stranger").await.post_from(apply, apply, &[("reason", "please")]).await;
    world.portal.notify.run().await.expect("told");
    let head = max.get("/object-stores/").await.text;
    assert!(head.contains(&format!("Services <span class=\"badge warn\">1{badge}")), "{head}");
    // That max became MANAGER, and that the stranger asks.
    assert!(head.contains("Inbox <span class=\"badge warn\">2<span class=\"away\"> unread</span>"), "{head}");
    assert_eq!(max.post("/requests/t-o/1/approve", &[("term", "1y")]).await.status, 303);
    assert!(!max.get("/object-stores/").await.text.contains(badge));
}

#[tokio::test]
async fn members_are_filtered_by_name_role_and_state() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    for (query, shown, hidden) in [
        ("", "<strong>expired</strong>", "Nobody is like that"),
        ("?role=MANAGER", "<strong>max</strong>", "<strong>ann</strong>"),
        ("?state=EXPIRED", "<strong>expired</strong>", "<strong>max</strong>"),
        ("?state=ACTIVE&role=MANAGER", "<strong>max</strong>", "<strong>expired</strong>"),
        ("?search=an&state=ACTIVE", "<strong>ann</strong>", "<strong>bob</strong>"),
        ("?search=an&role=DEPUTY", "Nobody is like that", "<strong>ann</strong>"),
    ] {
        let page = max.get(&format!("/services/t-o/members/{query}")).await.text;
        assert!(page.contains(shown) && !page.contains(hidden), "{query}: {page}");
    }
}

#[tokio::test]
async fn names_are_completed_for_those_who_have_a_use_for_them() {
    let world = World::new().await;
    assert_eq!(Browser::new(&world).get("/complete?prefix=an").await.status, 303);
    assert_eq!(Browser::logged_in(&world, "expired").await.get("/complete?prefix=an").await.status, 404);
    let mut ann = Browser::logged_in(&world, "ann").await;
    let reply = ann.get("/complete?prefix=AN").await;
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("application/json")));
    assert_eq!(reply.text, r#"{"people":[{"name":"ann"}],"groups":[]}"#);
    world.disable("bob").await;
    for prefix in ["", "b", &"a".repeat(65)] {
        let reply = ann.get(&format!("/complete?prefix={prefix}")).await;
        assert_eq!(reply.text, r#"{"people":[],"groups":[]}"#, "{prefix}: nothing, the disabled, and what is too long");
    }
}

/// A role is asked for anew when its end comes near: not before, and when it has passed.
#[tokio::test]
async fn a_role_is_renewed_by_asking_again() {
    let world = World::new().await;
    let mut max = Browser::logged_in(&world, "max").await;
    let grant = [("user", "ann"), ("role", "USER"), ("term", "1y")];
    assert_eq!(max.post("/services/t-o/members/grant", &grant).await.status, 303);
    let apply = "/services/t-o/apply/USER";
    for (days, is_offered) in [(0, false), (290, false), (20, true), (60, true)] {
        world.clock.advance_secs(days * 24 * 3600);
        let mut ann = Browser::logged_in(&world, "ann").await;
        for path in ["/requests/", "/services/t-o/"] {
            let shown = ann.get(path).await.text;
            assert_eq!(shown.contains("apply/USER\">Renew<"), is_offered, "{path} {days} days later: {shown}");
        }
        if !is_offered {
            assert_eq!(ann.post_from(apply, apply, &[("reason", "still at it")]).await.status, 400);
        }
    }
    let mut ann = Browser::logged_in(&world, "ann").await;
    assert_eq!(ann.post_from(apply, apply, &[("reason", "still at it")]).await.status, 303);
}
