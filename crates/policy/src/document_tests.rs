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

#[test]
fn documents_are_taken_as_leniently_as_sites_need() {
    let statement = r#"{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}"#;
    for document in [
        r#"{"Statement": []}"#.to_owned(),
        format!(r#"{{"Statement": {statement}}}"#),
        format!(r#"{{"Version": "2016-10-17", "Id": "x", "Statement": [{statement}]}}"#),
        format!(r#"{{"Id": "", "Statement": [{statement}, {statement}]}}"#),
        format!("\n\t {{\"Statement\" : [ {statement} ] }} \r\n"),
        r#"{"Statement": [{"Sid": "", "Effect": "Deny", "Principal": {}, "Action": [], "Resource": []}]}"#.to_owned(),
    ] {
        let policy = Policy::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(policy.document(), document);
    }
}

#[test]
fn documents_that_are_too_much_or_no_json_are_refused() {
    let statement = r#"{"Effect":"Deny","Principal":{},"Action":[],"Resource":[]}"#;
    let many = |count: usize| format!(r#"{{"Statement": [{}]}}"#, vec![statement; count].join(","));
    let padded = |length: usize| format!(r#"{{"Statement": []{}}}"#, " ".repeat(length - 17));
    let fits = padded(Policy::MAX_BYTES);
    assert_eq!(fits.len(), Policy::MAX_BYTES);
    assert!(Policy::parse(fits.as_bytes()).is_ok());
    assert!(Policy::parse(many(300).as_bytes()).is_ok());
    for document in [
        padded(Policy::MAX_BYTES + 1).into_bytes(),
        many(Policy::MAX_STATEMENTS + 1).into_bytes(),
        b"".to_vec(),
        b"\xff".to_vec(),
        b"{\"Statement\": [], \"Id\": \"\xff\"}".to_vec(),
        b"\xef\xbb\xbf{\"Statement\": []}".to_vec(),
        b"{\"Statement\": []} x".to_vec(),
        b"{\"Statement\": [],}".to_vec(),
        [b"{\"Statement\": ".as_slice(), &b"[".repeat(10_000)].concat(),
        b"{\"Statement\": null}".to_vec(),
        b"{\"Statement\": [null]}".to_vec(),
        b"{\"Statement\": [[]]}".to_vec(),
    ] {
        assert!(Policy::parse(&document).is_err(), "{:?}", String::from_utf8_lossy(&document));
    }
}

#[test]
fn elements_of_the_wrong_kind_are_named() {
    let statement = |change: &str| {
        let (name, value) = change.split_once('=').unwrap();
        let elements =
            [("Effect", r#""Allow""#), ("Principal", r#""*""#), ("Action", r#""*""#), ("Resource", r#""*""#)];
        let written = elements.into_iter().filter(|(known, _)| *known != name).chain([(name, value)]);
        let written: Vec<_> = written.map(|(name, value)| format!(r#""{name}": {value}"#)).collect();
        format!(r#"{{"Statement": [{{{}}}]}}"#, written.join(", "))
    };
    for (change, element) in [
        ("Sid=5", "Statement[0].Sid"),
        (r#"Effect="allow""#, "Statement[0].Effect"),
        (r#"Effect=["Allow"]"#, "Statement[0].Effect"),
        ("Action=5", "Statement[0].Action"),
        ("Action=[5]", "Statement[0].Action"),
        (r#"Action="""#, "Statement[0].Action"),
        (r#"Action=["s3:GetObject", "s3:GetObjct"]"#, "Statement[0].Action"),
        (r#"NotAction="s3:*""#, "Statement[0]"),
        (r#"NotResource="*""#, "Statement[0]"),
        (r#"action="*""#, "Statement[0].action"),
        (r#"Conditions={}"#, "Statement[0].Conditions"),
    ] {
        let document = statement(change);
        let error = Policy::parse(document.as_bytes()).expect_err(&document);
        assert_eq!(error.element, element, "{document}: {error}");
    }
    let error = Policy::parse(statement(r#"Action="s3:Frob""#).as_bytes()).unwrap_err();
    assert_eq!(error.to_string(), "Statement[0].Action: there is no action s3:Frob");
    for (document, element) in [
        (r#"{"Version": 5, "Statement": []}"#, "Version"),
        (r#"{"Version": "2012-10-17T", "Statement": []}"#, "Version"),
        (r#"{"Id": 5, "Statement": []}"#, "Id"),
        (r#"{"statement": []}"#, "statement"),
    ] {
        assert_eq!(Policy::parse(document.as_bytes()).unwrap_err().element, element, "{document}");
    }
}

#[test]
fn a_name_that_stands_twice_is_refused_wherever_it_is() {
    let rest = r#""Effect": "Allow", "Action": "*", "Resource": "*""#;
    for document in [
        format!(r#"{{"Id": "a", "Id": "b", "Statement": {{"Principal": "*", {rest}}}}}"#),
        format!(r#"{{"Statement": {{"Principal": "*", {rest}, "Effect": "Deny"}}}}"#),
        format!(r#"{{"Statement": {{"Principal": {{"AWS": "*", "AWS": []}}, {rest}}}}}"#),
        format!(r#"{{"Statement": {{"Principal": "*", {rest}, "Condition": {{"Bool": {{}}, "Bool": {{}}}}}}}}"#),
        format!(
            r#"{{"Statement": {{"Principal": "*", {rest}, "Condition": {{"Null": {{"aws:username": "true", "aws:username": "false"}}}}}}}}"#
        ),
    ] {
        let error = Policy::parse(document.as_bytes()).expect_err(&document);
        assert!(error.problem.contains("twice"), "{document}: {error}");
    }
}

#[test]
fn policies_of_sessions_name_no_principal() {
    let (with, without) = (r#""Principal": "*","#, "");
    for (principal, bucket, session) in [(with, true, false), (without, false, true)] {
        let document = format!(r#"{{"Statement": {{"Effect": "Allow", {principal} "Action": "*", "Resource": "*"}}}}"#);
        assert_eq!(Policy::parse(document.as_bytes()).is_ok(), bucket, "{document}");
        assert_eq!(Policy::parse_for_session(document.as_bytes()).is_ok(), session, "{document}");
    }
}
