use types::{BucketName, ObjectKey, TenancyName, UserName};

use crate::{
    Acl, Action, BucketFacts, Caller, Facts, Policy, Principal, PublicAccessBlock, Reason, Resource, Role, decide,
};

fn person(name: &str, role: Option<Role>, groups: &[&str]) -> Principal {
    Principal {
        caller: Caller::Person { name: UserName::new(name).unwrap(), key: None },
        role,
        groups: groups.iter().map(|group| (*group).to_owned()).collect(),
        ..Principal::anonymous(TenancyName::new("lab-o").unwrap())
    }
}

fn ask(policy: &Policy, principal: &Principal, action: Action, key: &str, block: PublicAccessBlock) -> Reason {
    let (bucket, owner) = (BucketName::new("data").unwrap(), UserName::new("ann").unwrap());
    let (acl, key) = (Acl { grants: Vec::new() }, ObjectKey::new(key));
    let resource = match &key {
        Ok(key) => Resource::Object { bucket: &bucket, key, version: None },
        Err(_) => Resource::Bucket(&bucket),
    };
    let facts = BucketFacts { policy: Some(policy), public_access: block, ..BucketFacts::new(&bucket, &owner, &acl) };
    decide(principal, action, Facts { bucket: Some(facts), ..Facts::about(resource) }).reason
}

#[test]
fn the_order_of_the_rules() {
    let policy = Policy::parse(
        br#"{"Version": "2012-10-17", "Statement": [
            {"Sid": "read", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
             "Resource": "arn:aws:s3:::data/*"},
            {"Sid": "secret", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
             "Resource": ["arn:aws:s3:::data", "arn:aws:s3:::data/secret/*"]}]}"#,
    )
    .unwrap();
    let none = PublicAccessBlock::NONE;
    let block = PublicAccessBlock { restrict_public_buckets: true, ..none };
    let anyone = Principal::anonymous(TenancyName::new("lab-o").unwrap());
    let (bob, ann) = (person("bob", Some(Role::User), &[]), person("ann", Some(Role::User), &[]));
    let manager = person("max", Some(Role::Manager), &[]);
    for (who, action, key, block, expected) in [
        (&anyone, Action::GetObject, "x", none, Some("allows")),
        (&anyone, Action::GetObject, "x", block, None),
        (&bob, Action::GetObject, "x", block, Some("allows")),
        (&bob, Action::PutObject, "x", none, None),
        (&bob, Action::GetObject, "secret/x", none, Some("denies")),
        (&ann, Action::GetObject, "secret/x", none, Some("denies")),
        (&manager, Action::GetObject, "secret/x", none, Some("denies")),
        (&manager, Action::PutObject, "x", none, Some("MANAGER")),
        (&ann, Action::PutObject, "x", none, Some("owns")),
        (&ann, Action::PutBucketPolicy, "", none, Some("owns")),
        (&manager, Action::DeleteBucketPolicy, "", none, Some("MANAGER")),
        (&bob, Action::PutBucketPolicy, "", none, Some("denies")),
        (&ann, Action::ListBucket, "", none, Some("denies")),
    ] {
        let reason = ask(&policy, who, action, key, block);
        let told = reason.to_string();
        let fits = expected.map_or(reason == Reason::NothingAllows, |word| told.contains(word));
        assert!(fits, "{:?} {action} {key}: {told}", who.user());
    }
}

#[test]
fn both_dialects_in_one_document() {
    let policy = Policy::parse(
        br#"{"Version": "2008-10-17", "Id": "data policy", "Statement": [
            {"Sid": "1", "Effect": "Allow", "Principal": {"user": [""], "group": ["lab-o-members"]},
             "Action": ["GetObject", "CreateObject"], "Resource": "/*"},
            {"Sid": "1", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::lab-o:user/bob"},
             "Action": "s3:DeleteObject", "Resource": "arn:aws:s3:::data/*"}]}"#,
    )
    .unwrap();
    let (bob, eve) = (person("bob", Some(Role::User), &["lab-o-members"]), person("eve", None, &[]));
    for (who, action, expected) in [
        (&bob, Action::GetObject, true),
        (&bob, Action::DeleteObject, true),
        (&bob, Action::PutObject, false),
        (&eve, Action::GetObject, false),
        (&eve, Action::DeleteObject, false),
    ] {
        let reason = ask(&policy, who, action, "x", PublicAccessBlock::NONE);
        assert_eq!(reason.allows(), expected, "{:?} {action}", who.user());
    }
    assert!(policy.asks_for_existence());
}

#[test]
fn what_is_not_understood_is_named() {
    let statement = |text: &str| format!(r#"{{"Statement": [{{"Effect": "Allow", {text}}}]}}"#);
    let (who, what, to) = (r#""Principal": "*""#, r#""Action": "s3:*""#, r#""Resource": "*""#);
    for (document, element) in [
        ("{".to_owned(), ""),
        ("[]".to_owned(), ""),
        ("{}".to_owned(), ""),
        (r#"{"Statement": [], "Statement": []}"#.to_owned(), ""),
        (r#"{"Statement": [], "Extra": 1}"#.to_owned(), "Extra"),
        (r#"{"Version": "today", "Statement": []}"#.to_owned(), "Version"),
        (r#"{"Statement": [{}]}"#.to_owned(), "Statement[0]"),
        (statement(&format!("{who}, {what}")), "Statement[0]"),
        (statement(&format!("{who}, {what}, {to}, \"Frob\": 1")), "Statement[0].Frob"),
        (statement(&format!(r#""Principal": {{"Service": "x"}}, {what}, {to}"#)), "Statement[0].Principal.Service"),
        (statement(&format!(r#""Principal": {{"AWS": "bob"}}, {what}, {to}"#)), "Statement[0].Principal.AWS"),
        (statement(&format!(r#"{who}, "Action": "s3:Frob", {to}"#)), "Statement[0].Action"),
        (statement(&format!(r#"{who}, "NotAction": "Frob", {to}"#)), "Statement[0].NotAction"),
        (statement(&format!(r#"{who}, {what}, "Resource": "arn:aws:sqs:::x""#)), "Statement[0].Resource"),
        (statement(&format!(r#"{who}, {what}, "Action": "s3:*", {to}"#)), ""),
    ] {
        let error = Policy::parse(document.as_bytes()).expect_err(&document);
        assert_eq!(error.element, element, "{document}: {error}");
    }
}
