//! What the run knows: the model of every key, the uploads, and which version got which id.

use std::collections::BTreeMap;

use objects::listing::{ContentSummary, VersionSummary};
use objects::object::ObjectInfo;
use objects::{ObjectError, Versioning};
use storage::StorageError;
use types::{ETag, UploadId, VersionId};

use crate::model::{Answer, Key, Name, Request, Stored, Tag};

/// The keys of the run: one inside the other's prefix, and one that is escaped in the store.
pub(crate) const KEYS: [&str; 7] = ["a", "a/b", "a/c", "a/c/d", "b", "b\u{1}\u{0}x", "é/ü"];

/// An object as whoever reads or lists it sees it.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    version: VersionId,
    size: u64,
    etag: ETag,
    content_type: Option<String>,
}

impl Seen {
    pub(crate) fn read(info: &ObjectInfo) -> Self {
        let ObjectInfo { version, size, etag, .. } = *info;
        Self { version, size, etag, content_type: info.metadata.content_type.clone() }
    }

    pub(crate) fn listed(version: &VersionSummary<'_>, content: &ContentSummary<'_>) -> Self {
        let ContentSummary { size, etag, content_type, .. } = *content;
        Self { version: version.id, size, etag, content_type: content_type.map(str::to_owned) }
    }
}

/// A part of an upload.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Part {
    pub(crate) stored: Stored,
}

/// How far an upload came.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum UploadState {
    Open,
    /// A completion or an abort was asked for, and its outcome is open.
    Ending,
    Gone,
}

/// An upload whose creation was acknowledged.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) client: usize,
    pub(crate) key: String,
    pub(crate) id: UploadId,
    pub(crate) state: UploadState,
    /// What each part may be. One value is certain; `None` is an absent part.
    pub(crate) parts: BTreeMap<u16, Vec<Option<Part>>>,
}

impl Upload {
    /// The parts, where all are certain and there is one.
    pub(crate) fn certain_parts(&self) -> Option<Vec<(u16, &Part)>> {
        let parts = self.parts.iter().map(|(number, values)| match values.as_slice() {
            [value] => Some(value.as_ref().map(|part| (*number, part))),
            _ => None,
        });
        let parts: Option<Vec<_>> = parts.collect();
        parts.map(|parts| parts.into_iter().flatten().collect())
    }
}

/// Everything that is known.
#[derive(Debug)]
pub(crate) struct Ledger {
    next: Tag,
    pub(crate) keys: BTreeMap<String, Key>,
    pub(crate) ids: BTreeMap<Tag, VersionId>,
    pub(crate) written: BTreeMap<Tag, Stored>,
    pub(crate) uploads: BTreeMap<Tag, Upload>,
    /// Creations of uploads whose outcome is open.
    pub(crate) doubtful_uploads: usize,
    pub(crate) versioning: Versioning,
    /// What versioning may be after a change whose outcome is open.
    pub(crate) versioning_in_doubt: Option<Versioning>,
    /// Whether the disk was made to fail since the store was opened.
    pub(crate) faulty: bool,
    /// How many bytes the tenancy may hold, where that is limited since the store was opened.
    pub(crate) limit_bytes: Option<u64>,
    /// Requests that were answered.
    pub(crate) answers: u64,
    /// Changes with every answer, so that two runs can be compared.
    pub(crate) digest: u64,
    pub(crate) violation: Option<String>,
    /// All that happened, for the report of a violation.
    pub(crate) events: Vec<String>,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            next: 0,
            keys: KEYS.iter().map(|key| ((*key).to_owned(), Key::default())).collect(),
            ids: BTreeMap::new(),
            written: BTreeMap::new(),
            uploads: BTreeMap::new(),
            doubtful_uploads: 0,
            versioning: Versioning::Unversioned,
            versioning_in_doubt: None,
            faulty: false,
            limit_bytes: None,
            answers: 0,
            digest: 0,
            violation: None,
            events: Vec::new(),
        }
    }

    /// A tag that nothing has yet.
    pub(crate) fn tag(&mut self) -> Tag {
        self.next += 1;
        self.next
    }

    pub(crate) fn event(&mut self, event: String) {
        for byte in event.bytes() {
            self.digest = (self.digest ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3);
        }
        self.events.push(event);
    }

    /// Something is wrong. The first thing stays.
    pub(crate) fn violate(&mut self, what: String) {
        self.event(format!("VIOLATION {what}"));
        self.violation.get_or_insert(what);
    }

    /// Asks under a tag of its own.
    pub(crate) fn ask_anew(&mut self, key: &str, request: Request) -> Tag {
        let tag = self.tag();
        self.ask(tag, key, request);
        tag
    }

    pub(crate) fn ask(&mut self, tag: Tag, key: &str, request: Request) {
        self.event(format!("{tag} asks {key:?} {}", short(&request)));
        let versioning = self.versioning;
        self.keys.entry(key.to_owned()).or_default().ask(tag, request, versioning);
    }

    /// Takes an answer, or notes that there will be none.
    pub(crate) fn answer(&mut self, tag: Tag, key: &str, answer: Option<Answer>) {
        self.event(format!("{tag} is answered {answer:?}"));
        self.answers += 1;
        let model = self.keys.entry(key.to_owned()).or_default();
        let outcome = match answer {
            Some(answer) => model.answered(tag, answer),
            None => {
                model.unanswered(tag);
                Ok(())
            }
        };
        if let Err(what) = outcome {
            self.violate(format!("key {key:?}: {what}"));
        }
    }

    /// The answer that an error stands for; `None` where it leaves the outcome open.
    pub(crate) fn judge(&mut self, tag: Tag, error: &ObjectError) -> Option<Answer> {
        match error {
            ObjectError::PreconditionFailed { .. } => return Some(Answer::PreconditionFailed),
            ObjectError::NoSuchKey | ObjectError::NoSuchVersion => return Some(Answer::Missing),
            ObjectError::DeleteMarker { .. } | ObjectError::MethodNotAllowedOnDeleteMarker { .. } => {
                return Some(Answer::Marker);
            }
            _ => self.excuse(tag, error),
        }
        None
    }

    /// Whether a request was refused by the quota, and so left nothing behind; checks that it can have been.
    pub(crate) fn is_refused<T>(&mut self, tag: Tag, outcome: &Result<T, ObjectError>) -> bool {
        let Err(ObjectError::QuotaExceeded(exceeded)) = outcome else { return false };
        self.event(format!("{tag} is refused: {exceeded}"));
        if self.limit_bytes != Some(exceeded.limit) || exceeded.added == 0 {
            self.violate(format!("request {tag} was refused by a limit that is none: {exceeded:?}"));
        }
        true
    }

    /// A write was refused and never will be done.
    pub(crate) fn withdraw(&mut self, tag: Tag, key: &str) {
        self.answers += 1;
        let model = self.keys.entry(key.to_owned()).or_default();
        model.withdraw(tag);
        if model.is_impossible() {
            self.violate(format!("key {key:?}: request {tag} was refused, and what followed shows that it was done"));
        }
    }

    /// Checks that an error is one that faults explain.
    pub(crate) fn excuse(&mut self, tag: Tag, error: &ObjectError) {
        self.event(format!("{tag} fails: {error}"));
        let explained = match error {
            ObjectError::Storage(StorageError::Io(_) | StorageError::Full | StorageError::ReadOnly(_)) => self.faulty,
            ObjectError::Contention | ObjectError::ConditionalRequestConflict => true,
            _ => false,
        };
        if !explained {
            self.violate(format!("request {tag} failed for no reason: {error:?}"));
        }
    }

    /// Notes the id of the version that a request made, and that it is the only one.
    pub(crate) fn learn(&mut self, tag: Tag, id: VersionId) {
        if id == VersionId::Null {
            return;
        }
        let known = *self.ids.entry(tag).or_insert(id);
        if known != id {
            self.violate(format!("the version of request {tag} is {id}, and was {known}"));
        }
    }

    /// The request that wrote what was seen, if it is what that request wrote.
    pub(crate) fn writer(&mut self, seen: &Seen) -> Option<Tag> {
        let text = seen.content_type.as_deref().and_then(|text| text.strip_prefix("request/"));
        let tag = text.and_then(|text| text.parse().ok());
        let written = tag.and_then(|tag| self.written.get(&tag));
        match (tag, written) {
            (Some(tag), Some(stored)) if stored.etag() == seen.etag && stored.recipe.length() == seen.size => {
                self.learn(tag, seen.version);
                Some(tag)
            }
            _ => {
                self.violate(format!("nobody wrote {seen:?}"));
                None
            }
        }
    }

    /// The id by which a client can name a version.
    pub(crate) fn id(&self, name: Name) -> Option<VersionId> {
        match name {
            Name::Null => Some(VersionId::Null),
            Name::Of(tag) => self.ids.get(&tag).copied(),
        }
    }

    /// Whether every outcome is known.
    pub(crate) fn is_certain(&self) -> bool {
        self.doubtful_uploads == 0
            && self.keys.values().all(|key| key.lost() == 0)
            && self.uploads.values().all(|upload| {
                upload.state != UploadState::Ending
                    && (upload.state == UploadState::Gone || upload.certain_parts().is_some())
            })
    }
}

fn short(request: &Request) -> String {
    match request {
        Request::Write { stored, if_match, if_none_match } => {
            let conditions = (if_match.is_some(), if_none_match.is_some());
            format!("Write({} bytes, conditions {conditions:?})", stored.recipe.length())
        }
        other => format!("{other:?}"),
    }
}
