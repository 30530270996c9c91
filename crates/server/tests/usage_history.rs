//! The history of use of a real server: what was done is in it exactly, over a restart, in each form.

mod support;

use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use support::{BINARY, commonhold, errors, manager, monitoring, request, words};
use testkit::TestServer;

fn usage(server: &TestServer, arguments: &[&str]) -> Output {
    let config = server.config_path();
    let mut all = vec!["--config", config.to_str().expect("text"), "admin", "usage"];
    all.extend_from_slice(arguments);
    commonhold(Path::new("/"), &all, &[])
}

fn rows(server: &TestServer, arguments: &[&str]) -> Vec<Value> {
    let all = [&["t", "--by", "day", "--json"], arguments].concat();
    let output = usage(server, &all);
    let mut history: Value = serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{}", errors(&output)));
    serde_json::from_value(history["rows"].take()).expect("rows")
}

#[test]
fn what_was_done_is_in_the_history_exactly() {
    let mut server = TestServer::start(BINARY);
    let key = manager(&server);
    let send = |server: &TestServer, method: &str, path: &str, body: &str| {
        request(server.s3_address(), &key, method, path, body).status
    };
    assert_eq!(send(&server, "PUT", "/data", ""), 200);
    assert_eq!(send(&server, "PUT", "/data/one", &"x".repeat(1000)), 200);
    assert_eq!(send(&server, "PUT", "/data/two", &"x".repeat(500)), 200);
    assert_eq!(send(&server, "GET", "/data/one", ""), 200);
    assert_eq!(send(&server, "DELETE", "/data/two", ""), 204);
    // A name that is no bucket's has no history of its own, whoever makes it up.
    assert_eq!(send(&server, "GET", "/made-up/one", ""), 404);
    let requests = |read, write, delete| json!({"read": read, "write": write, "list": 0, "delete": delete, "other": 0});

    let buckets = rows(&server, &["--each", "bucket"]);
    assert_eq!(buckets.len(), 1, "{buckets:?}");
    assert_eq!((&buckets[0]["bucket"], &buckets[0]["traffic"]["received_bytes"]), (&json!("data"), &json!(1500)));
    assert_eq!(buckets[0]["traffic"]["requests"], requests(1, 2, 1));
    let whole = rows(&server, &[]);
    assert_eq!(whole[0]["traffic"]["requests"], requests(2, 3, 1), "with what is of no bucket");
    assert!(whole[0]["traffic"]["sent_bytes"].as_u64() >= Some(1000), "{whole:?}");
    let ann = rows(&server, &["--owner", "ann"]);
    assert_eq!(ann[0]["traffic"], whole[0]["traffic"], "all of it was hers");

    // An orderly end writes what was counted, and a start goes on from there and looks at what is stored.
    assert_eq!(send(&server, "GET", "/data?list-type=2", ""), 200);
    server.stop_process();
    server.start_again();
    assert_eq!(rows(&server, &[])[0]["traffic"]["requests"]["list"], json!(1));
    let patience = Instant::now();
    while rows(&server, &["--bucket", "data"])[0]["stored"]["bytes"] != json!(1000) {
        assert!(patience.elapsed() < Duration::from_secs(20), "{:?}", rows(&server, &["--bucket", "data"]));
        std::thread::sleep(Duration::from_millis(100));
    }
    assert_eq!(rows(&server, &["--bucket", "data"])[0]["stored"]["objects"], json!(1));
    assert_eq!(rows(&server, &["--bucket", "data"])[0]["owner"], json!("ann"));
    let page = monitoring(&server, "/metrics").body;
    assert!(page.contains(r#"commonhold_tenancy_stored_bytes{tenancy="t",kind="current"} 1000"#), "{page}");

    let csv = words(&usage(&server, &["t", "--by", "month", "--each", "bucket", "--csv"]));
    let lines: Vec<Vec<&str>> = csv.lines().map(|line| line.trim_end().split(',').collect()).collect();
    assert_eq!((lines.len(), lines[0][0], lines[1][1], lines[1][3]), (2, "period", "data", "1000"), "{csv}");
    let table = words(&usage(&server, &["t", "--by", "day"]));
    assert!(table.contains("RECEIVED") && table.contains("1000 B"), "{table}");
    let nowhere = usage(&server, &["nowhere", "--by", "day"]);
    assert!(errors(&nowhere).contains("admin tenancy list"), "{}", errors(&nowhere));
}
