use http::request::Parts;

use super::super::tests::{ACCESS_KEY, parts, verify};
use super::*;
use crate::auth::{Credentials, Framing};

const NOW: Timestamp = Timestamp::from_secs(1_369_353_600); // 20130524T000000Z
const HOST: &str = "examplebucket.s3.amazonaws.com";
const EMPTY: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn authorization(region: &str, signed_headers: &str, signature: &str) -> String {
    format!(
        "AWS4-HMAC-SHA256 Credential={ACCESS_KEY}/20130524/{region}/s3/aws4_request,\
         SignedHeaders={signed_headers},Signature={signature}"
    )
}

fn signed(method: &str, uri: &str, headers: &[(&str, &str)], region: &str, names: &str, signature: &str) -> Parts {
    let authorization = authorization(region, names, signature);
    let mut all = vec![("x-amz-date", "20130524T000000Z"), ("authorization", authorization.as_str())];
    all.extend_from_slice(headers);
    parts(method, uri, &all)
}

fn code(result: Result<Verified, S3Error>) -> ErrorCode {
    result.expect_err("the request is refused").code()
}

/// The examples of the S3 API reference, "Signature Calculations for the Authorization Header".
#[test]
fn documented_requests_verify() {
    let host = ("host", HOST);
    let empty = ("x-amz-content-sha256", EMPTY);
    let range = [host, empty, ("range", "bytes=0-9")];
    let put = [
        host,
        ("date", "Fri, 24 May 2013 00:00:00 GMT"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
    ];
    let names = "host;x-amz-content-sha256;x-amz-date";
    for (method, uri, headers, names, signature) in [
        (
            "GET",
            "/test.txt",
            &range[..],
            "host;range;x-amz-content-sha256;x-amz-date",
            "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
        ),
        (
            "PUT",
            "/test%24file.text",
            &put,
            "date;host;x-amz-content-sha256;x-amz-date;x-amz-storage-class",
            "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
        ),
        ("GET", "/?lifecycle", &range[..2], names, "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"),
        (
            "GET",
            "/?max-keys=2&prefix=J",
            &range[..2],
            names,
            "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
        ),
    ] {
        let parts = signed(method, uri, headers, "us-east-1", names, signature);
        let verified = verify(&parts, Some("examplebucket"), NOW).expect(uri);
        assert!(matches!(verified.payload, PayloadMode::Sha256(_)), "{uri}");
        let forged = signature.replace('b', "c");
        let parts = signed(method, uri, headers, "us-east-1", names, &forged);
        assert_eq!(code(verify(&parts, Some("examplebucket"), NOW)), ErrorCode::SignatureDoesNotMatch, "{uri}");
    }
}

/// The example of "Authenticating Requests: Using Query Parameters".
fn presigned(expires: &str, signature: &str) -> String {
    format!(
        "/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={ACCESS_KEY}%2F20130524%2Fus-east-1%2Fs3%2F\
         aws4_request&X-Amz-Date=20130524T000000Z&X-Amz-Expires={expires}&X-Amz-SignedHeaders=host&\
         X-Amz-Signature={signature}"
    )
}

#[test]
fn the_documented_presigned_url_verifies_while_it_is_good() {
    let url = presigned("86400", "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404");
    let with = |headers: &[(&str, &str)], now| verify(&parts("GET", &url, headers), Some("examplebucket"), now);
    let host = ("host", HOST);
    for seconds in [0, 86_399] {
        let verified = with(&[host], NOW.plus_secs(seconds)).expect("good");
        let signature = verified.signature.expect("signed");
        assert_eq!((signature.carrier, signature.signed_at), (Carrier::Query, Some(NOW)));
        assert!(matches!(verified.payload, PayloadMode::Unsigned));
    }
    let expired = with(&[host], NOW.plus_secs(86_400)).expect_err("expired");
    assert_eq!((expired.code(), expired.message()), (ErrorCode::AccessDenied, "Request has expired"));
    let early = with(&[host], Timestamp::from_secs(NOW.as_secs() - 901)).expect_err("too early");
    assert_eq!((early.code(), early.message()), (ErrorCode::AccessDenied, "Request is not yet valid"));
    let added = with(&[host, ("x-amz-copy-source", "/b/k")], NOW).expect_err("an unsigned header");
    assert_eq!(added.field("HeadersNotSigned"), Some("x-amz-copy-source"));
    assert_eq!(code(with(&[("host", "elsewhere")], NOW)), ErrorCode::SignatureDoesNotMatch);
}

#[test]
fn presigned_urls_are_read_strictly() {
    let parameters = ErrorCode::AuthorizationQueryParametersError;
    let good = presigned("60", "x");
    for (url, expected) in [
        (presigned("604801", "x"), parameters),
        (presigned("-7", "x"), parameters),
        (presigned("soon", "x"), parameters),
        (presigned("0", "x"), ErrorCode::AccessDenied),
        (presigned("604800", "x"), ErrorCode::SignatureDoesNotMatch),
        (good.replace("X-Amz-Date=20130524T000000Z&", ""), parameters),
        (good.replace("AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1"), parameters),
        (good.replace("20130524%2F", "20130525%2F"), parameters),
        (good.replace("SignedHeaders=host", "SignedHeaders=range"), ErrorCode::AccessDenied),
    ] {
        let parts = parts("GET", &url, &[("host", HOST)]);
        assert_eq!(code(verify(&parts, None, NOW)), expected, "{url}");
    }
}

#[test]
fn headers_may_stand_in_a_presigned_query() {
    let url = presigned("60", "x") + "&x-amz-acl=public-read&x-amz-meta-a=b%20c&X-Amz-Security-Token=t&other=1";
    let parts = parts("PUT", &url, &[("host", HOST), ("x-amz-meta-a", "own")]);
    let head = RequestHead::new(&parts, None);
    let query = Query::parse(head.raw_query()).expect("a query");
    let hoisted = Credentials::parse(&head, &query).expect("credentials").hoisted_headers(&head).expect("headers");
    assert_eq!((&hoisted["x-amz-acl"], hoisted.len()), (&http::HeaderValue::from_static("public-read"), 1));
}

/// Requests signed by botocore, with paths and queries that are easily damaged on the way.
#[test]
fn botocore_requests_verify() {
    let local = ("host", "localhost:9000");
    let names = "host;x-amz-content-sha256;x-amz-date";
    let meta = [local, ("x-amz-meta-a", "  one   two  "), ("content-type", "text/plain")];
    let copy =
        [("host", "cedadev-o.s3.jc.rl.ac.uk"), ("x-amz-copy-source", "/test_bucket/a%20b"), ("x-amz-meta-u", "Grüße")];
    for (method, uri, headers, names, signature) in [
        (
            "GET",
            "/a%20b/%2F..//.%2e/%E2%82%AC?versionId=null",
            &[("host", HOST)][..],
            names,
            "c0cc0e90b1f93598f62a67c757f00fd81ed3d70571453f6b3c2a3c5445a6db2a",
        ),
        (
            "GET",
            "/test_bucket/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&encoding-type=url",
            &[local],
            names,
            "d1fcef38b1459731e6b4f7520d0d6bd6447cb6ced83cfcd71cbe75ca97c425bb",
        ),
        // The same, as a client sends it that signs one encoding and sends another.
        (
            "GET",
            "/test_bucket/?list-type=2&prefix=a/b+c&delimiter=/&encoding-type=url",
            &[local],
            names,
            "d1fcef38b1459731e6b4f7520d0d6bd6447cb6ced83cfcd71cbe75ca97c425bb",
        ),
        (
            "PUT",
            "/b/%2B%25%26%3D~-._%27%28%29%2A%21?tagging",
            &meta,
            "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-meta-a",
            "48d8140b5b6fbd03863df82323b7778450ddb15c8a28c80844025b73baa6f154",
        ),
        (
            "PUT",
            "/b//k/",
            &copy,
            "host;x-amz-content-sha256;x-amz-copy-source;x-amz-date;x-amz-meta-u",
            "b85443eef464d627902b0d2781a1767ef16b7e159a6bdd6789ec6442edef7905",
        ),
        ("GET", "/b/?prefix=a/b", &[local], names, "735424c03d07345805af563d3f47807ce4d6b577b5a2fbf50e276993a83df6d4"),
    ] {
        let mut headers = headers.to_vec();
        headers.push(("x-amz-content-sha256", EMPTY));
        let mut parts = signed(method, uri, &headers, "eu-west-2", names, signature);
        assert!(verify(&parts, None, NOW).is_ok(), "{method} {uri}");
        // What was signed as text may come as Latin-1.
        if let Some(value) = parts.headers.get_mut("x-amz-meta-u") {
            *value = http::HeaderValue::from_bytes(b"Gr\xfc\xdfe").expect("a value");
            assert!(verify(&parts, None, NOW).is_ok(), "{method} {uri} as Latin-1");
        }
    }
}

#[test]
fn what_must_be_signed_is() {
    let with = |headers: &[(&str, &str)], names: &str| {
        let parts = signed("PUT", "/b/k", headers, "us-east-1", names, "x");
        verify(&parts, None, NOW)
    };
    let sha256 = ("x-amz-content-sha256", EMPTY);
    let host = ("host", HOST);
    for (headers, names, missing) in [
        (&[host, sha256][..], "x-amz-date", "host"),
        (&[host, sha256], "host", "x-amz-date"),
        (&[host, sha256, ("x-amz-copy-source", "b/k")], "host;x-amz-date", "x-amz-copy-source"),
        (&[host, sha256, ("X-Amz-Acl", "public-read")], "host;x-amz-date", "x-amz-acl"),
    ] {
        let error = with(headers, names).expect_err("an unsigned header");
        assert_eq!(error.field("HeadersNotSigned"), Some(missing));
    }
    assert_eq!(code(with(&[host], "host;x-amz-date")), ErrorCode::InvalidRequest);
    assert_eq!(code(with(&[host, sha256], "host;x-amz-date")), ErrorCode::SignatureDoesNotMatch);
}

#[test]
fn clocks_may_differ_by_fifteen_minutes() {
    let parts = signed("GET", "/", &[("host", HOST), ("x-amz-content-sha256", EMPTY)], "r", "host;x-amz-date", "x");
    let base = NOW.as_secs();
    for (now, expected) in [
        (base + 900, ErrorCode::SignatureDoesNotMatch),
        (base - 900, ErrorCode::SignatureDoesNotMatch),
        (base + 901, ErrorCode::RequestTimeTooSkewed),
        (base - 901, ErrorCode::RequestTimeTooSkewed),
    ] {
        assert_eq!(code(verify(&parts, None, Timestamp::from_secs(now))), expected, "{now}");
    }
    let other_day = authorization("r", "host;x-amz-date", "x").replace("20130524", "20130523");
    let headers = [("host", HOST), ("x-amz-date", "20130524T000000Z"), ("authorization", other_day.as_str())];
    let parts = super::super::tests::parts("GET", "/", &headers);
    assert_eq!(code(verify(&parts, None, NOW)), ErrorCode::AuthorizationHeaderMalformed);
}

/// HTTP/2 has no `Host`; its authority is what was signed.
#[test]
fn the_authority_stands_for_the_host() {
    let signature = "d1fcef38b1459731e6b4f7520d0d6bd6447cb6ced83cfcd71cbe75ca97c425bb";
    let uri = "http://localhost:9000/test_bucket/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&encoding-type=url";
    let headers = [("x-amz-content-sha256", EMPTY)];
    let parts = signed("GET", uri, &headers, "eu-west-2", "host;x-amz-content-sha256;x-amz-date", signature);
    assert!(verify(&parts, None, NOW).is_ok());
}

/// The seed of the example in "Transferring Payload in Multiple Chunks".
#[test]
fn the_documented_streaming_request_verifies() {
    let headers = [
        ("host", "s3.amazonaws.com"),
        ("x-amz-storage-class", "REDUCED_REDUNDANCY"),
        ("x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"),
        ("content-encoding", "aws-chunked"),
        ("x-amz-decoded-content-length", "66560"),
        ("content-length", "66824"),
    ];
    let names = "content-encoding;content-length;host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;\
                 x-amz-storage-class";
    let signature = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let parts = signed("PUT", "/examplebucket/chunkObject.txt", &headers, "us-east-1", names, signature);
    let verified = verify(&parts, None, NOW).expect("the example");
    let PayloadMode::Chunked(Framing::Signed(signing)) = verified.payload else { panic!("signed chunks") };
    assert_eq!((signing.seed_signature.as_str(), signing.signed_at), (signature, NOW));
    let head = RequestHead::new(&parts, None);
    let query = Query::default();
    assert_eq!(Credentials::parse(&head, &query).expect("credentials").version(), Some(SignatureVersion::V4));
}
