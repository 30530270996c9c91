//! Sets of actions, small enough to be asked in one instruction.

use std::fmt;

use crate::{Action, Existence};

/// A set of actions. PutObject counts twice: as writing a new key and as replacing an object, which Swarm tells apart.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ActionSet(u128);

const _: () = assert!(Action::ALL.len() < 127, "each action needs a bit, and PutObject a second one");

impl ActionSet {
    /// No action.
    pub const NONE: Self = Self(0);
    /// Every action.
    pub const ALL: Self = Self(Self::CREATE_OBJECT.0 | ((1 << Action::ALL.len()) - 1));
    /// PutObject on keys that are new.
    pub const CREATE_OBJECT: Self = Self(1 << 127);

    /// The set of one action, whole.
    pub const fn of(action: Action) -> Self {
        let bit = Self(1 << action as u32);
        if matches!(action, Action::PutObject) { bit.or(Self::CREATE_OBJECT) } else { bit }
    }

    /// The set of these.
    pub const fn from_slice(actions: &[Action]) -> Self {
        let (mut set, mut at) = (Self::NONE, 0);
        while at < actions.len() {
            set = set.or(Self::of(actions[at]));
            at += 1;
        }
        set
    }

    /// What is in either.
    #[must_use]
    pub const fn or(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// What is in both.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// What is not in it.
    #[must_use]
    pub const fn inverse(self) -> Self {
        Self(!self.0 & Self::ALL.0)
    }

    /// Whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether all of `other` is in it.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether it tells a new key from one that is there.
    pub(crate) const fn asks_for_existence(self) -> bool {
        let both = Self::of(Action::PutObject);
        let part = self.and(both);
        !part.is_empty() && !part.contains(both)
    }

    /// Whether `action` is surely in it, given what is known of the key.
    pub(crate) fn surely_has(self, action: Action, existence: Existence) -> bool {
        self.contains(Self::asked(action, existence))
    }

    /// Whether `action` may be in it, given what is known of the key.
    pub(crate) fn perhaps_has(self, action: Action, existence: Existence) -> bool {
        !self.and(Self::asked(action, existence)).is_empty()
    }

    fn asked(action: Action, existence: Existence) -> Self {
        match (action, existence) {
            (Action::PutObject, Existence::Absent) => Self::CREATE_OBJECT,
            (Action::PutObject, Existence::Present) => Self(1 << Action::PutObject as u32),
            (action, _) => Self::of(action),
        }
    }

    /// The actions of which at least a part is in it.
    pub fn iter(self) -> impl Iterator<Item = Action> {
        Action::ALL.iter().copied().filter(move |action| !self.and(Self::of(*action)).is_empty())
    }
}

impl fmt::Debug for ActionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.iter()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sets_hold_what_was_put_in() {
        for action in Action::ALL {
            let set = ActionSet::of(*action);
            assert!(set.iter().eq([*action]), "{action}");
            assert!(set.inverse().and(set).is_empty() && set.or(set.inverse()) == ActionSet::ALL);
            for existence in [Existence::Unknown, Existence::Absent, Existence::Present] {
                assert!(set.surely_has(*action, existence) && !set.inverse().perhaps_has(*action, existence));
            }
        }
        assert_eq!(ActionSet::ALL.iter().count(), Action::ALL.len());
        assert_eq!(ActionSet::ALL.inverse(), ActionSet::NONE);
    }

    #[test]
    fn a_new_key_is_told_from_an_old_one() {
        let create = ActionSet::CREATE_OBJECT;
        for (existence, surely, perhaps) in
            [(Existence::Absent, true, true), (Existence::Present, false, false), (Existence::Unknown, false, true)]
        {
            assert_eq!(create.surely_has(Action::PutObject, existence), surely, "{existence:?}");
            assert_eq!(create.perhaps_has(Action::PutObject, existence), perhaps, "{existence:?}");
        }
        assert!(create.asks_for_existence() && create.inverse().asks_for_existence());
        assert!(!ActionSet::ALL.asks_for_existence() && !ActionSet::NONE.asks_for_existence());
    }
}
