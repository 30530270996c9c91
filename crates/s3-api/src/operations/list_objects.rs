//! ListObjects, the first version. Needs `s3:ListBucket`.

use access::action;
use objects::listing::ListObjects;
use s3_protocol::xml::list_objects::{ListObjectsResult, Paging};

use crate::call::{Call, Outcome, Reply};
use crate::listing::{Listing, Owners, object_entry};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucket>().await?;
    let listing = Listing::read(call.query(), "max-keys")?;
    let marker = call.query().get("marker").unwrap_or_default().to_owned();
    let request = ListObjects { filter: listing.filter.clone(), after: marker.clone() };
    let page = call.service.objects.list_objects(&grant, &request).await.map_err(|error| call.error(error))?;
    let delimiter = listing.delimiter();
    let result = ListObjectsResult {
        bucket: found.bucket.name.to_string(),
        prefix: listing.filter.prefix,
        max_keys: listing.max_keys,
        encoding: listing.encoding,
        is_truncated: page.next.is_some(),
        // Without a delimiter clients go on after the last key themselves.
        paging: Paging::V1 { marker, next_marker: page.next.filter(|_| delimiter.is_some()) },
        delimiter,
        objects: page.objects.into_iter().map(|listed| object_entry(listed, Owners::Shown)).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(Reply::xml(result.to_xml()))
}
