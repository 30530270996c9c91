//! Where a quota stands: since when which of its limits is reached.

use serde::{Deserialize, Serialize};
use types::Timestamp;

use super::limits::{Held, Limits, Quota};

/// What must have been freed of a limit before a quota that was reached is no longer: one part in this many. So somebody
/// who writes and deletes at the limit is told of it once.
const FREED_PART: u64 = 100;

/// Since when a limit is reached, and what was held at that moment.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaMark {
    /// Since when.
    pub since: Timestamp,
    /// What was held then; all there can be where the limits have changed since.
    pub held: Held,
}

/// Where a quota stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct QuotaMarks {
    /// The soft limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub soft: Option<QuotaMark>,
    /// The hard limit is reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hard: Option<QuotaMark>,
}

impl Quota {
    /// Where it stands when `held` is held. A limit is reached when that much is held, and the hard one also when it
    /// refused a write (`refused`); it no longer is when less is held and some of it was freed since.
    #[must_use]
    pub fn reviewed(&self, held: Held, refused: bool, now: Timestamp) -> QuotaMarks {
        let mark = |limits: Limits, mark: Option<QuotaMark>, refused: bool| {
            let reached = limits.reached_by(held) || (refused && !limits.is_none());
            match mark {
                None => reached.then_some(QuotaMark { since: now, held }),
                Some(mark) => (reached || !freed(limits, mark.held, held)).then_some(mark),
            }
        };
        QuotaMarks { soft: mark(self.soft, self.marks.soft, false), hard: mark(self.hard, self.marks.hard, refused) }
    }
}

/// Whether as much was freed as makes a reached limit one that no longer is.
fn freed(limits: Limits, then: Held, now: Held) -> bool {
    let enough = |limit: Option<u64>, then: u64, now: u64| {
        limit.is_some_and(|limit| then.saturating_sub(now) >= (limit / FREED_PART).max(1))
    };
    limits.is_none() || enough(limits.bytes, then.bytes, now.bytes) || enough(limits.objects, then.objects, now.objects)
}
