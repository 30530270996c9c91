//! Who may reach a bucket: its ACL, its policy, whose the objects in it are, what it keeps from becoming public, and the
//! pages that may ask it through a browser.
//!
//! What may be set depends on what is set already, so each change is checked against the bucket as it is at the moment of
//! the change. What an upload may ask for is checked by [`Bucket::admit_upload`], before a byte of it is read.

use access::{Grant, action};
use policy::{Acl, CannedAcl, Cors, Grantee, ObjectOwnership, Policy, PublicAccessBlock};
use types::{Conditions, ETag, Md5, UserName};

use crate::conditions::check_write;
use crate::{Bucket, ObjectError, Objects, PublicBy};

impl Objects {
    /// Replaces a bucket's ACL.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], [`ObjectError::AccessControlListNotSupported`],
    /// [`ObjectError::PublicAccessBlocked`].
    pub async fn put_bucket_acl(&self, grant: &Grant<action::PutBucketAcl>, acl: Acl) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            bucket.admit_acl(&acl)?;
            bucket.acl = acl;
            Ok(())
        })
        .await
    }

    /// Replaces a bucket's policy, if the one that is there is the one that `conditions` ask for ([`policy_etag`]).
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]; [`ObjectError::PreconditionFailed`]; [`ObjectError::PublicAccessBlocked`].
    pub async fn put_bucket_policy(
        &self,
        grant: &Grant<action::PutBucketPolicy>,
        policy: Policy,
        conditions: Conditions,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            check_policy(&conditions, bucket.policy.as_ref())?;
            if bucket.public_access_block().block_public_policy && policy.is_public() {
                return Err(ObjectError::PublicAccessBlocked(PublicBy::Policy));
            }
            bucket.policy = Some(policy);
            Ok(())
        })
        .await
    }

    /// Removes a bucket's policy, if it is the one that `conditions` ask for. Where there is none, nothing happens.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`], [`ObjectError::PreconditionFailed`].
    pub async fn delete_bucket_policy(
        &self,
        grant: &Grant<action::DeleteBucketPolicy>,
        conditions: Conditions,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            check_policy(&conditions, bucket.policy.as_ref())?;
            bucket.policy = None;
            Ok(())
        })
        .await
    }

    /// Says whose the objects in a bucket are; `None` removes what was said.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]; [`ObjectError::InvalidBucketAclWithObjectOwnership`] where the bucket is shared by
    /// an ACL that would not count any more.
    pub async fn put_bucket_ownership(
        &self,
        grant: &Grant<action::PutBucketOwnershipControls>,
        ownership: Option<ObjectOwnership>,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            let ends_acls = ownership.is_some_and(|ownership| !ownership.counts_acls());
            if ends_acls && !is_owners_alone(&bucket.acl, &bucket.owner) {
                return Err(ObjectError::InvalidBucketAclWithObjectOwnership);
            }
            bucket.ownership = ownership;
            Ok(())
        })
        .await
    }

    /// Says what a bucket keeps from becoming public; `None` removes what was said. What is public already stays.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn put_public_access_block(
        &self,
        grant: &Grant<action::PutBucketPublicAccessBlock>,
        block: Option<PublicAccessBlock>,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            bucket.public_access = block;
            Ok(())
        })
        .await
    }

    /// Says which pages of other sites may ask a bucket through a browser; `None` removes what was said.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`]; [`ObjectError::InvalidRequest`] where the bucket's record has no room for the rules
    /// beside its policy and ACL.
    pub async fn put_bucket_cors(
        &self,
        grant: &Grant<action::PutBucketCORS>,
        cors: Option<Cors>,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            bucket.cors = cors;
            Ok(())
        })
        .await
    }

    /// Says whether browsers that come to a bucket's address get a page of what is in it. Who may list it sees it.
    ///
    /// # Errors
    /// [`ObjectError::NoSuchBucket`].
    pub async fn put_public_index(
        &self,
        grant: &Grant<action::PutBucketWebsite>,
        is_on: bool,
    ) -> Result<(), ObjectError> {
        self.change_bucket(grant.bucket(), move |bucket| {
            bucket.public_index = is_on;
            Ok(())
        })
        .await
    }
}

/// The tag by which two people who edit one policy notice each other: the MD5 of the document.
pub fn policy_etag(policy: &Policy) -> ETag {
    ETag::whole(Md5::of(policy.document().as_bytes()))
}

/// A policy that is not there is another than the one that was read.
fn check_policy(conditions: &Conditions, current: Option<&Policy>) -> Result<(), ObjectError> {
    match check_write(conditions, current.map(policy_etag).as_ref()) {
        Err(ObjectError::NoSuchKey) => Err(ObjectError::PreconditionFailed { condition: "If-Match" }),
        outcome => outcome,
    }
}

/// Whether an ACL grants nothing to anybody but this owner.
pub(crate) fn is_owners_alone(acl: &Acl, owner: &UserName) -> bool {
    acl.grants.iter().all(|line| matches!(&line.grantee, Grantee::User(name) if name == owner))
}

impl Bucket {
    /// Whether an ACL may be set in it.
    ///
    /// # Errors
    /// [`ObjectError::AccessControlListNotSupported`], [`ObjectError::PublicAccessBlocked`].
    pub(crate) fn admit_acl(&self, acl: &Acl) -> Result<(), ObjectError> {
        if !self.object_ownership().counts_acls() {
            return Err(ObjectError::AccessControlListNotSupported);
        }
        if self.public_access_block().block_public_acls && acl.is_public() {
            return Err(ObjectError::PublicAccessBlocked(PublicBy::Acl));
        }
        Ok(())
    }

    /// The owner and the ACL of what `writer` (nobody, where there is none) uploads and asks this ACL for.
    ///
    /// Where ACLs do not count, an upload may still ask for what holds anyway: that it is private, or that the bucket's
    /// owner has full control.
    ///
    /// # Errors
    /// [`ObjectError::AccessControlListNotSupported`], [`ObjectError::PublicAccessBlocked`].
    pub(crate) fn admit_upload(
        &self,
        writer: Option<&UserName>,
        acl: Option<Acl>,
    ) -> Result<(Option<UserName>, Acl), ObjectError> {
        let asked_as = writer.unwrap_or(&self.owner);
        let gives_to_owner =
            acl.as_ref().is_some_and(|acl| *acl == CannedAcl::BucketOwnerFullControl.expand(asked_as, &self.owner));
        let of_bucket_owner = || (Some(self.owner.clone()), Acl::private(&self.owner));
        match self.object_ownership() {
            ObjectOwnership::BucketOwnerEnforced => match acl {
                Some(acl) if !gives_to_owner && acl != Acl::private(asked_as) => {
                    Err(ObjectError::AccessControlListNotSupported)
                }
                _ => Ok(of_bucket_owner()),
            },
            ObjectOwnership::BucketOwnerPreferred if gives_to_owner => Ok(of_bucket_owner()),
            ObjectOwnership::BucketOwnerPreferred | ObjectOwnership::ObjectWriter => {
                if let Some(acl) = &acl {
                    self.admit_acl(acl)?;
                }
                let private = || writer.map_or_else(|| Acl { grants: Vec::new() }, Acl::private);
                Ok((writer.cloned(), acl.unwrap_or_else(private)))
            }
        }
    }
}
