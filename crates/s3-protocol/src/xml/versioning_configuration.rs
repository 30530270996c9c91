//! `VersioningConfiguration` (GetBucketVersioning, PutBucketVersioning).

use super::{Element, XmlWriter};
use crate::{ErrorCode, S3Error};

/// The versioning that a document asks for or shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum VersioningStatus {
    /// `Enabled`.
    Enabled,
    /// `Suspended`.
    Suspended,
}

/// Reads the body of PutBucketVersioning.
///
/// # Errors
/// `MalformedXML`, `IllegalVersioningConfigurationException` without a status, `NotImplemented` for MFA delete.
pub fn parse(body: &[u8]) -> Result<VersioningStatus, S3Error> {
    let root = Element::parse(body, "VersioningConfiguration")?;
    if root.word_of("MfaDelete").is_some_and(|text| text == "Enabled") {
        return Err(S3Error::not_implemented("MfaDelete"));
    }
    match root.word_of("Status") {
        Some("Enabled") => Ok(VersioningStatus::Enabled),
        Some("Suspended") => Ok(VersioningStatus::Suspended),
        Some(_) => Err(ErrorCode::MalformedXML.into()),
        None => Err(S3Error::new(ErrorCode::IllegalVersioningConfigurationException)
            .with_message("The Versioning element must be specified")),
    }
}

/// Writes the result of GetBucketVersioning; `None` for a bucket that never had it.
pub fn to_xml(status: Option<VersioningStatus>) -> String {
    let status = status.map(|status| match status {
        VersioningStatus::Enabled => "Enabled",
        VersioningStatus::Suspended => "Suspended",
    });
    XmlWriter::document("VersioningConfiguration", |xml| xml.optional("Status", status))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_states_survive_the_round_trip() {
        for status in [VersioningStatus::Enabled, VersioningStatus::Suspended] {
            assert_eq!(parse(to_xml(Some(status)).as_bytes()), Ok(status));
        }
        for (document, code) in [
            (to_xml(None).as_str(), ErrorCode::IllegalVersioningConfigurationException),
            ("<VersioningConfiguration><Status>Off</Status></VersioningConfiguration>", ErrorCode::MalformedXML),
            (
                "<VersioningConfiguration><MfaDelete>Enabled</MfaDelete></VersioningConfiguration>",
                ErrorCode::NotImplemented,
            ),
        ] {
            assert_eq!(parse(document.as_bytes()).expect_err(document).code(), code);
        }
    }
}
