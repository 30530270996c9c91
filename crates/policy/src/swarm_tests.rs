//! Policies of Swarm as sites have them: the vendor's sample, those that JASMIN's portal, NLDS and the CMIP6 archive
//! write. They are taken as they are and answer as documented.

use crate::Policy;
use crate::fixture::Ask;

const ANYONE: &str = "";
const USER: &str = "user=bob role=USER groups=lab-o-members";
const STRANGER: &str = "user=eve groups=other-members";

/// The vendor's sample, which JASMIN's users began with.
const SAMPLE: &str = r#"{"Version":"2008-10-17","Id":"testbin1 Policy","Statement":[
 {"Sid":"1: Full access for Users","Effect":"Allow","Principal":{"user":["*"]},"Action":["*"],"Resource":"*"},
 {"Sid":"2: Read-only access for Everyone","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["GetObject","GetBucketCORS"],"Resource":"*"},
 {"Sid":"grp","Effect":"Allow","Principal":{"group":["QA","testers@partner.net"],"user":["jdoe","tony+starkindustries"]},
  "Action":["GetObject"],"Resource":"/*","Condition":{"StringLike":{"Referer":["*example.com"]}}},
 {"Sid":"most","Effect":"Allow","Principal":{"group":["admins2"]},"NotAction":["CopyDomain","DeleteDomain"],"Resource":"/*"}]}"#;

/// As in JASMIN's help pages: anonymous in both statements.
const TESTBIN: &str = r#"{"Version":"2016-10-17","Id":"testbin1 Policy","Statement":[
 {"Sid":"1: Full access for Users","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["*"],"Resource":"*"},
 {"Sid":"2: Read-only access for Everyone","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["GetObject","GetBucketCORS"],"Resource":"*"}]}"#;

/// What NLDS writes for a group and itself.
const NLDS: &str = r#"{"Version":"2008-10-17","Id":"nlds.5d3cf6fa policy","Statement":[
 {"Sid":"Read-only access for group","Effect":"Allow","Principal":{"user":[],"group":["lab-o-members"]},
  "Action":["ListBucket","GetBucket","CopyBucket","GetObject","CopyObject"],"Resource":"*"},
 {"Sid":"Full access for nlds","Effect":"Allow","Principal":{"user":["nlds"]},"Action":["*"],"Resource":"*"}]}"#;

/// The CMIP6 archive is public.
const CMIP6: &str = r#"{"Version":"2008-10-17","Id":"CMIP6 policy","Statement":[
 {"Sid":"public","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["GetObject","ListBucket"],"Resource":"*"}]}"#;

/// The portal's form "grant groups/users" with one field left empty, and Sids that repeat.
const PORTAL: &str = r#"{"Version":"2008-10-17","Id":"data policy","Statement":[
 {"Sid":"share","Effect":"Allow","Principal":{"user":[""],"group":["lab-o-members"]},"Action":["*"],"Resource":"*"},
 {"Sid":"share","Effect":"Allow","Principal":{"user":["eve"],"group":[""]},"Action":"GetObject","Resource":"/*"}]}"#;

/// The portal after the last statement was deleted, and a new bucket's.
const EMPTY: &str = r#"{"Version":"2008-10-17","Id":"data policy","Statement":[]}"#;

/// The document, who asks for what, and whether it is allowed.
#[test]
fn policies_of_sites_answer_as_documented() {
    for (document, who, what, expected) in [
        (SAMPLE, ANYONE, "", true),
        (SAMPLE, ANYONE, "action=GetObjectVersion version=null", true),
        (SAMPLE, ANYONE, "action=GetBucketCORS key=", true),
        (SAMPLE, ANYONE, "action=PutObject", false),
        (SAMPLE, ANYONE, "action=ListBucket key=", false),
        (SAMPLE, USER, "action=PutObject", true),
        (SAMPLE, USER, "action=DeleteBucket key=", true),
        (SAMPLE, STRANGER, "action=PutObject", true),
        (SAMPLE, "user=eve groups=admins2", "action=DeleteObject", true),
        (TESTBIN, ANYONE, "action=PutObject", true),
        (TESTBIN, USER, "action=DeleteBucket key=", true),
        (NLDS, ANYONE, "", false),
        (NLDS, STRANGER, "", false),
        (NLDS, USER, "", true),
        (NLDS, USER, "action=ListBucket key=", true),
        (NLDS, USER, "action=ListBucketVersions key=", true),
        (NLDS, USER, "action=GetBucketLocation key=", true),
        (NLDS, USER, "action=PutBucketVersioning key=", true),
        (NLDS, USER, "action=PutObject", false),
        (NLDS, USER, "action=PutObject existing=no", false),
        (NLDS, USER, "action=DeleteObject", false),
        (NLDS, USER, "action=DeleteBucket key=", false),
        (NLDS, USER, "action=PutBucketPolicy key=", false),
        (NLDS, USER, "action=GetBucketPolicy key=", false),
        (NLDS, "user=nlds", "action=PutObject", true),
        (NLDS, "user=nlds", "action=PutBucketPolicy key=", true),
        (CMIP6, ANYONE, "", true),
        (CMIP6, ANYONE, "action=ListBucket key=", true),
        (CMIP6, STRANGER, "", true),
        (CMIP6, ANYONE, "action=PutObject", false),
        (CMIP6, ANYONE, "action=GetBucketAcl key=", false),
        (PORTAL, ANYONE, "", false),
        (PORTAL, USER, "action=PutObject", true),
        (PORTAL, STRANGER, "", true),
        (PORTAL, STRANGER, "action=PutObject", false),
        (EMPTY, USER, "", false),
        (EMPTY, "user=ann role=USER", "", true),
        (EMPTY, "user=meg role=MANAGER", "action=DeleteBucket key=", true),
    ] {
        let policy = Policy::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"));
        assert_eq!(policy.document(), document);
        let allowed = Ask::parse(&format!("{who} {what}")).is_allowed_by(&policy);
        assert_eq!(allowed, expected, "{who} {what}: {document}");
    }
}

#[test]
fn the_referer_opens_what_it_should() {
    let sample = SAMPLE.replace(r#"{"Sid":"1: Full access for Users","Effect":"Allow","Principal":{"user":["*"]},"Action":["*"],"Resource":"*"},"#, "");
    let sample = sample.replace(r#"{"anonymous":["*"]}"#, r#"{"anonymous":[]}"#);
    let policy = Policy::parse(sample.as_bytes()).unwrap();
    for (question, expected) in [
        ("user=jdoe h:referer=https://www.example.com", true),
        ("user=jdoe h:referer=https://www.example.org", false),
        ("user=jdoe", false),
        ("user=eve groups=QA h:referer=https://www.example.com", true),
        ("user=eve groups=testers,partner-members h:referer=example.com", true),
        ("user=eve groups=testers h:referer=example.com", false),
        ("user=tony groups=starkindustries-members h:referer=example.com", true),
        ("h:referer=example.com", false),
    ] {
        assert_eq!(Ask::parse(question).is_allowed_by(&policy), expected, "{question}");
    }
}

/// Each name of Swarm that allows something, with one action that it allows and one that it does not.
#[test]
fn names_allow_what_they_mean() {
    for (name, allowed, refused) in [
        ("ListBucket", "action=ListBucket key=", "action=GetBucketLocation key="),
        ("GetBucket", "action=GetBucketVersioning key=", "action=ListBucket key="),
        ("PutBucket", "action=PutBucketVersioning key=", "action=PutBucketPolicy key="),
        ("CopyBucket", "action=PutLifecycleConfiguration key=", "action=DeleteBucket key="),
        ("DeleteBucket", "action=DeleteBucket key=", "action=DeleteObject"),
        ("GetBucketAcl", "action=GetBucketAcl key=", "action=PutBucketAcl key="),
        ("PutBucketAcl", "action=PutBucketAcl key=", "action=GetBucketAcl key="),
        ("GetBucketCORS", "action=GetBucketCORS key=", "action=PutBucketCORS key="),
        ("PutBucketCORS", "action=PutBucketCORS key=", "action=GetBucketCORS key="),
        ("GetBucketObjectLocking", "action=GetBucketObjectLockConfiguration key=", "action=GetBucketAcl key="),
        ("PutBucketObjectLocking", "action=PutBucketObjectLockConfiguration key=", "action=PutBucketAcl key="),
        ("GetPolicy", "action=GetBucketPolicy key=", "action=PutBucketPolicy key="),
        ("PutPolicy", "action=PutBucketPolicy key=", "action=GetBucketPolicy key="),
        ("DeletePolicy", "action=DeleteBucketPolicy key=", "action=PutBucketPolicy key="),
        ("GetObject", "action=GetObject", "action=GetObjectAcl"),
        ("GetObject", "action=GetObjectVersion version=null", "action=PutObject"),
        ("PutObject", "action=PutObject existing=yes", "action=DeleteObject"),
        ("PutObject", "action=PutObject existing=no", "action=GetObject"),
        ("PutObject", "action=AbortMultipartUpload", "action=PutObjectAcl"),
        ("CreateObject", "action=PutObject existing=no", "action=PutObject existing=yes"),
        ("CopyObject", "action=PutObjectTagging", "action=PutObject"),
        ("DeleteObject", "action=DeleteObject", "action=PutObject"),
        ("DeleteObject", "action=DeleteObjectVersion version=null", "action=DeleteBucket key="),
        ("GetObjectAcl", "action=GetObjectAcl", "action=GetObject"),
        ("PutObjectAcl", "action=PutObjectAcl", "action=PutObject"),
        ("GetObjectRetention", "action=GetObjectRetention", "action=PutObjectRetention"),
        ("PutObjectRetention", "action=PutObjectRetention", "action=PutObjectLegalHold"),
        ("PutObjectLegalHold", "action=PutObjectLegalHold", "action=PutObjectRetention"),
    ] {
        let document = format!(
            r#"{{"Statement": [{{"Effect": "Allow", "Principal": {{"user": ["*"]}}, "Action": "{name}", "Resource": "*"}}]}}"#
        );
        let policy = Policy::parse(document.as_bytes()).unwrap();
        for (what, expected) in [(allowed, true), (refused, false)] {
            let question = format!("user=bob {what}");
            assert_eq!(Ask::parse(&question).is_allowed_by(&policy), expected, "{name} {what}");
        }
    }
}
