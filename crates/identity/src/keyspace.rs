//! Where the records lie in [`storage::Space::CONTROL`]. None of the names in them can hold a `/`, so a name followed
//! by one is a group that no other group contains.

use types::{AccessKeyId, TenancyName, UserName};

use crate::events::EventId;
use crate::quota::QuotaScope;
use crate::request::RequestId;

/// The one record that shows whether the master key is the right one; also its group.
pub(crate) const CHECK: &[u8] = b"i/check/";
/// Before every tenancy.
pub(crate) const TENANCIES: &[u8] = b"i/tenancy/";
/// Before every person of the built-in directory.
pub(crate) const USERS: &[u8] = b"i/user/";
/// Before what is known of people, whichever directory they are in.
pub(crate) const PEOPLE: &[u8] = b"i/person/";

/// The tenancy's record, which is also the group of all that is in the tenancy.
pub(crate) fn tenancy(name: &TenancyName) -> Vec<u8> {
    format!("i/tenancy/{name}/").into_bytes()
}

/// What a person is and was in a tenancy, in the tenancy's group.
pub(crate) fn role(tenancy: &TenancyName, user: &UserName) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/role/{user}").into_bytes()
}

/// Before every role in a tenancy.
pub(crate) fn roles(tenancy: &TenancyName) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/role/").into_bytes()
}

/// What is known of a key, without its secret, in the tenancy's group.
pub(crate) fn key_info(tenancy: &TenancyName, owner: &UserName, id: &AccessKeyId) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/key/{owner}/{id}").into_bytes()
}

/// Before every key in a tenancy, or every key of one person there.
pub(crate) fn key_infos(tenancy: &TenancyName, owner: Option<&UserName>) -> Vec<u8> {
    match owner {
        Some(owner) => format!("i/tenancy/{tenancy}/key/{owner}/").into_bytes(),
        None => format!("i/tenancy/{tenancy}/key/").into_bytes(),
    }
}

/// The quota of a bucket or a person, in the tenancy's group. That of the tenancy is in its own record.
pub(crate) fn quota(tenancy: &TenancyName, scope: &QuotaScope) -> Option<Vec<u8>> {
    match scope {
        QuotaScope::Tenancy => None,
        QuotaScope::Bucket(bucket) => Some(format!("i/tenancy/{tenancy}/quota/bucket/{bucket}").into_bytes()),
        QuotaScope::Owner(user) => Some(format!("i/tenancy/{tenancy}/quota/owner/{user}").into_bytes()),
    }
}

/// Before every quota of a bucket or a person in a tenancy.
pub(crate) fn quotas(tenancy: &TenancyName) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/quota/").into_bytes()
}

/// What is known of a person, whichever directory they are in; also the group of it.
pub(crate) fn person(name: &UserName) -> Vec<u8> {
    format!("i/person/{name}/").into_bytes()
}

/// A request about a tenancy, in the tenancy's group. The keys are in the order of numbers.
pub(crate) fn request(id: &RequestId) -> Vec<u8> {
    format!("i/tenancy/{}/request/{:020}", id.tenancy, id.number).into_bytes()
}

/// Before every request about a tenancy.
pub(crate) fn requests(name: &TenancyName) -> Vec<u8> {
    requests_in(&tenancy(name))
}

/// Before every request in the group of a tenancy.
pub(crate) fn requests_in(group: &[u8]) -> Vec<u8> {
    [group, b"request/"].concat()
}

/// The counter of the requests that were ever made about a tenancy.
pub(crate) fn request_counter(tenancy: &TenancyName) -> Vec<u8> {
    format!("t/{tenancy}/requests").into_bytes()
}

/// An event, in the group of what it is about.
pub(crate) fn event(group: &[u8], id: EventId) -> Vec<u8> {
    [events(group), id.to_string().into_bytes()].concat()
}

/// Before every event of a group.
pub(crate) fn events(group: &[u8]) -> Vec<u8> {
    [group, b"event/"].concat()
}

/// The event whose record lies at `key`, if one does.
pub(crate) fn parse_event(key: &[u8]) -> Option<EventId> {
    let mut parts = std::str::from_utf8(key).ok()?.split('/').skip(3);
    match (parts.next()?, parts.next()?, parts.next()) {
        ("event", id, None) => id.parse().ok(),
        _ => None,
    }
}

/// The group that holds `key`, a key in the group of a tenancy or a person.
pub(crate) fn group_of(key: &[u8]) -> &[u8] {
    let mut slashes = key.iter().enumerate().filter(|(_, byte)| **byte == b'/').map(|(at, _)| at);
    slashes.nth(2).map_or(key, |at| &key[..=at])
}

/// The last use of a key, in the tenancy's group.
pub(crate) fn last_use(tenancy: &TenancyName, owner: &UserName, id: &AccessKeyId) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/used/{owner}/{id}").into_bytes()
}

/// The person's record; also its group.
pub(crate) fn user(name: &UserName) -> Vec<u8> {
    format!("i/user/{name}/").into_bytes()
}

/// What the external directory last said of a person; also its group.
pub(crate) fn last_answer(name: &UserName) -> Vec<u8> {
    format!("i/answer/{name}/").into_bytes()
}

/// The key's secret and where its info is; also its group.
pub(crate) fn key_secret(id: &AccessKeyId) -> Vec<u8> {
    format!("i/key/{id}/").into_bytes()
}

/// What is known of a management token, by the digest of its text, in the tenancy's group.
pub(crate) fn token(tenancy: &TenancyName, owner: &UserName, digest: &str) -> Vec<u8> {
    format!("i/tenancy/{tenancy}/token/{owner}/{digest}").into_bytes()
}

/// Before every management token in a tenancy, or every one of a person there.
pub(crate) fn tokens(tenancy: &TenancyName, owner: Option<&UserName>) -> Vec<u8> {
    match owner {
        Some(owner) => format!("i/tenancy/{tenancy}/token/{owner}/").into_bytes(),
        None => format!("i/tenancy/{tenancy}/token/").into_bytes(),
    }
}

/// Where the record above is, by the digest alone; also its group.
pub(crate) fn token_place(digest: &str) -> Vec<u8> {
    format!("i/token/{digest}/").into_bytes()
}

/// Up to when the sessions of a person were ended; also its group. It outlives the person.
pub(crate) fn ended_sessions(user: &UserName) -> Vec<u8> {
    format!("i/session/{user}/").into_bytes()
}

/// Before every login of a person; also their group.
pub(crate) fn logins(user: &UserName) -> Vec<u8> {
    format!("i/login/{user}/").into_bytes()
}

/// A login, by the digest of its token.
pub(crate) fn login(user: &UserName, digest: &str) -> Vec<u8> {
    format!("i/login/{user}/{digest}").into_bytes()
}

/// The first key after all that start with `prefix`.
pub(crate) fn after(prefix: &[u8]) -> Vec<u8> {
    let mut end = prefix.to_vec();
    // Every prefix here ends in '/', so the last byte has a successor.
    if let Some(last) = end.last_mut() {
        *last += 1;
    }
    end
}
