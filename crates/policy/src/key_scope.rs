//! Keys that may less than their owner.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use types::BucketName;

use crate::glob::Glob;
use crate::{Action, Facts, IpNetwork, Resource};

/// Whether a key may change anything.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyAccess {
    /// All that its owner may.
    #[default]
    ReadWrite,
    /// Reading and listing.
    ReadOnly,
}

/// What a key may reach: `bucket` or `bucket/prefix`. In the bucket's name, `*` and `?` have their meaning.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct KeyTarget {
    bucket: Glob,
    prefix: String,
}

impl KeyTarget {
    /// The most bytes of one, as written.
    pub const MAX_BYTES: usize = 1300;

    /// What the keys in the bucket must begin with; empty for the whole bucket.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    fn allows(&self, action: Action, facts: &Facts<'_>) -> bool {
        if !facts.resource.bucket().is_some_and(|bucket| self.bucket.matches(bucket.as_str())) {
            return false;
        }
        match facts.resource {
            _ if self.prefix.is_empty() => true,
            Resource::Object { key, .. } => key.as_str().starts_with(&self.prefix),
            _ if action.is_listing() => {
                facts.context.query("prefix").is_some_and(|prefix| prefix.starts_with(&self.prefix))
            }
            _ => action.is_read(),
        }
    }
}

impl FromStr for KeyTarget {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (bucket, prefix) = text.split_once('/').unwrap_or((text, ""));
        let acceptable = text.len() <= Self::MAX_BYTES && BucketName::check(bucket).is_ok();
        if !acceptable {
            return Err(format!("{text:?} is neither a bucket nor a bucket and a prefix like data/2026/"));
        }
        Ok(Self { bucket: Glob::parse(bucket), prefix: prefix.to_owned() })
    }
}

impl fmt::Display for KeyTarget {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.prefix.as_str() {
            "" => write!(f, "{}", self.bucket),
            prefix => write!(f, "{}/{prefix}", self.bucket),
        }
    }
}

impl Serialize for KeyTarget {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for KeyTarget {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The bounds of a key. They only narrow what its owner may, whoever that is; the default bounds nothing.
#[derive(Clone, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct KeyScope {
    /// Whether it may change anything.
    pub access: KeyAccess,
    /// What it may reach: where there are any, nothing but these, and then no list of all buckets and no new bucket but
    /// one of these.
    pub targets: Vec<KeyTarget>,
    /// From where it may be used: where there are any, from nowhere else.
    pub sources: Vec<IpNetwork>,
}

/// The bound of a key that an action breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum KeyBound {
    /// It only reads.
    ReadOnly,
    /// It reaches other buckets or prefixes.
    Targets,
    /// It is used from elsewhere.
    Sources,
}

impl KeyScope {
    /// The most targets of a key.
    pub const MAX_TARGETS: usize = 100;
    /// The most sources of a key.
    pub const MAX_SOURCES: usize = 100;

    /// Whether it bounds nothing.
    pub fn is_unbounded(&self) -> bool {
        *self == Self::default()
    }

    /// Whether it is within [`KeyScope::MAX_TARGETS`] and [`KeyScope::MAX_SOURCES`].
    ///
    /// # Errors
    /// Which of them is exceeded.
    pub fn check(&self) -> Result<(), String> {
        if self.targets.len() > Self::MAX_TARGETS {
            return Err(format!("a key may name at most {} buckets and prefixes", Self::MAX_TARGETS));
        }
        if self.sources.len() > Self::MAX_SOURCES {
            return Err(format!("a key may name at most {} ranges of addresses", Self::MAX_SOURCES));
        }
        Ok(())
    }

    /// Whether the key may be used from `address`. Where the address is not known, a key with sources may not.
    pub fn allows_source(&self, address: Option<IpAddr>) -> bool {
        self.sources.is_empty()
            || address.is_some_and(|address| self.sources.iter().any(|source| source.contains(address)))
    }

    /// The bound that `action` breaks, if it does.
    pub fn refusal(&self, action: Action, facts: &Facts<'_>) -> Option<KeyBound> {
        if self.access == KeyAccess::ReadOnly && !action.is_read() {
            return Some(KeyBound::ReadOnly);
        }
        if !self.targets.is_empty() && !self.targets.iter().any(|target| target.allows(action, facts)) {
            return Some(KeyBound::Targets);
        }
        (!self.allows_source(facts.context.source_ip)).then_some(KeyBound::Sources)
    }
}

impl fmt::Display for KeyScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.access {
            KeyAccess::ReadOnly => "read-only",
            KeyAccess::ReadWrite => "read-write",
        })?;
        if !self.targets.is_empty() {
            let targets: Vec<_> = self.targets.iter().map(ToString::to_string).collect();
            write!(f, " to {}", targets.join(", "))?;
        }
        if !self.sources.is_empty() {
            let sources: Vec<_> = self.sources.iter().map(ToString::to_string).collect();
            write!(f, " from {}", sources.join(", "))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use types::ObjectKey;

    use super::*;
    use crate::{Context, RequestText};

    struct Prefix(&'static str);

    impl RequestText for Prefix {
        fn header(&self, _: &str) -> Option<Cow<'_, str>> {
            None
        }

        fn query(&self, name: &str) -> Option<Cow<'_, str>> {
            (name == "prefix").then_some(Cow::Borrowed(self.0))
        }
    }

    fn scope(access: KeyAccess, targets: &[&str], sources: &[&str]) -> KeyScope {
        KeyScope {
            access,
            targets: targets.iter().map(|target| target.parse().unwrap()).collect(),
            sources: sources.iter().map(|source| source.parse().unwrap()).collect(),
        }
    }

    /// The key's bounds, the action, the object in bucket `data` (none: the bucket itself), what is broken.
    #[test]
    fn the_table_of_bounds() {
        use Action::{
            CreateBucket, DeleteBucket, GetBucketLocation, GetBucketPolicy, GetObject, ListAllMyBuckets, ListBucket,
            PutBucketPolicy, PutObject,
        };
        use KeyAccess::{ReadOnly, ReadWrite};
        let (read_only, targets) = (Some(KeyBound::ReadOnly), Some(KeyBound::Targets));
        let bucket = BucketName::new("data").unwrap();
        let text = Prefix("2026/07/");
        let source_ip = Some("192.0.2.7".parse().unwrap());
        let context = Context { source_ip, text: Some(&text), ..Context::NOTHING };
        for (access, bounds, action, key, expected) in [
            (ReadWrite, &[][..], PutObject, "x", None),
            (ReadOnly, &[], GetObject, "x", None),
            (ReadOnly, &[], PutObject, "x", read_only),
            (ReadOnly, &[], DeleteBucket, "", read_only),
            (ReadOnly, &[], ListBucket, "", None),
            (ReadWrite, &["data"], PutObject, "x", None),
            (ReadWrite, &["da*"], PutBucketPolicy, "", None),
            (ReadWrite, &["other"], GetObject, "x", targets),
            (ReadWrite, &["other", "data"], GetObject, "x", None),
            (ReadWrite, &["data/2026/"], GetObject, "2026/07/a", None),
            (ReadWrite, &["data/2026/"], PutObject, "2025/07/a", targets),
            (ReadWrite, &["data/2026/"], ListBucket, "", None),
            (ReadWrite, &["data/2027/"], ListBucket, "", targets),
            (ReadWrite, &["data/2026/07/31"], ListBucket, "", targets),
            (ReadWrite, &["data/2026/"], GetBucketLocation, "", None),
            (ReadWrite, &["data/2026/"], GetBucketPolicy, "", None),
            (ReadWrite, &["data/2026/"], PutBucketPolicy, "", targets),
            (ReadWrite, &["data/2026/"], DeleteBucket, "", targets),
            (ReadWrite, &["data"], CreateBucket, "", None),
            (ReadWrite, &["other"], CreateBucket, "", targets),
            (ReadWrite, &["data"], ListAllMyBuckets, "-", targets),
        ] {
            let object = ObjectKey::new(key);
            let resource = match (key, &object) {
                ("-", _) => Resource::Tenancy,
                (_, Ok(key)) => Resource::Object { bucket: &bucket, key, version: None },
                _ => Resource::Bucket(&bucket),
            };
            let facts = Facts { context: &context, ..Facts::about(resource) };
            let found = scope(access, bounds, &[]).refusal(action, &facts);
            assert_eq!(found, expected, "{access:?} {bounds:?} {action} {key}");
        }
    }

    #[test]
    fn keys_are_used_from_where_they_may() {
        for (sources, address, expected) in [
            (&[][..], None, true),
            (&["192.0.2.0/24"], Some("192.0.2.9"), true),
            (&["192.0.2.0/24"], Some("198.51.100.1"), false),
            (&["192.0.2.0/24", "2001:db8::/32"], Some("2001:db8::5"), true),
            (&["192.0.2.0/24"], None, false),
        ] {
            let scope = scope(KeyAccess::ReadWrite, &[], sources);
            let address = address.map(|address| address.parse().unwrap());
            assert_eq!(scope.allows_source(address), expected, "{sources:?} {address:?}");
        }
    }

    #[test]
    fn what_is_no_target_is_refused() {
        for text in ["", "/x", "a\nb", &"b".repeat(300)] {
            assert!(text.parse::<KeyTarget>().is_err(), "{text:?}");
        }
        for text in ["data", "data/", "data/a b/*", "nlds.*"] {
            let target: KeyTarget = text.parse().unwrap();
            assert_eq!(target.to_string(), text.strip_suffix('/').unwrap_or(text));
        }
    }

    #[test]
    fn a_scope_says_what_it_is() {
        let scope = scope(KeyAccess::ReadOnly, &["data", "nlds.*/x"], &["192.0.2.0/24"]);
        assert_eq!(scope.to_string(), "read-only to data, nlds.*/x from 192.0.2.0/24");
        assert!(!scope.is_unbounded() && KeyScope::default().is_unbounded());
    }
}
