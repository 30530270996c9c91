//! Compares the whole store with the model while no request is under way: versions and their bytes, [`listings`],
//! [`uploads`], usage, blobs; and has the store check itself.

mod listings;
mod uploads;

use std::collections::BTreeMap;

use objects::inspect::WrongCounters;
use objects::listing::{Entry, Filter, ListVersions, ListedVersion};
use objects::object::Selection;
use objects::{ObjectError, Usage};
use storage::Blobs;
use storage::maintenance::{Maintenance, Progress};
use storage_embedded::EmbeddedStore;
use types::VersionId;

pub(crate) use self::uploads::settle_uploads;
use crate::caller::{Caller, person, tenancy};
use crate::client::{get_this, head_this};
use crate::dice::Dice;
use crate::ledger::{KEYS, Ledger, Seen, UploadState};
use crate::model::{Name, Stored, Version};

/// Entries of a page, so small that there are many pages.
const PAGE: usize = 5;

/// What the store has done by now.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Stage {
    /// All that was asked of it; files of what was given up may be left.
    Serving,
    /// And all that there was to tidy up.
    AtRest,
}

/// Compares everything.
pub(crate) async fn audit(caller: &Caller, dice: &Dice, engine: &EmbeddedStore, stage: Stage) {
    if let Err(error) = compare(caller, dice, engine, stage).await {
        caller.ledger.borrow_mut().violate(format!("the store can not be read: {error:?}"));
    }
}

async fn compare(caller: &Caller, dice: &Dice, engine: &EmbeddedStore, stage: Stage) -> Result<(), ObjectError> {
    compare_versions(caller).await?;
    if caller.ledger.borrow().violation.is_some() {
        return Ok(());
    }
    for key in KEYS {
        read_versions(caller, key).await;
    }
    listings::compare(caller, dice).await?;
    uploads::compare(caller, dice).await?;
    if caller.ledger.borrow().is_certain() {
        compare_usage(caller).await?;
        compare_blobs(caller, engine).await?;
    }
    check_structure(caller, engine, stage).await
}

async fn compare_versions(caller: &Caller) -> Result<(), ObjectError> {
    let mut listed: BTreeMap<String, Vec<Listed>> = BTreeMap::new();
    let mut request =
        ListVersions { filter: Filter { max_keys: PAGE, ..Filter::default() }, ..ListVersions::default() };
    loop {
        let keep = |entry: Entry<'_, ListedVersion<'_>>| {
            if let Entry::Key(found) = entry {
                let object = found.content.map(|content| Seen::listed(&found.version, &content));
                let version = Listed { id: found.version.id, is_latest: found.is_latest, object };
                listed.entry(found.key.to_owned()).or_default().push(version);
            }
        };
        let next = caller.objects.list_versions(&caller.on_bucket(), &request, keep).await?;
        let Some((key, version)) = next else { break };
        (request.key_marker, request.version_marker) = (key, version);
    }
    let mut ledger = caller.ledger.borrow_mut();
    for key in KEYS {
        let found = listed.remove(key).unwrap_or_default();
        compare_key(&mut ledger, key, &found);
    }
    if let Some(key) = listed.keys().next() {
        ledger.violate(format!("nobody wrote the key {key:?}"));
    }
    Ok(())
}

/// A version that was listed.
struct Listed {
    id: VersionId,
    is_latest: bool,
    /// `None` for a delete marker.
    object: Option<Seen>,
}

fn compare_key(ledger: &mut Ledger, key: &str, found: &[Listed]) {
    let seen: Vec<(VersionId, Option<u64>)> = found
        .iter()
        .map(|version| (version.id, version.object.as_ref().and_then(|object| ledger.writer(object))))
        .collect();
    if found.iter().enumerate().any(|(at, version)| version.is_latest != (at == 0)) {
        ledger.violate(format!("key {key:?} has not exactly its first version as latest"));
    }
    let ids = ledger.ids.clone();
    let matches = |versions: &[Version]| {
        versions.len() == seen.len()
            && versions.iter().zip(&seen).all(|(version, (id, tag))| {
                let named = match version.name {
                    Name::Null => *id == VersionId::Null,
                    Name::Of(tag) => *id != VersionId::Null && ids.get(&tag).is_none_or(|known| known == id),
                };
                named && version.stored.is_some() == tag.is_some() && tag.is_none_or(|tag| tag == version.tag)
            })
    };
    let Some(model) = ledger.keys.get_mut(key) else { return };
    if let Err(what) = model.observed(matches) {
        ledger.violate(format!("key {key:?} has {seen:?}, and {what}"));
        return;
    }
    let learned: Vec<_> = model.some_versions().iter().map(|version| version.name).zip(&seen).collect();
    for (name, (id, _)) in learned {
        if let Name::Of(tag) = name {
            ledger.learn(tag, *id);
        }
    }
}

/// Reads every byte of every version.
async fn read_versions(caller: &Caller, key: &str) {
    let versions = caller.ledger.borrow().keys[key].some_versions().to_vec();
    head_this(caller, key, None).await;
    get_this(caller, key, None, Selection::Whole, 0).await;
    for version in versions {
        let id = caller.ledger.borrow().id(version.name);
        if let Some(id) = id {
            get_this(caller, key, Some((version.name, id)), Selection::Whole, 0).await;
        }
    }
}

fn each_version(ledger: &Ledger) -> impl Iterator<Item = &Stored> {
    ledger.keys.values().flat_map(|key| key.some_versions()).filter_map(|version| version.stored.as_ref())
}

fn each_part(ledger: &Ledger) -> impl Iterator<Item = &Stored> {
    let open = ledger.uploads.values().filter(|upload| upload.state == UploadState::Open);
    open.flat_map(|upload| upload.certain_parts().unwrap_or_default()).map(|(_, part)| &part.stored)
}

async fn compare_usage(caller: &Caller) -> Result<(), ObjectError> {
    let bucket = caller.objects.find_bucket(&tenancy(), &caller.target.bucket).await?;
    let Some(bucket) = bucket else { return Err(ObjectError::NoSuchBucket) };
    let in_bucket = caller.objects.bucket_usage(&bucket).await?;
    let in_tenancy = caller.objects.tenancy_usage(&tenancy()).await?;
    let of_person = caller.objects.user_usage(&tenancy(), &person()).await?;
    let mut ledger = caller.ledger.borrow_mut();
    let objects = each_version(&ledger).count() as u64;
    let bytes: u64 = each_version(&ledger).map(|stored| stored.recipe.length()).sum();
    let parts: u64 = each_part(&ledger).map(|stored| stored.recipe.length()).sum();
    let all = Usage { bytes: bytes + parts, objects };
    if [in_bucket, in_tenancy, of_person] != [all; 3] {
        ledger.violate(format!(
            "usage is {in_bucket:?} of the bucket, {in_tenancy:?} of the tenancy, {of_person:?} of the person, and \
             should be {all:?}"
        ));
    }
    Ok(())
}

/// The engine keeps the blobs that records name, and no others.
async fn compare_blobs(caller: &Caller, engine: &EmbeddedStore) -> Result<(), ObjectError> {
    let kept = engine.list(None, 1024).await?.len();
    let mut ledger = caller.ledger.borrow_mut();
    let of_version = |stored: &Stored| match stored.etag.1 {
        0 => usize::from(stored.recipe.length() > 0),
        parts => usize::from(parts) + 1,
    };
    let expected = each_version(&ledger).map(of_version).sum::<usize>() + each_part(&ledger).count();
    if kept != expected {
        ledger.violate(format!("the engine keeps {kept} blobs, and records name {expected}"));
    }
    Ok(())
}

/// What `commonhold check` looks at: the log, the index, the files; records against blobs and counters.
async fn check_structure(caller: &Caller, engine: &EmbeddedStore, stage: Stage) -> Result<(), ObjectError> {
    let verified = engine.verify(&Progress::unpaced())?;
    let inspected = caller.objects.check(&Progress::unpaced(), WrongCounters::Tell).await?;
    let mut ledger = caller.ledger.borrow_mut();
    for damage in verified.damages.listed.iter().chain(&inspected.damages.listed) {
        ledger.violate(format!("the store is not whole: {}", damage.what));
    }
    if stage == Stage::AtRest && verified.orphans > 0 {
        ledger.violate(format!("{} files are nobody's", verified.orphans));
    }
    Ok(())
}

/// Once there is nothing more to reclaim, the log is at most twice as long as the bodies in it, and `spare_bytes`.
pub(crate) async fn audit_space(caller: &Caller, engine: &EmbeddedStore, log_bytes: u64, spare_bytes: u64) {
    let packed = engine.list(None, 1024).await.map(|blobs| {
        let packed = blobs.iter().filter(|blob| blob.length <= engine.inline_limit() as u64);
        packed.map(|blob| blob.length).sum::<u64>()
    });
    let mut ledger = caller.ledger.borrow_mut();
    match packed {
        Ok(packed) if log_bytes <= 2 * packed + spare_bytes => {}
        outcome => ledger.violate(format!("the log has {log_bytes} bytes, with bodies of {outcome:?}")),
    }
}
