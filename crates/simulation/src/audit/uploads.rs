//! Multipart uploads: which there are, and their parts.

use std::collections::BTreeMap;

use access::action;
use objects::ObjectError;
use objects::listing::{Filter, ListUploads};
use types::UploadId;

use super::listings::Shown;
use super::{PAGE, listings};
use crate::caller::Caller;
use crate::dice::Dice;
use crate::ledger::{Part, UploadState};
use crate::model::Tag;

async fn list(caller: &Caller, filter: &Filter) -> Result<(Vec<(String, UploadId)>, Vec<String>), ObjectError> {
    let (mut found, mut prefixes) = (Vec::new(), Vec::new());
    let mut request = ListUploads { filter: filter.clone(), ..ListUploads::default() };
    loop {
        let page = caller.objects.list_uploads(&caller.on_bucket(), &request).await?;
        found.extend(page.uploads.iter().map(|upload| (upload.key.as_str().to_owned(), upload.upload)));
        prefixes.extend(page.common_prefixes);
        let Some((key, upload)) = page.next else { return Ok((found, prefixes)) };
        (request.key_marker, request.upload_id_marker) = (key, upload);
    }
}

async fn list_all(caller: &Caller) -> Result<Vec<(String, UploadId)>, ObjectError> {
    Ok(list(caller, &Filter { max_keys: PAGE, ..Filter::default() }).await?.0)
}

/// Each upload is there, or gone, as was acknowledged. Nothing of one whose completion was broken off is left.
pub(super) async fn compare(caller: &Caller, dice: &Dice) -> Result<(), ObjectError> {
    let found = list_all(caller).await?;
    compare_filtered(caller, dice, &found).await?;
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
            (UploadState::Open, true) => compare_parts(caller, dice, tag, &key, id).await?,
            (UploadState::Open, false) => caller.ledger.borrow_mut().violate(format!("upload {tag} is gone")),
            (UploadState::Gone, true) => caller.ledger.borrow_mut().violate(format!("upload {tag} came back")),
            (UploadState::Gone, false) | (UploadState::Ending, _) => {}
        }
    }
    Ok(())
}

/// Lists by prefix and delimiter, and compares with what the whole listing gives.
async fn compare_filtered(caller: &Caller, dice: &Dice, all: &[(String, UploadId)]) -> Result<(), ObjectError> {
    let filter = listings::filter(dice);
    let found = list(caller, &filter).await?;
    let mut expected = (Vec::new(), Vec::new());
    for (key, upload) in all {
        match listings::shown(key, &filter) {
            Some(Shown::AsItself) => expected.0.push((key.clone(), *upload)),
            Some(Shown::As(prefix)) => expected.1.push(prefix),
            None => {}
        }
    }
    expected.1.dedup();
    if found != expected {
        caller.ledger.borrow_mut().violate(format!("the uploads by {filter:?} are {found:?}, not {expected:?}"));
    }
    Ok(())
}

async fn compare_parts(caller: &Caller, dice: &Dice, tag: Tag, key: &str, id: UploadId) -> Result<(), ObjectError> {
    let grant = caller.on::<action::ListMultipartUploadParts>(key, None);
    let max = usize::try_from(1 + dice.below(3)).unwrap_or(1);
    let (mut parts, mut after) = (Vec::new(), 0);
    loop {
        let page = caller.objects.list_parts(&grant, id, after, max).await?;
        parts.extend(page.parts);
        let Some(next) = page.next else { break };
        after = next;
    }
    let mut ledger = caller.ledger.borrow_mut();
    let mut wrong = None;
    if let Some(upload) = ledger.uploads.get_mut(&tag) {
        for (number, values) in &mut upload.parts {
            let listed = parts.iter().find(|part| part.number == *number);
            values.retain(|value| match (value, listed) {
                (None, None) => true,
                (Some(Part { stored }), Some(listed)) => {
                    listed.etag == Some(stored.etag()) && listed.size == stored.recipe.length()
                }
                _ => false,
            });
            // Bodies of a byte or two may be the same, and then it does not matter whose they are.
            values.dedup_by_key(|value| value.as_ref().map(|part| part.stored.etag));
            if values.is_empty() {
                wrong = Some(format!("part {number} of upload {tag} is {listed:?}"));
            }
        }
        if !parts.is_sorted_by(|left, right| left.number < right.number) {
            wrong = Some(format!("the parts of upload {tag} are out of order"));
        }
        if parts.iter().any(|part| !upload.parts.contains_key(&part.number)) {
            wrong = Some(format!("upload {tag} has parts that nobody sent"));
        }
    }
    wrong.into_iter().for_each(|what| ledger.violate(what));
    Ok(())
}

/// After opening and recovery nothing is half done: what is open is settled by looking, and uploads that nobody knows
/// are given up.
pub(crate) async fn settle_uploads(caller: &Caller) -> Result<(), ObjectError> {
    let found = list_all(caller).await?;
    let mut unknown = Vec::new();
    {
        let mut ledger = caller.ledger.borrow_mut();
        let known: BTreeMap<UploadId, Tag> = ledger.uploads.iter().map(|(tag, upload)| (upload.id, *tag)).collect();
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
