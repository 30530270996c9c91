//! The entries of a listing of objects or versions, written as they come.
//!
//! A document says how many entries it has and whether there are more before it shows them. So entries are written
//! behind room for that head, which is filled when all is known, and nothing is held twice. There are up to a thousand
//! in a page, so tags are written in runs, and nothing is allocated for one.

use bytes::Bytes;
use types::{ChecksumAlgorithm, ChecksumType, ETag, Timestamp};

use super::{OwnerRef, XmlWriter};
use crate::params::EncodingType;

/// The room for a head, in bytes: enough for all but long prefixes and markers, for which the entries are moved.
const HEAD_ROOM: usize = 2048;
/// The room for entries to begin with, in bytes: a small page in full.
const ENTRY_ROOM: usize = 16 * 1024;
/// The seconds of a day.
const DAY_SECS: u64 = 86_400;
/// The last second of the year 9999; later moments are shown as the epoch, as by [`Timestamp::to_iso8601`].
const LAST_SECOND: u64 = 253_402_300_799;

/// The entries of a page, in the making.
#[derive(Debug)]
pub struct Entries {
    encoding: EncodingType,
    keys: XmlWriter,
    common_prefixes: XmlWriter,
    count: u32,
    dates: Dates,
}

/// What an object has and a delete marker has not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ContentEntry<'a> {
    /// Its tag.
    pub etag: ETag,
    /// Its length in bytes.
    pub size: u64,
    /// Its storage class.
    pub storage_class: &'a str,
    /// The algorithm and type of its checksum.
    pub checksum: Option<(ChecksumAlgorithm, ChecksumType)>,
}

impl Entries {
    /// No entries yet. Keys and prefixes are shown in `encoding`.
    pub fn new(encoding: EncodingType) -> Self {
        let mut room = String::with_capacity(HEAD_ROOM + ENTRY_ROOM);
        room.extend(std::iter::repeat_n(' ', HEAD_ROOM));
        Self {
            encoding,
            keys: XmlWriter::piece(room),
            common_prefixes: XmlWriter::piece(String::new()),
            count: 0,
            dates: Dates::default(),
        }
    }

    /// How many entries there are, common prefixes counted.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// How keys are shown.
    pub(super) fn encoding(&self) -> EncodingType {
        self.encoding
    }

    /// Adds a common prefix. They stand behind all keys.
    pub fn add_common_prefix(&mut self, prefix: &str) {
        self.count += 1;
        self.common_prefixes.raw("<CommonPrefixes><Prefix>");
        self.common_prefixes.shown(prefix, self.encoding);
        self.common_prefixes.raw("</Prefix></CommonPrefixes>");
    }

    /// Starts an entry with `tag`, which opens it, and its key.
    pub(super) fn start(&mut self, tag: &'static str, key: &str) -> &mut XmlWriter {
        self.count += 1;
        self.keys.raw(tag);
        self.keys.raw("<Key>");
        self.keys.shown(key, self.encoding);
        self.keys.raw("</Key>");
        &mut self.keys
    }

    pub(super) fn last_modified(&mut self, moment: Timestamp) {
        self.keys.raw("<LastModified>");
        self.keys.ascii(self.dates.text(moment));
        self.keys.raw("</LastModified>");
    }

    pub(super) fn content(&mut self, content: &ContentEntry<'_>) {
        let xml = &mut self.keys;
        xml.raw("<ETag>&quot;");
        xml.hex(&content.etag.md5);
        if content.etag.parts > 0 {
            xml.raw("-");
            xml.digits(content.etag.parts.into());
        }
        xml.raw("&quot;</ETag>");
        if let Some((algorithm, kind)) = content.checksum {
            xml.raw("<ChecksumAlgorithm>");
            xml.raw(algorithm.name());
            xml.raw("</ChecksumAlgorithm><ChecksumType>");
            xml.raw(kind.name());
            xml.raw("</ChecksumType>");
        }
        xml.raw("<Size>");
        xml.digits(content.size);
        xml.raw("</Size>");
    }

    pub(super) fn owner(&mut self, owner: OwnerRef<'_>) {
        let xml = &mut self.keys;
        xml.raw("<Owner><ID>");
        xml.content(owner.id);
        xml.raw("</ID><DisplayName>");
        xml.content(owner.display_name);
        xml.raw("</DisplayName></Owner>");
    }

    /// Ends an entry with its storage class, where it has one, and `tag`, which closes it.
    pub(super) fn end(&mut self, storage_class: Option<&str>, tag: &'static str) {
        if let Some(storage_class) = storage_class {
            self.keys.raw("<StorageClass>");
            self.keys.content(storage_class);
            self.keys.raw("</StorageClass>");
        }
        self.keys.raw(tag);
    }

    /// The whole document: the root, what `head` writes, and the entries.
    pub(super) fn into_document(self, root: &str, head: impl FnOnce(&mut XmlWriter)) -> Bytes {
        let mut start = XmlWriter::new();
        start.open(root);
        head(&mut start);
        let start = start.finish();
        let mut rest = self.keys;
        rest.raw(&self.common_prefixes.finish());
        rest.close(root);
        let mut document = rest.finish().into_bytes();
        // It may be kept.
        document.shrink_to_fit();
        match HEAD_ROOM.checked_sub(start.len()) {
            Some(unused) => {
                document[unused..HEAD_ROOM].copy_from_slice(start.as_bytes());
                Bytes::from(document).slice(unused..)
            }
            None => {
                document.splice(..HEAD_ROOM, start.into_bytes());
                document.into()
            }
        }
    }
}

/// Writes dates as [`Timestamp::to_iso8601`] does. Objects that are listed together were often written on one day, whose
/// date is worked out once.
#[derive(Debug)]
struct Dates {
    /// The day that `text` has, counted from the epoch.
    day: Option<u64>,
    text: [u8; 24],
}

impl Default for Dates {
    fn default() -> Self {
        Self { day: None, text: *b"0000-00-00T00:00:00.000Z" }
    }
}

impl Dates {
    fn text(&mut self, moment: Timestamp) -> &[u8] {
        let moment = if moment.as_secs() > LAST_SECOND { Timestamp::default() } else { moment };
        let day = moment.as_secs() / DAY_SECS;
        if self.day != Some(day) {
            self.day = Some(day);
            self.text[..10].copy_from_slice(&moment.to_iso8601().as_bytes()[..10]);
        }
        let seconds = moment.as_secs() % DAY_SECS;
        for (at, number) in [(11, seconds / 3600), (14, seconds / 60 % 60), (17, seconds % 60)] {
            self.text[at] = b'0' + (number / 10) as u8;
            self.text[at + 1] = b'0' + (number % 10) as u8;
        }
        let milliseconds = moment.0 / 1000 % 1000;
        for (at, place) in [(20, 100), (21, 10), (22, 1)] {
            self.text[at] = b'0' + (milliseconds / place % 10) as u8;
        }
        &self.text
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::{Strategy as _, any, prop_oneof};
    use proptest::{collection, prop_assert_eq, proptest};

    use super::*;
    use crate::xml::Element;

    proptest! {
        #[test]
        fn dates_are_those_of_single_ones(
            moments in collection::vec(prop_oneof![0..1_000_000_000_000u64, any::<u64>().prop_map(|moment| moment >> 5)], 1..9),
        ) {
            let mut dates = Dates::default();
            for moment in moments.into_iter().map(Timestamp) {
                let single = moment.to_iso8601();
                prop_assert_eq!(dates.text(moment), single.as_bytes());
            }
        }

        #[test]
        fn heads_of_every_length_stand_before_the_entries(text in "[a<é]{0,3000}") {
            let mut entries = Entries::new(EncodingType::None);
            entries.add_common_prefix("p/");
            let document = entries.into_document("A", |xml| xml.text("B", &text));
            let root = Element::parse(&document, "A").expect("a document");
            prop_assert_eq!(root.text_of("B"), Some(text.as_str()));
            prop_assert_eq!(root.child("CommonPrefixes").and_then(|prefix| prefix.text_of("Prefix")), Some("p/"));
        }
    }
}
