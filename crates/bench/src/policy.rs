//! What a decision costs under a policy of 20 KiB with 100 statements, held in memory as the store holds it: one thread,
//! no store, no network.

use std::fmt::Write;
use std::hint::black_box;
use std::net::IpAddr;
use std::time::Instant;

use policy::{Acl, Action, BucketFacts, Caller, Context, Facts, Policy, Principal, Resource, Role, decide};
use types::{BucketName, ObjectKey, TenancyName, UserName};

use crate::scale::Finding;
use crate::targets::Verdict;

/// How many statements the policy has.
const STATEMENTS: usize = 100;
/// The most that a decision may take.
const AT_MOST_MICROS: f64 = 20.0;
/// Decisions in a round: enough to take milliseconds.
const DECISIONS: u32 = 2_000;
/// Of so many rounds the median counts.
const ROUNDS: usize = 15;

/// Measures a decision that the last statement makes, one that no statement makes, and one without a policy.
///
/// # Panics
/// Where the policy that is made here is none.
pub fn measure() -> Vec<Finding> {
    let policy = Policy::parse(document().as_bytes()).expect("the document is a policy");
    let last = format!("home/{}/2026/07/field.nc", STATEMENTS - 1);
    let rows = [
        ("policy: allowed by the last of 100 statements", Some(&policy), last.as_str(), true),
        ("policy: allowed by none of 100 statements", Some(&policy), "elsewhere/2026/07/field.nc", false),
        ("policy: there is none", None, last.as_str(), false),
    ];
    rows.into_iter().map(|(name, policy, key, allowed)| row(name, policy, key, allowed)).collect()
}

/// 100 statements that differ in people, prefixes and addresses, none of which is cheap to rule out: all are about the
/// action that is asked for. Sids fill it up to the greatest size.
fn document() -> String {
    let mut statements = String::new();
    for number in 0..STATEMENTS {
        let _ = write!(
            statements,
            r#"{}{{"Sid":"","Effect":"{}","Principal":{},"Action":"s3:GetObject","Resource":"arn:aws:s3:::data/home/{number}/*","Condition":{{"IpAddress":{{"aws:SourceIp":"192.0.2.0/24"}}}}}}"#,
            if number == 0 { "" } else { "," },
            if number % 10 == 5 { "Deny" } else { "Allow" },
            if number % 2 == 0 { r#"{"user":["bob"]}"# } else { r#"{"group":["staff"]}"# },
        );
    }
    let document = format!(r#"{{"Version":"2012-10-17","Id":"","Statement":[{statements}]}}"#);
    let id = "x".repeat(Policy::MAX_BYTES.saturating_sub(document.len()));
    document.replacen(r#""Id":"""#, &format!(r#""Id":"{id}""#), 1)
}

fn row(name: &str, policy: Option<&Policy>, key: &str, allowed: bool) -> Finding {
    let name_of = |text: &str| UserName::new(text).expect("letters");
    let (bucket, owner) = (BucketName::new("data").expect("letters"), name_of("ann"));
    let (key, acl) = (ObjectKey::new(key).expect("a key"), Acl { grants: Vec::new() });
    let principal = Principal {
        caller: Caller::Person { name: name_of("bob"), key: None },
        role: Some(Role::User),
        groups: vec!["lab-o-members".to_owned(), "staff".to_owned()],
        ..Principal::anonymous(TenancyName::new("lab-o").expect("letters"))
    };
    let context = Context { source_ip: Some(IpAddr::from([192, 0, 2, 7])), ..Context::NOTHING };
    let bucket_facts = BucketFacts { policy, ..BucketFacts::new(&bucket, &owner, &acl) };
    let resource = Resource::Object { bucket: &bucket, key: &key, version: None };
    let facts = Facts { bucket: Some(bucket_facts), context: &context, ..Facts::about(resource) };
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..DECISIONS {
                let decision = decide(black_box(&principal), Action::GetObject, black_box(facts));
                assert_eq!(decision.is_allowed(), allowed, "{name}: {}", decision.reason);
            }
            start.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS)
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    let value = rounds[ROUNDS / 2];
    Finding {
        name: name.to_owned(),
        value,
        unit: "µs",
        at_most: AT_MOST_MICROS,
        verdict: if value <= AT_MOST_MICROS { Verdict::Met } else { Verdict::Missed },
        note: format!("{ROUNDS} rounds of {DECISIONS} decisions: {:.2} to {:.2} µs", rounds[0], rounds[ROUNDS - 1]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_policy_is_as_large_as_one_may_be() {
        let document = document();
        assert_eq!(document.len(), Policy::MAX_BYTES);
        assert!(Policy::parse(document.as_bytes()).is_ok());
        assert_eq!(document.matches("Effect").count(), STATEMENTS);
    }

    #[test]
    fn decisions_are_timed() {
        for finding in measure() {
            assert!(finding.value > 0.0, "{}", finding.name);
        }
    }
}
