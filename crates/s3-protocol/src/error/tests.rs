use super::*;

#[test]
fn every_code_has_an_error_status_and_words() {
    for code in ErrorCode::ALL {
        let status = code.status();
        assert!(status.as_u16() >= 300, "{code:?}");
        assert_eq!(status == StatusCode::INTERNAL_SERVER_ERROR, *code == ErrorCode::InternalError, "{code:?}");
        assert!(!code.message().is_empty(), "{code:?}");
        assert_eq!(S3Error::from(*code).message(), code.message());
    }
}

/// Status by code, from the table of the S3 API reference.
#[test]
fn statuses_are_those_of_the_reference() {
    for (code, status) in [
        (ErrorCode::AccessDenied, 403),
        (ErrorCode::BadDigest, 400),
        (ErrorCode::BucketAlreadyExists, 409),
        (ErrorCode::BucketAlreadyOwnedByYou, 409),
        (ErrorCode::BucketNotEmpty, 409),
        (ErrorCode::EntityTooSmall, 400),
        (ErrorCode::IncompleteBody, 400),
        (ErrorCode::InvalidRange, 416),
        (ErrorCode::MethodNotAllowed, 405),
        (ErrorCode::MissingContentLength, 411),
        (ErrorCode::NoSuchUpload, 404),
        (ErrorCode::NotImplemented, 501),
        (ErrorCode::PreconditionFailed, 412),
        (ErrorCode::RequestTimeTooSkewed, 403),
        (ErrorCode::SignatureDoesNotMatch, 403),
        (ErrorCode::SlowDown, 503),
    ] {
        assert_eq!(code.status().as_u16(), status, "{code:?}");
    }
}

#[test]
fn xml_has_the_elements_in_order() {
    let error = S3Error::no_such_key("a<b\u{1}");
    assert_eq!(
        error.to_xml("/b/a<b", "id", "host"),
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>NoSuchKey</Code>\
         <Message>The specified key does not exist.</Message><Key>a&lt;b&#x1;</Key>\
         <Resource>/b/a&lt;b</Resource><RequestId>id</RequestId><HostId>host</HostId></Error>"
    );
}

#[test]
fn head_and_not_modified_have_no_body() {
    for (code, method, empty) in [
        (ErrorCode::NoSuchKey, Method::GET, false),
        (ErrorCode::NoSuchKey, Method::HEAD, true),
        (ErrorCode::NotModified, Method::GET, true),
    ] {
        let response = S3Error::new(code).to_response(&method, "/", "id", "host");
        assert_eq!(response.body().is_empty(), empty, "{code:?} {method}");
        assert_eq!(response.headers().contains_key(CONTENT_TYPE), !empty);
        assert_eq!(response.status(), code.status());
    }
}

#[test]
fn headers_come_along() {
    let response = S3Error::invalid_range("bytes=9-", 3).to_response(&Method::HEAD, "/", "id", "host");
    assert_eq!(response.headers()[CONTENT_RANGE], "bytes */3");
    let error = S3Error::method_not_allowed(&Method::POST, "OBJECT", &[&Method::GET, &Method::PUT]);
    assert_eq!(error.headers()[0].1, "GET, PUT");
    assert_eq!(error.field("Method"), Some("POST"));
}
