//! GetObject, HeadObject, and what else looks up one version.

use access::{BucketTarget, Grant, ObjectTarget, action};
use bytes::Bytes;
use policy::ObjectFacts;
use storage::Pin;
use types::{Conditions, ObjectKey, VersionId, WriteId};

use crate::commit::{ATTEMPTS, StoredHead, told};
use crate::conditions::check_read;
use crate::keyspace::KeyNames;
use crate::object::{Head, ObjectInfo, Read, ReadRequest, Selection};
use crate::record::{Content, Order, VersionRecord};
use crate::{Bucket, ObjectError, Objects};

/// A version as it was found.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) head: StoredHead,
    /// Its record, where it is not the current version.
    pub(crate) older: Option<Box<(Bytes, VersionRecord)>>,
}

impl Found {
    pub(crate) fn record(&self) -> &VersionRecord {
        self.older.as_ref().map_or(&self.head.record.version, |older| &older.1)
    }

    pub(crate) fn into_record(self) -> VersionRecord {
        self.older.map_or(self.head.record.version, |older| older.1)
    }
}

/// An object as it was looked up for the decision about it.
///
/// The operation that was decided about takes it over: it is read once, and what is answered is what was decided about,
/// whoever writes in between. Its content stays readable meanwhile.
#[derive(Debug)]
pub struct SeenObject {
    target: ObjectTarget,
    /// Taken before the record was read.
    pin: Pin,
    found: Found,
}

impl SeenObject {
    /// What a decision about it needs to know; `None` for a delete marker, which is no object.
    pub fn facts(&self) -> Option<ObjectFacts<'_>> {
        let record = self.found.record();
        record.object().map(|object| ObjectFacts { owner: record.owner.as_ref(), acl: &object.acl })
    }
}

/// An object that may be read.
pub(crate) struct Object {
    pub(crate) info: ObjectInfo,
    pub(crate) content: Content,
    /// The version id to tell.
    pub(crate) version: Option<VersionId>,
    /// The attempt that wrote it.
    pub(crate) write: WriteId,
    pub(crate) is_current: bool,
}

impl Objects {
    /// Looks up an object, or a delete marker in its place, for the decision about it; `None` where there is neither.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`] and the engine's.
    pub async fn look_up(&self, target: ObjectTarget) -> Result<Option<SeenObject>, ObjectError> {
        let pin = self.blobs.pin();
        let bucket = self.bucket_of(&target.bucket).await?;
        let found = self.find_version(&bucket, &target.key, target.version).await?;
        Ok(found.map(|found| SeenObject { target, pin, found }))
    }

    /// An object or a part of it, as it was `seen` where it was looked up already. The body stays readable whatever is
    /// written meanwhile.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchKey`], [`ObjectError::DeleteMarker`], [`ObjectError::NoSuchVersion`],
    /// [`ObjectError::MethodNotAllowedOnDeleteMarker`], [`ObjectError::PreconditionFailed`],
    /// [`ObjectError::NotModified`], [`ObjectError::InvalidRange`], [`ObjectError::InvalidPartNumber`].
    pub async fn get_object(
        &self,
        grant: &Grant<action::GetObject>,
        request: &ReadRequest,
        seen: Option<SeenObject>,
    ) -> Result<Read, ObjectError> {
        let (pin, object) = self.pinned(grant.target(), &request.conditions, seen).await?;
        let Object { info, content, version, .. } = object;
        let head = self.select(info, version, &content, request.selection).await?;
        let range = head.range.clone().unwrap_or(0..head.info.size);
        let body = self.open(pin, content, range).await?;
        Ok(Read { head, body })
    }

    /// What a GET answers, without the body.
    ///
    /// # Errors
    /// As for [`Objects::get_object`].
    pub async fn head_object(
        &self,
        grant: &Grant<action::GetObject>,
        request: &ReadRequest,
        seen: Option<SeenObject>,
    ) -> Result<Head, ObjectError> {
        let (_pin, object) = self.pinned(grant.target(), &request.conditions, seen).await?;
        self.select(object.info, object.version, &object.content, request.selection).await
    }

    /// The object of `target`, as it was `seen` or as it is now, if `conditions` hold; and the pin under which it was
    /// read, so that what it names stays.
    async fn pinned(
        &self,
        target: &ObjectTarget,
        conditions: &Conditions,
        seen: Option<SeenObject>,
    ) -> Result<(Pin, Object), ObjectError> {
        let bucket = self.bucket_of(&target.bucket).await?;
        let (pin, found) = match seen.filter(|seen| seen.target == *target) {
            Some(seen) => (seen.pin, Some(seen.found)),
            None => (self.blobs.pin(), self.find_version(&bucket, &target.key, target.version).await?),
        };
        let object = object_of(&bucket, target.version, found)?;
        check_read(conditions, &object.info, object.version)?;
        Ok((pin, object))
    }

    /// The object at `key`, if `conditions` hold.
    pub(crate) async fn readable(
        &self,
        target: &BucketTarget,
        key: &ObjectKey,
        version: Option<VersionId>,
        conditions: &Conditions,
    ) -> Result<Object, ObjectError> {
        let object = self.existing(target, key, version).await?;
        check_read(conditions, &object.info, object.version)?;
        Ok(object)
    }

    /// The object at `key`.
    pub(crate) async fn existing(
        &self,
        target: &BucketTarget,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Object, ObjectError> {
        let bucket = self.bucket_of(target).await?;
        let found = self.find_version(&bucket, key, version).await?;
        object_of(&bucket, version, found)
    }

    /// Finds a version, the current one where none is named. One `get` for that, two for an older one.
    pub(crate) async fn find_version(
        &self,
        bucket: &Bucket,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Option<Found>, ObjectError> {
        let names = KeyNames::new(key);
        let mut seen: Option<Bytes> = None;
        for _ in 0..ATTEMPTS {
            let Some(head) = self.read_head(bucket.space(), &names).await? else { return Ok(None) };
            // An older version that was not there may have become the head meanwhile; the same head twice says not.
            if seen.as_ref() == Some(&head.raw) {
                return Ok(None);
            }
            match place_of(&head, version) {
                None => return Ok(None),
                Some(Place::Head) => return Ok(Some(Found { head, older: None })),
                Some(Place::Older(order)) => {
                    if let Some(older) = self.read_older(bucket.space(), &names, order).await? {
                        let meant = version == Some(older.1.id());
                        return Ok(meant.then(|| Found { head, older: Some(Box::new(older)) }));
                    }
                }
            }
            seen = Some(head.raw);
        }
        Err(ObjectError::Contention)
    }

    /// What a HEAD answers for a selection of an object.
    async fn select(
        &self,
        info: ObjectInfo,
        version: Option<VersionId>,
        content: &Content,
        selection: Selection,
    ) -> Result<Head, ObjectError> {
        let size = info.size;
        let whole = Head { info, version, range: None, parts: None, part_checksum: None };
        match (selection, content) {
            (Selection::Whole, _) => Ok(whole),
            (Selection::Range(range), _) => Ok(Head { range: Some(range.resolve(size)?), ..whole }),
            (Selection::Part(number), Content::Parts(map)) => {
                let Some((start, line)) = map.find(&*self.blobs, number).await? else {
                    return Err(ObjectError::InvalidPartNumber);
                };
                let (range, parts) = (start..line.end, Some(map.count));
                Ok(Head { range: Some(range), parts, part_checksum: line.checksum, ..whole })
            }
            (Selection::Part(1), Content::Empty | Content::Blob(_)) => {
                let part_checksum = whole.info.checksum.map(|checksum| checksum.value);
                Ok(Head { range: Some(0..size), part_checksum, ..whole })
            }
            (Selection::Part(_), _) => Err(ObjectError::InvalidPartNumber),
        }
    }
}

/// The object that was `found` where `version` was asked for, or why there is none to answer with.
fn object_of(bucket: &Bucket, version: Option<VersionId>, found: Option<Found>) -> Result<Object, ObjectError> {
    let Some(found) = found else {
        return Err(if version.is_some() { ObjectError::NoSuchVersion } else { ObjectError::NoSuchKey });
    };
    let is_current = found.older.is_none();
    let record = found.into_record();
    let write = record.write;
    let (id, last_modified) = (record.id(), record.modified);
    let Some((info, content)) = record.into_object() else {
        return Err(match version {
            Some(version) => ObjectError::MethodNotAllowedOnDeleteMarker { version, last_modified },
            None => ObjectError::DeleteMarker { version: id },
        });
    };
    Ok(Object { info, content, version: told(bucket.versioning, id), write, is_current })
}

/// Where a version is, going by the head of its key.
enum Place {
    Head,
    Older(Order),
}

/// Where to look for `version`; `None` where there is no null version and that is the one meant.
fn place_of(head: &StoredHead, version: Option<VersionId>) -> Option<Place> {
    let current = &head.record.version;
    match version {
        None => Some(Place::Head),
        Some(version) if version == current.id() => Some(Place::Head),
        Some(VersionId::Id(order)) => Some(Place::Older(Order(order))),
        Some(VersionId::Null) => head.record.null_at.map(Place::Older),
    }
}
