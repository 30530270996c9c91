//! ListObjects and ListObjectsV2: one walk over the heads of keys, which lie by themselves.
//!
//! Everything under a common prefix is jumped over once it was met.

use access::{Grant, action};

use crate::keyspace::{OBJECTS, Place};
use crate::listing::{After, Entry, ListObjects, ListedObject};
use crate::summary::Summary;
use crate::walk::{Sides, Walk, after_common_prefix, first_page, most, range, rolled_up};
use crate::{ObjectError, Objects};

/// How many keys without a current object one page passes over: a request over a bucket full of delete markers ends in
/// some ten milliseconds, and a page seldom has less than it was asked for.
#[cfg(not(test))]
const PASSED_MOST: usize = 10_000;
/// Few, so that tests pass over more.
#[cfg(test)]
const PASSED_MOST: usize = 3;

impl Objects {
    /// Shows `page` the keys of a bucket that have a current object, up to what the filter asks for. Answers what the
    /// next page starts after; `None` at the end.
    ///
    /// There may be fewer entries than were asked for, and even none, with more to come: then the answer is an
    /// [`After::Key`].
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]. What `page` was shown until then is void.
    pub async fn list_objects(
        &self,
        grant: &Grant<action::ListBucket>,
        request: &ListObjects,
        mut page: impl FnMut(Entry<'_, ListedObject<'_>>) + Send,
    ) -> Result<Option<After>, ObjectError> {
        let bucket = self.bucket_of(grant.bucket()).await?;
        let (filter, max) = (&request.filter, most(&request.filter));
        let Some(range) = range(OBJECTS, filter, &request.after).filter(|_| max > 0) else { return Ok(None) };
        let mut walk = Walk::new(&*self.metadata, bucket.space(), Sides::Front, range, first_page(filter, max));
        let (mut shown, mut passed, mut last) = (0, 0, String::new());
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            let key = place.key()?;
            let Summary { version, content } = Summary::of_head(&raw)?;
            // A key whose current version is a delete marker is no entry, and makes no common prefix.
            let Some(content) = content else {
                passed += 1;
                match passed {
                    PASSED_MOST if shown == max => return Ok(Some(After::Entry(last))),
                    PASSED_MOST => return Ok(Some(After::Key(key.into_owned()))),
                    _ => continue,
                }
            };
            if shown == max {
                return Ok(Some(After::Entry(last)));
            }
            shown += 1;
            last.clear();
            match rolled_up(&key, filter) {
                Some(common) => {
                    walk.seek(after_common_prefix(OBJECTS, common));
                    page(Entry::CommonPrefix(common));
                    last.push_str(common);
                }
                None => {
                    page(Entry::Key(ListedObject { key: &key, version, content }));
                    last.push_str(&key);
                }
            }
        }
        Ok(None)
    }
}
