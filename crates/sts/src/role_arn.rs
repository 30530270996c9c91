//! `RoleArn`: which of the caller's own roles a session is to have.
//!
//! The form is `arn:aws:iam::<tenancy>:role/<USER|DEPUTY|MANAGER>`. The partition (`aws`) may be any, the tenancy may be
//! left out, and the role may stand in any case. A role is what the caller holds in the tenancy, or less.

use policy::Role;
use types::TenancyName;

use crate::error::StsError;

/// What a `RoleArn` names.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct RoleArn {
    /// The tenancy, where one is named.
    pub(crate) tenancy: Option<TenancyName>,
    /// The role.
    pub(crate) role: Role,
}

impl RoleArn {
    /// Reads one.
    ///
    /// # Errors
    /// `ValidationError`, which says the form.
    pub(crate) fn parse(text: &str) -> Result<Self, StsError> {
        read(text).ok_or_else(|| {
            StsError::validation(format!(
                "RoleArn {text:?} names no role of this store: write arn:aws:iam::<tenancy>:role/<role> with the role \
                 USER, DEPUTY or MANAGER."
            ))
        })
    }
}

fn read(text: &str) -> Option<RoleArn> {
    let mut parts = text.splitn(6, ':');
    let (arn, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (_region, tenancy, resource) = (parts.next()?, parts.next()?, parts.next()?);
    if arn != "arn" || partition.is_empty() || service != "iam" {
        return None;
    }
    let tenancy = if tenancy.is_empty() { None } else { Some(TenancyName::new(tenancy).ok()?) };
    Some(RoleArn { tenancy, role: resource.strip_prefix("role/")?.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_a_role() {
        let ceda = TenancyName::new("ceda-o").ok();
        for (text, expected) in [
            ("arn:aws:iam::ceda-o:role/USER", Some((ceda.clone(), Role::User))),
            ("arn:aws:iam::ceda-o:role/manager", Some((ceda, Role::Manager))),
            ("arn:minio:iam:::role/Deputy", Some((None, Role::Deputy))),
            ("arn:aws:iam::ceda-o:role/KING", None),
            ("arn:aws:iam::Ceda:role/USER", None),
            ("arn:aws:iam::ceda-o:user/USER", None),
            ("arn:aws:s3::ceda-o:role/USER", None),
            ("arn::iam::ceda-o:role/USER", None),
            ("arn:aws:iam:role/USER", None),
            ("", None),
        ] {
            let found = RoleArn::parse(text).ok().map(|arn| (arn.tenancy, arn.role));
            assert_eq!(found, expected, "{text}");
        }
    }
}
