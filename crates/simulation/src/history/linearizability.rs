//! The search for an order: Wing and Gong's, with the states that were met remembered (Lowe's addition).
//!
//! A request may be the next in the order if it was called before every open request returned. Two orders of the same
//! requests that lead to the same value have the same future, so each such pair is gone into once.

use std::collections::HashSet;

use super::{Condition, Event, Operation, Outcome, Value};

/// The requests in an order so far, and the value that they leave.
#[derive(Clone, PartialEq, Eq, Hash)]
struct Reached {
    done: Vec<u64>,
    value: Option<Value>,
}

impl Reached {
    fn has(&self, at: usize) -> bool {
        self.done[at / 64] >> (at % 64) & 1 == 1
    }

    fn with(&self, at: usize, value: Option<Value>) -> Self {
        let mut done = self.done.clone();
        done[at / 64] |= 1 << (at % 64);
        Self { done, value }
    }
}

/// Looks for an order of the requests of one key. Answers, where there is none, how many fit at most.
pub(super) fn search(events: &[Event]) -> Result<(), usize> {
    let mut events: Vec<Event> = events.to_vec();
    events.sort_by_key(|event| event.called);
    let start = Reached { done: vec![0; events.len().div_ceil(64)], value: None };
    let mut met = HashSet::from([start.clone()]);
    let mut open = vec![start];
    let mut fitting = 0;
    while let Some(reached) = open.pop() {
        let rest = || events.iter().enumerate().filter(|(at, _)| !reached.has(*at));
        let Some(first_return) = rest().filter_map(|(_, event)| event.returned).min() else { return Ok(()) };
        fitting = fitting.max(events.len() - rest().count());
        for (at, event) in rest().take_while(|(_, event)| event.called < first_return) {
            if let Some(value) = after(reached.value, event) {
                let next = reached.with(at, value);
                if met.insert(next.clone()) {
                    open.push(next);
                }
            }
        }
    }
    Err(fitting)
}

/// The value after a request that finds `value`; `None` where it would have been told something else.
#[expect(clippy::option_option, reason = "the outer says whether it fits, the inner what is there")]
fn after(value: Option<Value>, event: &Event) -> Option<Option<Value>> {
    match event.operation {
        Operation::Get(found) => (found == value || event.returned.is_none()).then_some(value),
        Operation::Delete => Some(None),
        Operation::Put { value: new, condition, outcome } => {
            let holds = match condition {
                Condition::Always => true,
                Condition::Absent => value.is_none(),
                Condition::Holds(expected) => value == Some(expected),
            };
            let told = if holds { Outcome::Done } else { Outcome::Refused };
            let after = if holds { Some(new) } else { value };
            (told == outcome || event.returned.is_none()).then_some(after)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::search;
    use crate::history::{Condition, Event, Operation, Outcome};

    fn event(called: u64, returned: u64, operation: Operation) -> Event {
        Event { key: 0, called, returned: Some(returned).filter(|at| *at > 0), operation }
    }

    fn put(called: u64, returned: u64, value: u64, condition: Condition, outcome: Outcome) -> Event {
        event(called, returned, Operation::Put { value, condition, outcome })
    }

    fn write(called: u64, returned: u64, value: u64) -> Event {
        put(called, returned, value, Condition::Always, Outcome::Done)
    }

    fn get(called: u64, returned: u64, found: Option<u64>) -> Event {
        event(called, returned, Operation::Get(found))
    }

    #[test]
    fn good_histories_have_an_order_and_bad_ones_have_none() {
        use Condition::{Absent, Holds};
        use Outcome::{Done, Refused};
        let delete = |called, returned| event(called, returned, Operation::Delete);
        let cases: [(&str, &[Event], bool); 14] = [
            ("nothing", &[], true),
            ("what was written is read", &[write(1, 2, 7), get(3, 4, Some(7))], true),
            ("a stale read", &[write(1, 2, 7), write(3, 4, 8), get(5, 6, Some(7))], false),
            ("a read beside a write finds either", &[write(1, 4, 7), get(2, 3, None)], true),
            ("and then not the older again", &[write(1, 9, 7), get(2, 3, Some(7)), get(4, 5, None)], false),
            ("a lost write", &[write(1, 2, 7), get(3, 4, None)], false),
            ("a deleted object that comes back", &[write(1, 2, 7), delete(3, 4), get(5, 6, Some(7))], false),
            ("two that were first", &[put(1, 4, 7, Absent, Done), put(2, 3, 8, Absent, Done)], false),
            ("one that was first", &[put(1, 4, 7, Absent, Done), put(2, 3, 8, Absent, Refused)], true),
            ("refused for nothing", &[write(1, 2, 7), put(3, 4, 8, Holds(7), Refused)], false),
            (
                "one value, two successors",
                &[write(1, 2, 7), put(3, 6, 8, Holds(7), Done), put(4, 5, 9, Holds(7), Done)],
                false,
            ),
            ("an unanswered write may be done late", &[write(1, 0, 7), get(2, 3, None), get(4, 5, Some(7))], true),
            ("an unanswered write may never be done", &[write(1, 0, 7), get(2, 3, None)], true),
            (
                "an unanswered write is not done and undone",
                &[write(1, 0, 7), get(2, 3, Some(7)), get(4, 5, None)],
                false,
            ),
        ];
        for (name, events, expected) in cases {
            assert_eq!(search(events).is_ok(), expected, "{name}");
        }
    }

    #[test]
    fn many_requests_at_once_are_searched_in_time() {
        let mut events: Vec<Event> = (0..12).map(|value| write(value, 100 + value, value)).collect();
        events.extend((0..100).map(|at| get(200 + 2 * at, 201 + 2 * at, Some(11))));
        assert!(search(&events).is_ok());
        events.push(get(500, 501, Some(3)));
        assert_eq!(search(&events), Err(112));
    }
}
