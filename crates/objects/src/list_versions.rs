//! ListObjectVersions: one walk over all versions, newest first within a key.

use access::{Grant, action};
use types::VersionId;

use crate::keyspace::{KeyNames, OBJECTS, Place, just_after};
use crate::listing::{After, AfterVersion, Entry, ListVersions, ListedVersion};
use crate::record::{Naming, Order};
use crate::summary::Summary;
use crate::walk::{Sides, Walk, after_common_prefix, first_page, most, range, rolled_up};
use crate::{Bucket, ObjectError, Objects};

impl Objects {
    /// Shows `page` the versions and delete markers of a bucket, up to what the filter asks for. Answers what the next
    /// page starts after; `None` at the end.
    ///
    /// A `version_marker` that is gone still says where to go on; only where it is `null` and there is no null version
    /// any more, the key is listed from its newest version, so that nothing is missed.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]. What `page` was shown until then is void.
    pub async fn list_versions(
        &self,
        grant: &Grant<action::ListBucketVersions>,
        request: &ListVersions,
        mut page: impl FnMut(Entry<'_, ListedVersion<'_>>) + Send,
    ) -> Result<Option<AfterVersion>, ObjectError> {
        let bucket = self.bucket_of(grant.bucket()).await?;
        let (filter, max) = (&request.filter, most(&request.filter));
        let after = After::Entry(request.key_marker.clone());
        let Some((mut from, to)) = range(OBJECTS, filter, &after).filter(|_| max > 0) else { return Ok(None) };
        if let Some(version) = request.version_marker
            && request.key_marker.starts_with(&filter.prefix)
            && rolled_up(&request.key_marker, filter).is_none()
        {
            from = self.after_version(&bucket, &request.key_marker, version).await?.unwrap_or(from);
        }
        let mut walk = Walk::new(&*self.metadata, bucket.space(), Sides::Both, (from, to), first_page(filter, max));
        let (mut shown, mut last) = (0, (String::new(), None));
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            let is_latest = place.rest().is_empty();
            let Summary { version, content } = match (is_latest, place.is_older()) {
                (true, _) => Summary::of_head(&raw)?,
                (false, true) => Summary::of_older(&raw)?,
                (false, false) => continue,
            };
            if shown == max {
                return Ok(Some(last));
            }
            shown += 1;
            last.0.clear();
            let key = place.key()?;
            match rolled_up(&key, filter) {
                Some(common) => {
                    walk.seek(after_common_prefix(OBJECTS, common));
                    page(Entry::CommonPrefix(common));
                    last.0.push_str(common);
                    last.1 = None;
                }
                None => {
                    page(Entry::Key(ListedVersion { key: &key, is_latest, version, content }));
                    last.0.push_str(&key);
                    last.1 = Some(version.id);
                }
            }
        }
        Ok(None)
    }

    /// The first storage key after a version; `None` where `key` can be none.
    async fn after_version(
        &self,
        bucket: &Bucket,
        key: &str,
        version: VersionId,
    ) -> Result<Option<Vec<u8>>, ObjectError> {
        let Ok(key) = types::ObjectKey::new(key) else { return Ok(None) };
        let names = KeyNames::new(&key);
        let Some(head) = self.read_head(bucket.space(), &names).await? else { return Ok(None) };
        let current = &head.record.version;
        let order = match version {
            VersionId::Id(order) => Some(Order(order)),
            VersionId::Null if current.naming == Naming::Null => Some(current.order),
            VersionId::Null => head.record.null_at,
        };
        // A head that is older than the marker became the head after the page with the marker.
        let order = order.filter(|order| *order >= current.order);
        Ok(Some(order.map_or_else(|| names.head(), |order| just_after(&names.older(order)))))
    }
}
