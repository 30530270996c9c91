//! The requests of clients on objects: each asks the store and tells the ledger what was asked and answered.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use access::{Grant, action};
use bytes::Bytes;
use objects::listing::{After, Entry, Filter, ListObjects, ListedObject};
use objects::object::{CopyRequest, MetadataDirective, ObjectMetadata, PutRequest, Read, ReadRequest, Selection};
use objects::{ObjectError, SeenObject};
use types::{ByteRange, Conditions, EtagMatch, VersionId};

use crate::caller::Caller;
use crate::content::{Body, Recipe, md5};
use crate::dice::Dice;
use crate::ledger::{KEYS, Seen};
use crate::model::{Answer, Name, Request, Stored, Tag, Versioning};

/// Lets others go first, once.
pub(crate) struct Pause(bool);

impl Pause {
    pub(crate) fn new() -> Self {
        Self(false)
    }
}

impl Future for Pause {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        if std::mem::replace(&mut self.0, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    }
}

/// Metadata that says who wrote it.
pub(crate) fn signed(tag: Tag) -> ObjectMetadata {
    ObjectMetadata { content_type: Some(format!("request/{tag}")), ..ObjectMetadata::default() }
}

/// Sizes around every limit of the engine: nothing, packed, at the inline limit, a file, a file of several blocks.
pub(crate) fn size(dice: &Dice, inline_bytes: usize) -> usize {
    let (small, spread) = match dice.below(12) {
        0 => (0, 1),
        1..=4 => (1, 600),
        5 | 6 => (600, 8000),
        7 => (inline_bytes - 1, 3),
        8 | 9 => (inline_bytes + 1, 60_000),
        10 => (60_000, 90_000),
        _ => (130_000, 500_000),
    };
    small + usize::try_from(dice.below(spread)).unwrap_or(0)
}

/// What the conditions of a write may be: a tag that is or was there, or that nothing is.
fn conditions(caller: &Caller, dice: &Dice, key: &str) -> Conditions {
    let ledger = caller.ledger.borrow();
    let tags: Vec<_> = ledger.keys[key].some_versions().iter().filter_map(|version| version.stored.as_ref()).collect();
    let mut conditions = Conditions::default();
    match dice.below(10) {
        0 => conditions.if_none_match = Some(EtagMatch::Any),
        1 => conditions.if_match = Some(EtagMatch::Any),
        2 | 3 => conditions.if_match = dice.pick(&tags).map(|stored| EtagMatch::Tags(vec![stored.etag()])),
        _ => {}
    }
    conditions
}

fn write_of(stored: &Stored, conditions: &Conditions) -> Request {
    Request::Write {
        stored: stored.clone(),
        if_match: conditions.if_match.clone(),
        if_none_match: conditions.if_none_match.clone(),
    }
}

/// Checks the version id that a write tells, and notes it.
pub(crate) fn told_version(caller: &Caller, tag: Tag, told: Option<VersionId>) {
    let mut ledger = caller.ledger.borrow_mut();
    match (ledger.versioning, told) {
        (Versioning::Unversioned | Versioning::Suspended, None) => {}
        (Versioning::Enabled, Some(id @ VersionId::Id(_))) => ledger.learn(tag, id),
        (versioning, told) => ledger.violate(format!("request {tag} told version {told:?} where it is {versioning:?}")),
    }
}

/// PutObject.
pub(crate) async fn put(caller: &Caller, dice: &Dice, key: &str, size: usize) {
    let tag = caller.ledger.borrow_mut().tag();
    let recipe = Recipe::one(tag, size);
    let body = Bytes::from(recipe.bytes());
    let stored = Stored { etag: (md5(&body), 0), recipe };
    let conditions = conditions(caller, dice, key);
    {
        let mut ledger = caller.ledger.borrow_mut();
        ledger.written.insert(tag, stored.clone());
        ledger.ask(tag, key, write_of(&stored, &conditions));
    }
    let request = PutRequest { metadata: signed(tag), acl: None, conditions };
    let outcome = caller.objects.put_object(&caller.on(key, None), request, &mut Body::new(body)).await;
    if let Ok(written) = &outcome {
        told_version(caller, tag, written.version);
        if written.etag != stored.etag() {
            caller.ledger.borrow_mut().violate(format!("request {tag} was told another ETag"));
        }
    }
    let mut ledger = caller.ledger.borrow_mut();
    if ledger.is_refused(tag, &outcome) {
        return ledger.withdraw(tag, key);
    }
    let answer = match &outcome {
        Ok(_) => Some(Answer::Written),
        Err(error) => ledger.judge(tag, error),
    };
    ledger.answer(tag, key, answer);
}

/// DeleteObject, of the key or of a version of it that is or was there.
pub(crate) async fn delete(caller: &Caller, dice: &Dice, key: &str) {
    let tag = caller.ledger.borrow_mut().tag();
    let name = if dice.chance(45) { known_version(caller, dice, key) } else { None };
    let request = name.map_or(Request::Delete, |(name, _)| Request::DeleteVersion(name));
    caller.ledger.borrow_mut().ask(tag, key, request);
    let grant = caller.on::<action::DeleteObject>(key, name.map(|(_, id)| id));
    let outcome = caller.objects.delete_object(&grant, &Conditions::default()).await;
    if let (Ok(deleted), None) = (&outcome, name) {
        told_marker(caller, tag, deleted.version);
    }
    let mut ledger = caller.ledger.borrow_mut();
    let answer = match &outcome {
        Ok(deleted) => Some(Answer::Deleted(deleted.delete_marker)),
        Err(error) => ledger.judge(tag, error),
    };
    ledger.answer(tag, key, answer);
}

fn told_marker(caller: &Caller, tag: Tag, told: Option<VersionId>) {
    if let Some(id) = told {
        caller.ledger.borrow_mut().learn(tag, id);
    }
}

/// A version that can be named, with its id.
fn known_version(caller: &Caller, dice: &Dice, key: &str) -> Option<(Name, VersionId)> {
    let ledger = caller.ledger.borrow();
    let versions = ledger.keys[key].some_versions();
    let known: Vec<_> =
        versions.iter().filter_map(|version| ledger.id(version.name).map(|id| (version.name, id))).collect();
    if known.is_empty() || dice.chance(10) {
        return Some((Name::Null, VersionId::Null));
    }
    dice.pick(&known).copied()
}

/// GetObject, of a version or a range now and then, or HeadObject.
pub(crate) async fn get(caller: &Caller, dice: &Dice, key: &str) {
    let name = if dice.chance(30) { known_version(caller, dice, key) } else { None };
    if dice.chance(15) {
        return head_this(caller, key, name).await;
    }
    let selection = match dice.below(5) {
        0 => Selection::Range(ByteRange::From { first: dice.below(70_000), last: Some(70_000 + dice.below(90_000)) }),
        1 => Selection::Range(ByteRange::Suffix { length: 1 + dice.below(70_000) }),
        _ => Selection::Whole,
    };
    let pauses = if dice.chance(40) { dice.below(6) } else { 0 };
    get_this(caller, key, name, selection, pauses).await;
}

/// Reads an object and compares every byte.
pub(crate) async fn get_this(
    caller: &Caller,
    key: &str,
    name: Option<(Name, VersionId)>,
    selection: Selection,
    pauses: u64,
) {
    let tag = caller.ledger.borrow_mut().ask_anew(key, Request::Read(name.map(|(name, _)| name)));
    let grant = caller.on::<action::GetObject>(key, name.map(|(_, id)| id));
    let request = ReadRequest { selection, conditions: Conditions::default() };
    let outcome = match looked_up(caller, &grant, pauses).await {
        Ok(seen) => caller.objects.get_object(&grant, &request, seen).await,
        Err(error) => Err(error),
    };
    let read = match outcome {
        Ok(read) => read,
        Err(ObjectError::InvalidRange(_)) => {
            // Which version that was is not told, so this read says nothing.
            caller.ledger.borrow_mut().answer(tag, key, None);
            return;
        }
        Err(error) => {
            let mut ledger = caller.ledger.borrow_mut();
            let answer = ledger.judge(tag, &error);
            ledger.answer(tag, key, answer);
            return;
        }
    };
    let writer = caller.ledger.borrow_mut().writer(&Seen::read(&read.head.info));
    caller.ledger.borrow_mut().answer(tag, key, writer.map(Answer::Found));
    if let Some(writer) = writer {
        // The object may be replaced and retired now: the body stays readable.
        for _ in 0..pauses {
            Pause::new().await;
        }
        compare(caller, tag, writer, read).await;
    }
}

/// What a decision about the object would look at first, every other time: it goes on with that however it was replaced.
async fn looked_up(
    caller: &Caller,
    grant: &Grant<action::GetObject>,
    pauses: u64,
) -> Result<Option<SeenObject>, ObjectError> {
    if pauses.is_multiple_of(2) {
        return Ok(None);
    }
    let seen = caller.objects.look_up(grant.target().clone()).await?;
    for _ in 0..pauses {
        Pause::new().await;
    }
    Ok(seen)
}

/// HeadObject.
pub(crate) async fn head_this(caller: &Caller, key: &str, name: Option<(Name, VersionId)>) {
    let tag = caller.ledger.borrow_mut().ask_anew(key, Request::Read(name.map(|(name, _)| name)));
    let grant = caller.on::<action::GetObject>(key, name.map(|(_, id)| id));
    let outcome = caller.objects.head_object(&grant, &ReadRequest::default(), None).await;
    let mut ledger = caller.ledger.borrow_mut();
    let answer = match outcome {
        Ok(head) => ledger.writer(&Seen::read(&head.info)).map(Answer::Found),
        Err(error) => ledger.judge(tag, &error),
    };
    ledger.answer(tag, key, answer);
}

async fn compare(caller: &Caller, tag: Tag, writer: Tag, read: Read) {
    let whole = caller.ledger.borrow().written[&writer].recipe.bytes();
    let range = read.head.range.clone().unwrap_or(0..whole.len() as u64);
    let outcome = read.body.collect().await;
    let mut ledger = caller.ledger.borrow_mut();
    match outcome {
        Ok(body) => {
            let bounds = usize::try_from(range.start).unwrap_or(usize::MAX)..usize::try_from(range.end).unwrap_or(0);
            if whole.get(bounds) != Some(&body[..]) {
                ledger.violate(format!("request {tag} read other bytes than request {writer} wrote in {range:?}"));
            }
        }
        Err(error) => ledger.excuse(tag, &error.into()),
    }
}

/// CopyObject, of a version that the client has seen. It names the tag that it has seen, so that what is copied is known.
pub(crate) async fn copy(caller: &Caller, from: &str, to: &str) {
    let Some((read_tag, tag, seen, source)) = plan_copy(caller, from, to) else { return };
    let request = CopyRequest {
        metadata: MetadataDirective::Replace(signed(tag)),
        storage_class: None,
        acl: None,
        source_conditions: Conditions { if_match: Some(EtagMatch::Tags(vec![source.etag()])), ..Conditions::default() },
        conditions: Conditions::default(),
        checksum_algorithm: None,
    };
    let outcome = caller.objects.copy_object(&caller.on(from, None), &caller.on(to, None), request).await;
    if let Ok(copied) = &outcome {
        told_version(caller, tag, copied.written.version);
    }
    let mut ledger = caller.ledger.borrow_mut();
    if ledger.is_refused(tag, &outcome) {
        ledger.answer(read_tag, from, None);
        return ledger.withdraw(tag, to);
    }
    match &outcome {
        Ok(_) => {
            // Copies have their source's tag: only where one version has it, the source is certain.
            let sources = ledger.written.values().filter(|stored| stored.etag == source.etag).count();
            let read = Some(Answer::Found(seen)).filter(|_| sources == 2);
            ledger.answer(read_tag, from, read);
            ledger.answer(tag, to, Some(Answer::Written));
        }
        Err(ObjectError::PreconditionFailed { .. } | ObjectError::NoSuchKey) => {
            // The source is another by now. Nothing was written.
            ledger.answer(read_tag, from, None);
            ledger.keys.entry(to.to_owned()).or_default().withdraw(tag);
        }
        Err(error) => {
            ledger.answer(read_tag, from, None);
            ledger.excuse(tag, error);
            ledger.answer(tag, to, None);
        }
    }
}

fn plan_copy(caller: &Caller, from: &str, to: &str) -> Option<(Tag, Tag, Tag, Stored)> {
    let mut ledger = caller.ledger.borrow_mut();
    let current = ledger.keys[from].some_versions().first()?;
    let (seen, source) = (current.tag, current.stored.clone()?);
    let (read_tag, tag) = (ledger.tag(), ledger.tag());
    ledger.written.insert(tag, source.clone());
    ledger.ask(read_tag, from, Request::Read(None));
    ledger.ask(tag, to, Request::Write { stored: source.clone(), if_match: None, if_none_match: None });
    Some((read_tag, tag, seen, source))
}

/// ListObjectsV2, in pages of any size: each key is as it was at some moment of the listing.
pub(crate) async fn list(caller: &Caller, dice: &Dice) {
    let tag = {
        let mut ledger = caller.ledger.borrow_mut();
        let tag = ledger.tag();
        KEYS.iter().for_each(|key| ledger.ask(tag, key, Request::List));
        tag
    };
    let max_keys = usize::try_from(1 + dice.below(9)).unwrap_or(1);
    let mut found: Vec<(String, Answer)> = Vec::new();
    let mut after = After::default();
    let complete = loop {
        let filter = Filter { max_keys, ..Filter::default() };
        let mut page: Vec<(String, Seen)> = Vec::new();
        let keep = |entry: Entry<'_, ListedObject<'_>>| {
            if let Entry::Key(object) = entry {
                page.push((object.key.to_owned(), Seen::listed(&object.version, &object.content)));
            }
        };
        match caller.objects.list_objects(&caller.on_bucket(), &ListObjects { filter, after }, keep).await {
            Ok(next) => {
                let mut ledger = caller.ledger.borrow_mut();
                for (key, seen) in page {
                    let writer = ledger.writer(&seen);
                    found.extend(writer.map(|tag| (key, Answer::Found(tag))));
                }
                match next {
                    Some(next) => after = next,
                    None => break true,
                }
            }
            Err(error) => {
                caller.ledger.borrow_mut().excuse(tag, &error);
                break false;
            }
        }
        Pause::new().await;
    };
    let mut ledger = caller.ledger.borrow_mut();
    if !found.is_sorted_by(|left, right| left.0 < right.0) {
        ledger.violate(format!("listing {tag} is out of order: {found:?}"));
    }
    for key in KEYS {
        let listed = found.iter().find(|(found, _)| found == key).map_or(Answer::Missing, |(_, answer)| *answer);
        ledger.answer(tag, key, Some(listed).filter(|_| complete));
    }
}
