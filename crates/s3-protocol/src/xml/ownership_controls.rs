//! `OwnershipControls` (GetBucketOwnershipControls, PutBucketOwnershipControls).

use policy::ObjectOwnership;

use super::{Element, XmlWriter};
use crate::{ErrorCode, S3Error};

/// Reads the body of PutBucketOwnershipControls, which has one rule.
///
/// # Errors
/// `MalformedXML`.
pub fn parse(body: &[u8]) -> Result<ObjectOwnership, S3Error> {
    let root = Element::parse(body, "OwnershipControls")?;
    let mut rules = root.children("Rule");
    let (rule, another) = (rules.next(), rules.next());
    let ownership = rule.and_then(|rule| rule.word_of("ObjectOwnership")).and_then(|text| text.parse().ok());
    ownership.filter(|_| another.is_none()).ok_or_else(|| ErrorCode::MalformedXML.into())
}

/// Writes the result of GetBucketOwnershipControls.
pub fn to_xml(ownership: ObjectOwnership) -> String {
    XmlWriter::document("OwnershipControls", |xml| {
        xml.element("Rule", |xml| xml.text("ObjectOwnership", ownership.name()));
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_survives_the_round_trip() {
        let all = [
            ObjectOwnership::ObjectWriter,
            ObjectOwnership::BucketOwnerPreferred,
            ObjectOwnership::BucketOwnerEnforced,
        ];
        for ownership in all {
            assert_eq!(parse(to_xml(ownership).as_bytes()), Ok(ownership));
        }
    }

    #[test]
    fn what_is_not_one_rule_is_refused() {
        let rule = "<Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule>";
        for content in
            [String::new(), "<Rule/>".to_owned(), [rule, rule].concat(), rule.replace("ObjectWriter", "Everybody")]
        {
            let document = format!("<OwnershipControls>{content}</OwnershipControls>");
            assert_eq!(parse(document.as_bytes()).expect_err(&document).code(), ErrorCode::MalformedXML);
        }
    }
}
