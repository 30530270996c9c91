//! A disk that fills up, too few open files, little memory: what clients are told, and that it passes.

mod support;

use std::fs;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest, Sha256};
use support::http::{connect, exchange, read_answer};
use support::sigv4::signed_head;
use support::{BINARY, folder, manager, request, skip, wrapper};
use testkit::{AccessKey, ServerConfig, TestServer};

/// Large enough to fill the disk soon.
const BODY_BYTES: usize = 4 << 20;

/// How this machine lets a test have a file system of its own.
fn unshare() -> Option<&'static str> {
    ["unshare -m", "unshare -rm"].into_iter().find(|unshare| {
        let script = format!("{unshare} sh -c 'mount -t tmpfs -o size=1m none /mnt'");
        Command::new("sh").args(["-c", &script]).output().is_ok_and(|output| output.status.success())
    })
}

/// A file of the folder as a disk with ext4, if this machine has what it takes.
fn ext4(folder: &Path, unshare: &str) -> Option<String> {
    let image = folder.join("image");
    let make = format!("truncate -s 300M {0} && mkfs.ext4 -q {0}", image.display());
    let mount = format!("mount -o loop {}", image.display());
    let script = format!("PATH=$PATH:/usr/sbin:/sbin; {make} && {unshare} sh -c '{mount} /mnt'");
    let output = Command::new("sh").args(["-c", &script]).output().expect("a shell");
    output.status.success().then_some(mount)
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_when_space_returns() {
    let Some(unshare) = unshare() else { return skip("no tmpfs can be mounted") };
    // A segment is 64 MiB, and the next one is made before it is needed.
    let (_folder, path) = folder();
    fill_up(&path, unshare, "mount -t tmpfs -o size=240m none");
    let (_folder, path) = folder();
    match ext4(&path, unshare) {
        Some(mount) => fill_up(&path, unshare, &mount),
        // Containers seldom have loop devices; what is special of it is that space is allocated late.
        None => eprintln!("skipped: no ext4 can be made and mounted"),
    }
}

/// Fills the disk that `mount` puts at a directory, and empties it.
fn fill_up(path: &Path, unshare: &str, mount: &str) {
    let disk = path.join("disk");
    fs::create_dir(&disk).expect("made");
    let mount = format!("{mount} {0} && COMMONHOLD_DATA_DIR={0}/data", disk.display());
    let binary = wrapper(path, &format!("exec {unshare} sh -c '{mount} exec {BINARY} \"$@\"' - \"$@\""));
    let extra_toml = "\n[storage]\nreserve_mib = 16\n".to_owned();
    let server = TestServer::start_with(binary, &ServerConfig { extra_toml, ..ServerConfig::default() });
    let (key, address) = (manager(&server), server.s3_address());
    assert_eq!(request(address, &key, "PUT", "/data", "").status, 200);
    let body = "x".repeat(BODY_BYTES);
    let put = |number: usize| request(address, &key, "PUT", &format!("/data/k{number}"), &body);
    let stored = (0..100).take_while(|number| put(*number).status == 200).count();
    assert!((1..100).contains(&stored), "{stored}");
    let refused = put(stored);
    // A status that clients do not retry.
    assert_eq!(refused.status, 403, "{refused:?}");
    assert!(refused.body.contains("<Code>QuotaExceeded</Code>"), "{refused:?}");
    assert!(refused.body.contains("The store is full"), "{refused:?}");
    for number in 0..stored {
        let got = request(address, &key, "GET", &format!("/data/k{number}"), "");
        assert_eq!((got.status, got.body.len()), (200, BODY_BYTES), "reads go on");
    }
    for number in 0..stored {
        let deleted = request(address, &key, "DELETE", &format!("/data/k{number}"), "");
        assert_eq!(deleted.status, 204, "deletes go on: {deleted:?}");
    }
    let deadline = Instant::now() + Duration::from_secs(30);
    while put(0).status != 200 {
        assert!(Instant::now() < deadline, "writes work again when there is room\n{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(request(address, &key, "GET", "/data/k0", "").body.len(), BODY_BYTES);
}

#[test]
fn too_few_open_files_lose_nothing_and_pass() {
    let (_folder, path) = folder();
    let binary = wrapper(&path, &format!("ulimit -n 100; exec {BINARY} \"$@\""));
    let mut server = TestServer::start_with(binary, &ServerConfig::default());
    let (key, address) = (manager(&server), server.s3_address());
    assert_eq!(request(address, &key, "PUT", "/data", "").status, 200);
    let body = "y".repeat(100_000);
    assert_eq!(request(address, &key, "PUT", "/data/before", &body).status, 200);
    // More than it can accept, each with a request that needs a file.
    let mut waiting = Vec::new();
    for number in 0..90 {
        let path = format!("/data/during{number}");
        let length = body.len().to_string();
        let head = signed_head(&key, "PUT", &address.to_string(), &path, &[("content-length", &length)]);
        let mut stream = connect(address);
        // Half a body: the file is open, and stays so.
        stream.write_all(format!("{head}{}", &body[..90_000]).as_bytes()).expect("sent");
        waiting.push(stream);
    }
    std::thread::sleep(Duration::from_millis(500));
    assert!(server.log().contains("Too many open files"), "the test is to reach the limit\n{}", server.log());
    drop(waiting);
    let deadline = Instant::now() + Duration::from_secs(20);
    while request(address, &key, "PUT", "/data/after", &body).status != 200 {
        assert!(Instant::now() < deadline, "it passes\n{}", server.log());
        std::thread::sleep(Duration::from_millis(100));
    }
    server.kill();
    server.start_again();
    for name in ["before", "after"] {
        let got = request(address, &key, "GET", &format!("/data/{name}"), "");
        assert_eq!((got.status, got.body.len()), (200, body.len()), "{name}");
    }
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Requests at a time that hold what memory they can.
const UPLOADS: usize = 64;
/// What the server may have of memory at its worst: the bound that docs/performance.md states for large uploads.
const MOST_RESIDENT_BYTES: u64 = 300 << 20;
/// Keys of one DeleteObjects and of one page of a listing, the most that S3 allows.
const PAGE: usize = 1000;

/// Many large uploads that stand still half sent, each with what it holds, while listings, deletes and an upload of many
/// parts go on: memory stays within its bound, and everything is stored.
#[test]
fn many_large_requests_stay_within_a_bound_of_memory() {
    let server = TestServer::start(BINARY);
    let (key, address) = (manager(&server), server.s3_address());
    assert_eq!(request(address, &key, "PUT", "/data", "").status, 200);
    let body = "z".repeat(2 * BODY_BYTES);
    let (first, rest) = body.split_at(BODY_BYTES);
    let path = |number: usize| format!("/data/large{number}");
    let mut uploads: Vec<_> = (0..UPLOADS).map(|_| connect(address)).collect();
    for (number, stream) in uploads.iter_mut().enumerate() {
        let length = body.len().to_string();
        let head = signed_head(&key, "PUT", &address.to_string(), &path(number), &[("content-length", &length)]);
        stream.write_all(format!("{head}{first}").as_bytes()).expect("sent");
    }
    std::thread::scope(|scope| {
        for client in 0..4 {
            let key = &key;
            scope.spawn(move || make_list_and_delete(address, key, client));
        }
        scope.spawn(|| make_of_many_parts(address, &key));
    });
    for stream in &mut uploads {
        stream.write_all(rest.as_bytes()).expect("sent");
        assert_eq!(read_answer(stream).expect("an answer").status, 200);
    }
    for number in 0..UPLOADS {
        assert!(request(address, &key, "GET", &path(number), "").body == body, "{number}");
    }
    let status = fs::read_to_string(format!("/proc/{}/status", server.process_id())).expect("read");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
    let peak_bytes = peak.and_then(|kib| kib.parse::<u64>().ok()).expect("a number") << 10;
    assert!(peak_bytes <= MOST_RESIDENT_BYTES, "{peak_bytes} bytes resident");
    assert!(!server.log().contains("panicked"), "{}", server.log());
}

/// Fills pages of a listing, lists them, and deletes them in one request each.
fn make_list_and_delete(address: SocketAddr, key: &AccessKey, client: usize) {
    // Long names make large documents.
    let name = |number: usize| format!("many{client}/{number:0>200}");
    let mut stream = connect(address);
    for number in 0..PAGE {
        let path = format!("/data/{}", name(number));
        let head = signed_head(key, "PUT", &address.to_string(), &path, &[("content-length", "1")]);
        stream.write_all(format!("{head}x").as_bytes()).expect("sent");
        assert_eq!(read_answer(&mut stream).expect("an answer").status, 200);
    }
    let listed = request(address, key, "GET", &format!("/data?list-type=2&prefix=many{client}%2F"), "");
    assert_eq!(listed.body.matches("<Key>").count(), PAGE);
    let keys: String = (0..PAGE).map(|number| format!("<Object><Key>{}</Key></Object>", name(number))).collect();
    let wanted = format!("<Delete>{keys}</Delete>");
    let (length, digest) = (wanted.len().to_string(), STANDARD.encode(Sha256::digest(&wanted)));
    let headers = [("content-length", length.as_str()), ("x-amz-checksum-sha256", &digest)];
    let head = signed_head(key, "POST", &address.to_string(), "/data?delete=", &headers);
    let deleted = exchange(address, &format!("{head}{wanted}"));
    assert_eq!((deleted.status, deleted.body.matches("<Deleted>").count()), (200, PAGE), "{deleted:?}");
}

/// An upload of the most parts that a page of ListParts has.
fn make_of_many_parts(address: SocketAddr, key: &AccessKey) {
    let begun = request(address, key, "POST", "/data/parts?uploads=", "").body;
    let upload = begun.split("<UploadId>").nth(1).and_then(|rest| rest.split('<').next()).expect("an id").to_owned();
    for number in 1..=PAGE {
        let path = format!("/data/parts?partNumber={number}&uploadId={upload}");
        assert_eq!(request(address, key, "PUT", &path, "part").status, 200);
    }
    let listed = request(address, key, "GET", &format!("/data/parts?uploadId={upload}"), "");
    assert_eq!(listed.body.matches("<Part>").count(), PAGE);
    assert_eq!(request(address, key, "DELETE", &format!("/data/parts?uploadId={upload}"), "").status, 204);
}
