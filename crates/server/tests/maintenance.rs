//! `commonhold check`, `scrub`, `backup` and `restore` on a real store, with and without its server.

mod support;

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;
use storage::{Batch, Bounded, Metadata, Space};
use storage_embedded::{EmbeddedStore, Options};
use support::{BINARY, commonhold, errors, folder, manager, metric, request, words};
use testkit::{AccessKey, TestServer};
use types::OsEntropy;

/// A body that is a file of its own in the store, and one that is packed into the log.
const BODIES: [(&str, usize); 2] = [("large", 200_000), ("small", 300)];

fn body(length: usize) -> String {
    "0123456789".repeat(length / 10)
}

/// A server with a bucket and an object of each size.
fn filled() -> (TestServer, AccessKey) {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    assert_eq!(request(server.s3_address(), &key, "PUT", "/data", "").status, 200);
    for (name, length) in BODIES {
        let put = request(server.s3_address(), &key, "PUT", &format!("/data/{name}"), &body(length));
        assert_eq!(put.status, 200, "{put:?}");
    }
    (server, key)
}

fn is_whole(address: SocketAddr, key: &AccessKey) {
    for (name, length) in BODIES {
        let got = request(address, key, "GET", &format!("/data/{name}"), "");
        assert_eq!((got.status, got.body), (200, body(length)), "{name}");
    }
}

/// Runs a command with the server's configuration.
fn run(server: &TestServer, arguments: &[&str]) -> Output {
    let config = server.config_path();
    let mut all = vec!["--config", config.to_str().expect("text")];
    all.extend_from_slice(arguments);
    commonhold(Path::new("/"), &all, &[])
}

/// What a command reports, and its exit code.
fn report(output: &Output) -> (Value, Option<i32>) {
    let report = serde_json::from_slice(&output.stdout);
    (report.unwrap_or_else(|error| panic!("{error}: {}{}", words(output), errors(output))), output.status.code())
}

/// The file of the one large blob of a store.
fn large_blob(data_dir: &Path) -> PathBuf {
    let directories = fs::read_dir(data_dir.join("embedded/blobs")).expect("listed");
    let files = directories.flat_map(|directory| fs::read_dir(directory.expect("listed").path()).expect("listed"));
    let files: Vec<PathBuf> = files.map(|file| file.expect("listed").path()).collect();
    assert_eq!(files.len(), 1, "{files:?}");
    files[0].clone()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).expect("read");
    bytes[at] ^= 1;
    fs::write(path, bytes).expect("written");
}

#[test]
fn what_was_backed_up_while_serving_comes_back() {
    let (mut server, key) = filled();
    let (_folder, path) = folder();
    let backup = path.join("backup");
    let target = backup.to_str().expect("text");
    let (made, code) = report(&run(&server, &["backup", target, "--json"]));
    assert_eq!((code, &made["damage_count"]), (Some(0), &Value::from(0)));
    let added = request(server.s3_address(), &key, "PUT", "/data/added", "added");
    assert_eq!(added.status, 200, "{added:?}");
    let (again, _) = report(&run(&server, &["backup", target, "--json"]));
    assert!(again["copied_bytes"].as_u64() < made["copied_bytes"].as_u64(), "{again} after {made}");
    // The index and the log's one segment, which has the new object, are copied again, and the large blob is not.
    assert_eq!((&again["copied_files"], &again["reused_files"]), (&Value::from(2), &Value::from(1)), "{again}");

    let refused = run(&server, &["restore", target, "--data-dir", server.data_dir().to_str().expect("text")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("nothing is overwritten"), "{}", errors(&refused));
    let inside = run(&server, &["backup", server.data_dir().join("b").to_str().expect("text")]);
    assert_eq!(inside.status.code(), Some(1), "{}", errors(&inside));

    // The disk is lost; the master key was kept elsewhere.
    server.kill();
    let lost = path.join("lost");
    fs::rename(server.data_dir(), &lost).expect("moved");
    let restored = run(&server, &["restore", target, "--data-dir", server.data_dir().to_str().expect("text")]);
    assert!(restored.status.success(), "{}", errors(&restored));
    assert!(words(&restored).contains("master.key"), "{}", words(&restored));
    fs::copy(lost.join("master.key"), server.data_dir().join("master.key")).expect("copied");
    server.start_again();
    is_whole(server.s3_address(), &key);
    let put = request(server.s3_address(), &key, "PUT", "/data/new", "new");
    assert_eq!(put.status, 200, "{put:?}");
}

#[test]
fn damage_is_named_by_its_object_with_and_without_a_server() {
    let (mut server, key) = filled();
    for is_running in [true, false] {
        let (clean, code) = report(&run(&server, &["scrub", "--json"]));
        assert_eq!((code, &clean["damage_count"]), (Some(0), &Value::from(0)), "{clean}");
        assert!(clean["read_bytes"].as_u64() >= Some(200_300), "{clean}");
        let (status, _) = report(&run(&server, &["scrub", "--status", "--json"]));
        let last = &status["last"];
        assert!(last["ended"].is_string() && last["damage_count"] == 0 && last["read_bytes"] == 200_300, "{status}");
        let file = large_blob(&server.data_dir());
        for at in [5, 200_000 + 30] {
            flip(&file, at);
            let (found, code) = report(&run(&server, &["scrub", "--json"]));
            let first = found["damages"][0].as_str().unwrap_or_default();
            assert!(first.starts_with("t/data/large: "), "{is_running} {at}: {found}");
            assert_eq!((code, &found["damage_count"]), (Some(1), &Value::from(1)), "{found}");
            if is_running {
                assert!(metric(&server, "commonhold_scrub_damages_total") > Some(0.0));
                assert!(metric(&server, "commonhold_scrub_last_pass_timestamp_seconds") > Some(1e9));
            }
            flip(&file, at);
        }
        is_running.then(|| server.stop_process());
    }
    server.start_again();
    is_whole(server.s3_address(), &key);
}

#[test]
fn a_check_is_for_stores_that_no_server_uses() {
    let (mut server, _) = filled();
    let refused = run(&server, &["check"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(errors(&refused).contains("stop it first"), "{}", errors(&refused));
    server.kill();
    let (whole, code) = report(&run(&server, &["check", "--json"]));
    assert_eq!((code, &whole["damage_count"], &whole["versions"]), (Some(0), &Value::from(0), &Value::from(2)));
    let file = large_blob(&server.data_dir());
    let content = fs::read(&file).expect("read");
    fs::remove_file(&file).expect("removed");
    let (found, code) = report(&run(&server, &["check", "--json"]));
    assert_eq!(code, Some(1), "{found}");
    assert!(found["damages"].to_string().contains("its file is missing"), "{found}");
    fs::write(&file, &content).expect("written");
    // Its content is a scrub's to read; its table of checksums and its footer are looked at here.
    for (at, is_found) in [(5, false), (200_000 + 3, true), (content.len() - 1, true)] {
        flip(&file, at);
        assert_eq!(run(&server, &["check"]).status.code(), Some(i32::from(is_found)), "byte {at}");
        flip(&file, at);
    }
    assert_eq!(run(&server, &["check"]).status.code(), Some(0));
    let (_folder, empty) = folder();
    let nothing = commonhold(&empty, &["check"], &[]);
    assert!(errors(&nothing).contains("there is no store"), "{}", errors(&nothing));
    assert!(!empty.join("commonhold-data").exists(), "none is made");
}

#[test]
fn a_check_sets_counters_right_when_it_is_to_repair() {
    let (mut server, key) = filled();
    let used = server.admin(&["usage", "t"]);
    server.stop_process();
    let store = server.data_dir().join("embedded");
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let store = EmbeddedStore::open_directory(&store, Options::default(), &OsEntropy).expect("opened");
        let wrong = [("t/t/bytes", 1_000_000), ("u/t/ann/objects", -1)];
        let count = wrong.map(|(name, delta)| Bounded { name: name.as_bytes().to_vec(), delta, at_most: None });
        store.commit(Space::CONTROL, b"test/", Batch { count: count.into(), ..Batch::default() }).await.expect("done");
        store.close().await.expect("closed");
    });
    let (found, code) = report(&run(&server, &["check", "--json"]));
    assert_eq!((code, &found["damage_count"], &found["corrected_count"]), (Some(1), &2.into(), &0.into()), "{found}");
    let corrected = run(&server, &["check", "--repair"]);
    assert!(corrected.status.success(), "{}", errors(&corrected));
    let told = "corrected: counter t/t/bytes says 1200300, and there are 200300";
    assert!(words(&corrected).contains(told), "{}", words(&corrected));
    let (whole, code) = report(&run(&server, &["check", "--repair", "--json"]));
    assert_eq!((code, &whole["corrected_count"]), (Some(0), &0.into()), "{whole}");
    server.start_again();
    assert_eq!(server.admin(&["usage", "t"]), used);
    is_whole(server.s3_address(), &key);
}
