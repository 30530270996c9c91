//! A bucket's settings: what the source has, what comes over, and what has no place.

use http::{Method, StatusCode};
use policy::Policy;
use s3_client::{Call, ClientError, Connection, Element};
use types::BucketName;

use super::lost::Grants;
use super::{ObjectAcls, S3Import, Versions, with_patience};
use crate::{ImportError, NotCarried, Tally};

/// The settings that are put as they are, in this order: who may is said last.
const CARRIED: [&str; 4] = ["ownershipControls", "cors", "publicAccessBlock", "policy"];
/// The bucket's ACL, which follows them where everybody may list the bucket by it.
const ACL: &str = "acl";
/// The settings that stay behind.
const LEFT: [(&str, &str); 8] = [
    ("lifecycle", "set rules anew where the destination has them"),
    ("tagging", "tags of buckets are not kept"),
    ("website", "objects are not served as a web site"),
    ("notification", "nobody is told of single objects"),
    ("replication", "objects are not passed on"),
    ("object-lock", "make the bucket anew with a lock where the destination has one"),
    ("encryption", "objects are kept as the destination keeps all of them"),
    ("logging", "requests are logged by the server"),
];

/// The settings of a bucket at the source.
pub(super) struct Found {
    versioning: Option<String>,
    /// Names and documents.
    carried: Vec<(&'static str, Vec<u8>)>,
    /// Whether the copy is to have an ACL by which everybody may list it.
    is_listed_by_everybody: bool,
}

impl Found {
    /// What would come over.
    pub(super) fn names(&self) -> Vec<String> {
        let versioning = self.versioning.iter().map(|_| "versioning".to_owned());
        let carried = self.carried.iter().map(|(name, _)| (*name).to_owned());
        let acl = self.is_listed_by_everybody.then(|| ACL.to_owned());
        versioning.chain(carried).chain(acl).collect()
    }
}

/// Looks at a bucket of the source, and notes what can not come over.
pub(super) async fn look(import: &S3Import, bucket: &str, tally: &Tally) -> Result<Found, ImportError> {
    let lost = |what: &str, why: &str| {
        let (bucket, what, why) = (bucket.to_owned(), what.to_owned(), why.to_owned());
        tally.not_carried(NotCarried { bucket, key: None, what, why });
    };
    let mut connection = Connection::new(import.from.clone());
    if let Err(error) = BucketName::new(bucket) {
        lost("the bucket", &error.to_string());
    }
    let versioning = match setting(&mut connection, bucket, "versioning").await? {
        Setting::There(document) => Element::parse(&document).ok().and_then(|it| it.text("Status").map(str::to_owned)),
        Setting::Absent | Setting::Hidden => None,
    };
    if versioning.is_some() && import.versions == Versions::Current {
        lost("older versions", "only what objects are now is copied: --versions all copies all of them");
    }
    let mut carried = Vec::new();
    for name in CARRIED {
        match setting(&mut connection, bucket, name).await? {
            Setting::There(document) if name == "policy" => match policy_problem(bucket, &document) {
                None => carried.push((name, document)),
                Some(problem) => lost("the policy", &format!("{problem}: write it anew")),
            },
            Setting::There(document) => carried.push((name, document)),
            Setting::Hidden => lost(name, "the key of the source may not read it"),
            Setting::Absent => {}
        }
    }
    for (name, why) in LEFT {
        match setting(&mut connection, bucket, name).await? {
            Setting::There(document) if !is_empty(&document) => lost(name, why),
            _ => {}
        }
    }
    let mut is_listed_by_everybody = false;
    if let Setting::There(document) = setting(&mut connection, bucket, ACL).await?
        && let Ok(document) = Element::parse(&document)
    {
        let grants = Grants::of(&document);
        is_listed_by_everybody = grants.is_public && import.acls == ObjectAcls::PublicRead;
        if grants.others > 0 || (grants.is_public && !is_listed_by_everybody) {
            lost("the ACL", "the copy belongs to who imports it: share it by a policy, or set the ACL anew");
        }
    }
    Ok(Found { versioning, carried, is_listed_by_everybody })
}

/// Why the destination would not take a policy.
fn policy_problem(bucket: &str, document: &[u8]) -> Option<String> {
    let policy = match Policy::parse(document) {
        Ok(policy) => policy,
        Err(error) => return Some(error.to_string()),
    };
    let name = BucketName::new(bucket).ok()?;
    policy.check_resources(&name).err().map(|error| error.to_string())
}

enum Setting {
    There(Vec<u8>),
    Absent,
    /// The source does not let it be read.
    Hidden,
}

async fn setting(connection: &mut Connection, bucket: &str, name: &str) -> Result<Setting, ClientError> {
    let asked = with_patience(async || connection.send(Call::bucket(Method::GET, bucket).query(name, "")).await).await;
    match asked {
        Ok(answer) if answer.body.is_empty() => Ok(Setting::Absent),
        Ok(answer) => Ok(Setting::There(answer.body.to_vec())),
        Err(error) => match error.refusal() {
            Some((_, "NoSuchBucket")) => Err(error),
            Some((StatusCode::FORBIDDEN, _)) => Ok(Setting::Hidden),
            // Not set, or not known there: stores differ in how they say it.
            Some(_) => Ok(Setting::Absent),
            None => Err(error),
        },
    }
}

/// Whether a configuration says nothing: some stores answer with an empty document for what is not set.
fn is_empty(document: &[u8]) -> bool {
    Element::parse(document).is_ok_and(|element| element.children.is_empty())
}

/// Makes the bucket where it is missing, and answers whether it did. Versions are kept from then on, where all are to be
/// copied.
pub(super) async fn make(import: &S3Import, bucket: &str, found: &Found) -> Result<bool, ImportError> {
    let mut connection = Connection::new(import.to.clone());
    let there = with_patience(async || connection.send(Call::bucket(Method::HEAD, bucket)).await).await;
    let made = match there {
        Ok(_) => false,
        Err(error) if error.refusal().is_some_and(|(status, _)| status == StatusCode::NOT_FOUND) => {
            with_patience(async || connection.send(Call::bucket(Method::PUT, bucket)).await).await?;
            true
        }
        Err(error) => return Err(error.into()),
    };
    if import.versions == Versions::All && found.versioning.is_some() {
        set_versioning(&mut connection, bucket, "Enabled").await?;
    }
    Ok(made)
}

/// Puts the settings, and answers which of them the destination took.
pub(super) async fn carry(
    import: &S3Import,
    bucket: &str,
    found: Found,
    tally: &Tally,
) -> Result<Vec<String>, ImportError> {
    let mut connection = Connection::new(import.to.clone());
    let mut taken = Vec::new();
    if let Some(status) = &found.versioning {
        set_versioning(&mut connection, bucket, status).await?;
        taken.push("versioning".to_owned());
    }
    let documents = found.carried.into_iter().map(|(name, document)| (name, Some(document)));
    let acl = found.is_listed_by_everybody.then_some((ACL, None));
    for (name, document) in documents.chain(acl) {
        let call = || {
            let call = Call::bucket(Method::PUT, bucket).query(name, "");
            match &document {
                Some(document) => call.document(document.clone()),
                None => call.header("x-amz-acl", "public-read"),
            }
        };
        match with_patience(async || connection.send(call()).await).await {
            Ok(_) => taken.push(name.to_owned()),
            Err(error) if error.refusal().is_some() => tally.not_carried(NotCarried {
                bucket: bucket.to_owned(),
                key: None,
                what: name.to_owned(),
                why: error.to_string(),
            }),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(taken)
}

async fn set_versioning(connection: &mut Connection, bucket: &str, status: &str) -> Result<(), ClientError> {
    let document = format!("<VersioningConfiguration><Status>{status}</Status></VersioningConfiguration>");
    let call = || Call::bucket(Method::PUT, bucket).query("versioning", "").document(document.clone());
    with_patience(async || connection.send(call()).await).await.map(|_| ())
}
