//! ListObjects and ListObjectsV2: one walk over the heads of keys.
//!
//! Older versions are jumped over, and so is everything under a common prefix once it was met.

use access::{Grant, action};

use crate::keyspace::{OBJECTS, Place};
use crate::listing::{ListObjects, ListedObject, ObjectPage};
use crate::record::{self, HeadRecord};
use crate::walk::{Walk, after_common_prefix, first_page, most, object_key, range, rolled_up};
use crate::{ObjectError, Objects};

impl Objects {
    /// A page of the keys of a bucket that have a current object.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn list_objects(
        &self,
        grant: &Grant<action::ListBucket>,
        request: &ListObjects,
    ) -> Result<ObjectPage, ObjectError> {
        let bucket = self.bucket_of(grant.bucket()).await?;
        let (filter, max) = (&request.filter, most(&request.filter));
        let mut page = ObjectPage::default();
        let Some(range) = range(OBJECTS, filter, &request.after).filter(|_| max > 0) else { return Ok(page) };
        let mut walk = Walk::new(&*self.metadata, bucket.space(), range, first_page(filter, max));
        let mut last = String::new();
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            if !place.rest().is_empty() {
                walk.seek(place.end_of_key());
                continue;
            }
            let head: HeadRecord = record::decode(&raw)?;
            // A key whose current version is a delete marker is no entry, and makes no common prefix.
            let Some((info, _)) = head.version.into_object() else { continue };
            if page.objects.len() + page.common_prefixes.len() == max {
                page.next = Some(last);
                break;
            }
            let key = place.key()?;
            match rolled_up(&key, filter) {
                Some(common) => {
                    walk.seek(after_common_prefix(OBJECTS, common));
                    page.common_prefixes.push(common.to_owned());
                    last = common.to_owned();
                }
                None => {
                    page.objects.push(ListedObject { key: object_key(&key)?, info });
                    last = key;
                }
            }
        }
        Ok(page)
    }
}
