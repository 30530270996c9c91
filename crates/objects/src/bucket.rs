//! Buckets as values.

use policy::{Acl, BucketFacts, Cors, ObjectOwnership, Policy, PublicAccessBlock};
use serde::{Deserialize, Serialize};
use storage::Space;
use types::{BucketName, TenancyName, Timestamp, UserName};

/// Whether a bucket keeps versions (S3 API reference, PutBucketVersioning).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub enum Versioning {
    /// It never did.
    #[default]
    Unversioned,
    /// Every write makes a version.
    Enabled,
    /// Writes replace the null version; others stay.
    Suspended,
}

/// What a new bucket is to be.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NewBucket {
    /// Its ACL; `None` is private.
    pub acl: Option<Acl>,
    /// The `LocationConstraint` of the request, kept as given.
    pub location: Option<String>,
    /// Whose the objects in it are to be; `None` where the request does not say.
    pub ownership: Option<ObjectOwnership>,
}

/// A bucket.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Bucket {
    /// Its id, which is also the space that its objects live in. A bucket made anew under the same name has another.
    pub id: u64,
    /// The tenancy that it is in.
    pub tenancy: TenancyName,
    /// Its name there.
    pub name: BucketName,
    /// Whose it is.
    pub owner: UserName,
    /// When it was made.
    pub created: Timestamp,
    /// Whether it keeps versions.
    pub versioning: Versioning,
    /// Who else may.
    pub acl: Acl,
    /// The `LocationConstraint` given when it was made.
    pub location: Option<String>,
    /// Its policy.
    #[serde(default, with = "policy_document")]
    pub policy: Option<Policy>,
    /// Whose the objects in it are, where it has ownership controls; else as the default says.
    #[serde(default)]
    pub ownership: Option<ObjectOwnership>,
    /// What it keeps from becoming public, where somebody said.
    #[serde(default)]
    pub public_access: Option<PublicAccessBlock>,
    /// Which pages of other sites may ask it through a browser.
    #[serde(default)]
    pub cors: Option<Cors>,
    /// Whether browsers that come to its address get a page, those that may list it.
    #[serde(default)]
    pub public_index: bool,
}

impl Bucket {
    /// Where its objects live.
    pub const fn space(&self) -> Space {
        Space(self.id)
    }

    /// What a decision about it needs to know.
    pub fn facts(&self) -> BucketFacts<'_> {
        BucketFacts {
            policy: self.policy.as_ref(),
            ownership: self.object_ownership(),
            public_access: self.public_access_block(),
            ..BucketFacts::new(&self.name, &self.owner, &self.acl)
        }
    }

    /// Whose the objects in it are.
    pub fn object_ownership(&self) -> ObjectOwnership {
        self.ownership.unwrap_or_default()
    }

    /// What it keeps from becoming public.
    pub fn public_access_block(&self) -> PublicAccessBlock {
        self.public_access.unwrap_or_default()
    }
}

/// A policy in a record: its document, byte for byte as it was given.
mod policy_document {
    use policy::Policy;
    use serde::de::Error as _;
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};

    pub(super) fn serialize<S: Serializer>(policy: &Option<Policy>, serializer: S) -> Result<S::Ok, S::Error> {
        policy.as_ref().map(Policy::document).serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Policy>, D::Error> {
        let document = Option::<String>::deserialize(deserializer)?;
        document.map(|document| Policy::parse(document.as_bytes())).transpose().map_err(D::Error::custom)
    }
}
