//! ListMultipartUploads. Needs `s3:ListBucketMultipartUploads`.

use access::action;
use objects::listing::{ListUploads, ListedUpload};
use s3_protocol::S3Error;
use s3_protocol::xml::list_multipart_uploads::{ListMultipartUploadsResult, UploadEntry};

use crate::acl::shown_owner;
use crate::call::{Call, Outcome, Reply};
use crate::listing::{Listing, shown_class};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucketMultipartUploads>().await?;
    let query = call.query();
    let listing = Listing::read(query, "max-uploads")?;
    let key_marker = query.get("key-marker").unwrap_or_default().to_owned();
    let upload_id_marker = query.get("upload-id-marker").unwrap_or_default().to_owned();
    // Without a key marker, the marker of an upload counts for nothing.
    let marked = Some(upload_id_marker.as_str()).filter(|marker| !marker.is_empty() && !key_marker.is_empty());
    let request = ListUploads {
        filter: listing.filter.clone(),
        key_marker: key_marker.clone(),
        upload_id_marker: marked
            .map(|marker| {
                marker
                    .parse()
                    .map_err(|_| S3Error::invalid_argument("upload-id-marker", marker, "Invalid uploadId marker"))
            })
            .transpose()?,
    };
    let page = call.service.objects.list_uploads(&grant, &request).await.map_err(|error| call.error(error))?;
    let is_truncated = page.next.is_some();
    let (next_key_marker, next_upload) = page.next.unzip();
    let result = ListMultipartUploadsResult {
        bucket: found.bucket.name.to_string(),
        key_marker,
        upload_id_marker,
        next_key_marker,
        next_upload_id_marker: next_upload.flatten().map(|upload| upload.to_string()),
        delimiter: listing.delimiter(),
        prefix: listing.filter.prefix,
        max_uploads: listing.max_keys,
        encoding: listing.encoding,
        is_truncated,
        uploads: page.uploads.into_iter().map(entry).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(Reply::xml(result.to_xml()))
}

fn entry(listed: ListedUpload) -> UploadEntry {
    UploadEntry {
        key: listed.key.as_str().to_owned(),
        upload_id: listed.upload.to_string(),
        initiator: shown_owner(listed.initiator.as_ref()),
        owner: shown_owner(listed.owner.as_ref()),
        storage_class: shown_class(listed.storage_class.as_deref()).to_owned(),
        initiated: listed.initiated,
        checksum: listed.checksum,
    }
}
