//! What the fuzzer calls: reading a policy and asking it must neither panic nor hang, whatever the document is. A short
//! run is among the tests; `/fuzz` wraps the same function for `cargo fuzz`.

use types::{BucketName, ObjectKey, TenancyName, UserName};

use crate::{
    Acl, Action, BucketFacts, Caller, Candidates, Context, Facts, Known, Policy, Principal, Resource, Role, decide,
    explain, lint, who_can,
};

/// Reads a policy and asks it everything; what [`explain`] says is what [`decide`] does.
///
/// # Panics
/// Where that is not so.
pub fn fuzz_policy(data: &[u8]) {
    let _ = Policy::parse_for_session(data);
    let Ok(policy) = Policy::parse(data) else { return };
    assert_eq!(policy.document().as_bytes(), data);
    let name = |text: &str| UserName::new(text).expect("letters");
    let tenancy = TenancyName::new("lab-o").expect("letters");
    let (bucket, key) = (BucketName::new("data").expect("letters"), ObjectKey::new("a/b").expect("a key"));
    let (owner, acl) = (name("ann"), Acl { grants: Vec::new() });
    let bob = Principal {
        caller: Caller::Person { name: name("bob"), key: None },
        role: Some(Role::User),
        groups: vec!["lab-o-members".to_owned()],
        ..Principal::anonymous(tenancy.clone())
    };
    let context = Context { source_ip: Some([192, 0, 2, 7].into()), secure_transport: Some(true), ..Context::NOTHING };
    let facts = BucketFacts { policy: Some(&policy), ..BucketFacts::new(&bucket, &owner, &acl) };
    for principal in [&bob, &Principal::anonymous(tenancy.clone())] {
        for resource in [Resource::Bucket(&bucket), Resource::Object { bucket: &bucket, key: &key, version: None }] {
            let facts = Facts { bucket: Some(facts), context: &context, ..Facts::about(resource) };
            for action in [Action::GetObject, Action::PutObject, Action::ListBucket, Action::PutBucketPolicy] {
                let decision = decide(principal, action, facts);
                assert_eq!(explain(principal, action, facts).allowed, decision.is_allowed());
                let candidates = Candidates { tenancy: &tenancy, people: std::slice::from_ref(&bob), groups: &[] };
                assert!(!who_can(action, facts, candidates).is_empty());
            }
        }
    }
    let names = policy.names();
    let known = Known { bucket: Some(&bucket), owner: Some((&tenancy, &owner)), missing: Some(&names) };
    let _ = (lint(&policy, known), policy.check_resources(&bucket), policy.is_public(), policy.asks_for_existence());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Documents that reach deep, for the run below to damage.
    const SEEDS: &[&str] = &[
        r#"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::lab-o:user/bob"]},
           "Action":["s3:Get*","s3:PutObject"],"Resource":["arn:aws:s3:::data/${aws:username,'x'}/*"],
           "Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"},"Bool":{"aws:SecureTransport":true}}}]}"#,
        r#"{"Version":"2008-10-17","Id":"x","Statement":[{"Effect":"Deny","NotPrincipal":{"user":["a@b","*+c"],"group":["g@"]},
           "NotAction":["GetObject","CreateObject"],"NotResource":"/*","Condition":{"StringLike":{"Referer":["*example.com"]}}}]}"#,
        r#"{"Statement":{"Effect":"Allow","Principal":{"anonymous":["*"],"CanonicalUser":"bob"},"Action":"*","Resource":"*",
           "Condition":{"ForAllValues:StringNotLike":{"commonhold:Groups":["a?*"]},"Null":{"s3:prefix":"true"},
           "DateGreaterThan":{"aws:CurrentTime":"2026-07-01"},"NumericLessThan":{"s3:max-keys":10},
           "ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:user/*"},"BinaryEquals":{"aws:UserAgent":"AAAA"}}}}"#,
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn nothing_panics(
            seed in prop::sample::select(SEEDS),
            edits in prop::collection::vec((any::<usize>(), any::<u8>(), 0..3_u8), 0..4),
            noise in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut input = seed.as_bytes().to_vec();
            for (at, byte, edit) in edits {
                let at = at % input.len().max(1);
                match edit {
                    0 if !input.is_empty() => input[at] = byte,
                    1 => input.insert(at, byte),
                    _ => input.truncate(at),
                }
            }
            fuzz_policy(&input);
            fuzz_policy(&noise);
        }
    }

    #[test]
    fn the_seeds_are_policies() {
        for seed in SEEDS {
            assert!(Policy::parse(seed.as_bytes()).is_ok(), "{:?}", Policy::parse(seed.as_bytes()));
            fuzz_policy(seed.as_bytes());
        }
    }
}
