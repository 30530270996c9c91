//! Policies: put, read, explained and looked over.

use std::sync::Arc;

use access::{NewBucketTarget, action};
use objects::NewBucket;
use policy::{Facts, Resource, Role};
use types::{BucketName, ObjectKey};

use super::{World, code, new_user, role, tenancy, user};
use crate::policy::{ExplainRequest, LintRequest, PutPolicy, WhoFilter};

const SHARED: &str = r#"{ "Version": "2008-10-17", "Id": "data policy",
    "Statement": [
        {"Sid":"group","Effect":"Allow","Principal":{"user":[],"group":["ceda-o-members"]},"Action":["GetObject"],"Resource":"/*"},
        {"Sid":"away","Effect":"Deny","Principal":{"user":["bob"]},"Action":["*"],"Resource":"/private/*"}] }"#;

fn bucket() -> BucketName {
    BucketName::new("data").expect("a name")
}

fn asked(action: &str, key: Option<&str>, who: Option<&str>) -> ExplainRequest {
    let key = key.map(|key| ObjectKey::new(key).expect("a key"));
    ExplainRequest { action: action.to_owned(), key, user: who.map(user), source_ip: None, secure_transport: None }
}

/// Ann's bucket in ceda-o, with bob beside her.
async fn world() -> World {
    let world = World::with_ann().await;
    world.client.create_user(&new_user("bob")).await.expect("made");
    world.client.grant_role(&tenancy("ceda-o"), &user("bob"), &role(Role::User)).await.expect("granted");
    let standing = world.state.identity.standing(&user("ann")).await.expect("asked").expect("there");
    let ann = Arc::new(world.state.access.principal_of(&tenancy("ceda-o"), &standing));
    let target = NewBucketTarget { tenancy: tenancy("ceda-o"), bucket: bucket() };
    let facts = Facts::about(Resource::Tenancy);
    let grant = world.state.access.authorize::<action::CreateBucket>(&ann, target, facts).expect("allowed");
    world.state.objects.create_bucket(&grant, NewBucket::default()).await.expect("made");
    world
}

async fn put(world: &World, document: &str) {
    let put = PutPolicy { document: document.to_owned(), if_match: None };
    world.client.put_policy(&tenancy("ceda-o"), &bucket(), &put).await.expect("put");
}

#[tokio::test]
async fn a_policy_is_put_read_and_removed() {
    let world = world().await;
    let (client, of) = (&world.client, tenancy("ceda-o"));
    assert_eq!(code(client.policy(&of, &bucket()).await), "NoSuchBucketPolicy");
    put(&world, SHARED).await;
    let shown = client.policy(&of, &bucket()).await.expect("shown");
    assert_eq!(shown.document, SHARED);
    let other = PutPolicy { document: r#"{"Statement":[]}"#.to_owned(), if_match: Some(shown.etag) };
    client.put_policy(&of, &bucket(), &other).await.expect("put");
    assert_eq!(code(client.put_policy(&of, &bucket(), &other).await), "PreconditionFailed");
    let wrong = PutPolicy { document: r#"{"Statement":[{"Effect":"Maybe"}]}"#.to_owned(), if_match: None };
    assert_eq!(code(client.put_policy(&of, &bucket(), &wrong).await), "InvalidRequest");
    client.delete_policy(&of, &bucket()).await.expect("removed");
    assert_eq!(code(client.lint_bucket(&of, &bucket()).await), "NoSuchBucketPolicy");
    let missing = BucketName::new("missing").expect("a name");
    assert_eq!(code(client.policy(&of, &missing).await), "NoSuchBucket");
}

#[tokio::test]
async fn explanations_name_the_statement() {
    let world = world().await;
    put(&world, SHARED).await;
    for (who, key, allowed, index) in [
        (Some("bob"), "open/a", true, Some(0)),
        (Some("bob"), "private/a", false, Some(1)),
        (Some("ann"), "private/a", true, None),
        (None, "open/a", false, None),
    ] {
        let request = asked("s3:GetObject", Some(key), who);
        let explained = world.client.explain_policy(&tenancy("ceda-o"), &bucket(), &request).await.expect("told");
        assert_eq!(explained.allowed, allowed, "{who:?} {key}: {explained:?}");
        assert_eq!(explained.statements.len(), 2);
        assert_eq!(index.is_some(), explained.reason.contains("Statement["), "{}", explained.reason);
        if let Some(index) = index {
            assert_eq!(explained.statements[index].misses, None);
            assert!(explained.reason.contains(&format!("Statement[{index}]")), "{}", explained.reason);
        }
    }
    for request in [
        asked("GetObject", None, None),
        asked("ListBucket", Some("k"), None),
        asked("CreateBucket", None, None),
        asked("s3:GetObjekt", Some("k"), None),
    ] {
        let told = world.client.explain_policy(&tenancy("ceda-o"), &bucket(), &request).await;
        assert_eq!(code(told), "InvalidRequest", "{request:?}");
    }
    let stranger = asked("GetObject", Some("k"), Some("zoe"));
    assert_eq!(code(world.client.explain_policy(&tenancy("ceda-o"), &bucket(), &stranger).await), "NoSuchUser");
}

#[tokio::test]
async fn who_may_read_is_told_with_the_reason() {
    let world = world().await;
    put(&world, SHARED).await;
    let key = Some(ObjectKey::new("private/a").expect("a key"));
    let filter = WhoFilter { action: None, key };
    let told = world.client.who_can(&tenancy("ceda-o"), &bucket(), &filter).await.expect("told").items;
    let may = |kind: &str, name: Option<&str>| {
        let found = told.iter().find(|answer| answer.kind == kind && answer.name.as_deref() == name);
        found.unwrap_or_else(|| panic!("{kind} {name:?} in {told:?}")).allowed
    };
    assert!(!may("public", None) && !may("logged-in", None));
    assert!(may("group", Some("ceda-o-members")) && may("role", Some("MANAGER")));
    assert!(may("person", Some("ann")) && !may("person", Some("bob")));
}

#[tokio::test]
async fn lint_tells_of_names_that_nobody_has() {
    let world = world().await;
    put(&world, &SHARED.replace("\"bob\"", "\"zoe\"")).await;
    let found = world.client.lint_bucket(&tenancy("ceda-o"), &bucket()).await.expect("told").items;
    assert!(found.iter().any(|finding| finding.message.contains("zoe")), "{found:?}");
    assert!(!found.iter().any(|finding| finding.message.contains("ceda-o-members")), "{found:?}");
    let public = r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}"#;
    let request = LintRequest { document: public.to_owned() };
    let found = world.client.lint_policy(&request).await.expect("told").items;
    assert!(found.iter().any(|finding| finding.severity == "danger"), "{found:?}");
}
