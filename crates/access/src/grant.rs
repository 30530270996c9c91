//! Authorization as a value.
//!
//! A [`Grant<A>`] says that one principal may do the action `A` to one target. Only [`authorize`] makes one, and the
//! functions that act take tenancy, bucket and key from it, so a way in that forgets to authorize does not compile, and
//! one that authorizes one thing can not do another.

use std::marker::PhantomData;
use std::sync::Arc;

use policy::{Action, Existence, Facts, Principal, Reason, Resource, decide, for_each_action};
use types::{BucketName, ObjectKey, TenancyName, VersionId};

/// The tenancy as a whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TenancyTarget {
    /// Which.
    pub tenancy: TenancyName,
}

/// A bucket that is to be made.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NewBucketTarget {
    /// In which tenancy.
    pub tenancy: TenancyName,
    /// Under which name.
    pub bucket: BucketName,
}

/// A bucket.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BucketTarget {
    /// In which tenancy.
    pub tenancy: TenancyName,
    /// Its name.
    pub bucket: BucketName,
    /// Its id: a bucket made anew under the same name is another.
    pub bucket_id: u64,
}

/// An object or the place of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectTarget {
    /// In which bucket.
    pub bucket: BucketTarget,
    /// Under which key.
    pub key: ObjectKey,
    /// The version that the request names, if any.
    pub version: Option<VersionId>,
}

/// What a grant is about.
pub trait Target {
    /// The tenancy that it lies in.
    fn tenancy(&self) -> &TenancyName;

    /// What it is to a policy.
    fn resource(&self) -> Resource<'_>;

    /// Whether the request names a version: another action is then asked for.
    fn names_version(&self) -> bool {
        false
    }
}

impl Target for TenancyTarget {
    fn tenancy(&self) -> &TenancyName {
        &self.tenancy
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Tenancy
    }
}

impl Target for NewBucketTarget {
    fn tenancy(&self) -> &TenancyName {
        &self.tenancy
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Bucket(&self.bucket)
    }
}

impl Target for BucketTarget {
    fn tenancy(&self) -> &TenancyName {
        &self.tenancy
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Bucket(&self.bucket)
    }
}

impl Target for ObjectTarget {
    fn tenancy(&self) -> &TenancyName {
        &self.bucket.tenancy
    }

    fn resource(&self) -> Resource<'_> {
        Resource::Object { bucket: &self.bucket.bucket, key: &self.key, version: self.version }
    }

    fn names_version(&self) -> bool {
        self.version.is_some()
    }
}

/// An action as a type, for [`Grant`].
pub trait ActionType: Send + Sync + 'static {
    /// The action.
    const ACTION: Action;
    /// What it is done to.
    type Target: Target;
}

/// One type for each action, named like it.
pub mod action {
    use super::{Action, ActionType, BucketTarget, NewBucketTarget, ObjectTarget, TenancyTarget, for_each_action};

    macro_rules! target {
        (Tenancy) => {
            TenancyTarget
        };
        (NewBucket) => {
            NewBucketTarget
        };
        (Bucket) => {
            BucketTarget
        };
        (Object) => {
            ObjectTarget
        };
    }

    macro_rules! define_action_types {
        ($($name:ident $scope:ident,)*) => {
            $(
                #[doc = concat!("`s3:", stringify!($name), "`")]
                #[derive(Clone, Copy, Debug)]
                pub struct $name;

                impl ActionType for $name {
                    const ACTION: Action = Action::$name;
                    type Target = target!($scope);
                }
            )*
        };
    }
    for_each_action!(define_action_types);
}

/// Proof that a principal may do `A` to a target.
pub struct Grant<A: ActionType> {
    principal: Arc<Principal>,
    target: A::Target,
    reason: Reason,
    existence: Existence,
    action: PhantomData<A>,
}

impl<A: ActionType> Grant<A> {
    /// Who may.
    pub fn principal(&self) -> &Principal {
        &self.principal
    }

    /// To what.
    pub const fn target(&self) -> &A::Target {
        &self.target
    }

    /// By which rule.
    pub const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The tenancy of the target.
    pub fn tenancy(&self) -> &TenancyName {
        self.target.tenancy()
    }
}

impl<A: ActionType<Target = BucketTarget>> Grant<A> {
    /// The bucket that the grant is for.
    pub const fn bucket(&self) -> &BucketTarget {
        &self.target
    }
}

impl<A: ActionType<Target = ObjectTarget>> Grant<A> {
    /// The bucket of the object that the grant is for.
    pub const fn in_bucket(&self) -> &BucketTarget {
        &self.target.bucket
    }

    /// The object's key.
    pub const fn key(&self) -> &ObjectKey {
        &self.target.key
    }

    /// What must be so of the key when the action is done: the grant is for a key without an object only, for one with
    /// an object only, or (`Unknown`) for both.
    pub const fn existence(&self) -> Existence {
        self.existence
    }

    /// The version that the request names.
    pub const fn version(&self) -> Option<VersionId> {
        self.target.version
    }
}

impl<A: ActionType> std::fmt::Debug for Grant<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Grant({} in {} because {})", A::ACTION, self.tenancy(), self.reason)
    }
}

/// The action is not allowed.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{action} is not allowed")]
pub struct Denied {
    /// Which action was asked for.
    pub action: Action,
    /// By which rule. For the log and for decisions on the way: who is refused is not told why.
    pub reason: Reason,
}

/// Decides whether `principal` may do `A` to `target`, given what is known of it. The resource of the decision is the
/// target, whatever the facts say.
///
/// # Errors
/// [`Denied`], where no rule allows it or the principal is one of another tenancy.
pub fn authorize<A: ActionType>(
    principal: &Arc<Principal>,
    target: A::Target,
    facts: Facts<'_>,
) -> Result<Grant<A>, Denied> {
    let action = if target.names_version() { A::ACTION.on_version() } else { A::ACTION };
    let decision = decide(principal, action, Facts { resource: target.resource(), ..facts });
    if principal.tenancy != *target.tenancy() || !decision.is_allowed() {
        return Err(Denied { action, reason: decision.reason });
    }
    let other = facts.existence.opposite();
    let is_either = other == Existence::Unknown
        || decide(principal, action, Facts { resource: target.resource(), existence: other, ..facts }).is_allowed();
    let existence = if is_either { Existence::Unknown } else { facts.existence };
    Ok(Grant { principal: Arc::clone(principal), target, reason: decision.reason, existence, action: PhantomData })
}
