//! Policies of buckets: made, looked at, changed by two, and what they mean.

use super::browser::{Browser, Reply, World, tenancy};

const BUCKET: &str = "/object-stores/t-o/buckets/climate/";

async fn world_with_bucket() -> (World, Browser) {
    let world = World::new().await;
    let mut ann = Browser::logged_in(&world, "ann").await;
    ann.post("/object-stores/t-o/buckets/create", &[("bucket", "climate")]).await;
    (world, ann)
}

/// What an editor on a page holds, and the tag that goes with it.
fn draft(reply: &Reply) -> (String, String) {
    let (_, rest) = reply.text.split_once("id=\"document\"").expect("an editor");
    let (_, rest) = rest.split_once(">\n").expect("a text");
    let text = rest.split("</textarea>").next().expect("an end");
    let (_, rest) = reply.text.split_once("name=\"etag\" value=\"").expect("a tag");
    let tag = rest.split('"').next().expect("an end");
    (unescaped(text), unescaped(tag))
}

fn unescaped(text: &str) -> String {
    text.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">").replace("&#38;", "&")
}

async fn document(world: &World) -> Option<String> {
    let name = types::BucketName::new("climate").expect("a name");
    let bucket = world.portal.objects.find_bucket(&tenancy("t-o"), &name).await.expect("read").expect("is there");
    bucket.policy.as_ref().map(|policy| policy.document().to_owned())
}

async fn look_over(browser: &mut Browser, fields: &[(&str, &str)]) -> Reply {
    let page = format!("{BUCKET}policies/new");
    browser.post_from(&page, &page, fields).await
}

async fn save(browser: &mut Browser, (document, etag): &(String, String)) -> Reply {
    let fields = [("document", document.as_str()), ("etag", etag)];
    browser.post_from(&format!("{BUCKET}policies/edit"), &format!("{BUCKET}policies/save"), &fields).await
}

#[tokio::test]
async fn a_preset_is_shown_before_it_is_saved() {
    let (world, mut ann) = world_with_bucket().await;
    assert!(ann.get(&format!("{BUCKET}policies/")).await.text.contains("There is no policy"));
    let shown = look_over(&mut ann, &[("kind", "read-only-all")]).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(
        shown.text.contains("Everyone, without logging in") && shown.text.contains("read objects"),
        "{}",
        shown.text
    );
    assert!(!shown.text.contains("<strong>bob</strong>"), "who is among everyone is not named again");
    assert_eq!(document(&world).await, None, "nothing is saved yet");

    let reply = save(&mut ann, &draft(&shown)).await;
    assert_eq!(reply.status, 303, "{}", reply.text);
    let list = ann.get(&format!("{BUCKET}policies/")).await.text;
    assert!(list.contains("read-only-all") && list.contains("everyone"), "{list}");
    for page in [BUCKET, "/object-stores/t-o/buckets/"] {
        assert!(ann.get(page).await.text.contains(">public<"), "{page}");
    }
    let second = look_over(&mut ann, &[("kind", "share"), ("people", "bob nobody"), ("groups", "")]).await;
    assert!(second.text.contains("<strong>bob</strong>") && second.text.contains("nobody"), "{}", second.text);
    assert!(second.text.contains("Worth a look"), "a person who is not there: {}", second.text);
    assert_eq!(save(&mut ann, &draft(&second)).await.status, 303);
    let both = document(&world).await.expect("a policy");
    assert!(both.contains("read-only-all") && both.contains("share"), "the first one stays: {both}");
    let mut bob = Browser::logged_in(&world, "bob").await;
    assert!(bob.get("/object-stores/t-o/buckets/").await.text.contains("climate"), "and counts at once");

    let page = ann.get(&format!("{BUCKET}policies/")).await;
    let (_, rest) = page.text.split_once("name=\"etag\" value=\"").expect("a tag");
    let etag = unescaped(rest.split('"').next().expect("an end"));
    let fields = [("index", "1"), ("etag", etag.as_str())];
    let less = ann.post(&format!("{BUCKET}policies/remove"), &fields).await;
    assert!(
        less.text.contains("data-name=\"Can no longer\">list, ") && less.text.contains("<strong>bob</strong>"),
        "{}",
        less.text
    );
    assert_eq!(save(&mut ann, &draft(&less)).await.status, 303);
    assert!(!bob.get("/object-stores/t-o/buckets/").await.text.contains("climate"));
}

/// The second of two people is told, and nothing of either is lost.
#[tokio::test]
async fn two_editors_do_not_lose_a_change() {
    let (world, mut ann) = world_with_bucket().await;
    let mut max = Browser::logged_in(&world, "max").await;
    let of_ann = draft(&look_over(&mut ann, &[("kind", "read-only-all")]).await);
    let of_max = draft(&look_over(&mut max, &[("kind", "full-access-users")]).await);
    assert_eq!(save(&mut ann, &of_ann).await.status, 303);
    let told = save(&mut max, &of_max).await;
    assert_eq!(told.status, 409, "{}", told.text);
    assert!(
        told.text.contains("Somebody else changed this policy") && told.text.contains("read-only-all"),
        "{}",
        told.text
    );
    let (kept, etag) = draft(&told);
    assert!(kept.contains("full-access-users"), "what max wrote is still there: {kept}");
    assert!(document(&world).await.expect("a policy").contains("read-only-all"), "and what ann saved too");
    assert_eq!(save(&mut max, &(kept, etag)).await.status, 303, "who has seen it may replace it");
    let stale = ann.post(&format!("{BUCKET}policies/delete"), &[("etag", of_ann.1.as_str())]).await;
    assert_eq!(stale.status, 400, "{}", stale.text);
    assert!(document(&world).await.is_some());
}

#[tokio::test]
async fn a_statement_is_put_together_by_hand() {
    let (world, mut ann) = world_with_bucket().await;
    let fields = [
        ("kind", "custom"),
        ("name", "no deletes"),
        ("effect", "Deny"),
        ("applies", "logged-in"),
        ("actions", "DeleteObject"),
        ("actions", "DeleteBucket"),
        ("actions", "Nonsense"),
    ];
    let shown = look_over(&mut ann, &fields).await;
    assert_eq!(shown.status, 200, "{}", shown.text);
    assert!(shown.text.contains("delete objects"), "the owner loses it too: {}", shown.text);
    assert_eq!(save(&mut ann, &draft(&shown)).await.status, 303);
    let saved = document(&world).await.expect("a policy");
    assert!(saved.contains("no deletes") && saved.contains("DeleteBucket") && !saved.contains("Nonsense"), "{saved}");
    for (fields, text) in [
        (vec![("kind", "custom"), ("applies", "everyone"), ("name", "x")], "Tick at least one action"),
        (vec![("kind", "share"), ("people", " , ")], "Name at least one"),
        (vec![("kind", "nonsense")], "is no preset"),
    ] {
        let reply = look_over(&mut ann, &fields).await;
        assert_eq!(reply.status, 400, "{fields:?}");
        assert!(reply.text.contains(text), "{fields:?}: {}", reply.text);
    }
}

#[tokio::test]
async fn what_is_no_policy_is_not_saved_and_not_lost() {
    let (world, mut ann) = world_with_bucket().await;
    for (text, problem) in [
        ("{", "cannot be saved"),
        (r#"{"Statement":[{"Effect":"Maybe"}]}"#, "Effect"),
        (
            r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"arn:aws:s3:::other/*"}]}"#,
            "neither the bucket",
        ),
    ] {
        let reply = save(&mut ann, &(text.to_owned(), String::new())).await;
        assert_eq!(reply.status, 400, "{text}");
        assert!(reply.text.contains(problem), "{text}: {}", reply.text);
        assert_eq!(draft(&reply).0.trim_end(), text);
    }
    assert_eq!(document(&world).await, None);
}

#[tokio::test]
async fn permissions_are_for_owners_and_managers() {
    let (world, mut ann) = world_with_bucket().await;
    let mut bob = Browser::logged_in(&world, "bob").await;
    for page in ["", "access", "policies/"] {
        assert_eq!(bob.get(&format!("{BUCKET}{page}")).await.status, 404, "{page}");
    }
    let fields = [("document", r#"{"Statement":[]}"#), ("etag", "")];
    for form in ["save", "preview", "delete", "new", "remove"] {
        let fields = [fields[0], fields[1], ("kind", "read-only-all"), ("index", "0")];
        let reply = bob.post_from("/account/", &format!("{BUCKET}policies/{form}"), &fields).await;
        assert_eq!(reply.status, 403, "{form}");
    }
    assert_eq!(document(&world).await, None);
    world.clock.advance_secs(identity::login::CONFIRMED_SECONDS);
    let reply = ann.get(&format!("{BUCKET}policies/edit")).await;
    assert!(reply.location().starts_with("/confirm?"), "permissions ask for the password again");
}

#[tokio::test]
async fn who_has_access_and_why() {
    let (world, mut ann) = world_with_bucket().await;
    let path = format!("{BUCKET}access");
    let page = ann.get(&path).await.text;
    for part in ["Every MANAGER", "the caller owns the bucket", "no rule allows it"] {
        assert!(page.contains(part), "{part}: {page}");
    }
    let shown = look_over(&mut ann, &[("kind", "share"), ("people", "bob")]).await;
    save(&mut ann, &draft(&shown)).await;
    for (who, answer) in [("bob", "bob may GetObject"), ("", "Somebody who is not logged in may not GetObject")] {
        let page = ann.get(&format!("{path}?who={who}&action=GetObject&key=a/b")).await.text;
        assert!(page.contains(answer), "{who}: {page}");
        assert_eq!(page.contains("this decides"), who == "bob", "{who}: {page}");
    }
    assert_eq!(ann.get(&format!("{path}?who=nobody")).await.status, 400);
    let only = ann.get(&format!("{path}?search=bob")).await.text;
    assert!(only.contains("<th scope=\"row\">bob</th>") && !only.contains("<th scope=\"row\">max</th>"));
    let link = "search=bob&amp;who=bob&amp;action=GetObject#why";
    assert!(only.contains(link), "an answer leads to its reasons: {only}");
    drop(world);
}
