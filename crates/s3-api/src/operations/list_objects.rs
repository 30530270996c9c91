//! ListObjects, the first version. Needs `s3:ListBucket`. A browser gets a page where the bucket has one ([`index_page`]).

use access::{Grant, action};
use bytes::Bytes;
use objects::listing::{After, Entry, ListObjects, ListedObject};
use s3_protocol::S3Error;
use s3_protocol::xml::entries::Entries;
use s3_protocol::xml::list_objects::{ListObjectsResult, Paging};

use crate::authorize::Found;
use crate::call::{Call, Outcome, Reply};
use crate::index_page;
use crate::listing::{Listing, Owners, show_object};
use crate::pages::{Asked, PageKey};

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucket>().await?;
    let mut reply = match index_page::is_wanted(&call, &found) {
        true => index_page::answer(&call, &found, &grant).await?,
        false => listed(&call, &found, &grant).await?,
    };
    index_page::tell_caches(&found, &mut reply.headers);
    Ok(reply)
}

async fn listed(call: &Call<'_>, found: &Found, grant: &Grant<action::ListBucket>) -> Outcome {
    let listing = Listing::read(call.query(), "max-keys")?;
    let marker = call.query().get("marker").unwrap_or_default().to_owned();
    let key =
        PageKey { bucket: found.bucket.id, listing: listing.clone(), asked: Asked::V1 { marker: marker.clone() } };
    let stamp = || call.service.objects.stamp(grant);
    let page = write(call, grant, listing, marker);
    Ok(Reply::xml(call.service.pages.find_or(key, stamp, page).await?))
}

async fn write(
    call: &Call<'_>,
    grant: &Grant<action::ListBucket>,
    listing: Listing,
    marker: String,
) -> Result<Bytes, S3Error> {
    let delimiter = listing.delimiter();
    let mut request = ListObjects { filter: listing.filter.clone(), after: After::Entry(marker.clone()) };
    let mut entries = Entries::new(listing.encoding);
    let (is_truncated, next_marker) = loop {
        let show = |entry: Entry<'_, ListedObject<'_>>| show_object(&mut entries, entry, Owners::Shown);
        let next = call.service.objects.list_objects(grant, &request, show).await.map_err(|error| call.error(error))?;
        match next {
            None => break (false, None),
            // Without a delimiter clients go on after the last key themselves.
            Some(After::Entry(last)) => break (true, Some(last).filter(|_| delimiter.is_some())),
            Some(After::Key(passed)) if delimiter.is_none() => break (true, Some(passed)),
            // A marker inside a common prefix stands for all of it, so the page goes on to its end.
            Some(passed) => {
                request.after = passed;
                request.filter.max_keys = (listing.max_keys - entries.count()) as usize;
            }
        }
    };
    let result = ListObjectsResult {
        bucket: grant.bucket().bucket.to_string(),
        prefix: listing.filter.prefix,
        max_keys: listing.max_keys,
        is_truncated,
        paging: Paging::V1 { marker, next_marker },
        delimiter,
    };
    Ok(result.to_xml(entries))
}
