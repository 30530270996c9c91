//! Searches, bounded in entries and in time.

use std::time::Duration;

use ldap3::controls::{Control, ControlType, PagedResults};
use ldap3::{Ldap, LdapResult, ResultEntry, Scope, SearchOptions, SearchResult};
use tokio::time::timeout;

use crate::entry::Entry;
use crate::failure::{Failure, code, succeed};

/// How many entries a page of a long answer has. Active Directory gives at most 1000.
const PAGE_ENTRIES: usize = 500;

/// How much of an answer is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Wanted {
    /// At most so many entries, whichever come first.
    Some(usize),
    /// All of them, page by page, but at most so many.
    Pages(usize),
    /// As [`Self::Pages`], and fewer where the server gives no more.
    Given(usize),
}

/// What is looked for.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    pub(crate) base: String,
    pub(crate) scope: Scope,
    pub(crate) filter: String,
    pub(crate) attributes: Vec<String>,
    pub(crate) wanted: Wanted,
}

/// The entries that a query finds. One whose base is absent is refused with [`code::NO_SUCH_OBJECT`].
pub(crate) async fn search(ldap: &mut Ldap, patience: Duration, query: &Query) -> Result<Vec<Entry>, Failure> {
    match query.wanted {
        Wanted::Some(limit) => {
            let size = i32::try_from(limit).unwrap_or(i32::MAX);
            ldap.with_search_options(SearchOptions::new().sizelimit(size));
            let (found, _) = page(ldap, patience, query, &[code::SIZE_LIMIT_EXCEEDED]).await?;
            Ok(entries(found).take(limit).collect())
        }
        Wanted::Pages(limit) => pages(ldap, patience, query, limit, &[]).await,
        Wanted::Given(limit) => pages(ldap, patience, query, limit, &[code::SIZE_LIMIT_EXCEEDED]).await,
    }
}

async fn pages(
    ldap: &mut Ldap,
    patience: Duration,
    query: &Query,
    limit: usize,
    also: &[u32],
) -> Result<Vec<Entry>, Failure> {
    let (mut all, mut cookie) = (Vec::new(), Vec::new());
    loop {
        let size = i32::try_from(PAGE_ENTRIES.min(limit)).unwrap_or(i32::MAX);
        ldap.with_controls(PagedResults { size, cookie });
        let (found, result) = page(ldap, patience, query, also).await?;
        all.extend(entries(found));
        cookie = next_cookie(&result);
        if cookie.is_empty() || all.len() >= limit {
            all.truncate(limit);
            return Ok(all);
        }
    }
}

async fn page(
    ldap: &mut Ldap,
    patience: Duration,
    query: &Query,
    also: &[u32],
) -> Result<(Vec<ResultEntry>, LdapResult), Failure> {
    ldap.with_timeout(patience);
    let asked = ldap.search(&query.base, query.scope, &query.filter, query.attributes.as_slice());
    let answer = timeout(patience, asked).await.map_err(|_| Failure::Away("it did not answer in time".to_owned()))?;
    let SearchResult(found, result) = answer?;
    Ok((found, succeed(result, also)?))
}

fn entries(found: Vec<ResultEntry>) -> impl Iterator<Item = Entry> {
    found.into_iter().filter_map(Entry::read)
}

fn next_cookie(result: &LdapResult) -> Vec<u8> {
    let paged = result.ctrls.iter().find_map(|control| match control {
        Control(Some(ControlType::PagedResults), raw) if raw.val.is_some() => Some(raw.parse::<PagedResults>()),
        _ => None,
    });
    paged.map(|paged| paged.cookie).unwrap_or_default()
}
