//! ListObjectVersions. Needs `s3:ListBucketVersions`.

use access::{Grant, action};
use bytes::Bytes;
use objects::listing::{Entry, ListVersions, ListedVersion};
use s3_protocol::xml::entries::Entries;
use s3_protocol::xml::list_object_versions::{ListVersionsResult, VersionEntry};
use s3_protocol::{Query, S3Error, params};
use types::VersionId;

use crate::acl::shown_name;
use crate::call::{Call, Outcome, Reply};
use crate::listing::{Listing, shown_content};
use crate::pages::{Asked, PageKey};

/// The parameters that only this listing has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Markers {
    key: String,
    version_id: String,
    version: Option<VersionId>,
}

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucketVersions>().await?;
    let listing = Listing::read(call.query(), "max-keys")?;
    let markers = Markers::read(call.query())?;
    let asked = Asked::Versions(markers.clone());
    let key = PageKey { bucket: found.bucket.id, listing: listing.clone(), asked };
    let stamp = || call.service.objects.stamp(&grant);
    let page = write(&call, &grant, listing, markers);
    Ok(Reply::xml(call.service.pages.find_or(key, stamp, page).await?))
}

impl Markers {
    fn read(query: &Query) -> Result<Self, S3Error> {
        let key = query.get("key-marker").unwrap_or_default().to_owned();
        let version_id = query.get("version-id-marker").unwrap_or_default().to_owned();
        if key.is_empty() && !version_id.is_empty() {
            let message = "A version-id marker cannot be specified without a key marker.";
            return Err(S3Error::invalid_argument("version-id-marker", &version_id, message));
        }
        let version = Some(version_id.as_str()).filter(|marker| !marker.is_empty());
        let version = version.map(params::parse_version_id).transpose()?;
        Ok(Self { key, version_id, version })
    }
}

async fn write(
    call: &Call<'_>,
    grant: &Grant<action::ListBucketVersions>,
    listing: Listing,
    markers: Markers,
) -> Result<Bytes, S3Error> {
    let request = ListVersions {
        filter: listing.filter.clone(),
        key_marker: markers.key.clone(),
        version_marker: markers.version,
    };
    let mut entries = Entries::new(listing.encoding);
    let show = |entry: Entry<'_, ListedVersion<'_>>| match entry {
        Entry::CommonPrefix(prefix) => entries.add_common_prefix(prefix),
        Entry::Key(listed) => entries.add_version(&shown(&listed)),
    };
    let next = call.service.objects.list_versions(grant, &request, show).await.map_err(|error| call.error(error))?;
    let is_truncated = next.is_some();
    let (next_key_marker, next_version) = next.unzip();
    let result = ListVersionsResult {
        bucket: grant.bucket().bucket.to_string(),
        delimiter: listing.delimiter(),
        prefix: listing.filter.prefix,
        key_marker: markers.key,
        version_id_marker: markers.version_id,
        next_key_marker,
        next_version_id_marker: next_version.flatten().map(|version| version.to_string()),
        max_keys: listing.max_keys,
        is_truncated,
    };
    Ok(result.to_xml(entries))
}

fn shown<'a>(listed: &ListedVersion<'a>) -> VersionEntry<'a> {
    VersionEntry {
        key: listed.key,
        version: listed.version.id,
        is_latest: listed.is_latest,
        last_modified: listed.version.last_modified,
        owner: shown_name(listed.version.owner),
        content: listed.content.as_ref().map(shown_content),
    }
}
