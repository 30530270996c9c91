//! ListBuckets. Needs `s3:ListAllMyBuckets`, which every member of the tenancy has. Shown are the buckets that the caller
//! may list, sorted by name.

use std::sync::Arc;

use access::action;
use objects::Bucket;
use s3_protocol::xml::list_buckets::{BucketEntry, ListBucketsResult};
use s3_protocol::{Query, S3Error, params};

use crate::acl::shown_owner;
use crate::authorize::Found;
use crate::call::{Call, Outcome, Reply};
use crate::listing;

/// The most buckets of a page (API reference, ListBuckets).
const MAX_BUCKETS: u32 = 10_000;

pub(super) async fn handle(call: Call<'_>) -> Outcome {
    let grant = call.on_tenancy::<action::ListAllMyBuckets>()?;
    let page = Page::read(call.query())?;
    let buckets = call.service.objects.list_buckets(&grant).await.map_err(|error| call.error(error))?;
    let mut shown =
        buckets.into_iter().filter(|bucket| page.wants(&call, bucket)).filter(|bucket| may_list(&call, bucket));
    let on_page: Vec<Arc<Bucket>> = shown.by_ref().take(page.size).collect();
    let more = shown.next().is_some();
    let next = on_page.last().filter(|_| more).map(|bucket| listing::token_of(bucket.name.as_str()));
    let result = ListBucketsResult {
        owner: shown_owner(call.principal.user()),
        buckets: on_page.iter().map(|bucket| page.entry(&call, bucket)).collect(),
        prefix: Some(page.prefix).filter(|prefix| !prefix.is_empty()),
        continuation_token: next,
    };
    Ok(Reply::xml(result.to_xml()))
}

struct Page {
    prefix: String,
    after: String,
    size: usize,
    region: Option<String>,
    /// Whether the request names a page or a region: regions are shown only then.
    shows_regions: bool,
}

impl Page {
    fn read(query: &Query) -> Result<Self, S3Error> {
        let size = params::page_size(query, "max-buckets", MAX_BUCKETS)?;
        if size == 0 {
            let message = "Argument max-buckets must be an integer between 1 and 10000";
            return Err(S3Error::invalid_argument("max-buckets", "0", message));
        }
        let region = query.get_nonempty("bucket-region").map(str::to_owned);
        Ok(Self {
            prefix: query.get("prefix").unwrap_or_default().to_owned(),
            after: query.get_nonempty("continuation-token").map(listing::place_of).transpose()?.unwrap_or_default(),
            size: size as usize,
            shows_regions: region.is_some() || query.has("max-buckets"),
            region,
        })
    }

    fn wants(&self, call: &Call<'_>, bucket: &Bucket) -> bool {
        let name = bucket.name.as_str();
        name.starts_with(&self.prefix)
            && name > self.after.as_str()
            && self.region.as_deref().is_none_or(|region| region == call.region_of(bucket))
    }

    fn entry(&self, call: &Call<'_>, bucket: &Bucket) -> BucketEntry {
        BucketEntry {
            name: bucket.name.to_string(),
            created: bucket.created,
            region: self.shows_regions.then(|| call.region_of(bucket).to_owned()),
        }
    }
}

fn may_list(call: &Call<'_>, bucket: &Arc<Bucket>) -> bool {
    call.bucket_grant::<action::ListBucket>(&Found { bucket: Arc::clone(bucket) }).is_ok()
}
