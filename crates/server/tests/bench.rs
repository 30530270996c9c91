//! `commonhold bench` against the real server: every operation answers as it should, and its output is what it says.

mod support;

use serde_json::Value;
use support::{BINARY, command, folder, manager};
use testkit::{AccessKey, TestServer};

fn bench(server: &TestServer, key: &AccessKey, arguments: &[&str]) -> Value {
    let (_kept, folder) = folder();
    let url = server.s3_url();
    let variables = [("AWS_ACCESS_KEY_ID", key.id.as_str()), ("AWS_SECRET_ACCESS_KEY", key.secret.as_str())];
    let arguments = [&["bench", "--endpoint", &url, "--json"], arguments].concat();
    let output = command(&folder, &arguments, &variables).output().expect("runs");
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("prints JSON")
}

#[test]
fn every_operation_is_answered_without_errors() {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    let cases: [(&[&str], u64, u64); 9] = [
        (&["--operation", "put", "--size", "5KiB"], 40, 40 * 5120),
        (&["--operation", "put", "--size", "5KiB", "--sign-payload"], 40, 40 * 5120),
        (&["--operation", "put", "--size", "11MiB", "--part-size", "5MiB", "--count", "2"], 2, 22 << 20),
        (&["--operation", "get", "--size", "3KiB"], 40, 40 * 3072),
        (&["--operation", "range", "--size", "2MiB", "--range-size", "64KiB"], 40, 40 * 65536),
        (&["--operation", "head"], 40, 0),
        (&["--operation", "delete", "--objects", "40"], 40, 0),
        (&["--operation", "list", "--count", "3"], 3, 0),
        (&["--operation", "mixed"], 40, 0),
    ];
    for (case, requests, bytes) in cases {
        let defaults = ["--rounds", "1", "--connections", "4", "--objects", "10", "--count", "40"];
        let given = |name: &&str| name.starts_with("--") && case.contains(name);
        let defaults = defaults.chunks(2).filter(|pair| !given(&pair[0])).flatten().copied().collect::<Vec<_>>();
        let results = bench(&server, &key, &[case, &defaults].concat());
        let row = &results["measurements"][0];
        assert_eq!((&row["requests"], &row["errors"]), (&requests.into(), &0.into()), "{case:?}: {row}");
        if bytes > 0 {
            assert_eq!(row["bytes"], bytes, "{case:?}: {row}");
        }
        assert!(row["latency"]["p99_ms"].as_f64().expect("a number") > 0.0, "{row}");
    }
}

#[test]
fn two_endpoints_alternate_and_errors_are_counted() {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    let url = server.s3_url();
    let work = ["--endpoint", &url, "--operation", "put", "--count", "20", "--connections", "2", "--rounds", "2"];
    let results = bench(&server, &key, &work);
    let rows = results["measurements"].as_array().expect("a list");
    let rounds: Vec<_> = rows.iter().map(|row| row["round"].as_u64().expect("a number")).collect();
    assert_eq!((rounds, results["ratios"].as_array().expect("a list").len()), (vec![1, 1, 2, 2], 2));

    let wrong = AccessKey { id: key.id, secret: "wrong".to_owned() };
    let (_kept, folder) = folder();
    let variables = [("AWS_ACCESS_KEY_ID", wrong.id.as_str()), ("AWS_SECRET_ACCESS_KEY", wrong.secret.as_str())];
    let output =
        command(&folder, &["bench", "--endpoint", &url, "--operation", "get"], &variables).output().expect("runs");
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && told.contains("SignatureDoesNotMatch"), "{told}");
}

#[test]
fn targets_are_judged() {
    let server = TestServer::start(BINARY);
    let key = manager(&server);
    let results =
        bench(&server, &key, &["--duration", "1", "--rounds", "1", "--targets", "put-4KiB", "engine", "head"]);
    let rows = results["targets"].as_array().expect("a list");
    let names: Vec<_> = rows.iter().map(|row| row["name"].as_str().expect("a name")).collect();
    assert_eq!(names, ["put-4KiB-64", "engine-4KiB-64", "put-4KiB-1", "head-64"]);
    for row in rows {
        assert!(row["verdict"] != "failed" && row["ratio"].as_f64().expect("a number") > 0.0, "{row}");
    }
}

#[test]
fn a_store_is_started_for_the_run_and_removed_after_it() {
    let (_kept, folder) = folder();
    for work in [&["--targets", "head"][..], &["--operation", "put", "--count", "20", "--sign-payload"]] {
        let arguments =
            [&["bench", "--start", "--json", "--duration", "1", "--rounds", "1", "--dir", "here"], work].concat();
        let output = command(&folder, &arguments, &[]).output().expect("runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let results: Value = serde_json::from_slice(&output.stdout).expect("prints JSON");
        let (targets, rows) = (&results["targets"], &results["measurements"]);
        let is_judged = targets[0]["verdict"].is_string() && targets[0]["verdict"] != "failed";
        assert!(is_judged || (rows[0]["requests"] == 20 && rows[0]["errors"] == 0), "{results}");
        let left: Vec<_> = std::fs::read_dir(folder.join("here")).expect("listed").collect();
        assert!(left.is_empty(), "{left:?}");
    }
}

/// Of the rows of a full store those that are quick with a small one; the program that they start is this one.
#[test]
fn a_full_store_is_filled_killed_and_found_again() {
    let (_kept, folder) = folder();
    let work = ["--scale-objects", "2000", "--scale-parts", "2", "--duration", "1", "--rounds", "1"];
    for _ in 0..2 {
        let arguments = [&["bench", "--json", "--scale", "start", "parts"], &work[..]].concat();
        let output = command(&folder, &arguments, &[]).output().expect("runs");
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{told}");
        let results: Value = serde_json::from_slice(&output.stdout).expect("prints JSON");
        let rows = results["scale"].as_array().expect("a list");
        assert!(rows.len() >= 4, "{results}");
        for row in rows {
            assert!(row["verdict"] != "failed" && row["value"].as_f64().expect("a number") > 0.0, "{row}");
        }
    }
}
