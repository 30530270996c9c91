//! A request as the conditions of policies see it. Nothing is read of it before a condition asks.

use std::borrow::Cow;

use http::HeaderMap;
use policy::{AuthType, Context, RequestText, Signature, SignatureVersion};
use s3_protocol::auth::{self, Carrier, SignatureFacts};
use s3_protocol::{Operation, Query};
use types::Timestamp;

use crate::call::Call;

/// What begins the names of headers that a form sends as fields, if at all: those of the request itself say nothing.
const FIELDS_ALONE: &str = "x-amz-";

/// The words of a request.
#[derive(Clone, Copy)]
pub(crate) struct Words<'a> {
    headers: &'a HeaderMap,
    /// The fields of a form, which count before the headers.
    fields: Option<&'a HeaderMap>,
    /// `None` where the request lists no objects: what it says of a prefix then is no prefix of keys.
    query: Option<&'a Query>,
}

impl RequestText for Words<'_> {
    fn header(&self, name: &str) -> Option<Cow<'_, str>> {
        let value = match self.fields {
            None => self.headers.get(name),
            Some(fields) if name.starts_with(FIELDS_ALONE) => fields.get(name),
            Some(fields) => fields.get(name).or_else(|| self.headers.get(name)),
        };
        value.map(|value| String::from_utf8_lossy(value.as_bytes()))
    }

    fn query(&self, name: &str) -> Option<Cow<'_, str>> {
        self.query?.get(name).map(Cow::Borrowed)
    }
}

impl Call<'_> {
    /// The words of this request.
    pub(crate) fn words(&self) -> Words<'_> {
        let lists = matches!(
            self.route.operation,
            Operation::ListObjects
                | Operation::ListObjectsV2
                | Operation::ListObjectVersions
                | Operation::ListMultipartUploads
        );
        let query = Some(self.query()).filter(|_| lists);
        Words { headers: self.headers(), fields: self.fields.as_ref(), query }
    }

    /// The request, for conditions.
    pub(crate) fn context<'c>(&self, words: &'c Words<'c>) -> Context<'c> {
        Context {
            now: Some(self.service.clock.now()),
            source_ip: Some(self.connection.remote.ip().to_canonical()),
            secure_transport: Some(self.connection.tls),
            signature: self.signature.map(signature),
            token_issued_at: self.token_issued_at,
            text: Some(words),
        }
    }
}

fn signature(facts: SignatureFacts) -> Signature {
    Signature {
        version: match facts.version {
            auth::SignatureVersion::V2 => SignatureVersion::V2,
            auth::SignatureVersion::V4 => SignatureVersion::V4,
        },
        auth_type: match facts.carrier {
            Carrier::Header => AuthType::Header,
            Carrier::Query => AuthType::Query,
            Carrier::Form => AuthType::Form,
        },
        // Presigned URLs and forms of version 2 do not say; one of any age is too old for a policy that asks.
        signed_at: facts.signed_at.unwrap_or(Timestamp::from_secs(0)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_of_a_form_stand_for_headers() {
        let headers = |pairs: &[(&'static str, &'static str)]| -> HeaderMap {
            let pairs = pairs.iter().map(|(name, value)| ((*name).parse().unwrap(), (*value).parse().unwrap()));
            pairs.collect()
        };
        let own = headers(&[("referer", "http://a"), ("x-amz-acl", "public-read"), ("content-type", "form")]);
        let fields = headers(&[("content-type", "text/plain")]);
        let plain = Words { headers: &own, fields: None, query: None };
        let form = Words { fields: Some(&fields), ..plain };
        for (name, of_plain, of_form) in [
            ("referer", Some("http://a"), Some("http://a")),
            ("content-type", Some("form"), Some("text/plain")),
            ("x-amz-acl", Some("public-read"), None),
            ("user-agent", None, None),
        ] {
            assert_eq!(plain.header(name).as_deref(), of_plain, "{name}");
            assert_eq!(form.header(name).as_deref(), of_form, "{name}");
        }
    }
}
