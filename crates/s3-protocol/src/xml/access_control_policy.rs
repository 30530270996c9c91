//! `AccessControlPolicy` (GetBucketAcl, PutBucketAcl and their twins for objects).

use super::{Element, Owner, XSI, XmlWriter};
use crate::acl::{Grant, Grantee, HeaderAcl, Permission};
use crate::{ErrorCode, S3Error};

/// An ACL as a document.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessControlPolicy {
    /// The owner; in a request it may be left out.
    pub owner: Option<Owner>,
    /// The grants.
    pub grants: Vec<Grant>,
}

impl AccessControlPolicy {
    /// Reads the body of PutBucketAcl or PutObjectAcl.
    ///
    /// # Errors
    /// `MalformedACLError`.
    pub fn parse(body: &[u8]) -> Result<Self, S3Error> {
        let malformed = || S3Error::new(ErrorCode::MalformedACLError);
        let root = Element::parse(body, "AccessControlPolicy").map_err(|_| malformed())?;
        let owner = root.child("Owner").map(|owner| Owner {
            id: owner.word_of("ID").unwrap_or_default().to_owned(),
            display_name: owner.word_of("DisplayName").unwrap_or_default().to_owned(),
        });
        let list = root.child("AccessControlList").ok_or_else(malformed)?;
        let grants: Option<Vec<Grant>> = list.children("Grant").map(read_grant).collect();
        let grants = grants.filter(|grants| grants.len() <= HeaderAcl::MAX_GRANTS).ok_or_else(malformed)?;
        Ok(Self { owner, grants })
    }

    /// The document.
    pub fn to_xml(&self) -> String {
        XmlWriter::document("AccessControlPolicy", |xml| {
            if let Some(owner) = &self.owner {
                owner.write("Owner", xml);
            }
            xml.element("AccessControlList", |xml| {
                for grant in &self.grants {
                    xml.element("Grant", |xml| {
                        write_grantee(&grant.grantee, xml);
                        xml.text("Permission", grant.permission.name());
                    });
                }
            });
        })
    }
}

fn read_grant(grant: &Element) -> Option<Grant> {
    let permission = grant.word_of("Permission")?.parse::<Permission>().ok()?;
    let grantee = grant.child("Grantee")?;
    let text = |name| grantee.word_of(name).filter(|text| !text.is_empty()).map(str::to_owned);
    // What the element holds decides; `xsi:type` only repeats it, and some clients leave it out.
    let grantee = match (text("ID"), text("URI"), text("EmailAddress")) {
        (Some(id), None, None) => Grantee::User { id, display_name: text("DisplayName") },
        (None, Some(uri), None) => Grantee::Group(uri),
        (None, None, Some(email)) => Grantee::Email(email),
        _ => return None,
    };
    Some(Grant { grantee, permission })
}

fn write_grantee(grantee: &Grantee, xml: &mut XmlWriter) {
    let kind = match grantee {
        Grantee::User { .. } => "CanonicalUser",
        Grantee::Email(_) => "AmazonCustomerByEmail",
        Grantee::Group(_) => "Group",
    };
    xml.with_attributes("Grantee", &[("xmlns:xsi", XSI), ("xsi:type", kind)], |xml| match grantee {
        Grantee::User { id, display_name } => {
            xml.text("ID", id);
            xml.optional("DisplayName", display_name.as_deref());
        }
        Grantee::Email(address) => xml.text("EmailAddress", address),
        Grantee::Group(uri) => xml.text("URI", uri),
    });
}
