use super::*;
use http::HeaderValue;

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        headers.append(*name, HeaderValue::from_str(value).expect("a value"));
    }
    headers
}

#[test]
fn conditions_are_read_and_bad_dates_ignored() {
    let tag = "\"d41d8cd98f00b204e9800998ecf8427e\"";
    let read = conditions(&headers(&[
        ("if-match", tag),
        ("if-none-match", "*"),
        ("if-modified-since", "Mon, 12 Oct 2009 17:50:30 GMT"),
        ("if-unmodified-since", "soon"),
    ]));
    assert_eq!(read.if_match, Some(EtagMatch::parse(tag)));
    assert_eq!(read.if_none_match, Some(EtagMatch::Any));
    assert_eq!(read.if_modified_since, Some(Timestamp::from_secs(1_255_369_830)));
    assert_eq!(read.if_unmodified_since, None);
    assert!(conditions(&HeaderMap::new()).is_empty());
    let source = copy_source_conditions(&headers(&[("x-amz-copy-source-if-none-match", tag), ("if-match", "*")]));
    assert_eq!(source, Conditions { if_none_match: Some(EtagMatch::parse(tag)), ..Conditions::default() });
}

#[test]
fn deletes_may_ask_for_a_size_and_a_time() {
    let (size, time) = ("x-amz-if-match-size", "x-amz-if-match-last-modified-time");
    let at = Some(Timestamp::from_secs(1_255_369_830));
    for date in ["Mon, 12 Oct 2009 17:50:30 GMT", "2009-10-12T17:50:30Z"] {
        let read = delete_conditions(&headers(&[(size, "7"), (time, date)]));
        assert_eq!(read, Ok(Conditions { last_modified: at, size: Some(7), ..Conditions::default() }));
    }
    for bad in [(size, "many"), (size, "-1"), (time, "soon"), (time, "")] {
        let error = delete_conditions(&headers(&[bad])).expect_err("no condition");
        assert_eq!(error.code(), ErrorCode::InvalidArgument, "{bad:?}");
    }
}

#[test]
fn ranges_that_can_not_be_read_are_none() {
    assert_eq!(range(&headers(&[("range", "bytes=1-2")])), Some(ByteRange::From { first: 1, last: Some(2) }));
    assert_eq!(range(&headers(&[("range", "bytes=1-2,4-5")])), None);
    assert_eq!(range(&HeaderMap::new()), None);
}

#[test]
fn closed_values_are_closed() {
    assert_eq!(storage_class(&headers(&[("x-amz-storage-class", "STANDARD_IA")])), Ok(Some("STANDARD_IA")));
    let error = storage_class(&headers(&[("x-amz-storage-class", "standard")])).expect_err("no class");
    assert_eq!(error.code(), ErrorCode::InvalidStorageClass);
    let name = "x-amz-metadata-directive";
    assert_eq!(directive(&headers(&[(name, "REPLACE")]), name), Ok(Directive::Replace));
    assert_eq!(directive(&HeaderMap::new(), name), Ok(Directive::Copy));
    assert!(directive(&headers(&[(name, "MERGE")]), name).is_err());
    assert!(flag(&headers(&[("x-amz-bypass-governance-retention", "True")]), "x-amz-bypass-governance-retention"));
}

#[test]
fn attributes_may_come_in_one_header_or_many() {
    let name = "x-amz-object-attributes";
    let wanted = object_attributes(&headers(&[(name, "ETag, ObjectSize"), (name, "Checksum")])).expect("attributes");
    let expected = ObjectAttributes { etag: true, object_size: true, checksum: true, ..ObjectAttributes::default() };
    assert_eq!(wanted, expected);
    for bad in [&[][..], &[(name, "")], &[(name, "etag")]] {
        assert!(object_attributes(&headers(bad)).is_err(), "{bad:?}");
    }
    let name = HeaderName::from_static("x-amz-mp-object-size");
    assert_eq!(number(&headers(&[("x-amz-mp-object-size", "7")]), &name), Ok(Some(7)));
    assert!(number(&headers(&[("x-amz-mp-object-size", "-7")]), &name).is_err());
}
