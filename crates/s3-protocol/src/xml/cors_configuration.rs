//! `CORSConfiguration` (GetBucketCors, PutBucketCors).

use policy::{Cors, CorsError, CorsRule};

use super::{Element, XmlWriter};
use crate::{ErrorCode, S3Error};

/// The most bytes of the document (API reference, PutBucketCors).
pub const MAX_BYTES: usize = 64 * 1024;

/// Reads the body of PutBucketCors. An element that is not known is refused: a rule must not mean more than it says.
///
/// # Errors
/// `MalformedXML`; `InvalidRequest` for a method, wildcard, name or number of rules that can not be.
pub fn parse(body: &[u8]) -> Result<Cors, S3Error> {
    let root = Element::parse(body, "CORSConfiguration")?;
    if root.children.iter().any(|child| child.name != "CORSRule") {
        return Err(ErrorCode::MalformedXML.into());
    }
    let rules = root.children.iter().map(rule).collect::<Result<_, _>>()?;
    Cors::new(rules).map_err(|error| match error {
        CorsError::Incomplete | CorsError::LongId => {
            S3Error::new(ErrorCode::MalformedXML).with_message(error.to_string())
        }
        other => S3Error::invalid_request(other.to_string()),
    })
}

fn rule(element: &Element) -> Result<CorsRule, S3Error> {
    let malformed = || S3Error::new(ErrorCode::MalformedXML);
    let mut rule = CorsRule::default();
    for child in &element.children {
        let text = child.text.trim();
        let replaces_another = match child.name.as_str() {
            "ID" => rule.id.replace(child.text.clone()).is_some(),
            "MaxAgeSeconds" => rule.max_age_secs.replace(text.parse().map_err(|_| malformed())?).is_some(),
            "AllowedOrigin" => {
                rule.origins.push(text.into());
                false
            }
            "AllowedHeader" => {
                rule.headers.push(text.into());
                false
            }
            "AllowedMethod" => {
                rule.methods.push(text.parse().map_err(|()| unsupported(text))?);
                false
            }
            "ExposeHeader" => {
                rule.expose.push(text.to_owned());
                false
            }
            _ => return Err(malformed()),
        };
        if replaces_another || !child.children.is_empty() {
            return Err(malformed());
        }
    }
    Ok(rule)
}

fn unsupported(method: &str) -> S3Error {
    S3Error::invalid_request(format!("Found unsupported HTTP method in CORS config. Unsupported method is {method}"))
}

/// Writes the result of GetBucketCors.
pub fn to_xml(cors: &Cors) -> String {
    XmlWriter::document("CORSConfiguration", |xml| {
        for rule in cors.rules() {
            xml.element("CORSRule", |xml| write_rule(xml, rule));
        }
    })
}

fn write_rule(xml: &mut XmlWriter, rule: &CorsRule) {
    xml.optional("ID", rule.id.as_deref());
    for method in &rule.methods {
        xml.text("AllowedMethod", method.name());
    }
    for origin in &rule.origins {
        xml.text("AllowedOrigin", origin.as_str());
    }
    for header in &rule.headers {
        xml.text("AllowedHeader", header.as_str());
    }
    if let Some(seconds) = rule.max_age_secs {
        xml.number("MaxAgeSeconds", seconds.into());
    }
    for header in &rule.expose {
        xml.text("ExposeHeader", header);
    }
}

#[cfg(test)]
mod tests {
    use policy::CorsMethod;

    use super::*;

    const ORIGIN: &str = "<AllowedOrigin>*</AllowedOrigin>";
    const METHOD: &str = "<AllowedMethod>GET</AllowedMethod>";

    fn of_rule(content: &str) -> Result<Cors, S3Error> {
        parse(format!("<CORSConfiguration><CORSRule>{content}</CORSRule></CORSConfiguration>").as_bytes())
    }

    #[test]
    fn rules_survive_the_round_trip() {
        let rule = CorsRule {
            id: Some("1 & 2".to_owned()),
            origins: vec!["https://*.example.org".into(), "null".into()],
            methods: CorsMethod::ALL.to_vec(),
            headers: vec!["x-amz-*".into()],
            expose: vec!["ETag".to_owned(), "x-amz-version-id".to_owned()],
            max_age_secs: Some(0),
        };
        let least = CorsRule { id: None, headers: Vec::new(), expose: Vec::new(), max_age_secs: None, ..rule.clone() };
        let cors = Cors::new(vec![rule, least]).expect("rules");
        assert_eq!(parse(to_xml(&cors).as_bytes()), Ok(cors));
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        use ErrorCode::{InvalidRequest, MalformedXML};
        for (content, code) in [
            (String::new(), MalformedXML),
            (ORIGIN.to_owned(), MalformedXML),
            (METHOD.to_owned(), MalformedXML),
            (format!("{ORIGIN}{METHOD}<Credentials>true</Credentials>"), MalformedXML),
            (format!("{ORIGIN}{METHOD}<MaxAgeSeconds>soon</MaxAgeSeconds>"), MalformedXML),
            (format!("{ORIGIN}{METHOD}<MaxAgeSeconds>-1</MaxAgeSeconds>"), MalformedXML),
            (format!("{ORIGIN}{METHOD}<MaxAgeSeconds>1</MaxAgeSeconds><MaxAgeSeconds>2</MaxAgeSeconds>"), MalformedXML),
            (format!("{ORIGIN}{METHOD}<ID>{}</ID>", "x".repeat(256)), MalformedXML),
            (format!("{METHOD}<AllowedOrigin>a<b/></AllowedOrigin>"), MalformedXML),
            (format!("{ORIGIN}<AllowedMethod>PATCH</AllowedMethod>"), InvalidRequest),
            (format!("{ORIGIN}<AllowedMethod>get</AllowedMethod>"), InvalidRequest),
            (format!("{METHOD}<AllowedOrigin>*.*</AllowedOrigin>"), InvalidRequest),
            (format!("{ORIGIN}{METHOD}<AllowedHeader>x-*-*</AllowedHeader>"), InvalidRequest),
            (format!("{ORIGIN}{METHOD}<ExposeHeader>*</ExposeHeader>"), InvalidRequest),
        ] {
            assert_eq!(of_rule(&content).expect_err(&content).code(), code, "{content}");
        }
        assert!(of_rule(&format!("{ORIGIN}{METHOD}<ID>{}</ID>", "x".repeat(255))).is_ok());
        let strange = format!("<CORSConfiguration><CORSRule>{ORIGIN}{METHOD}</CORSRule><Rule/></CORSConfiguration>");
        for document in ["<CORSConfiguration/>", &strange, "<Cors/>", ""] {
            assert_eq!(parse(document.as_bytes()).expect_err(document).code(), MalformedXML, "{document}");
        }
    }
}
