//! What the integration tests share: bare HTTP over a socket, so that a test says every byte and when it is sent.

#![expect(dead_code, reason = "each test program uses a part")]

pub(crate) mod http;
pub(crate) mod sigv4;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

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
    while !std::fs::read_to_string(&status).is_ok_and(|text| text.contains(") Z ")) {
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
