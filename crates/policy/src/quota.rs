//! What a quota that is reached lets through.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::{Action, Role};

/// Where a quota stands, mild to strict: of several, the greatest counts.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum QuotaState {
    /// Below the limit, or there is none.
    #[default]
    Open,
    /// Over the limit, and told so; nothing is blocked.
    Notify,
    /// Nothing may be added. Reads, every kind of delete, the abort of uploads, and everything about policies, ACLs,
    /// tags and configuration go on.
    ReadAndDelete,
    /// Nothing may be added, changed or deleted. Reads go on, and so do policies, ACLs and configuration.
    ReadOnly,
    /// Nothing, but that managers and deputies read configuration and lists of buckets.
    Lockout,
}

impl QuotaState {
    const ALL: [Self; 5] = [Self::Open, Self::Notify, Self::ReadAndDelete, Self::ReadOnly, Self::Lockout];

    /// `open`, `notify`, `read-and-delete`, `read-only` or `lockout`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Notify => "notify",
            Self::ReadAndDelete => "read-and-delete",
            Self::ReadOnly => "read-only",
            Self::Lockout => "lockout",
        }
    }

    /// Whether it keeps somebody with this role from doing `action`.
    pub const fn blocks(self, action: Action, role: Option<Role>) -> bool {
        match self {
            Self::Open | Self::Notify => false,
            Self::ReadAndDelete => action.adds_data(),
            Self::ReadOnly => action.changes_data(),
            Self::Lockout => {
                let manages = matches!(role, Some(Role::Manager | Role::Deputy));
                !(manages && action.is_read() && !action.reads_data())
            }
        }
    }
}

impl fmt::Display for QuotaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for QuotaState {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|state| state.name() == text).ok_or_else(|| {
            format!("{text:?} is no state of a quota: it is notify, read-and-delete, read-only or lockout")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each action with the states in which it still works, as the letters of `notify`, `read-and-delete`, `read-only`
    /// and `lockout` (for a manager).
    #[test]
    fn what_each_state_lets_through() {
        for (action, expected) in [
            (Action::PutObject, "n"),
            (Action::RestoreObject, "n"),
            (Action::CreateBucket, "nd"),
            (Action::DeleteObject, "nd"),
            (Action::DeleteObjectVersion, "nd"),
            (Action::AbortMultipartUpload, "nd"),
            (Action::DeleteBucket, "nd"),
            (Action::PutObjectTagging, "nd"),
            (Action::DeleteObjectTagging, "nd"),
            (Action::PutObjectRetention, "nd"),
            (Action::PutObjectAcl, "ndr"),
            (Action::PutBucketAcl, "ndr"),
            (Action::PutBucketPolicy, "ndr"),
            (Action::DeleteBucketPolicy, "ndr"),
            (Action::PutLifecycleConfiguration, "ndr"),
            (Action::GetObject, "ndr"),
            (Action::GetObjectVersion, "ndr"),
            (Action::ListBucket, "ndr"),
            (Action::ListMultipartUploadParts, "ndr"),
            (Action::GetBucketPolicy, "ndrl"),
            (Action::GetBucketAcl, "ndrl"),
            (Action::ListAllMyBuckets, "ndrl"),
        ] {
            let states = [
                ('n', QuotaState::Notify),
                ('d', QuotaState::ReadAndDelete),
                ('r', QuotaState::ReadOnly),
                ('l', QuotaState::Lockout),
            ];
            let open = states.into_iter().filter(|(_, state)| !state.blocks(action, Some(Role::Manager)));
            assert_eq!(open.map(|(letter, _)| letter).collect::<String>(), expected, "{action}");
        }
    }

    #[test]
    fn stricter_states_block_all_that_milder_ones_do() {
        for action in Action::ALL {
            for role in [None, Some(Role::User), Some(Role::Manager)] {
                for pair in QuotaState::ALL.windows(2) {
                    assert!(!pair[0].blocks(*action, role) || pair[1].blocks(*action, role), "{action} {pair:?}");
                }
            }
            assert!(QuotaState::Lockout.blocks(*action, Some(Role::User)), "{action}");
        }
    }

    #[test]
    fn names_are_read_back() {
        for state in QuotaState::ALL {
            assert_eq!(state.name().parse(), Ok(state));
        }
        assert!("full".parse::<QuotaState>().is_err());
    }
}
