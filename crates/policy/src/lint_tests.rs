use types::BucketName;

use crate::fixture::{policy, tenancy, user};
use crate::{Known, Names, Oddity, Policy, Severity, lint};

fn oddities(policy: &Policy, missing: Option<&Names>) -> Vec<(Oddity, String)> {
    let (bucket, tenancy, owner) = (BucketName::new("data").unwrap(), tenancy(), user("ann"));
    let known = Known { bucket: Some(&bucket), owner: Some((&tenancy, &owner)), missing };
    lint(policy, known).into_iter().map(|finding| (finding.oddity, finding.element)).collect()
}

/// A statement after its effect, and the oddities with their elements.
#[test]
fn what_is_odd_about_statements() {
    use Oddity::{
        HoldsForAbsent, IdleAction, KeyOfListings, LocksOutEveryone, LocksOutManagers, LocksOutOwner, NeverApplies,
        Public, PublicWrite, WholeDirectory,
    };
    let (read, all) =
        (r#""Action": "s3:GetObject", "Resource": "arn:aws:s3:::data/*""#, r#""Action": "s3:*", "Resource": "*""#);
    let (bob, everyone) = (r#""Principal": {"AWS": "arn:aws:iam:::user/bob"}"#, r#""Principal": "*""#);
    for (effect, elements, expected) in [
        ("Allow", format!("{bob}, {read}"), &[][..]),
        ("Allow", format!("{everyone}, {read}"), &[(Public, "Statement[0]")]),
        ("Allow", format!("{everyone}, {all}"), &[(PublicWrite, "Statement[0]")]),
        ("Allow", format!(r#"{everyone}, {all}, "Condition": {{"IpAddress": {{"aws:SourceIp": "10.0.0.0/8"}}}}"#), &[]),
        (
            "Allow",
            format!(r#"{everyone}, {read}, "Condition": {{"IpAddress": {{"aws:SourceIp": "0.0.0.0/0"}}}}"#),
            &[(Public, "Statement[0]")],
        ),
        ("Allow", format!(r#""Principal": {{"user": ["*"]}}, {read}"#), &[(WholeDirectory, "Statement[0].Principal")]),
        ("Deny", format!("{everyone}, {read}"), &[]),
        ("Deny", format!("{everyone}, {all}"), &[(LocksOutEveryone, "")]),
        (
            "Deny",
            format!(r#"{everyone}, "Action": "s3:*", "Resource": "arn:aws:s3:::data/*""#),
            &[(LocksOutEveryone, "")],
        ),
        ("Deny", format!(r#"{everyone}, "Action": "s3:*", "Resource": "arn:aws:s3:::data/secret/*""#), &[]),
        ("Deny", format!(r#""Principal": {{"user": ["ann"]}}, {all}"#), &[(LocksOutOwner, "")]),
        ("Deny", format!(r#""NotPrincipal": {{"user": ["ann"]}}, {all}"#), &[(LocksOutManagers, "")]),
        ("Deny", format!(r#""Principal": {{"anonymous": ["*"]}}, {all}"#), &[]),
        ("Deny", format!(r#"{everyone}, {all}, "Condition": {{"Bool": {{"aws:SecureTransport": "false"}}}}"#), &[]),
        (
            "Allow",
            format!(r#""Principal": {{"user": [""], "group": []}}, {read}"#),
            &[(NeverApplies, "Statement[0].Principal")],
        ),
        ("Allow", format!(r#"{bob}, "Action": [], "Resource": "*""#), &[(NeverApplies, "Statement[0].Action")]),
        ("Allow", format!(r#"{bob}, "Action": "s3:*", "Resource": []"#), &[(NeverApplies, "Statement[0].Resource")]),
        (
            "Allow",
            format!(r#"{bob}, "Action": "s3:*", "Resource": "arn:aws:s3:::other/*""#),
            &[(NeverApplies, "Statement[0].Resource")],
        ),
        (
            "Allow",
            format!(r#"{bob}, "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::data/*""#),
            &[(NeverApplies, "Statement[0].Resource")],
        ),
        (
            "Allow",
            format!(r#"{bob}, "Action": "s3:GetObject", "Resource": "arn:aws:s3:::data""#),
            &[(NeverApplies, "Statement[0].Resource")],
        ),
        (
            "Allow",
            format!(r#"{bob}, "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "arn:aws:s3:::data/*""#),
            &[],
        ),
        (
            "Allow",
            format!(r#"{bob}, "Action": ["AppendObject", "GetObject"], "Resource": "/*""#),
            &[(IdleAction, "Statement[0].Action")],
        ),
        (
            "Allow",
            format!(r#"{bob}, {read}, "Condition": {{"StringEquals": {{"s3:prefix": "x"}}}}"#),
            &[(KeyOfListings, "Statement[0].Condition.StringEquals.s3:prefix")],
        ),
        (
            "Allow",
            format!(r#"{bob}, {read}, "Condition": {{"ForAllValues:StringEquals": {{"commonhold:Groups": "x"}}}}"#),
            &[(HoldsForAbsent, "Statement[0].Condition.ForAllValues:StringEquals.commonhold:Groups")],
        ),
    ] {
        let policy = policy(&format!(r#"{{"Effect": "{effect}", {elements}}}"#));
        let expected: Vec<_> = expected.iter().map(|(oddity, element)| (*oddity, (*element).to_owned())).collect();
        assert_eq!(oddities(&policy, None), expected, "{effect} {elements}");
    }
}

#[test]
fn an_allow_that_a_deny_takes_away_is_told() {
    let allow = r#"{"Effect": "Allow", "Principal": {"user": ["bob"]}, "Action": "GetObject", "Resource": "/pub/*"}"#;
    for (deny, expected) in [
        (r#""Principal": "*", "Action": "s3:Get*", "Resource": "*""#, true),
        (r#""Principal": {"user": ["bob"]}, "Action": "GetObject", "Resource": "/pub/*""#, true),
        (r#""Principal": {"user": ["eve"]}, "Action": "GetObject", "Resource": "/pub/*""#, false),
        (r#""Principal": "*", "Action": "s3:PutObject", "Resource": "*""#, false),
        (r#""Principal": "*", "Action": "s3:Get*", "Resource": "/priv/*""#, false),
    ] {
        let policy = policy(&format!(r#"{allow}, {{"Effect": "Deny", {deny}}}"#));
        let shadowed = oddities(&policy, None).contains(&(Oddity::Shadowed, "Statement[0]".to_owned()));
        assert_eq!(shadowed, expected, "{deny}");
    }
}

#[test]
fn names_that_nobody_has_are_told() {
    let policy = policy(
        r#"{"Effect": "Allow", "Action": "GetObject", "Resource": "*",
            "Principal": {"user": ["bob", "eve", "j.doe@x.org", "m@gone"], "group": ["qa", "ops"]}}"#,
    );
    let names = policy.names();
    let people: Vec<_> = names.people.iter().map(ToString::to_string).collect();
    assert_eq!(people, ["bob", "eve", "j.doe", "j.doe@x.org", "m", "m@gone"]);
    assert_eq!(names.groups, ["ops", "qa"]);
    let tenancies: Vec<_> = names.tenancies.iter().map(ToString::to_string).collect();
    assert_eq!(tenancies, ["gone", "x"]);
    // j.doe@x.org is a person's whole name, so nobody misses a j.doe of x; m is missed in both readings.
    let missing = Names {
        people: ["eve", "j.doe", "m", "m@gone"].map(user).to_vec(),
        groups: vec!["ops".to_owned()],
        tenancies: names.tenancies.iter().filter(|name| name.as_str() == "gone").cloned().collect(),
    };
    let found: Vec<_> = oddities(&policy, Some(&missing)).into_iter().map(|(oddity, _)| oddity).collect();
    use Oddity::{UnknownGroup, UnknownPerson, UnknownTenancy};
    assert_eq!(found, [UnknownPerson, UnknownPerson, UnknownTenancy, UnknownGroup]);
}

#[test]
fn variables_in_an_old_version_are_told() {
    let document = |version: &str| {
        format!(
            r#"{{"Version": "{version}", "Statement": [{{"Effect": "Allow", "Principal": {{"user": ["bob"]}},
                "Action": "GetObject", "Resource": "/${{aws:username}}/*"}}]}}"#
        )
    };
    for (version, expected) in [("2008-10-17", true), ("2012-10-17", false)] {
        let policy = Policy::parse(document(version).as_bytes()).unwrap();
        let literal = oddities(&policy, None).contains(&(Oddity::LiteralVariable, String::new()));
        assert_eq!(literal, expected, "{version}");
    }
}

#[test]
fn the_gravest_come_first() {
    let policy = policy(
        r#"{"Effect": "Allow", "Principal": {"user": ["bob"]}, "Action": ["AppendObject"], "Resource": "*"},
           {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*"},
           {"Effect": "Allow", "Principal": "*", "Action": "s3:PutObject", "Resource": "*"}"#,
    );
    let bucket = BucketName::new("data").unwrap();
    let found = lint(&policy, Known { bucket: Some(&bucket), owner: None, missing: None });
    let severities: Vec<_> = found.iter().map(|finding| finding.severity).collect();
    assert_eq!(severities, [Severity::Danger, Severity::Warning, Severity::Note]);
    assert!(found[0].to_string().starts_with("danger: Statement[2]: everyone"), "{}", found[0]);
}
