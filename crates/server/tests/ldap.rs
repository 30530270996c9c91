//! The real program on a real LDAP server: a person of the directory signs requests, and stops when the directory says
//! so; an outage; groups that follow from roles.

mod support;

use std::path::Path;
use std::time::{Duration, Instant};

use support::{BINARY, folder, request, skip};
use testkit::slapd::{GROUPS_DN, PEOPLE_DN, SERVICE_DN, SERVICE_PASSWORD};
use testkit::{ServerConfig, Slapd, TestServer};

/// How long what the directory said counts here, in seconds.
const CACHE: u64 = 2;
/// How long it counts while the directory is away, in seconds.
const GRACE: u64 = 6;

fn account(name: &str) -> String {
    format!(
        "dn: uid={name},{PEOPLE_DN}\nobjectClass: inetOrgPerson\nobjectClass: posixAccount\n\
         objectClass: shadowAccount\nuid: {name}\ncn: {name}\nsn: {name}\nmail: {name}@example.org\nuidNumber: 1000\n\
         gidNumber: 1000\nhomeDirectory: /home\nuserPassword: password of {name}\n\n"
    )
}

fn server(slapd: &Slapd, folder: &Path, more: &str) -> TestServer {
    let password = folder.join("password");
    std::fs::write(&password, format!("{SERVICE_PASSWORD}\n")).expect("written");
    let extra_toml = format!(
        "\n[ldap]\nservers = {:?}\nca_file = {:?}\nbind_dn = {SERVICE_DN:?}\nbind_password_file = {password:?}\n\
         user_base = {PEOPLE_DN:?}\ngroup_base = {GROUPS_DN:?}\ncache_seconds = {CACHE}\ngrace_seconds = {GRACE}\n\
         connect_timeout_seconds = 1\n{more}",
        slapd.url(),
        slapd.ca_file(),
    );
    TestServer::start_with(BINARY, &ServerConfig { extra_toml, ..ServerConfig::default() })
}

/// Asks until the answer is `expected`, or too long.
fn soon<T: PartialEq + std::fmt::Debug>(what: &str, within_seconds: u64, expected: T, ask: impl Fn() -> T) {
    let deadline = Instant::now() + Duration::from_secs(within_seconds);
    loop {
        let answer = ask();
        if answer == expected {
            return;
        }
        assert!(Instant::now() < deadline, "{what}: {answer:?} after {within_seconds} s, not {expected:?}");
        std::thread::sleep(Duration::from_millis(200));
    }
}

#[test]
fn a_person_of_the_directory_works_until_the_directory_says_otherwise() {
    if !Slapd::is_installed() {
        return skip("slapd is not installed");
    }
    let (_folder, path) = folder();
    let mut slapd = Slapd::start(&format!("{}{}", account("ann"), account("bob")));
    let mut server = server(&slapd, &path, "");
    server.create_tenancy("t");
    let key = server.create_key("t", "ann", "MANAGER");
    let other = server.create_key("t", "bob", "USER");
    let status =
        |server: &TestServer, method: &str, path: &str| request(server.s3_address(), &key, method, path, "").status;
    assert_eq!(status(&server, "PUT", "/data"), 200);
    assert_eq!(request(server.s3_address(), &key, "PUT", "/data/a", "content").status, 200);
    assert_eq!(request(server.s3_address(), &key, "GET", "/data/a", "").body, "content");
    let unknown = server.try_admin(&["role", "grant", "t", "carl", "USER"]).expect_err("nobody of the name");
    assert!(unknown.contains("there is no user carl"), "{unknown}");
    let taken = server.try_admin(&["user", "create", "bob"]).expect_err("the directory has one");
    assert!(taken.contains("already"), "{taken}");
    let steps = server.admin(&["directory", "check", "ann"]);
    assert!(steps.as_array().expect("steps").iter().all(|step| step["works"] == true), "{steps}");
    let found = server.admin(&["directory", "search", "an"]);
    assert_eq!(found["people"][0]["email"], "ann@example.org", "{found}");

    // A service account of our own works whatever the directory does.
    server.admin(&["user", "create", "robot"]);
    let robot = server.create_key("t", "robot", "MANAGER");

    // The directory goes away: the key goes on for the grace, across a restart, and then says what is wrong.
    slapd.stop();
    std::thread::sleep(Duration::from_secs(CACHE + 1));
    assert_eq!(status(&server, "GET", "/data/a"), 200, "within the grace");
    server.stop_process();
    server.start_again();
    assert_eq!(status(&server, "GET", "/data/a"), 200, "a restart does not end it");
    soon("the grace ends", CACHE + GRACE + 5, 503, || status(&server, "GET", "/data/a"));
    let answer = request(server.s3_address(), &key, "GET", "/data/a", "");
    assert!(answer.body.contains("<Code>ServiceUnavailable</Code>"), "{answer:?}");
    assert_eq!(request(server.s3_address(), &robot, "GET", "/data/a", "").status, 200);
    let failed = server.try_admin(&["directory", "check"]).expect_err("a step fails");
    assert!(failed.contains("failed"), "{failed}");
    let away = server.try_admin(&["role", "grant", "t", "dora", "USER"]).expect_err("nobody can be looked up");
    assert!(away.contains("directory of people is away"), "{away}");

    slapd.start_again();
    soon("it is back", 10, 200, || status(&server, "GET", "/data/a"));

    // Disabled, and then removed, they stop within the stated time, with the key that they have.
    slapd.change(&format!("dn: uid=ann,{PEOPLE_DN}\nchangetype: modify\nadd: shadowExpire\nshadowExpire: 1\n"));
    soon("a disabled person stops", CACHE + 3, 403, || status(&server, "GET", "/data/a"));
    slapd.change(&format!("dn: uid=bob,{PEOPLE_DN}\nchangetype: delete\n"));
    soon("a removed person stops", CACHE + 3, 403, || request(server.s3_address(), &other, "GET", "/", "").status);
    assert!(!server.log().contains(SERVICE_PASSWORD), "no log has the password");
}

#[test]
fn groups_of_the_directory_follow_from_roles() {
    if !Slapd::is_installed() {
        return skip("slapd is not installed");
    }
    let (_folder, path) = folder();
    let slapd = Slapd::start(&format!("{}{}", account("ann"), account("bob")));
    let server = server(&slapd, &path, "tenancy_groups = \"write\"\ncreate_groups = \"on\"\n");
    server.create_tenancy("t");
    server.admin(&["role", "grant", "t", "ann", "MANAGER"]);
    server.admin(&["role", "grant", "t", "bob", "USER"]);
    let members =
        |group: &str| slapd.values(&format!("cn={group},{GROUPS_DN}"), "memberUid").map(|names| names.join(","));
    soon("grants are written", 20, Some("ann,bob".to_owned()), || members("t-members"));
    assert_eq!(members("t-managers").as_deref(), Some("ann"));

    slapd.change(&format!("dn: cn=t-members,{GROUPS_DN}\nchangetype: modify\ndelete: memberUid\nmemberUid: bob\n"));
    let drift = server.admin(&["directory", "drift"]);
    assert_eq!((&drift[0]["group"], &drift[0]["missing"][0]), (&"t-members".into(), &"bob".into()), "{drift}");
    let done = server.admin(&["directory", "repair"]);
    assert_eq!(done["added"], 1, "{done}");
    server.admin(&["role", "revoke", "t", "bob", "--reason", "left"]);
    soon("ends are written", 20, Some("ann".to_owned()), || members("t-members"));
    assert_eq!(server.admin(&["directory", "drift"]), serde_json::json!([]));
}
