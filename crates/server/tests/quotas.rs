//! Quotas of the real program, over HTTP: racing writers against a hard limit, and every operation in every state.

mod support;

use std::io::Write;
use std::net::SocketAddr;
use std::thread;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::http::{Answer, connect, exchange, read_answer};
use support::sigv4::{form_fields, signed_head};
use support::{BINARY, manager, request};
use testkit::{AccessKey, TestServer};

/// Clients that write at the same time, each on a connection of its own.
const WRITERS: usize = 64;
/// What each tries to write.
const WRITES: usize = 12;
/// Sizes that travel inside a commit, and one that has a file.
const SIZES: [usize; 4] = [100, 70_000, 3_000, 900];
/// Far less than all of it together.
const LIMIT_BYTES: u64 = 2_000_000;
/// Within which a state begins and ends, by docs/quotas.md, and some patience with a busy machine.
const STATE_BEGINS_WITHIN: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(4);

/// Each success fits, each refusal would not have, and what is counted is what was accepted.
#[test]
fn sixty_four_writers_never_pass_a_hard_limit() {
    let server = TestServer::start(BINARY);
    let (key, address) = (manager(&server), server.s3_address());
    assert_eq!(request(address, &key, "PUT", "/data", "").status, 200);
    let limit = LIMIT_BYTES.to_string();
    for (at, scope) in [&["t"][..], &["t", "--bucket", "data"], &["t", "--owner", "ann"]].into_iter().enumerate() {
        server.admin(&[&["quota", "set"], scope, &["--bytes", &limit]].concat());
        let outcomes: Vec<(usize, bool)> = thread::scope(|threads| {
            let key = &key;
            let write = |writer| threads.spawn(move || write_all(address, key, &format!("{at}-{writer}")));
            let writers: Vec<_> = (0..WRITERS).map(write).collect();
            writers.into_iter().flat_map(|writer| writer.join().expect("its checks hold")).collect()
        });
        let accepted = outcomes.iter().filter(|(_, accepted)| *accepted).map(|(size, _)| *size as u64);
        let (bytes, objects) = (accepted.clone().sum::<u64>(), accepted.count() as u64);
        assert!(bytes <= LIMIT_BYTES, "{bytes} with {scope:?}");
        let refused = outcomes.iter().filter(|(_, accepted)| !accepted).map(|(size, _)| *size as u64).min();
        let smallest = refused.expect("there was more than fits");
        assert!(bytes + smallest > LIMIT_BYTES, "{smallest} would have fitted into what {bytes} leave with {scope:?}");
        let used = &server.admin(&["usage", "t"])["tenancies"][0];
        assert_eq!((&used["bytes"], &used["objects"]), (&Value::from(bytes), &Value::from(objects)), "{scope:?}");
        server.admin(&[&["quota", "clear"], scope].concat());
        empty(address, &key, "data");
    }
}

/// Writes objects of its own, one after another; answers the size of each and whether it was accepted.
fn write_all(address: SocketAddr, key: &AccessKey, name: &str) -> Vec<(usize, bool)> {
    let mut stream = connect(address);
    let write = |number: usize| {
        let size = SIZES[number % SIZES.len()];
        let path = format!("/data/{name}-{number}");
        let length = size.to_string();
        let head = signed_head(key, "PUT", &address.to_string(), &path, &[("content-length", &length)]);
        stream.write_all(format!("{head}{}", "x".repeat(size)).as_bytes()).expect("sent");
        let answer = read_answer(&mut stream).expect("an answer");
        if answer.status != 200 {
            assert_eq!(answer.status, 403, "{answer:?}");
            assert!(answer.body.contains("<Code>QuotaExceeded</Code>"), "{answer:?}");
            assert!(answer.body.contains(&format!("may hold {LIMIT_BYTES} bytes")), "{answer:?}");
            // A body that was refused before it was read may end the connection.
            stream = connect(address);
        }
        (size, answer.status == 200)
    };
    (0..WRITES).map(write).collect()
}

/// Deletes every object of a bucket without versions.
fn empty(address: SocketAddr, key: &AccessKey, bucket: &str) {
    loop {
        let listed = request(address, key, "GET", &format!("/{bucket}?list-type=2"), "").body;
        let names: Vec<&str> = listed.split("<Key>").skip(1).filter_map(|rest| rest.split('<').next()).collect();
        if names.is_empty() {
            return;
        }
        let deleted = delete_objects(address, key, bucket, &names);
        assert_eq!(deleted.body.matches("<Deleted>").count(), names.len(), "{deleted:?}");
    }
}

fn delete_objects(address: SocketAddr, key: &AccessKey, bucket: &str, names: &[&str]) -> Answer {
    let names: String = names.iter().map(|name| format!("<Object><Key>{name}</Key></Object>")).collect();
    let wanted = format!("<Delete>{names}</Delete>");
    let digest = STANDARD.encode(Sha256::digest(&wanted));
    send(address, key, "POST", &format!("/{bucket}?delete="), &[("x-amz-checksum-sha256", &digest)], &wanted)
}

fn send(
    address: SocketAddr,
    key: &AccessKey,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Answer {
    let length = body.len().to_string();
    let headers: Vec<_> = headers.iter().copied().chain([("content-length", length.as_str())]).collect();
    let head = signed_head(key, method, &address.to_string(), path, &headers);
    exchange(address, &format!("{head}{body}"))
}

/// The states, by the settings of a quota on a tenancy that is exactly full.
const STATES: [(&str, &[&str]); 6] = [
    ("free", &["--bytes", "1GiB"]),
    ("soft", &["--bytes", "1GiB", "--soft-bytes", "FULL"]),
    ("told", &["--bytes", "FULL", "--action", "notify"]),
    ("full", &["--bytes", "FULL", "--action", "read-and-delete"]),
    ("read", &["--bytes", "FULL", "--action", "read-only"]),
    ("lock", &["--bytes", "FULL", "--action", "lockout"]),
];

const POLICY: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject",
    "Resource":"arn:aws:s3:::data/public/*"}]}"#;
const BLOCK: &str = "<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls>\
    </PublicAccessBlockConfiguration>";
const CONTROLS: &str = "<OwnershipControls><Rule><ObjectOwnership>BucketOwnerPreferred</ObjectOwnership></Rule>\
    </OwnershipControls>";
const CORS: &str = "<CORSConfiguration><CORSRule><AllowedOrigin>*</AllowedOrigin><AllowedMethod>GET</AllowedMethod>\
    </CORSRule></CORSConfiguration>";
const ENABLED: &str = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
const COPY: &[(&str, &str)] = &[("x-amz-copy-source", "/data/k")];
const NONE: &[(&str, &str)] = &[];
/// An answer to HEAD tells the length of a body that does not come; the end of the connection tells that.
const CLOSE: &[(&str, &str)] = &[("connection", "close")];

/// Every operation in an order in which each finds what it needs: name, method, path, headers, body, and for each of
/// [`STATES`] whether it works (`+`) or is refused (`-`). `{u}` and `{a}` are uploads, `{v}` is a version, `{e}` a part's tag.
type Row =
    (&'static str, &'static str, &'static str, &'static [(&'static str, &'static str)], &'static str, &'static str);
const ROWS: &[Row] = &[
    ("PutObject", "PUT", "/data/new", NONE, "x", "+++---"),
    ("PutObject larger", "PUT", "/data/k", NONE, HUNDRED_AND_ONE, "+++---"),
    ("PutObject as large", "PUT", "/data/k", NONE, HUNDRED, "++++--"),
    ("PutObject in versions", "PUT", "/kept/k", NONE, HUNDRED, "+++---"),
    ("PostObject", "POST", "/data", NONE, "FORM", "+++---"),
    ("CopyObject", "PUT", "/data/copy", COPY, "", "+++---"),
    ("CreateMultipartUpload", "POST", "/data/more?uploads=", NONE, "", "+++---"),
    ("UploadPart", "PUT", "/data/u?partNumber=2&uploadId={u}", NONE, "x", "+++---"),
    ("UploadPart as large", "PUT", "/data/u?partNumber=1&uploadId={u}", NONE, HUNDRED, "++++--"),
    ("UploadPartCopy", "PUT", "/data/u?partNumber=3&uploadId={u}", COPY, "", "+++---"),
    ("GetObject", "GET", "/data/k", NONE, "", "+++++-"),
    ("HeadObject", "HEAD", "/data/k", CLOSE, "", "+++++-"),
    ("GetObject of a version", "GET", "/kept/k?versionId={v}", NONE, "", "+++++-"),
    ("GetObjectAttributes", "GET", "/data/k?attributes=", &[("x-amz-object-attributes", "ETag")], "", "+++++-"),
    ("GetObjectAcl", "GET", "/data/k?acl=", NONE, "", "+++++-"),
    ("ListObjects", "GET", "/data", NONE, "", "+++++-"),
    ("ListObjectsV2", "GET", "/data?list-type=2", NONE, "", "+++++-"),
    ("ListObjectVersions", "GET", "/kept?versions=", NONE, "", "+++++-"),
    ("ListMultipartUploads", "GET", "/data?uploads=", NONE, "", "+++++-"),
    ("ListParts", "GET", "/data/u?uploadId={u}", NONE, "", "+++++-"),
    ("HeadBucket", "HEAD", "/data", CLOSE, "", "+++++-"),
    ("ListBuckets", "GET", "/", NONE, "", "++++++"),
    ("GetBucketLocation", "GET", "/data?location=", NONE, "", "++++++"),
    ("GetBucketVersioning", "GET", "/kept?versioning=", NONE, "", "++++++"),
    ("GetBucketAcl", "GET", "/data?acl=", NONE, "", "++++++"),
    ("GetBucketPolicy", "GET", "/data?policy=", NONE, "", "++++++"),
    ("GetBucketPolicyStatus", "GET", "/data?policyStatus=", NONE, "", "++++++"),
    ("GetBucketOwnershipControls", "GET", "/data?ownershipControls=", NONE, "", "++++++"),
    ("GetPublicAccessBlock", "GET", "/data?publicAccessBlock=", NONE, "", "++++++"),
    ("PutBucketVersioning", "PUT", "/kept?versioning=", NONE, ENABLED, "+++++-"),
    ("PutBucketAcl", "PUT", "/data?acl=", &[("x-amz-acl", "private")], "", "+++++-"),
    ("PutObjectAcl", "PUT", "/data/k?acl=", &[("x-amz-acl", "private")], "", "+++++-"),
    ("PutBucketPolicy", "PUT", "/data?policy=", NONE, POLICY, "+++++-"),
    ("PutPublicAccessBlock", "PUT", "/data?publicAccessBlock=", NONE, BLOCK, "+++++-"),
    ("PutBucketOwnershipControls", "PUT", "/data?ownershipControls=", NONE, CONTROLS, "+++++-"),
    ("PutBucketCors", "PUT", "/data?cors=", NONE, CORS, "+++++-"),
    ("GetBucketCors", "GET", "/data?cors=", NONE, "", "++++++"),
    ("DeleteBucketCors", "DELETE", "/data?cors=", NONE, "", "+++++-"),
    ("DeleteBucketPolicy", "DELETE", "/data?policy=", NONE, "", "+++++-"),
    ("DeletePublicAccessBlock", "DELETE", "/data?publicAccessBlock=", NONE, "", "+++++-"),
    ("DeleteBucketOwnershipControls", "DELETE", "/data?ownershipControls=", NONE, "", "+++++-"),
    ("CompleteMultipartUpload", "POST", "/data/u?uploadId={u}", NONE, "PARTS", "++++--"),
    ("CreateBucket", "PUT", "/made", NONE, "", "++++--"),
    ("DeleteBucket", "DELETE", "/empty", NONE, "", "++++--"),
    ("AbortMultipartUpload", "DELETE", "/data/a?uploadId={a}", NONE, "", "++++--"),
    ("PutObject into what an abort freed", "PUT", "/data/small", NONE, HUNDRED, "++++--"),
    ("PutObject beyond it", "PUT", "/data/new", NONE, "xx", "+++---"),
    ("DeleteObject of a version", "DELETE", "/kept/k?versionId={v}", NONE, "", "++++--"),
    ("PutObject into what a version freed", "PUT", "/data/other", NONE, HUNDRED, "++++--"),
    ("DeleteObject that leaves a marker", "DELETE", "/kept/k", NONE, "", "++++--"),
    ("DeleteObjects", "POST", "/data?delete=", NONE, "DELETE", "++++--"),
    ("DeleteObject", "DELETE", "/data/k", NONE, "", "++++--"),
    ("CopyObject into what was freed", "PUT", "/data/copy", &[("x-amz-copy-source", "/data/u")], "", "++++--"),
];
const HUNDRED: &str =
    "0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789";
const HUNDRED_AND_ONE: &str =
    "01234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890";

/// A tenancy with something of everything.
struct Tenancy {
    name: &'static str,
    key: AccessKey,
    address: SocketAddr,
    uploads: [String; 2],
    version: String,
    part: String,
}

impl Tenancy {
    fn new(server: &TestServer, name: &'static str) -> Self {
        let address = server.s3_address();
        server.create_tenancy(name);
        let key = server.create_key(name, "ann", "MANAGER");
        let ask = |method: &str, path: &str, body: &str| {
            let answer = request(address, &key, method, path, body);
            assert!(answer.status < 300, "{name} {method} {path}: {answer:?}");
            answer
        };
        for bucket in ["/data", "/kept", "/empty"] {
            ask("PUT", bucket, "");
        }
        ask("PUT", "/kept?versioning=", ENABLED);
        ask("PUT", "/data?policy=", POLICY);
        ask("PUT", "/data?publicAccessBlock=", BLOCK);
        ask("PUT", "/data?ownershipControls=", CONTROLS);
        ask("PUT", "/data?cors=", CORS);
        for object in ["/data/k", "/data/many"] {
            ask("PUT", object, HUNDRED);
        }
        let version = header(&ask("PUT", "/kept/k", HUNDRED), "x-amz-version-id");
        ask("PUT", "/kept/k", HUNDRED);
        let begin = |object: &str| {
            let begun = ask("POST", &format!("/data/{object}?uploads="), "").body;
            let id =
                begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an id").to_owned();
            let part = ask("PUT", &format!("/data/{object}?partNumber=1&uploadId={id}"), HUNDRED);
            (id, header(&part, "etag"))
        };
        let ((u, part), (a, _)) = (begin("u"), begin("a"));
        Self { name, key, address, uploads: [u, a], version, part }
    }

    fn send(&self, (_, method, path, headers, body, _): &Row) -> Answer {
        let [u, a] = &self.uploads;
        let path = path.replace("{u}", u).replace("{a}", a).replace("{v}", &self.version);
        match *body {
            "FORM" => self.post_form(),
            "DELETE" => delete_objects(self.address, &self.key, "data", &["many", "small"]),
            "PARTS" => {
                let part = format!("<Part><PartNumber>1</PartNumber><ETag>{}</ETag></Part>", self.part);
                let body = format!("<CompleteMultipartUpload>{part}</CompleteMultipartUpload>");
                send(self.address, &self.key, method, &path, headers, &body)
            }
            body => send(self.address, &self.key, method, &path, headers, body),
        }
    }

    fn post_form(&self) -> Answer {
        let mut body = String::new();
        let fields = [("key", "posted".to_owned())].into_iter().chain(form_fields(&self.key, "data"));
        for (name, value) in fields {
            body += &format!("--limit\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
        }
        body += "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"f\"\r\n\r\nx\r\n--limit--\r\n";
        let (host, length) = (self.address, body.len());
        let content_type = "multipart/form-data; boundary=limit";
        let head = format!("POST /data HTTP/1.1\r\nhost: {host}\r\ncontent-type: {content_type}\r\n");
        exchange(self.address, &format!("{head}content-length: {length}\r\n\r\n{body}"))
    }

    /// Sets the quota, with what is used for `FULL`, and waits until its state has begun.
    fn limit(&self, server: &TestServer, settings: &[&str]) {
        let used = server.admin(&["usage", self.name])["tenancies"][0]["bytes"].to_string();
        let settings: Vec<&str> =
            settings.iter().map(|setting| if *setting == "FULL" { used.as_str() } else { *setting }).collect();
        let began = Instant::now();
        server.admin(&[&["quota", "set", self.name], &settings[..]].concat());
        let is_strict = settings.contains(&"read-only") || settings.contains(&"lockout");
        while is_strict && server.admin(&["quota", "show", self.name])[0]["hard_reached"] != Value::Bool(true) {
            assert!(began.elapsed() < STATE_BEGINS_WITHIN + PATIENCE, "{} does not begin", self.name);
            thread::sleep(Duration::from_millis(50));
        }
    }
}

fn header(answer: &Answer, name: &str) -> String {
    let lines = answer.head.lines().filter_map(|line| line.split_once(':'));
    let value = lines.into_iter().find(|(found, _)| found.eq_ignore_ascii_case(name));
    value.expect("a header").1.trim().to_owned()
}

#[test]
fn each_operation_works_or_is_refused_as_the_state_says() {
    let server = TestServer::start(BINARY);
    let mut wrong = Vec::new();
    for (at, (name, settings)) in STATES.into_iter().enumerate() {
        let tenancy = Tenancy::new(&server, name);
        tenancy.limit(&server, settings);
        for row in ROWS {
            let answer = tenancy.send(row);
            // What DeleteObjects could not delete it tells in a document with status 200.
            let is_refusal = answer.body.contains("<Code>QuotaExceeded</Code>") || row.1 == "HEAD";
            let found = match answer.status {
                200 if row.0 == "DeleteObjects" && is_refusal => '-',
                200..300 => '+',
                403 if is_refusal => '-',
                _ => '?',
            };
            if Some(found) != row.5.chars().nth(at) {
                wrong.push(format!("{name}: {} {found}: {} {}", row.0, answer.status, answer.body));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A state that came of a limit ends when the limit is raised, without any request in between.
#[test]
fn a_strict_state_begins_and_ends_by_itself() {
    let server = TestServer::start(BINARY);
    let tenancy = Tenancy::new(&server, "lock");
    let get = || request(tenancy.address, &tenancy.key, "GET", "/data/k", "").status;
    server.admin(&["quota", "set", "lock", "--bytes", "1000", "--action", "lockout"]);
    assert_eq!(get(), 200);
    let filled = request(tenancy.address, &tenancy.key, "PUT", "/data/fills", &"x".repeat(400));
    assert_eq!(filled.status, 200, "{filled:?}");
    for (status, raised) in [(403, None), (200, Some("2000"))] {
        if let Some(limit) = raised {
            server.admin(&["quota", "set", "lock", "--bytes", limit]);
        }
        let began = Instant::now();
        while get() != status {
            assert!(began.elapsed() < STATE_BEGINS_WITHIN + PATIENCE, "{status} does not come");
            thread::sleep(Duration::from_millis(20));
        }
    }
}
