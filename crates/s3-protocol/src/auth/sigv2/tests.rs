use super::super::tests::{ACCESS_KEY, parts, verify};
use super::*;

type Headers<'a> = &'a [(&'a str, &'a str)];

fn signed(method: &str, uri: &str, headers: Headers<'_>, signature: &str) -> http::request::Parts {
    let authorization = format!("AWS {ACCESS_KEY}:{signature}");
    let mut all = vec![("authorization", authorization.as_str())];
    all.extend_from_slice(headers);
    parts(method, uri, &all)
}

/// The examples of the S3 user guide, "Signing and authenticating REST requests".
#[test]
fn documented_requests_verify() {
    let puppy = "/photos/puppy.jpg";
    let upload = [
        ("date", "Tue, 27 Mar 2007 21:06:08 +0000"),
        ("x-amz-acl", "public-read"),
        ("content-type", "application/x-download"),
        ("content-md5", "4gJE4saaMU4BqNR0kLY+lw=="),
        ("x-amz-meta-reviewedby", "joe@johnsmith.net"),
        ("x-amz-meta-reviewedby", "jane@johnsmith.net"),
        ("x-amz-meta-filechecksum", "0x02661779"),
        ("x-amz-meta-checksumalgorithm", "crc32"),
    ];
    let put: Headers<'_> = &[("date", "Tue, 27 Mar 2007 21:15:45 +0000"), ("content-type", "image/jpeg")];
    for (method, bucket, uri, headers, signature) in [
        (
            "GET",
            Some("johnsmith"),
            puppy,
            &[("date", "Tue, 27 Mar 2007 19:36:42 +0000")][..],
            "bWq2s1WEIj+Ydj0vQ697zp+IXMU=",
        ),
        ("PUT", Some("johnsmith"), puppy, put, "MyyxeRY7whkBe+bq8fHCL/2kKUg="),
        (
            "GET",
            Some("johnsmith"),
            "/?prefix=photos&max-keys=50&marker=puppy",
            &[("date", "Tue, 27 Mar 2007 19:42:41 +0000")],
            "htDYFYduRNen8P9ZfE/s9SuKy0U=",
        ),
        (
            "GET",
            Some("johnsmith"),
            "/?acl",
            &[("date", "Tue, 27 Mar 2007 19:44:46 +0000")],
            "c2WLPFtWHVgbEmeEG93a4cG37dM=",
        ),
        ("PUT", Some("static.johnsmith.net"), "/db-backup.dat.gz", &upload, "ilyl83RwaSoYIEdixDQcA4OnAnc="),
        ("GET", None, "/", &[("date", "Wed, 28 Mar 2007 01:29:59 +0000")], "qGdzdERIC03wnaRNKh6OqZehG9s="),
        (
            "GET",
            None,
            "/dictionary/fran%C3%A7ais/pr%c3%a9f%c3%a8re",
            &[("date", "Wed, 28 Mar 2007 01:49:49 +0000")],
            "DNEZGsoieTZ92F3bUfSPQcbGmlM=",
        ),
    ] {
        let parts = signed(method, uri, headers, signature);
        let now = Timestamp::parse_http_date(headers[0].1).expect("a date");
        let verified = verify(&parts, bucket, now).expect(uri);
        assert_eq!(verified.signature.map(|signature| signature.carrier), Some(Carrier::Header), "{uri}");
        let other = verify(&signed("HEAD", uri, headers, signature), bucket, now).expect_err("another method");
        assert_eq!(other.code(), ErrorCode::SignatureDoesNotMatch, "{uri}");
        let late = verify(&parts, bucket, now.plus_secs(901)).expect_err("too late");
        assert_eq!(late.code(), ErrorCode::RequestTimeTooSkewed, "{uri}");
    }
}

#[test]
fn the_documented_url_verifies_while_it_is_good() {
    let uri = format!(
        "/photos/puppy.jpg?AWSAccessKeyId={ACCESS_KEY}&Signature=NpgCjnDzrM%2BWFzoENXmpNDUsSn8%3D&Expires=1175139620"
    );
    let at = |uri: &str, seconds| verify(&parts("GET", uri, &[]), Some("johnsmith"), Timestamp::from_secs(seconds));
    assert!(at(&uri, 1_175_139_619).is_ok());
    let expired = at(&uri, 1_175_139_620).expect_err("expired");
    assert_eq!((expired.code(), expired.message()), (ErrorCode::AccessDenied, "Request has expired"));
    // No sub-resource can be added, not even one that version 2 never knew.
    for more in ["acl", "legal-hold", "renameObject", "uploadId=u", "versionId=null", "response-content-type=x"] {
        let error = at(&format!("{uri}&{more}"), 0).expect_err(more);
        assert_eq!(error.code(), ErrorCode::SignatureDoesNotMatch, "{more}");
    }
}

/// Requests signed by botocore.
#[test]
fn botocore_requests_verify() {
    let date = ("date", "Mon, 23 Nov 2026 06:12:08 GMT");
    let meta = [date, ("x-amz-meta-a", "  one   two  "), ("content-type", "text/plain")];
    let copy = [date, ("x-amz-copy-source", "/test_bucket/a%20b"), ("x-amz-meta-u", "Grüße")];
    for (method, uri, headers, signature) in [
        (
            "GET",
            "/test_bucket/?list-type=2&prefix=a%2Fb%20c&delimiter=%2F&encoding-type=url",
            &[date][..],
            "HALUD4yAbbrQsPGnWLkgZUKoIo8=",
        ),
        ("PUT", "/b/%2B%25%26%3D~-._%27%28%29%2A%21?tagging", &meta, "qlhlkCU+UCfZCxJX8kb6hqTtEUw="),
        ("PUT", "/b//k/", &copy, "iknyUIRFLdpdSzmqTxjN8N29Uls="),
        ("DELETE", "/b/k?uploadId=x&&empty=", &[date], "GNmllVYgZCDofSYqXsmlmtIDoyA="),
    ] {
        let now = Timestamp::parse_http_date(date.1).expect("a date");
        assert!(verify(&signed(method, uri, headers, signature), None, now).is_ok(), "{method} {uri}");
    }
}

/// What botocore (a bucket's closing slash) and minio-go (no `=` before an empty value) sign, beside what goes on the wire.
#[test]
fn the_resource_may_be_written_in_the_ways_of_clients() {
    let date = "Tue, 27 Mar 2007 19:36:42 +0000";
    let now = Timestamp::parse_http_date(date).expect("a date");
    for (uri, resource, accepted) in [
        ("/bucket?acl", "/bucket?acl", true),
        ("/bucket?acl", "/bucket/?acl", true),
        ("/bucket/?uploads=", "/bucket/?uploads", true),
        ("/bucket/?uploads=", "/bucket/?uploads=", true),
        ("/bucket?prefix=a", "/bucket/", true),
        ("/bucket/key", "/bucket/key/", false),
        ("/bucket/?uploads=", "/bucket/", false),
        ("/bucket", "/bucket/?acl", false),
    ] {
        let text = format!("GET\n\n\n{date}\n{resource}");
        let signature = sign(super::super::tests::SECRET, text.as_bytes());
        let verified = verify(&signed("GET", uri, &[("date", date)], &signature), None, now);
        assert_eq!(verified.is_ok(), accepted, "{uri} signed as {resource}");
    }
}
