//! The audit log of the real program: recorded over both ways in, listed, exported, proven, and checked at rest.

mod support;

use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{BINARY, manager, request, words};
use testkit::TestServer;

#[test]
fn what_is_done_over_both_ways_in_is_recorded_and_proven() {
    let mut server = TestServer::start(BINARY);
    let key = manager(&server);
    assert_eq!(request(server.s3_address(), &key, "PUT", "/bkt", "").status, 200);

    let list = server.admin(&["audit", "list"]);
    let entries: Vec<&Value> = list.as_array().expect("a list").iter().map(|line| &line["entry"]).collect();
    let actions: Vec<&str> = entries.iter().map(|entry| entry["action"].as_str().expect("a text")).collect();
    assert_eq!(actions[0], "s3:CreateBucket");
    for action in ["tenancy.create", "user.create", "role.grant", "key.create"] {
        assert!(actions.contains(&action), "{action} is not in {actions:?}");
    }
    assert_eq!(
        (&entries[0]["key"], &entries[0]["address"]),
        (&Value::from(key.id.as_str()), &Value::from("127.0.0.1"))
    );
    let of_socket = entries.iter().find(|entry| entry["via"] == "socket").expect("one");
    assert!(of_socket["uid"].is_u64(), "{of_socket}");
    let text = list.to_string();
    assert!(!text.contains(&key.secret), "no secret is recorded");

    let filtered = server.admin(&["audit", "list", "--action", "key.*", "--tenancy", "t", "--actor", "operator"]);
    assert_eq!(filtered.as_array().expect("a list").len(), 1, "{filtered}");
    assert_eq!(filtered[0]["entry"]["facts"]["access_key"], key.id.as_str());

    let verified = server.admin(&["audit", "verify"]);
    assert_eq!(verified["fault_count"], 0, "{verified}");
    assert_eq!(verified["last"], entries.len());
    let noted = format!("{}:{}", verified["last"], verified["head"].as_str().expect("a hash"));
    server.stop_process();
    let check = support::commonhold(&server.data_dir(), &["check", "--config", "../commonhold.toml"], &[]);
    assert!(check.status.success(), "{}{}", words(&check), support::errors(&check));
    server.start_again();
    assert_eq!(server.admin(&["audit", "verify", "--noted", &noted])["fault_count"], 0);

    // The export is proven without the program.
    let arguments = ["admin", "audit", "export", "--config", "../commonhold.toml"];
    let export = words(&support::commonhold(&server.data_dir(), &arguments, &[]));
    let mut previous = "0".repeat(64);
    for line in export.lines() {
        let (_, canonical) = line.split_once(",\"entry\":").expect("an entry");
        let parsed: Value = serde_json::from_str(line).expect("JSON");
        assert_eq!(parsed["previous"], previous.as_str());
        let mut hasher = Sha256::new();
        hasher.update(hex::decode(&previous).expect("hex"));
        hasher.update(canonical.strip_suffix('}').expect("the end"));
        assert_eq!(parsed["hash"], hex::encode(hasher.finalize()));
        previous = parsed["hash"].as_str().expect("a hash").to_owned();
    }
    assert_eq!(export.lines().count(), entries.len());
}
