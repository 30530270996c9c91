//! Access control lists in headers: `x-amz-acl` and `x-amz-grant-*` (S3 user guide, "Access control list (ACL)
//! overview"). The document is [`crate::xml::access_control_policy`].

use http::{HeaderMap, HeaderName, HeaderValue};
pub use policy::{CannedAcl, Permission};

use crate::S3Error;

/// In the order in which header grants become lines of the ACL.
const GRANT_HEADERS: [(HeaderName, Permission); 5] = [
    (HeaderName::from_static("x-amz-grant-read"), Permission::Read),
    (HeaderName::from_static("x-amz-grant-write"), Permission::Write),
    (HeaderName::from_static("x-amz-grant-read-acp"), Permission::ReadAcp),
    (HeaderName::from_static("x-amz-grant-write-acp"), Permission::WriteAcp),
    (HeaderName::from_static("x-amz-grant-full-control"), Permission::FullControl),
];
const ACL: HeaderName = HeaderName::from_static("x-amz-acl");

/// Who a grant is for.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Grantee {
    /// A person, by canonical id.
    User {
        /// The canonical id.
        id: String,
        /// The name to show; not read, only written.
        display_name: Option<String>,
    },
    /// A person, by e-mail address.
    Email(String),
    /// A group, by URI.
    Group(String),
}

/// One line of an ACL.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Grant {
    /// For whom.
    pub grantee: Grantee,
    /// What.
    pub permission: Permission,
}

/// The ACL that a request's headers ask for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeaderAcl {
    /// A canned one.
    Canned(CannedAcl),
    /// These grants.
    Grants(Vec<Grant>),
}

impl HeaderAcl {
    /// The most grants of an ACL (S3 user guide, "Access control list (ACL) overview").
    pub const MAX_GRANTS: usize = 100;

    /// Reads the headers; `None` where there are none. An empty `x-amz-acl` is none, as on AWS: s3fs 0.4 sends it.
    ///
    /// # Errors
    /// `InvalidArgument` for what can not be read, `InvalidRequest` for a canned ACL and grants at once.
    pub fn from_headers(headers: &HeaderMap) -> Result<Option<Self>, S3Error> {
        let canned = headers.get(ACL).filter(|value| !value.is_empty()).map(canned);
        let grants = grants(headers)?;
        match (canned.transpose()?, grants.is_empty()) {
            (Some(_), false) => {
                Err(S3Error::invalid_request("Specifying both Canned ACLs and Header Grants is not allowed"))
            }
            (Some(canned), true) => Ok(Some(Self::Canned(canned))),
            (None, false) => Ok(Some(Self::Grants(grants))),
            (None, true) => Ok(None),
        }
    }
}

fn canned(value: &HeaderValue) -> Result<CannedAcl, S3Error> {
    let text = value.to_str().unwrap_or_default().trim();
    text.parse().map_err(|()| S3Error::invalid_argument("x-amz-acl", text, "Invalid canned ACL"))
}

fn grants(headers: &HeaderMap) -> Result<Vec<Grant>, S3Error> {
    let mut grants = Vec::new();
    for (name, permission) in GRANT_HEADERS {
        for value in headers.get_all(&name) {
            let text = value.to_str().unwrap_or_default();
            for grantee in text.split(',').map(str::trim).filter(|grantee| !grantee.is_empty()) {
                let grantee = grantee_of(grantee)
                    .filter(|_| grants.len() < HeaderAcl::MAX_GRANTS)
                    .ok_or_else(|| S3Error::invalid_argument(name.as_str(), text, "Argument format not recognized"))?;
                grants.push(Grant { grantee, permission });
            }
        }
    }
    Ok(grants)
}

/// Reads `id="…"`, `uri="…"` or `emailAddress="…"`, with or without the quotes.
fn grantee_of(text: &str) -> Option<Grantee> {
    let (kind, value) = text.split_once('=')?;
    let value = value.trim().trim_matches('"').to_owned();
    match kind.trim().to_ascii_lowercase().as_str() {
        _ if value.is_empty() => None,
        "id" => Some(Grantee::User { id: value, display_name: None }),
        "uri" => Some(Grantee::Group(value)),
        "emailaddress" => Some(Grantee::Email(value)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorCode;

    fn read(pairs: &[(&'static str, &str)]) -> Result<Option<HeaderAcl>, S3Error> {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().expect("a value"));
        }
        HeaderAcl::from_headers(&headers)
    }

    #[test]
    fn canned_acls_are_read_by_name() {
        for acl in [CannedAcl::Private, CannedAcl::PublicRead, CannedAcl::BucketOwnerFullControl] {
            assert_eq!(read(&[("x-amz-acl", acl.name())]), Ok(Some(HeaderAcl::Canned(acl))));
        }
        assert_eq!(read(&[]), Ok(None));
        assert_eq!(read(&[("x-amz-acl", "")]), Ok(None));
    }

    #[test]
    fn grants_are_read() {
        let grants = read(&[
            ("x-amz-grant-read", "id=\"ann\", uri=\"http://g\""),
            ("x-amz-grant-write-acp", "emailAddress=a@b"),
        ]);
        let user = Grantee::User { id: "ann".into(), display_name: None };
        let expected = vec![
            Grant { grantee: user, permission: Permission::Read },
            Grant { grantee: Grantee::Group("http://g".into()), permission: Permission::Read },
            Grant { grantee: Grantee::Email("a@b".into()), permission: Permission::WriteAcp },
        ];
        assert_eq!(grants, Ok(Some(HeaderAcl::Grants(expected))));
    }

    #[test]
    fn bad_ones_are_refused() {
        for (code, pairs) in [
            (ErrorCode::InvalidArgument, &[("x-amz-acl", "public-ready")][..]),
            (ErrorCode::InvalidArgument, &[("x-amz-grant-read", "ann")]),
            (ErrorCode::InvalidArgument, &[("x-amz-grant-read", "name=ann")]),
            (ErrorCode::InvalidArgument, &[("x-amz-grant-read", "id=\"\"")]),
            (ErrorCode::InvalidRequest, &[("x-amz-acl", "private"), ("x-amz-grant-read", "id=a")]),
        ] {
            assert_eq!(read(pairs).expect_err("refused").code(), code, "{pairs:?}");
        }
    }
}
