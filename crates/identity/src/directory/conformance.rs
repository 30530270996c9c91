//! The suite that every directory passes.
//!
//! It says what has to be in the directory ([`PEOPLE`] and [`GROUPS`]); whoever runs it puts that in, in the
//! directory's own way. The first question that is answered wrongly panics, with the question.

use types::UserName;

use super::Directory;
use crate::user::UserStatus;

/// Someone who has to be in the directory.
#[derive(Clone, Copy, Debug)]
pub struct ConformancePerson {
    /// Their login name.
    pub name: &'static str,
    /// Their name in full, for a directory that keeps it.
    pub full_name: &'static str,
    /// Their e-mail address.
    pub email: Option<&'static str>,
    /// Their password.
    pub password: &'static str,
    /// Whether they are disabled.
    pub status: UserStatus,
}

/// Everyone who has to be in the directory, in the order of names. Nobody else may be.
pub const PEOPLE: [ConformancePerson; 4] = [
    person("ann", "Ann Other", Some("Ann.Other@example.org"), "correct horse", UserStatus::Active),
    person("anna.b", "Anna Bell", Some("bell@example.org"), "pass (word) *\\ é", UserStatus::Active),
    person("bob", "Bob Dunn", None, "battery staple", UserStatus::Active),
    person("eve", "Eve Gone", Some("eve@example.org"), "let me in again", UserStatus::Disabled),
];

/// The groups that have to be in a directory which has groups, with their members.
pub const GROUPS: [(&str, &[&str]); 3] =
    [("atmos-readers", &["ann", "bob"]), ("atmos-writers", &["ann"]), ("ocean", &["eve"])];

/// Texts that are nobody's name and that a careless directory would take for a pattern.
const STRANGE: [&str; 8] = ["*", "a*", ")(uid=*", "ann)(cn=*", "\\2a", "ann\0", "(|(uid=*))", "é*"];

const fn person(
    name: &'static str,
    full_name: &'static str,
    email: Option<&'static str>,
    password: &'static str,
    status: UserStatus,
) -> ConformancePerson {
    ConformancePerson { name, full_name, email, password, status }
}

/// Whether a directory has groups of its own.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum HasGroups {
    /// It has those of [`GROUPS`].
    Yes,
    /// It has none.
    No,
}

/// Runs all of it.
///
/// # Panics
/// At the first wrong answer.
pub async fn run(directory: &dyn Directory, has_groups: HasGroups) {
    finds_people(directory).await;
    verifies_passwords(directory).await;
    searches_people(directory).await;
    if has_groups == HasGroups::Yes {
        tells_groups(directory).await;
    }
    takes_nothing_for_a_pattern(directory).await;
    let steps = directory.check(Some(&name("ann"))).await;
    assert!(!steps.is_empty() && steps.iter().all(|step| step.works), "the check of a directory that works: {steps:?}");
}

async fn finds_people(directory: &dyn Directory) {
    for expected in &PEOPLE {
        let found = directory.find(&name(expected.name)).await.expect("asked");
        let found = found.unwrap_or_else(|| panic!("find {}", expected.name));
        assert_eq!(found.name.as_str(), expected.name);
        assert_eq!(found.email.as_deref(), expected.email, "the address of {}", expected.name);
        assert_eq!(found.status, expected.status, "the status of {}", expected.name);
    }
    for absent in ["an", "annn", "nobody", "Ann", "ANNA.B"] {
        assert_eq!(directory.find(&name(absent)).await.expect("asked"), None, "find {absent}");
    }
    for (email, expected) in
        [("ann.other@example.org", &["ann"][..]), ("BELL@EXAMPLE.ORG", &["anna.b"]), ("bell@example", &[]), ("", &[])]
    {
        let found = directory.find_by_email(email).await.expect("asked");
        assert_eq!(names(&found), expected, "find by the address {email:?}");
    }
}

async fn verifies_passwords(directory: &dyn Directory) {
    for person in &PEOPLE {
        let right = directory.verify_password(&name(person.name), person.password).await.expect("asked");
        let expected = (person.status == UserStatus::Active).then_some(person.name);
        assert_eq!(right.as_ref().map(|user| user.name.as_str()), expected, "the password of {}", person.name);
        for wrong in ["", " ", "wrong password", &person.password[..5], &person.password.to_uppercase()] {
            let answer = directory.verify_password(&name(person.name), wrong).await.expect("asked");
            assert_eq!(answer, None, "{wrong:?} is no password of {}", person.name);
        }
    }
    for password in ["", "correct horse"] {
        assert_eq!(directory.verify_password(&name("nobody"), password).await.expect("asked"), None);
    }
}

async fn searches_people(directory: &dyn Directory) {
    for (prefix, limit, expected) in [
        ("ann", 10, &["ann", "anna.b"][..]),
        ("ANN", 10, &["ann", "anna.b"]),
        ("ann", 1, &["ann"]),
        ("anna.", 10, &["anna.b"]),
        ("bell@", 10, &["anna.b"]),
        ("nn", 10, &[]),
        ("e", 10, &["eve"]),
    ] {
        let found = directory.search_people(prefix, limit).await.expect("asked");
        assert_eq!(names(&found), expected, "people with {prefix:?}, at most {limit}");
    }
    let all: Vec<&str> = PEOPLE.iter().map(|person| person.name).collect();
    assert_eq!(names(&directory.search_people("", 100).await.expect("asked")), all, "an empty prefix finds anybody");
    assert_eq!(names(&directory.list(100).await.expect("asked")), all, "the list");
    assert_eq!(directory.list(2).await.expect("asked").len(), 2, "at most 2 of the list");
}

async fn tells_groups(directory: &dyn Directory) {
    for person in PEOPLE.iter().map(|person| person.name).chain(["nobody"]) {
        let of_person = GROUPS.iter().filter(|(_, members)| members.contains(&person));
        let expected: Vec<&str> = of_person.map(|(group, _)| *group).collect();
        let found = directory.groups(&name(person)).await.expect("asked");
        assert_eq!(found, expected, "the groups of {person}");
    }
    for (prefix, limit, expected) in [
        ("atmos", 10, &["atmos-readers", "atmos-writers"][..]),
        ("ATMOS-w", 10, &["atmos-writers"]),
        ("mos", 10, &[]),
        ("", 10, &["atmos-readers", "atmos-writers", "ocean"]),
    ] {
        let found = directory.search_groups(prefix, limit).await.expect("asked");
        assert_eq!(found, expected, "groups with {prefix:?}, at most {limit}");
    }
    assert_eq!(directory.search_groups("", 2).await.expect("asked").len(), 2, "at most 2 groups");
}

async fn takes_nothing_for_a_pattern(directory: &dyn Directory) {
    for strange in STRANGE {
        assert_eq!(directory.search_people(strange, 10).await.expect("asked"), [], "people with {strange:?}");
        assert_eq!(directory.find_by_email(strange).await.expect("asked"), [], "the address {strange:?}");
        assert!(directory.search_groups(strange, 10).await.expect("asked").is_empty(), "groups with {strange:?}");
        for person in ["ann", "nobody"] {
            let answer = directory.verify_password(&name(person), strange).await.expect("asked");
            assert_eq!(answer, None, "{strange:?} is no password of {person}");
        }
    }
}

fn name(text: &str) -> UserName {
    UserName::new(text).expect("the suite's names are names")
}

fn names(users: &[crate::User]) -> Vec<&str> {
    users.iter().map(|user| user.name.as_str()).collect()
}
