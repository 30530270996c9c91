//! `ListAllMyBucketsResult` (ListBuckets).

use types::Timestamp;

use super::{Owner, XmlWriter};

/// The result of ListBuckets.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ListBucketsResult {
    /// Who asked.
    pub owner: Owner,
    /// The buckets, sorted.
    pub buckets: Vec<BucketEntry>,
    /// What was asked to stand before every name.
    pub prefix: Option<String>,
    /// Where the next page begins, where there is one.
    pub continuation_token: Option<String>,
}

/// A bucket in the list.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BucketEntry {
    /// Its name.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its region, where the request asks for a page or a region.
    pub region: Option<String>,
}

impl ListBucketsResult {
    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("ListAllMyBucketsResult", |xml| {
            self.owner.write("Owner", xml);
            xml.element("Buckets", |xml| {
                for bucket in &self.buckets {
                    xml.element("Bucket", |xml| {
                        xml.text("Name", &bucket.name);
                        xml.text("CreationDate", &bucket.created.to_iso8601());
                        xml.optional("BucketRegion", bucket.region.as_deref());
                    });
                }
            });
            xml.optional("ContinuationToken", self.continuation_token.as_deref());
            xml.optional("Prefix", self.prefix.as_deref());
        })
    }
}
