//! ListObjectVersions. Needs `s3:ListBucketVersions`.

use access::action;
use objects::listing::{ListVersions, ListedVersion, ListedVersionKind};
use s3_protocol::xml::list_object_versions::{ListVersionsResult, VersionContent, VersionEntry};
use s3_protocol::{S3Error, params};

use crate::acl::shown_owner;
use crate::call::{Call, Outcome, Reply};
use crate::listing::{Listing, checksum_kind, shown_class};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucketVersions>().await?;
    let query = call.query();
    let listing = Listing::read(query, "max-keys")?;
    let key_marker = query.get("key-marker").unwrap_or_default().to_owned();
    let version_id_marker = query.get("version-id-marker").unwrap_or_default().to_owned();
    if key_marker.is_empty() && !version_id_marker.is_empty() {
        let message = "A version-id marker cannot be specified without a key marker.";
        return Err(S3Error::invalid_argument("version-id-marker", &version_id_marker, message));
    }
    let version_marker = Some(version_id_marker.as_str()).filter(|marker| !marker.is_empty());
    let request = ListVersions {
        filter: listing.filter.clone(),
        key_marker: key_marker.clone(),
        version_marker: version_marker.map(params::parse_version_id).transpose()?,
    };
    let page = call.service.objects.list_versions(&grant, &request).await.map_err(|error| call.error(error))?;
    let is_truncated = page.next.is_some();
    let (next_key_marker, next_version) = page.next.unzip();
    let result = ListVersionsResult {
        bucket: found.bucket.name.to_string(),
        delimiter: listing.delimiter(),
        prefix: listing.filter.prefix,
        key_marker,
        version_id_marker,
        next_key_marker,
        next_version_id_marker: next_version.flatten().map(|version| version.to_string()),
        max_keys: listing.max_keys,
        encoding: listing.encoding,
        is_truncated,
        versions: page.versions.into_iter().map(entry).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(Reply::xml(result.to_xml()))
}

fn entry(listed: ListedVersion) -> VersionEntry {
    let (version, last_modified, owner, content) = match listed.kind {
        ListedVersionKind::DeleteMarker { version, last_modified, owner } => (version, last_modified, owner, None),
        ListedVersionKind::Object(info) => {
            let content = VersionContent {
                etag: info.etag,
                size: info.size,
                checksum: checksum_kind(info.checksum),
                storage_class: shown_class(info.metadata.storage_class),
            };
            (info.version, info.last_modified, info.owner, Some(content))
        }
    };
    VersionEntry {
        key: listed.key.as_str().to_owned(),
        version_id: version.to_string(),
        is_latest: listed.is_latest,
        last_modified,
        owner: shown_owner(owner.as_ref()),
        content,
    }
}
