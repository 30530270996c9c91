//! ListObjectsV2. Needs `s3:ListBucket`.

use access::action;
use objects::listing::ListObjects;
use s3_protocol::xml::list_objects::{ListObjectsResult, Paging};

use crate::call::{Call, Outcome, Reply};
use crate::listing::{self, Listing, Owners, object_entry};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucket>().await?;
    let query = call.query();
    let listing = Listing::read(query, "max-keys")?;
    let (token, start_after) = (query.get("continuation-token"), query.get("start-after"));
    let after = match token.filter(|token| !token.is_empty()) {
        Some(token) => listing::place_of(token)?,
        None => start_after.unwrap_or_default().to_owned(),
    };
    let owners = if query.get("fetch-owner") == Some("true") { Owners::Shown } else { Owners::Hidden };
    let request = ListObjects { filter: listing.filter.clone(), after };
    let page = call.service.objects.list_objects(&grant, &request).await.map_err(|error| call.error(error))?;
    let result = ListObjectsResult {
        bucket: found.bucket.name.to_string(),
        delimiter: listing.delimiter(),
        prefix: listing.filter.prefix,
        max_keys: listing.max_keys,
        encoding: listing.encoding,
        is_truncated: page.next.is_some(),
        paging: Paging::V2 {
            // A page has at most 1000 entries.
            key_count: (page.objects.len() + page.common_prefixes.len()) as u32,
            continuation_token: token.map(str::to_owned),
            next_continuation_token: page.next.as_deref().map(listing::token_of),
            start_after: start_after.map(str::to_owned),
        },
        objects: page.objects.into_iter().map(|listed| object_entry(listed, owners)).collect(),
        common_prefixes: page.common_prefixes,
    };
    Ok(Reply::xml(result.to_xml()))
}
