//! What a quota is: limits, and what follows when they are reached.

use std::fmt;

use policy::QuotaState;
use serde::{Deserialize, Serialize};
use types::{BucketName, Timestamp, UserName};

use super::marks::QuotaMarks;

/// What a quota is on.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaScope {
    /// Everything in the tenancy.
    Tenancy,
    /// What is in the bucket of this name.
    Bucket(BucketName),
    /// What this person wrote, in whichever bucket.
    Owner(UserName),
}

impl fmt::Display for QuotaScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tenancy => f.write_str("the tenancy"),
            Self::Bucket(bucket) => write!(f, "bucket {bucket}"),
            Self::Owner(user) => write!(f, "user {user}"),
        }
    }
}

/// How much there may be; without limit where absent.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Limits {
    /// Bytes of content, with older versions and the parts of uploads in progress.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<u64>,
    /// Objects, with older versions.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub objects: Option<u64>,
}

impl Limits {
    /// No limit at all.
    pub const NONE: Self = Self { bytes: None, objects: None };

    /// Whether nothing is limited.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }

    pub(super) fn reached_by(&self, held: Held) -> bool {
        self.bytes.is_some_and(|limit| held.bytes >= limit) || self.objects.is_some_and(|limit| held.objects >= limit)
    }
}

/// How much there is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Held {
    /// Bytes of content.
    pub bytes: u64,
    /// Objects.
    pub objects: u64,
}

/// Which of a quota's two limits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum QuotaLimit {
    /// The one that is only told of.
    Soft,
    /// The one that has an action.
    Hard,
}

/// Another action than a quota's own, until a moment.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct QuotaOverride {
    /// What follows meanwhile when the hard limit is reached.
    pub action: QuotaState,
    /// Until when.
    pub until: Timestamp,
    /// Why; may be empty.
    #[serde(default)]
    pub reason: String,
}

/// How much something may hold, and what follows when that is reached.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(from = "StoredQuota")]
pub struct Quota {
    /// The limit that is told of when it is reached.
    pub soft: Limits,
    /// The limit that has an action.
    pub hard: Limits,
    /// What follows when the hard limit is reached. Except at [`QuotaState::Notify`], nothing ever passes it.
    pub action: QuotaState,
    /// Another action, for a while.
    #[serde(rename = "override", skip_serializing_if = "Option::is_none")]
    pub overridden: Option<QuotaOverride>,
    /// Where it stands.
    pub marks: QuotaMarks,
}

impl Default for Quota {
    fn default() -> Self {
        Self {
            soft: Limits::NONE,
            hard: Limits::NONE,
            action: QuotaState::ReadAndDelete,
            overridden: None,
            marks: QuotaMarks::default(),
        }
    }
}

/// A quota as it may be stored: whole, or only the limit of bytes.
#[derive(Deserialize)]
#[serde(untagged)]
enum StoredQuota {
    Bytes(Option<u64>),
    Whole {
        #[serde(default)]
        soft: Limits,
        #[serde(default)]
        hard: Limits,
        action: QuotaState,
        #[serde(default, rename = "override")]
        overridden: Option<QuotaOverride>,
        #[serde(default)]
        marks: QuotaMarks,
    },
}

impl From<StoredQuota> for Quota {
    fn from(stored: StoredQuota) -> Self {
        match stored {
            StoredQuota::Bytes(bytes) => Self::of_bytes(bytes),
            StoredQuota::Whole { soft, hard, action, overridden, marks } => {
                Self { soft, hard, action, overridden, marks }
            }
        }
    }
}

impl Quota {
    /// A hard limit of bytes, or none.
    pub fn of_bytes(bytes: Option<u64>) -> Self {
        Self { hard: Limits { bytes, objects: None }, ..Self::default() }
    }

    /// Whether it limits nothing.
    pub fn is_unlimited(&self) -> bool {
        self.soft.is_none() && self.hard.is_none()
    }

    /// Whether it is as good as none: it limits nothing, and nobody waits to be told that a limit is no longer reached.
    pub fn is_over(&self) -> bool {
        self.is_unlimited() && self.marks == QuotaMarks::default()
    }

    /// Whether it matters to requests beyond what they add when its hard limit is reached.
    pub fn is_strict_at(&self, now: Timestamp) -> bool {
        self.action_at(now) > QuotaState::ReadAndDelete
    }

    /// What follows now when the hard limit is reached: the override's action while it lasts.
    pub fn action_at(&self, now: Timestamp) -> QuotaState {
        self.overridden.as_ref().filter(|overridden| overridden.until > now).map_or(self.action, |other| other.action)
    }

    /// What no write may pass now.
    pub fn bound_at(&self, now: Timestamp) -> Limits {
        if self.action_at(now) > QuotaState::Notify { self.hard } else { Limits::NONE }
    }

    /// What a request meets now, before it is looked at what it adds. While only additions are to be refused, each write is
    /// held against the limit when it is made, so that one that adds nothing is no trouble.
    pub(super) fn state_at(&self, now: Timestamp) -> QuotaState {
        match (self.marks.hard, self.action_at(now)) {
            (None, _) => QuotaState::Open,
            (Some(_), action @ (QuotaState::ReadOnly | QuotaState::Lockout)) => action,
            (Some(_), _) => QuotaState::Notify,
        }
    }

    /// The quota after a change.
    #[must_use]
    pub fn changed(&self, change: QuotaChange) -> Self {
        let mut quota = self.clone();
        let limits = [
            (&mut quota.soft.bytes, change.soft_bytes),
            (&mut quota.soft.objects, change.soft_objects),
            (&mut quota.hard.bytes, change.hard_bytes),
            (&mut quota.hard.objects, change.hard_objects),
        ];
        for (limit, new) in limits {
            *limit = new.unwrap_or(*limit);
        }
        quota.action = change.action.unwrap_or(quota.action);
        quota.overridden = change.overridden.unwrap_or(quota.overridden);
        if (quota.soft, quota.hard) != (self.soft, self.hard) {
            let held = Held { bytes: u64::MAX, objects: u64::MAX };
            for mark in [&mut quota.marks.soft, &mut quota.marks.hard].into_iter().flatten() {
                mark.held = held;
            }
        }
        quota
    }
}

/// What is to become of a quota; what is `None` stays as it is, and `Some(None)` takes it away.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct QuotaChange {
    /// The soft limit of bytes.
    pub soft_bytes: Option<Option<u64>>,
    /// The soft limit of objects.
    pub soft_objects: Option<Option<u64>>,
    /// The hard limit of bytes.
    pub hard_bytes: Option<Option<u64>>,
    /// The hard limit of objects.
    pub hard_objects: Option<Option<u64>>,
    /// What follows when the hard limit is reached.
    pub action: Option<QuotaState>,
    /// Another action, for a while.
    pub overridden: Option<Option<QuotaOverride>>,
}

impl QuotaChange {
    /// Takes away every limit and the override, and gives the action back its first value.
    pub fn cleared() -> Self {
        Self {
            soft_bytes: Some(None),
            soft_objects: Some(None),
            hard_bytes: Some(None),
            hard_objects: Some(None),
            action: Some(Quota::default().action),
            overridden: Some(None),
        }
    }

    /// Sets the hard limit of bytes.
    pub fn of_bytes(bytes: Option<u64>) -> Self {
        Self { hard_bytes: Some(bytes), ..Self::default() }
    }
}
