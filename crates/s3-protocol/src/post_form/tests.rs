use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Request;
use http_body_util::StreamBody;
use proptest::prelude::*;

use super::*;

const NOW: Timestamp = Timestamp::from_secs(1_451_300_000);
const LATER: &str = "2015-12-30T12:00:00.000Z";

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

fn encode(fields: &[(&str, &str)], file: Option<&str>) -> String {
    let mut form = String::new();
    for (name, value) in fields {
        form.push_str(&format!("--x\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"));
    }
    if let Some(file) = file {
        let head =
            "Content-Disposition: form-data; name=\"file\"; filename=\"C:\\up\\a.txt\"\r\nContent-Type: text/plain";
        form.push_str(&format!("--x\r\n{head}\r\n\r\n{file}\r\n"));
    }
    form + "--x--\r\n"
}

fn open_frames(frames: Vec<String>) -> Result<PostForm, S3Error> {
    let request = Request::builder().method("POST").uri("/b").header("content-type", "multipart/form-data; boundary=x");
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    let frames = frames.into_iter().map(|frame| Ok::<_, std::io::Error>(http_body::Frame::data(Bytes::from(frame))));
    let body = StreamBody::new(futures_util::stream::iter(frames));
    let head = RequestHead::new(&parts, None);
    block_on(PostForm::read(body, &head, Duration::from_secs(5), 1 << 30))
}

fn open(fields: &[(&str, &str)], file: &str) -> PostForm {
    open_frames(vec![encode(fields, Some(file))]).expect("a form")
}

fn content(form: PostForm) -> Result<String, ErrorCode> {
    let mut file = form.into_file();
    let bytes = block_on(file.collect(1 << 20)).map_err(|error| error.code())?;
    Ok(String::from_utf8(bytes.to_vec()).expect("text"))
}

fn policy(expiration: &str, conditions: &str) -> String {
    BASE64.encode(format!("{{\"expiration\": \"{expiration}\", \"conditions\": [{conditions}]}}"))
}

/// Checks `fields` and a policy with these conditions, for the bucket `b`.
fn check(conditions: &str, fields: &[(&str, &str)]) -> Result<PostForm, S3Error> {
    let policy = policy(LATER, conditions);
    let mut all = vec![("policy", policy.as_str())];
    all.extend_from_slice(fields);
    let mut form = open(&all, "content");
    form.check_policy(&BucketName::new("b").expect("a name"), NOW)?;
    Ok(form)
}

#[test]
fn fields_come_first_and_the_file_streams() {
    let fields = [
        ("Key", "up/${filename}"),
        ("acl", "public-read"),
        ("x-amz-meta-Tag", "a\r\nb"),
        ("Content-Type", "text/csv"),
        ("x-amz-date", "20151229T000000Z"),
        ("success_action_status", "201"),
        ("tagging", "<Tagging/>"),
    ];
    let form = open(&fields, "some\r\n--content");
    assert_eq!(form.key().expect("a key").as_str(), "up/a.txt");
    let headers = form.headers().expect("headers");
    assert_eq!(
        (&headers["x-amz-acl"], &headers["content-type"], headers.len()),
        (&http::HeaderValue::from_static("public-read"), &http::HeaderValue::from_static("text/csv"), 3)
    );
    let both = open(&[("acl", "private"), ("x-amz-acl", "public-read")], "").headers().expect_err("two ACLs");
    assert_eq!(both.code(), ErrorCode::InvalidArgument);
    assert_eq!(form.success_action(), SuccessAction::Status(StatusCode::CREATED));
    assert_eq!(form.tagging(), Some("<Tagging/>"));
    assert_eq!(form.credentials(), Ok(PostCredentials::Anonymous));
    assert_eq!(content(form), Ok("some\r\n--content".into()));
    assert_eq!(content(open(&[("key", "k")], "")), Ok(String::new()));
    let redirect = open(&[("success_action_redirect", "http://h/"), ("success_action_status", "404")], "");
    assert_eq!(redirect.success_action(), SuccessAction::Redirect("http://h/".into()));
    assert_eq!(
        open(&[("success_action_status", "404")], "").success_action(),
        SuccessAction::Status(StatusCode::NO_CONTENT)
    );
    assert_eq!(open(&[], "").key().expect_err("no key").code(), ErrorCode::InvalidArgument);
}

#[test]
fn what_is_no_form_is_refused() {
    let code = |frames: &[&str]| open_frames(frames.iter().map(|frame| (*frame).to_owned()).collect());
    let code = |frames: &[&str]| code(frames).expect_err("refused").code();
    let large = encode(&[("key", &"k".repeat(70_000))], Some("x"));
    let names: Vec<String> = (0..200).map(|number| format!("x{number}")).collect();
    let many = encode(&names.iter().map(|name| (name.as_str(), "b")).collect::<Vec<_>>(), Some("x"));
    let twice = encode(&[("acl", "private"), ("ACL", "public-read")], Some("x"));
    for (form, expected) in [
        ("", ErrorCode::MalformedPOSTRequest),
        ("nonsense", ErrorCode::MalformedPOSTRequest),
        ("--y\r\n\r\n", ErrorCode::MalformedPOSTRequest),
        ("--x\r\n\r\nvalue\r\n--x--", ErrorCode::MalformedPOSTRequest),
        ("--x\r\nContent-Disposition: form-data\r\n\r\nvalue\r\n--x--", ErrorCode::MalformedPOSTRequest),
        ("--x--\r\n", ErrorCode::IncorrectNumberOfFilesInPostRequest),
        (&encode(&[("key", "k")], None), ErrorCode::IncorrectNumberOfFilesInPostRequest),
        ("--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nval", ErrorCode::IncompleteBody),
        (&twice, ErrorCode::InvalidArgument),
        (&large, ErrorCode::MaxPostPreDataLengthExceeded),
        (&many, ErrorCode::MaxPostPreDataLengthExceeded),
    ] {
        let short: String = form.chars().take(60).collect();
        assert_eq!(code(&[form]), expected, "{short:?}");
    }
    let cut = open_frames(vec![encode(&[], Some("content")).replace("\r\n--x--\r\n", "")]).expect("a form");
    assert_eq!(content(cut), Err(ErrorCode::IncompleteBody));
}

/// The cases of Ceph's s3-tests for policies.
#[test]
fn policies_are_enforced() {
    let base = r#"{"bucket": "b"}, ["starts-with", "$key", "foo"]"#;
    let key = ("key", "foo.txt");
    let denied = Err(ErrorCode::AccessDenied);
    let invalid = Err(ErrorCode::InvalidPolicyDocument);
    for (conditions, fields, expected) in [
        (base.to_owned(), &[key][..], Ok(())),
        (base.to_owned(), &[key, ("x-ignore-foo", "bar")], Ok(())),
        (base.to_owned(), &[key, ("x-amz-checksum-crc32", "NhCmhg==")], Ok(())),
        (base.to_owned(), &[key, ("x-amz-checksum-type", "COMPOSITE")], denied),
        (r#"{"bUcKeT": "b"}, ["StArTs-WiTh", "$KeY", "foo"]"#.to_owned(), &[("kEy", "foo.txt")], Ok(())),
        (format!(r#"{base}, ["eq", "$x-amz-meta-foo", "bar"]"#), &[key, ("x-amz-meta-foo", "bar")], Ok(())),
        (format!(r#"{base}, ["eq", "$x-amz-meta-foo", ""]"#), &[key, ("x-amz-meta-foo", "bar")], denied),
        (format!(r#"{base}, ["starts-with", "$x-amz-meta-foo", "bar"]"#), &[key], denied),
        (format!(r#"{base}, ["content-length-range", 0, "100"]"#), &[key], Ok(())),
        (base.to_owned(), &[key, ("acl", "private")], denied),
        (base.to_owned(), &[("key", "other")], denied),
        (r#"["starts-with", "$key", "foo"]"#.to_owned(), &[key], denied),
        (r#"{"bucket": "other"}, ["starts-with", "$key", "foo"]"#.to_owned(), &[key], denied),
        (format!(r#"{base}, ["content-length-range", 0]"#), &[key], invalid),
        (format!(r#"{base}, ["content-length-range", -1, 0]"#), &[key], invalid),
        (format!(r#"{base}, ["matches", "$key", "x"]"#), &[key], invalid),
        (format!("{base}, {{}}"), &[key], invalid),
        ("{}".to_owned(), &[key], invalid),
    ] {
        let checked = check(&conditions, fields).map(drop).map_err(|error| error.code());
        assert_eq!(checked, expected, "{conditions} {fields:?}");
    }
}

#[test]
fn policies_are_read_strictly() {
    for (document, code) in [
        ("{\"expiration\": \"2014-12-30T12:00:00.000Z\", \"conditions\": []}", ErrorCode::AccessDenied),
        ("{\"EXPIRATION\": \"2015-12-30T12:00:00.000Z\", \"conditions\": []}", ErrorCode::InvalidPolicyDocument),
        ("{\"expiration\": \"2015-12-30T12:00:00.000Z\", \"CONDITIONS\": []}", ErrorCode::InvalidPolicyDocument),
        ("{\"expiration\": \"2015-12-30T12:00:00.000Z\"}", ErrorCode::InvalidPolicyDocument),
        ("{\"expiration\": \"2015-12-30 12:00:00\", \"conditions\": []}", ErrorCode::InvalidPolicyDocument),
        ("{\"conditions\": []}", ErrorCode::InvalidPolicyDocument),
        ("nonsense", ErrorCode::InvalidPolicyDocument),
    ] {
        let mut form = open(&[("policy", &BASE64.encode(document)), ("key", "k")], "");
        let error = form.check_policy(&BucketName::new("b").expect("a name"), NOW).expect_err(document);
        assert_eq!(error.code(), code, "{document}");
    }
    let mut form = open(&[("policy", "%%%"), ("key", "k")], "");
    assert!(form.check_policy(&BucketName::new("b").expect("a name"), NOW).is_err());
}

#[test]
fn the_size_range_bounds_the_file() {
    let run = |range: &str| {
        let conditions = format!(r#"{{"bucket": "b"}}, ["eq", "$key", "k"], ["content-length-range", {range}]"#);
        content(check(&conditions, &[("key", "k")]).expect("a form"))
    };
    assert_eq!(run("7, 7"), Ok("content".into()));
    assert_eq!(run("0, 6"), Err(ErrorCode::EntityTooLarge));
    assert_eq!(run("8, 100"), Err(ErrorCode::EntityTooSmall));
    assert_eq!(run(r#"0, 6], ["content-length-range", 0, 100"#), Err(ErrorCode::EntityTooLarge));
}

proptest! {
    #[test]
    fn forms_are_read_however_they_arrive(
        values in prop::collection::vec("[a-z\r\n-]{0,20}", 0..4),
        file in "[a-z\r\n-]{0,40}",
        cuts in prop::collection::vec(any::<usize>(), 0..30),
    ) {
        let fields: Vec<_> = ["a", "b", "c", "d"].into_iter().zip(values.iter().map(String::as_str)).collect();
        prop_assume!(!file.contains("\r\n--x") && values.iter().all(|value| !value.contains("\r\n--x")));
        let form = encode(&fields, Some(&file));
        let mut cuts: Vec<_> = cuts.iter().map(|cut| cut % (form.len() + 1)).chain([0, form.len()]).collect();
        cuts.sort_unstable();
        let frames = cuts.windows(2).map(|pair| form[pair[0]..pair[1]].to_owned()).collect();
        let form = open_frames(frames).expect("a form");
        let read: Vec<_> = form.fields.iter().map(|(_, value)| value.to_owned()).collect();
        prop_assert_eq!(read, values);
        prop_assert_eq!(content(form), Ok(file));
    }
}
