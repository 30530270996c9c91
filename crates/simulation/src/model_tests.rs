use objects::Versioning;

use super::{Answer, Key, Name, Request, Stored};
use crate::content::Recipe;

fn write(seed: u64) -> Request {
    let stored = Stored { etag: ([seed as u8; 16], 0), recipe: Recipe::one(seed, 10) };
    Request::Write { stored, if_match: None, if_none_match: None }
}

fn written(versioning: Versioning, tags: &[u64]) -> Key {
    let mut key = Key::default();
    for tag in tags {
        key.ask(*tag, write(*tag), versioning);
        key.answered(*tag, Answer::Written).unwrap();
    }
    key
}

fn read(key: &mut Key, tag: u64, answer: Answer) -> Result<(), String> {
    key.ask(tag, Request::Read(None), Versioning::Unversioned);
    key.answered(tag, answer)
}

#[test]
fn the_last_of_two_writes_at_once_is_either_and_stays_so() {
    let mut key = Key::default();
    for tag in [1, 2] {
        key.ask(tag, write(tag), Versioning::Unversioned);
    }
    for tag in [1, 2] {
        key.answered(tag, Answer::Written).unwrap();
    }
    read(&mut key, 3, Answer::Found(1)).unwrap();
    assert!(read(&mut key, 4, Answer::Found(2)).is_err());
}

#[test]
fn acknowledged_writes_stay_and_deleted_ones_do_not_come_back() {
    assert!(read(&mut written(Versioning::Unversioned, &[1]), 2, Answer::Missing).is_err());
    let mut key = written(Versioning::Unversioned, &[1]);
    key.ask(2, Request::Delete, Versioning::Unversioned);
    key.answered(2, Answer::Deleted(false)).unwrap();
    key.reopened();
    assert!(read(&mut key, 3, Answer::Found(1)).is_err());
}

#[test]
fn an_unanswered_write_is_decided_once() {
    let mut key = written(Versioning::Unversioned, &[1]);
    key.ask(2, write(2), Versioning::Unversioned);
    key.unanswered(2);
    read(&mut key, 3, Answer::Found(1)).unwrap();
    read(&mut key, 4, Answer::Found(2)).unwrap();
    assert!(read(&mut key, 5, Answer::Found(1)).is_err());
}

#[test]
fn an_unanswered_write_may_be_seen_while_nothing_is_under_way() {
    let mut key = written(Versioning::Unversioned, &[1]);
    key.ask(2, write(2), Versioning::Unversioned);
    key.unanswered(2);
    key.observed(|versions| versions[0].tag == 2).unwrap();
    assert!(key.observed(|versions| versions[0].tag == 1).is_err());
}

#[test]
fn what_was_read_before_a_crash_is_there_after_it() {
    let mut key = Key::default();
    key.ask(1, write(1), Versioning::Unversioned);
    read(&mut key, 2, Answer::Found(1)).unwrap();
    key.reopened();
    assert!(read(&mut key, 3, Answer::Missing).is_err());
}

#[test]
fn versions_follow_the_buckets_state() {
    let mut key = written(Versioning::Unversioned, &[1]);
    for (tag, versioning) in [(2, Versioning::Enabled), (3, Versioning::Suspended), (4, Versioning::Enabled)] {
        key.ask(tag, write(tag), versioning);
        key.answered(tag, Answer::Written).unwrap();
    }
    let names = |key: &Key| key.some_versions().iter().map(|version| version.name).collect::<Vec<_>>();
    assert_eq!(names(&key), [Name::Of(4), Name::Null, Name::Of(2)]);
    key.ask(5, Request::Delete, Versioning::Enabled);
    key.answered(5, Answer::Deleted(true)).unwrap();
    read(&mut key, 6, Answer::Marker).unwrap();
    key.ask(7, Request::DeleteVersion(Name::Of(5)), Versioning::Enabled);
    key.answered(7, Answer::Deleted(true)).unwrap();
    read(&mut key, 8, Answer::Found(4)).unwrap();
}
