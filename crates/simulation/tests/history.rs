//! Concurrent conditional writes and reads from real threads: every key is linearizable.

use simulation::history::{Operation, Recording, check, record};

#[test]
fn conditional_writes_and_reads_are_linearizable() {
    for seed in 0..12 {
        let recording = Recording { seed, threads: 4, requests: 150, keys: 2, crash_at: None };
        let history = record(recording).unwrap();
        assert_eq!(history.len(), 600, "seed {seed}");
        check(&history).unwrap_or_else(|error| panic!("{recording:?}: {error}"));
    }
}

#[test]
fn what_was_acknowledged_before_a_crash_is_there_after_it() {
    let mut unanswered = 0;
    for seed in 0..12 {
        let recording = Recording { seed, threads: 4, requests: 60, keys: 3, crash_at: Some(40 + 23 * seed) };
        let history = record(recording).unwrap();
        unanswered += history.iter().filter(|event| event.returned.is_none()).count();
        check(&history).unwrap_or_else(|error| panic!("{recording:?}: {error}"));
    }
    assert!(unanswered > 0, "the power failed while something was asked");
}

#[test]
fn a_history_that_lost_a_write_is_rejected() {
    let recording = Recording { seed: 3, threads: 4, requests: 100, keys: 1, crash_at: None };
    let mut history = record(recording).unwrap();
    let read = history.iter_mut().rev().find_map(|event| match &mut event.operation {
        Operation::Get(found) => Some(found),
        _ => None,
    });
    *read.expect("something is read") = Some(u64::MAX - 1);
    assert!(check(&history).is_err());
}
