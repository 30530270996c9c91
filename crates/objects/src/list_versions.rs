//! ListObjectVersions: one walk over all versions, newest first within a key.

use access::{Grant, action};
use types::VersionId;

use crate::keyspace::{KeyNames, OBJECTS, Place, just_after};
use crate::listing::{ListVersions, ListedVersion, ListedVersionKind, VersionPage};
use crate::record::{self, HeadRecord, Naming, Order, VersionRecord};
use crate::walk::{Walk, after_common_prefix, first_page, most, object_key, range, rolled_up};
use crate::{Bucket, ObjectError, Objects};

impl Objects {
    /// A page of the versions and delete markers of a bucket.
    ///
    /// A `version_marker` that is gone still says where to go on; only where it is `null` and there is no null version
    /// any more, the key is listed from its newest version, so that nothing is missed.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn list_versions(
        &self,
        grant: &Grant<action::ListBucketVersions>,
        request: &ListVersions,
    ) -> Result<VersionPage, ObjectError> {
        let bucket = self.bucket_of(grant.bucket()).await?;
        let (filter, max) = (&request.filter, most(&request.filter));
        let mut page = VersionPage::default();
        let Some((mut from, to)) = range(OBJECTS, filter, &request.key_marker).filter(|_| max > 0) else {
            return Ok(page);
        };
        if let Some(version) = request.version_marker
            && request.key_marker.starts_with(&filter.prefix)
            && rolled_up(&request.key_marker, filter).is_none()
        {
            from = self.after_version(&bucket, &request.key_marker, version).await?.unwrap_or(from);
        }
        let mut walk = Walk::new(&*self.metadata, bucket.space(), (from, to), first_page(filter, max));
        let mut last = (String::new(), None);
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            let is_latest = place.rest().is_empty();
            let record: VersionRecord = match (is_latest, place.is_older()) {
                (true, _) => record::decode::<HeadRecord>(&raw)?.version,
                (false, true) => record::decode(&raw)?,
                (false, false) => continue,
            };
            if page.versions.len() + page.common_prefixes.len() == max {
                page.next = Some(last);
                break;
            }
            let key = place.key()?;
            match rolled_up(&key, filter) {
                Some(common) => {
                    walk.seek(after_common_prefix(OBJECTS, common));
                    page.common_prefixes.push(common.to_owned());
                    last = (common.to_owned(), None);
                }
                None => {
                    let version = record.id();
                    page.versions.push(ListedVersion { key: object_key(&key)?, is_latest, kind: listed(record) });
                    last = (key, Some(version));
                }
            }
        }
        Ok(page)
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

fn listed(record: VersionRecord) -> ListedVersionKind {
    let (version, last_modified, owner) = (record.id(), record.modified, record.owner.clone());
    match record.into_object() {
        Some((info, _)) => ListedVersionKind::Object(info),
        None => ListedVersionKind::DeleteMarker { version, last_modified, owner },
    }
}
