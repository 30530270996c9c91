//! `CreateBucketConfiguration` (CreateBucket).

use super::Element;
use crate::{S3Error, xml::tagging};

/// The body of CreateBucket.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct CreateBucketConfiguration {
    /// `LocationConstraint`, where there is one that is not empty.
    pub location_constraint: Option<String>,
    /// `Tags`.
    pub tags: Vec<(String, String)>,
}

impl CreateBucketConfiguration {
    /// Reads the body; an empty one has the defaults.
    ///
    /// # Errors
    /// `MalformedXML`, `InvalidTag`.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        if body.trim_ascii().is_empty() {
            return Ok(Self::default());
        }
        let root = Element::parse(body, "CreateBucketConfiguration")?;
        Ok(Self {
            location_constraint: root.word_of("LocationConstraint").filter(|text| !text.is_empty()).map(str::to_owned),
            tags: root.child("Tags").map(tagging::tags_of).transpose()?.unwrap_or_default(),
        })
    }
}
