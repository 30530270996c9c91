use types::{BucketName, TenancyName, UserName};

use super::*;
use crate::{Acl, BucketFacts, CannedAcl, ObjectFacts, Resource};

fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

fn principal(name: Option<&str>, role: Option<Role>) -> Principal {
    let tenancy = TenancyName::new("demo-o").unwrap();
    match name {
        None => Principal::anonymous(tenancy),
        Some(name) => {
            Principal { caller: Caller::Person { name: user(name), key: None }, role, ..Principal::anonymous(tenancy) }
        }
    }
}

struct Owned {
    name: BucketName,
    owner: UserName,
    acl: Acl,
}

/// A bucket of `owner`, or an object of theirs in a bucket of their own.
fn owned(owner: &str, acl: CannedAcl) -> Owned {
    let owner = user(owner);
    Owned { name: BucketName::new("data").unwrap(), acl: acl.expand(&owner, &owner), owner }
}

impl Owned {
    fn bucket(&self) -> Option<BucketFacts<'_>> {
        Some(BucketFacts::new(&self.name, &self.owner, &self.acl))
    }

    fn object(&self) -> Option<ObjectFacts<'_>> {
        Some(ObjectFacts { owner: Some(&self.owner), acl: &self.acl })
    }
}

/// Who asks, the bucket's canned ACL, the object's canned ACL and the default policy, for a bucket of ann with an
/// object of ann; then which of list, get, put and delete-bucket are allowed.
#[test]
fn the_table_of_decisions() {
    use CannedAcl::{AuthenticatedRead, Private, PublicRead, PublicReadWrite};
    use DefaultPolicy::{Members, Owner};
    let none = [false; 4];
    let all = [true; 4];
    for (who, role, bucket_acl, object_acl, default, expected) in [
        (Some("ann"), Some(Role::User), Private, Private, Owner, all),
        (Some("bob"), Some(Role::User), Private, Private, Owner, none),
        (Some("bob"), Some(Role::User), Private, Private, Members, all),
        (Some("bob"), Some(Role::Deputy), Private, Private, Owner, all),
        (Some("bob"), Some(Role::Manager), Private, Private, Owner, all),
        (Some("bob"), None, Private, Private, Members, none),
        (Some("bob"), Some(Role::User), PublicRead, Private, Owner, [true, false, false, false]),
        (Some("bob"), Some(Role::User), Private, AuthenticatedRead, Owner, [false, true, false, false]),
        (Some("eve"), None, AuthenticatedRead, Private, Owner, [true, false, false, false]),
        (None, None, AuthenticatedRead, AuthenticatedRead, Owner, none),
        (None, None, PublicRead, PublicRead, Owner, [true, true, false, false]),
        (None, None, PublicReadWrite, Private, Owner, [true, false, true, false]),
        (None, None, Private, Private, Members, none),
    ] {
        let (bucket, object) = (owned("ann", bucket_acl), owned("ann", object_acl));
        let facts = Facts {
            default_policy: default,
            bucket: bucket.bucket(),
            object: object.object(),
            ..Facts::about(Resource::Tenancy)
        };
        let actions = [Action::ListBucket, Action::GetObject, Action::PutObject, Action::DeleteBucket];
        let allowed = actions.map(|action| decide(&principal(who, role), action, facts).is_allowed());
        assert_eq!(allowed, expected, "{who:?} {role:?} {bucket_acl:?} {object_acl:?} {default:?}");
    }
}

#[test]
fn who_may_write_by_acl_may_manage_uploads() {
    let bucket = owned("ann", CannedAcl::PublicReadWrite);
    let facts = Facts { bucket: bucket.bucket(), object: None, ..Facts::about(Resource::Tenancy) };
    for action in [Action::PutObject, Action::AbortMultipartUpload, Action::ListMultipartUploadParts] {
        assert!(decide(&principal(None, None), action, facts).is_allowed(), "{action}");
    }
}

#[test]
fn whoever_left_the_tenancy_has_only_what_acls_grant() {
    let bucket = owned("ann", CannedAcl::Private);
    let facts = Facts {
        default_policy: DefaultPolicy::Members,
        bucket: bucket.bucket(),
        object: None,
        ..Facts::about(Resource::Tenancy)
    };
    let decision = decide(&principal(Some("ann"), None), Action::DeleteBucket, facts);
    assert_eq!(decision.reason, Reason::NothingAllows);
}

#[test]
fn members_make_buckets_and_strangers_do_not() {
    let facts = Facts { bucket: None, object: None, ..Facts::about(Resource::Tenancy) };
    for action in [Action::CreateBucket, Action::ListAllMyBuckets] {
        assert!(decide(&principal(Some("bob"), Some(Role::User)), action, facts).is_allowed());
        assert!(!decide(&principal(Some("bob"), None), action, facts).is_allowed());
        assert!(!decide(&principal(None, None), action, facts).is_allowed());
    }
}

#[test]
fn every_action_is_refused_to_nobody_on_a_private_bucket() {
    let (bucket, object) = (owned("ann", CannedAcl::Private), owned("ann", CannedAcl::Private));
    for default_policy in [DefaultPolicy::Owner, DefaultPolicy::Members] {
        let facts = Facts {
            default_policy,
            bucket: bucket.bucket(),
            object: object.object(),
            ..Facts::about(Resource::Tenancy)
        };
        for action in Action::ALL {
            for who in [principal(None, None), principal(Some("stranger"), None)] {
                assert!(!decide(&who, *action, facts).is_allowed(), "{action}");
            }
        }
    }
}
