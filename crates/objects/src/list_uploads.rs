//! ListMultipartUploads: one walk over the uploads of a bucket, by key and then in the order they began.

use access::{Grant, action};
use types::ObjectKey;

use crate::keyspace::{Place, UPLOADS, UploadNames};
use crate::listing::{After, ListUploads, ListedUpload, UploadPage};
use crate::record::{self, UploadRecord, UploadState};
use crate::walk::{Sides, Walk, after_common_prefix, first_page, most, object_key, range, rolled_up};
use crate::{ObjectError, Objects};

impl Objects {
    /// A page of the uploads of a bucket that take parts.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn list_uploads(
        &self,
        grant: &Grant<action::ListBucketMultipartUploads>,
        request: &ListUploads,
    ) -> Result<UploadPage, ObjectError> {
        let bucket = self.bucket_of(grant.bucket()).await?;
        let (filter, max) = (&request.filter, most(&request.filter));
        let mut page = UploadPage::default();
        let after = After::Entry(request.key_marker.clone());
        let Some((mut from, to)) = range(UPLOADS, filter, &after).filter(|_| max > 0) else {
            return Ok(page);
        };
        if let (Some(upload), Ok(key)) = (request.upload_id_marker, ObjectKey::new(&request.key_marker))
            && key.as_str().starts_with(&filter.prefix)
            && rolled_up(key.as_str(), filter).is_none()
        {
            from = UploadNames::new(&key, upload).end();
        }
        let mut walk = Walk::new(&*self.metadata, bucket.space(), Sides::Front, (from, to), first_page(filter, max));
        let mut last = (String::new(), None);
        while let Some((name, raw)) = walk.next().await? {
            let place = Place::parse(&name)?;
            // A part of an upload that was passed over.
            let Some(upload) = place.upload() else { continue };
            let key = place.key()?;
            let object_key = object_key(&key)?;
            walk.seek(UploadNames::new(&object_key, upload).end());
            let record: UploadRecord = record::decode(&raw)?;
            if record.state != UploadState::Open {
                continue;
            }
            if page.uploads.len() + page.common_prefixes.len() == max {
                page.next = Some(last);
                break;
            }
            match rolled_up(&key, filter) {
                Some(common) => {
                    walk.seek(after_common_prefix(UPLOADS, common));
                    page.common_prefixes.push(common.to_owned());
                    last = (common.to_owned(), None);
                }
                None => {
                    page.uploads.push(ListedUpload {
                        key: object_key,
                        upload,
                        initiated: record.initiated,
                        initiator: record.owner.clone(),
                        owner: record.owner,
                        storage_class: record.metadata.storage_class,
                        checksum: record.checksum,
                    });
                    last = (key.into_owned(), Some(upload));
                }
            }
        }
        Ok(page)
    }
}
