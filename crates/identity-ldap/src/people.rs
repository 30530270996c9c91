//! Questions about people.

use std::collections::HashSet;
use std::time::Duration;

use identity::{IdentityError, User, UserStatus};
use ldap3::{Ldap, Scope};
use types::{Timestamp, UserName};

use crate::entry::Entry;
use crate::failure::{Failure, code, succeed};
use crate::filter;
use crate::pool::Pool;
use crate::search::{Query, Wanted, search};
use crate::settings::{LdapSettings, PeopleSettings};

/// Attributes by which known servers say that somebody is disabled, and when an entry was made.
const STATUS_ATTRIBUTES: [&str; 7] = [
    "shadowExpire",
    "pwdAccountLockedTime",
    "nsAccountLock",
    "userAccountControl",
    "accountExpires",
    "createTimestamp",
    "whenCreated",
];
/// The attribute that asks for none (RFC 4511 section 4.5.1.8).
const NO_ATTRIBUTES: &str = "1.1";
/// The longest password that is tried, in bytes.
const MAX_PASSWORD_BYTES: usize = 1024;
/// OpenLDAP's policy overlay writes this into `pwdAccountLockedTime` of an account that stays locked until it is let
/// in again (draft-behera-ldap-password-policy section 5.3.3). Any other value is a lock after wrong passwords, which
/// must not be a way to stop somebody's keys.
const LOCKED_FOR_GOOD: &str = "000001010000Z";
/// ACCOUNTDISABLE of `userAccountControl` (MS-ADTS section 2.2.16).
const ACCOUNT_DISABLED: u32 = 2;
/// Seconds between 1601, from which Active Directory counts, and 1970.
const SECONDS_TO_1970: u64 = 11_644_473_600;
/// How many names are looked up in one question.
const NAMES_AT_ONCE: usize = 50;

/// Someone, and the entry that they are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Found {
    pub(crate) dn: String,
    pub(crate) user: User,
}

/// The person of exactly this name.
pub(crate) async fn find(pool: &Pool, name: &UserName, now: Timestamp) -> Result<Option<Found>, Failure> {
    let people = &pool.settings().people;
    let condition = filter::equals(&people.name_attribute, name.as_str());
    let mut found = matching(pool, "find", condition, Wanted::Some(2), now).await?;
    // The directory may compare names without regard to case; here they are what is written.
    found.retain(|found| found.user.name == *name);
    match found.len() {
        0 | 1 => Ok(found.pop()),
        _ => Err(Failure::Away(format!("more than one person has the name {name}: narrow ldap.user_filter"))),
    }
}

/// The people that `condition`, a filter, matches.
pub(crate) async fn matching(
    pool: &Pool,
    operation: &'static str,
    condition: String,
    wanted: Wanted,
    now: Timestamp,
) -> Result<Vec<Found>, Failure> {
    let settings = pool.settings().clone();
    pool.ask(operation, move |mut ldap| {
        let (settings, condition) = (settings.clone(), condition.clone());
        async move { ask(&mut ldap, &settings, &condition, wanted, now).await }
    })
    .await
}

async fn ask(
    ldap: &mut Ldap,
    settings: &LdapSettings,
    condition: &str,
    wanted: Wanted,
    now: Timestamp,
) -> Result<Vec<Found>, Failure> {
    let people = &settings.people;
    let mut query = Query {
        base: people.base.clone(),
        scope: Scope::Subtree,
        filter: filter::all(&[&people.filter, condition]),
        attributes: attributes(people),
        wanted,
    };
    let entries = search(ldap, settings.operation_timeout, &query).await?;
    let mut found: Vec<Found> = entries.iter().filter_map(|entry| read(people, entry, now)).collect();
    if let Some(disabled) = people.disabled_filter.as_deref().filter(|_| !found.is_empty()) {
        query.filter = filter::all(&[&people.filter, condition, disabled]);
        query.attributes = vec![NO_ATTRIBUTES.to_owned()];
        let disabled = search(ldap, settings.operation_timeout, &query).await?;
        let disabled: HashSet<String> = disabled.into_iter().map(|entry| entry.dn).collect();
        for person in found.iter_mut().filter(|person| disabled.contains(&person.dn)) {
            person.user.status = UserStatus::Disabled;
        }
    }
    Ok(found)
}

/// Whether `password` lets the person in. Where there is none of the name, an entry that does not exist is tried, so
/// that the time taken is much the same.
pub(crate) async fn password_is_right(pool: &Pool, found: Option<&Found>, password: &str) -> Result<bool, Failure> {
    // A bind with an empty password is "unauthenticated" and succeeds for everybody (RFC 4513 section 5.1.2).
    // A server that takes a text up to a NUL for the whole would let more than one password in.
    if password.is_empty() || password.len() > MAX_PASSWORD_BYTES || password.contains('\0') {
        return Ok(false);
    }
    let people = &pool.settings().people;
    let nobody = || format!("{}=nobody of this name,{}", people.name_attribute, people.base);
    let dn = found.map_or_else(nobody, |found| found.dn.clone());
    let patience = pool.settings().operation_timeout;
    let password = zeroize::Zeroizing::new(password.to_owned());
    let right = pool.alone("bind", move |ldap| async move { bind(ldap, patience, &dn, &password).await }).await?;
    Ok(right && found.is_some())
}

async fn bind(mut ldap: Ldap, patience: Duration, dn: &str, password: &str) -> Result<bool, Failure> {
    let result = ldap.with_timeout(patience).simple_bind(dn, password).await?;
    let _ = ldap.unbind().await;
    match succeed(result, &[]) {
        Ok(_) => Ok(true),
        // The password is wrong, or the directory has a reason of its own not to let them in.
        Err(Failure::Refused { code, text }) if is_no(code) => {
            tracing::debug!(dn, reason = text, "the directory does not let somebody in");
            Ok(false)
        }
        Err(failure) => Err(failure),
    }
}

const fn is_no(result: u32) -> bool {
    matches!(
        result,
        code::INVALID_CREDENTIALS
            | code::CONSTRAINT_VIOLATION
            | code::INAPPROPRIATE_AUTHENTICATION
            | code::INSUFFICIENT_ACCESS
            | code::NO_SUCH_OBJECT
            | code::UNWILLING_TO_PERFORM
    )
}

/// The people of `names` that there are, with their entries.
pub(crate) async fn of_names(pool: &Pool, names: &[UserName], now: Timestamp) -> Result<Vec<Found>, IdentityError> {
    let attribute = &pool.settings().people.name_attribute;
    let mut all = Vec::new();
    for some in names.chunks(NAMES_AT_ONCE) {
        let each: Vec<String> = some.iter().map(|name| filter::equals(attribute, name.as_str())).collect();
        let found = matching(pool, "find_many", filter::any(&each), Wanted::Pages(2 * NAMES_AT_ONCE), now).await;
        all.extend(found.map_err(Failure::of_question)?.into_iter().filter(|found| some.contains(&found.user.name)));
    }
    Ok(all)
}

/// The person that an entry is; `None` where nobody of their name can be known here.
pub(crate) fn read(people: &PeopleSettings, entry: &Entry, now: Timestamp) -> Option<Found> {
    let name = entry.all(&people.name_attribute).iter().find_map(|name| UserName::new(name).ok())?;
    let text = |attribute: &str| entry.first(attribute).map(str::to_owned);
    let user = User {
        name,
        full_name: text(&people.full_name_attribute),
        email: text(&people.email_attribute),
        status: if is_disabled(entry, now) { UserStatus::Disabled } else { UserStatus::Active },
        created: created(entry),
    };
    Some(Found { dn: entry.dn.clone(), user })
}

fn attributes(people: &PeopleSettings) -> Vec<String> {
    let names = [&people.name_attribute, &people.full_name_attribute, &people.email_attribute];
    names.into_iter().cloned().chain(STATUS_ATTRIBUTES.map(str::to_owned)).collect()
}

fn is_disabled(entry: &Entry, now: Timestamp) -> bool {
    let number = |name: &str| entry.first(name).and_then(|text| text.trim().parse::<i64>().ok());
    let now_seconds = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    // Days since 1970, and -1 for never (shadow(5)).
    let has_expired = number("shadowExpire").is_some_and(|days| days >= 0 && days <= now_seconds / 86_400);
    let control = number("userAccountControl").and_then(|control| u32::try_from(control).ok());
    has_expired
        || entry.first("pwdAccountLockedTime") == Some(LOCKED_FOR_GOOD)
        || entry.first("nsAccountLock").is_some_and(|lock| lock.eq_ignore_ascii_case("true"))
        || control.is_some_and(|control| control & ACCOUNT_DISABLED != 0)
        || number("accountExpires").is_some_and(|ticks| has_passed(ticks, now))
}

/// Whether a moment in tenths of microseconds since 1601 is over; 0 and the largest number are never (MS-ADA1
/// section 2.1).
fn has_passed(ticks: i64, now: Timestamp) -> bool {
    match u64::try_from(ticks) {
        Ok(0) | Err(_) => false,
        Ok(ticks) if ticks == i64::MAX.unsigned_abs() => false,
        Ok(ticks) => ticks / 10_000_000 <= now.as_secs() + SECONDS_TO_1970,
    }
}

/// When the entry was made: a generalized time (RFC 4517 section 3.3.13) in UTC, as servers write it.
fn created(entry: &Entry) -> Timestamp {
    let text = entry.first("createTimestamp").or_else(|| entry.first("whenCreated")).unwrap_or_default();
    let digits = text.get(..14).filter(|digits| digits.bytes().all(|byte| byte.is_ascii_digit()));
    let amz_date = digits.map(|digits| format!("{}T{}Z", &digits[..8], &digits[8..]));
    amz_date.and_then(|date| Timestamp::parse_amz_date(&date)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::tests::entry;
    use crate::settings::{Schema, ServerUrl};

    fn people() -> PeopleSettings {
        let servers: Vec<ServerUrl> = Vec::new();
        LdapSettings::new(Schema::Posix, servers, "dc=x".to_owned(), None).people
    }

    #[test]
    fn an_entry_is_a_person_where_its_name_is_one() {
        let now = Timestamp::from_secs(0);
        let whole = entry(
            "uid=ann,dc=x",
            &[
                ("uid", &["ann smith", "ann"]),
                ("cn", &["Ann"]),
                ("mail", &["a@x"]),
                ("createTimestamp", &["20240110120000Z"]),
            ],
        );
        let found = read(&people(), &whole, now).expect("a person");
        assert_eq!(found.dn, "uid=ann,dc=x");
        assert_eq!((found.user.name.as_str(), found.user.full_name.as_deref()), ("ann", Some("Ann")));
        assert_eq!(
            (found.user.email.as_deref(), found.user.created),
            (Some("a@x"), Timestamp::from_secs(1_704_888_000))
        );
        for name in ["", "a b", "ann/..", "*"] {
            assert_eq!(read(&people(), &entry("cn=x", &[("uid", &[name])]), now), None, "{name:?}");
        }
        assert_eq!(
            created(&entry("cn=x", &[("whenCreated", &["20240110120000.0Z"])])),
            Timestamp::from_secs(1_704_888_000)
        );
        for odd in ["", "2024", "yesterday, at noon", "ééééééé"] {
            assert_eq!(created(&entry("cn=x", &[("createTimestamp", &[odd])])), Timestamp::default(), "{odd}");
        }
    }

    #[test]
    fn servers_say_in_many_ways_who_is_disabled() {
        // 2024-01-10, which is day 19732.
        let now = Timestamp::from_secs(1_704_888_000);
        let ticks = |seconds: u64| ((seconds + SECONDS_TO_1970) * 10_000_000).to_string();
        for (attribute, value, disabled) in [
            ("shadowExpire", "-1", false),
            ("shadowExpire", "19733", false),
            ("shadowExpire", "19732", true),
            ("shadowExpire", "1", true),
            ("shadowExpire", "soon", false),
            ("pwdAccountLockedTime", "000001010000Z", true),
            ("pwdAccountLockedTime", "20240110000000Z", false),
            ("nsAccountLock", "TRUE", true),
            ("nsAccountLock", "false", false),
            ("userAccountControl", "512", false),
            ("userAccountControl", "514", true),
            ("userAccountControl", "66050", true),
            ("accountExpires", "0", false),
            ("accountExpires", "9223372036854775807", false),
            ("accountExpires", &ticks(1_704_888_000), true),
            ("accountExpires", &ticks(1_704_888_001), false),
            ("description", "disabled", false),
        ] {
            assert_eq!(is_disabled(&entry("cn=x", &[(attribute, &[value])]), now), disabled, "{attribute}: {value}");
        }
    }
}
