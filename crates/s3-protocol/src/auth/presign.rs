//! Presigned URLs: what lets whoever holds one send one request in the name of who signed it (S3 API reference,
//! "Authenticating Requests: Using Query Parameters"). What is signed is a [`Presign`].

use types::Presign;

use super::canonical::{QueryForm, request_hash};
use super::sigv4::{ALGORITHM, MAX_EXPIRES_S, SCOPE_END, SignedHeaders};
use super::{Scope, SigningKey};
use crate::{RequestHead, S3Error, percent};

/// The URL. It holds for any body.
///
/// # Errors
/// InvalidURI where `store` is no address.
pub fn presign(wanted: Presign<'_>) -> Result<String, S3Error> {
    let invalid = || S3Error::new(crate::ErrorCode::InvalidURI);
    let (_, host) = wanted.store.split_once("://").ok_or_else(invalid)?;
    let moment = wanted.now.to_amz_date();
    let day = moment.get(..8).unwrap_or_default();
    let to_sign = format!("{day}/{}/s3/{SCOPE_END}", wanted.region);
    let seconds = wanted.seconds.min(MAX_EXPIRES_S).to_string();
    let credential = format!("{}/{to_sign}", wanted.access_key);
    let signing = [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", &credential),
        ("X-Amz-Date", &moment),
        ("X-Amz-Expires", &seconds),
        ("X-Amz-SignedHeaders", "host"),
    ];
    let token = wanted.token.map(|token| ("X-Amz-Security-Token", token));
    let all = wanted.query.iter().copied().chain(signing).chain(token);
    let query: Vec<String> =
        all.map(|(name, value)| format!("{}={}", percent::encode(name), percent::encode(value))).collect();
    let target = format!("/{}?{}", percent::encode_path(wanted.path), query.join("&"));
    let request = http::Request::builder().method(wanted.method).uri(&target).header("host", host);
    let (parts, ()) = request.body(()).map_err(|_| invalid())?.into_parts();
    let headers = SignedHeaders::new("host").ok_or_else(invalid)?;
    let hash = request_hash(&RequestHead::new(&parts, None), QueryForm::Received, headers, "UNSIGNED-PAYLOAD")?;
    let text = format!("{ALGORITHM}\n{moment}\n{to_sign}\n{}", hash.as_str());
    let scope = Scope { access_key: wanted.access_key, day, region: wanted.region, service: "s3", to_sign: &to_sign };
    let signature = SigningKey::derive(wanted.secret, &scope).sign(text.as_bytes());
    Ok(format!("{}{target}&X-Amz-Signature={}", wanted.store, signature.as_str()))
}

#[cfg(test)]
mod tests {
    use types::Timestamp;

    use super::*;
    use crate::Query;
    use crate::auth::{Credentials, SigningKeyCache};

    const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

    fn wanted() -> Presign<'static> {
        Presign {
            method: "GET",
            store: "https://examplebucket.s3.amazonaws.com",
            path: "test.txt",
            query: &[],
            access_key: "AKIAIOSFODNN7EXAMPLE",
            secret: SECRET,
            token: None,
            region: "us-east-1",
            now: Timestamp::from_secs(1_369_353_600),
            seconds: 86_400,
        }
    }

    /// The example of the reference.
    #[test]
    fn the_reference_signs_the_same() {
        let url = presign(wanted()).expect("an address");
        let expected = "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&\
            X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z&\
            X-Amz-Expires=86400&X-Amz-SignedHeaders=host&\
            X-Amz-Signature=aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404";
        assert_eq!(url, expected);
    }

    /// What is signed here is accepted there, for its method and query and nothing else.
    #[test]
    fn what_is_presigned_verifies() {
        let query =
            [("uploadId", "a/b+c"), ("partNumber", "1"), ("response-content-disposition", "attachment; x=\"é\"")];
        let made = Presign { method: "PUT", path: "b/ü + %/x", query: &query, token: Some("t=/+"), ..wanted() };
        let url = presign(made).expect("an address");
        for (method, change, good) in [("PUT", "", true), ("GET", "", false), ("PUT", "&acl", false)] {
            let uri = format!("{}{change}", url.strip_prefix(made.store).expect("the store's"));
            let request =
                http::Request::builder().method(method).uri(uri).header("host", "examplebucket.s3.amazonaws.com");
            let (parts, ()) = request.body(()).expect("a request").into_parts();
            let head = RequestHead::new(&parts, None);
            let query = Query::parse(head.raw_query()).expect("a query");
            let credentials = Credentials::parse(&head, &query).expect("credentials");
            assert_eq!(credentials.security_token(&head, &query), Ok(Some("t=/+")));
            let verified = credentials.verify(SECRET, &head, made.now, &SigningKeyCache::new(1));
            assert_eq!(verified.is_ok(), good, "{method} {change}");
        }
    }
}
