//! The names of actions in policies: AWS's, with `s3:` before them, and Swarm's, without.

use crate::Action::{
    AbortMultipartUpload, CreateBucket, DeleteBucket, DeleteBucketPolicy, DeleteBucketWebsite, DeleteObject,
    DeleteObjectTagging, DeleteObjectVersion, DeleteObjectVersionTagging, GetAccelerateConfiguration, GetBucketAcl,
    GetBucketCORS, GetBucketLocation, GetBucketLogging, GetBucketNotification, GetBucketObjectLockConfiguration,
    GetBucketOwnershipControls, GetBucketPolicy, GetBucketPolicyStatus, GetBucketPublicAccessBlock,
    GetBucketRequestPayment, GetBucketTagging, GetBucketVersioning, GetBucketWebsite, GetEncryptionConfiguration,
    GetLifecycleConfiguration, GetObject, GetObjectAcl, GetObjectAttributes, GetObjectLegalHold, GetObjectRetention,
    GetObjectTagging, GetObjectVersion, GetObjectVersionAcl, GetObjectVersionAttributes, GetObjectVersionTagging,
    GetReplicationConfiguration, ListAllMyBuckets, ListBucket, ListBucketMultipartUploads, ListBucketVersions,
    ListMultipartUploadParts, PutAccelerateConfiguration, PutBucketAcl, PutBucketCORS, PutBucketLogging,
    PutBucketNotification, PutBucketObjectLockConfiguration, PutBucketOwnershipControls, PutBucketPolicy,
    PutBucketPublicAccessBlock, PutBucketRequestPayment, PutBucketTagging, PutBucketVersioning, PutBucketWebsite,
    PutEncryptionConfiguration, PutLifecycleConfiguration, PutObject, PutObjectAcl, PutObjectLegalHold,
    PutObjectRetention, PutObjectTagging, PutObjectVersionAcl, PutObjectVersionTagging, PutReplicationConfiguration,
};
use crate::glob::Glob;
use crate::{Action, ActionSet};

/// Actions of AWS that this store has no operation for. A policy may name them; they decide nothing here.
/// Source: the Service Authorization Reference, "Actions, resources, and condition keys for Amazon S3".
const ELSEWHERE: &[&str] = &[
    "BypassGovernanceRetention",
    "CreateAccessPoint",
    "CreateJob",
    "DeleteAccessPoint",
    "DeleteAccessPointPolicy",
    "DeleteJobTagging",
    "DeleteStorageLensConfiguration",
    "DescribeJob",
    "GetAccessPoint",
    "GetAccessPointPolicy",
    "GetAccessPointPolicyStatus",
    "GetAccountPublicAccessBlock",
    "GetAnalyticsConfiguration",
    "GetIntelligentTieringConfiguration",
    "GetInventoryConfiguration",
    "GetJobTagging",
    "GetMetricsConfiguration",
    "GetObjectTorrent",
    "GetObjectVersionForReplication",
    "GetObjectVersionTorrent",
    "GetStorageLensConfiguration",
    "InitiateReplication",
    "ListAccessPoints",
    "ListJobs",
    "ListTagsForResource",
    "ObjectOwnerOverrideToBucketOwner",
    "PauseReplication",
    "PutAccountPublicAccessBlock",
    "PutAnalyticsConfiguration",
    "PutIntelligentTieringConfiguration",
    "PutInventoryConfiguration",
    "PutMetricsConfiguration",
    "ReplicateDelete",
    "ReplicateObject",
    "ReplicateTags",
    "TagResource",
    "UntagResource",
    "UpdateJobPriority",
    "UpdateJobStatus",
];

const BUCKET_READS: &[Action] = &[
    GetBucketLocation,
    GetBucketVersioning,
    GetBucketTagging,
    GetLifecycleConfiguration,
    GetEncryptionConfiguration,
    GetBucketWebsite,
    GetBucketLogging,
    GetBucketNotification,
    GetReplicationConfiguration,
    GetBucketRequestPayment,
    GetAccelerateConfiguration,
];

const BUCKET_CHANGES: &[Action] = &[
    PutBucketVersioning,
    PutBucketTagging,
    PutLifecycleConfiguration,
    PutEncryptionConfiguration,
    PutBucketWebsite,
    DeleteBucketWebsite,
    PutBucketLogging,
    PutBucketNotification,
    PutReplicationConfiguration,
    PutBucketRequestPayment,
    PutAccelerateConfiguration,
];

/// What a name of Swarm stands for.
enum Swarm {
    /// These actions.
    Actions(&'static [Action]),
    /// Writing keys that are new.
    NewKeys,
}

/// Swarm's names and what they are here. Those with nothing behind them concern what no policy of a bucket decides here
/// (tenants, domains, tokens), or what S3 can not ask for (appending, skipping a retention).
const SWARM: &[(&str, Swarm)] = &[
    ("ListTenants", Swarm::Actions(&[])),
    ("CreateTenant", Swarm::Actions(&[])),
    ("GetTenant", Swarm::Actions(&[])),
    ("PutTenant", Swarm::Actions(&[])),
    ("DeleteTenant", Swarm::Actions(&[])),
    ("ListEtc", Swarm::Actions(&[GetBucketPolicyStatus])),
    ("GetPolicy", Swarm::Actions(&[GetBucketPolicy, GetBucketPolicyStatus, GetBucketPublicAccessBlock])),
    ("PutPolicy", Swarm::Actions(&[PutBucketPolicy, PutBucketPublicAccessBlock])),
    ("DeletePolicy", Swarm::Actions(&[DeleteBucketPolicy])),
    ("ListTokens", Swarm::Actions(&[])),
    ("CreateToken", Swarm::Actions(&[])),
    ("ValidateToken", Swarm::Actions(&[])),
    ("DeleteToken", Swarm::Actions(&[])),
    ("TokenAdmin", Swarm::Actions(&[])),
    ("ListDomains", Swarm::Actions(&[])),
    ("CreateDomain", Swarm::Actions(&[])),
    ("GetDomain", Swarm::Actions(&[])),
    ("PutDomain", Swarm::Actions(&[])),
    ("DeleteDomain", Swarm::Actions(&[])),
    ("CopyDomain", Swarm::Actions(&[])),
    ("ListDomain", Swarm::Actions(&[ListAllMyBuckets])),
    ("ListBucket", Swarm::Actions(&[ListBucket, ListBucketVersions, ListBucketMultipartUploads])),
    ("GetBucket", Swarm::Actions(BUCKET_READS)),
    ("CreateBucket", Swarm::Actions(&[CreateBucket])),
    ("PutBucket", Swarm::Actions(BUCKET_CHANGES)),
    ("CopyBucket", Swarm::Actions(BUCKET_CHANGES)),
    ("DeleteBucket", Swarm::Actions(&[DeleteBucket])),
    ("GetBucketAcl", Swarm::Actions(&[GetBucketAcl, GetBucketOwnershipControls])),
    ("PutBucketAcl", Swarm::Actions(&[PutBucketAcl, PutBucketOwnershipControls])),
    ("GetBucketCORS", Swarm::Actions(&[GetBucketCORS])),
    ("PutBucketCORS", Swarm::Actions(&[PutBucketCORS])),
    ("DeleteBucketCORS", Swarm::Actions(&[PutBucketCORS])),
    ("GetBucketObjectLocking", Swarm::Actions(&[GetBucketObjectLockConfiguration])),
    ("PutBucketObjectLocking", Swarm::Actions(&[PutBucketObjectLockConfiguration])),
    (
        "GetObject",
        Swarm::Actions(&[
            GetObject,
            GetObjectVersion,
            GetObjectAttributes,
            GetObjectVersionAttributes,
            GetObjectTagging,
            GetObjectVersionTagging,
        ]),
    ),
    ("PutObject", Swarm::Actions(&[PutObject, AbortMultipartUpload, ListMultipartUploadParts])),
    ("CreateObject", Swarm::NewKeys),
    (
        "CopyObject",
        Swarm::Actions(&[PutObjectTagging, PutObjectVersionTagging, DeleteObjectTagging, DeleteObjectVersionTagging]),
    ),
    ("AppendObject", Swarm::Actions(&[])),
    ("DeleteObject", Swarm::Actions(&[DeleteObject, DeleteObjectVersion])),
    ("GetObjectAcl", Swarm::Actions(&[GetObjectAcl, GetObjectVersionAcl])),
    ("PutObjectAcl", Swarm::Actions(&[PutObjectAcl, PutObjectVersionAcl])),
    ("GetObjectRetention", Swarm::Actions(&[GetObjectRetention])),
    ("PutObjectRetention", Swarm::Actions(&[PutObjectRetention])),
    ("GetObjectLegalHold", Swarm::Actions(&[GetObjectLegalHold])),
    ("PutObjectLegalHold", Swarm::Actions(&[PutObjectLegalHold])),
    ("BypassGovernanceRetention", Swarm::Actions(&[])),
];

/// What Swarm's CreateObject stands for: writing new keys, in parts too.
const NEW_KEYS: ActionSet =
    ActionSet::CREATE_OBJECT.or(ActionSet::of(AbortMultipartUpload)).or(ActionSet::of(ListMultipartUploadParts));

/// The actions that a name in a policy stands for.
///
/// # Errors
/// What is wrong with it, where it is nobody's name.
pub(crate) fn actions_named(name: &str) -> Result<ActionSet, String> {
    if name == "*" {
        return Ok(ActionSet::ALL);
    }
    match name.split_once(':') {
        Some((service, action)) if service.eq_ignore_ascii_case("s3") => aws(action),
        Some(_) => Err(format!("{name:?} is no action of S3")),
        None => swarm(name),
    }
}

/// AWS's names count without regard to case, and `*` and `?` may stand in them.
fn aws(action: &str) -> Result<ActionSet, String> {
    let pattern = Glob::parse(&action.to_ascii_lowercase());
    let fits = |name: &str| pattern.matches(&name.to_ascii_lowercase());
    let found = Action::ALL.iter().filter(|action| fits(action.name()));
    let set = found.fold(ActionSet::NONE, |set, action| set.or(ActionSet::of(*action)));
    let known = !set.is_empty() || ELSEWHERE.iter().any(|name| fits(name));
    if known { Ok(set) } else { Err(format!("there is no action s3:{action}")) }
}

fn swarm(name: &str) -> Result<ActionSet, String> {
    match SWARM.iter().find(|(known, _)| *known == name) {
        Some((_, Swarm::Actions(actions))) => Ok(ActionSet::from_slice(actions)),
        Some((_, Swarm::NewKeys)) => Ok(NEW_KEYS),
        None => Err(format!("there is no action {name:?}: AWS's begin with s3:, Swarm's are names like GetObject")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_aws() {
        for action in Action::ALL {
            assert_eq!(actions_named(&action.to_string()), Ok(ActionSet::of(*action)));
            assert_eq!(actions_named(&action.to_string().to_uppercase()), Ok(ActionSet::of(*action)));
        }
        for (name, expected) in [
            (
                "s3:GetObject*",
                &[
                    GetObject,
                    GetObjectVersion,
                    GetObjectAttributes,
                    GetObjectVersionAttributes,
                    GetObjectAcl,
                    GetObjectVersionAcl,
                    GetObjectTagging,
                    GetObjectVersionTagging,
                    GetObjectRetention,
                    GetObjectLegalHold,
                ][..],
            ),
            (
                "s3:Delete*",
                &[
                    DeleteBucket,
                    DeleteBucketPolicy,
                    DeleteBucketWebsite,
                    DeleteObject,
                    DeleteObjectVersion,
                    DeleteObjectTagging,
                    DeleteObjectVersionTagging,
                ],
            ),
            ("s3:?etBucketAcl", &[GetBucketAcl]),
            ("S3:listbucket", &[ListBucket]),
            ("s3:ReplicateObject", &[]),
            ("s3:Replicate*", &[]),
        ] {
            assert_eq!(actions_named(name), Ok(ActionSet::from_slice(expected)), "{name}");
        }
        for name in ["s3:*", "*", "S3:*"] {
            assert_eq!(actions_named(name), Ok(ActionSet::ALL), "{name}");
        }
        for name in ["s3:GetObjct", "s3:", "s3:Frob*", "iam:PassRole", "", "s3:Get Object", "s3:s3:GetObject"] {
            assert!(actions_named(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn names_of_swarm() {
        for (name, expected) in [
            ("GetBucketCORS", &[GetBucketCORS][..]),
            ("ListBucket", &[ListBucket, ListBucketVersions, ListBucketMultipartUploads]),
            ("DeleteObject", &[DeleteObject, DeleteObjectVersion]),
            ("PutObject", &[PutObject, AbortMultipartUpload, ListMultipartUploadParts]),
            ("CopyDomain", &[]),
            ("AppendObject", &[]),
        ] {
            assert_eq!(actions_named(name), Ok(ActionSet::from_slice(expected)), "{name}");
        }
        assert!(actions_named("CreateObject").is_ok_and(ActionSet::asks_for_existence));
        for name in ["getobject", "Get*", "FrobObject", "GetObjects"] {
            assert!(actions_named(name).is_err(), "{name:?}");
        }
        assert!(SWARM.len() >= 45);
    }

    #[test]
    fn no_name_stands_twice() {
        for (at, (name, _)) in SWARM.iter().enumerate() {
            assert!(!SWARM[..at].iter().any(|(other, _)| other == name), "{name}");
        }
        for name in ELSEWHERE {
            assert!(Action::ALL.iter().all(|action| action.name() != *name), "{name}");
        }
    }
}
