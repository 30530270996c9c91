//! What is missing: both listings, in the order of keys, side by side.
//!
//! An object counts as there where the copy has its size, and its ETag or, where the ETags of the two sides can not be
//! compared (uploads in other parts, ids in the place of an MD5), is younger than it. So nothing has to be noted while an
//! import runs, and one that was broken off goes on where it was.

use std::collections::VecDeque;

use s3_client::listing::{self, Entry, Marker, Page};
use s3_client::{Client, ClientError, Connection};
use tokio::sync::mpsc;

use super::{Mode, S3Import, SourceEtags, Versions, with_patience};
use crate::{ImportError, NotCarried, Tally};

/// The longest key that the destination takes, in bytes.
const KEY_BYTES: usize = 1024;

/// Something to copy.
pub(super) enum Job {
    /// What an object is now.
    Object(Entry),
    /// The versions of a key that are missing, the oldest first.
    History(Vec<Entry>),
}

impl Job {
    pub(super) fn key(&self) -> &str {
        self.entries().first().map_or("", |entry| entry.key.as_str())
    }

    pub(super) fn entries(&self) -> &[Entry] {
        match self {
            Self::Object(entry) => std::slice::from_ref(entry),
            Self::History(entries) => entries,
        }
    }

    pub(super) fn bytes(&self) -> u64 {
        self.entries().iter().map(|entry| entry.size).sum()
    }
}

/// A listing of one side, read ahead by a page.
struct Side {
    connection: Connection,
    bucket: String,
    prefix: String,
    versions: Versions,
    page: VecDeque<Entry>,
    next: Next,
}

enum Next {
    First,
    After(Marker),
    End,
}

impl Side {
    fn new(client: &Client, import: &S3Import, bucket: &str) -> Self {
        Self {
            connection: Connection::new(client.clone()),
            bucket: bucket.to_owned(),
            prefix: import.prefix.clone(),
            versions: import.versions,
            page: VecDeque::new(),
            next: Next::First,
        }
    }

    /// A side that has nothing.
    fn empty(client: &Client, import: &S3Import, bucket: &str) -> Self {
        Self { next: Next::End, ..Self::new(client, import, bucket) }
    }

    /// The next entry, which stays the next.
    async fn peek(&mut self) -> Result<Option<&Entry>, ClientError> {
        while self.page.is_empty() {
            let after = match &self.next {
                Next::End => return Ok(None),
                Next::First => None,
                Next::After(marker) => Some(marker.clone()),
            };
            let (connection, bucket, prefix) = (&mut self.connection, &self.bucket, &self.prefix);
            let versions = self.versions;
            let ask = async || match versions {
                Versions::Current => listing::objects(&mut *connection, bucket, prefix, after.as_ref()).await,
                Versions::All => listing::versions(&mut *connection, bucket, prefix, after.as_ref()).await,
            };
            let Page { entries, next } = with_patience(ask).await?;
            self.page.extend(entries);
            self.next = next.map_or(Next::End, Next::After);
        }
        Ok(self.page.front())
    }

    /// The entries of the next key, the oldest first.
    async fn take_key(&mut self) -> Result<Vec<Entry>, ClientError> {
        let mut taken: Vec<Entry> = Vec::new();
        loop {
            let is_same = match (self.peek().await?, taken.first()) {
                (None, _) => false,
                (Some(_), None) => true,
                (Some(next), Some(first)) => next.key == first.key,
            };
            if !is_same {
                break;
            }
            taken.extend(self.page.pop_front());
        }
        taken.reverse();
        Ok(taken)
    }

    /// The entries of this key, where it has any; those of keys before it are passed over.
    async fn seek(&mut self, key: &str) -> Result<Vec<Entry>, ClientError> {
        loop {
            let order = match self.peek().await? {
                None => return Ok(Vec::new()),
                Some(next) => next.key.as_bytes().cmp(key.as_bytes()),
            };
            match order {
                std::cmp::Ordering::Less => drop(self.take_key().await?),
                std::cmp::Ordering::Equal => return self.take_key().await,
                std::cmp::Ordering::Greater => return Ok(Vec::new()),
            }
        }
    }
}

/// Lists both sides of a bucket and queues what is missing.
pub(super) async fn plan(
    import: &S3Import,
    bucket: &str,
    tally: &Tally,
    queue: mpsc::Sender<Job>,
) -> Result<(), ImportError> {
    let mut source = Side::new(&import.from, import, bucket);
    let mut copies = match import.mode {
        Mode::Copy => Side::new(&import.to, import, bucket),
        Mode::DryRun => copies_if_any(import, bucket).await?,
        Mode::Survey => Side::empty(&import.to, import, bucket),
    };
    loop {
        let theirs = source.take_key().await?;
        let Some(first) = theirs.first() else { return Ok(()) };
        let key = first.key.clone();
        theirs.iter().for_each(|entry| tally.found(entry.size));
        if key.len() > KEY_BYTES {
            tally.not_carried(NotCarried {
                bucket: bucket.to_owned(),
                key: Some(key),
                what: "the object".to_owned(),
                why: format!("its key has more than {KEY_BYTES} bytes: copy it under a shorter one"),
            });
            continue;
        }
        let ours = copies.seek(&key).await?;
        let job = match import.versions {
            Versions::Current => missing_object(import, theirs, &ours, tally),
            Versions::All => missing_history(import, bucket, theirs, &ours, tally),
        };
        // Workers end only with the queue.
        if let Some(job) = job
            && queue.send(job).await.is_err()
        {
            return Ok(());
        }
    }
}

/// In a dry run, the bucket may not be there yet.
async fn copies_if_any(import: &S3Import, bucket: &str) -> Result<Side, ClientError> {
    let mut side = Side::new(&import.to, import, bucket);
    let looked = side.peek().await.map(|_| ());
    match looked {
        Ok(()) => Ok(side),
        Err(error) if error.refusal().is_some_and(|(_, code)| code == "NoSuchBucket") => {
            Ok(Side::empty(&import.to, import, bucket))
        }
        Err(error) => Err(error),
    }
}

fn missing_object(import: &S3Import, theirs: Vec<Entry>, ours: &[Entry], tally: &Tally) -> Option<Job> {
    let entry = theirs.into_iter().next()?;
    if ours.first().is_some_and(|copy| is_copy(import.etags, &entry, copy)) {
        tally.present();
        return None;
    }
    Some(Job::Object(entry))
}

/// What is missing of a key's history. What is there must be its beginning: versions are written one after the other.
fn missing_history(import: &S3Import, bucket: &str, theirs: Vec<Entry>, ours: &[Entry], tally: &Tally) -> Option<Job> {
    let same = theirs.iter().zip(ours).take_while(|(entry, copy)| is_copy(import.etags, entry, copy)).count();
    if same < ours.len() {
        let key = theirs.first().map_or("", |entry| entry.key.as_str());
        let error = "the destination has versions of this key that the source has not: delete them there, and run the \
                     import again";
        tally.failed(bucket, key, &error);
        return None;
    }
    (0..same).for_each(|_| tally.present());
    let missing: Vec<Entry> = theirs.into_iter().skip(same).collect();
    (!missing.is_empty()).then_some(Job::History(missing))
}

/// Whether one is a copy of the other.
fn is_copy(etags: SourceEtags, entry: &Entry, copy: &Entry) -> bool {
    if entry.is_delete_marker || copy.is_delete_marker {
        return entry.is_delete_marker && copy.is_delete_marker;
    }
    if entry.size != copy.size {
        return false;
    }
    let is_comparable = etags == SourceEtags::Md5 && is_md5(&entry.etag) && is_md5(&copy.etag);
    entry.etag == copy.etag || (!is_comparable && copy.modified >= entry.modified)
}

/// Whether an ETag can be the MD5 of a content: that of an upload in parts has a `-`.
pub(super) fn is_md5(etag: &str) -> bool {
    etag.len() == 32 && etag.bytes().all(|b| b.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::*;

    fn entry(size: u64, etag: &str, seconds: u64) -> Entry {
        let modified = Some(Timestamp::from_secs(seconds));
        Entry { key: "k".to_owned(), version: None, is_delete_marker: false, size, etag: etag.to_owned(), modified }
    }

    #[test]
    fn a_copy_has_the_size_and_the_etag_or_is_younger() {
        let (a, b, parts) = ("a".repeat(32), "b".repeat(32), format!("{}-2", "a".repeat(32)));
        for (etags, theirs, ours, expected) in [
            (SourceEtags::Md5, entry(1, &a, 9), entry(1, &a, 1), true),
            (SourceEtags::Md5, entry(1, &a, 1), entry(1, &b, 9), false),
            (SourceEtags::Md5, entry(1, &a, 1), entry(2, &a, 9), false),
            (SourceEtags::Md5, entry(1, &parts, 1), entry(1, &a, 9), true),
            (SourceEtags::Md5, entry(1, &parts, 9), entry(1, &a, 1), false),
            (SourceEtags::Ids, entry(1, &a, 1), entry(1, &b, 9), true),
            (SourceEtags::Ids, entry(1, &a, 9), entry(1, &b, 1), false),
            (SourceEtags::Md5, Entry { is_delete_marker: true, ..entry(0, "", 1) }, entry(0, "", 9), false),
        ] {
            assert_eq!(is_copy(etags, &theirs, &ours), expected, "{theirs:?} {ours:?}");
        }
    }
}
