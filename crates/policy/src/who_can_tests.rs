use crate::fixture::{Ask, member, policy, tenancy, user};
use crate::{Candidates, Role, Subject, who_can};

#[test]
fn everyone_gets_the_answer_that_deciding_gives() {
    let policy = policy(
        r#"{"Effect": "Allow", "Principal": {"group": ["qa"], "user": ["zoe"]}, "Action": "GetObject", "Resource": "*"},
           {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": "*",
            "Condition": {"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}},
           {"Effect": "Deny", "Principal": {"user": ["max"]}, "Action": "GetObject", "Resource": "*"}"#,
    );
    let mut tester = member("tim", Role::User);
    tester.groups.push("qa".to_owned());
    let people = [member("ann", Role::User), member("bob", Role::User), member("max", Role::Manager), tester];
    let groups = ["ops".to_owned()];
    let ask = Ask::parse("");
    let answers = ask.with(Some(&policy), |_, action, facts| {
        who_can(action, facts, Candidates { tenancy: &tenancy(), people: &people, groups: &groups })
    });
    let person = |name: &str| Subject::Person(user(name));
    let told: Vec<_> = answers
        .iter()
        .map(|answer| (answer.subject.clone(), answer.reason.allows(), answer.conditional.clone()))
        .collect();
    assert_eq!(
        told,
        [
            (Subject::Public, false, vec![1]),
            (Subject::LoggedIn, false, vec![1]),
            (Subject::Role(Role::User), false, vec![1]),
            (Subject::Role(Role::Deputy), true, vec![]),
            (Subject::Role(Role::Manager), true, vec![]),
            (Subject::Group("ops".to_owned()), false, vec![1]),
            (Subject::Group("qa".to_owned()), true, vec![]),
            (person("ann"), true, vec![]),
            (person("bob"), false, vec![1]),
            (person("max"), false, vec![]),
            (person("tim"), true, vec![]),
            (person("zoe"), true, vec![]),
        ]
    );
}

#[test]
fn a_deny_under_conditions_is_told() {
    let policy = policy(
        r#"{"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*",
            "Condition": {"Bool": {"aws:SecureTransport": "false"}}}"#,
    );
    let answers = Ask::parse("").with(Some(&policy), |_, action, facts| {
        who_can(action, facts, Candidates { tenancy: &tenancy(), people: &[], groups: &[] })
    });
    let owner = answers.iter().find(|answer| answer.subject == Subject::Person(user("ann"))).unwrap();
    // Nobody said which role ann holds: without one, she owns nothing here.
    assert!(!owner.reason.allows() && owner.conditional.is_empty());
    let manager = answers.iter().find(|answer| answer.subject == Subject::Role(Role::Manager)).unwrap();
    assert!(manager.reason.allows());
    assert_eq!(manager.conditional, [0]);
}
