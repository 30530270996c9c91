//! Finished pages of listings, for those who list again what has not changed.
//!
//! People and programs list the same prefixes over and over. A page is kept as the document that it became, with the
//! [`Stamp`] of its bucket: that of the moments before and after it was read, which must be one. It is told again while
//! a new stamp is the same, and by the contract of [`storage::Metadata::stamp`] that is as good as reading anew, for
//! whoever asks: every write acknowledged before is in it, and nobody was shown a later state. A key says all that a
//! document depends on beside the bucket's content. What depends on the caller, which is whether they may list at all, is
//! decided before anything is asked here.
//!
//! A page is kept when it is asked for the second time under one stamp: a walk over a whole bucket, and the pages of one
//! that changes all the time, cost no memory and push nothing out.
//!
//! Stamps are those of one process, as is the memory of bucket records in `objects`: one process at a time serves a store.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use storage::Stamp;

use crate::listing::Listing;
use crate::operations::list_object_versions::Markers;
use crate::operations::list_objects_v2::Place;

/// The most bytes that are kept: about a hundred pages of a thousand keys, and a third of what an idle server may hold.
const BYTES: usize = 32 * 1024 * 1024;
/// A longer page is not kept: it would cost too many others their place.
const PAGE_BYTES: usize = BYTES / 8;
/// What a page takes beside its document, at most: its key, its places in the maps, and unused room before the head.
const BESIDE_BYTES: usize = 4096;
/// How many pages that were asked for once are remembered, by 8 bytes each.
const ASKED_ONCE: usize = 4096;

/// A listing that somebody asked for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct PageKey {
    /// The bucket's id.
    pub(crate) bucket: u64,
    pub(crate) listing: Listing,
    pub(crate) asked: Asked,
}

/// The operation, with the parameters that it alone has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Asked {
    /// ListObjects.
    V1 {
        /// `marker`.
        marker: String,
    },
    /// ListObjectsV2.
    V2(Place),
    /// ListObjectVersions.
    Versions(Markers),
}

/// The pages that are kept.
#[derive(Default)]
pub(crate) struct Pages {
    kept: Mutex<Kept>,
    hashes: RandomState,
}

#[derive(Default)]
struct Kept {
    /// Hashes of pages and stamps that were asked for, each at the place that it gives itself; empty until the first.
    asked_once: Vec<u64>,
    pages: HashMap<Arc<PageKey>, Page>,
    /// The keys by when each was asked for last.
    by_use: BTreeMap<u64, Arc<PageKey>>,
    uses: u64,
    bytes: usize,
}

struct Page {
    stamp: Stamp,
    document: Bytes,
    /// Its place in `by_use`.
    used: u64,
}

impl Pages {
    /// The page that was kept, if it is what its bucket holds by `stamp`; else what `written` gives, which is kept if it was
    /// asked for before and the bucket did not change meanwhile.
    pub(crate) async fn find_or<E>(
        &self,
        key: PageKey,
        stamp: impl Fn() -> Option<Stamp>,
        written: impl Future<Output = Result<Bytes, E>>,
    ) -> Result<Bytes, E> {
        let before = stamp();
        if let Some(document) = before.and_then(|before| self.kept.lock().find(&key, before)) {
            metrics::counter!("commonhold_list_pages_total", "from" => "memory").increment(1);
            return Ok(document);
        }
        metrics::counter!("commonhold_list_pages_total", "from" => "store").increment(1);
        let document = written.await?;
        if let Some(before) = before.filter(|before| stamp() == Some(*before))
            && document.len() <= PAGE_BYTES
        {
            let hash = self.hashes.hash_one((&key, before.0));
            let mut kept = self.kept.lock();
            if kept.was_asked(hash) {
                kept.keep(key, before, document.clone());
            }
        }
        Ok(document)
    }

    /// Forgets the pages of a bucket that is gone.
    pub(crate) fn forget(&self, bucket: u64) {
        let mut kept = self.kept.lock();
        let gone: Vec<_> = kept.pages.keys().filter(|key| key.bucket == bucket).cloned().collect();
        for key in gone {
            kept.remove(&key);
        }
    }
}

impl Kept {
    fn find(&mut self, key: &PageKey, stamp: Stamp) -> Option<Bytes> {
        let page = self.pages.get_mut(key)?;
        if page.stamp != stamp {
            self.remove(key);
            return None;
        }
        self.uses += 1;
        let key = self.by_use.remove(&page.used)?;
        self.by_use.insert(self.uses, key);
        page.used = self.uses;
        Some(page.document.clone())
    }

    /// Whether the page and stamp of this hash were asked for before, as far as that is remembered; from now on they were.
    fn was_asked(&mut self, hash: u64) -> bool {
        self.asked_once.resize(ASKED_ONCE, 0);
        let place = usize::try_from(hash % ASKED_ONCE as u64).unwrap_or_default();
        self.asked_once.get_mut(place).is_some_and(|known| std::mem::replace(known, hash) == hash)
    }

    fn keep(&mut self, key: PageKey, stamp: Stamp, document: Bytes) {
        self.remove(&key);
        self.bytes += document.len() + BESIDE_BYTES;
        self.uses += 1;
        let key = Arc::new(key);
        self.by_use.insert(self.uses, Arc::clone(&key));
        self.pages.insert(key, Page { stamp, document, used: self.uses });
        while self.bytes > BYTES
            && let Some((_, oldest)) = self.by_use.pop_first()
        {
            self.remove(&oldest);
        }
    }

    fn remove(&mut self, key: &PageKey) {
        if let Some(page) = self.pages.remove(key) {
            self.by_use.remove(&page.used);
            self.bytes -= page.document.len() + BESIDE_BYTES;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use proptest::collection::vec;
    use proptest::prelude::{ProptestConfig, Strategy, any};
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use s3_protocol::params::EncodingType;

    use super::*;

    fn key(bucket: u64, marker: u8) -> PageKey {
        let listing = Listing { filter: Default::default(), max_keys: 1, encoding: EncodingType::None };
        PageKey { bucket, listing, asked: Asked::V1 { marker: marker.to_string() } }
    }

    /// Bucket, marker, stamp, length in MiB.
    fn ask() -> impl Strategy<Value = (u64, u8, u64, usize)> {
        (0..3u64, 0..16u8, 0..2u64, 0..6usize)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]
        /// Whatever is asked, a page comes from memory only under the stamp that it was kept with, and memory is bounded.
        #[test]
        fn pages_are_those_of_their_stamp(asks in vec((ask(), any::<bool>()), 1..60)) {
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            let pages = Pages::default();
            let mut written = HashSet::new();
            for ((bucket, marker, stamp, mib), forgets) in asks {
                let content = Bytes::from(vec![stamp as u8; mib << 20]);
                let mut is_new = false;
                let page = async {
                    is_new = true;
                    Ok::<_, ()>(content.clone())
                };
                let found = runtime.block_on(pages.find_or(key(bucket, marker), || Some(Stamp(stamp)), page));
                let found = found.expect("a page");
                prop_assert!(found.first().is_none_or(|byte| *byte == stamp as u8));
                if is_new {
                    written.insert((bucket, marker, stamp, found.len()));
                } else {
                    prop_assert!(written.contains(&(bucket, marker, stamp, found.len())));
                }
                if forgets {
                    pages.forget(bucket);
                }
                let kept = pages.kept.lock();
                prop_assert!(!forgets || kept.pages.keys().all(|key| key.bucket != bucket));
                prop_assert_eq!(kept.pages.len(), kept.by_use.len());
                let bytes: usize = kept.pages.values().map(|page| page.document.len() + BESIDE_BYTES).sum();
                prop_assert_eq!(kept.bytes, bytes);
                prop_assert!(bytes <= BYTES);
            }
        }
    }

    /// A page is kept from the second time on, and the page that nobody asked for the longest goes first.
    #[tokio::test]
    async fn the_least_recently_used_page_goes() {
        let pages = Pages::default();
        let ask = async |marker: u8| {
            let mut is_new = false;
            let page = async {
                is_new = true;
                Ok::<_, ()>(Bytes::from(vec![0; PAGE_BYTES - BESIDE_BYTES]))
            };
            pages.find_or(key(1, marker), || Some(Stamp(2)), page).await.expect("a page");
            is_new
        };
        for marker in 0..8 {
            assert!(ask(marker).await && ask(marker).await);
        }
        assert!(!ask(0).await);
        assert!(ask(8).await && !pages.kept.lock().pages.contains_key(&key(1, 8)), "once is not kept");
        assert!(ask(8).await, "the ninth has no room");
        assert!(!ask(0).await && ask(1).await);
    }

    /// What was read while the bucket changed is not kept, nor is anything of an engine that gives no stamps.
    #[tokio::test]
    async fn pages_of_a_changing_bucket_are_not_kept() {
        let pages = Pages::default();
        for stamps in [[Some(1), Some(2)], [None, Some(2)], [Some(2), None], [None, None]] {
            let next = Mutex::new(stamps.into_iter().cycle());
            for _ in 0..2 {
                let stamp = || next.lock().next().flatten().map(Stamp);
                let page = async { Ok::<_, ()>(Bytes::from_static(b"x")) };
                pages.find_or(key(1, 0), stamp, page).await.expect("a page");
            }
            assert!(pages.kept.lock().pages.is_empty(), "{stamps:?}");
        }
    }
}
