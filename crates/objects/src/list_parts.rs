//! ListParts.

use access::{Grant, action};
use types::{ETag, UploadId};

use crate::listing::{ListedPart, MAX_KEYS};
use crate::multipart::PartPage;
use crate::uploads::UploadTarget;
use crate::{ObjectError, Objects};

impl Objects {
    /// A page of the parts of an upload with numbers above `after`: at most `max_parts`, and never more than
    /// [`MAX_KEYS`].
    ///
    /// # Errors
    /// [`ObjectError::NoSuchUpload`].
    pub async fn list_parts(
        &self,
        grant: &Grant<action::ListMultipartUploadParts>,
        upload: UploadId,
        after: u16,
        max_parts: usize,
    ) -> Result<PartPage, ObjectError> {
        self.bucket_of(grant.in_bucket()).await?;
        let target = UploadTarget::new(grant.in_bucket(), grant.key(), upload);
        let (_, record) = self.open_upload(&target).await?;
        let max = max_parts.min(MAX_KEYS);
        let mut page = PartPage {
            parts: Vec::new(),
            next: None,
            initiator: record.owner.clone(),
            owner: record.owner,
            storage_class: record.metadata.storage_class,
            checksum: record.checksum,
        };
        if max == 0 {
            return Ok(page);
        }
        let found = self.parts_after(&target, after, max).await?;
        page.parts = found
            .into_iter()
            .map(|(number, part)| ListedPart {
                number,
                size: part.size,
                etag: Some(ETag::whole(part.md5)),
                last_modified: Some(part.modified),
                checksum: part.checksum.filter(|_| record.checksum.is_some()),
            })
            .collect();
        if let Some(last) = page.parts.last().filter(|_| page.parts.len() == max)
            && !self.parts_after(&target, last.number, 1).await?.is_empty()
        {
            page.next = Some(last.number);
        }
        Ok(page)
    }
}
