use crate::fixture::{Ask, policy};
use crate::{Policy, explain};

fn two_statements() -> Policy {
    policy(
        r#"{"Sid": "campus", "Effect": "Allow", "Principal": "*", "Action": "s3:GetObject",
            "Resource": "arn:aws:s3:::data/*", "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
           {"Effect": "Deny", "Principal": {"AWS": "arn:aws:iam:::user/eve"}, "Action": "s3:*",
            "Resource": "arn:aws:s3:::data/*"}"#,
    )
}

/// The question, whether it is allowed, words of the reason, the rule that decided, what each statement misses.
#[test]
fn traces_say_what_was_weighed() {
    let policy = two_statements();
    for (question, allowed, reason, decided, misses) in [
        ("ip=192.0.2.7", true, "\"campus\"", Some("policy allows"), [None, Some("Principal")]),
        ("ip=192.0.3.7", false, "no rule", None, [Some("Condition.IpAddress.aws:SourceIp"), Some("Principal")]),
        ("user=eve ip=192.0.2.7", false, "Statement[1]", Some("policy denies"), [None, None]),
        (
            "user=ann role=USER",
            true,
            "owns",
            Some("bucket owner"),
            [Some("Condition.IpAddress.aws:SourceIp"), Some("Principal")],
        ),
        (
            "user=bob role=MANAGER action=ListBucket key=",
            true,
            "MANAGER",
            Some("role"),
            [Some("Action"), Some("Principal")],
        ),
        ("user=eve action=ListBucket key=", false, "no rule", None, [Some("Action"), Some("Resource")]),
    ] {
        let trace = Ask::parse(question).with(Some(&policy), explain);
        assert_eq!(trace.allowed, allowed, "{question}");
        assert!(trace.reason.contains(reason), "{question}: {}", trace.reason);
        let deciding = trace.rules.iter().find(|rule| rule.decided).map(|rule| rule.rule);
        assert_eq!(deciding, decided, "{question}");
        let missed: Vec<_> = trace.statements.iter().map(|statement| statement.misses.as_deref()).collect();
        assert_eq!(missed, misses, "{question}");
    }
}

#[test]
fn traces_are_readable_as_text_and_as_json() {
    let trace = Ask::parse("user=eve ip=192.0.2.7").with(Some(&two_statements()), explain);
    let text = trace.to_string();
    assert!(text.starts_with("s3:GetObject is not allowed: Statement[1] of the bucket's policy denies it\n"), "{text}");
    assert!(text.contains("> policy denies"), "{text}");
    assert!(text.contains("Statement[0] \"campus\" allows it"), "{text}");
    let json = serde_json::to_value(&trace).unwrap();
    assert_eq!(json["statements"][1]["misses"], serde_json::Value::Null);
    assert_eq!(json["statements"][0]["effect"], "Allow");
}
