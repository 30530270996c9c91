//! One question to the engine: may this one do this to that?

use std::cell::OnceCell;

use crate::{Action, Facts, Principal, Resource};

/// The question, with what is worked out for it once.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: Action,
    pub(crate) facts: Facts<'a>,
    path: OnceCell<String>,
}

impl<'a> Question<'a> {
    pub(crate) const fn new(principal: &'a Principal, action: Action, facts: Facts<'a>) -> Self {
        Self { principal, action, facts, path: OnceCell::new() }
    }

    /// The resource as ARNs name it behind `arn:aws:s3:::`: `bucket`, `bucket/key`, or nothing for a tenancy.
    pub(crate) fn path(&self) -> &str {
        match self.facts.resource {
            Resource::Tenancy => "",
            Resource::Bucket(bucket) => bucket.as_str(),
            Resource::Object { bucket, key, .. } => {
                self.path.get_or_init(|| [bucket.as_str(), "/", key.as_str()].concat())
            }
        }
    }
}
