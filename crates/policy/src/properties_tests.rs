//! What holds of every policy.

use std::sync::Arc;

use proptest::prelude::*;

use crate::fixture::{Ask, policy};
use crate::{Action, Decision, Facts, KeyAccess, KeyScope, Policy, QuotaState, decide, explain};

fn statement(effect: &'static str) -> impl Strategy<Value = String> {
    let mut principals = vec![
        r#""Principal": "*""#,
        r#""Principal": {"user": ["*"]}"#,
        r#""Principal": {"user": ["bob"], "group": ["qa"]}"#,
        r#""Principal": {"AWS": "arn:aws:iam::lab-o:root"}"#,
        r#""Principal": {"anonymous": ["*"]}"#,
        r#""NotPrincipal": {"user": ["ann"]}"#,
    ];
    if effect == "Allow" {
        principals.pop();
    }
    let principal = prop::sample::select(principals);
    let action = prop::sample::select(vec![
        r#""Action": "*""#,
        r#""Action": "s3:Get*""#,
        r#""Action": ["s3:PutObject", "s3:ListBucket"]"#,
        r#""Action": ["CreateObject", "GetObject"]"#,
        r#""NotAction": ["s3:DeleteObject", "GetPolicy"]"#,
    ]);
    let resource = prop::sample::select(vec![
        r#""Resource": "*""#,
        r#""Resource": "arn:aws:s3:::data/*""#,
        r#""Resource": ["arn:aws:s3:::data", "/k"]"#,
        r#""NotResource": "/k""#,
    ]);
    let condition = prop::sample::select(vec![
        "",
        r#", "Condition": {"Bool": {"aws:SecureTransport": true}}"#,
        r#", "Condition": {"StringLike": {"aws:username": ["b*"]}}"#,
        r#", "Condition": {"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}}"#,
    ]);
    (principal, action, resource, condition).prop_map(move |(principal, action, resource, condition)| {
        format!(r#"{{"Effect": "{effect}", {principal}, {action}, {resource}{condition}}}"#)
    })
}

fn statements() -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(prop_oneof![3 => statement("Allow"), 1 => statement("Deny")], 0..6)
}

fn question() -> impl Strategy<Value = Ask> {
    let who = prop::sample::select(vec![
        "",
        "user=ann role=USER",
        "user=bob role=USER groups=lab-o-members",
        "user=eve groups=qa",
        "user=meg role=MANAGER",
    ]);
    let actions = Action::ALL.iter().filter(|action| !matches!(action.name(), "ListAllMyBuckets" | "CreateBucket"));
    let action = prop::sample::select(actions.copied().collect::<Vec<_>>());
    let what =
        prop::sample::select(vec!["", "existing=yes", "existing=no", "key=other", "tls=yes", "tls=no ip=192.0.2.7"]);
    (who, action, what).prop_map(|(who, action, what)| {
        let key = if action.scope() == crate::Scope::Bucket { "key=" } else { "" };
        Ask::parse(&format!("{who} action={} {what} {key}", action.name()))
    })
}

fn decision(ask: &Ask, policy: &Policy) -> Decision {
    ask.with(Some(policy), |principal, action, facts: Facts<'_>| decide(principal, action, facts))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_deny_always_wins(statements in statements(), at in any::<prop::sample::Index>(), ask in question()) {
        let mut statements = statements;
        let deny = r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}"#;
        statements.insert(at.index(statements.len() + 1), deny.to_owned());
        let keeps = ask.principal.role.is_some() && ask.action.is_on_bucket_policy()
            && ask.principal.user().is_some_and(|name| matches!(name.as_str(), "ann" | "meg"));
        prop_assert_eq!(decision(&ask, &policy(&statements.join(","))).is_allowed(), keeps);
    }

    #[test]
    fn an_allow_more_takes_nothing_away(
        statements in statements(),
        allow in statement("Allow"),
        at in any::<prop::sample::Index>(),
        ask in question(),
    ) {
        let before = decision(&ask, &policy(&statements.join(","))).is_allowed();
        let mut statements = statements;
        statements.insert(at.index(statements.len() + 1), allow);
        prop_assert!(!before || decision(&ask, &policy(&statements.join(","))).is_allowed());
    }

    #[test]
    fn a_deny_more_adds_nothing(
        statements in statements(),
        deny in statement("Deny"),
        at in any::<prop::sample::Index>(),
        ask in question(),
    ) {
        let before = decision(&ask, &policy(&statements.join(","))).is_allowed();
        let mut statements = statements;
        statements.insert(at.index(statements.len() + 1), deny);
        prop_assert!(before || !decision(&ask, &policy(&statements.join(","))).is_allowed());
    }

    #[test]
    fn the_order_of_statements_does_not_matter(statements in statements(), ask in question()) {
        let reversed: Vec<_> = statements.iter().rev().cloned().collect();
        let one = decision(&ask, &policy(&statements.join(",")));
        let other = decision(&ask, &policy(&reversed.join(",")));
        prop_assert_eq!(one.is_allowed(), other.is_allowed());
    }

    #[test]
    fn what_narrows_never_widens(
        statements in statements(),
        session in prop::collection::vec(statement("Allow"), 0..3),
        target in prop::sample::select(vec!["data", "data/k", "other", "d*"]),
        access in prop::sample::select(vec![KeyAccess::ReadOnly, KeyAccess::ReadWrite]),
        quota in prop::sample::select(vec![QuotaState::Open, QuotaState::ReadAndDelete, QuotaState::Lockout]),
        ask in question(),
    ) {
        let policy = policy(&statements.join(","));
        let whole = decision(&ask, &policy).is_allowed();
        let mut narrowed = ask;
        let scope = KeyScope { access, targets: vec![target.parse().unwrap()], sources: Vec::new() };
        narrowed.principal.key_scope = Some(Arc::new(scope));
        narrowed.principal.session_policies = session.iter().map(|statement| {
            let without = statement.replace(r#""Principal": "*", "#, "");
            let document = format!(r#"{{"Statement": [{without}]}}"#);
            Policy::parse_for_session(document.as_bytes()).or_else(|_| {
                Policy::parse_for_session(br#"{"Statement": []}"#)
            }).unwrap()
        }).collect();
        let part = narrowed.with(Some(&policy), |principal, action, facts| {
            decide(principal, action, Facts { quota, ..facts }).is_allowed()
        });
        prop_assert!(whole || !part);
    }

    #[test]
    fn what_is_explained_is_what_is_decided(statements in statements(), ask in question()) {
        let policy = policy(&statements.join(","));
        let told = decision(&ask, &policy);
        let trace = ask.with(Some(&policy), explain);
        prop_assert_eq!(trace.allowed, told.is_allowed());
        prop_assert_eq!(&trace.reason, &told.reason.to_string());
        let deciding = trace.rules.iter().filter(|rule| rule.decided).count();
        prop_assert_eq!(deciding, usize::from(told.reason != crate::Reason::NothingAllows));
    }

    #[test]
    fn without_conditions_and_variables_strangers_have_what_public_policies_give(
        statements in prop::collection::vec(statement("Allow"), 0..4),
        ask in question(),
    ) {
        let policy = policy(&statements.join(","));
        let reaches_nobody_in_particular = ask.principal.user().is_none();
        if reaches_nobody_in_particular && decision(&ask, &policy).is_allowed() {
            prop_assert!(policy.is_public());
        }
    }
}
