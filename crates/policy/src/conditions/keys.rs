//! The condition keys: what a policy may ask of a request, and what the request answers.
//!
//! Sources: IAM user guide, "AWS global condition context keys"; Service Authorization Reference, "Condition keys for
//! Amazon S3". Keys of what this store does not have (VPCs, organizations, MFA) are not in the table, and a policy that
//! asks for one is refused. Keys of tags are in it, and absent: no object has tags.

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;

use percent_encoding::percent_decode_str;
use types::Timestamp;

use crate::question::Question;
use crate::{AuthType, Caller, Resource, Role, SignatureVersion};

/// What the values of a key are.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Text,
    /// Many texts.
    Texts,
    Number,
    Date,
    /// A date that is also asked for as seconds since 1970.
    Epoch,
    Bool,
    Address,
    Arn,
}

impl Kind {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Texts => "a list of texts",
            Self::Number => "a number",
            Self::Date => "a date",
            Self::Epoch => "a date in seconds",
            Self::Bool => "true or false",
            Self::Address => "an address",
            Self::Arn => "an ARN",
        }
    }
}

/// What a request has for a key.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Value<'a> {
    Absent,
    Text(Cow<'a, str>),
    Texts(&'a [String]),
    Number(u64),
    Moment(Timestamp),
    Bool(bool),
    Address(IpAddr),
}

impl<'a> Value<'a> {
    pub(crate) fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    fn perhaps(text: Option<Cow<'a, str>>) -> Self {
        text.map_or(Self::Absent, Self::Text)
    }

    pub(crate) const fn is_absent(&self) -> bool {
        matches!(self, Self::Absent)
    }

    /// The text that writes it; `None` for no value and for many.
    pub(crate) fn as_text(&self) -> Option<Cow<'_, str>> {
        Some(match self {
            Self::Text(text) => Cow::Borrowed(&**text),
            Self::Number(number) => Cow::Owned(number.to_string()),
            Self::Moment(moment) => Cow::Owned(moment.to_iso8601()),
            Self::Bool(value) => Cow::Borrowed(if *value { "true" } else { "false" }),
            Self::Address(address) => Cow::Owned(address.to_string()),
            Self::Absent | Self::Texts(_) => return None,
        })
    }

    pub(crate) fn as_number(&self) -> Option<f64> {
        match self {
            // Every number that a request has is far below 2^53.
            Self::Number(number) => Some(*number as f64),
            Self::Moment(moment) => Some(moment.as_secs() as f64),
            Self::Text(text) => text.parse().ok().filter(|number: &f64| number.is_finite()),
            _ => None,
        }
    }

    pub(crate) const fn as_moment(&self) -> Option<Timestamp> {
        match self {
            Self::Moment(moment) => Some(*moment),
            _ => None,
        }
    }

    pub(crate) const fn as_bool(&self) -> Option<bool> {
        match self {
            Self::Bool(value) => Some(*value),
            _ => None,
        }
    }

    pub(crate) const fn as_address(&self) -> Option<IpAddr> {
        match self {
            Self::Address(address) => Some(*address),
            _ => None,
        }
    }
}

/// Where the value of a key comes from.
enum Source {
    /// A header of the request.
    Header(&'static str),
    /// A query parameter.
    Query(&'static str),
    /// Nowhere yet.
    Nowhere,
    /// What this answers.
    Ask(for<'q> fn(&'q Question<'_>) -> Value<'q>),
}

/// A condition key of the table.
pub(crate) struct KnownKey {
    name: &'static str,
    kind: Kind,
    source: Source,
}

/// A condition key that a policy names.
#[derive(Clone)]
pub(crate) enum Key {
    /// One of the table.
    Known(&'static KnownKey),
    /// `s3:ExistingObjectTag/<key>` and `s3:RequestObjectTag/<key>`, as written: no object has tags.
    Tag(Box<str>),
}

const fn header(name: &'static str, header: &'static str) -> KnownKey {
    KnownKey { name, kind: Kind::Text, source: Source::Header(header) }
}

const fn query(name: &'static str, kind: Kind, parameter: &'static str) -> KnownKey {
    KnownKey { name, kind, source: Source::Query(parameter) }
}

const fn ask(name: &'static str, kind: Kind, answer: for<'q> fn(&'q Question<'_>) -> Value<'q>) -> KnownKey {
    KnownKey { name, kind, source: Source::Ask(answer) }
}

static KEYS: &[KnownKey] = &[
    ask("aws:CurrentTime", Kind::Date, now),
    ask("aws:EpochTime", Kind::Epoch, now),
    ask("aws:TokenIssueTime", Kind::Date, |question| {
        question.facts.context.token_issued_at.map_or(Value::Absent, Value::Moment)
    }),
    ask("aws:SecureTransport", Kind::Bool, |question| {
        question.facts.context.secure_transport.map_or(Value::Absent, Value::Bool)
    }),
    ask("aws:SourceIp", Kind::Address, |question| {
        question.facts.context.source_ip.map_or(Value::Absent, |address| Value::Address(address.to_canonical()))
    }),
    header("aws:Referer", "referer"),
    header("Referer", "referer"),
    header("aws:UserAgent", "user-agent"),
    ask("aws:username", Kind::Text, |question| Value::perhaps(user(question))),
    ask("aws:userid", Kind::Text, |question| Value::Text(user(question).unwrap_or(Cow::Borrowed("anonymous")))),
    ask("aws:PrincipalArn", Kind::Arn, |question| Value::perhaps(question.principal.arn().map(Cow::Owned))),
    ask("aws:PrincipalAccount", Kind::Text, |question| match question.principal.role {
        Some(_) => Value::text(question.principal.tenancy.as_str()),
        None => Value::Absent,
    }),
    ask("aws:PrincipalType", Kind::Text, |question| match question.principal.caller {
        Caller::Anonymous => Value::text("Anonymous"),
        Caller::Person { .. } | Caller::Operator => Value::text("User"),
    }),
    ask("aws:PrincipalIsAWSService", Kind::Bool, |_| Value::Bool(false)),
    ask("aws:ViaAWSService", Kind::Bool, |_| Value::Bool(false)),
    ask("aws:ResourceAccount", Kind::Text, tenancy),
    ask("s3:ResourceAccount", Kind::Text, tenancy),
    ask("commonhold:Groups", Kind::Texts, |question| Value::Texts(&question.principal.groups)),
    ask("commonhold:Role", Kind::Text, |question| match question.principal.role.map(Role::name) {
        Some(role) => Value::text(role),
        None => Value::Absent,
    }),
    query("s3:prefix", Kind::Text, "prefix"),
    query("s3:delimiter", Kind::Text, "delimiter"),
    query("s3:max-keys", Kind::Number, "max-keys"),
    ask("s3:VersionId", Kind::Text, |question| match question.facts.resource {
        Resource::Object { version: Some(version), .. } => Value::Text(Cow::Owned(version.to_string())),
        _ => Value::Absent,
    }),
    ask("s3:signatureversion", Kind::Text, |question| match question.facts.context.signature {
        Some(signature) => Value::text(match signature.version {
            SignatureVersion::V2 => "AWS",
            SignatureVersion::V4 => "AWS4-HMAC-SHA256",
        }),
        None => Value::Absent,
    }),
    ask("s3:authType", Kind::Text, |question| match question.facts.context.signature {
        Some(signature) => Value::text(match signature.auth_type {
            AuthType::Header => "REST-HEADER",
            AuthType::Query => "REST-QUERY-STRING",
            AuthType::Form => "POST",
        }),
        None => Value::Absent,
    }),
    ask("s3:signatureAge", Kind::Number, |question| {
        let context = question.facts.context;
        let (Some(signature), Some(now)) = (context.signature, context.now) else { return Value::Absent };
        Value::Number(now.0.saturating_sub(signature.signed_at.0) / 1000)
    }),
    header("s3:x-amz-acl", "x-amz-acl"),
    header("s3:x-amz-grant-full-control", "x-amz-grant-full-control"),
    header("s3:x-amz-grant-read", "x-amz-grant-read"),
    header("s3:x-amz-grant-read-acp", "x-amz-grant-read-acp"),
    header("s3:x-amz-grant-write", "x-amz-grant-write"),
    header("s3:x-amz-grant-write-acp", "x-amz-grant-write-acp"),
    header("s3:x-amz-content-sha256", "x-amz-content-sha256"),
    ask("s3:x-amz-copy-source", Kind::Text, copy_source),
    header("s3:x-amz-metadata-directive", "x-amz-metadata-directive"),
    header("s3:x-amz-object-ownership", "x-amz-object-ownership"),
    header("s3:x-amz-server-side-encryption", "x-amz-server-side-encryption"),
    header("s3:x-amz-server-side-encryption-aws-kms-key-id", "x-amz-server-side-encryption-aws-kms-key-id"),
    header("s3:x-amz-server-side-encryption-customer-algorithm", "x-amz-server-side-encryption-customer-algorithm"),
    header("s3:x-amz-storage-class", "x-amz-storage-class"),
    header("s3:x-amz-website-redirect-location", "x-amz-website-redirect-location"),
    header("s3:if-match", "if-match"),
    header("s3:if-none-match", "if-none-match"),
    KnownKey { name: "s3:RequestObjectTagKeys", kind: Kind::Texts, source: Source::Nowhere },
];

fn now<'q>(question: &'q Question<'_>) -> Value<'q> {
    question.facts.context.now.map_or(Value::Absent, Value::Moment)
}

fn tenancy<'q>(question: &'q Question<'_>) -> Value<'q> {
    Value::text(question.principal.tenancy.as_str())
}

fn user<'q>(question: &'q Question<'_>) -> Option<Cow<'q, str>> {
    question.principal.user().map(|name| Cow::Borrowed(name.as_str()))
}

/// The source of a copy as `bucket/key`, whichever way the header writes it, so that no spelling goes round a Deny.
fn copy_source<'q>(question: &'q Question<'_>) -> Value<'q> {
    let Some(header) = question.facts.context.header("x-amz-copy-source") else { return Value::Absent };
    let path = header.split_once("?versionId=").map_or(&*header, |(path, _)| path);
    let decoded = percent_decode_str(path).decode_utf8_lossy();
    Value::Text(Cow::Owned(decoded.strip_prefix('/').unwrap_or(&decoded).to_owned()))
}

impl Key {
    /// The key of this name; case does not count.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        let known = KEYS.iter().find(|key| key.name.eq_ignore_ascii_case(name));
        known.map(Self::Known).or_else(|| {
            let (kind, tag) = name.split_once('/')?;
            let kinds = ["s3:ExistingObjectTag", "s3:RequestObjectTag"];
            let known = !tag.is_empty() && kinds.iter().any(|known| known.eq_ignore_ascii_case(kind));
            known.then(|| Self::Tag(name.into()))
        })
    }

    pub(crate) const fn kind(&self) -> Kind {
        match self {
            Self::Known(key) => key.kind,
            Self::Tag(_) => Kind::Text,
        }
    }

    /// What the request has for it.
    pub(crate) fn value<'q>(&self, question: &'q Question<'_>) -> Value<'q> {
        let Self::Known(key) = self else { return Value::Absent };
        let context = question.facts.context;
        match key.source {
            Source::Header(name) => Value::perhaps(context.header(name)),
            Source::Query(name) => Value::perhaps(context.query(name)),
            Source::Nowhere => Value::Absent,
            Source::Ask(answer) => answer(question),
        }
    }

    /// Whether its values tell people or groups apart.
    pub(crate) fn tells_who(&self) -> bool {
        matches!(
            self.name(),
            "aws:username"
                | "aws:userid"
                | "aws:PrincipalArn"
                | "aws:PrincipalAccount"
                | "commonhold:Groups"
                | "commonhold:Role"
        )
    }

    /// Whether only listings have it.
    pub(crate) fn is_of_listings(&self) -> bool {
        matches!(self.name(), "s3:prefix" | "s3:delimiter" | "s3:max-keys")
    }

    fn name(&self) -> &str {
        match self {
            Self::Known(key) => key.name,
            Self::Tag(name) => name,
        }
    }
}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Key {}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({self})")
    }
}
