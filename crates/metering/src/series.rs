//! Whose use is counted.

use types::{BucketName, TenancyName, UserName};

/// What has a history of its own in a tenancy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Subject {
    /// The tenancy as a whole.
    Tenancy,
    /// A bucket. One that is made again under the name of another goes on with its history.
    Bucket(BucketName),
    /// A person: the requests that they make, and what is stored of what they wrote.
    Person(UserName),
}

/// The history of something in a tenancy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Series {
    /// Where.
    pub tenancy: TenancyName,
    /// Of what.
    pub of: Subject,
}
