//! GetPublicAccessBlock, PutPublicAccessBlock, DeletePublicAccessBlock, and what each of the four keeps out.

use crate::harness::Who::{Nobody, Owner, Stranger, User};
use crate::harness::{Case, World, check_all};

const PUBLIC: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::bkt/*"}]}"#;

async fn block(world: &World, which: &str) {
    let name = "PublicAccessBlockConfiguration";
    let body = format!("<{name}><{which}>true</{which}></{name}>");
    world.send(Owner, "PUT", "/bkt?publicAccessBlock", &[], body.as_bytes()).await.expect(200);
}

#[tokio::test]
async fn a_block_is_set_read_and_removed() {
    let world = World::with_bucket("bkt").await;
    let absent = || Case::new(Owner, "GET", "/bkt?publicAccessBlock", 404, "NoSuchPublicAccessBlockConfiguration");
    check_all(&world, &[absent()]).await;
    let flags = ["BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"];
    for set in flags {
        block(&world, set).await;
        let read = world.send(Owner, "GET", "/bkt?publicAccessBlock", &[], b"").await.expect(200);
        for flag in flags {
            assert_eq!(read.all(flag), [(flag == set).to_string()], "{set}");
        }
    }
    check_all(&world, &[Case::new(Owner, "DELETE", "/bkt?publicAccessBlock", 204, ""), absent()]).await;
}

#[tokio::test]
async fn public_acls_can_not_be_set() {
    let world = World::with_bucket("bkt").await;
    world.put("bkt/k", b"x").await;
    block(&world, "BlockPublicAcls").await;
    for acl in ["public-read", "public-read-write", "authenticated-read"] {
        let case = |method, target| Case::new(Owner, method, target, 403, "AccessDenied").header("x-amz-acl", acl);
        check_all(
            &world,
            &[
                case("PUT", "/bkt?acl"),
                case("PUT", "/bkt/k?acl"),
                case("PUT", "/bkt/new"),
                case("POST", "/bkt/new?uploads"),
                case("PUT", "/bkt/copy").header("x-amz-copy-source", "bkt/k"),
            ],
        )
        .await;
    }
    check_all(
        &world,
        &[
            Case::new(Owner, "PUT", "/bkt?acl", 200, "").header("x-amz-grant-read", "id=user"),
            Case::new(Owner, "PUT", "/bkt/new", 200, "").header("x-amz-acl", "bucket-owner-read"),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_public_already_counts_no_more() {
    let world = World::with_bucket("bkt").await;
    world.send(Owner, "PUT", "/bkt/k", &[("x-amz-acl", "public-read")], b"x").await.expect(200);
    world.send(Owner, "PUT", "/bkt?acl", &[("x-amz-acl", "public-read")], b"").await.expect(200);
    let get = |who, status| Case::new(who, "GET", "/bkt/k", status, if status == 200 { "" } else { "AccessDenied" });
    check_all(&world, &[get(Nobody, 200), get(User, 200)]).await;
    block(&world, "IgnorePublicAcls").await;
    check_all(&world, &[get(Nobody, 403), get(User, 403), get(Owner, 200)]).await;
    check_all(&world, &[Case::new(Nobody, "GET", "/bkt", 403, "AccessDenied")]).await;

    world.send(Owner, "PUT", "/bkt?policy", &[], PUBLIC.as_bytes()).await.expect(204);
    check_all(&world, &[get(Nobody, 200), get(Stranger, 200)]).await;
    block(&world, "RestrictPublicBuckets").await;
    world.send(Owner, "PUT", "/bkt/k?acl", &[("x-amz-acl", "private")], b"").await.expect(200);
    check_all(&world, &[get(Nobody, 403), get(Stranger, 403), get(User, 200)]).await;
}

#[tokio::test]
async fn public_policies_can_not_be_set() {
    let world = World::with_bucket("bkt").await;
    block(&world, "BlockPublicPolicy").await;
    let put = |body: &str, status, code| Case::new(Owner, "PUT", "/bkt?policy", status, code).body(body.as_bytes());
    let of_user = PUBLIC.replace(r#""*","Action""#, r#"{"AWS":"arn:aws:iam::t:user/user"},"Action""#);
    check_all(&world, &[put(PUBLIC, 403, "AccessDenied"), put(&of_user, 204, "")]).await;
    let kept = world.send(Owner, "GET", "/bkt?policy", &[], b"").await.expect(200);
    assert_eq!(kept.text(), of_user);
}
