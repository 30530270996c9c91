//! What the fuzzer calls: one function a surface, each of which must neither panic nor hang on any input. A short run
//! is among the tests; `/fuzz` wraps the same functions for `cargo fuzz`.

use std::convert::Infallible;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http::request::Parts;
use http_body::Frame;
use http_body_util::StreamBody;
use types::{
    AccessKeyId, BucketName, ByteRange, ETag, EtagMatch, ObjectKey, TenancyName, Timestamp, UserName, VersionId,
};

use crate::auth::{ChunkSigning, Credentials, Framing, PayloadMode, Scope, SigningKey, SigningKeyCache};
use crate::body::Payload;
use crate::post_form::PostForm;
use crate::xml::access_control_policy::AccessControlPolicy;
use crate::xml::create_bucket_configuration::CreateBucketConfiguration;
use crate::xml::delete::DeleteRequest;
use crate::xml::{XmlWriter, complete_multipart_upload, cors_configuration, tagging, versioning_configuration};
use crate::{Claims, Query, RequestHead, acl, headers, params, route};

/// A function of this module.
pub type Target = fn(&[u8]);

/// Every function, by the name of its target.
pub const TARGETS: [(&str, Target); 7] = [
    ("names", fuzz_names),
    ("routing", fuzz_routing),
    ("signatures", fuzz_signatures),
    ("headers", fuzz_headers),
    ("chunked", fuzz_chunked),
    ("xml", fuzz_xml),
    ("form", fuzz_form),
];

const STALL: Duration = Duration::from_secs(1);

/// Names, ids, dates, tags and ranges: what is taken comes back from its text as it is, and no range leaves its object.
pub fn fuzz_names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(bucket) = BucketName::new(text) {
        assert!(bucket.check_for_creation().is_err() || (3..=BucketName::MAX_NEW).contains(&text.len()));
    }
    let _ = (TenancyName::new(text), UserName::new(text), AccessKeyId::new(text), ObjectKey::new(text));
    let _ = (Timestamp::parse_http_date(text), Timestamp::parse_amz_date(text), EtagMatch::parse(text));
    if let Some(moment) = Timestamp::parse_iso8601(text).filter(|moment| moment.as_secs() < 1 << 37) {
        let millis = Timestamp(moment.0 / 1000 * 1000);
        assert_eq!(Timestamp::parse_iso8601(&moment.to_iso8601()), Some(millis));
    }
    if let Ok(etag) = text.parse::<ETag>() {
        assert_eq!(etag.quoted().parse(), Ok(etag));
    }
    if let Ok(version) = text.parse::<VersionId>() {
        assert_eq!(version.to_string().parse(), Ok(version));
    }
    let Some(range) = ByteRange::parse(text) else { return };
    for size in [0, 1, data.len() as u64, u64::MAX] {
        let inside = range.resolve(size).map(|range| range.start < range.end && range.end <= size);
        assert!(inside.unwrap_or(true), "{range:?} of {size}");
    }
}

/// Paths, queries and their parameters: `METHOD TARGET`.
pub fn fuzz_routing(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let Ok(found) = route(&RequestHead::new(&parts, None)) else { return };
    let query = &found.query;
    let _ = (params::page_size(query, "max-keys", 1000), params::part_number(query), params::version_id(query));
    let _ = (params::encoding_type(query), params::upload_id(query), params::response_overrides(query));
    if let Some(key) = found.key() {
        let raw = format!("/b/{}", crate::percent::encode_path(key.as_str()));
        let again = Request::builder().uri(raw).body(()).expect("an encoded path is one").into_parts().0;
        let again = route(&RequestHead::new(&again, None)).expect("a key can be asked for");
        assert_eq!(again.key(), Some(key), "a key survives its encoding");
    }
}

/// Signatures in headers and queries: nobody gets in without the secret.
pub fn fuzz_signatures(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let head = RequestHead::new(&parts, Some("bucket"));
    let Ok(query) = Query::parse(head.raw_query()) else { return };
    let Ok(credentials) = Credentials::parse(&head, &query) else { return };
    let now = Timestamp::from_secs(1_369_353_600);
    let verified = credentials.verify("a secret that the fuzzer does not know", &head, now, &SigningKeyCache::new(1));
    assert!(verified.is_err() || credentials == Credentials::Anonymous);
}

/// Headers as typed values.
pub fn fuzz_headers(data: &[u8]) {
    let Some(parts) = parts(data) else { return };
    let all = &parts.headers;
    let _ = (Claims::parse(all), acl::HeaderAcl::from_headers(all), headers::conditions(all), headers::range(all));
    let _ = (headers::copy_source(all), headers::copy_source_range(all), headers::object_attributes(all));
    let mut out = http::HeaderMap::new();
    let _ = headers::SystemMetadata::from_headers(all);
    if let Ok(metadata) = headers::UserMetadata::from_headers(all) {
        headers::UserMetadata::write(&metadata.0, &mut out);
        assert_eq!(headers::UserMetadata::from_headers(&out).expect("no larger than before"), metadata);
    }
}

/// The framing of a body. The first byte says which, and how the frames are cut.
pub fn fuzz_chunked(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let framing = match first % 3 {
        0 => Framing::Unsigned,
        1 => Framing::Signed(signing()),
        _ => Framing::SignedWithTrailer(signing()),
    };
    let request =
        Request::builder().header("x-amz-decoded-content-length", "3").header("x-amz-trailer", "x-amz-checksum-crc32");
    let parts = request.body(()).expect("a request").into_parts().0;
    let mode = PayloadMode::Chunked(framing);
    let body = body(data, usize::from(*first));
    let mut payload = Payload::new(body, &RequestHead::new(&parts, None), &mode, STALL).expect("a payload");
    let content = block_on(payload.collect(16));
    assert!(content.is_err() || payload.trailer_checksum().is_some(), "what is announced has come");
    assert!(content.map_or(true, |content| content.len() == 3), "what ends well has the length that was claimed");
}

/// Documents, and that text survives writing and reading.
pub fn fuzz_xml(data: &[u8]) {
    let _ = (DeleteRequest::parse(data), complete_multipart_upload::parse(data), tagging::parse(data));
    let _ = (versioning_configuration::parse(data), CreateBucketConfiguration::parse(data));
    if let Ok(policy) = AccessControlPolicy::parse(data) {
        assert_eq!(AccessControlPolicy::parse(policy.to_xml().as_bytes()), Ok(policy));
    }
    if let Ok(cors) = cors_configuration::parse(data) {
        assert_eq!(cors_configuration::parse(cors_configuration::to_xml(&cors).as_bytes()), Ok(cors));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    let document = XmlWriter::document("A", |xml| xml.content(text));
    let text = text.replace('\0', "");
    if !document.contains("&#x0;") {
        assert_eq!(crate::xml::Element::parse(document.as_bytes(), "A").expect("a document").text, text);
    }
}

/// Form uploads. The first byte says how the frames are cut.
pub fn fuzz_form(data: &[u8]) {
    let Some((first, data)) = data.split_first() else { return };
    let request = Request::builder().header("content-type", "multipart/form-data; boundary=x");
    let parts = request.body(()).expect("a request").into_parts().0;
    let body = body(data, usize::from(*first));
    let Ok(mut form) = block_on(PostForm::read(body, &RequestHead::new(&parts, None), STALL, 1 << 20)) else { return };
    let bucket = BucketName::new("bucket").expect("a name");
    let _ = (form.credentials(), form.key(), form.headers(), form.success_action());
    let _ = form.check_policy(&bucket, Timestamp::default());
    let _ = block_on(form.into_file().collect(1 << 20));
}

/// A request out of lines: `METHOD TARGET`, then `name:value`.
fn parts(data: &[u8]) -> Option<Parts> {
    let mut lines = data.split(|byte| *byte == b'\n');
    let (method, target) = std::str::from_utf8(lines.next()?).ok()?.split_once(' ')?;
    let mut request = Request::builder().method(method).uri(target);
    for line in lines {
        let colon = line.iter().position(|byte| *byte == b':')?;
        request = request.header(&line[..colon], &line[colon + 1..]);
    }
    Some(request.body(()).ok()?.into_parts().0)
}

fn body(data: &[u8], frame_bytes: usize) -> impl http_body::Body<Data = Bytes, Error = Infallible> + Send + use<> {
    let frames: Vec<_> =
        data.chunks(frame_bytes.max(1)).map(|frame| Ok(Frame::data(Bytes::copy_from_slice(frame)))).collect();
    StreamBody::new(futures_util::stream::iter(frames))
}

fn signing() -> ChunkSigning {
    let scope = Scope::parse("AKID/20130524/us-east-1/s3/aws4_request").expect("a scope");
    ChunkSigning {
        key: SigningKey::derive("secret", &scope),
        seed_signature: "seed".to_owned(),
        signed_at: Timestamp::from_secs(1_369_353_600),
        scope: scope.to_sign.to_owned(),
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Inputs that reach deep, for the run below to damage.
    const SEEDS: &[&[u8]] = &[
        b"bytes=0-18446744073709551615",
        b"2009-10-12T17:50:30.000Z",
        b"\"d41d8cd98f00b204e9800998ecf8427e-10000\"",
        b"GET /b/k%20%2F//..?versionId=null&prefix=a+b&acl",
        b"PUT /b/k?partNumber=1&uploadId=0\nhost:h\nx-amz-copy-source:/b/a%20b?versionId=null\nx-amz-meta-a:\xe9",
        b"GET /b\nhost:h\nx-amz-date:20130524T000000Z\nx-amz-content-sha256:UNSIGNED-PAYLOAD\nauthorization:\
          AWS4-HMAC-SHA256 Credential=K/20130524/r/s3/aws4_request, SignedHeaders=host;x-amz-date, Signature=00",
        b"GET /b?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=K%2F20130524%2Fr%2Fs3%2Faws4_request&\
          X-Amz-Date=20130524T000000Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=00\nhost:h",
        b"GET /b\nauthorization:AWS K:c2ln\ndate:Fri, 24 May 2013 00:00:00 GMT",
        b"\x033\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n",
        b"\x043;chunk-signature=00\r\nabc\r\n0;chunk-signature=00\r\n\r\n",
        b"<Delete><Object><Key>a&#13;</Key></Object><Quiet>true</Quiet></Delete>",
        b"<AccessControlPolicy><AccessControlList><Grant><Grantee><ID>a</ID></Grantee><Permission>READ</Permission>\
          </Grant></AccessControlList></AccessControlPolicy>",
        b"\x07--x\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--x\r\nContent-Disposition: form-data; \
          name=\"file\"; filename=\"f\"\r\n\r\nbody\r\n--x--\r\n",
    ];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(512))]
        #[test]
        fn nothing_panics(
            seed in prop::sample::select(SEEDS),
            edits in prop::collection::vec((any::<usize>(), any::<u8>(), 0..3_u8), 0..6),
            noise in prop::collection::vec(any::<u8>(), 0..64),
        ) {
            let mut input = seed.to_vec();
            for (at, byte, edit) in edits {
                let at = at % input.len().max(1);
                match edit {
                    0 if !input.is_empty() => input[at] = byte,
                    1 => input.insert(at, byte),
                    _ => input.truncate(at),
                }
            }
            for (_, target) in TARGETS {
                target(&input);
                target(&noise);
            }
        }
    }
}
