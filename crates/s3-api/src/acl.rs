//! Access control lists: what a request asks for, in the terms of the policy engine, and back.
//!
//! A person's canonical id is the bare user name, and so is the name that is shown.

use std::borrow::Cow;

use access::{Grant, action};
use http::HeaderMap;
use objects::Bucket;
use policy::{Acl, AclGrant};
use s3_protocol::acl::{self as protocol, HeaderAcl};
use s3_protocol::xml::access_control_policy::AccessControlPolicy;
use s3_protocol::xml::{MAX_DOCUMENT_BYTES, Owner, OwnerRef};
use s3_protocol::{ErrorCode, S3Error};
use types::UserName;

use crate::authorize::{Found, denied};
use crate::call::Call;
use crate::errors;

/// The canonical id that is shown for what an anonymous request made.
const ANONYMOUS: &str = "anonymous";

/// A person as documents name one.
pub(crate) fn shown_owner(owner: Option<&UserName>) -> Owner {
    let OwnerRef { id, display_name } = shown_name(owner.map(UserName::as_str));
    Owner { id: id.to_owned(), display_name: display_name.to_owned() }
}

/// The same, by the name alone.
pub(crate) fn shown_name(owner: Option<&str>) -> OwnerRef<'_> {
    let id = owner.unwrap_or(ANONYMOUS);
    OwnerRef { id, display_name: id }
}

impl Call<'_> {
    /// The ACL that headers ask for, for something of `owner` in a bucket of `bucket_owner`; `None` where they ask
    /// for none.
    ///
    /// # Errors
    /// As [`HeaderAcl::from_headers`] and [`Call::acl_of_grants`].
    pub(crate) async fn acl_of_headers(
        &self,
        headers: &HeaderMap,
        owner: &UserName,
        bucket_owner: &UserName,
    ) -> Result<Option<Acl>, S3Error> {
        match HeaderAcl::from_headers(headers)? {
            None => Ok(None),
            Some(HeaderAcl::Canned(canned)) => Ok(Some(canned.expand(owner, bucket_owner))),
            Some(HeaderAcl::Grants(grants)) => self.acl_of_grants(&grants).await.map(Some),
        }
    }

    /// The ACL that the headers of an upload ask for. What nobody uploads belongs to the bucket's owner as far as a
    /// canned ACL speaks of an owner.
    ///
    /// # Errors
    /// As [`Call::acl_of_headers`], and AccessDenied where the ACL shares the object and the caller may not.
    pub(crate) async fn acl_of_upload(
        &self,
        headers: &HeaderMap,
        found: &Found,
        grant: &Grant<action::PutObject>,
    ) -> Result<Option<Acl>, S3Error> {
        let bucket_owner = &found.bucket.owner;
        let owner = self.principal.user().unwrap_or(bucket_owner);
        let acl = self.acl_of_headers(headers, owner, bucket_owner).await?;
        let is_theirs = |grantee: &policy::Grantee| matches!(grantee, policy::Grantee::User(name) if name == owner || name == bucket_owner);
        if acl.as_ref().is_some_and(|acl| !acl.grants.iter().all(|line| is_theirs(&line.grantee))) {
            self.check_may_share(found, grant)?;
        }
        Ok(acl)
    }

    /// The ACL that a PutBucketAcl or PutObjectAcl asks for, in its headers or its body. To be asked for after
    /// authorization.
    ///
    /// # Errors
    /// As [`Call::acl_of_headers`]; UnexpectedContent for both at once, MissingSecurityHeader for neither,
    /// MalformedACLError, and AccessDenied where the document names another owner: it can not be changed.
    pub(crate) async fn acl_of_request(
        &self,
        owner: Option<&UserName>,
        bucket_owner: &UserName,
    ) -> Result<Acl, S3Error> {
        let in_headers = self.acl_of_headers(self.headers(), owner.unwrap_or(bucket_owner), bucket_owner).await?;
        let body = self.document(MAX_DOCUMENT_BYTES).await?;
        match (in_headers, body.is_empty()) {
            (Some(acl), true) => Ok(acl),
            (Some(_), false) => Err(S3Error::new(ErrorCode::UnexpectedContent)),
            (None, true) => {
                Err(S3Error::new(ErrorCode::MissingSecurityHeader).with_field("MissingHeaderName", "x-amz-acl"))
            }
            (None, false) => {
                let document = AccessControlPolicy::parse(&body)?;
                let named = document.owner.map(|owner| owner.id).filter(|id| !id.is_empty());
                if named.is_some_and(|id| id != owner.map_or(ANONYMOUS, UserName::as_str)) {
                    return Err(denied());
                }
                self.acl_of_grants(&document.grants).await
            }
        }
    }

    /// The ACL with these lines.
    ///
    /// # Errors
    /// InvalidArgument for people and groups that there are not, UnresolvableGrantByEmailAddress and
    /// AmbiguousGrantByEmailAddress, MalformedACLError for too many lines.
    pub(crate) async fn acl_of_grants(&self, grants: &[protocol::Grant]) -> Result<Acl, S3Error> {
        if grants.len() > Acl::MAX_GRANTS {
            return Err(S3Error::new(ErrorCode::MalformedACLError));
        }
        let mut lines = Vec::with_capacity(grants.len());
        for grant in grants {
            let grantee = self.grantee(&grant.grantee).await?;
            lines.push(AclGrant { grantee, permission: grant.permission });
        }
        Ok(Acl { grants: lines })
    }

    async fn grantee(&self, grantee: &protocol::Grantee) -> Result<policy::Grantee, S3Error> {
        match grantee {
            protocol::Grantee::Email(address) => self.person_by_email(address).await.map(policy::Grantee::User),
            protocol::Grantee::Group(uri) => {
                policy::Grantee::from_uri(uri).ok_or_else(|| S3Error::invalid_argument("uri", uri, "Invalid group uri"))
            }
            protocol::Grantee::User { id, .. } => {
                let invalid = || S3Error::invalid_argument("CanonicalUser/ID", id, "Invalid id");
                let name = UserName::new(id).map_err(|_| invalid())?;
                let standing = self.service.identity.standing(&name).await;
                match standing.map_err(|error| errors::internal(&error, self.request_id()))? {
                    Some(_) => Ok(policy::Grantee::User(name)),
                    None => Err(invalid()),
                }
            }
        }
    }

    /// The one person whom mail to this address reaches.
    async fn person_by_email(&self, address: &str) -> Result<UserName, S3Error> {
        let people = self.service.identity.people_by_email(address).await;
        let mut people = people.map_err(|error| errors::internal(&error, self.request_id()))?.into_iter();
        match (people.next(), people.next()) {
            (Some(person), None) => Ok(person.name),
            (None, _) => Err(S3Error::new(ErrorCode::UnresolvableGrantByEmailAddress)),
            (Some(_), Some(_)) => Err(S3Error::new(ErrorCode::AmbiguousGrantByEmailAddress)),
        }
    }
}

/// The owner and the ACL of a bucket, or of an object in it, as they count. Where ACLs do not count, all is the bucket
/// owner's alone.
pub(crate) fn as_it_counts<'a>(
    bucket: &'a Bucket,
    owner: Option<&'a UserName>,
    acl: &'a Acl,
) -> (Option<&'a UserName>, Cow<'a, Acl>) {
    match bucket.object_ownership().counts_acls() {
        true => (owner, Cow::Borrowed(acl)),
        false => (Some(&bucket.owner), Cow::Owned(Acl::private(&bucket.owner))),
    }
}

/// An ACL as a document. Groups come first: the order says nothing, and clients are tested against this one.
pub(crate) fn shown(owner: Option<&UserName>, acl: &Acl) -> AccessControlPolicy {
    let grantee = |grantee: &policy::Grantee| match grantee {
        policy::Grantee::User(name) => {
            protocol::Grantee::User { id: name.to_string(), display_name: Some(name.to_string()) }
        }
        group => protocol::Grantee::Group(group.uri().unwrap_or_default().to_owned()),
    };
    let line = |line: &AclGrant| protocol::Grant { grantee: grantee(&line.grantee), permission: line.permission };
    let (people, groups): (Vec<_>, Vec<_>) =
        acl.grants.iter().partition(|line| matches!(line.grantee, policy::Grantee::User(_)));
    let grants = groups.into_iter().chain(people).map(line).collect();
    AccessControlPolicy { owner: Some(shown_owner(owner)), grants }
}
