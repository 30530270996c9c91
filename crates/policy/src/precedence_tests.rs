//! The order of the rules, each against each.

use std::sync::Arc;

use crate::fixture::{Ask, policy, user};
use crate::{
    Acl, AclGrant, Action, BucketFacts, DefaultPolicy, Facts, Grantee, KeyAccess, KeyScope, ObjectFacts,
    ObjectOwnership, Permission, Policy, PublicAccessBlock, QuotaState, Reason, decide,
};

const ALLOW: &str = r#"{"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
const DENY: &str = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;

const fn word(reason: &Reason) -> &'static str {
    match reason {
        Reason::Operator => "operator",
        Reason::PolicyDenies(_) => "denies",
        Reason::Role(_) => "role",
        Reason::BucketOwner => "owner",
        Reason::Member => "member",
        Reason::PolicyAllows(_) => "allows",
        Reason::BucketAcl(_) => "bucket ACL",
        Reason::ObjectAcl(_) => "object ACL",
        Reason::DefaultPolicyMembers => "default",
        Reason::NothingAllows => "nothing",
        Reason::KeyScope(_) => "key",
        Reason::SessionPolicy => "session",
        Reason::Quota(_) => "quota",
    }
}

/// Statements of the policy, the default policy, whether everyone may read by ACL, who asks for what, what decides.
#[test]
fn the_first_rule_that_speaks_decides() {
    use DefaultPolicy::{Members, Owner};
    for (statements, default_policy, public_acl, question, expected) in [
        ("", Owner, false, "", "nothing"),
        ("", Owner, false, "user=bob role=USER", "nothing"),
        ("", Owner, false, "user=ann role=USER", "owner"),
        ("", Owner, false, "user=ann", "nothing"),
        ("", Owner, false, "user=meg role=MANAGER", "role"),
        ("", Owner, false, "user=dan role=DEPUTY", "role"),
        ("", Owner, false, "operator=yes", "operator"),
        ("", Members, false, "user=bob role=USER", "default"),
        ("", Members, false, "user=eve", "nothing"),
        ("", Members, false, "", "nothing"),
        ("", Owner, true, "", "object ACL"),
        ("", Owner, true, "action=ListBucket key=", "bucket ACL"),
        ("", Members, true, "user=bob role=USER", "object ACL"),
        ("", Owner, true, "action=PutObject", "nothing"),
        (ALLOW, Owner, false, "", "allows"),
        (ALLOW, Members, true, "user=bob role=USER", "allows"),
        (ALLOW, Owner, false, "user=ann role=USER", "owner"),
        (ALLOW, Owner, false, "user=meg role=MANAGER", "role"),
        (DENY, Owner, true, "", "denies"),
        (DENY, Members, true, "user=bob role=USER", "denies"),
        (DENY, Owner, false, "user=ann role=USER", "denies"),
        (DENY, Owner, false, "user=meg role=MANAGER", "denies"),
        (DENY, Owner, false, "user=dan role=DEPUTY action=DeleteBucket key=", "denies"),
        (DENY, Owner, false, "operator=yes", "operator"),
        (DENY, Owner, false, "user=ann role=USER action=GetBucketPolicy key=", "owner"),
        (DENY, Owner, false, "user=ann role=USER action=PutBucketPolicy key=", "owner"),
        (DENY, Owner, false, "user=ann role=USER action=DeleteBucketPolicy key=", "owner"),
        (DENY, Owner, false, "user=ann role=USER action=PutBucketAcl key=", "denies"),
        (DENY, Owner, false, "user=ann action=PutBucketPolicy key=", "denies"),
        (DENY, Owner, false, "user=meg role=MANAGER action=PutBucketPolicy key=", "role"),
        (DENY, Owner, false, "user=dan role=DEPUTY action=GetBucketPolicy key=", "role"),
        (DENY, Owner, false, "user=bob role=USER action=GetBucketPolicy key=", "denies"),
        (DENY, Members, false, "user=bob role=USER action=PutBucketPolicy key=", "denies"),
        (ALLOW, Owner, false, "user=bob role=USER action=PutBucketPolicy key=", "allows"),
    ] {
        // A Deny wins whatever else is allowed, before it and behind it.
        let variants = [statements.to_owned(), format!("{ALLOW}, {DENY}, {ALLOW}")];
        for statements in variants.into_iter().take(if statements == DENY { 2 } else { 1 }) {
            let found = reason(&policy(&statements), default_policy, public_acl, question);
            assert_eq!(word(&found), expected, "{statements} {default_policy:?} {question}");
        }
    }
}

fn reason(policy: &Policy, default_policy: DefaultPolicy, public_acl: bool, question: &str) -> Reason {
    let line = AclGrant { grantee: Grantee::AllUsers, permission: Permission::Read };
    let acl = Acl { grants: if public_acl { vec![line] } else { Vec::new() } };
    let ask = Ask { acl: acl.clone(), ..Ask::parse(question) };
    ask.with(Some(policy), |principal, action, facts| {
        let object = ObjectFacts { owner: None, acl: &acl };
        let facts = Facts { default_policy, object: Some(object), ..facts };
        decide(principal, action, facts).reason
    })
}

/// The bounds of the key, a policy of the session, the state of the quota; who asks for what, and what decides.
#[test]
fn what_narrows_binds_everyone_but_the_operator() {
    const READ: &str = r#"{"Statement": {"Effect": "Allow", "Action": "s3:Get*", "Resource": "*"}}"#;
    const NO_READ: &str = r#"{"Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"},
        {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/k"}]}"#;
    use QuotaState::{Lockout, Notify, Open, ReadAndDelete, ReadOnly};
    for (read_only, session, quota, question, expected) in [
        (false, "", Open, "user=ann role=USER action=PutObject", "owner"),
        (true, "", Open, "user=ann role=USER action=PutObject", "key"),
        (true, "", Open, "user=meg role=MANAGER action=PutObject", "key"),
        (true, "", Open, "user=meg role=MANAGER", "role"),
        (true, "", Open, "user=meg role=MANAGER action=PutBucketPolicy key=", "key"),
        (true, "", Open, "operator=yes action=PutObject", "operator"),
        (true, "", Open, "user=bob role=USER action=PutObject", "nothing"),
        (false, READ, Open, "user=ann role=USER", "owner"),
        (false, READ, Open, "user=ann role=USER action=PutObject", "session"),
        (false, READ, Open, "user=meg role=MANAGER action=DeleteObject", "session"),
        (false, READ, Open, "user=bob role=USER", "nothing"),
        (false, NO_READ, Open, "user=ann role=USER", "session"),
        (false, NO_READ, Open, "user=ann role=USER key=other", "owner"),
        (false, "", Notify, "user=ann role=USER action=PutObject", "owner"),
        (false, "", ReadAndDelete, "user=ann role=USER action=PutObject", "quota"),
        (false, "", ReadAndDelete, "user=meg role=MANAGER action=PutObject", "quota"),
        (false, "", ReadAndDelete, "user=bob role=USER action=PutObject", "nothing"),
        (false, "", ReadAndDelete, "user=ann role=USER action=DeleteObject", "owner"),
        (false, "", ReadAndDelete, "operator=yes action=PutObject", "operator"),
        (false, "", ReadOnly, "user=ann role=USER action=DeleteObject", "quota"),
        (false, "", ReadOnly, "user=ann role=USER action=PutBucketPolicy key=", "owner"),
        (false, "", Lockout, "user=ann role=USER", "quota"),
        (false, "", Lockout, "user=meg role=MANAGER action=GetBucketPolicy key=", "role"),
        (false, "", Lockout, "user=meg role=MANAGER action=PutBucketPolicy key=", "quota"),
        (false, "", Lockout, "operator=yes action=DeleteObject", "operator"),
        (true, READ, Lockout, "user=ann role=USER action=PutObject", "key"),
        (false, READ, Lockout, "user=ann role=USER action=PutObject", "session"),
    ] {
        let mut ask = Ask::parse(question);
        if read_only {
            let scope = KeyScope { access: KeyAccess::ReadOnly, ..KeyScope::default() };
            ask.principal.key_scope = Some(Arc::new(scope));
        }
        if !session.is_empty() {
            ask.principal.session_policies = vec![Policy::parse_for_session(session.as_bytes()).unwrap()];
        }
        let found =
            ask.with(None, |principal, action, facts| decide(principal, action, Facts { quota, ..facts }).reason);
        assert_eq!(word(&found), expected, "{read_only} {session} {quota} {question}");
    }
}

#[test]
fn sessions_of_sessions_have_what_all_of_them_allow() {
    let session = |actions: &str| {
        let document = format!(r#"{{"Statement": {{"Effect": "Allow", "Action": [{actions}], "Resource": "*"}}}}"#);
        Policy::parse_for_session(document.as_bytes()).unwrap()
    };
    let mut ask = Ask::parse("user=ann role=USER");
    ask.principal.session_policies = vec![session(r#""s3:GetObject", "s3:PutObject""#), session(r#""s3:GetObject""#)];
    let allowed = |ask: &Ask| ask.with(None, |principal, action, facts| decide(principal, action, facts).is_allowed());
    assert!(allowed(&ask));
    for action in [Action::PutObject, Action::DeleteObject] {
        assert!(!allowed(&Ask { action, ..ask.clone() }), "{action}");
    }
}

/// What the bucket blocks or enforces, the policy, who asks for what (everyone may read by ACL), what decides.
#[test]
fn public_access_and_ownership() {
    use ObjectOwnership::{BucketOwnerEnforced, BucketOwnerPreferred, ObjectWriter};
    const NONE: PublicAccessBlock = PublicAccessBlock::NONE;
    let ignore = PublicAccessBlock { ignore_public_acls: true, ..NONE };
    let restrict = PublicAccessBlock { restrict_public_buckets: true, ..NONE };
    let put_checks = PublicAccessBlock { block_public_acls: true, block_public_policy: true, ..NONE };
    let to_bob = r#"{"Effect": "Allow", "Principal": {"user": ["bob"]}, "Action": "s3:GetObject", "Resource": "*"}"#;
    for (block, ownership, statements, question, expected) in [
        (NONE, ObjectWriter, "", "", "object ACL"),
        (NONE, BucketOwnerPreferred, "", "", "object ACL"),
        (NONE, BucketOwnerEnforced, "", "", "nothing"),
        (NONE, BucketOwnerEnforced, "", "user=zoe", "nothing"),
        (NONE, BucketOwnerEnforced, "", "action=ListBucket key=", "nothing"),
        (NONE, BucketOwnerEnforced, ALLOW, "", "allows"),
        (NONE, BucketOwnerEnforced, "", "user=ann role=USER", "owner"),
        (ignore, ObjectWriter, "", "", "nothing"),
        (ignore, ObjectWriter, "", "action=ListBucket key=", "nothing"),
        (ignore, ObjectWriter, "", "user=eve", "nothing"),
        (ignore, ObjectWriter, "", "user=zoe", "object ACL"),
        (ignore, ObjectWriter, ALLOW, "", "allows"),
        (restrict, ObjectWriter, ALLOW, "action=PutObject", "nothing"),
        (restrict, ObjectWriter, ALLOW, "user=eve action=PutObject", "nothing"),
        (restrict, ObjectWriter, ALLOW, "user=bob role=USER action=PutObject", "allows"),
        (restrict, ObjectWriter, ALLOW, "", "object ACL"),
        (restrict, ObjectWriter, DENY, "", "denies"),
        (restrict, BucketOwnerEnforced, to_bob, "user=bob", "allows"),
        (put_checks, ObjectWriter, ALLOW, "", "allows"),
        (put_checks, ObjectWriter, "", "", "object ACL"),
        (PublicAccessBlock::ALL, ObjectWriter, ALLOW, "", "nothing"),
    ] {
        let lines = [(Grantee::AllUsers, Permission::Read), (Grantee::User(user("zoe")), Permission::Read)];
        let grants = lines.map(|(grantee, permission)| AclGrant { grantee, permission });
        let acl = Acl { grants: grants.to_vec() };
        let ask = Ask { acl: acl.clone(), ..Ask::parse(question) };
        let policy = policy(statements);
        let found = ask.with(Some(&policy), |principal, action, facts| {
            let of_bucket = |bucket| BucketFacts { public_access: block, ownership, ..bucket };
            let object = Some(ObjectFacts { owner: None, acl: &acl });
            let facts = Facts { object, bucket: facts.bucket.map(of_bucket), ..facts };
            decide(principal, action, facts).reason
        });
        assert_eq!(word(&found), expected, "{block:?} {ownership:?} {statements} {question}");
    }
}

#[test]
fn creating_needs_a_key_that_is_new() {
    let create = r#"{"Effect": "Allow", "Principal": "*", "Action": ["CreateObject"], "Resource": "*"}"#;
    let no_create = r#"{"Effect": "Deny", "Principal": "*", "Action": ["CreateObject"], "Resource": "*"}"#;
    let replace = r#"{"Effect": "Allow", "Principal": "*", "NotAction": ["CreateObject"], "Resource": "*"}"#;
    for (statements, absent, present, unknown) in [
        (create.to_owned(), true, false, false),
        (ALLOW.to_owned(), true, true, true),
        (format!("{ALLOW}, {no_create}"), false, true, false),
        (replace.to_owned(), false, true, false),
        (format!("{replace}, {create}"), true, true, false),
    ] {
        let policy = policy(&statements);
        let asks = ["existing=no", "existing=yes", ""];
        let found = asks.map(|existing| Ask::parse(&format!("action=PutObject {existing}")).is_allowed_by(&policy));
        assert_eq!(found, [absent, present, unknown], "{statements}");
        assert_eq!(policy.asks_for_existence(), statements.contains("CreateObject"), "{statements}");
    }
}
