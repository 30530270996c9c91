//! Names that people and clients choose. Each is checked once, where it is made.

use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is not a name, in words for whoever typed it.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{what} {name:?} is not valid: {rule}")]
pub struct NameError {
    /// What kind of name was meant.
    pub what: &'static str,
    /// What was given, shortened.
    pub name: String,
    /// The rule that it breaks.
    pub rule: &'static str,
}

impl NameError {
    fn new(what: &'static str, name: &str, rule: &'static str) -> Self {
        Self { what, name: name.chars().take(128).collect(), rule }
    }
}

/// Reads a text and checks it.
struct Text<F>(F);

impl<T, F: FnOnce(&str) -> Result<T, NameError>> Visitor<'_> for Text<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<T, E> {
        (self.0)(text).map_err(E::custom)
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Checks `text` and makes the name.
            ///
            /// # Errors
            /// [`NameError`] names the rule that is broken.
            pub fn new(text: &str) -> Result<Self, NameError> {
                Self::check(text)?;
                Ok(Self(text.into()))
            }

            /// Whether `text` is such a name.
            ///
            /// # Errors
            /// [`NameError`] names the rule that is broken.
            pub fn check(text: &str) -> Result<(), NameError> {
                $check(text)
            }

            /// The name as text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($type), "({:?})"), &*self.0)
            }
        }

        impl FromStr for $type {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                deserializer.deserialize_str(Text(Self::new))
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name!(
    /// A tenancy, like `cedadev-o`: a DNS label, so that it can stand in a host name. 1 to 63 of `a-z 0-9 -`,
    /// starting and ending with a letter or digit.
    TenancyName,
    check_tenancy
);
name!(
    /// A bucket, unique inside its tenancy. Relaxed, for use: 1 to 255 bytes, of which none is `/` or a control
    /// character. [`BucketName::check_for_creation`] has the stricter rule for new ones.
    BucketName,
    check_bucket
);
name!(
    /// The key of an object: any Unicode text of 1 to 1024 bytes, taken as it is.
    ObjectKey,
    check_key
);
name!(
    /// A person's login name: 1 to 64 of `A-Za-z0-9 . _ - @ +`, starting with a letter or digit.
    UserName,
    check_user
);
name!(
    /// The public half of an access key: 3 to 128 of `A-Za-z0-9 . _ -`. Those made here are 32 lower-case hex digits.
    AccessKeyId,
    check_access_key
);

impl BucketName {
    /// The most bytes of a new bucket's name.
    pub const MAX_NEW: usize = 63;

    /// Whether a new bucket may have this name: 3 to 63 of `A-Za-z0-9 . _ -`, starting and ending with a letter or
    /// digit, no dot beside a dot or a '-' (a label of a host name has no '-' at its ends), not an IPv4 address, not 32 hex digits (an access key), not a reserved name.
    ///
    /// # Errors
    /// [`NameError`] names the rule that is broken.
    pub fn check_for_creation(&self) -> Result<(), NameError> {
        let name = self.as_str();
        let broken = |rule| Err(NameError::new("bucket name", name, rule));
        if !(3..=Self::MAX_NEW).contains(&name.len()) {
            return broken("it must have 3 to 63 characters");
        }
        if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
            return broken("only letters, digits, '.', '_' and '-' may stand in it");
        }
        let ends = [name.as_bytes()[0], name.as_bytes()[name.len() - 1]];
        if !ends.iter().all(u8::is_ascii_alphanumeric) {
            return broken("it must start and end with a letter or digit");
        }
        if ["..", ".-", "-."].iter().any(|pair| name.contains(pair)) {
            return broken("neither '.' nor '-' may stand beside '.'");
        }
        if name.parse::<std::net::Ipv4Addr>().is_ok() {
            return broken("it must not look like an IP address");
        }
        if name.len() == 32 && name.bytes().all(|b| b.is_ascii_hexdigit()) {
            return broken("32 hex digits are the form of an access key");
        }
        if ["_admin", ".token"].iter().any(|reserved| name.eq_ignore_ascii_case(reserved)) {
            return broken("the name is reserved");
        }
        Ok(())
    }
}

impl ObjectKey {
    /// The most bytes of a key (S3 user guide, "Creating object key names").
    pub const MAX_BYTES: usize = 1024;
}

fn check_tenancy(name: &str) -> Result<(), NameError> {
    let broken = |rule| Err(NameError::new("tenancy name", name, rule));
    if !(1..=63).contains(&name.len()) {
        return broken("it must have 1 to 63 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return broken("only lower-case letters, digits and '-' may stand in it");
    }
    if name.starts_with('-') || name.ends_with('-') {
        return broken("it must start and end with a letter or digit");
    }
    Ok(())
}

fn check_bucket(name: &str) -> Result<(), NameError> {
    let broken = |rule| Err(NameError::new("bucket name", name, rule));
    if !(1..=255).contains(&name.len()) {
        return broken("it must have 1 to 255 bytes");
    }
    if name.chars().any(|c| c == '/' || c.is_control()) {
        return broken("neither '/' nor control characters may stand in it");
    }
    Ok(())
}

fn check_key(key: &str) -> Result<(), NameError> {
    if !(1..=ObjectKey::MAX_BYTES).contains(&key.len()) {
        return Err(NameError::new("object key", key, "it must have 1 to 1024 bytes"));
    }
    Ok(())
}

fn check_user(name: &str) -> Result<(), NameError> {
    let broken = |rule| Err(NameError::new("user name", name, rule));
    if !(1..=64).contains(&name.len()) {
        return broken("it must have 1 to 64 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'@' | b'+')) {
        return broken("only letters, digits, '.', '_', '-', '@' and '+' may stand in it");
    }
    if !name.as_bytes()[0].is_ascii_alphanumeric() {
        return broken("it must start with a letter or digit");
    }
    Ok(())
}

fn check_access_key(name: &str) -> Result<(), NameError> {
    let broken = |rule| Err(NameError::new("access key", name, rule));
    if !(3..=128).contains(&name.len()) {
        return broken("it must have 3 to 128 characters");
    }
    if !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-')) {
        return broken("only letters, digits, '.', '_' and '-' may stand in it");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_that_sites_have_can_be_made() {
        for name in ["test_bucket", "nlds.5d3cf6fa-9a5b", "CMIP6.CMIP.BCC.BCC-CSM2-MR", "00_TEST_1", "abc"] {
            let bucket = BucketName::new(name).expect(name);
            assert_eq!(bucket.check_for_creation(), Ok(()), "{name}");
        }
    }

    #[test]
    fn bad_new_buckets_are_told_why() {
        for name in [
            "ab",
            "-abc",
            "abc-",
            "a..b",
            "a.-b",
            "a-.b",
            "192.168.5.4",
            "_admin",
            "d41d8cd98f00b204e9800998ecf8427e",
            "a b c",
            "föö",
            &"a".repeat(64),
        ] {
            let bucket = BucketName::new(name).expect(name);
            assert!(bucket.check_for_creation().is_err(), "{name}");
        }
        for name in ["", "a/b", "a\nb", &"a".repeat(256)] {
            assert!(BucketName::new(name).is_err(), "{name:?}");
        }
    }

    #[test]
    fn keys_are_taken_as_they_are() {
        for key in ["/", "//", "a//b", "..", "a/../b", "\u{1}", "ключ", "🦀", "trailing/", " "] {
            assert_eq!(ObjectKey::new(key).expect(key).as_str(), key);
        }
        assert!(ObjectKey::new("").is_err());
        assert!(ObjectKey::new(&"é".repeat(513)).is_err());
    }

    #[test]
    fn people_tenancies_and_keys() {
        for (ok, name) in
            [(true, "cedadev-o"), (false, "Cedadev"), (false, "-o"), (false, "a.b"), (false, ""), (true, "x")]
        {
            assert_eq!(TenancyName::new(name).is_ok(), ok, "{name}");
        }
        for (ok, name) in [(true, "mjones07"), (true, "j.doe@x.org"), (false, ""), (false, "a b"), (false, ".x")] {
            assert_eq!(UserName::new(name).is_ok(), ok, "{name}");
        }
        for (ok, name) in [(true, "AKIA-x._"), (false, "ab"), (false, "a/b/c")] {
            assert_eq!(AccessKeyId::new(name).is_ok(), ok, "{name}");
        }
    }
}
