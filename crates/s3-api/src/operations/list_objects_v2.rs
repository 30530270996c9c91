//! ListObjectsV2. Needs `s3:ListBucket`.

use access::{Grant, action};
use bytes::Bytes;
use objects::listing::{After, Entry, ListObjects, ListedObject};
use s3_protocol::xml::entries::Entries;
use s3_protocol::xml::list_objects::{ListObjectsResult, Paging};
use s3_protocol::{Query, S3Error};

use crate::call::{Call, Outcome, Reply};
use crate::listing::{self, Listing, Owners, show_object};
use crate::pages::{Asked, PageKey};

/// The parameters that only this listing has.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub(crate) struct Place {
    token: Option<String>,
    start_after: Option<String>,
    after: After,
    owners: Owners,
}

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let (found, grant) = call.on_bucket::<action::ListBucket>().await?;
    let listing = Listing::read(call.query(), "max-keys")?;
    let place = Place::read(call.query())?;
    let key = PageKey { bucket: found.bucket.id, listing: listing.clone(), asked: Asked::V2(place.clone()) };
    let stamp = || call.service.objects.stamp(&grant);
    let page = write(&call, &grant, listing, place);
    Ok(Reply::xml(call.service.pages.find_or(key, stamp, page).await?))
}

impl Place {
    fn read(query: &Query) -> Result<Self, S3Error> {
        let (token, start_after) = (query.get("continuation-token"), query.get("start-after"));
        let after = match token.filter(|token| !token.is_empty()) {
            Some(token) => listing::next_of_token(token)?,
            None => After::Entry(start_after.unwrap_or_default().to_owned()),
        };
        let owners = if query.get("fetch-owner") == Some("true") { Owners::Shown } else { Owners::Hidden };
        Ok(Self { token: token.map(str::to_owned), start_after: start_after.map(str::to_owned), after, owners })
    }
}

async fn write(
    call: &Call<'_>,
    grant: &Grant<action::ListBucket>,
    listing: Listing,
    place: Place,
) -> Result<Bytes, S3Error> {
    let request = ListObjects { filter: listing.filter.clone(), after: place.after };
    let mut entries = Entries::new(listing.encoding);
    let show = |entry: Entry<'_, ListedObject<'_>>| show_object(&mut entries, entry, place.owners);
    let next = call.service.objects.list_objects(grant, &request, show).await.map_err(|error| call.error(error))?;
    let result = ListObjectsResult {
        bucket: grant.bucket().bucket.to_string(),
        delimiter: listing.delimiter(),
        prefix: listing.filter.prefix,
        max_keys: listing.max_keys,
        is_truncated: next.is_some(),
        paging: Paging::V2 {
            continuation_token: place.token,
            next_continuation_token: next.as_ref().map(listing::token_of_next),
            start_after: place.start_after,
        },
    };
    Ok(result.to_xml(entries))
}
