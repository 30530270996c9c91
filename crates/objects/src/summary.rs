//! What listings show of a version, read from its record in place.
//!
//! [`record::decode`](crate::record::decode) makes values of their own of all that a record has, which a page would pay
//! for a thousand times and show little of. [`Summary`] passes over the rest without a copy. Both take the same bytes for a
//! record and the same for damage: what is passed over is checked as if it were shown.

use storage::StorageError;
use types::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp, UserName, VersionId};

use crate::record::FORMAT;

/// Which version it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VersionSummary<'a> {
    /// Its version id.
    pub id: VersionId,
    /// When it was written.
    pub last_modified: Timestamp,
    /// The name of the user who wrote it; `None` for an anonymous upload.
    pub owner: Option<&'a str>,
}

/// What a version has that is no delete marker.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentSummary<'a> {
    /// Its size in bytes.
    pub size: u64,
    /// Its entity tag.
    pub etag: ETag,
    /// The algorithm and type of its checksum, if it has one.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
    /// `Content-Type`, which S3 does not show.
    pub content_type: Option<&'a str>,
    /// The storage class, where it is not STANDARD.
    pub storage_class: Option<&'a str>,
}

/// A version's record, as far as listings show it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Summary<'a> {
    pub(crate) version: VersionSummary<'a>,
    /// `None` for a delete marker.
    pub(crate) content: Option<ContentSummary<'a>>,
}

impl<'a> Summary<'a> {
    /// That of a head record.
    ///
    /// # Errors
    /// As [`crate::record::decode`].
    pub(crate) fn of_head(record: &'a [u8]) -> Result<Self, StorageError> {
        read(record, |fields| {
            let summary = fields.version()?;
            fields.option(Fields::array::<16>)?;
            Some(summary)
        })
    }

    /// That of the record of an older version.
    ///
    /// # Errors
    /// As [`crate::record::decode`].
    pub(crate) fn of_older(record: &'a [u8]) -> Result<Self, StorageError> {
        read(record, Fields::version)
    }
}

fn read<'a, T>(record: &'a [u8], read: impl FnOnce(&mut Fields<'a>) -> Option<T>) -> Result<T, StorageError> {
    let whole = record.strip_prefix(&[FORMAT]).and_then(|rest| {
        let mut fields = Fields { rest };
        read(&mut fields).filter(|_| fields.rest.is_empty())
    });
    whole.ok_or_else(|| StorageError::Damaged("a record of a bucket: it can not be listed".to_owned()))
}

/// The fields of a record that are not read yet, in the order and form of `docs/format/objects.md`. `None` is damage.
struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    fn version(&mut self) -> Option<Summary<'a>> {
        let _write = self.array::<16>()?;
        let order = self.array()?;
        let id = match self.choice()? {
            0 => VersionId::Null,
            1 => VersionId::Id(*order),
            _ => return None,
        };
        let last_modified = Timestamp(self.integer::<64>()?);
        let owner = self.option(Self::user)?;
        let version = VersionSummary { id, last_modified, owner };
        let content = match self.choice()? {
            0 => None,
            1 => Some(self.object()?),
            _ => return None,
        };
        Some(Summary { version, content })
    }

    fn object(&mut self) -> Option<ContentSummary<'a>> {
        let size = self.integer::<64>()?;
        let md5 = *self.array()?;
        let parts = u16::try_from(self.integer::<16>()?).ok()?;
        let checksum = self.option(Self::checksum)?;
        self.list(Self::acl_line)?;
        let content_type = self.option(Self::text)?;
        // Cache control, content disposition, encoding, language, expires, website redirect.
        for _ in 0..6 {
            self.option(Self::text)?;
        }
        let storage_class = self.option(Self::text)?;
        self.list(|fields| fields.text().and_then(|_| fields.text()).map(|_| ()))?;
        self.content()?;
        Some(ContentSummary { size, etag: ETag { md5, parts }, checksum, content_type, storage_class })
    }

    fn checksum(&mut self) -> Option<(ChecksumAlgorithm, ChecksumType)> {
        let algorithm = match self.choice()? {
            0 => ChecksumAlgorithm::Crc32,
            1 => ChecksumAlgorithm::Crc32c,
            2 => ChecksumAlgorithm::Crc64Nvme,
            3 => ChecksumAlgorithm::Sha1,
            4 => ChecksumAlgorithm::Sha256,
            _ => return None,
        };
        self.array::<32>()?;
        let kind = match self.choice()? {
            0 => ChecksumType::Composite,
            1 => ChecksumType::FullObject,
            _ => return None,
        };
        Some((algorithm, kind))
    }

    /// A grantee and a permission.
    fn acl_line(&mut self) -> Option<()> {
        match self.choice()? {
            0 => drop(self.user()?),
            1..=3 => {}
            _ => return None,
        }
        (self.choice()? < 5).then_some(())
    }

    /// Where the bytes are.
    fn content(&mut self) -> Option<()> {
        match self.choice()? {
            0 => {}
            1 => drop(self.array::<16>()?),
            2 => {
                self.array::<16>()?;
                self.integer::<16>()?;
                self.list(|fields| fields.integer::<64>().map(|_| ()))?;
            }
            _ => return None,
        }
        Some(())
    }

    fn user(&mut self) -> Option<&'a str> {
        self.text().filter(|name| UserName::check(name).is_ok())
    }

    fn text(&mut self) -> Option<&'a str> {
        let length = usize::try_from(self.integer::<64>()?).ok()?;
        let (text, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        std::str::from_utf8(text).ok()
    }

    fn list(&mut self, mut each: impl FnMut(&mut Self) -> Option<()>) -> Option<()> {
        for _ in 0..self.integer::<64>()? {
            each(self)?;
        }
        Some(())
    }

    fn option<T>(&mut self, value: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        match self.byte()? {
            0 => Some(None),
            1 => value(self).map(Some),
            _ => None,
        }
    }

    /// The number of a variant.
    fn choice(&mut self) -> Option<u64> {
        self.integer::<32>()
    }

    /// A varint of at most so many bits: seven a byte, the lowest first, and a high bit where more follow.
    #[inline]
    fn integer<const BITS: u32>(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..BITS).step_by(7) {
            let byte = self.byte()?;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                let is_within = BITS - shift >= 7 || byte >> (BITS - shift) == 0;
                return is_within.then_some(value);
            }
        }
        None
    }

    #[inline]
    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*byte)
    }

    #[inline]
    fn array<const N: usize>(&mut self) -> Option<&'a [u8; N]> {
        let (array, rest) = self.rest.split_first_chunk()?;
        self.rest = rest;
        Some(array)
    }
}

#[cfg(test)]
mod tests {
    use policy::{Acl, AclGrant, Grantee, Permission};
    use proptest::collection::vec;
    use proptest::prelude::{Just, Strategy, any, prop_oneof};
    use proptest::{option, prop_assert_eq, proptest, sample};
    use types::{BlobId, Checksum, WriteId};

    use super::*;
    use crate::object::{ObjectChecksum, ObjectMetadata};
    use crate::record::{
        Content, HeadRecord, Naming, ObjectRecord, Order, PartMap, VersionKind, VersionRecord, decode, encode,
    };

    fn user() -> impl Strategy<Value = UserName> {
        "[a-z][a-z@.]{0,9}".prop_map(|name| UserName::new(&name).expect("a name"))
    }

    fn checksum() -> impl Strategy<Value = ObjectChecksum> {
        let kinds = sample::select(vec![ChecksumType::Composite, ChecksumType::FullObject]);
        (sample::select(ChecksumAlgorithm::ALL.to_vec()), kinds)
            .prop_map(|(algorithm, kind)| ObjectChecksum { value: Checksum::of(algorithm, b"x"), kind })
    }

    fn acl() -> impl Strategy<Value = Acl> {
        let permissions = [Permission::FullControl, Permission::Read, Permission::Write, Permission::WriteAcp];
        let grantee = prop_oneof![
            user().prop_map(Grantee::User),
            Just(Grantee::AllUsers),
            Just(Grantee::AuthenticatedUsers),
            Just(Grantee::LogDelivery)
        ];
        let line = (grantee, sample::select(permissions.to_vec()));
        vec(line.prop_map(|(grantee, permission)| AclGrant { grantee, permission }), 0..3)
            .prop_map(|grants| Acl { grants })
    }

    fn metadata() -> impl Strategy<Value = ObjectMetadata> {
        let text = || option::of(".{0,5}");
        (text(), text(), text(), vec(("[a-z]{1,3}", ".{0,3}"), 0..3)).prop_map(
            |(content_type, expires, storage_class, user)| ObjectMetadata {
                content_type,
                expires,
                storage_class,
                user,
                ..ObjectMetadata::default()
            },
        )
    }

    fn content() -> impl Strategy<Value = Content> {
        let map = (any::<u16>(), vec(any::<u64>(), 0..3));
        prop_oneof![
            Just(Content::Empty),
            Just(Content::Blob(BlobId([7; 16]))),
            map.prop_map(|(count, slab_ends)| Content::Parts(PartMap { blob: BlobId([8; 16]), count, slab_ends })),
        ]
    }

    fn object() -> impl Strategy<Value = ObjectRecord> {
        let etag = (any::<[u8; 16]>(), any::<u16>()).prop_map(|(md5, parts)| ETag { md5, parts });
        (any::<u64>(), etag, option::of(checksum()), acl(), metadata(), content()).prop_map(
            |(size, etag, checksum, acl, metadata, content)| ObjectRecord {
                size,
                etag,
                checksum,
                acl,
                metadata,
                content,
            },
        )
    }

    fn version() -> impl Strategy<Value = VersionRecord> {
        let naming = sample::select(vec![Naming::Null, Naming::Id]);
        (any::<[u8; 16]>(), naming, any::<u64>(), option::of(user()), option::of(object())).prop_map(
            |(order, naming, modified, owner, object)| VersionRecord {
                write: WriteId([9; 16]),
                order: Order(order),
                naming,
                modified: Timestamp(modified),
                owner,
                kind: object.map_or(VersionKind::DeleteMarker, VersionKind::Object),
            },
        )
    }

    /// What a summary of the whole record is.
    fn expected(version: &VersionRecord) -> Summary<'_> {
        let content = version.object().map(|object| ContentSummary {
            size: object.size,
            etag: object.etag,
            checksum: object.checksum.map(|checksum| (checksum.value.algorithm, checksum.kind)),
            content_type: object.metadata.content_type.as_deref(),
            storage_class: object.metadata.storage_class.as_deref(),
        });
        let owner = version.owner.as_ref().map(UserName::as_str);
        Summary { version: VersionSummary { id: version.id(), last_modified: version.modified, owner }, content }
    }

    /// Both readers say the same of any bytes.
    fn agree(record: &[u8]) {
        let head = decode::<HeadRecord>(record).ok();
        assert_eq!(Summary::of_head(record).ok(), head.as_ref().map(|head| expected(&head.version)), "{record:02x?}");
        let older = decode::<VersionRecord>(record).ok();
        assert_eq!(Summary::of_older(record).ok(), older.as_ref().map(expected), "{record:02x?}");
    }

    proptest! {
        #[test]
        fn records_are_summed_up(version in version(), null_at in option::of(any::<[u8; 16]>())) {
            let older = encode(&version).expect("encoded");
            prop_assert_eq!(Summary::of_older(&older).ok(), Some(expected(&version)));
            let head = encode(&HeadRecord { version: version.clone(), null_at: null_at.map(Order) }).expect("encoded");
            prop_assert_eq!(Summary::of_head(&head).ok(), Some(expected(&version)));
        }

        #[test]
        fn damage_is_damage_to_both_readers(
            version in version(),
            null_at in option::of(any::<[u8; 16]>()),
            damage in vec((any::<sample::Index>(), any::<u8>()), 1..3),
            cut in any::<sample::Index>(),
        ) {
            let head = encode(&HeadRecord { version, null_at: null_at.map(Order) }).expect("encoded");
            agree(&head[..cut.index(head.len() + 1)]);
            let mut damaged = head.to_vec();
            for (at, byte) in damage {
                let at = at.index(damaged.len());
                damaged[at] = byte;
                agree(&damaged);
            }
        }

        #[test]
        fn varints_are_bounded_alike(number in vec(prop_oneof![Just(0x80u8), Just(0xff), any::<u8>()], 1..12)) {
            let take = |bits: u32| match bits {
                16 => postcard::take_from_bytes::<u16>(&number).ok().map(|(value, rest)| (u64::from(value), rest)),
                32 => postcard::take_from_bytes::<u32>(&number).ok().map(|(value, rest)| (u64::from(value), rest)),
                _ => postcard::take_from_bytes::<u64>(&number).ok(),
            };
            for bits in [16, 32, 64] {
                let mut fields = Fields { rest: &number };
                let value = match bits {
                    16 => fields.integer::<16>(),
                    32 => fields.integer::<32>(),
                    _ => fields.integer::<64>(),
                };
                prop_assert_eq!(value.map(|value| (value, fields.rest)), take(bits));
            }
        }
    }
}
