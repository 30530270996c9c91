//! How often one person may ask the directory by way of a page.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use types::{Timestamp, UserName};

/// The most questions of one person in [`WINDOW_SECONDS`]: more than anybody types.
const QUESTIONS: u32 = 120;
/// From the first question on, how long it counts.
const WINDOW_SECONDS: u64 = 60;
/// How many people are watched. Where there are more, those of earlier windows are forgotten, and then all.
const WATCHED: usize = 10_000;

/// The questions of the last minute, in bounded memory. Clones are of one.
#[derive(Clone, Debug, Default)]
pub(crate) struct Questions(Arc<Mutex<HashMap<UserName, (Timestamp, u32)>>>);

impl Questions {
    /// Counts one more question; `false` where the person asked too often.
    pub(crate) fn take(&self, user: &UserName, now: Timestamp) -> bool {
        let mut watched = self.0.lock();
        let counts = |since: Timestamp| since <= now && now < since.plus_secs(WINDOW_SECONDS);
        if watched.len() >= WATCHED && !watched.contains_key(user) {
            watched.retain(|_, (since, _)| counts(*since));
            if watched.len() >= WATCHED {
                watched.clear();
            }
        }
        let (since, questions) = watched.entry(user.clone()).or_insert((now, 0));
        if !counts(*since) {
            (*since, *questions) = (now, 0);
        }
        *questions = questions.saturating_add(1);
        *questions <= QUESTIONS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_too_often_waits_and_others_do_not() {
        let (questions, now) = (Questions::default(), Timestamp::from_secs(1_000));
        let user = |name: &str| UserName::new(name).expect("a name");
        for _ in 0..QUESTIONS {
            assert!(questions.take(&user("ann"), now));
        }
        assert!(!questions.take(&user("ann"), now.plus_secs(WINDOW_SECONDS - 1)));
        assert!(questions.take(&user("bob"), now), "others are not kept out");
        assert!(questions.take(&user("ann"), now.plus_secs(WINDOW_SECONDS)));
        for n in 0..2 * WATCHED {
            questions.take(&user(&format!("user{n}")), now);
        }
        assert!(questions.0.lock().len() <= WATCHED);
    }
}
