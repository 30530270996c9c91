//! What S3 says of one key: its versions, what each request does to them, and which answers are right.
//!
//! Requests overlap, so there is not one state but a set of [`Possible`] ones: each is the outcome of some order of the
//! requests that fits all answers so far. An answer that fits none is a violation. A request without an answer (an error
//! that leaves the outcome open, a crash) may take effect at any time until the store is opened again, or never.

use std::collections::{BTreeMap, BTreeSet};

use types::{ETag, EtagMatch};

use crate::content::Recipe;

/// A request of the run. The tag of a write travels with what it wrote.
pub(crate) type Tag = u64;

/// How a version is named.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Name {
    /// The null version.
    Null,
    /// The version that got an id when this request was done.
    Of(Tag),
}

/// What a version holds.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Stored {
    /// MD5 and number of parts of its entity tag.
    pub(crate) etag: ([u8; 16], u16),
    pub(crate) recipe: Recipe,
}

impl Stored {
    pub(crate) fn etag(&self) -> ETag {
        ETag { md5: self.etag.0, parts: self.etag.1 }
    }
}

/// A version of a key.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Version {
    pub(crate) tag: Tag,
    pub(crate) name: Name,
    /// `None` is a delete marker.
    pub(crate) stored: Option<Stored>,
}

/// The versions of a key, newest first.
pub(crate) type Versions = Vec<Version>;

/// Whether the bucket keeps versions. It changes only while no request is under way.
pub(crate) type Versioning = objects::Versioning;

/// A request to one key.
#[derive(Clone, Debug)]
pub(crate) enum Request {
    /// PutObject, CompleteMultipartUpload, and the writing half of a copy.
    Write { stored: Stored, if_match: Option<EtagMatch>, if_none_match: Option<EtagMatch> },
    /// DeleteObject without a version id.
    Delete,
    /// DeleteObject with a version id.
    DeleteVersion(Name),
    /// GetObject, HeadObject, the reading half of a copy.
    Read(Option<Name>),
    /// A listing of current objects.
    List,
}

impl Request {
    fn is_read(&self) -> bool {
        matches!(self, Self::Read(_) | Self::List)
    }
}

/// What a request answers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Answer {
    Written,
    PreconditionFailed,
    /// There is no such key (or version).
    Missing,
    /// The current (or named) version is a delete marker.
    Marker,
    /// The version that this request wrote.
    Found(Tag),
    /// Done; whether a delete marker was made or removed.
    Deleted(bool),
}

/// One state that fits all answers so far.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
struct Possible {
    versions: Versions,
    /// Pending writes that have taken effect, with what they will answer.
    done: BTreeMap<Tag, Answer>,
    /// What each pending read may answer, for the moments since it was asked.
    seen: BTreeMap<Tag, BTreeSet<Answer>>,
}

/// A key with everything that may be true of it.
#[derive(Debug)]
pub(crate) struct Key {
    possible: BTreeSet<Possible>,
    pending: BTreeMap<Tag, (Request, Versioning)>,
    /// Pending writes whose answer will not come.
    lost: BTreeSet<Tag>,
}

impl Default for Key {
    fn default() -> Self {
        let empty = Possible { versions: Vec::new(), done: BTreeMap::new(), seen: BTreeMap::new() };
        Self { possible: BTreeSet::from([empty]), pending: BTreeMap::new(), lost: BTreeSet::new() }
    }
}

impl Key {
    /// A request is sent.
    pub(crate) fn ask(&mut self, tag: Tag, request: Request, versioning: Versioning) {
        if request.is_read() {
            let possible = std::mem::take(&mut self.possible).into_iter().map(|mut possible| {
                let answer = read(&possible.versions, &request);
                possible.seen.insert(tag, BTreeSet::from([answer]));
                possible
            });
            self.possible = possible.collect();
        }
        self.pending.insert(tag, (request, versioning));
    }

    /// A request was answered.
    ///
    /// # Errors
    /// Where no order of the requests gives this answer.
    pub(crate) fn answered(&mut self, tag: Tag, answer: Answer) -> Result<(), String> {
        let before = self.possible.clone();
        let has_answered = |possible: &Possible| match possible.seen.get(&tag) {
            Some(seen) => seen.contains(&answer).then_some(true),
            None => possible.done.get(&tag).map(|done| *done == answer),
        };
        let mut reached = BTreeSet::new();
        let mut open: Vec<Possible> = before.iter().cloned().collect();
        let mut met: BTreeSet<Possible> = before.clone();
        while let Some(possible) = open.pop() {
            match has_answered(&possible) {
                Some(true) => {
                    reached.insert(possible);
                }
                Some(false) => {}
                None => open.extend(self.next(&possible).into_iter().filter(|next| met.insert(next.clone()))),
            }
        }
        self.pending.remove(&tag);
        self.possible = reached
            .into_iter()
            .map(|mut possible| {
                possible.done.remove(&tag);
                possible.seen.remove(&tag);
                possible
            })
            .collect();
        if self.possible.is_empty() {
            return Err(format!("request {tag} answered {answer:?}, which fits none of {before:#?}"));
        }
        Ok(())
    }

    /// The answer of a request will not come. A read is over; a write may take effect later.
    pub(crate) fn unanswered(&mut self, tag: Tag) {
        if self.pending.get(&tag).is_some_and(|(request, _)| request.is_read()) {
            self.pending.remove(&tag);
            self.possible = std::mem::take(&mut self.possible)
                .into_iter()
                .map(|mut possible| {
                    possible.seen.remove(&tag);
                    possible
                })
                .collect();
        } else {
            self.lost.insert(tag);
        }
    }

    /// A pending write never was done, and never will be.
    pub(crate) fn withdraw(&mut self, tag: Tag) {
        self.pending.remove(&tag);
        self.possible.retain(|possible| !possible.done.contains_key(&tag));
    }

    /// The store was opened again: each pending write has taken effect by now, or never will.
    pub(crate) fn reopened(&mut self) {
        let reads: Vec<Tag> =
            self.pending.iter().filter(|(_, (request, _))| request.is_read()).map(|(tag, _)| *tag).collect();
        reads.into_iter().for_each(|tag| self.unanswered(tag));
        let reachable = self.reachable();
        self.pending.clear();
        self.lost.clear();
        let settled = reachable.into_iter().map(|possible| Possible { done: BTreeMap::new(), ..possible });
        self.possible = settled.collect();
    }

    /// The key was seen while nothing was under way but writes whose answer will not come: keeps the states that look so.
    ///
    /// # Errors
    /// Where none does.
    pub(crate) fn observed(&mut self, matches: impl Fn(&[Version]) -> bool) -> Result<(), String> {
        let before = self.reachable();
        self.possible = before.iter().filter(|possible| matches(&possible.versions)).cloned().collect();
        if self.possible.is_empty() { Err(format!("possible were {before:#?}")) } else { Ok(()) }
    }

    /// Whether no state fits all answers.
    pub(crate) fn is_impossible(&self) -> bool {
        self.possible.is_empty()
    }

    /// The versions, where only one state is possible.
    pub(crate) fn versions(&self) -> Option<&Versions> {
        let mut versions = self.possible.iter().map(|possible| &possible.versions);
        let first = versions.next()?;
        versions.all(|other| other == first).then_some(first)
    }

    /// The versions of one of the states that are possible.
    pub(crate) fn some_versions(&self) -> &[Version] {
        self.possible.first().map_or(&[], |possible| &possible.versions)
    }

    /// Writes whose answer will not come.
    pub(crate) fn lost(&self) -> usize {
        self.lost.len()
    }

    /// Each state that any of the pending writes can lead to, and each that is possible already.
    fn reachable(&self) -> BTreeSet<Possible> {
        let mut met = self.possible.clone();
        let mut open: Vec<Possible> = met.iter().cloned().collect();
        while let Some(possible) = open.pop() {
            open.extend(self.next(&possible).into_iter().filter(|next| met.insert(next.clone())));
        }
        met
    }

    /// Each state after one more pending write.
    fn next(&self, possible: &Possible) -> Vec<Possible> {
        let open =
            self.pending.iter().filter(|(tag, (request, _))| !request.is_read() && !possible.done.contains_key(tag));
        let next = open.map(|(tag, (request, versioning))| {
            let mut next = possible.clone();
            let answer = write(&mut next.versions, *tag, request, *versioning);
            next.done.insert(*tag, answer);
            for (read_tag, seen) in &mut next.seen {
                if let Some((request, _)) = self.pending.get(read_tag) {
                    seen.insert(read(&next.versions, request));
                }
            }
            next
        });
        next.collect()
    }
}

/// Does a write.
fn write(versions: &mut Versions, tag: Tag, request: &Request, versioning: Versioning) -> Answer {
    match request {
        Request::Write { stored, if_match, if_none_match } => {
            let current = versions.first().and_then(|version| version.stored.as_ref()).map(Stored::etag);
            if let Some(named) = if_match {
                if current.is_none() {
                    return Answer::Missing;
                }
                if !named.matches(current.as_ref()) {
                    return Answer::PreconditionFailed;
                }
            }
            if if_none_match.as_ref().is_some_and(|named| named.matches(current.as_ref())) {
                return Answer::PreconditionFailed;
            }
            add(versions, tag, Some(stored.clone()), versioning);
            Answer::Written
        }
        Request::Delete if versioning == Versioning::Unversioned => {
            versions.retain(|version| version.name != Name::Null);
            Answer::Deleted(false)
        }
        Request::Delete => {
            add(versions, tag, None, versioning);
            Answer::Deleted(true)
        }
        Request::DeleteVersion(name) => {
            let found = versions.iter().position(|version| version.name == *name);
            Answer::Deleted(found.is_some_and(|at| versions.remove(at).stored.is_none()))
        }
        Request::Read(_) | Request::List => read(versions, request),
    }
}

fn add(versions: &mut Versions, tag: Tag, stored: Option<Stored>, versioning: Versioning) {
    let name = if versioning == Versioning::Enabled { Name::Of(tag) } else { Name::Null };
    if name == Name::Null {
        versions.retain(|version| version.name != Name::Null);
    }
    versions.insert(0, Version { tag, name, stored });
}

fn read(versions: &[Version], request: &Request) -> Answer {
    let version = match request {
        Request::Read(Some(name)) => versions.iter().find(|version| version.name == *name),
        _ => versions.first(),
    };
    match (version, request) {
        (None, _) => Answer::Missing,
        (Some(Version { stored: None, .. }), Request::List) => Answer::Missing,
        (Some(Version { stored: None, .. }), _) => Answer::Marker,
        (Some(version), _) => Answer::Found(version.tag),
    }
}

#[cfg(test)]
#[path = "model_tests.rs"]
mod tests;
