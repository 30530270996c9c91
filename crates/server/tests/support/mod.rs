//! What the integration tests share: bare HTTP over a socket, so that a test says every byte and when it is sent.

#![expect(dead_code, reason = "each test program uses a part")]

pub(crate) mod http;
pub(crate) mod sigv4;

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use http::{Answer, exchange};
use sigv4::signed_head;
use testkit::{AccessKey, ServerConfig, TestServer};

/// The program under test.
pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_commonhold");

/// A server with these lines in its `[limits]`.
pub(crate) fn server_with_limits(limits: &str) -> TestServer {
    let extra_toml = format!("\n[limits]\n{limits}\n");
    TestServer::start_with(BINARY, &ServerConfig { extra_toml, ..ServerConfig::default() })
}

/// Makes the tenancy `t` with a MANAGER, and answers with a key of theirs.
pub(crate) fn manager(server: &TestServer) -> AccessKey {
    server.create_tenancy("t");
    server.create_key("t", "ann", "MANAGER")
}

/// Sends a signed request on a new connection.
pub(crate) fn request(address: SocketAddr, key: &AccessKey, method: &str, path: &str, body: &str) -> Answer {
    let length = body.len().to_string();
    let head = signed_head(key, method, &address.to_string(), path, &[("content-length", &length)]);
    exchange(address, &format!("{head}{body}"))
}

/// A program in `folder` that runs the server as the shell's `serve` says, and everything else as it is.
pub(crate) fn wrapper(folder: &Path, serve: &str) -> PathBuf {
    let path = folder.join("commonhold");
    let text = format!("#!/bin/sh\ncase \" $* \" in *\" serve \"*) {serve} ;; *) exec {BINARY} \"$@\" ;; esac\n");
    fs::write(&path, text).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("permitted");
    path
}

/// The value of a metric without labels; `None` where the server does not tell it.
pub(crate) fn metric(server: &TestServer, name: &str) -> Option<f64> {
    let page = monitoring(server, "/metrics").body;
    let line = page.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ').map(str::to_owned));
    line.and_then(|value| value.parse().ok())
}

/// What monitoring is answered.
pub(crate) fn monitoring(server: &TestServer, path: &str) -> Answer {
    let metrics = server.metrics_url();
    http::get(metrics.trim_start_matches("http://").parse().expect("an address"), path)
}

/// Notes that a test can not run here, and that is no failure but in CI.
pub(crate) fn skip(why: &str) {
    assert!(std::env::var_os("CI").is_none(), "CI needs a machine for this: {why}");
    eprintln!("skipped: {why}");
}

/// The program in `folder`, without any configuration of the environment but `variables`.
pub(crate) fn commonhold(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    command(folder, arguments, variables).stdin(Stdio::null()).output().expect("the program runs")
}

/// As [`commonhold`], to be started.
pub(crate) fn command(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("COMMONHOLD_")) {
        command.env_remove(name);
    }
    command.envs(variables.iter().copied());
    command
}

/// What a program said on standard error.
pub(crate) fn errors(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What a program said on standard output.
pub(crate) fn words(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// Sends `signal` to a process that this test started.
pub(crate) fn send_signal(process: u32, signal: rustix::process::Signal) {
    let process = rustix::process::Pid::from_raw(i32::try_from(process).expect("a process id")).expect("not 0");
    rustix::process::kill_process(process, signal).expect("the process is there");
}

/// Waits until the server, which was asked to end, has ended.
pub(crate) fn wait(server: &mut TestServer) -> ExitStatus {
    let status = format!("/proc/{}/stat", server.process_id());
    let deadline = Instant::now() + Duration::from_secs(60);
    // A process that has ended and that nobody has waited for is a zombie: one more signal does nothing to it.
    while !fs::read_to_string(&status).is_ok_and(|text| text.contains(") Z ")) {
        assert!(Instant::now() < deadline, "the server does not end\n{}", server.log());
        std::thread::sleep(Duration::from_millis(20));
    }
    server.stop_process()
}

/// A folder that is gone at the end.
pub(crate) fn folder() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::Builder::new().prefix("commonhold-").tempdir().expect("a folder");
    let path = folder.path().to_owned();
    (folder, path)
}
