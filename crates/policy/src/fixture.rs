//! Questions for the tests, written in a line: `user=bob role=USER ip=192.0.2.7 key=a/b`.

use std::borrow::Cow;
use std::net::IpAddr;

use types::{BucketName, ObjectKey, TenancyName, Timestamp, UserName, VersionId};

use crate::{
    Acl, Action, AuthType, BucketFacts, Caller, Context, Existence, Facts, Policy, Principal, Reason, RequestText,
    Resource, Role, Signature, SignatureVersion, decide,
};

/// A bucket `data` of ann in tenancy `lab-o`, and a request.
#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) principal: Principal,
    pub(crate) action: Action,
    pub(crate) bucket: BucketName,
    pub(crate) owner: UserName,
    pub(crate) acl: Acl,
    pub(crate) key: Option<ObjectKey>,
    pub(crate) version: Option<VersionId>,
    pub(crate) existence: Existence,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) tls: Option<bool>,
    pub(crate) now: Option<Timestamp>,
    pub(crate) issued: Option<Timestamp>,
    pub(crate) signature: Option<Signature>,
    pub(crate) text: Words,
}

#[derive(Clone, Default, Debug)]
pub(crate) struct Words {
    headers: Vec<(String, String)>,
    query: Vec<(String, String)>,
}

fn find<'w>(words: &'w [(String, String)], name: &str) -> Option<Cow<'w, str>> {
    words.iter().find(|(known, _)| known == name).map(|(_, value)| Cow::Borrowed(value.as_str()))
}

impl RequestText for Words {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        find(&self.headers, name)
    }

    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        find(&self.query, name)
    }
}

pub(crate) fn user(name: &str) -> UserName {
    UserName::new(name).unwrap()
}

pub(crate) fn tenancy() -> TenancyName {
    TenancyName::new("lab-o").unwrap()
}

/// A member of the tenancy.
pub(crate) fn member(name: &str, role: Role) -> Principal {
    Principal {
        caller: Caller::Person { name: user(name), key: None },
        role: Some(role),
        groups: vec!["lab-o-members".to_owned()],
        ..Principal::anonymous(tenancy())
    }
}

impl Ask {
    /// Reads a question: words `name=value` with spaces between. `h:` and `q:` go before headers and query parameters.
    /// With neither key nor action, it is GetObject on key `k`; with an empty key, it is about the bucket.
    pub(crate) fn parse(text: &str) -> Self {
        let mut ask = Self {
            principal: Principal::anonymous(tenancy()),
            action: Action::GetObject,
            bucket: BucketName::new("data").unwrap(),
            owner: user("ann"),
            acl: Acl { grants: Vec::new() },
            key: Some(ObjectKey::new("k").unwrap()),
            version: None,
            existence: Existence::Unknown,
            ip: None,
            tls: None,
            now: None,
            issued: None,
            signature: None,
            text: Words::default(),
        };
        for word in text.split_whitespace() {
            let (name, value) = word.split_once('=').unwrap();
            ask.set(name, value);
        }
        ask
    }

    fn set(&mut self, name: &str, value: &str) {
        let moment = || Timestamp::parse_iso8601(value);
        match name {
            "user" => self.principal.caller = Caller::Person { name: user(value), key: None },
            "operator" => self.principal.caller = Caller::Operator,
            "role" => self.principal.role = Some(value.parse().unwrap()),
            "groups" => self.principal.groups = value.split(',').map(str::to_owned).collect(),
            "tenancy" => self.principal.tenancy = TenancyName::new(value).unwrap(),
            "action" => self.action = *Action::ALL.iter().find(|action| action.name() == value).expect(value),
            "bucket" => self.bucket = BucketName::new(value).unwrap(),
            "key" => self.key = ObjectKey::new(value).ok(),
            "version" => self.version = Some(value.parse().unwrap()),
            "existing" => self.existence = if value == "yes" { Existence::Present } else { Existence::Absent },
            "ip" => self.ip = Some(value.parse().unwrap()),
            "tls" => self.tls = Some(value == "yes"),
            "now" => self.now = moment(),
            "issued" => self.issued = moment(),
            "signed" => {
                let signed_at = moment().unwrap();
                let (version, auth_type) = (SignatureVersion::V4, AuthType::Header);
                self.signature = Some(Signature { version, auth_type, signed_at });
            }
            "v2" => {
                let (version, auth_type) = (SignatureVersion::V2, AuthType::Query);
                self.signature = Some(Signature { version, auth_type, signed_at: moment().unwrap() });
            }
            _ => match name.split_once(':') {
                Some(("h", header)) => self.text.headers.push((header.to_owned(), value.to_owned())),
                Some(("q", parameter)) => self.text.query.push((parameter.to_owned(), value.to_owned())),
                _ => panic!("{name} is no word of a question"),
            },
        }
    }

    /// Asks, with the facts that `change` makes of those that the question has.
    pub(crate) fn with<T>(&self, policy: Option<&Policy>, ask: impl FnOnce(&Principal, Action, Facts<'_>) -> T) -> T {
        let context = Context {
            now: self.now,
            source_ip: self.ip,
            secure_transport: self.tls,
            signature: self.signature,
            token_issued_at: self.issued,
            text: Some(&self.text),
        };
        let resource = match &self.key {
            Some(key) => Resource::Object { bucket: &self.bucket, key, version: self.version },
            None => Resource::Bucket(&self.bucket),
        };
        let bucket = BucketFacts { policy, ..BucketFacts::new(&self.bucket, &self.owner, &self.acl) };
        let facts =
            Facts { bucket: Some(bucket), context: &context, existence: self.existence, ..Facts::about(resource) };
        ask(&self.principal, self.action, facts)
    }

    /// What is decided under `policy`.
    pub(crate) fn reason(&self, policy: &Policy) -> Reason {
        self.with(Some(policy), |principal, action, facts| decide(principal, action, facts).reason)
    }

    /// Whether `policy` allows it.
    pub(crate) fn is_allowed_by(&self, policy: &Policy) -> bool {
        self.reason(policy).allows()
    }
}

/// A policy of version 2012-10-17 with these statements.
pub(crate) fn policy(statements: &str) -> Policy {
    let document = format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#);
    Policy::parse(document.as_bytes()).unwrap_or_else(|error| panic!("{error}: {document}"))
}

/// The document of one statement with these elements.
pub(crate) fn document(elements: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{{{elements}}}]}}"#)
}
