//! What the listings have in common: their parameters, and how a key is shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use objects::listing::{After, ContentSummary, Entry, Filter, ListedObject, MAX_KEYS};
use s3_protocol::params::EncodingType;
use s3_protocol::xml::entries::{ContentEntry, Entries};
use s3_protocol::xml::list_objects::ObjectEntry;
use s3_protocol::{Query, S3Error, params};

use crate::acl::shown_name;
use crate::metadata::STANDARD;

/// What comes before the token of a place that is a key and no entry.
const KEY_MARK: char = '.';

/// The parameters of a listing.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Listing {
    pub(crate) filter: Filter,
    pub(crate) max_keys: u32,
    pub(crate) encoding: EncodingType,
}

impl Listing {
    /// Reads `prefix`, `delimiter`, `encoding-type`, and the size of a page under its own name.
    ///
    /// # Errors
    /// InvalidArgument.
    pub(crate) fn read(query: &Query, page_size: &str) -> Result<Self, S3Error> {
        // MAX_KEYS is 1000.
        let max_keys = params::page_size(query, page_size, MAX_KEYS as u32)?;
        let text = |name| query.get(name).unwrap_or_default().to_owned();
        let filter = Filter { prefix: text("prefix"), delimiter: text("delimiter"), max_keys: max_keys as usize };
        Ok(Self { filter, max_keys, encoding: params::encoding_type(query)? })
    }

    /// The delimiter, where there is one.
    pub(crate) fn delimiter(&self) -> Option<String> {
        Some(self.filter.delimiter.clone()).filter(|delimiter| !delimiter.is_empty())
    }
}

/// The name of a place in a listing, as a token that clients hand back untouched.
pub(crate) fn token_of(place: &str) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// The place that a token names.
///
/// # Errors
/// InvalidArgument for what is no token.
pub(crate) fn place_of(token: &str) -> Result<String, S3Error> {
    let place = URL_SAFE_NO_PAD.decode(token).ok().and_then(|bytes| String::from_utf8(bytes).ok());
    place.ok_or_else(|| {
        S3Error::invalid_argument("continuation-token", token, "The continuation token provided is incorrect")
    })
}

/// The token for the next page of ListObjectsV2.
pub(crate) fn token_of_next(after: &After) -> String {
    match after {
        After::Entry(entry) => token_of(entry),
        After::Key(key) => format!("{KEY_MARK}{}", token_of(key)),
    }
}

/// The place that such a token names.
///
/// # Errors
/// As [`place_of`].
pub(crate) fn next_of_token(token: &str) -> Result<After, S3Error> {
    match token.strip_prefix(KEY_MARK) {
        Some(key) => place_of(key).map(After::Key),
        None => place_of(token).map(After::Entry),
    }
}

/// Whether the owner of each key is shown.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Owners {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

/// Writes an entry of ListObjects down.
pub(crate) fn show_object(entries: &mut Entries, entry: Entry<'_, ListedObject<'_>>, owners: Owners) {
    match entry {
        Entry::CommonPrefix(prefix) => entries.add_common_prefix(prefix),
        Entry::Key(ListedObject { key, version, content }) => entries.add_object(&ObjectEntry {
            key,
            last_modified: version.last_modified,
            content: shown_content(&content),
            owner: (owners == Owners::Shown).then(|| shown_name(version.owner)),
        }),
    }
}

/// What an object has, as a listing shows it.
pub(crate) fn shown_content<'a>(content: &ContentSummary<'a>) -> ContentEntry<'a> {
    let ContentSummary { size, etag, checksum, storage_class, .. } = *content;
    ContentEntry { etag, size, checksum, storage_class: shown_class(storage_class) }
}

/// The storage class to show.
pub(crate) fn shown_class(class: Option<&str>) -> &str {
    class.unwrap_or(STANDARD)
}
