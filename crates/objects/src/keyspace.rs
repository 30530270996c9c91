//! Where the records of a bucket lie: the one place that makes and reads storage keys.
//!
//! A bucket's space has two areas, told apart by the first byte: `o` for objects and `u` for uploads. An object key
//! follows, escaped so that it ends in a byte that occurs nowhere in it, and then what tells the records of one object
//! key apart. `docs/format/objects.md` has the layout byte by byte.
//!
//! Heads of objects lie on the front of the space ([`storage::side`]), older versions and completion markers on its back:
//! so a listing of current objects reads heads alone, one after another, and a listing of versions reads both sides
//! together, where the versions of a key follow its head.
//!
//! Escaping works byte by byte and keeps the order, so the escaped form of a prefix is a prefix of the escaped forms of
//! all keys that start with it: everything under a common prefix is one range of keys.

use std::borrow::Cow;

use storage::{StorageError, side};
use types::{BucketName, ObjectKey, TenancyName, UploadId};

use crate::record::Order;

/// The area of objects.
pub(crate) const OBJECTS: u8 = b'o';
/// The area of uploads.
pub(crate) const UPLOADS: u8 = b'u';

/// Ends an escaped key; less than every byte in one, so that `a` sorts before `a/`.
const TERMINATOR: u8 = 0x01;
/// Starts the two bytes that stand for 0x00, 0x01 and 0x02; the second is 0x02 more than what it stands for.
const ESCAPE: u8 = 0x02;
/// Starts the name of an older version, after the terminator.
const OLDER: u8 = b'v';
/// Starts the name of a completion marker, after the terminator.
const MARKER: u8 = b'c';
/// Starts the name of a part, after the upload's.
const PART: u8 = b'p';
/// An upload id in hex.
const UPLOAD_HEX: usize = 32;

/// The group of a tenancy's bucket records, in [`storage::Space::CONTROL`].
pub(crate) fn buckets_of(tenancy: &TenancyName) -> Vec<u8> {
    format!("b/{tenancy}/").into_bytes()
}

/// The first name after all of that group.
pub(crate) fn end_of_buckets_of(tenancy: &TenancyName) -> Vec<u8> {
    format!("b/{tenancy}0").into_bytes()
}

/// The record of a bucket.
pub(crate) fn bucket(tenancy: &TenancyName, name: &BucketName) -> Vec<u8> {
    format!("b/{tenancy}/{name}").into_bytes()
}

/// The keys between which all bucket records lie.
pub(crate) const ALL_BUCKETS: (&[u8], &[u8]) = (b"b/", b"b0");

/// The names of one object key's records. All belong to [`KeyNames::group`].
pub(crate) struct KeyNames {
    base: Vec<u8>,
}

impl KeyNames {
    pub(crate) fn new(key: &ObjectKey) -> Self {
        let mut base = escaped(OBJECTS, key.as_str().as_bytes());
        base.push(TERMINATOR);
        Self { base }
    }

    /// What all of them start with, on either side.
    pub(crate) fn group(&self) -> &[u8] {
        &self.base
    }

    /// The head record: the current version.
    pub(crate) fn head(&self) -> Vec<u8> {
        self.base.clone()
    }

    /// An older version.
    pub(crate) fn older(&self, order: Order) -> Vec<u8> {
        self.with(OLDER, &hex::encode(order.0))
    }

    /// The range of all older versions, newest first.
    pub(crate) fn all_older(&self) -> (Vec<u8>, Vec<u8>) {
        (self.with(OLDER, ""), self.with(OLDER + 1, ""))
    }

    /// The marker that says that an upload became a version of this key.
    pub(crate) fn marker(&self, upload: UploadId) -> Vec<u8> {
        self.with(MARKER, &upload.to_string())
    }

    fn with(&self, kind: u8, name: &str) -> Vec<u8> {
        let mut key = Vec::with_capacity(self.base.len() + 1 + name.len());
        key.extend_from_slice(&self.base);
        key.push(kind);
        key.extend_from_slice(name.as_bytes());
        side::to_back(key)
    }
}

/// The names of one upload's records. All start with [`UploadNames::group`].
pub(crate) struct UploadNames {
    base: Vec<u8>,
}

impl UploadNames {
    pub(crate) fn new(key: &ObjectKey, upload: UploadId) -> Self {
        let mut base = escaped(UPLOADS, key.as_str().as_bytes());
        base.push(TERMINATOR);
        base.extend_from_slice(upload.to_string().as_bytes());
        base.push(TERMINATOR);
        Self { base }
    }

    /// What all of them start with.
    pub(crate) fn group(&self) -> &[u8] {
        &self.base
    }

    /// The upload's own record.
    pub(crate) fn upload(&self) -> Vec<u8> {
        self.base.clone()
    }

    /// The record of a part.
    pub(crate) fn part(&self, number: u16) -> Vec<u8> {
        let mut key = self.base.clone();
        key.push(PART);
        key.extend_from_slice(format!("{number:05}").as_bytes());
        key
    }

    /// The range of the parts with numbers above `after`.
    pub(crate) fn parts_after(&self, after: u16) -> (Vec<u8>, Vec<u8>) {
        let mut from = self.part(after);
        from.push(TERMINATOR);
        let mut to = self.base.clone();
        to.push(PART + 1);
        (from, to)
    }

    /// The number in the name of a part's record.
    pub(crate) fn part_number(&self, name: &[u8]) -> Result<u16, StorageError> {
        let digits = name.get(self.base.len() + 1..).and_then(|digits| std::str::from_utf8(digits).ok());
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| strange(name))
    }

    /// The first name after all of the upload's.
    pub(crate) fn end(&self) -> Vec<u8> {
        end_of_group(&self.base)
    }
}

/// A storage key of one of the two areas, taken apart.
pub(crate) struct Place<'a> {
    name: &'a [u8],
    /// The length up to and with the terminator.
    group: usize,
}

impl<'a> Place<'a> {
    pub(crate) fn parse(name: &'a [u8]) -> Result<Self, StorageError> {
        let end = name.iter().position(|byte| *byte == TERMINATOR).filter(|end| *end > 1);
        end.map(|end| Self { name, group: end + 1 }).ok_or_else(|| strange(name))
    }

    /// What follows the object key: nothing for a head record.
    pub(crate) fn rest(&self) -> &'a [u8] {
        &self.name[self.group..]
    }

    /// Whether it is the record of an older version.
    pub(crate) fn is_older(&self) -> bool {
        self.rest().first() == Some(&OLDER)
    }

    /// Whether it is the marker of a completion.
    pub(crate) fn is_marker(&self) -> bool {
        self.rest().first() == Some(&MARKER)
    }

    /// The upload whose own record this is; `None` for a part's.
    pub(crate) fn upload(&self) -> Option<UploadId> {
        let (id, end) = self.rest().split_at_checked(UPLOAD_HEX)?;
        (end == [TERMINATOR]).then(|| std::str::from_utf8(id).ok()?.parse().ok())?
    }

    /// The object key: the stored bytes themselves where none is escaped, as in nearly all keys.
    pub(crate) fn key(&self) -> Result<Cow<'a, str>, StorageError> {
        let escaped = &self.name[1..self.group - 1];
        let key = match escaped.contains(&ESCAPE) {
            false => std::str::from_utf8(escaped).ok().map(Cow::Borrowed),
            true => unescaped(escaped).and_then(|key| String::from_utf8(key).ok()).map(Cow::Owned),
        };
        key.ok_or_else(|| strange(self.name))
    }
}

/// The first name after all of `area` that have exactly this object key.
pub(crate) fn after_key(area: u8, key: &[u8]) -> Vec<u8> {
    let mut name = escaped(area, key);
    name.push(TERMINATOR + 1);
    name
}

/// The first name of `area` whose object key starts with `prefix`.
pub(crate) fn prefix_start(area: u8, prefix: &[u8]) -> Vec<u8> {
    escaped(area, prefix)
}

/// The first name after all of `area` whose object keys start with `prefix`.
pub(crate) fn prefix_end(area: u8, prefix: &[u8]) -> Vec<u8> {
    let mut name = escaped(area, prefix);
    while let Some(last) = name.pop() {
        if last < u8::MAX {
            name.push(last + 1);
            break;
        }
    }
    name
}

/// Where a walk goes on after `name`, which may be of either side: the least place after it that no NUL is in. No stored
/// name has one, and no two have the same place, so nothing is passed over.
pub(crate) fn just_after(name: &[u8]) -> Vec<u8> {
    let mut after = Vec::with_capacity(name.len() + 1);
    after.extend_from_slice(name);
    after.push(TERMINATOR);
    side::to_front(after)
}

fn end_of_group(base: &[u8]) -> Vec<u8> {
    let mut end = base[..base.len() - 1].to_vec();
    end.push(TERMINATOR + 1);
    end
}

fn escaped(area: u8, key: &[u8]) -> Vec<u8> {
    let mut name = Vec::with_capacity(key.len() + 2 + UPLOAD_HEX);
    name.push(area);
    for byte in key {
        match byte {
            0..=ESCAPE => name.extend_from_slice(&[ESCAPE, ESCAPE + byte]),
            _ => name.push(*byte),
        }
    }
    name
}

fn unescaped(name: &[u8]) -> Option<Vec<u8>> {
    let mut key = Vec::with_capacity(name.len());
    let mut bytes = name.iter();
    while let Some(byte) = bytes.next() {
        match *byte {
            ESCAPE => key.push(bytes.next()?.checked_sub(ESCAPE).filter(|byte| *byte <= ESCAPE)?),
            byte => key.push(byte),
        }
    }
    Some(key)
}

fn strange(name: &[u8]) -> StorageError {
    StorageError::Damaged(format!("the key {} is none of a bucket's", hex::encode(name)))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy, any, prop};
    use proptest::{prop_assert, prop_assert_eq, proptest};
    use storage::side;
    use types::{ObjectKey, UploadId};

    use super::{KeyNames, OBJECTS, Place, UploadNames, after_key, escaped, just_after, prefix_end, prefix_start};
    use crate::record::Order;

    /// Keys of few different characters, low ones above all, so that prefixes and escapes meet.
    fn key() -> impl Strategy<Value = String> {
        prop::collection::vec(prop::sample::select(vec!['\0', '\u{1}', '\u{2}', '\u{3}', 'a', '/', 'é', '🦀']), 1..6)
            .prop_map(|characters| characters.into_iter().collect())
    }

    proptest! {
        #[test]
        fn names_keep_the_order_of_keys_and_are_read_back(left in key(), right in key()) {
            let names = |key: &str| KeyNames::new(&ObjectKey::new(key).unwrap());
            prop_assert_eq!(names(&left).head().cmp(&names(&right).head()), left.cmp(&right));
            let place = names(&left).older(Order([7; 16]));
            prop_assert_eq!(Place::parse(&place).unwrap().key().unwrap(), left.clone());
            prop_assert!(!place.contains(&0));
            prop_assert!(side::is_in_group(names(&left).group(), &place));
            if left < right {
                prop_assert!(side::order(&names(&left).head(), &place).is_lt());
                prop_assert!(side::order(&place, &names(&right).head()).is_lt());
                prop_assert!(side::order(&place, &just_after(&place)).is_lt());
                prop_assert!(just_after(&place) < names(&right).head());
                prop_assert!(after_key(OBJECTS, left.as_bytes()) <= names(&right).head());
            }
        }

        #[test]
        fn a_prefix_is_one_range(prefix in key(), key in key()) {
            let name = KeyNames::new(&ObjectKey::new(&key).unwrap()).head();
            let inside = prefix_start(OBJECTS, prefix.as_bytes()) <= name && name < prefix_end(OBJECTS, prefix.as_bytes());
            prop_assert_eq!(inside, key.starts_with(&prefix));
        }

        #[test]
        fn strange_names_are_refused_and_never_panic(name in prop::collection::vec(any::<u8>(), 0..40)) {
            if let Ok(place) = Place::parse(&name) {
                let _ = place.key();
                let _ = place.upload();
            }
        }
    }

    #[test]
    fn uploads_have_names_of_their_own() {
        let key = ObjectKey::new("k").unwrap();
        let names = UploadNames::new(&key, UploadId([0x5a; 16]));
        let upload = names.upload();
        let place = Place::parse(&upload).unwrap();
        assert_eq!(place.upload(), Some(UploadId([0x5a; 16])));
        let part = names.part(42);
        assert_eq!(Place::parse(&part).unwrap().upload(), None);
        assert_eq!(names.part_number(&part).unwrap(), 42);
        let (from, to) = names.parts_after(41);
        assert!(from <= part && part < to && names.part(41) < from && to < names.end());
        assert!(just_after(&part) <= names.part(43));
        assert_eq!(escaped(OBJECTS, b"\0\x01\x02a"), b"o\x02\x02\x02\x03\x02\x04a");
    }
}
