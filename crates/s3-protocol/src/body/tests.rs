use http::Request;
use http_body_util::{Full, StreamBody};
use proptest::prelude::*;
use types::Timestamp;

use super::*;
use crate::auth::{ChunkSigning, Framing, Scope, SigningKey};

const STALL: Duration = Duration::from_secs(5);

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime").block_on(future)
}

/// A body that arrives in these frames.
fn body(frames: Vec<Bytes>) -> impl http_body::Body<Data = Bytes, Error = std::io::Error> + Send + 'static {
    let frames = frames.into_iter().map(|frame| Ok(http_body::Frame::data(frame)));
    StreamBody::new(futures_util::stream::iter(frames))
}

fn payload(frames: Vec<Bytes>, headers: &[(&str, &str)], mode: &PayloadMode) -> Result<Payload, S3Error> {
    let mut request = Request::builder().method("PUT").uri("/b/k");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (parts, ()) = request.body(()).expect("a request").into_parts();
    Payload::new(body(frames), &RequestHead::new(&parts, None), mode, STALL)
}

/// All content, and the checksum behind it.
fn read(mut payload: Payload) -> Result<(Vec<u8>, Option<Checksum>), S3Error> {
    block_on(async {
        let mut content = Vec::new();
        while let Some(piece) = payload.next().await? {
            assert!(!piece.is_empty());
            content.extend_from_slice(&piece);
        }
        Ok((content, payload.trailer_checksum()))
    })
}

fn split(data: &[u8], cuts: &[usize]) -> Vec<Bytes> {
    let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut % (data.len() + 1)).chain([0, data.len()]).collect();
    cuts.sort_unstable();
    cuts.windows(2).map(|pair| Bytes::copy_from_slice(&data[pair[0]..pair[1]])).collect()
}

fn read_chunked(
    data: &[u8],
    cuts: &[usize],
    framing: Framing,
    length: usize,
    trailer: Option<&str>,
) -> Result<(Vec<u8>, Option<Checksum>), S3Error> {
    let length = length.to_string();
    let mut headers = vec![("x-amz-decoded-content-length", length.as_str())];
    headers.extend(trailer.map(|trailer| ("x-amz-trailer", trailer)));
    read(payload(split(data, cuts), &headers, &PayloadMode::Chunked(framing))?)
}

fn signing(seed: &str) -> ChunkSigning {
    let scope = Scope::parse("AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request").expect("a scope");
    ChunkSigning {
        key: SigningKey::derive("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", &scope),
        seed_signature: seed.to_owned(),
        signed_at: Timestamp::from_secs(1_369_353_600),
        scope: scope.to_sign.to_owned(),
    }
}

/// The body of the S3 API reference's examples: 65536 and 1024 times `a`, then the end.
fn documented_body(signatures: [&str; 3], end: &str) -> Vec<u8> {
    let mut data = Vec::new();
    for (size, signature) in [65_536, 1024, 0].into_iter().zip(signatures) {
        data.extend_from_slice(format!("{size:x};chunk-signature={signature}\r\n").as_bytes());
        data.extend(std::iter::repeat_n(b'a', size));
        if size > 0 {
            data.extend_from_slice(b"\r\n");
        }
    }
    data.extend_from_slice(end.as_bytes());
    data
}

/// "Transferring Payload in Multiple Chunks (Chunked Upload)".
#[test]
fn the_documented_chunks_verify() {
    let seed = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    let signatures = [
        "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648",
        "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497",
        "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9",
    ];
    let data = documented_body(signatures, "\r\n");
    assert_eq!(data.len(), 66_824);
    let read = |data: &[u8], seed: &str| read_chunked(data, &[70, 1000], Framing::Signed(signing(seed)), 66_560, None);
    assert_eq!(read(&data, seed), Ok((vec![b'a'; 66_560], None)));
    // A changed byte, signature, order or seed breaks the chain.
    for at in [30, 500, 65_700, 66_790] {
        let mut damaged = data.clone();
        damaged[at] ^= 1;
        let error = read(&damaged, seed).expect_err("damaged");
        assert_eq!(error.code(), ErrorCode::SignatureDoesNotMatch, "byte {at}");
    }
    assert!(read(&data, &seed.replace('4', "5")).is_err());
}

/// "Including Trailing Headers (Chunked Upload)".
#[test]
fn the_documented_trailer_verifies() {
    let seed = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    let signatures = [
        "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2",
        "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7",
        "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992",
    ];
    let trailer = "x-amz-checksum-crc32c:sOO8/Q==\r\n";
    let signature = "x-amz-trailer-signature:d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435\r\n";
    let read = |end: &str| {
        let framing = Framing::SignedWithTrailer(signing(seed));
        read_chunked(&documented_body(signatures, end), &[], framing, 66_560, Some("x-amz-checksum-crc32c"))
    };
    // The second is how minio-go writes it.
    for end in [format!("{trailer}{signature}\r\n"), format!("{}\n\r\n{signature}\r\n", trailer.trim_end())] {
        let (content, checksum) = read(&end).expect("the example");
        assert_eq!(checksum, Some(Checksum::of(ChecksumAlgorithm::Crc32c, &content)));
    }
    for (end, code) in [
        (format!("{trailer}\r\n"), ErrorCode::MalformedTrailerError),
        (format!("{signature}\r\n"), ErrorCode::SignatureDoesNotMatch),
        (format!("x-amz-checksum-crc32c:AAAAAA==\r\n{signature}\r\n"), ErrorCode::SignatureDoesNotMatch),
        (format!("{trailer}x-amz-meta-a:b\r\n{signature}\r\n"), ErrorCode::SignatureDoesNotMatch),
    ] {
        assert_eq!(read(&end).expect_err(&end).code(), code, "{end}");
    }
}

#[test]
fn unsigned_framing_is_checked() {
    let crc = Some("x-amz-checksum-crc32");
    let incomplete = ErrorCode::IncompleteBody;
    for (data, length, trailer, expected) in [
        ("3\r\nabc\r\n0\r\n\r\n", 3, None, Ok("abc")),
        ("3;ext=1\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", 5, None, Ok("abcde")),
        ("0\r\n\r\n", 0, None, Ok("")),
        ("3\nabc\n0\n", 3, None, Ok("abc")),
        ("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", 3, crc, Ok("abc")),
        ("3\r\nabc\r\n0\r\nX-Amz-Checksum-Crc32: NSRBwg== \r\n", 3, crc, Ok("abc")),
        ("3\r\nabc\r\n", 3, None, Err(incomplete)),
        ("3\r\nab", 3, None, Err(incomplete)),
        ("", 0, None, Err(incomplete)),
        ("0", 0, None, Err(incomplete)),
        ("0\r\n\r\n", 1, None, Err(incomplete)),
        ("3\r\nabc\r\n0\r\n\r\n", 4, None, Err(incomplete)),
        ("3\r\nabc\r\n0\r\n\r\n", 2, None, Err(incomplete)),
        ("FFFFFFFFFFFFFFFF\r\nabc", 3, None, Err(incomplete)),
        ("3\r\nabcd\r\n0\r\n\r\n", 3, None, Err(ErrorCode::InvalidRequest)),
        ("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\n\r\n\r\n", 3, crc, Ok("abc")),
        ("3\r\nabc\r\n0\r\n\r\nmore", 3, None, Err(incomplete)),
        ("3\r\nabc\r\n0\r\n\r\n3\r\nabc\r\n", 3, None, Err(ErrorCode::MalformedTrailerError)),
        ("10000000000000000\r\n", 3, None, Err(ErrorCode::InvalidRequest)),
        ("+3\r\nabc\r\n0\r\n\r\n", 3, None, Err(ErrorCode::InvalidRequest)),
        ("\r\n3\r\nabc\r\n0\r\n\r\n", 3, None, Err(ErrorCode::InvalidRequest)),
        ("abc", 3, None, Err(incomplete)),
        ("3\r\nabc\r\n0\r\n\r\n", 3, crc, Err(ErrorCode::MalformedTrailerError)),
        ("3\r\nabc\r\n0\r\nnonsense\r\n\r\n", 3, crc, Err(ErrorCode::MalformedTrailerError)),
        ("3\r\nabc\r\n0\r\nx-amz-checksum-sha1:x\r\n\r\n", 3, crc, Err(ErrorCode::MalformedTrailerError)),
        ("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:NSRBwg==\r\n\r\n", 3, None, Err(ErrorCode::MalformedTrailerError)),
        ("3\r\nabc\r\n0\r\nx-amz-checksum-crc32:bad\r\n\r\n", 3, crc, Err(ErrorCode::BadDigest)),
    ] {
        let read = read_chunked(data.as_bytes(), &[], Framing::Unsigned, length, trailer);
        let read = read.map(|(content, checksum)| {
            assert_eq!(checksum, trailer.map(|_| Checksum::of(ChecksumAlgorithm::Crc32, &content)));
            String::from_utf8(content).expect("text")
        });
        assert_eq!(read.map_err(|error| error.code()), expected.map(str::to_owned), "{data:?}");
    }
    let long = "0".repeat(2000);
    assert!(read_chunked(long.as_bytes(), &[], Framing::Unsigned, 0, None).is_err());
}

#[test]
fn sizes_are_bounded_where_they_must_be() {
    // A chunk above 4 GiB is legal; this one just does not come.
    let data = b"1400000000\r\nabc";
    let error = read_chunked(data, &[], Framing::Unsigned, 0x14_0000_0000, None).expect_err("incomplete");
    assert_eq!(error.code(), ErrorCode::IncompleteBody);
    let data = format!("1000001;chunk-signature={}\r\n", "0".repeat(64));
    let framing = Framing::Signed(signing("seed"));
    let error = read_chunked(data.as_bytes(), &[], framing, 0x100_0001, None).expect_err("too large");
    assert_eq!(error.code(), ErrorCode::InvalidRequest);
    for (length, code) in [(None, ErrorCode::MissingContentLength), (Some("-1"), ErrorCode::InvalidArgument)] {
        let headers: Vec<_> = length.map(|length| ("x-amz-decoded-content-length", length)).into_iter().collect();
        let payload = payload(Vec::new(), &headers, &PayloadMode::Chunked(Framing::Unsigned));
        assert_eq!(payload.expect_err("no length").code(), code);
    }
}

#[test]
fn plain_bodies_have_the_length_and_the_hash_that_is_claimed() {
    use sha2::{Digest as _, Sha256};
    let hash = PayloadMode::Sha256(Sha256::digest(b"abc").into());
    let frames = |text: &str| split(text.as_bytes(), &[1]);
    let run = |text: &str, headers: &[(&str, &str)], mode: &PayloadMode| {
        let read = payload(frames(text), headers, mode).and_then(read);
        read.map(|(content, _)| content.len()).map_err(|error| error.code())
    };
    let three = [("content-length", "3")];
    assert_eq!(run("abc", &three, &hash), Ok(3));
    assert_eq!(run("abc", &[], &hash), Ok(3));
    assert_eq!(run("abd", &three, &hash), Err(ErrorCode::XAmzContentSHA256Mismatch));
    assert_eq!(run("", &[], &hash), Err(ErrorCode::XAmzContentSHA256Mismatch));
    assert_eq!(run("ab", &three, &PayloadMode::Unsigned), Err(ErrorCode::IncompleteBody));
    assert_eq!(run("abcd", &three, &PayloadMode::Unsigned), Err(ErrorCode::IncompleteBody));
    assert_eq!(run("abc", &[("content-length", "3x")], &PayloadMode::Unsigned), Err(ErrorCode::InvalidArgument));
    let unknown = payload(frames("abc"), &[], &PayloadMode::Unsigned).expect("a payload");
    assert_eq!(unknown.require_length().expect_err("unknown").code(), ErrorCode::MissingContentLength);
}

#[test]
fn only_http_2_may_leave_the_length_out() {
    for (version, expected) in
        [(http::Version::HTTP_11, Err(ErrorCode::MissingContentLength)), (http::Version::HTTP_2, Ok(3))]
    {
        let (parts, ()) = Request::put("/b/k").version(version).body(()).expect("a request").into_parts();
        let whole = Full::new(Bytes::from_static(b"abc"));
        let payload =
            Payload::new(whole, &RequestHead::new(&parts, None), &PayloadMode::Unsigned, STALL).expect("a payload");
        assert_eq!(payload.require_length().map_err(|error| error.code()), expected, "{version:?}");
    }
}

#[test]
fn documents_are_collected_up_to_a_limit() {
    for (frames, limit, fits) in
        [(vec!["abc"], 3, true), (vec!["a", "b", "c"], 3, true), (vec!["abcd"], 3, false), (vec!["ab", "cd"], 3, false)]
    {
        let all = frames.concat();
        let frames = frames.into_iter().map(Bytes::from).collect();
        let mut payload = payload(frames, &[], &PayloadMode::Unsigned).expect("a payload");
        let collected = block_on(payload.collect(limit)).map_err(|error| error.code());
        let expected = if fits { Ok(Bytes::from(all)) } else { Err(ErrorCode::MaxMessageLengthExceeded) };
        assert_eq!(collected, expected);
    }
}

#[test]
fn a_body_that_stalls_is_given_up() {
    let (parts, ()) = Request::new(()).into_parts();
    let stalled = StreamBody::new(futures_util::stream::pending::<Result<http_body::Frame<Bytes>, std::io::Error>>());
    let head = RequestHead::new(&parts, None);
    let mut payload =
        Payload::new(stalled, &head, &PayloadMode::Unsigned, Duration::from_millis(10)).expect("a payload");
    assert_eq!(block_on(payload.next()).expect_err("stalled").code(), ErrorCode::RequestTimeout);
    assert_eq!(block_on(payload.next()), Ok(None), "after an error nothing comes");
}

/// Frames `chunks` as a client does.
fn encode(chunks: &[Vec<u8>], signing: Option<&ChunkSigning>, trailer: &str) -> Vec<u8> {
    use sha2::{Digest as _, Sha256};
    let empty = hex::encode(Sha256::digest(b""));
    let mut data = Vec::new();
    let mut previous = signing.map(|signing| signing.seed_signature.clone()).unwrap_or_default();
    let sign = |signing: &ChunkSigning, what: &str, previous: &str, hashes: &str| {
        let (date, scope) = (signing.signed_at.to_amz_date(), &signing.scope);
        let text = format!("AWS4-HMAC-SHA256-{what}\n{date}\n{scope}\n{previous}\n{hashes}");
        signing.key.sign(text.as_bytes()).to_string()
    };
    for chunk in chunks.iter().chain([&Vec::new()]) {
        data.extend_from_slice(format!("{:x}", chunk.len()).as_bytes());
        if let Some(signing) = signing {
            let hash = hex::encode(Sha256::digest(chunk));
            previous = sign(signing, "PAYLOAD", &previous, &format!("{empty}\n{hash}"));
            data.extend_from_slice(format!(";chunk-signature={previous}").as_bytes());
        }
        data.extend_from_slice(b"\r\n");
        data.extend_from_slice(chunk);
        data.extend_from_slice(if chunk.is_empty() { b"" } else { b"\r\n" });
    }
    if !trailer.is_empty() {
        data.extend_from_slice(format!("{trailer}\r\n").as_bytes());
        if let Some(signing) = signing {
            let hash = hex::encode(Sha256::digest(format!("{trailer}\n")));
            let signature = sign(signing, "TRAILER", &previous, &hash);
            data.extend_from_slice(format!("x-amz-trailer-signature:{signature}\r\n").as_bytes());
        }
    }
    data.extend_from_slice(b"\r\n");
    data
}

proptest! {
    #[test]
    fn framing_is_undone_however_it_arrives(
        chunks in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 0..6),
        cuts in prop::collection::vec(any::<usize>(), 0..40),
        signed in any::<bool>(),
        with_trailer in any::<bool>(),
    ) {
        let content = chunks.concat();
        let checksum = Checksum::of(ChecksumAlgorithm::Crc64Nvme, &content);
        let trailer = format!("x-amz-checksum-crc64nvme:{}", checksum.to_base64());
        let signing = signing("seed");
        let framing = match (signed, with_trailer) {
            (false, _) => Framing::Unsigned,
            (true, false) => Framing::Signed(signing.clone()),
            (true, true) => Framing::SignedWithTrailer(signing.clone()),
        };
        let data = encode(&chunks, signed.then_some(&signing), if with_trailer { &trailer } else { "" });
        let announced = with_trailer.then_some("x-amz-checksum-crc64nvme");
        let read = read_chunked(&data, &cuts, framing.clone(), content.len(), announced);
        prop_assert_eq!(read, Ok((content.clone(), with_trailer.then_some(checksum))));
        // Whatever is cut off before the last chunk is missed.
        if let Some(cut) = cuts.first().filter(|_| !content.is_empty()) {
            let tail = encode(&[], signed.then_some(&signing), if with_trailer { &trailer } else { "" }).len();
            let kept = cut % (data.len() - tail);
            prop_assert!(read_chunked(&data[..kept], &cuts, framing, content.len(), announced).is_err());
        }
    }

    #[test]
    fn files_end_at_the_boundary_however_they_arrive(
        content in "[\r\n\\-xab]{0,200}",
        cuts in prop::collection::vec(any::<usize>(), 0..40),
    ) {
        prop_assume!(!content.contains("\r\n--xx"));
        let data = format!("{content}\r\n--xx--\r\n");
        let size = SizeRange { min_bytes: 0, max_bytes: 200 };
        let file = FormFile::new(b"\r\n--xx".to_vec(), size);
        let frames = Frames::new(body(split(data.as_bytes(), &cuts)), STALL);
        let read = read(Payload::of_form(frames, file));
        prop_assert_eq!(read, Ok((content.into_bytes(), None)));
    }
}
