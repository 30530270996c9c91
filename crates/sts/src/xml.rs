//! The documents of answers.

use access::Credential;
use identity::IssuedSession;
use s3_protocol::xml::XmlWriter;

use crate::NAMESPACE;

/// A whole document with this root.
pub(crate) fn element(root: &str, namespace: &str, content: impl FnOnce(&mut XmlWriter)) -> String {
    let mut xml = XmlWriter::new();
    xml.with_attributes(root, &[("xmlns", namespace)], content);
    xml.finish()
}

/// The answer of `action` with this result.
pub(crate) fn answer(action: &str, request_id: &str, result: impl FnOnce(&mut XmlWriter)) -> String {
    element(&format!("{action}Response"), NAMESPACE, |xml| {
        xml.element(&format!("{action}Result"), result);
        xml.element("ResponseMetadata", |xml| xml.text("RequestId", request_id));
    })
}

/// The secret part of an answer.
pub(crate) fn credentials(xml: &mut XmlWriter, issued: &IssuedSession) {
    xml.element("Credentials", |xml| {
        xml.text("AccessKeyId", issued.session.info.id.as_str());
        xml.text("SecretAccessKey", issued.session.secret.expose());
        xml.text("SessionToken", &issued.token);
        xml.text("Expiration", &issued.session.info.expires.to_iso8601());
    });
}

/// Who the session is, in AWS's form.
pub(crate) fn assumed_role_user(xml: &mut XmlWriter, issued: &IssuedSession) {
    let credential = Credential::Session(std::sync::Arc::clone(&issued.session));
    xml.element("AssumedRoleUser", |xml| {
        xml.text("Arn", &arn(&credential));
        xml.text("AssumedRoleId", &user_id(&credential));
    });
}

/// The percentage of the room for policies that a session uses.
pub(crate) fn packed_policy_size(xml: &mut XmlWriter, issued: &IssuedSession) {
    let percent = (issued.token.len() * 100).div_ceil(identity::session::MAX_TOKEN_CHARS);
    xml.number("PackedPolicySize", percent.try_into().unwrap_or(100));
}

/// `arn:aws:iam::cedadev-o:user/ann`, or `arn:aws:sts::cedadev-o:assumed-role/ann/job-17` for a session.
pub(crate) fn arn(credential: &Credential) -> String {
    let (tenancy, owner) = (credential.tenancy(), credential.owner());
    match credential {
        Credential::Key(_) => format!("arn:aws:iam::{tenancy}:user/{owner}"),
        Credential::Session(session) => {
            format!("arn:aws:sts::{tenancy}:assumed-role/{owner}/{}", session.info.name)
        }
    }
}

/// `ann`, or `ann:job-17` for a session.
pub(crate) fn user_id(credential: &Credential) -> String {
    match credential {
        Credential::Key(_) => credential.owner().to_string(),
        Credential::Session(session) => format!("{}:{}", credential.owner(), session.info.name),
    }
}
