//! Filters (RFC 4515), in which no value is taken for a pattern.

use ldap3::{ldap_escape, parse_filter};

/// `(attribute=value)`.
pub(crate) fn equals(attribute: &str, value: &str) -> String {
    format!("({attribute}={})", ldap_escape(value))
}

/// `(attribute=prefix*)`.
pub(crate) fn begins(attribute: &str, prefix: &str) -> String {
    format!("({attribute}={}*)", ldap_escape(prefix))
}

/// All of `filters`, each in its parentheses.
pub(crate) fn all(filters: &[&str]) -> String {
    format!("(&{})", filters.concat())
}

/// Any of `filters`, each in its parentheses.
pub(crate) fn any(filters: &[String]) -> String {
    format!("(|{})", filters.concat())
}

/// Whether `text` is one filter in parentheses, so that it can stand in another.
pub(crate) fn is_valid(text: &str) -> bool {
    text.starts_with('(') && parse_filter(text).is_ok()
}

/// Whether `text` is the name of an attribute (RFC 4512 section 2.5), without options.
pub(crate) fn is_attribute(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.first().is_some_and(u8::is_ascii_alphanumeric)
        && bytes.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_escaped() {
        for (value, escaped) in [
            ("ann", "ann"),
            ("*", "\\2a"),
            ("a)(uid=*", "a\\29\\28uid=\\2a"),
            ("a\\b", "a\\5cb"),
            ("a\0b", "a\\00b"),
            ("é", "é"),
            ("", ""),
        ] {
            assert_eq!(equals("uid", value), format!("(uid={escaped})"));
            assert_eq!(begins("uid", value), format!("(uid={escaped}*)"));
            let whole = all(&["(objectClass=x)", &any(&[equals("uid", value), begins("cn", value)])]);
            assert!(is_valid(&whole), "{whole}");
        }
    }

    #[test]
    fn filters_stand_alone() {
        for (text, expected) in [
            ("(objectClass=person)", true),
            ("(&(a=b)(!(c=*)))", true),
            ("(member:1.2.840.113556.1.4.1941:=cn=x)", true),
            ("objectClass=person", false),
            ("(a=b)(c=d)", false),
            ("(a=b", false),
            ("", false),
        ] {
            assert_eq!(is_valid(text), expected, "{text}");
        }
    }
}
