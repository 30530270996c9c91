//! Listings of objects and of versions, by prefix and delimiter and page by page, against what the rules give.

use std::collections::BTreeMap;

use objects::ObjectError;
use objects::listing::{After, Entry, Filter, ListObjects, ListVersions, ListedObject, ListedVersion};

use crate::caller::Caller;
use crate::dice::Dice;
use crate::model::Version;

/// How a listing shows a key.
#[derive(PartialEq, Eq, Debug)]
pub(super) enum Shown {
    AsItself,
    /// Together with all that begin like this.
    As(String),
}

/// Compares one listing of each kind.
pub(super) async fn compare(caller: &Caller, dice: &Dice) -> Result<(), ObjectError> {
    let filter = filter(dice);
    let found = objects(caller, &filter).await?;
    let current = |versions: &[Version]| usize::from(versions.first().is_some_and(|first| first.stored.is_some()));
    judge(caller, &filter, &found, current);
    let found = versions(caller, &filter).await?;
    judge(caller, &filter, &found, <[Version]>::len);
    Ok(())
}

/// Prefixes that keys share, are, or do not have; pages of a few entries.
pub(super) fn filter(dice: &Dice) -> Filter {
    Filter {
        prefix: (*dice.pick(&["", "a", "a/", "a/c", "b", "z"]).unwrap_or(&"")).to_owned(),
        delimiter: (*dice.pick(&["", "/", "/c"]).unwrap_or(&"")).to_owned(),
        max_keys: usize::try_from(1 + dice.below(4)).unwrap_or(1),
    }
}

/// How a key is shown, if it is.
pub(super) fn shown(key: &str, filter: &Filter) -> Option<Shown> {
    let rest = key.strip_prefix(&filter.prefix)?;
    let cut = rest.find(&filter.delimiter).filter(|_| !filter.delimiter.is_empty());
    let prefix = cut.map(|at| key[..filter.prefix.len() + at + filter.delimiter.len()].to_owned());
    Some(prefix.map_or(Shown::AsItself, Shown::As))
}

async fn objects(caller: &Caller, filter: &Filter) -> Result<Vec<String>, ObjectError> {
    let (mut found, mut after) = (Vec::new(), After::default());
    loop {
        let before = found.len();
        let keep = |entry: Entry<'_, ListedObject<'_>>| {
            let (Entry::Key(ListedObject { key: name, .. }) | Entry::CommonPrefix(name)) = entry;
            found.push(name.to_owned());
        };
        let request = ListObjects { filter: filter.clone(), after };
        let next = caller.objects.list_objects(&caller.on_bucket(), &request, keep).await?;
        judge_page(caller, filter, found.len() - before);
        match next {
            Some(next) => after = next,
            None => return Ok(found),
        }
    }
}

async fn versions(caller: &Caller, filter: &Filter) -> Result<Vec<String>, ObjectError> {
    let mut found = Vec::new();
    let mut request = ListVersions { filter: filter.clone(), ..ListVersions::default() };
    loop {
        let before = found.len();
        let keep = |entry: Entry<'_, ListedVersion<'_>>| {
            let (Entry::Key(ListedVersion { key: name, .. }) | Entry::CommonPrefix(name)) = entry;
            found.push(name.to_owned());
        };
        let next = caller.objects.list_versions(&caller.on_bucket(), &request, keep).await?;
        judge_page(caller, filter, found.len() - before);
        let Some((key, version)) = next else { return Ok(found) };
        (request.key_marker, request.version_marker) = (key, version);
    }
}

fn judge_page(caller: &Caller, filter: &Filter, entries: usize) {
    if entries > filter.max_keys {
        caller.ledger.borrow_mut().violate(format!("a page by {filter:?} has {entries} entries"));
    }
}

/// `count` says how many versions of a key are shown.
fn judge(caller: &Caller, filter: &Filter, found: &[String], count: impl Fn(&[Version]) -> usize) {
    let mut ledger = caller.ledger.borrow_mut();
    let mut entries: BTreeMap<String, usize> = BTreeMap::new();
    for (key, model) in &ledger.keys {
        match (count(model.some_versions()), shown(key, filter)) {
            (0, _) | (_, None) => {}
            (count, Some(Shown::AsItself)) => drop(entries.insert(key.clone(), count)),
            (_, Some(Shown::As(prefix))) => drop(entries.insert(prefix, 1)),
        }
    }
    let expected: Vec<String> = entries.into_iter().flat_map(|(entry, count)| vec![entry; count]).collect();
    if found != expected {
        ledger.violate(format!("the listing by {filter:?} is {found:?}, not {expected:?}"));
    }
}
