//! The requests of clients on multipart uploads. An upload belongs to the client that began it, which does one thing to
//! it at a time; the object that becomes of it is anybody's.

use access::action;
use bytes::Bytes;
use objects::ObjectError;
use objects::multipart::{CompleteUpload, CompletedPart, NewUpload, WrittenPart};
use types::{Conditions, ETag, EtagMatch, UploadId};

use crate::caller::Caller;
use crate::client::{signed, size, told_version};
use crate::content::{Body, Recipe, md5};
use crate::dice::Dice;
use crate::ledger::{Part, Upload, UploadState};
use crate::model::{Answer, Request, Stored, Tag};

/// The smallest part that may be followed by another, in bytes.
const MIN_PART_BYTES: usize = 5 << 20;
/// Parts that an upload gets before it is ended.
const PARTS: usize = 3;

/// CreateMultipartUpload.
pub(crate) async fn create(caller: &Caller, client: usize, key: &str) {
    let tag = {
        let mut ledger = caller.ledger.borrow_mut();
        ledger.doubtful_uploads += 1;
        ledger.tag()
    };
    let request = NewUpload { metadata: signed(tag), acl: None, checksum: None };
    let outcome = caller.objects.create_upload(&caller.on(key, None), request).await;
    let mut ledger = caller.ledger.borrow_mut();
    if ledger.is_refused(tag, &outcome) {
        ledger.doubtful_uploads -= 1;
        return;
    }
    match outcome {
        Ok(initiated) => {
            ledger.doubtful_uploads -= 1;
            ledger.event(format!("{tag} began an upload for {key:?}"));
            let (id, state, key) = (initiated.upload, UploadState::Open, key.to_owned());
            ledger.uploads.insert(tag, Upload { client, key, id, state, parts: Default::default() });
        }
        Err(error) => ledger.excuse(tag, &error),
    }
}

/// Goes on with the upload `tag`: another part, a completion, or an abort.
pub(crate) async fn go_on(caller: &Caller, dice: &Dice, tag: Tag, inline_bytes: usize) {
    let (key, id, parts, certain) = {
        let ledger = caller.ledger.borrow();
        let upload = &ledger.uploads[&tag];
        (upload.key.clone(), upload.id, upload.parts.len(), upload.certain_parts().is_some())
    };
    if !certain || dice.chance(10) {
        abort(caller, tag, &key, id).await;
    } else if parts == 0 || (parts < PARTS && dice.chance(55)) {
        part(caller, dice, tag, &key, id, inline_bytes).await;
    } else {
        complete(caller, dice, tag, &key, id).await;
    }
}

async fn part(caller: &Caller, dice: &Dice, upload: Tag, key: &str, id: UploadId, inline_bytes: usize) {
    let number = u16::try_from(1 + dice.below(3)).unwrap_or(1);
    let source = if dice.chance(25) { copyable(caller, dice) } else { None };
    let request = caller.ledger.borrow_mut().tag();
    let recipe = match &source {
        Some((_, stored)) => stored.recipe.clone(),
        // Long enough to be followed by another now and then, which is dear.
        None if dice.chance(12) => Recipe::one(request, MIN_PART_BYTES + size(dice, inline_bytes)),
        None => Recipe::one(request, 1 + size(dice, inline_bytes)),
    };
    let body = Bytes::from(recipe.bytes());
    let part = Part { stored: Stored { etag: (md5(&body), 0), recipe } };
    {
        let mut ledger = caller.ledger.borrow_mut();
        ledger.event(format!("{request} is part {number} of {upload}, {} bytes", body.len()));
        if let Some(upload) = ledger.uploads.get_mut(&upload) {
            upload.parts.entry(number).or_insert_with(|| vec![None]).push(Some(part.clone()));
        }
    }
    let outcome = match &source {
        None => caller.objects.upload_part(&caller.on(key, None), id, number, &mut Body::new(body)).await,
        Some((from, stored)) => {
            let named = Some(EtagMatch::Tags(vec![stored.etag()]));
            let conditions = Conditions { if_match: named, ..Conditions::default() };
            let (from, to) = (caller.on(from, None), caller.on(key, None));
            caller.objects.upload_part_copy(&from, &to, id, number, None, &conditions).await
        }
    };
    settle_part(caller, request, upload, number, part, outcome);
}

fn settle_part(
    caller: &Caller,
    request: Tag,
    upload: Tag,
    number: u16,
    part: Part,
    outcome: Result<WrittenPart, ObjectError>,
) {
    let mut ledger = caller.ledger.borrow_mut();
    ledger.event(format!("{request} is answered {:?}", outcome.as_ref().map(|_| ())));
    let is_refused = ledger.is_refused(request, &outcome);
    match &outcome {
        Ok(written) if written.etag != part.stored.etag() => {
            ledger.violate(format!("part {request} was told another ETag"));
        }
        Err(ObjectError::PreconditionFailed { .. } | ObjectError::NoSuchKey) | Ok(_) => {}
        Err(_) if is_refused => {}
        Err(error) => ledger.excuse(request, error),
    }
    let Some(values) = ledger.uploads.get_mut(&upload).and_then(|upload| upload.parts.get_mut(&number)) else { return };
    match outcome {
        Ok(_) => *values = vec![Some(part)],
        Err(ObjectError::PreconditionFailed { .. } | ObjectError::NoSuchKey | ObjectError::QuotaExceeded(_)) => {
            values.pop();
        }
        Err(_) => {}
    }
}

/// An object that a client has seen and that is not empty.
fn copyable(caller: &Caller, dice: &Dice) -> Option<(String, Stored)> {
    let ledger = caller.ledger.borrow();
    let current = ledger.keys.iter().filter_map(|(key, model)| {
        let stored = model.some_versions().first()?.stored.clone()?;
        (stored.recipe.length() > 0).then(|| (key.clone(), stored))
    });
    let current: Vec<_> = current.collect();
    dice.pick(&current).cloned()
}

async fn complete(caller: &Caller, dice: &Dice, tag: Tag, key: &str, id: UploadId) {
    let Some((stored, named)) = plan(caller, tag) else { return };
    let conditions = match dice.below(6) {
        0 => Conditions { if_none_match: Some(EtagMatch::Any), ..Conditions::default() },
        1 => Conditions { if_match: Some(EtagMatch::Any), ..Conditions::default() },
        _ => Conditions::default(),
    };
    // Each attempt to complete is a request of its own, but what it writes bears the upload's tag.
    {
        let mut ledger = caller.ledger.borrow_mut();
        ledger.written.insert(tag, stored.clone());
        set(&mut ledger.uploads, tag, UploadState::Ending);
        let (if_match, if_none_match) = (conditions.if_match.clone(), conditions.if_none_match.clone());
        ledger.ask(tag, key, Request::Write { stored: stored.clone(), if_match, if_none_match });
    }
    let request = CompleteUpload { parts: named, checksum: None, checksum_type: None, size: None, conditions };
    let outcome = caller.objects.complete_upload(&caller.on(key, None), id, request).await;
    if let Ok(written) = &outcome {
        told_version(caller, tag, written.version);
    }
    let mut ledger = caller.ledger.borrow_mut();
    match &outcome {
        Ok(written) => {
            if written.etag != stored.etag() {
                ledger.violate(format!("upload {tag} was told another ETag"));
            }
            set(&mut ledger.uploads, tag, UploadState::Gone);
            ledger.answer(tag, key, Some(Answer::Written));
        }
        Err(ObjectError::EntityTooSmall { .. }) => {
            let fits = ledger.uploads[&tag].certain_parts().is_some_and(|parts| !is_too_small(&parts));
            if fits {
                ledger.violate(format!("the parts of {tag} are large enough"));
            }
            set(&mut ledger.uploads, tag, UploadState::Open);
            ledger.keys.entry(key.to_owned()).or_default().withdraw(tag);
        }
        Err(error) => {
            let answer = ledger.judge(tag, error);
            let state = if answer.is_some() { UploadState::Open } else { UploadState::Ending };
            set(&mut ledger.uploads, tag, state);
            ledger.answer(tag, key, answer);
        }
    }
}

fn set(uploads: &mut std::collections::BTreeMap<Tag, Upload>, tag: Tag, state: UploadState) {
    if let Some(upload) = uploads.get_mut(&tag) {
        upload.state = state;
    }
}

fn is_too_small(parts: &[(u16, &Part)]) -> bool {
    let all_but_last = parts.split_last().map_or(&[][..], |(_, rest)| rest);
    all_but_last.iter().any(|(_, part)| part.stored.recipe.length() < MIN_PART_BYTES as u64)
}

/// What the upload becomes, and its parts as the client names them: all, or only the last where others are too small.
fn plan(caller: &Caller, tag: Tag) -> Option<(Stored, Vec<CompletedPart>)> {
    let ledger = caller.ledger.borrow();
    let mut parts = ledger.uploads[&tag].certain_parts()?;
    if is_too_small(&parts) && !tag.is_multiple_of(4) {
        parts = parts.split_off(parts.len() - 1);
    }
    let mut md5s = Vec::new();
    let mut recipe = Recipe::default();
    let mut named = Vec::new();
    for (number, part) in &parts {
        md5s.extend_from_slice(&part.stored.etag.0);
        recipe.0.extend(part.stored.recipe.0.iter().copied());
        named.push(CompletedPart { number: *number, etag: ETag::whole(part.stored.etag.0), checksum: None });
    }
    let count = u16::try_from(parts.len()).ok().filter(|count| *count > 0)?;
    Some((Stored { etag: (md5(&md5s), count), recipe }, named))
}

/// AbortMultipartUpload.
async fn abort(caller: &Caller, tag: Tag, key: &str, id: UploadId) {
    set(&mut caller.ledger.borrow_mut().uploads, tag, UploadState::Ending);
    let outcome = caller.objects.abort_upload(&caller.on::<action::AbortMultipartUpload>(key, None), id).await;
    let mut ledger = caller.ledger.borrow_mut();
    ledger.event(format!("{tag} is aborted: {:?}", outcome.is_ok()));
    match outcome {
        Ok(()) => set(&mut ledger.uploads, tag, UploadState::Gone),
        Err(error) => ledger.excuse(tag, &error),
    }
}
