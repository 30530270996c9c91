//! GetObjectAttributes.

use access::{Grant, action};
use types::Conditions;

use crate::listing::{ListedPart, MAX_KEYS};
use crate::multipart::Attributes;
use crate::record::Content;
use crate::{ObjectError, Objects};

impl Objects {
    /// What is known of an object, with its parts above the number `part_marker`: at most `max_parts`, and never more
    /// than [`MAX_KEYS`].
    ///
    /// # Errors
    /// As for [`Objects::head_object`].
    pub async fn object_attributes(
        &self,
        grant: &Grant<action::GetObjectAttributes>,
        conditions: &Conditions,
        part_marker: u16,
        max_parts: usize,
    ) -> Result<Attributes, ObjectError> {
        let _pin = self.blobs.pin();
        let target = grant.target();
        let object = self.readable(&target.bucket, &target.key, target.version, conditions).await?;
        let mut attributes = Attributes {
            info: object.info,
            version: object.version,
            parts_count: None,
            parts: Vec::new(),
            next_part: None,
        };
        let Content::Parts(map) = object.content else { return Ok(attributes) };
        attributes.parts_count = Some(map.count);
        let lines = map.all(&*self.blobs).await?;
        let first = lines.partition_point(|line| line.number <= part_marker);
        let last = (first + max_parts.min(MAX_KEYS)).min(lines.len());
        let mut start = first.checked_sub(1).map_or(0, |before| lines[before].end);
        for line in &lines[first..last] {
            attributes.parts.push(ListedPart {
                number: line.number,
                size: line.end - start,
                etag: None,
                last_modified: None,
                checksum: line.checksum,
            });
            start = line.end;
        }
        attributes.next_part = attributes.parts.last().filter(|_| last < lines.len()).map(|part| part.number);
        Ok(attributes)
    }
}
