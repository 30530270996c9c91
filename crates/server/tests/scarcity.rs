//! A disk that fills up, and too few open files: what clients are told, and that it passes.

mod support;

use std::fs;
use std::process::Command;
use std::time::{Duration, Instant};

use support::http::connect;
use support::sigv4::signed_head;
use support::{BINARY, folder, manager, request, skip, wrapper};
use testkit::{ServerConfig, TestServer};

/// Large enough to fill the disk soon.
const BODY_BYTES: usize = 4 << 20;

/// How this machine lets a test have a file system of its own.
fn unshare() -> Option<&'static str> {
    ["unshare -m", "unshare -rm"].into_iter().find(|unshare| {
        let script = format!("{unshare} sh -c 'mount -t tmpfs -o size=1m none /mnt'");
        Command::new("sh").args(["-c", &script]).output().is_ok_and(|output| output.status.success())
    })
}

#[test]
fn a_full_disk_refuses_writes_and_recovers_when_space_returns() {
    let (_folder, path) = folder();
    let Some(unshare) = unshare() else {
        return skip("no tmpfs can be mounted");
    };
    // A segment is 64 MiB, and the next one is made before it is needed.
    let disk = path.join("disk");
    fs::create_dir(&disk).expect("made");
    let mount = format!("mount -t tmpfs -o size=240m none {0} && COMMONHOLD_DATA_DIR={0}/data", disk.display());
    let binary = wrapper(&path, &format!("exec {unshare} sh -c '{mount} exec {BINARY} \"$@\"' - \"$@\""));
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
        std::io::Write::write_all(&mut stream, format!("{head}{}", &body[..90_000]).as_bytes()).expect("sent");
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
