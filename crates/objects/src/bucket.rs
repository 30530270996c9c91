//! Buckets as values.

use policy::{Acl, BucketFacts};
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
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewBucket {
    /// Its ACL; `None` is private.
    pub acl: Option<Acl>,
    /// The `LocationConstraint` of the request, kept as given.
    pub location: Option<String>,
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
}

impl Bucket {
    /// Where its objects live.
    pub const fn space(&self) -> Space {
        Space(self.id)
    }

    /// What a decision about it needs to know.
    pub const fn facts(&self) -> BucketFacts<'_> {
        BucketFacts::new(&self.name, &self.owner, &self.acl)
    }
}
