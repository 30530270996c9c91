//! `commonhold import` from one real server to another, and of what a Swarm site tells of itself.

mod support;

use std::process::Output;

use http::Method;
use s3_client::{Call, Client, Connection, Credentials, Trust, listing};
use serde_json::Value;
use support::{BINARY, commonhold, errors, folder, manager, words};
use testkit::{AccessKey, LegacyListener, ServerConfig, TestServer, Tls};
use types::SystemClock;
use zeroize::Zeroizing;

/// A server with a MANAGER, and a connection to it.
struct Site {
    server: TestServer,
    key: AccessKey,
    runtime: tokio::runtime::Runtime,
    connection: Connection,
}

impl Site {
    fn start() -> Self {
        let server = TestServer::start(BINARY);
        let key = manager(&server);
        Self::of(server, key)
    }

    fn of(server: TestServer, key: AccessKey) -> Self {
        let credentials = Credentials {
            access_key: key.id.clone(),
            secret_key: Zeroizing::new(key.secret.clone()),
            region: "us-east-1".to_owned(),
        };
        let trust = Trust::of_system().expect("TLS");
        let client = Client::new(&server.s3_url(), Some(credentials), &trust, std::sync::Arc::new(SystemClock));
        let connection = Connection::new(client.expect("an endpoint"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        Self { server, key, runtime, connection }
    }

    fn send(&mut self, call: Call) -> s3_client::Received {
        self.runtime.block_on(self.connection.send(call)).expect("done")
    }

    fn put(&mut self, bucket: &str, key: &str, content: impl Into<Vec<u8>>) {
        self.send(Call::object(Method::PUT, bucket, key).document(content.into()));
    }

    fn versions(&mut self, bucket: &str) -> Vec<(String, bool, u64, String)> {
        let page = listing::versions(&mut self.connection, bucket, "", None);
        let page = self.runtime.block_on(page).expect("listed");
        page.entries.into_iter().map(|one| (one.key, one.is_delete_marker, one.size, one.etag)).collect()
    }

    /// Sends parts of these sizes as one object.
    fn upload(&mut self, bucket: &str, key: &str, sizes: &[usize]) {
        let begun = self.send(Call::object(Method::POST, bucket, key).query("uploads", "")).element().expect("XML");
        let id = begun.text("UploadId").expect("an id").to_owned();
        let mut document = "<CompleteMultipartUpload>".to_owned();
        for (number, size) in (1..).zip(sizes) {
            let call = Call::object(Method::PUT, bucket, key).query("uploadId", &*id);
            let part = self.send(call.query("partNumber", number.to_string()).document(vec![b'a'; *size]));
            let etag = part.header("etag").expect("an ETag").to_owned();
            document.push_str(&format!("<Part><PartNumber>{number}</PartNumber><ETag>{etag}</ETag></Part>"));
        }
        document.push_str("</CompleteMultipartUpload>");
        self.send(Call::object(Method::POST, bucket, key).query("uploadId", id).document(document));
    }
}

/// Runs the import, and answers with its report.
fn import(from: &Site, to: &Site, arguments: &[&str]) -> (Output, Value) {
    let (_gone, folder) = folder();
    let (from_url, to_url) = (from.server.s3_url(), to.server.s3_url());
    let fixed = ["import", "s3", "--from", &from_url, "--to", &to_url, "--json", "--parallel", "4"];
    let environment = [
        ("IMPORT_FROM_ACCESS_KEY", from.key.id.as_str()),
        ("IMPORT_FROM_SECRET_KEY", from.key.secret.as_str()),
        ("IMPORT_TO_ACCESS_KEY", to.key.id.as_str()),
        ("IMPORT_TO_SECRET_KEY", to.key.secret.as_str()),
    ];
    let output = commonhold(&folder, &[&fixed, arguments].concat(), &environment);
    let report = serde_json::from_str(&words(&output)).unwrap_or_else(|error| panic!("{error}: {}", errors(&output)));
    (output, report)
}

fn numbers(report: &Value, names: [&str; 5]) -> [u64; 5] {
    names.map(|name| report[name].as_u64().unwrap_or_else(|| panic!("{name}: {report}")))
}

const COUNTS: [&str; 5] = ["found", "present", "copied", "failed", "not_carried"];

#[test]
fn buckets_objects_and_what_they_carry_come_over() {
    let (mut from, mut to) = (Site::start(), Site::start());
    for bucket in ["CMIP6.data", "test_bucket"] {
        from.send(Call::bucket(Method::PUT, bucket));
    }
    let policy = r#"{"Version":"2008-10-17","Id":"x","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"anonymous":["*"]},"Action":["GetObject"],"Resource":"*"}]}"#;
    from.send(Call::bucket(Method::PUT, "test_bucket").query("policy", "").document(policy));
    for at in 0..30 {
        from.put("test_bucket", &format!("run {at}/tas+ü&.nc"), format!("content {at}"));
    }
    from.put("test_bucket", "empty", "");
    let call = Call::object(Method::PUT, "test_bucket", "described").header("content-type", "text/x-climate");
    let call = call.header("cache-control", "max-age=5").header("x-amz-meta-Project", "CMIP  6 ü");
    from.send(call.header("x-amz-acl", "public-read").document("metadata"));
    from.upload("CMIP6.data", "large", &[5 << 20, 6 << 20, 17]);

    let (output, planned) = import(&from, &to, &["--dry-run"]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(numbers(&planned, COUNTS), [33, 0, 0, 0, 0], "{planned}");
    assert_eq!(planned["buckets"][1]["settings"], serde_json::json!(["policy"]));
    let nothing = to.runtime.block_on(listing::buckets(&mut to.connection)).expect("listed");
    assert!(nothing.is_empty(), "a dry run writes nothing: {nothing:?}");

    let (output, report) = import(&from, &to, &["--public-read"]);
    assert!(output.status.success(), "{} {report}", errors(&output));
    assert_eq!(numbers(&report, COUNTS), [33, 0, 33, 0, 0], "{report}");
    for bucket in ["CMIP6.data", "test_bucket"] {
        assert_eq!(from.versions(bucket), to.versions(bucket), "names, sizes and ETags are the same");
    }
    let described = to.send(Call::object(Method::GET, "test_bucket", "described"));
    assert_eq!(&described.body[..], b"metadata");
    for (name, value) in [("content-type", "text/x-climate"), ("cache-control", "max-age=5")] {
        assert_eq!(described.header(name), Some(value));
    }
    assert_eq!(described.headers["x-amz-meta-project"].as_bytes(), "CMIP  6 ü".as_bytes());
    let acl = to.send(Call::object(Method::GET, "test_bucket", "described").query("acl", ""));
    assert!(String::from_utf8_lossy(&acl.body).contains("AllUsers"));
    let there = to.send(Call::bucket(Method::GET, "test_bucket").query("policy", ""));
    assert_eq!(&there.body[..], policy.as_bytes(), "byte for byte");

    // Once more: nothing is copied that is there, and only what changed is.
    let (_, again) = import(&from, &to, &[]);
    assert_eq!(numbers(&again, COUNTS), [33, 33, 0, 0, 0], "{again}");
    from.put("test_bucket", "described", "anew");
    to.send(Call::object(Method::DELETE, "test_bucket", "empty"));
    let (_, resumed) = import(&from, &to, &["test_bucket"]);
    assert_eq!(numbers(&resumed, COUNTS), [32, 30, 2, 0, 0], "{resumed}");
    assert_eq!(from.versions("test_bucket"), to.versions("test_bucket"));
}

#[test]
fn versions_come_in_their_order() {
    let (mut from, mut to) = (Site::start(), Site::start());
    from.send(Call::bucket(Method::PUT, "kept"));
    let enabled = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
    from.put("kept", "a", "before versions");
    from.send(Call::bucket(Method::PUT, "kept").query("versioning", "").document(enabled));
    for content in ["first", "second", "third, which is longer"] {
        from.put("kept", "a", content);
        from.put("kept", "b", content);
    }
    from.send(Call::object(Method::DELETE, "kept", "b"));

    let (_, current) = import(&from, &to, &["kept", "--dry-run"]);
    assert_eq!(current["lost"][0]["what"], "older versions", "{current}");
    let (output, report) = import(&from, &to, &["kept", "--versions", "all"]);
    assert!(output.status.success(), "{} {report}", errors(&output));
    assert_eq!(from.versions("kept"), to.versions("kept"));
    assert_eq!(from.versions("kept").len(), 8);

    from.put("kept", "b", "back again");
    let (_, more) = import(&from, &to, &["kept", "--versions", "all"]);
    assert_eq!(more["present"], 8, "{more}");
    assert_eq!(from.versions("kept"), to.versions("kept"));
    to.put("kept", "a", "written here meanwhile");
    let (output, refused) = import(&from, &to, &["kept", "--versions", "all"]);
    assert!(!output.status.success());
    assert_eq!(refused["problems"][0]["key"], "a", "{refused}");
}

/// What goes wrong is told with its reason, and the rest comes over.
#[test]
fn failures_are_named() {
    let (mut from, mut to) = (Site::start(), Site::start());
    from.send(Call::bucket(Method::PUT, "data"));
    for at in 0..3 {
        from.put("data", &format!("{at}"), vec![b'x'; 1000]);
    }
    to.send(Call::bucket(Method::PUT, "data"));
    to.server.admin(&["quota", "set", "t", "--bytes", "2500"]);
    let (output, report) = import(&from, &to, &["data"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(numbers(&report, COUNTS), [3, 0, 2, 1, 0], "{report}");
    assert!(report["problems"][0]["error"].as_str().is_some_and(|error| error.contains("QuotaExceeded")), "{report}");
    to.server.admin(&["quota", "clear", "t"]);
    let (output, report) = import(&from, &to, &["data"]);
    assert!(output.status.success(), "{report}");
    assert_eq!(numbers(&report, COUNTS), [3, 2, 1, 0, 0], "{report}");
}

/// What a site tells of itself, with one secret that is known, and what becomes of it.
#[test]
fn a_swarm_site_comes_over_with_its_tokens() {
    let to = Site::start();
    let (_gone, folder) = folder();
    for name in ["mjones07", "ahuggan"] {
        to.server.admin(&["user", "create", name]);
    }
    let secret = "0123456789abcdefghijklmnopqrstuvwxyz";
    let token = |name: &str, owner: &str, rest: &str| {
        format!(
            r#"{{"name":"{name}","x_owner_meta":"{owner}","x_custom_meta_source":"laptop","last_modified":"2021-01-21T10:00:00.000000Z"{rest}}}"#
        )
    };
    let live = r#","lifepoint":"[Fri, 21 Jan 2095 00:00:00 GMT] reps=2, [] delete""#;
    let expired = r#","lifepoint":"[Thu, 21 Jan 2021 00:00:00 GMT] reps=2, [] delete","secret":"0123456789""#;
    let inventory = format!(
        r#"{{"domains":[{{"name":"cedadev-o.s3.jc.rl.ac.uk","description":"CEDA",
            "policy":{{"Statement":[{{"Effect":"Allow","Principal":{{"group":["cedadev-o-members"]}},"Action":["*"],"Resource":"*"}}]}},
            "tokens":[{},{},{},{}],"buckets":[{{"name":"test_bucket","x_owner_meta":"ahuggan","bytes":5}}]}}]}}"#,
        token("7f4093275cf517334a14efd07cc1d3cf", "mjones07", &format!(r#"{live},"secret":"{secret}""#)),
        token("8f4093275cf517334a14efd07cc1d3cf", "mjones07", live),
        token("9f4093275cf517334a14efd07cc1d3cf", "ahuggan", expired),
        token("af4093275cf517334a14efd07cc1d3cf", "nobody", &format!(r#"{live},"secret":"{secret}""#)),
    );
    let file = folder.join("site.json");
    std::fs::write(&file, inventory).expect("written");
    let run = |more: &[&str]| {
        let socket = to.server.admin_socket().display().to_string();
        let file = file.display().to_string();
        let fixed = ["import", "swarm", "--inventory", &file, "--socket", &socket, "--json"];
        let output = commonhold(&folder, &[&fixed, more].concat(), &[]);
        assert!(output.status.success(), "{}", errors(&output));
        serde_json::from_str::<Value>(&words(&output)).expect("JSON")
    };
    let planned = run(&["--dry-run", "--grant-roles"]);
    assert_eq!(planned["done"].as_array().map(Vec::len), Some(4), "{planned}");
    assert!(to.server.try_admin(&["tenancy", "show", "cedadev-o"]).is_err(), "a dry run changes nothing");

    let done = run(&["--grant-roles"]);
    assert_eq!(done["done"], planned["done"], "what was said is done");
    let left: Vec<_> = done["left"].as_array().expect("a list").iter().map(|left| left["why"].to_string()).collect();
    for (at, part) in ["its secret is not known", "it has expired", "no person", "import s3"].iter().enumerate() {
        assert!(left[at].contains(part), "{part}: {left:?}");
    }
    let tenancy = to.server.admin(&["tenancy", "show", "cedadev-o"]);
    assert_eq!(tenancy["default_policy"], "members");
    assert_eq!(tenancy["endpoints"], serde_json::json!(["cedadev-o.s3.jc.rl.ac.uk"]));
    let key = AccessKey { id: "7f4093275cf517334a14efd07cc1d3cf".to_owned(), secret: secret.to_owned() };
    let made = support::request(to.server.s3_address(), &key, "PUT", "/test_bucket", "");
    assert_eq!(made.status, 200, "the key works as it did: {}", made.body);

    let again = run(&["--grant-roles"]);
    let owner =
        serde_json::json!([{ "role": ["cedadev-o", "ahuggan"] }, { "owner": ["cedadev-o", "test_bucket", "ahuggan"] }]);
    assert_eq!(again["done"], owner, "{again}");
    assert_eq!(run(&["--grant-roles"])["present"], 4, "domain, policy, key and owner");
}

/// A live site: another store of this kind, asked at the addresses of Swarm.
#[test]
fn a_live_site_is_asked() {
    let (from, to) = (Site::start(), Site::start());
    let (_gone, folder) = folder();
    from.server.admin(&["tenancy", "set", "t", "--default-policy", "members"]);
    let socket = to.server.admin_socket().display().to_string();
    let url = from.server.portal_url();
    let fixed = ["import", "swarm", "--from", &url, "--user", "ann", "--socket", &socket, "--json"];
    let password = [("IMPORT_SWARM_PASSWORD", "correct horse battery")];
    let refused = commonhold(&folder, &fixed, &password);
    assert!(!refused.status.success() && errors(&refused).contains("401"), "{}", errors(&refused));
    set_password(&from, "ann", password[0].1);
    let output = commonhold(&folder, &fixed, &password);
    assert!(output.status.success(), "{}", errors(&output));
    let report: Value = serde_json::from_str(&words(&output)).expect("JSON");
    assert_eq!(report["done"][0], serde_json::json!({ "members-reach-all": "t" }), "{report}");
    assert!(report["left"][0]["why"].as_str().is_some_and(|why| why.contains("its secret is not known")), "{report}");
}

/// Domains, tokens and objects in one run, by keys that are gone afterwards.
#[test]
fn a_live_site_comes_over_with_its_objects() {
    let legacy = ServerConfig { legacy: LegacyListener::On, ..ServerConfig::default() };
    let server = TestServer::start_with(BINARY, &legacy);
    let key = manager(&server);
    let mut from = Site::of(server, key);
    let bobs = from.server.create_key("t", "bob", "USER");
    let made = support::request(from.server.s3_address(), &bobs, "PUT", "/bobs-data", "");
    assert_eq!(made.status, 200, "{}", made.body);
    from.send(Call::bucket(Method::PUT, "data"));
    for at in 0..20 {
        from.put("data", &format!("run/{at}"), format!("content {at}"));
    }
    from.upload("bobs-data", "large", &[5 << 20, 5 << 20, 5 << 20, 5 << 20, 99]);
    set_password(&from, "ann", "correct horse battery");

    let server = TestServer::start(BINARY);
    for name in ["ann", "bob", "carrier"] {
        server.admin(&["user", "create", name]);
    }
    let (_gone, folder) = folder();
    let (site, objects, to) = (from.server.legacy_url(), from.server.s3_url(), server.s3_url());
    let socket = server.admin_socket().display().to_string();
    let run = |more: &[&str]| {
        let fixed =
            ["import", "swarm", "--from", &site, "--user", "ann", "--socket", &socket, "--json", "--grant-roles"];
        let copying = ["--objects", &objects, "--importer", "carrier", "--to", &to, "--parallel", "4"];
        let password = [("IMPORT_SWARM_PASSWORD", "correct horse battery")];
        let output = commonhold(&folder, &[&fixed[..], &copying, more].concat(), &password);
        assert!(output.status.success(), "{} {}", errors(&output), words(&output));
        serde_json::from_str::<Value>(&words(&output)).expect("JSON")
    };
    let keys_before = from.server.admin(&["key", "list", "--tenancy", "t"]);
    let planned = run(&["--dry-run"]);
    assert_eq!(numbers(&planned["objects"][0], COUNTS), [21, 0, 0, 0, 0], "{planned}");
    assert!(planned["objects"][0]["found_bytes"].as_u64().is_some_and(|bytes| bytes > 20 << 20), "{planned}");
    assert!(server.try_admin(&["tenancy", "show", "t"]).is_err(), "a dry run changes nothing here");

    let done = run(&[]);
    assert_eq!(numbers(&done["objects"][0], COUNTS), [21, 0, 21, 0, 0], "{done}");
    assert_eq!(done["done"], planned["done"], "what was said is done");
    assert_eq!(from.server.admin(&["key", "list", "--tenancy", "t"]), keys_before, "the token is gone");
    assert_eq!(server.admin(&["key", "list", "--tenancy", "t"]), serde_json::json!([]), "the key, too");
    let key = server.create_key("t", "carrier", "MANAGER");
    let mut to_site = Site::of(server, key);
    for bucket in ["data", "bobs-data"] {
        assert_eq!(from.versions(bucket), to_site.versions(bucket), "names, sizes and ETags are the same");
    }
    let buckets = to_site.server.admin(&["bucket", "list", "t"]);
    let owners: Vec<_> = buckets.as_array().expect("a list").iter().map(|one| one["owner"].clone()).collect();
    assert_eq!(owners, ["bob", "ann"], "{buckets}");

    // Once more, now that the buckets have their owners: only what is new is copied.
    from.put("bobs-data", "new", "of today");
    let again = run(&[]);
    assert_eq!(numbers(&again["objects"][0], COUNTS), [22, 21, 1, 0, 0], "{again}");
    assert_eq!(again["done"], serde_json::json!([]), "{again}");
    assert_eq!(from.versions("bobs-data"), to_site.versions("bobs-data"));
}

/// Without a live site there is nobody to ask for objects.
#[test]
fn objects_of_an_inventory_need_an_endpoint() {
    let to = Site::start();
    let (_gone, folder) = folder();
    let file = folder.join("site.json");
    std::fs::write(&file, r#"{"domains":[{"name":"t.s3.commonhold.test"}]}"#).expect("written");
    let (file, socket) = (file.display().to_string(), to.server.admin_socket().display().to_string());
    let fixed = ["import", "swarm", "--inventory", &file, "--socket", &socket];
    let objects = ["--objects", "http://127.0.0.1:1", "--importer", "ann"];
    let output = commonhold(&folder, &[&fixed[..], &objects].concat(), &[]);
    assert!(!output.status.success() && errors(&output).contains("give --from URL"), "{}", errors(&output));
}

/// What everybody may read stays so; grants to others are named beforehand.
#[test]
fn grants_are_carried_or_named() {
    let (mut from, mut to) = (Site::start(), Site::start());
    for (bucket, acl) in [("open", "public-read"), ("signed", "authenticated-read")] {
        from.send(Call::bucket(Method::PUT, bucket));
        from.send(Call::bucket(Method::PUT, bucket).query("acl", "").header("x-amz-acl", acl));
        let call = Call::object(Method::PUT, bucket, "object").header("x-amz-acl", acl);
        from.send(call.document("content"));
    }
    let told = |report: &Value| -> Vec<String> {
        let lost = report["lost"].as_array().expect("a list").iter();
        lost.map(|one| format!("{}/{} {}", one["bucket"], one["key"], one["what"]).replace('"', "")).collect()
    };
    let (_, planned) = import(&from, &to, &["--public-read", "--dry-run", "--look-at-objects"]);
    assert_eq!(told(&planned), ["signed/null the ACL", "signed/object a grant of the ACL"], "{planned}");
    let (output, report) = import(&from, &to, &["--public-read"]);
    assert!(output.status.success(), "{report}");
    assert_eq!(told(&report), told(&planned), "what was said came so");
    let mut acl = |bucket: &str, key: &str| {
        let answer = to.send(Call::object(Method::GET, bucket, key).query("acl", ""));
        String::from_utf8_lossy(&answer.body).into_owned()
    };
    for key in ["", "object"] {
        assert!(acl("open", key).contains("AllUsers"), "{}", acl("open", key));
        assert!(!acl("signed", key).contains("AuthenticatedUsers"));
    }
}

/// A source by HTTPS, whose certificate must be that of the name and of an authority that is trusted.
#[test]
fn a_source_by_https_must_show_its_certificate() {
    let (_gone, folder) = folder();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).expect("a certificate");
    let tls = Tls { cert: folder.join("site.pem"), key: folder.join("site.key") };
    std::fs::write(&tls.key, made.signing_key.serialize_pem()).expect("written");
    std::fs::write(&tls.cert, made.cert.pem()).expect("written");
    let (cert, config) = (tls.cert.display().to_string(), ServerConfig { tls: Some(tls), ..ServerConfig::default() });
    let server = TestServer::start_with(BINARY, &config);
    let key = manager(&server);
    let (mut from, mut to) = (Site::of(server, key), Site::start());
    from.send(Call::bucket(Method::PUT, "data"));
    from.put("data", "a", "by HTTPS");
    let port = from.server.s3_tls_address().port();
    let run = |host: &str, more: &[&str]| {
        let (from_url, to_url) = (format!("https://{host}:{port}"), to.server.s3_url());
        let fixed = ["import", "s3", "--from", &from_url, "--to", &to_url, "--json"];
        let environment = [
            ("IMPORT_FROM_ACCESS_KEY", from.key.id.as_str()),
            ("IMPORT_FROM_SECRET_KEY", from.key.secret.as_str()),
            ("IMPORT_TO_ACCESS_KEY", to.key.id.as_str()),
            ("IMPORT_TO_SECRET_KEY", to.key.secret.as_str()),
        ];
        commonhold(&folder, &[&fixed, more].concat(), &environment)
    };
    for (host, more, why) in [
        ("127.0.0.1", &[][..], "give the PEM file of the authority"),
        ("localhost", &["--from-ca-file", &cert][..], "a name that stands in its certificate"),
    ] {
        let output = run(host, more);
        assert!(!output.status.success() && errors(&output).contains(why), "{host}: {}", errors(&output));
        assert!(words(&output).is_empty(), "nothing was begun");
    }
    let output = run("127.0.0.1", &["--from-ca-file", &cert]);
    assert!(output.status.success(), "{}", errors(&output));
    assert_eq!(&to.send(Call::object(Method::GET, "data", "a")).body[..], b"by HTTPS");
}

fn set_password(site: &Site, user: &str, password: &str) {
    use std::io::Write as _;
    let socket = site.server.admin_socket().display().to_string();
    let (_gone, folder) = folder();
    let arguments = ["admin", "--socket", &socket, "user", "set-password", user];
    let mut child =
        support::command(&folder, &arguments, &[]).stdin(std::process::Stdio::piped()).spawn().expect("runs");
    child.stdin.take().expect("a pipe").write_all(password.as_bytes()).expect("sent");
    assert!(child.wait().expect("ended").success());
}
