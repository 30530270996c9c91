//! What time does to grants and tenancies: warnings before the end, and word of it.
//!
//! Each is told once: what was told is written into the record in the batch that holds the event.

use serde::{Deserialize, Serialize};
use storage::Batch;
use types::{TenancyName, Timestamp, UserName};

use super::membership::{self, Membership};
use super::{RoleGrant, strongest};
use crate::control::{Control, Stale, put};
use crate::{Event, Identity, IdentityError, keyspace, tenancy};

const DAY_SECS: u64 = 24 * 3600;
/// How many days before the end of a grant or a tenancy a warning is given. The last one is the final one.
pub const WARNING_DAYS: [u16; 4] = [60, 14, 7, 1];
/// For how long before its end a grant is [`super::GrantState::Expiring`].
pub const EXPIRING_SECS: u64 = 60 * DAY_SECS;
/// An end that is longer ago is not told any more.
const OLD_NEWS_SECS: u64 = 30 * DAY_SECS;
/// How long a membership is remembered whose last grant has ended.
const MEMBERSHIP_KEPT_SECS: u64 = 5 * 366 * DAY_SECS;

/// What was told of an end that comes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub(crate) struct Told {
    /// The last of [`WARNING_DAYS`] that was told or passed over.
    warned_days: Option<u16>,
    /// Whether the end itself was.
    #[serde(default)]
    ended: bool,
}

/// What is to be told of an end.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Word {
    Warning { is_final: bool },
    Ended,
}

impl Told {
    /// Of a fresh grant: warnings that would come before it was given, or with it, are passed over.
    pub(super) fn at_grant(grant: &RoleGrant) -> Self {
        Self { warned_days: grant.expires.and_then(|expires| due(expires, grant.granted)), ended: false }
    }

    /// What is to be told at `now` of an end at `expires`, which counts as told from then on.
    pub(crate) fn next(&mut self, expires: Timestamp, now: Timestamp) -> Option<Word> {
        if expires <= now {
            let is_news = !self.ended && now < expires.plus_secs(OLD_NEWS_SECS);
            self.ended = true;
            return is_news.then_some(Word::Ended);
        }
        let due = due(expires, now)?;
        if self.warned_days.is_some_and(|told| told <= due) {
            return None;
        }
        self.warned_days = Some(due);
        Some(Word::Warning { is_final: WARNING_DAYS.last() == Some(&due) })
    }
}

/// The tightest of [`WARNING_DAYS`] that `now` is in, before `expires`.
fn due(expires: Timestamp, now: Timestamp) -> Option<u16> {
    let is_in = |days: &&u16| expires <= now.plus_secs(u64::from(**days) * DAY_SECS);
    WARNING_DAYS.iter().rev().find(is_in).copied()
}

/// What came of a run of [`Identity::tend_roles`].
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Tended {
    /// How many warnings and ends were told.
    pub told: u64,
    /// How many memberships were forgotten that ended years ago.
    pub forgotten: u64,
}

impl Identity {
    /// Tells of the grants and tenancies that end soon or have ended, each once, and forgets memberships that ended years
    /// ago. May be cut off at any point; the next run goes on.
    ///
    /// # Errors
    /// Those of the store.
    pub async fn tend_roles(&self) -> Result<Tended, IdentityError> {
        let mut tended = Tended::default();
        for tenancy in self.tenancies() {
            tended.told += self.tend_tenancy(&tenancy.name).await?;
            let memberships = self.control.list::<Membership>(&keyspace::roles(&tenancy.name), usize::MAX).await?;
            for mut membership in memberships {
                let now = self.control.clock.now();
                if is_old(&membership, now) {
                    tended.forgotten += self.tend_membership(&tenancy.name, &membership.user).await?.forgotten;
                } else if !words(&mut membership, now).is_empty() {
                    tended.told += self.tend_membership(&tenancy.name, &membership.user).await?.told;
                }
            }
        }
        Ok(tended)
    }

    async fn tend_tenancy(&self, name: &TenancyName) -> Result<u64, IdentityError> {
        let due = self.tenancy(name).and_then(|tenancy| tenancy.ends);
        if due.is_none_or(|ends| self.control.clock.now().plus_secs(EXPIRING_SECS) < ends) {
            return Ok(0);
        }
        let name = name.clone();
        self.change(move |control| async move { tenancy::tell_of_end(&control, &name).await }).await
    }

    async fn tend_membership(&self, tenancy: &TenancyName, user: &UserName) -> Result<Tended, IdentityError> {
        let (tenancy, user) = (tenancy.clone(), user.clone());
        self.change(move |control| async move { tend(&control, &tenancy, &user).await }).await
    }
}

/// Looks at one membership, as it is now.
async fn tend(control: &Control, tenancy: &TenancyName, user: &UserName) -> Result<Tended, IdentityError> {
    let Some(found) = membership::read(control, tenancy, user).await? else { return Ok(Tended::default()) };
    let (group, key) = (keyspace::tenancy(tenancy), keyspace::role(tenancy, user));
    let (now, mut membership) = (control.clock.now(), found.value.clone());
    let expect = vec![found.unchanged(key.clone())];
    if is_old(&membership, now) {
        let batch = Batch { expect, delete: vec![key], ..Batch::default() };
        control.commit(&group, batch, Stale::User(user)).await?;
        return Ok(Tended { forgotten: 1, told: 0 });
    }
    let words = words(&mut membership, now);
    // Of what is not in effect anyway, nothing is told.
    let is_silent = control.suspension(user).is_some() || control.tenancy_ends(tenancy).is_some_and(|ends| ends <= now);
    let told: Vec<_> = words.into_iter().filter(|_| !is_silent).flatten().collect();
    let count = told.len() as u64;
    let events: Vec<_> = told.into_iter().filter_map(|event| control.event(&group, event)).collect();
    let put = std::iter::once(put(key, &membership)).chain(events).collect();
    control.commit(&group, Batch { expect, put, ..Batch::default() }, Stale::User(user)).await?;
    Ok(Tended { told: count, forgotten: 0 })
}

/// What there is to tell of the grants, which count as told afterwards; an entry without an event where a record changes all
/// the same.
fn words(membership: &mut Membership, now: Timestamp) -> Vec<Option<Event>> {
    let mut words = Vec::new();
    for record in membership.standing_records() {
        let Some(expires) = record.grant.expires else { continue };
        let before = record.told;
        let word = record.told.next(expires, now);
        if record.told != before {
            words.push(word.map(|word| event(&record.grant, expires, word)));
        }
    }
    words
}

fn event(grant: &RoleGrant, expires: Timestamp, word: Word) -> Event {
    let RoleGrant { tenancy, user, role, .. } = grant.clone();
    match word {
        Word::Warning { is_final } => Event::GrantExpiring { tenancy, user, role, expires, is_final },
        Word::Ended => Event::GrantExpired { tenancy, user, role, expires },
    }
}

/// Whether the last grant ended years ago.
fn is_old(membership: &Membership, now: Timestamp) -> bool {
    let ended = |grant: &RoleGrant| match (&grant.end, grant.expires) {
        (Some(super::GrantEnd::Revoked { at, .. } | super::GrantEnd::Replaced { at }), _) => Some(*at),
        (None, expires) => expires,
    };
    membership.grants().all(|grant| ended(grant).is_some_and(|at| at.plus_secs(MEMBERSHIP_KEPT_SECS) <= now))
        && strongest(membership.standing(), None, now).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn days(days: u64) -> Timestamp {
        Timestamp::from_secs(1_800_000_000 + days * DAY_SECS)
    }

    /// Days on which a job runs, and what it tells of an end on day 100.
    #[test]
    fn each_warning_is_told_once_and_the_tightest_where_several_are_due() {
        const WARNING: Option<Word> = Some(Word::Warning { is_final: false });
        const FINAL: Option<Word> = Some(Word::Warning { is_final: true });
        for runs in [
            &[(39, None), (40, WARNING), (41, None), (86, WARNING), (86, None), (93, WARNING), (99, FINAL)][..],
            &[(40, WARNING), (99, FINAL), (99, None), (100, Some(Word::Ended)), (101, None)],
            &[(95, WARNING), (98, None), (99, FINAL), (129, Some(Word::Ended)), (129, None)],
            &[(140, None), (140, None)],
            &[(10, None), (99, FINAL)],
        ] {
            let mut told = Told::default();
            for (day, expected) in runs {
                assert_eq!(told.next(days(100), days(*day)), *expected, "day {day} of {runs:?}");
            }
        }
    }
}
