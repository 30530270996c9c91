//! The store as clients see it: one tenancy, one bucket, and a manager who may do everything.

use std::cell::RefCell;
use std::sync::Arc;

use access::{ActionType, BucketTarget, Grant, NewBucketTarget, ObjectTarget, authorize};
use objects::{Bucket, NewBucket, ObjectError, Objects};
use policy::{Caller as Who, Facts, Principal, Resource, Role};
use types::{BucketName, ObjectKey, TenancyName, UserName, VersionId};

use crate::ledger::Ledger;

/// The one tenancy.
const TENANCY: &str = "lab-o";
/// The one bucket.
const BUCKET: &str = "data";
/// The one person.
const PERSON: &str = "ada";

/// What every client has at hand.
pub(crate) struct Caller {
    pub(crate) objects: Objects,
    pub(crate) target: BucketTarget,
    pub(crate) ledger: RefCell<Ledger>,
    principal: Arc<Principal>,
}

pub(crate) fn tenancy() -> TenancyName {
    TenancyName::new(TENANCY).expect("the name is valid")
}

pub(crate) fn bucket_name() -> BucketName {
    BucketName::new(BUCKET).expect("the name is valid")
}

pub(crate) fn person() -> UserName {
    UserName::new(PERSON).expect("the name is valid")
}

fn principal() -> Arc<Principal> {
    let caller = Who::Person { name: person(), key: None };
    Arc::new(Principal { caller, role: Some(Role::Manager), ..Principal::anonymous(tenancy()) })
}

fn grant<A: ActionType>(principal: &Arc<Principal>, target: A::Target) -> Grant<A> {
    authorize(principal, target, Facts::about(Resource::Tenancy)).expect("a manager may do everything")
}

/// Makes the bucket.
///
/// # Errors
/// The store's.
pub(crate) async fn create_bucket(objects: &Objects) -> Result<Arc<Bucket>, ObjectError> {
    let target = NewBucketTarget { tenancy: tenancy(), bucket: bucket_name() };
    objects.create_bucket(&grant(&principal(), target), NewBucket::default()).await
}

impl Caller {
    pub(crate) fn new(objects: Objects, bucket: &Bucket, ledger: Ledger) -> Self {
        let (tenancy, name) = (bucket.tenancy.clone(), bucket.name.clone());
        let target = BucketTarget { tenancy, bucket: name, bucket_id: bucket.id };
        Self { objects, target, ledger: RefCell::new(ledger), principal: principal() }
    }

    /// Leave to do something to the bucket.
    pub(crate) fn on_bucket<A: ActionType<Target = BucketTarget>>(&self) -> Grant<A> {
        grant(&self.principal, self.target.clone())
    }

    /// Leave to do something to an object.
    pub(crate) fn on<A: ActionType<Target = ObjectTarget>>(&self, key: &str, version: Option<VersionId>) -> Grant<A> {
        let key = ObjectKey::new(key).expect("the keys of the run are valid");
        grant(&self.principal, ObjectTarget { bucket: self.target.clone(), key, version })
    }
}
