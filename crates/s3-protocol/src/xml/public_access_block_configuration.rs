//! `PublicAccessBlockConfiguration` (GetPublicAccessBlock, PutPublicAccessBlock).

use policy::PublicAccessBlock;

use super::{Element, XmlWriter};
use crate::{ErrorCode, S3Error};

/// Reads the body of PutPublicAccessBlock. What is left out is not blocked.
///
/// # Errors
/// `MalformedXML`.
pub fn parse(body: &[u8]) -> Result<PublicAccessBlock, S3Error> {
    let root = Element::parse(body, "PublicAccessBlockConfiguration")?;
    let flag = |name| match root.word_of(name) {
        None => Ok(false),
        Some(text) if text.eq_ignore_ascii_case("true") => Ok(true),
        Some(text) if text.eq_ignore_ascii_case("false") => Ok(false),
        Some(_) => Err(S3Error::new(ErrorCode::MalformedXML)),
    };
    Ok(PublicAccessBlock {
        block_public_acls: flag("BlockPublicAcls")?,
        ignore_public_acls: flag("IgnorePublicAcls")?,
        block_public_policy: flag("BlockPublicPolicy")?,
        restrict_public_buckets: flag("RestrictPublicBuckets")?,
    })
}

/// Writes the result of GetPublicAccessBlock.
pub fn to_xml(block: PublicAccessBlock) -> String {
    XmlWriter::document("PublicAccessBlockConfiguration", |xml| {
        xml.boolean("BlockPublicAcls", block.block_public_acls);
        xml.boolean("IgnorePublicAcls", block.ignore_public_acls);
        xml.boolean("BlockPublicPolicy", block.block_public_policy);
        xml.boolean("RestrictPublicBuckets", block.restrict_public_buckets);
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_combination_survives_the_round_trip() {
        for bits in 0..16_u8 {
            let is_set = |bit: u8| bits & (1 << bit) != 0;
            let block = PublicAccessBlock {
                block_public_acls: is_set(0),
                ignore_public_acls: is_set(1),
                block_public_policy: is_set(2),
                restrict_public_buckets: is_set(3),
            };
            assert_eq!(parse(to_xml(block).as_bytes()), Ok(block));
        }
    }

    #[test]
    fn flags_are_words_in_any_case_and_may_be_left_out() {
        let read = |content: &str| {
            let name = "PublicAccessBlockConfiguration";
            parse(format!("<{name}>{content}</{name}>").as_bytes())
        };
        let one = PublicAccessBlock { ignore_public_acls: true, ..PublicAccessBlock::NONE };
        assert_eq!(read("<IgnorePublicAcls>TRUE</IgnorePublicAcls>"), Ok(one));
        assert_eq!(read(""), Ok(PublicAccessBlock::NONE));
        let refused = read("<IgnorePublicAcls>1</IgnorePublicAcls>").expect_err("no boolean");
        assert_eq!(refused.code(), ErrorCode::MalformedXML);
    }
}
