//! The records of a bucket as values, and their bytes: one byte with the format's number, then postcard.

use bytes::Bytes;
use policy::{Acl, Existence};
use postcard::ser_flavors::Flavor;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use storage::{StorageError, limits};
use types::{
    BlobId, Checksum, ChecksumAlgorithm, ChecksumType, Conditions, ETag, Entropy, EtagMatch, Timestamp, UserName,
    VersionId, WriteId,
};

use crate::ObjectError;
use crate::object::{ObjectChecksum, ObjectInfo, ObjectMetadata};

/// The first byte of every record. Another number means another layout.
pub(crate) const FORMAT: u8 = 1;

/// The place of a version among those of its key: the bytes of its [`VersionId`], which the null version has too.
/// Newer ones are less.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub(crate) struct Order(pub(crate) [u8; 16]);

impl Order {
    /// A place for a version made now, before `newest` whatever the clock says.
    pub(crate) fn newer_than(newest: Option<Self>, now: Timestamp, entropy: &dyn Entropy) -> Self {
        let least = newest.map_or(Timestamp(0), |newest| Timestamp(newest.moment().0.saturating_add(1)));
        match VersionId::at(now.max(least), entropy) {
            VersionId::Id(bytes) => Self(bytes),
            VersionId::Null => Self([0; 16]),
        }
    }

    fn moment(self) -> Timestamp {
        VersionId::Id(self.0).moment().unwrap_or_default()
    }
}

/// Whether a version goes by its own id or as `null`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum Naming {
    Null,
    Id,
}

/// One version of a key.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct VersionRecord {
    /// The attempt that wrote it.
    pub(crate) write: WriteId,
    pub(crate) order: Order,
    pub(crate) naming: Naming,
    pub(crate) modified: Timestamp,
    pub(crate) owner: Option<UserName>,
    pub(crate) kind: VersionKind,
}

#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[expect(clippy::large_enum_variant, reason = "nearly every record is an object, which a box would allocate")]
pub(crate) enum VersionKind {
    DeleteMarker,
    Object(ObjectRecord),
}

/// What a version is that is no delete marker.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct ObjectRecord {
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) checksum: Option<ObjectChecksum>,
    pub(crate) acl: Acl,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) content: Content,
}

/// Where the bytes of an object are.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum Content {
    /// There are none.
    Empty,
    Blob(BlobId),
    Parts(PartMap),
}

/// Where the part map of a multipart object is, and every 128th line of it.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PartMap {
    /// The blob that is the map.
    pub(crate) blob: BlobId,
    /// How many lines it has.
    pub(crate) count: u16,
    /// Where the parts of each full slab end in the object.
    pub(crate) slab_ends: Vec<u64>,
}

/// The current version of a key, and where its null version is when that is an older one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct HeadRecord {
    pub(crate) version: VersionRecord,
    pub(crate) null_at: Option<Order>,
}

/// Says that an upload became a version.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct MarkerRecord {
    pub(crate) write: WriteId,
    pub(crate) version: VersionId,
}

/// A multipart upload.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct UploadRecord {
    pub(crate) write: WriteId,
    pub(crate) initiated: Timestamp,
    pub(crate) owner: Option<UserName>,
    pub(crate) acl: Acl,
    pub(crate) metadata: ObjectMetadata,
    pub(crate) checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
    pub(crate) state: UploadState,
}

/// What is being done to an upload. It only moves down this list, but a refused completion opens it again.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum UploadState {
    /// Parts come.
    Open,
    /// It is becoming a version: whoever finds it so finishes that.
    Completing(Intent),
    /// It became one, and only this record and the marker are left.
    Completed(Intent),
    /// Its parts are being removed.
    Aborting,
}

/// All that is needed to finish a completion.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// The attempt that will have written the version.
    pub(crate) write: WriteId,
    /// The parts chosen, ascending.
    pub(crate) parts: Vec<u16>,
    pub(crate) size: u64,
    pub(crate) etag: ETag,
    pub(crate) checksum: Option<ObjectChecksum>,
    pub(crate) if_match: Option<StoredMatch>,
    pub(crate) if_none_match: Option<StoredMatch>,
    /// What the grant was for.
    pub(crate) existence: Existence,
}

impl Intent {
    /// The conditions on the destination.
    pub(crate) fn conditions(&self) -> Conditions {
        Conditions {
            if_match: self.if_match.clone().map(Into::into),
            if_none_match: self.if_none_match.clone().map(Into::into),
            ..Conditions::default()
        }
    }
}

/// [`EtagMatch`] in a record.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) enum StoredMatch {
    Any,
    Tags(Vec<ETag>),
}

impl From<EtagMatch> for StoredMatch {
    fn from(given: EtagMatch) -> Self {
        match given {
            EtagMatch::Any => Self::Any,
            EtagMatch::Tags(tags) => Self::Tags(tags),
        }
    }
}

impl From<StoredMatch> for EtagMatch {
    fn from(stored: StoredMatch) -> Self {
        match stored {
            StoredMatch::Any => Self::Any,
            StoredMatch::Tags(tags) => Self::Tags(tags),
        }
    }
}

/// A part of an upload.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(crate) struct PartRecord {
    pub(crate) write: WriteId,
    /// Its content; `None` where it is empty.
    pub(crate) blob: Option<BlobId>,
    pub(crate) size: u64,
    pub(crate) md5: [u8; 16],
    /// By the upload's algorithm.
    pub(crate) checksum: Option<Checksum>,
    pub(crate) modified: Timestamp,
}

impl VersionRecord {
    /// The id that clients know it by.
    pub(crate) fn id(&self) -> VersionId {
        match self.naming {
            Naming::Null => VersionId::Null,
            Naming::Id => VersionId::Id(self.order.0),
        }
    }

    /// The object that it is; `None` for a delete marker.
    pub(crate) fn object(&self) -> Option<&ObjectRecord> {
        match &self.kind {
            VersionKind::Object(object) => Some(object),
            VersionKind::DeleteMarker => None,
        }
    }

    pub(crate) fn into_object(self) -> Option<(ObjectInfo, Content)> {
        let version = self.id();
        let VersionKind::Object(object) = self.kind else { return None };
        let info = ObjectInfo {
            version,
            last_modified: self.modified,
            size: object.size,
            etag: object.etag,
            checksum: object.checksum,
            owner: self.owner,
            acl: object.acl,
            metadata: object.metadata,
        };
        Some((info, object.content))
    }
}

/// The bytes of a [`HeadRecord`].
///
/// # Errors
/// As [`encode`].
pub(crate) fn encode_head(version: &VersionRecord, null_at: Option<Order>) -> Result<Bytes, ObjectError> {
    encode(&(version, null_at))
}

/// The bytes of a record.
///
/// # Errors
/// [`ObjectError::InvalidRequest`] where they pass the bound of a value, which only metadata and ACL can do.
pub(crate) fn encode<T: Serialize>(record: &T) -> Result<Bytes, ObjectError> {
    let mut bytes = Encoding(Vec::with_capacity(256));
    bytes.0.push(FORMAT);
    let bytes = postcard::serialize_with_flavor(record, bytes)
        .map_err(|error| StorageError::Bounds(format!("a record can not be written: {error}")))?;
    if bytes.len() > limits::VALUE_BYTES {
        return Err(ObjectError::InvalidRequest("The metadata and the ACL together are too large".to_owned()));
    }
    Ok(bytes.into())
}

/// Takes in a record's bytes. A record is written with every object, and most of it are ids and digests.
struct Encoding(Vec<u8>);

impl Flavor for Encoding {
    type Output = Vec<u8>;

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<Vec<u8>> {
        Ok(self.0)
    }
}

/// The record in `bytes`.
///
/// # Errors
/// [`StorageError::Damaged`] where there is none, or one of another format.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, StorageError> {
    let damaged = |what: String| StorageError::Damaged(format!("a record of a bucket: {what}"));
    match bytes.split_first() {
        Some((&FORMAT, rest)) => match postcard::take_from_bytes(rest) {
            Ok((record, [])) => Ok(record),
            Ok((_, more)) => Err(damaged(format!("{} bytes too many", more.len()))),
            Err(error) => Err(damaged(error.to_string())),
        },
        Some((format, _)) => Err(damaged(format!("its format {format} is unknown"))),
        None => Err(damaged("it is empty".to_owned())),
    }
}

#[cfg(test)]
mod tests {
    use policy::{Acl, AclGrant, Grantee, Permission};
    use proptest::prelude::{any, prop};
    use proptest::proptest;
    use types::{BlobId, Checksum, ChecksumAlgorithm, ChecksumType, ETag, SeededEntropy, Timestamp, UserName, WriteId};

    use super::{
        Content, HeadRecord, Naming, ObjectRecord, Order, PartMap, VersionKind, VersionRecord, decode, encode,
        encode_head,
    };
    use crate::object::{ObjectChecksum, ObjectMetadata};

    #[test]
    fn places_are_newer_whatever_the_clock_says() {
        let entropy = SeededEntropy::new(1);
        let mut newest = None;
        for now in [10, 10, 5, 0, 11, 9] {
            let next = Order::newer_than(newest, Timestamp(now), &entropy);
            assert!(newest.is_none_or(|newest| next < newest), "{now}");
            newest = Some(next);
        }
    }

    #[test]
    fn only_whole_records_of_the_format_are_read() {
        let version = VersionRecord {
            write: WriteId([1; 16]),
            order: Order([2; 16]),
            naming: Naming::Id,
            modified: Timestamp(3),
            owner: None,
            kind: VersionKind::DeleteMarker,
        };
        let head = HeadRecord { version, null_at: Some(Order([4; 16])) };
        let bytes = encode(&head).unwrap();
        assert_eq!(decode::<HeadRecord>(&bytes).unwrap(), head);
        assert_eq!(encode_head(&head.version, head.null_at).unwrap(), bytes);
        let mut long = bytes.to_vec();
        long.push(0);
        let mut other = bytes.to_vec();
        other[0] = 2;
        for strange in [&long[..], &other, &bytes[..bytes.len() - 1], &[]] {
            assert!(decode::<HeadRecord>(strange).is_err(), "{strange:?}");
        }
    }

    /// The bytes of `docs/format/objects.md`: what is stored stays readable.
    #[test]
    fn the_format_does_not_change_unnoticed() {
        let owner = UserName::new("ada").unwrap();
        let grants = vec![AclGrant { grantee: Grantee::AllUsers, permission: Permission::Read }];
        let user = vec![("k".to_owned(), "v".to_owned())];
        let value = Checksum::new(ChecksumAlgorithm::Crc32c, &[9; 4]).unwrap();
        let object = ObjectRecord {
            size: 300,
            etag: ETag { md5: [5; 16], parts: 2 },
            checksum: Some(ObjectChecksum { value, kind: ChecksumType::FullObject }),
            acl: Acl { grants },
            metadata: ObjectMetadata { content_type: Some("t".to_owned()), user, ..ObjectMetadata::default() },
            content: Content::Parts(PartMap { blob: BlobId([6; 16]), count: 200, slab_ends: vec![299] }),
        };
        let version = VersionRecord {
            write: WriteId([1; 16]),
            order: Order([2; 16]),
            naming: Naming::Null,
            modified: Timestamp(3),
            owner: Some(owner),
            kind: VersionKind::Object(object),
        };
        let hex = |byte: &str, times| byte.repeat(times);
        let expected = [
            "01".to_owned(),
            hex("01", 16) + &hex("02", 16) + "00" + "03" + "0103616461",
            "01".to_owned() + "ac02" + &hex("05", 16) + "02",
            "01".to_owned() + "01" + &hex("09", 4) + &hex("00", 28) + "01",
            "01".to_owned() + "01" + "01",
            "010174".to_owned() + &hex("00", 7) + "01016b0176",
            "02".to_owned() + &hex("06", 16) + "c801" + "01ab02",
            "00".to_owned(),
        ];
        assert_eq!(hex::encode(encode_head(&version, None).unwrap()), expected.concat());
    }

    proptest! {
        #[test]
        fn strange_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode::<HeadRecord>(&bytes);
            let _ = decode::<super::UploadRecord>(&[&[1], &bytes[..]].concat());
        }
    }
}
