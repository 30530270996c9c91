//! From a request to the grants that its operation needs.
//!
//! Nothing is told of what the caller may not know. A bucket that does not exist is NoSuchBucket for members of the
//! tenancy and AccessDenied for everyone else, as a private one would be. A key that does not exist is NoSuchKey for
//! those who may list the bucket and AccessDenied for those who may not (API reference, GetObject, "Permissions").

use std::sync::Arc;
use std::sync::atomic::Ordering;

use access::{ActionType, BucketTarget, Denied, Grant, NewBucketTarget, ObjectTarget, TenancyTarget, action};
use http::HeaderName;
use objects::{Bucket, SeenObject};
use policy::{Caller, Context, Existence, Facts, ObjectFacts, Policy, Reason, Resource};
use s3_protocol::{ErrorCode, S3Error};
use types::{BucketName, ObjectKey, VersionId};

use crate::call::Call;
use crate::errors;

const EXPECTED_OWNER: HeaderName = HeaderName::from_static("x-amz-expected-bucket-owner");

/// A bucket that was found.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    pub(crate) bucket: Arc<Bucket>,
}

impl Found {
    fn target(&self) -> BucketTarget {
        let Bucket { tenancy, name, id, .. } = &*self.bucket;
        BucketTarget { tenancy: tenancy.clone(), bucket: name.clone(), bucket_id: *id }
    }

    fn object(&self, key: &ObjectKey, version: Option<VersionId>) -> ObjectTarget {
        ObjectTarget { bucket: self.target(), key: key.clone(), version }
    }
}

/// Leave to do `A` to an object.
pub(crate) struct Granted<A: ActionType> {
    pub(crate) grant: Grant<A>,
    /// The object, where the decision rests on it: the operation goes on with this one.
    pub(crate) seen: Option<SeenObject>,
}

impl Call<'_> {
    /// A grant for the tenancy as a whole.
    ///
    /// # Errors
    /// AccessDenied.
    pub(crate) fn on_tenancy<A>(&self) -> Result<Grant<A>, S3Error>
    where
        A: ActionType<Target = TenancyTarget>,
    {
        self.decide(TenancyTarget { tenancy: self.tenancy().clone() }, Known::NOTHING).map_err(refusal)
    }

    /// A grant for a bucket that is to be made.
    ///
    /// # Errors
    /// AccessDenied.
    pub(crate) fn on_new_bucket<A>(&self, bucket: &BucketName) -> Result<Grant<A>, S3Error>
    where
        A: ActionType<Target = NewBucketTarget>,
    {
        let target = NewBucketTarget { tenancy: self.tenancy().clone(), bucket: bucket.clone() };
        self.decide(target, Known::NOTHING).map_err(refusal)
    }

    /// The bucket of this name.
    ///
    /// # Errors
    /// NoSuchBucket for members of the tenancy, AccessDenied for others; AccessDenied where the request expects another
    /// owner (`x-amz-expected-bucket-owner`).
    pub(crate) async fn find(&self, name: &BucketName, expected_owner: Option<&str>) -> Result<Found, S3Error> {
        let found = self.service.objects.find_bucket(self.tenancy(), name).await;
        match found.map_err(|error| self.error(error))? {
            Some(bucket) if expected_owner.is_none_or(|owner| owner == bucket.owner.as_str()) => Ok(Found { bucket }),
            Some(_) => Err(denied()),
            None if self.is_member() => Err(errors::no_such_bucket(Some(name))),
            None => Err(denied()),
        }
    }

    /// The bucket that the request names.
    ///
    /// # Errors
    /// As [`Call::find`].
    pub(crate) async fn find_own(&self) -> Result<Found, S3Error> {
        let expected_owner = self.header(&EXPECTED_OWNER);
        let found = self.find(self.bucket_name()?, expected_owner).await?;
        self.record.is_bucket_there.store(true, Ordering::Relaxed);
        Ok(found)
    }

    /// The bucket that the request names, and a grant for it.
    ///
    /// # Errors
    /// As [`Call::find`], and AccessDenied.
    pub(crate) async fn on_bucket<A>(&self) -> Result<(Found, Grant<A>), S3Error>
    where
        A: ActionType<Target = BucketTarget>,
    {
        let found = self.find_own().await?;
        let grant = self.bucket_grant(&found)?;
        Ok((found, grant))
    }

    /// The bucket that the request names, and a grant for what stays inside its tenancy whatever its policy allows.
    ///
    /// # Errors
    /// As [`Call::on_bucket`], and MethodNotAllowed for those who may and are not of the tenancy (API reference,
    /// PutBucketPolicy).
    pub(crate) async fn on_bucket_as_member<A>(&self) -> Result<(Found, Grant<A>), S3Error>
    where
        A: ActionType<Target = BucketTarget>,
    {
        let granted = self.on_bucket().await?;
        if self.is_member() { Ok(granted) } else { Err(S3Error::new(ErrorCode::MethodNotAllowed)) }
    }

    /// A grant for a bucket that was found.
    ///
    /// # Errors
    /// AccessDenied.
    pub(crate) fn bucket_grant<A>(&self, found: &Found) -> Result<Grant<A>, S3Error>
    where
        A: ActionType<Target = BucketTarget>,
    {
        self.decide(found.target(), Known::bucket(&found.bucket)).map_err(refusal)
    }

    /// A grant for a key, whether there is an object or not: what the object itself grants does not count.
    ///
    /// # Errors
    /// AccessDenied.
    pub(crate) fn place_grant<A>(
        &self,
        found: &Found,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Grant<A>, S3Error>
    where
        A: ActionType<Target = ObjectTarget>,
    {
        self.decide(found.object(key, version), Known::bucket(&found.bucket)).map_err(refusal)
    }

    /// The bucket that the request names, and a grant for its key as [`Call::place_grant`] gives it.
    ///
    /// # Errors
    /// As [`Call::find`], and AccessDenied.
    pub(crate) async fn on_place<A>(&self, version: Option<VersionId>) -> Result<(Found, Grant<A>), S3Error>
    where
        A: ActionType<Target = ObjectTarget>,
    {
        let found = self.find_own().await?;
        let grant = self.place_grant(&found, self.key()?, version)?;
        Ok((found, grant))
    }

    /// A grant for an object, which its own ACL may give.
    ///
    /// # Errors
    /// AccessDenied; NoSuchKey or NoSuchVersion where there is none and the caller may list the bucket.
    pub(crate) async fn object_grant<A>(
        &self,
        found: &Found,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<Granted<A>, S3Error>
    where
        A: ActionType<Target = ObjectTarget>,
    {
        // The object is looked up only where the bucket alone does not decide: for most requests it does.
        let known = Known::bucket(&found.bucket);
        match self.decide(found.object(key, version), known) {
            Ok(grant) => return Ok(Granted { grant, seen: None }),
            Err(Denied { reason: Reason::NothingAllows, .. }) => {}
            Err(denied) => return Err(refusal(denied)),
        }
        let seen = self.check_exists(found, key, version).await?;
        let known = Known { object: seen.facts(), ..known };
        let grant = self.decide(found.object(key, version), known).map_err(refusal)?;
        Ok(Granted { grant, seen: Some(seen) })
    }

    /// The bucket that the request names, and a grant for the object at its key as [`Call::object_grant`] gives it.
    ///
    /// # Errors
    /// As [`Call::find`] and [`Call::object_grant`].
    pub(crate) async fn on_object<A>(&self, version: Option<VersionId>) -> Result<(Found, Granted<A>), S3Error>
    where
        A: ActionType<Target = ObjectTarget>,
    {
        let found = self.find_own().await?;
        let granted = self.object_grant(&found, self.key()?, version).await?;
        Ok((found, granted))
    }

    /// The object, which must be there.
    ///
    /// # Errors
    /// NoSuchKey or NoSuchVersion, for those who may list the bucket; AccessDenied for others.
    pub(crate) async fn check_exists(
        &self,
        found: &Found,
        key: &ObjectKey,
        version: Option<VersionId>,
    ) -> Result<SeenObject, S3Error> {
        let seen = self.service.objects.look_up(found.object(key, version)).await;
        let seen = seen.map_err(|error| self.error(error))?.filter(|seen| seen.facts().is_some());
        seen.ok_or_else(|| self.conceal(found, missing(key, version)))
    }

    /// The error, or AccessDenied where it says that a key is absent and the caller may not list the bucket.
    pub(crate) fn conceal(&self, found: &Found, error: S3Error) -> S3Error {
        let tells_absence = matches!(error.code(), ErrorCode::NoSuchKey | ErrorCode::NoSuchVersion);
        if tells_absence && self.bucket_grant::<action::ListBucket>(found).is_err() { denied() } else { error }
    }

    /// Whether the caller belongs to the tenancy, and so may know which buckets there are.
    pub(crate) fn is_member(&self) -> bool {
        self.principal.role.is_some() || self.principal.caller == Caller::Operator
    }

    /// A grant to write an object. The bucket's policy may tell new keys from those that are there; only then is it looked
    /// up which this one is, and the grant is for a key that still is so when the object is written.
    ///
    /// # Errors
    /// AccessDenied.
    pub(crate) async fn write_grant(
        &self,
        found: &Found,
        key: &ObjectKey,
    ) -> Result<Grant<action::PutObject>, S3Error> {
        let target = found.object(key, None);
        let asks = found.bucket.policy.as_ref().is_some_and(Policy::asks_for_existence);
        let existence = match asks {
            false => Existence::Unknown,
            true => {
                let seen = self.service.objects.look_up(target.clone()).await.map_err(|error| self.error(error))?;
                Existence::of(seen.is_some_and(|seen| seen.facts().is_some()))
            }
        };
        self.decide(target, Known { existence, ..Known::bucket(&found.bucket) }).map_err(refusal)
    }

    /// The bucket that the request names, and a grant to write its key as [`Call::write_grant`] gives it.
    ///
    /// # Errors
    /// As [`Call::find`], and AccessDenied.
    pub(crate) async fn on_write(&self) -> Result<(Found, Grant<action::PutObject>), S3Error> {
        let found = self.find_own().await?;
        let grant = self.write_grant(&found, self.key()?).await?;
        Ok((found, grant))
    }

    /// Whether who may write an object by this grant may also share it with others.
    ///
    /// # Errors
    /// AccessDenied. A policy that lets somebody write does not let them share without `s3:PutObjectAcl` (API reference,
    /// PutObject, "Permissions"); what is written by the bucket's ACL is the writer's, who may.
    pub(crate) fn check_may_share(&self, found: &Found, grant: &Grant<action::PutObject>) -> Result<(), S3Error> {
        let sharing = found.object(grant.key(), None);
        match self.decide::<action::PutObjectAcl>(sharing, Known::bucket(&found.bucket)) {
            Ok(_) => Ok(()),
            Err(Denied { reason: Reason::NothingAllows, .. }) if matches!(grant.reason(), Reason::BucketAcl(_)) => {
                Ok(())
            }
            Err(denied) => Err(refusal(denied)),
        }
    }

    /// Whether the caller could still replace the policy of a bucket that had this one.
    pub(crate) fn keeps_policy(&self, found: &Found, policy: &Policy) -> bool {
        let changed = Bucket { policy: Some(policy.clone()), ..Bucket::clone(&found.bucket) };
        self.decide::<action::PutBucketPolicy>(found.target(), Known::bucket(&changed)).is_ok()
    }

    fn decide<A: ActionType>(&self, target: A::Target, known: Known<'_>) -> Result<Grant<A>, Denied> {
        let bucket = known.bucket.map(Bucket::facts);
        let has_conditions = bucket.is_some_and(|bucket| bucket.policy.is_some())
            || self.principal.key_scope.is_some()
            || !self.principal.session_policies.is_empty();
        let words = self.words();
        let context = if has_conditions { self.context(&words) } else { Context::NOTHING };
        let Known { object, existence, .. } = known;
        let facts = Facts { bucket, object, existence, context: &context, ..Facts::about(Resource::Tenancy) };
        self.service.access.authorize(&self.principal, target, facts)
    }
}

/// What is known of the target of a decision.
#[derive(Clone, Copy)]
struct Known<'a> {
    bucket: Option<&'a Bucket>,
    object: Option<ObjectFacts<'a>>,
    existence: Existence,
}

impl<'a> Known<'a> {
    const NOTHING: Self = Self { bucket: None, object: None, existence: Existence::Unknown };

    fn bucket(bucket: &'a Bucket) -> Self {
        Self { bucket: Some(bucket), ..Self::NOTHING }
    }
}

/// How a decision is told: not why, but for a quota, about which its people can do something.
fn refusal(denied: Denied) -> S3Error {
    match denied.reason {
        Reason::Quota(_) => S3Error::new(ErrorCode::QuotaExceeded),
        _ => self::denied(),
    }
}

/// 403 `AccessDenied`.
pub(crate) fn denied() -> S3Error {
    S3Error::new(ErrorCode::AccessDenied)
}

fn missing(key: &ObjectKey, version: Option<VersionId>) -> S3Error {
    match version {
        Some(version) => S3Error::no_such_version(key.as_str(), &version.to_string()),
        None => S3Error::no_such_key(key.as_str()),
    }
}
