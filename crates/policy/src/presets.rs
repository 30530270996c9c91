//! Policies to start from: JASMIN's templates, in Swarm's dialect as its portal writes them, and one for data sets, whose readers
//! must be told which objects are not there.

use std::str::FromStr;

use serde_json::{Value, json};
use types::BucketName;

/// A policy to start from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Preset {
    /// Everyone may read objects, without logging in too.
    ReadOnlyAll,
    /// Everyone may read objects and list the bucket, without logging in too.
    ReadListAll,
    /// Whoever is logged in may read objects.
    ReadOnlyUsers,
    /// Whoever is logged in may do everything.
    FullAccessUsers,
    /// Everyone may upload, without logging in too.
    UploadsNoLogin,
    /// Nothing goes without logging in, whatever else allows it.
    NoUploadsNoLogin,
    /// Whoever is logged in may manage the bucket itself.
    BucketManageUsers,
    /// Named groups and people may do everything.
    Share,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::ReadOnlyAll,
        Self::ReadListAll,
        Self::ReadOnlyUsers,
        Self::FullAccessUsers,
        Self::UploadsNoLogin,
        Self::NoUploadsNoLogin,
        Self::BucketManageUsers,
        Self::Share,
    ];

    /// The name, as in `read-only-all`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReadOnlyAll => "read-only-all",
            Self::ReadListAll => "read-list-all",
            Self::ReadOnlyUsers => "read-only-users",
            Self::FullAccessUsers => "full-access-users",
            Self::UploadsNoLogin => "uploads-no-login",
            Self::NoUploadsNoLogin => "no-uploads-no-login",
            Self::BucketManageUsers => "bucket-manage-users",
            Self::Share => "share",
        }
    }

    /// What it does, in a sentence.
    pub const fn title(self) -> &'static str {
        match self {
            Self::ReadOnlyAll => "Everyone may read objects, without logging in too.",
            Self::ReadListAll => {
                "Everyone may read and list objects, without logging in too: what Zarr and other data sets need."
            }
            Self::ReadOnlyUsers => "Whoever is logged in may read objects.",
            Self::FullAccessUsers => "Whoever is logged in may do everything.",
            Self::UploadsNoLogin => "Everyone may upload, without logging in too.",
            Self::NoUploadsNoLogin => "Nothing goes without logging in.",
            Self::BucketManageUsers => "Whoever is logged in may manage the bucket.",
            Self::Share => "The named groups and people may do everything.",
        }
    }

    /// The document for `bucket`. `groups` and `people` matter to [`Preset::Share`] alone.
    pub fn document(self, bucket: &BucketName, groups: &[&str], people: &[&str]) -> String {
        let (effect, principal, actions) = self.statement(groups, people);
        let statement = json!({
            "Sid": self.name(),
            "Effect": effect,
            "Principal": principal,
            "Action": actions,
            "Resource": "*",
        });
        let policy = json!({"Version": "2008-10-17", "Id": format!("{bucket} policy"), "Statement": [statement]});
        format!("{policy:#}")
    }

    fn statement(self, groups: &[&str], people: &[&str]) -> (&'static str, Value, &'static [&'static str]) {
        let (anonymous, users) = (json!({"anonymous": ["*"]}), json!({"user": ["*"]}));
        match self {
            Self::ReadOnlyAll => ("Allow", anonymous, &["GetObject"]),
            Self::ReadListAll => ("Allow", anonymous, &["GetObject", "ListBucket"]),
            Self::ReadOnlyUsers => ("Allow", users, &["GetObject"]),
            Self::FullAccessUsers => ("Allow", users, &["*"]),
            Self::UploadsNoLogin => ("Allow", anonymous, &["CopyObject", "CreateObject", "PutObject"]),
            Self::NoUploadsNoLogin => ("Deny", anonymous, &["*"]),
            Self::BucketManageUsers => {
                ("Allow", users, &["CopyBucket", "CreateBucket", "DeleteBucket", "GetBucket", "ListBucket"])
            }
            Self::Share => ("Allow", json!({"user": people, "group": groups}), &["*"]),
        }
    }
}

impl FromStr for Preset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let names = || Self::ALL.map(Self::name).join(", ");
        let found = Self::ALL.into_iter().find(|preset| preset.name() == text);
        found.ok_or_else(|| format!("{text:?} is no preset: there are {}", names()))
    }
}

#[cfg(test)]
mod tests {
    use types::{ObjectKey, TenancyName, UserName};

    use super::*;
    use crate::{Acl, Action, BucketFacts, Caller, Facts, Policy, Principal, Resource, Role, decide};

    /// Each preset with who may get, put and delete objects, and list and delete the bucket: anonymous, a stranger who
    /// logged in, a member; `g`, `p`, `d`, `l`, `x`.
    #[test]
    fn presets_allow_what_they_say() {
        let (bucket, owner) = (BucketName::new("data").unwrap(), UserName::new("ann").unwrap());
        let (key, acl) = (ObjectKey::new("x").unwrap(), Acl { grants: Vec::new() });
        let tenancy = TenancyName::new("lab-o").unwrap();
        let anyone = Principal::anonymous(tenancy);
        let caller = Caller::Person { name: UserName::new("bob").unwrap(), key: None };
        let stranger = Principal { caller, ..anyone.clone() };
        let groups = vec!["lab-o-members".to_owned()];
        let member = Principal { role: Some(Role::User), groups, ..stranger.clone() };
        for (preset, expected) in [
            (Preset::ReadOnlyAll, ["g", "g", "g"]),
            (Preset::ReadListAll, ["gl", "gl", "gl"]),
            (Preset::ReadOnlyUsers, ["", "g", "g"]),
            (Preset::FullAccessUsers, ["", "gpdlx", "gpdlx"]),
            (Preset::UploadsNoLogin, ["p", "p", "p"]),
            (Preset::NoUploadsNoLogin, ["", "", ""]),
            (Preset::BucketManageUsers, ["", "lx", "lx"]),
            (Preset::Share, ["", "", "gpdlx"]),
        ] {
            let document = preset.document(&bucket, &["lab-o-members"], &[]);
            let policy = Policy::parse(document.as_bytes()).unwrap();
            let facts = BucketFacts { policy: Some(&policy), ..BucketFacts::new(&bucket, &owner, &acl) };
            let allowed = [&anyone, &stranger, &member].map(|who| {
                let actions = [
                    ('g', Action::GetObject, true),
                    ('p', Action::PutObject, true),
                    ('d', Action::DeleteObject, true),
                    ('l', Action::ListBucket, false),
                    ('x', Action::DeleteBucket, false),
                ];
                let may = actions.into_iter().filter(|(_, action, on_object)| {
                    let object = Resource::Object { bucket: &bucket, key: &key, version: None };
                    let resource = if *on_object { object } else { Resource::Bucket(&bucket) };
                    decide(who, *action, Facts { bucket: Some(facts), ..Facts::about(resource) }).is_allowed()
                });
                may.map(|(letter, ..)| letter).collect::<String>()
            });
            assert_eq!(allowed, expected, "{}", preset.name());
            assert_eq!(preset.name().parse(), Ok(preset));
        }
    }

    #[test]
    fn nothing_without_logging_in_leaves_members_alone() {
        let bucket = BucketName::new("data").unwrap();
        let document = Preset::NoUploadsNoLogin.document(&bucket, &[], &[]);
        let policy = Policy::parse(document.as_bytes()).unwrap();
        let (owner, acl) = (UserName::new("ann").unwrap(), Acl { grants: Vec::new() });
        let caller = Caller::Person { name: owner.clone(), key: None };
        let role = Some(Role::User);
        let ann = Principal { caller, role, ..Principal::anonymous(TenancyName::new("lab-o").unwrap()) };
        let facts = BucketFacts { policy: Some(&policy), ..BucketFacts::new(&bucket, &owner, &acl) };
        let facts = Facts { bucket: Some(facts), ..Facts::about(Resource::Bucket(&bucket)) };
        assert!(decide(&ann, Action::ListBucket, facts).is_allowed());
    }
}
