//! What the listings have in common: their parameters, and how a key is shown.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use objects::listing::{Filter, ListedObject, MAX_KEYS};
use s3_protocol::params::EncodingType;
use s3_protocol::xml::list_objects::ObjectEntry;
use s3_protocol::{Query, S3Error, params};
use types::{ChecksumAlgorithm, ChecksumType};

use crate::acl::shown_owner;
use crate::metadata::STANDARD;
use objects::object::ObjectChecksum;

/// The parameters of a listing.
#[derive(Clone, Debug)]
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

/// Whether the owner of each key is shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Owners {
    /// It is.
    Shown,
    /// It is not.
    Hidden,
}

/// A key as ListObjects shows it.
pub(crate) fn object_entry(listed: ListedObject, owners: Owners) -> ObjectEntry {
    let ListedObject { key, info } = listed;
    ObjectEntry {
        key: key.as_str().to_owned(),
        last_modified: info.last_modified,
        etag: info.etag,
        size: info.size,
        owner: (owners == Owners::Shown).then(|| shown_owner(info.owner.as_ref())),
        checksum: checksum_kind(info.checksum),
        storage_class: shown_class(info.metadata.storage_class),
    }
}

/// The storage class to show.
pub(crate) fn shown_class(class: Option<String>) -> String {
    class.unwrap_or_else(|| STANDARD.to_owned())
}

/// Algorithm and type of a checksum.
pub(crate) fn checksum_kind(checksum: Option<ObjectChecksum>) -> Option<(ChecksumAlgorithm, ChecksumType)> {
    checksum.map(|checksum| (checksum.value.algorithm, checksum.kind))
}
