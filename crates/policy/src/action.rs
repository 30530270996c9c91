//! What can be done, under the names that bucket policies use.
//!
//! Source: the Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".

use std::fmt;

/// What an action is done to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Scope {
    /// The tenancy: its list of buckets.
    Tenancy,
    /// A bucket that does not exist yet.
    NewBucket,
    /// A bucket.
    Bucket,
    /// An object, or the place of one.
    Object,
}

/// Calls `$with! { Name Scope, … }` with every action: the one list from which [`Action`] and the grant types are made.
#[macro_export]
macro_rules! for_each_action {
    ($with:ident) => {
        $with! {
            ListAllMyBuckets Tenancy,
            CreateBucket NewBucket,
            DeleteBucket Bucket,
            ListBucket Bucket,
            ListBucketVersions Bucket,
            ListBucketMultipartUploads Bucket,
            GetBucketLocation Bucket,
            GetBucketVersioning Bucket,
            PutBucketVersioning Bucket,
            GetBucketAcl Bucket,
            PutBucketAcl Bucket,
            GetBucketPolicy Bucket,
            PutBucketPolicy Bucket,
            DeleteBucketPolicy Bucket,
            GetBucketPolicyStatus Bucket,
            GetBucketCORS Bucket,
            PutBucketCORS Bucket,
            GetBucketTagging Bucket,
            PutBucketTagging Bucket,
            GetLifecycleConfiguration Bucket,
            PutLifecycleConfiguration Bucket,
            GetEncryptionConfiguration Bucket,
            PutEncryptionConfiguration Bucket,
            GetBucketWebsite Bucket,
            PutBucketWebsite Bucket,
            DeleteBucketWebsite Bucket,
            GetBucketLogging Bucket,
            PutBucketLogging Bucket,
            GetBucketNotification Bucket,
            PutBucketNotification Bucket,
            GetReplicationConfiguration Bucket,
            PutReplicationConfiguration Bucket,
            GetBucketRequestPayment Bucket,
            PutBucketRequestPayment Bucket,
            GetAccelerateConfiguration Bucket,
            PutAccelerateConfiguration Bucket,
            GetBucketObjectLockConfiguration Bucket,
            PutBucketObjectLockConfiguration Bucket,
            GetBucketOwnershipControls Bucket,
            PutBucketOwnershipControls Bucket,
            GetBucketPublicAccessBlock Bucket,
            PutBucketPublicAccessBlock Bucket,
            GetObject Object,
            GetObjectVersion Object,
            GetObjectAttributes Object,
            GetObjectVersionAttributes Object,
            PutObject Object,
            DeleteObject Object,
            DeleteObjectVersion Object,
            GetObjectAcl Object,
            GetObjectVersionAcl Object,
            PutObjectAcl Object,
            PutObjectVersionAcl Object,
            GetObjectTagging Object,
            GetObjectVersionTagging Object,
            PutObjectTagging Object,
            PutObjectVersionTagging Object,
            DeleteObjectTagging Object,
            DeleteObjectVersionTagging Object,
            GetObjectRetention Object,
            PutObjectRetention Object,
            GetObjectLegalHold Object,
            PutObjectLegalHold Object,
            RestoreObject Object,
            AbortMultipartUpload Object,
            ListMultipartUploadParts Object,
        }
    };
}

macro_rules! define_actions {
    ($($name:ident $scope:ident,)*) => {
        /// An action, named as in AWS policies without the `s3:`.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        #[expect(missing_docs, reason = "each is the AWS action of the same name")]
        pub enum Action {
            $($name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name without the `s3:`, as in `GetObject`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }

            /// What it is done to.
            pub const fn scope(self) -> Scope {
                match self {
                    $(Self::$name => Scope::$scope,)*
                }
            }
        }
    };
}
for_each_action!(define_actions);

impl Action {
    /// The action that stands for this one where a request names a version.
    pub const fn on_version(self) -> Self {
        match self {
            Self::GetObject => Self::GetObjectVersion,
            Self::GetObjectAttributes => Self::GetObjectVersionAttributes,
            Self::DeleteObject => Self::DeleteObjectVersion,
            Self::GetObjectAcl => Self::GetObjectVersionAcl,
            Self::PutObjectAcl => Self::PutObjectVersionAcl,
            Self::GetObjectTagging => Self::GetObjectVersionTagging,
            Self::PutObjectTagging => Self::PutObjectVersionTagging,
            Self::DeleteObjectTagging => Self::DeleteObjectVersionTagging,
            other => other,
        }
    }

    /// Whether the action reads and changes nothing.
    pub const fn is_read(self) -> bool {
        let name = self.name().as_bytes();
        matches!(name, [b'G', b'e', b't', ..] | [b'L', b'i', b's', b't', ..])
    }

    /// Whether it lists a bucket by prefix.
    pub const fn is_listing(self) -> bool {
        matches!(self, Self::ListBucket | Self::ListBucketVersions | Self::ListBucketMultipartUploads)
    }

    /// Whether it reads objects or their names.
    pub const fn reads_data(self) -> bool {
        self.is_listing() || (self.is_read() && matches!(self.scope(), Scope::Object))
    }

    /// Whether it makes the store hold more.
    pub const fn adds_data(self) -> bool {
        matches!(self, Self::PutObject | Self::RestoreObject)
    }

    /// Whether it makes or removes buckets, objects, or what objects carry. ACLs are no such thing: they say who may.
    pub const fn changes_data(self) -> bool {
        match self.scope() {
            Scope::Tenancy => false,
            Scope::NewBucket => true,
            Scope::Bucket => matches!(self, Self::DeleteBucket),
            Scope::Object => !self.is_read() && !matches!(self, Self::PutObjectAcl | Self::PutObjectVersionAcl),
        }
    }

    /// Whether the action reads or replaces a bucket's policy: its owner always may, so that nobody locks themselves out.
    pub const fn is_on_bucket_policy(self) -> bool {
        matches!(self, Self::GetBucketPolicy | Self::PutBucketPolicy | Self::DeleteBucketPolicy)
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s3:{}", self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_on_a_version_keeps_its_scope() {
        for action in Action::ALL {
            assert_eq!(action.on_version().scope(), action.scope(), "{action}");
        }
    }
}
