//! Compares the whole store with the model while no request is under way: versions, bytes, listings, uploads, usage.

use std::collections::BTreeMap;

use access::action;
use objects::listing::{After, Entry, Filter, ListObjects, ListUploads, ListVersions, ListedObject, ListedVersion};
use objects::object::Selection;
use objects::{ObjectError, Usage};
use storage::Blobs;
use types::{UploadId, VersionId};

use crate::caller::{Caller, person, tenancy};
use crate::client::get_this;
use crate::dice::Dice;
use crate::ledger::{KEYS, Ledger, Part, Seen, UploadState};
use crate::model::{Name, Stored, Version};

/// Entries of a page, so small that there are many pages.
const PAGE: usize = 5;

/// Compares everything.
pub(crate) async fn audit(caller: &Caller, dice: &Dice, blobs: Option<&dyn Blobs>) {
    if let Err(error) = compare(caller, dice, blobs).await {
        caller.ledger.borrow_mut().violate(format!("the store can not be read: {error:?}"));
    }
}

async fn compare(caller: &Caller, dice: &Dice, blobs: Option<&dyn Blobs>) -> Result<(), ObjectError> {
    compare_versions(caller).await?;
    if caller.ledger.borrow().violation.is_some() {
        return Ok(());
    }
    for key in KEYS {
        read_versions(caller, key).await;
    }
    compare_listing(caller, dice).await?;
    let uploads = list_uploads(caller).await?;
    compare_uploads(caller, &uploads).await?;
    if caller.ledger.borrow().is_certain() {
        compare_usage(caller).await?;
        if let Some(blobs) = blobs {
            compare_blobs(caller, blobs).await?;
        }
    }
    Ok(())
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
    get_this(caller, key, None, Selection::Whole, 0).await;
    for version in versions {
        let id = caller.ledger.borrow().id(version.name);
        if let Some(id) = id {
            get_this(caller, key, Some((version.name, id)), Selection::Whole, 0).await;
        }
    }
}

/// Lists with a prefix and a delimiter, page by page, and compares the whole with what the rules give.
async fn compare_listing(caller: &Caller, dice: &Dice) -> Result<(), ObjectError> {
    let prefix = (*dice.pick(&["", "a", "a/", "a/c", "b", "z"]).unwrap_or(&"")).to_owned();
    let delimiter = (*dice.pick(&["", "/", "/c"]).unwrap_or(&"")).to_owned();
    let max_keys = usize::try_from(1 + dice.below(4)).unwrap_or(1);
    let mut found = Vec::new();
    let mut after = After::default();
    loop {
        let filter = Filter { prefix: prefix.clone(), delimiter: delimiter.clone(), max_keys };
        let keep = |entry: Entry<'_, ListedObject<'_>>| {
            let (Entry::Key(ListedObject { key: name, .. }) | Entry::CommonPrefix(name)) = entry;
            found.push(name.to_owned());
        };
        match caller.objects.list_objects(&caller.on_bucket(), &ListObjects { filter, after }, keep).await? {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut ledger = caller.ledger.borrow_mut();
    let live = ledger.keys.iter().filter(|(key, model)| {
        let current = model.some_versions().first();
        key.starts_with(&prefix) && current.is_some_and(|version| version.stored.is_some())
    });
    let mut expected: Vec<String> = live
        .map(|(key, _)| {
            let rest = &key[prefix.len()..];
            let cut = rest.find(&delimiter).filter(|_| !delimiter.is_empty()).map(|at| at + delimiter.len());
            cut.map_or_else(|| key.clone(), |cut| key[..prefix.len() + cut].to_owned())
        })
        .collect();
    expected.sort();
    expected.dedup();
    if found != expected {
        ledger.violate(format!("the listing of {prefix:?} by {delimiter:?} is {found:?}, not {expected:?}"));
    }
    Ok(())
}

async fn list_uploads(caller: &Caller) -> Result<Vec<(String, UploadId)>, ObjectError> {
    let mut found = Vec::new();
    let mut request = ListUploads { filter: Filter { max_keys: PAGE, ..Filter::default() }, ..ListUploads::default() };
    loop {
        let page = caller.objects.list_uploads(&caller.on_bucket(), &request).await?;
        found.extend(page.uploads.iter().map(|upload| (upload.key.as_str().to_owned(), upload.upload)));
        let Some((key, upload)) = page.next else { return Ok(found) };
        (request.key_marker, request.upload_id_marker) = (key, upload);
    }
}

/// Each upload is there, or gone, as was acknowledged. Nothing of one whose completion was broken off is left.
async fn compare_uploads(caller: &Caller, found: &[(String, UploadId)]) -> Result<(), ObjectError> {
    let uploads: Vec<_> = {
        let ledger = caller.ledger.borrow();
        let uploads = ledger.uploads.iter();
        uploads.map(|(tag, upload)| (*tag, upload.key.clone(), upload.id, upload.state)).collect()
    };
    let known: Vec<UploadId> = uploads.iter().map(|(_, _, id, _)| *id).collect();
    let unknown: Vec<_> = found.iter().filter(|(_, id)| !known.contains(id)).collect();
    if unknown.len() > caller.ledger.borrow().doubtful_uploads {
        caller.ledger.borrow_mut().violate(format!("nobody began the uploads {unknown:?}"));
    }
    for (tag, key, id, state) in uploads {
        let is_there = found.contains(&(key.clone(), id));
        match (state, is_there) {
            (UploadState::Open, true) => compare_parts(caller, tag, &key, id).await?,
            (UploadState::Open, false) => caller.ledger.borrow_mut().violate(format!("upload {tag} is gone")),
            (UploadState::Gone, true) => caller.ledger.borrow_mut().violate(format!("upload {tag} came back")),
            (UploadState::Gone, false) | (UploadState::Ending, _) => {}
        }
    }
    Ok(())
}

async fn compare_parts(caller: &Caller, tag: u64, key: &str, id: UploadId) -> Result<(), ObjectError> {
    let grant = caller.on::<action::ListMultipartUploadParts>(key, None);
    let page = caller.objects.list_parts(&grant, id, 0, 1000).await?;
    let mut ledger = caller.ledger.borrow_mut();
    let mut wrong = None;
    if let Some(upload) = ledger.uploads.get_mut(&tag) {
        for (number, values) in &mut upload.parts {
            let listed = page.parts.iter().find(|part| part.number == *number);
            values.retain(|value| match (value, listed) {
                (None, None) => true,
                (Some(Part { stored }), Some(listed)) => {
                    listed.etag == Some(stored.etag()) && listed.size == stored.recipe.length()
                }
                _ => false,
            });
            values.dedup();
            if values.is_empty() {
                wrong = Some(format!("part {number} of upload {tag} is {listed:?}"));
            }
        }
        if page.parts.iter().any(|part| !upload.parts.contains_key(&part.number)) {
            wrong = Some(format!("upload {tag} has parts that nobody sent"));
        }
    }
    wrong.into_iter().for_each(|what| ledger.violate(what));
    Ok(())
}

/// After opening and recovery nothing is half done: what is open is settled by looking, and uploads that nobody knows
/// are given up.
pub(crate) async fn settle_uploads(caller: &Caller) -> Result<(), ObjectError> {
    let found = list_uploads(caller).await?;
    let mut unknown = Vec::new();
    {
        let mut ledger = caller.ledger.borrow_mut();
        let known: BTreeMap<UploadId, u64> = ledger.uploads.iter().map(|(tag, upload)| (upload.id, *tag)).collect();
        unknown.extend(found.iter().filter(|(_, id)| !known.contains_key(id)).cloned());
        for upload in ledger.uploads.values_mut().filter(|upload| upload.state == UploadState::Ending) {
            let is_there = found.contains(&(upload.key.clone(), upload.id));
            upload.state = if is_there { UploadState::Open } else { UploadState::Gone };
        }
        let half_done = ledger.uploads.iter().find(|(tag, upload)| {
            let versions = ledger.keys[&upload.key].versions();
            upload.state == UploadState::Open
                && versions.is_some_and(|versions| versions.iter().any(|version| version.tag == **tag))
        });
        if let Some(tag) = half_done.map(|(tag, _)| *tag) {
            ledger.violate(format!("upload {tag} is open, and the object that it became is there"));
        }
        if unknown.len() > ledger.doubtful_uploads {
            ledger.violate(format!("nobody began the uploads {unknown:?}"));
        }
        ledger.doubtful_uploads = 0;
    }
    for (key, id) in unknown {
        caller.objects.abort_upload(&caller.on::<action::AbortMultipartUpload>(&key, None), id).await?;
    }
    Ok(())
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
    let (all, own) = (Usage { bytes: bytes + parts, objects }, Usage { bytes, objects });
    if (in_bucket, in_tenancy, of_person) != (all, all, own) {
        ledger.violate(format!(
            "usage is {in_bucket:?} of the bucket, {in_tenancy:?} of the tenancy, {of_person:?} of the person, and \
             should be {all:?} and {own:?}"
        ));
    }
    Ok(())
}

/// The engine keeps the blobs that records name, and no others.
async fn compare_blobs(caller: &Caller, blobs: &dyn Blobs) -> Result<(), ObjectError> {
    let kept = blobs.list(None, 1024).await?.len();
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
