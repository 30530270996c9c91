use http::Request;
use http::request::Parts;

use super::*;

/// The credentials of the documentation's examples.
pub(super) const ACCESS_KEY: &str = "AKIAIOSFODNN7EXAMPLE";
pub(super) const SECRET: &str = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";

pub(super) fn parts(method: &str, uri: &str, headers: &[(&str, &str)]) -> Parts {
    let mut request = Request::builder().method(method).uri(uri);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    request.body(()).expect("a request").into_parts().0
}

pub(super) fn verify(parts: &Parts, host_bucket: Option<&str>, now: Timestamp) -> Result<Verified, S3Error> {
    let head = RequestHead::new(parts, host_bucket);
    let query = Query::parse(head.raw_query())?;
    let credentials = Credentials::parse(&head, &query)?;
    assert_eq!(credentials.access_key(), Some(ACCESS_KEY));
    credentials.verify(SECRET, &head, now, &SigningKeyCache::new(4))
}

fn parse(uri: &str, headers: &[(&str, &str)]) -> Result<Option<String>, ErrorCode> {
    let parts = parts("GET", uri, headers);
    let query = Query::parse(parts.uri.query()).expect("a query");
    let credentials = Credentials::parse(&RequestHead::new(&parts, None), &query);
    credentials.map(|credentials| credentials.access_key().map(str::to_owned)).map_err(|error| error.code())
}

#[test]
fn requests_without_credentials_are_anonymous() {
    for headers in [&[][..], &[("authorization", "")]] {
        assert_eq!(parse("/b/k?prefix=a", headers), Ok(None));
    }
    let parts = parts("PUT", "/b/k", &[("x-amz-content-sha256", "UNSIGNED-PAYLOAD")]);
    let head = RequestHead::new(&parts, None);
    let verified = Credentials::Anonymous.verify("", &head, Timestamp::default(), &SigningKeyCache::new(1));
    let verified = verified.expect("anonymous requests need no proof");
    assert!(verified.signature.is_none() && matches!(verified.payload, PayloadMode::Unsigned));
}

/// The header tests of Ceph's s3-tests expect these codes too.
#[test]
fn credentials_that_can_not_be_read_are_refused() {
    let date = ("date", "Fri, 24 May 2013 00:00:00 GMT");
    let v4 = "AWS4-HMAC-SHA256 Credential=K/20130524/r/s3/aws4_request, SignedHeaders=host, Signature=x";
    for (authorization, code) in [
        ("AWS HAHAHA", ErrorCode::InvalidArgument),
        ("AWS4-HMAC-SHA256 Credential=HAHAHA", ErrorCode::AuthorizationHeaderMalformed),
        ("AWS4-HMAC-SHA256 nonsense", ErrorCode::AuthorizationHeaderMalformed),
        (&v4.replace("SignedHeaders=host, ", ""), ErrorCode::AuthorizationHeaderMalformed),
        (&v4.replace("/s3/", "/ec2/"), ErrorCode::AuthorizationHeaderMalformed),
        ("Basic dTpw", ErrorCode::InvalidArgument),
        ("AWS4-HMAC-SHA256", ErrorCode::InvalidArgument),
    ] {
        assert_eq!(parse("/b", &[("authorization", authorization), date]), Err(code), "{authorization}");
    }
    assert_eq!(parse("/b", &[("authorization", v4), date]), Ok(Some("K".into())));
    assert_eq!(parse("/b", &[("authorization", v4)]), Err(ErrorCode::AccessDenied));
    assert_eq!(parse("/b", &[("authorization", v4), ("date", "Bad Date")]), Err(ErrorCode::AccessDenied));
    assert_eq!(parse("/b?Signature=s", &[("authorization", v4), date]), Err(ErrorCode::InvalidArgument));
    assert_eq!(parse("/b?Signature=s&Expires=1", &[]), Err(ErrorCode::AccessDenied));
    assert_eq!(parse("/b?Signature=s&Expires=soon&AWSAccessKeyId=K", &[]), Err(ErrorCode::AccessDenied));
}

#[test]
fn framing_is_decoded_for_those_who_do_not_sign() {
    let framed = [("content-encoding", "gzip, aws-chunked"), ("x-amz-decoded-content-length", "3")];
    let mode = |headers: &[(&str, &str)]| {
        let parts = parts("PUT", "/b/k", headers);
        PayloadMode::without_key(&RequestHead::new(&parts, None))
    };
    assert!(matches!(mode(&framed), Ok(PayloadMode::Chunked(Framing::Unsigned))));
    assert!(matches!(mode(&framed[..1]), Ok(PayloadMode::Unsigned)));
    let streaming = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")];
    assert!(matches!(mode(&streaming), Ok(PayloadMode::Chunked(Framing::Unsigned))));
    for (value, code) in [
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", ErrorCode::InvalidRequest),
        ("STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", ErrorCode::NotImplemented),
        ("abc", ErrorCode::InvalidArgument),
        ("", ErrorCode::InvalidArgument),
    ] {
        let error = mode(&[("x-amz-content-sha256", value)]).expect_err(value);
        assert_eq!(error.code(), code, "{value}");
    }
}
