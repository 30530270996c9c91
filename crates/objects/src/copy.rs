//! CopyObject.
//!
//! No bytes are read where the engine can give a blob a second name: a copy has the source's content, tag and checksum.
//! So a copy of a multipart object keeps its parts and the tag that goes with them, where AWS makes it an object of one
//! part. Only where another checksum is asked for than the source has, the content is read, and then it is made as in one
//! PUT. A copy onto itself without a new version goes on using the blobs there are: only the record is written.

use access::{Grant, action};
use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};
use storage::{ByteStream, StorageError};
use types::{BlobId, ChecksumAlgorithm, ChecksumType, Conditions, ETag, VersionId};

use crate::bucket::Versioning;
use crate::commit::NewVersion;
use crate::conditions::{WriteTerms, check_source};
use crate::content::{NewBlobs, NewBody};
use crate::multipart::MAX_PART_BYTES;
use crate::object::{Copied, CopyRequest, MetadataDirective, ObjectChecksum, ObjectMetadata, Written};
use crate::part_map;
use crate::read::Object;
use crate::record::{Content, ObjectRecord, VersionKind};
use crate::{Claims, ObjectError, Objects, Payload, PayloadError};

/// How many parts are given their second names at a time.
const LINKS_AT_ONCE: usize = 16;

impl Objects {
    /// Makes an object of another, or of itself with other metadata.
    ///
    /// # Errors
    /// Those of a read of the source; [`ObjectError::PreconditionFailed`] by the conditions on either side;
    /// [`ObjectError::InvalidRequest`] for a source above 5 GiB, a source that is a delete marker, and a copy onto
    /// itself that changes nothing; [`ObjectError::AccessDenied`] as [`Objects::put_object`] has it; [`ObjectError::AccessControlListNotSupported`] and
    /// [`ObjectError::PublicAccessBlocked`].
    pub async fn copy_object(
        &self,
        source: &Grant<action::GetObject>,
        destination: &Grant<action::PutObject>,
        request: CopyRequest,
    ) -> Result<Copied, ObjectError> {
        match self.copy(source, destination, &request, Reuse::Possible).await {
            // The source was written anew while its content was about to be used on.
            Err(ObjectError::Contention) => self.copy(source, destination, &request, Reuse::Never).await,
            outcome => outcome,
        }
    }

    async fn copy(
        &self,
        source: &Grant<action::GetObject>,
        destination: &Grant<action::PutObject>,
        request: &CopyRequest,
        reuse: Reuse,
    ) -> Result<Copied, ObjectError> {
        // Held until the copy is committed: the source's blobs are read or linked until then.
        let _pin = self.blobs.pin();
        let object = self.copy_source(source, &request.source_conditions).await?;
        if object.info.size > MAX_PART_BYTES {
            return Err(ObjectError::InvalidRequest(format!("A copy has at most {MAX_PART_BYTES} bytes")));
        }
        let onto_itself = source.in_bucket().bucket_id == destination.in_bucket().bucket_id
            && source.key() == destination.key()
            && object.is_current;
        let changes = matches!(request.metadata, MetadataDirective::Replace(_)) || request.storage_class.is_some();
        if onto_itself && !changes && request.checksum_algorithm.is_none() {
            let what = "A copy of an object onto itself changes its metadata or its storage class";
            return Err(ObjectError::InvalidRequest(what.to_owned()));
        }
        let into = self.bucket_of(destination.in_bucket()).await?;
        let (owner, acl) = into.admit_upload(destination.principal().user(), request.acl.clone())?;
        let mut new = NewVersion::new(self, owner, VersionKind::DeleteMarker);
        let mut record = ObjectRecord {
            size: object.info.size,
            etag: object.info.etag,
            checksum: object.info.checksum,
            acl,
            metadata: copied_metadata(request, &object.info.metadata),
            content: Content::Empty,
        };
        let length = Some(object.info.size);
        self.check_room_for_object(&into, destination.key(), new.record.owner.as_ref(), length).await?;
        let replaces_itself =
            onto_itself && into.versioning != Versioning::Enabled && object.info.version == VersionId::Null;
        match other_checksum(request.checksum_algorithm, object.info.checksum) {
            Some(algorithm) => self.read_through(&object, algorithm, &mut record, &mut new).await?,
            None if replaces_itself && reuse == Reuse::Possible => {
                record.content = object.content;
                new.takes_over = Some(object.write);
            }
            None => record.content = self.share(&object, &mut new.blobs).await?,
        }
        let (etag, checksum, size) = (record.etag, record.checksum, record.size);
        new.record.kind = VersionKind::Object(record);
        let terms = WriteTerms { conditions: &request.conditions, existence: destination.existence() };
        let committed = self.write_version(destination.in_bucket(), destination.key(), new, terms).await?;
        let (version, last_modified) = (committed.version(), committed.modified);
        Ok(Copied { written: Written { etag, version, checksum, size, last_modified }, source_version: object.version })
    }

    /// The source of a copy. A delete marker is none.
    pub(crate) async fn copy_source(
        &self,
        grant: &Grant<action::GetObject>,
        conditions: &Conditions,
    ) -> Result<Object, ObjectError> {
        let target = grant.target();
        let object = match self.existing(&target.bucket, &target.key, target.version).await {
            Err(ObjectError::DeleteMarker { .. }) => return Err(ObjectError::NoSuchKey),
            Err(ObjectError::MethodNotAllowedOnDeleteMarker { .. }) => {
                return Err(ObjectError::InvalidRequest("The source of the copy is a delete marker".to_owned()));
            }
            outcome => outcome?,
        };
        check_source(conditions, &object.info)?;
        Ok(object)
    }

    /// Gives every blob of an object a second name.
    async fn share(&self, object: &Object, blobs: &mut NewBlobs) -> Result<Content, ObjectError> {
        match &object.content {
            Content::Empty => Ok(Content::Empty),
            Content::Blob(blob) => Ok(Content::Blob(self.share_blob(*blob, object.info.size, blobs).await?)),
            Content::Parts(map) => {
                let mut lines = map.all(&*self.blobs).await?;
                let named: Vec<BlobId> = lines.iter().filter_map(|line| line.blob).collect();
                let mut links = stream::iter(named)
                    .map(|from| async move {
                        let to = BlobId::random(&*self.entropy);
                        self.blobs.link(from, to).await.map(|_| to)
                    })
                    .buffered(LINKS_AT_ONCE);
                let mut linked = Vec::with_capacity(lines.len());
                while let Some(to) = links.try_next().await? {
                    blobs.add_made(to);
                    linked.push(to);
                }
                let with_content = lines.iter_mut().filter(|line| line.blob.is_some());
                with_content.zip(linked).for_each(|(line, to)| line.blob = Some(to));
                let blob = BlobId::random(&*self.entropy);
                self.store_small(blobs, blob, part_map::encode(&lines)).await?;
                Ok(Content::Parts(part_map::index(blob, &lines)))
            }
        }
    }

    /// Gives a blob a second name, or copies it where it is small enough to travel inside the commit.
    pub(crate) async fn share_blob(
        &self,
        from: BlobId,
        size: u64,
        blobs: &mut NewBlobs,
    ) -> Result<BlobId, StorageError> {
        let to = BlobId::random(&*self.entropy);
        if size <= self.blobs.inline_limit() as u64 {
            blobs.add_inline(to, self.blobs.read(from, 0..size).await?.collect().await?);
        } else {
            self.blobs.link(from, to).await?;
            blobs.add_made(to);
        }
        Ok(to)
    }

    /// Reads an object and makes of it what a PUT of the same bytes would make, with a checksum by `algorithm`.
    async fn read_through(
        &self,
        object: &Object,
        algorithm: ChecksumAlgorithm,
        record: &mut ObjectRecord,
        new: &mut NewVersion,
    ) -> Result<(), ObjectError> {
        let stream = self.open(self.blobs.pin(), object.content.clone(), 0..object.info.size).await?;
        let body = self.receive_stream(stream, algorithm).await?;
        let value = body.digest.checksum(algorithm);
        record.checksum = value.map(|value| ObjectChecksum { value, kind: ChecksumType::FullObject });
        record.etag = ETag::whole(body.digest.md5);
        record.content = body.content();
        new.blobs = body.blobs;
        Ok(())
    }

    /// Makes a new body of what the store itself reads.
    pub(crate) async fn receive_stream(
        &self,
        stream: ByteStream,
        algorithm: ChecksumAlgorithm,
    ) -> Result<NewBody, ObjectError> {
        match self.receive(&mut Stored { stream, algorithm }, &[algorithm]).await {
            Err(ObjectError::Payload(PayloadError(error))) => Err(match error.downcast::<StorageError>() {
                Ok(error) => ObjectError::Storage(*error),
                Err(error) => ObjectError::Payload(PayloadError(error)),
            }),
            outcome => outcome,
        }
    }
}

/// Whether a copy may go on using the blobs of its source.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reuse {
    Possible,
    Never,
}

/// The algorithm asked for, where the source has no checksum of its whole content by it.
fn other_checksum(asked: Option<ChecksumAlgorithm>, has: Option<ObjectChecksum>) -> Option<ChecksumAlgorithm> {
    asked.filter(|asked| has.is_none_or(|has| has.value.algorithm != *asked || has.kind != ChecksumType::FullObject))
}

/// What travels with a copy. Storage class and redirect are those of the request, never the source's (S3 API reference,
/// CopyObject).
fn copied_metadata(request: &CopyRequest, source: &ObjectMetadata) -> ObjectMetadata {
    let mut metadata = match &request.metadata {
        MetadataDirective::Copy => ObjectMetadata { storage_class: None, website_redirect: None, ..source.clone() },
        MetadataDirective::Replace(metadata) => metadata.clone(),
    };
    metadata.storage_class = request.storage_class.clone().or(metadata.storage_class);
    metadata
}

/// Content of the store as a payload.
struct Stored {
    stream: ByteStream,
    algorithm: ChecksumAlgorithm,
}

#[async_trait]
impl Payload for Stored {
    async fn next(&mut self) -> Result<Option<Bytes>, PayloadError> {
        self.stream.next().await.transpose().map_err(|error| PayloadError(Box::new(error)))
    }

    fn length(&self) -> Option<u64> {
        Some(self.stream.length())
    }

    fn claims(&self) -> Claims {
        Claims::default()
    }

    fn checksum_algorithm(&self) -> Option<ChecksumAlgorithm> {
        Some(self.algorithm)
    }
}
