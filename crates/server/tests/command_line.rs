//! The program as an operator meets it: first start, administration, demo, and mistakes.

mod support;

use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;
use support::http::{exchange, get};
use support::sigv4::signed_head;
use support::{BINARY, command, commonhold, errors, folder, send_signal, words};
use testkit::{AccessKey, ServerConfig, TestServer, free_port};

/// A server that the test reads the output of; ended when dropped.
struct Running {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Running {
    fn start(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Self {
        let mut command = command(folder, arguments, variables);
        let mut child =
            command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("runs");
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, output }
    }

    /// What it prints, up to the line that contains `last`.
    fn read_until(&mut self, last: &str) -> String {
        let mut text = String::new();
        while !text.lines().next_back().is_some_and(|line| line.contains(last)) {
            let length = self.output.read_line(&mut text).expect("readable");
            assert!(length > 0, "it ended without {last:?}:\n{text}");
        }
        text
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        send_signal(self.child.id(), Signal::TERM);
        self.child.wait().expect("it ends");
    }
}

/// Variables for a server on ports of its own.
fn ports() -> [(&'static str, String); 3] {
    [
        ("COMMONHOLD_LISTEN_S3", format!("127.0.0.1:{}", free_port())),
        ("COMMONHOLD_LISTEN_PORTAL", "off".to_owned()),
        ("COMMONHOLD_LISTEN_METRICS", "off".to_owned()),
    ]
}

fn borrowed<'a>(variables: &'a [(&'static str, String)]) -> Vec<(&'static str, &'a str)> {
    variables.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

#[test]
fn the_first_start_leads_to_a_key_that_works() {
    let (_folder, path) = folder();
    let variables = ports();
    let variables = borrowed(&variables);
    let mut server = Running::start(&path, &[], &variables);
    let banner = server.read_until("admin key create");
    let address = variables[0].1;
    let port = address.rsplit(':').next().expect("a port");
    for part in [&format!("http://localhost:{port}"), "commonhold-data", "demo", "admin tenancy create my-project-o"] {
        assert!(banner.contains(part), "{part} is not in\n{banner}");
    }
    let steps: Vec<Vec<&str>> = banner
        .lines()
        .filter_map(|line| line.split_once(" admin ").map(|(_, rest)| rest))
        .filter(|rest| ["tenancy", "user", "role", "key"].iter().any(|noun| rest.starts_with(noun)))
        .map(|rest| rest.split_whitespace().collect())
        .collect();
    assert_eq!(steps.len(), 4, "{banner}");
    let mut last = String::new();
    for step in steps {
        let arguments: Vec<&str> = std::iter::once("admin").chain(step).collect();
        let output = commonhold(&path, &arguments, &variables);
        assert!(output.status.success(), "{arguments:?}: {}", errors(&output));
        last = words(&output);
    }
    let value = |name: &str| {
        let line = last.lines().find(|line| line.starts_with(name)).expect("a line");
        line.split_whitespace().next_back().expect("a value").to_owned()
    };
    let key = AccessKey { id: value("Access key"), secret: value("Secret key") };
    let socket = address.parse().expect("an address");
    let answer = exchange(socket, &signed_head(&key, "PUT", address, "/first", &[("content-length", "0")]));
    assert_eq!(answer.status, 200, "{answer:?}");
    let answer = exchange(socket, &signed_head(&key, "GET", address, "/", &[]));
    assert!(answer.body.contains("<Name>first</Name>"), "{answer:?}");
    for private in ["master.key", "admin.sock"] {
        let mode = path.join("commonhold-data").join(private).metadata().expect(private).permissions().mode();
        assert_eq!(mode & 0o077, 0, "{private} has mode {mode:o}");
    }
}

#[test]
fn every_noun_has_its_verbs() {
    let server = TestServer::start(BINARY);
    let made = server.admin(&[
        "tenancy",
        "create",
        "cedadev-o",
        "--description",
        "Archive",
        "--quota",
        "10TiB",
        "--default-policy",
        "members",
    ]);
    assert_eq!((&made["quota_bytes"], &made["default_policy"]), (&Value::from(10u64 << 40), &Value::from("members")));
    let set = server.admin(&["tenancy", "set", "cedadev-o", "--quota", "none"]);
    assert_eq!((&set["quota_bytes"], &set["description"]), (&Value::Null, &Value::from("Archive")));
    assert_eq!(server.admin(&["tenancy", "list"])[0]["name"], "cedadev-o");
    assert_eq!(server.admin(&["tenancy", "show", "cedadev-o"])["name"], "cedadev-o");

    server.admin(&["user", "create", "ann", "--email", "ann@example.org"]);
    assert_eq!(server.admin(&["user", "list"])[0]["email"], "ann@example.org");
    server.admin(&["role", "grant", "cedadev-o", "ann", "deputy", "--expires", "2199-01-31"]);
    let roles = server.admin(&["role", "list", "cedadev-o"]);
    assert_eq!((&roles[0]["role"], &roles[0]["user"]), (&Value::from("DEPUTY"), &Value::from("ann")));
    let key = server.admin(&["key", "create", "--tenancy", "cedadev-o", "--user", "ann", "--description", "laptop"]);
    let id = key["access_key"].as_str().expect("an id");
    assert_eq!((id.len(), key["secret_key"].as_str().expect("a secret").is_empty()), (32, false));
    let keys = server.admin(&["key", "list", "--tenancy", "cedadev-o"]);
    assert_eq!((&keys[0]["description"], &keys[0]["secret_key"]), (&Value::from("laptop"), &Value::Null));
    let usage = server.admin(&["usage", "cedadev-o"]);
    assert_eq!((&usage["tenancies"][0]["objects"], &usage["tenancies"][0]["bytes"]), (&0.into(), &0.into()));

    assert_eq!(server.admin(&["user", "disable", "ann"])["status"], "disabled");
    assert_eq!(server.admin(&["user", "enable", "ann"])["status"], "active");
    server.admin(&["key", "delete", id]);
    server.admin(&["role", "revoke", "cedadev-o", "ann", "--reason", "left"]);
    server.admin(&["user", "delete", "ann"]);
    server.admin(&["tenancy", "delete", "cedadev-o"]);
    assert_eq!(server.admin(&["tenancy", "list"]), Value::Array(Vec::new()));
}

#[test]
fn a_key_from_elsewhere_is_taken_over() {
    let server = TestServer::start(BINARY);
    server.create_tenancy("t");
    server.admin(&["user", "create", "ann"]);
    server.admin(&["role", "grant", "t", "ann", "USER"]);
    let secret = "an-old.secret/with+strange=characters";
    let socket = server.admin_socket().to_str().expect("UTF-8");
    let arguments = [
        "admin",
        "--socket",
        socket,
        "key",
        "create",
        "--tenancy",
        "t",
        "--user",
        "ann",
        "--access-key",
        "Old.key_1-2",
        "--secret-stdin",
    ];
    let mut child = command(Path::new("/"), &arguments, &[])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .spawn()
        .expect("the program runs");
    writeln!(child.stdin.take().expect("piped"), "{secret}").expect("written");
    assert!(child.wait().expect("it ends").success());
    let key = AccessKey { id: "Old.key_1-2".to_owned(), secret: secret.to_owned() };
    let host = server.s3_address().to_string();
    let answer = exchange(server.s3_address(), &signed_head(&key, "GET", &host, "/", &[]));
    assert_eq!(answer.status, 200, "{answer:?}");
}

#[test]
fn people_get_tables() {
    let server = TestServer::start(BINARY);
    server.create_tenancy("t");
    server.create_key("t", "ann", "USER");
    let socket = server.admin_socket().to_str().expect("UTF-8");
    for (arguments, lines) in [
        (&["tenancy", "list"][..], &["NAME  QUOTA  DEFAULT POLICY", "t     none   owner"][..]),
        (&["user", "show", "ann"], &["Name     ann", "Status   active", "t        ann   USER"]),
        (&["usage"], &["TENANCY  OBJECTS  BYTES  SIZE  QUOTA", "t        0        0      0 B   none"]),
    ] {
        let arguments: Vec<&str> = ["admin", "--socket", socket].iter().chain(arguments).copied().collect();
        let text = words(&commonhold(Path::new("/"), &arguments, &[]));
        for line in lines {
            assert!(text.lines().any(|l| l.starts_with(line)), "{line:?} is not in\n{text}");
        }
    }
}

#[test]
fn the_demo_can_be_made_twice_and_its_values_work() {
    let (_folder, path) = folder();
    let variables = ports();
    let variables = borrowed(&variables);
    // Without a server, the demo starts one.
    let mut server = Running::start(&path, &["demo"], &variables);
    let first = server.read_until("print(dataset)");
    let second = commonhold(&path, &["demo", "--json"], &variables);
    assert!(second.status.success(), "{}", errors(&second));
    let second: Value = serde_json::from_slice(&second.stdout).expect("JSON");
    let text = |name: &str| second[name].as_str().expect(name).to_owned();
    assert_eq!(text("tenancy"), "demo-o");
    let first_id = first.lines().find_map(|line| line.strip_prefix("access_key = ")).expect("a key").to_owned();
    let first_secret = first.lines().find_map(|line| line.strip_prefix("secret_key = ")).expect("a secret").to_owned();
    assert_ne!(first_id, text("access_key"), "a secret is shown once, so each run makes a key");

    let address = variables[0].1;
    let socket = address.parse().expect("an address");
    let keys = [(first_id, first_secret), (text("access_key"), text("secret_key"))];
    for (id, secret) in keys {
        let key = AccessKey { id, secret };
        let path = format!("/{}/{}/.zmetadata", text("bucket"), text("dataset"));
        let answer = exchange(socket, &signed_head(&key, "GET", address, &path, &[]));
        assert!(answer.status == 200 && answer.body.contains("zarr_format"), "{answer:?}");
    }
}

#[test]
fn two_servers_do_not_share_a_data_directory() {
    let server = TestServer::start(BINARY);
    let (_folder, path) = folder();
    let data_dir = server.data_dir();
    let mut variables = ports().to_vec();
    variables.push(("COMMONHOLD_DATA_DIR", data_dir.display().to_string()));
    let output = commonhold(&path, &["serve"], &borrowed(&variables));
    assert_eq!(output.status.code(), Some(1));
    let message = errors(&output);
    assert!(message.contains("another commonhold serves") && message.contains("COMMONHOLD_DATA_DIR"), "{message}");
    assert!(server.try_admin(&["tenancy", "list"]).is_ok(), "the first one is unharmed");
}

#[test]
fn a_taken_port_and_a_readable_key_are_refused() {
    let mut server = TestServer::start(BINARY);
    let (_folder, path) = folder();
    let taken = server.s3_address().to_string();
    let variables = [
        ("COMMONHOLD_LISTEN_S3", taken.as_str()),
        ("COMMONHOLD_LISTEN_PORTAL", "off"),
        ("COMMONHOLD_LISTEN_METRICS", "off"),
    ];
    let output = commonhold(&path, &["serve"], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("listen.s3"), "{}", errors(&output));

    server.stop_process();
    let key = server.data_dir().join("master.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o640)).expect("set");
    let config = server.config_path();
    let output = commonhold(&path, &["serve", "--config", config.to_str().expect("UTF-8")], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("chmod 600"), "{}", errors(&output));

    std::fs::remove_file(&key).expect("removed");
    let output = commonhold(&path, &["serve", "--config", config.to_str().expect("UTF-8")], &[]);
    assert!(errors(&output).contains("Restore the file"), "{}", errors(&output));
    let wrong = [("COMMONHOLD_MASTER_KEY", "00".repeat(32))];
    let output = commonhold(&path, &["serve", "--config", config.to_str().expect("UTF-8")], &borrowed(&wrong));
    assert_eq!(output.status.code(), Some(1));
    assert!(errors(&output).contains("master key is not the one"), "{}", errors(&output));
}

#[test]
fn exit_codes_tell_what_kind_of_failure() {
    let (_folder, path) = folder();
    std::fs::write(path.join("bad.toml"), "data_dir = \"d\"\n[listen]\ns4 = 1\n").expect("written");
    std::fs::write(path.join("good.toml"), "data_dir = \"d\"\n").expect("written");
    for (arguments, code, part) in [
        (&["config", "check", "--config", "bad.toml"][..], 2, "bad.toml:3:1: unknown setting \"s4\""),
        (&["config", "check", "--config", "none.toml"], 2, "none.toml"),
        (&["serve", "--config", "bad.toml"], 2, "bad.toml:3:1"),
        (&["admin", "tenancy", "list"], 3, "commonhold serve"),
        (&["admin", "--socket", "/nonexistent", "user", "list"], 3, "/nonexistent"),
        (&["admin", "tenancy", "create", "Bad Name"], 2, "lower-case"),
        (&["admin", "tenancy", "create", "t", "--quota", "lots"], 2, "10TiB"),
        (&["admin", "role", "grant", "t", "u", "KING"], 2, "MANAGER"),
        (&["admin", "role", "grant", "t", "u", "USER", "--expires", "soon"], 2, "2027-01-31"),
        (&["admin", "key", "create", "--tenancy", "t", "--user", "u", "--access-key", "abc"], 2, "--secret-stdin"),
        (&["nonsense"], 2, "nonsense"),
    ] {
        let output = commonhold(&path, arguments, &[]);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", errors(&output));
        assert!(errors(&output).contains(part), "{arguments:?}: {}", errors(&output));
    }
    let good = commonhold(&path, &["config", "check", "--config", "good.toml"], &[]);
    assert!(good.status.success() && words(&good).contains("good"), "{}", errors(&good));
    let shown = commonhold(&path, &["config", "show"], &[("COMMONHOLD_LISTEN_S3", "127.0.0.1:1234")]);
    assert!(words(&shown).contains("s3 = \"127.0.0.1:1234\""), "{}", words(&shown));
    let version = commonhold(&path, &["--version"], &[]);
    assert!(words(&version).starts_with("commonhold 0."), "{}", words(&version));
}

/// As `commonhold … | head` does it.
#[test]
fn a_reader_who_has_read_enough_is_no_failure() {
    let (_folder, path) = folder();
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = command(&path, &["config", "show"], &[]).stdout(writer).output().expect("runs");
    assert!(output.status.success() && errors(&output).is_empty(), "{}", errors(&output));
}

#[test]
fn a_refusal_says_what_to_do() {
    let server = TestServer::start(BINARY);
    server.create_tenancy("t");
    for (arguments, part) in [
        (&["tenancy", "create", "t"][..], "already"),
        (&["tenancy", "show", "other"], "tenancy list"),
        (&["role", "grant", "t", "nobody", "USER"], "user list"),
        (&["key", "delete", "abc"], "key list"),
    ] {
        let error = server.try_admin(arguments).expect_err(part);
        assert!(error.contains(part), "{error}");
    }
    server.admin(&["user", "create", "ann"]);
    let error = server.try_admin(&["key", "create", "--tenancy", "t", "--user", "ann"]).expect_err("no role");
    assert!(error.contains("role grant"), "{error}");
}

#[test]
fn json_logs_name_each_request() {
    let extra_toml = "\n[log]\nformat = \"json\"\n".to_owned();
    let server = TestServer::start_with(BINARY, &ServerConfig { extra_toml, ..ServerConfig::default() });
    let answer = get(server.s3_address(), "/some-bucket");
    let id = answer
        .head
        .lines()
        .find_map(|line| line.strip_prefix("x-amz-request-id: "))
        .unwrap_or_else(|| panic!("no request id in {answer:?}"));
    std::thread::sleep(Duration::from_millis(200));
    let log = server.log();
    let lines: Vec<Value> = log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    let access =
        lines.iter().filter(|line| line["target"] == "commonhold::access").find(|line| line["request_id"] == id);
    let access = access.unwrap_or_else(|| panic!("{id} is not in\n{log}"));
    assert_eq!(access["status"], answer.status, "{access}");
}

/// From asking for a tenancy to reading its members' requests, as three people and the operator do it.
#[test]
fn membership_by_request_and_approval() {
    let server = TestServer::start(BINARY);
    for user in ["ann", "bob", "max"] {
        server.admin(&["user", "create", user]);
    }
    let asked = server.admin(&[
        "request",
        "submit",
        "tenancy",
        "ocean-o",
        "--description",
        "Ocean models",
        "--quota",
        "1TiB",
        "--reason",
        "A new project",
        "--as",
        "max",
    ]);
    assert_eq!((asked["id"].as_str(), asked["state"].as_str()), (Some("ocean-o/1"), Some("PENDING")));
    server.admin(&["request", "approve", "ocean-o/1"]);
    let tenancy = server.admin(&["tenancy", "show", "ocean-o"]);
    assert_eq!(tenancy["quota_bytes"].as_u64(), Some(1 << 40));

    // Ann asks; Bob, who is nobody there, may not decide; Max, its MANAGER, wants to know more, and then approves.
    server.admin(&["request", "submit", "join", "ocean-o", "USER", "--reason", "I model waves", "--as", "ann"]);
    let refused = server.try_admin(&["request", "approve", "ocean-o/2", "--as", "bob"]).expect_err("bob may not");
    assert!(refused.contains("there is no request") || refused.contains("may not"), "{refused}");
    let question = ["--question", "Whose waves?", "--internal", "not known to me", "--as", "max"];
    server.admin(&[&["request", "ask", "ocean-o/2"][..], &question].concat());
    let seen = server.admin(&["request", "list", "--as", "ann"]);
    assert_eq!(seen[0]["state"].as_str(), Some("INCOMPLETE"));
    assert!(!seen.to_string().contains("not known to me"), "the note is not for who asked: {seen}");
    server.admin(&["request", "answer", "ocean-o/2", "--answer", "Those of the Channel", "--as", "ann"]);
    server.admin(&["request", "approve", "ocean-o/2", "--for", "6mo", "--as", "max"]);
    let roles = server.admin(&["role", "list", "ocean-o", "--user", "ann"]);
    assert_eq!((roles[0]["role"].as_str(), roles[0]["by"].as_str()), (Some("USER"), Some("max")));

    // Suspension takes everything away, and reactivation gives it back.
    let key = server.admin(&["key", "create", "--tenancy", "ocean-o", "--user", "ann"]);
    assert!(key["secret_key"].is_string(), "{key}");
    server.admin(&["user", "suspend", "ann", "--reason", "a stolen laptop"]);
    let no_role = server.try_admin(&["key", "create", "--tenancy", "ocean-o", "--user", "ann"]).expect_err("suspended");
    assert!(no_role.contains("suspended") || no_role.contains("no role"), "{no_role}");
    server.admin(&["user", "reactivate", "ann"]);
    server.admin(&["key", "create", "--tenancy", "ocean-o", "--user", "ann"]);

    server.admin(&["role", "revoke", "ocean-o", "ann", "--reason", "left the project", "--as", "max"]);
    let history = server.admin(&["role", "history", "ocean-o", "ann"]);
    assert_eq!(
        (history[0]["state"].as_str(), history[0]["reason"].as_str()),
        (Some("revoked"), Some("left the project"))
    );
}
