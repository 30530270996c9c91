//! What an object has that does not come over: found in its head, and in its ACL where ACLs are asked for.

use http::{HeaderMap, Method};
use s3_client::listing::Entry;
use s3_client::{Call, ClientError, Element};

use super::{Looks, ObjectAcls, Pair, Shared};
use crate::NotCarried;

/// Headers that tell of something that stays behind: what, and the value that says that there is nothing.
const TOLD: [(&str, &str, &str); 4] = [
    ("x-amz-tagging-count", "tags", "0"),
    ("x-amz-object-lock-mode", "the retention", ""),
    ("x-amz-object-lock-legal-hold", "the legal hold", "OFF"),
    ("x-amz-website-redirect-location", "the redirection of the web site", ""),
];
/// The group of everybody in an ACL.
const ALL_USERS: &str = "http://acs.amazonaws.com/groups/global/AllUsers";

/// In a dry run: looks at objects that would be copied, as far as is wanted.
pub(super) async fn look(shared: &Shared, entries: &[Entry], pair: &mut Pair) -> Result<(), ClientError> {
    if shared.import.looks == Looks::AtListings {
        return Ok(());
    }
    for entry in entries.iter().filter(|entry| !entry.is_delete_marker) {
        let head = pair.from.send(of_source(shared, entry, Method::HEAD)).await?;
        note(shared, entry, &head.headers);
        canned_acl(shared, entry, pair).await?;
    }
    Ok(())
}

/// A request for this object, or for this version of it, at the source.
pub(super) fn of_source(shared: &Shared, entry: &Entry, method: Method) -> Call {
    let call = Call::object(method, &shared.bucket, &entry.key);
    match &entry.version {
        Some(version) => call.query("versionId", version),
        None => call,
    }
}

/// Notes what the head of an object tells of.
pub(super) fn note(shared: &Shared, entry: &Entry, head: &HeaderMap) {
    for (name, what, nothing) in TOLD {
        if head.get(name).is_some_and(|value| value.as_bytes() != nothing.as_bytes()) {
            let why = format!("the source tells of it in {name}, and the destination has no place for it");
            note_one(shared, entry, what, why);
        }
    }
}

fn note_one(shared: &Shared, entry: &Entry, what: &str, why: String) {
    let version = entry.version.as_ref().map(|version| format!(" (version {version})")).unwrap_or_default();
    shared.tally.not_carried(NotCarried {
        bucket: shared.bucket.clone(),
        key: Some(entry.key.clone()),
        what: format!("{what}{version}"),
        why,
    });
}

/// The canned ACL of the copy, where ACLs are asked for and everybody may read the object. Further grants are noted.
pub(super) async fn canned_acl(
    shared: &Shared,
    entry: &Entry,
    pair: &mut Pair,
) -> Result<Option<&'static str>, ClientError> {
    if shared.import.acls == ObjectAcls::Private {
        return Ok(None);
    }
    let document = pair.from.send(of_source(shared, entry, Method::GET).query("acl", "")).await?.element()?;
    let grants = Grants::of(&document);
    if grants.others > 0 {
        let why = "the copy belongs to who imports it: share it by a policy of the bucket".to_owned();
        note_one(shared, entry, "a grant of the ACL", why);
    }
    Ok(grants.is_public.then_some("public-read"))
}

/// What an ACL grants to others than the owner.
pub(super) struct Grants {
    /// Everybody may read; of a bucket, list it.
    pub(super) is_public: bool,
    /// How many other grants there are.
    pub(super) others: usize,
}

impl Grants {
    pub(super) fn of(document: &Element) -> Self {
        let owner = document.child("Owner").and_then(|owner| owner.text("ID"));
        let mut grants = Self { is_public: false, others: 0 };
        for grant in document.child("AccessControlList").into_iter().flat_map(|list| list.all("Grant")) {
            let grantee = grant.child("Grantee");
            let of = |name| grantee.and_then(|grantee| grantee.text(name));
            let is_owners = owner.is_some() && of("ID") == owner;
            match (of("URI"), grant.text("Permission")) {
                _ if is_owners => {}
                (Some(ALL_USERS), Some("READ")) => grants.is_public = true,
                (Some(ALL_USERS), Some("FULL_CONTROL")) => {
                    grants.is_public = true;
                    grants.others += 1;
                }
                _ => grants.others += 1,
            }
        }
        grants
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use http::{HeaderName, HeaderValue};
    use tokio::sync::Semaphore;

    use super::*;
    use crate::s3::{Mode, S3Import, SourceEtags, Versions};

    #[test]
    fn what_a_head_tells_of_is_noted_once() {
        let trust = s3_client::Trust::of_system().expect("TLS");
        let clock = Arc::new(types::SystemClock);
        let client = s3_client::Client::new("http://127.0.0.1:1", None, &trust, clock).expect("an endpoint");
        let import = S3Import {
            from: client.clone(),
            to: client,
            buckets: Vec::new(),
            prefix: String::new(),
            versions: Versions::Current,
            etags: SourceEtags::Md5,
            acls: ObjectAcls::Private,
            parallel: 1,
            mode: Mode::DryRun,
            looks: Looks::AtObjects,
        };
        let shared = Shared {
            import: Arc::new(import),
            bucket: "b".to_owned(),
            tally: Arc::default(),
            streams: Arc::new(Semaphore::new(1)),
        };
        let entry = Entry {
            key: "k".to_owned(),
            version: Some("v1".to_owned()),
            is_delete_marker: false,
            size: 1,
            etag: String::new(),
            modified: None,
        };
        let head = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value))).collect()
        };
        let nothing = head(&[("x-amz-tagging-count", "0"), ("x-amz-object-lock-legal-hold", "OFF"), ("etag", "x")]);
        note(&shared, &entry, &nothing);
        assert_eq!(shared.tally.counts().not_carried, 0);
        let all = head(&[
            ("x-amz-tagging-count", "2"),
            ("x-amz-object-lock-mode", "GOVERNANCE"),
            ("x-amz-object-lock-legal-hold", "ON"),
        ]);
        for _attempt in 0..2 {
            note(&shared, &entry, &all);
        }
        let told: Vec<_> = shared.tally.told().1.into_iter().map(|lost| lost.what).collect();
        assert_eq!(told, ["tags (version v1)", "the retention (version v1)", "the legal hold (version v1)"]);
        assert_eq!(shared.tally.counts().not_carried, 3);
    }

    #[test]
    fn what_an_acl_grants_to_others() {
        let grant = |grantee: &str, permission: &str| {
            format!("<Grant><Grantee>{grantee}</Grantee><Permission>{permission}</Permission></Grant>")
        };
        let (owner, other) = ("<ID>ann</ID>", "<ID>bob</ID>");
        let all = format!("<URI>{ALL_USERS}</URI>");
        let signed = "<URI>http://acs.amazonaws.com/groups/global/AuthenticatedUsers</URI>";
        for (lines, is_public, others) in [
            (vec![], false, 0),
            (vec![grant(owner, "FULL_CONTROL")], false, 0),
            (vec![grant(owner, "FULL_CONTROL"), grant(&all, "READ")], true, 0),
            (vec![grant(owner, "READ"), grant(other, "READ"), grant(&all, "READ")], true, 1),
            (vec![grant(&all, "FULL_CONTROL")], true, 1),
            (vec![grant(&all, "WRITE"), grant(signed, "READ")], false, 2),
        ] {
            let lines = lines.concat();
            let text = format!(
                "<AccessControlPolicy><Owner><ID>ann</ID></Owner><AccessControlList>{lines}</AccessControlList></AccessControlPolicy>"
            );
            let grants = Grants::of(&Element::parse(text.as_bytes()).expect("a document"));
            assert_eq!((grants.is_public, grants.others), (is_public, others), "{lines}");
        }
    }
}
