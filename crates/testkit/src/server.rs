//! A running `commonhold serve`.
//!
//! Life of one: a temporary folder, a configuration file in it, the program started on free ports, and a wait until
//! the S3 port accepts and the administration socket answers. `stop` asks it to end and waits; `kill` pulls the plug;
//! `start_again` brings it back on the same data and the same ports. Dropping it kills what still runs.

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;

use crate::config::Addresses;
use crate::{ServerConfig, free_port};

/// How long a server may take until it answers. Generous: a debug build on a busy two-core machine.
const START_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may take to finish what is in flight when asked to end.
const STOP_TIMEOUT: Duration = Duration::from_secs(30);
/// Pause between two looks at a starting or ending server.
const POLL_INTERVAL: Duration = Duration::from_millis(20);
/// Attempts to start, each on new ports, since a port may be taken between choosing and binding it.
const START_ATTEMPTS: u32 = 3;

/// An access key as the server gave it out.
#[derive(Clone, Debug)]
pub struct AccessKey {
    /// The key's public id, which signs requests.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

/// The real program, serving on free ports of 127.0.0.1 from a temporary data directory.
#[derive(Debug)]
pub struct TestServer {
    binary: PathBuf,
    folder: TempDir,
    addresses: Addresses,
    child: Option<Child>,
}

impl TestServer {
    /// Starts `binary` with the default configuration and waits until it answers.
    ///
    /// # Panics
    /// Where it does not start; the message holds its log.
    pub fn start(binary: impl AsRef<Path>) -> Self {
        Self::start_with(binary, &ServerConfig::default())
    }

    /// As [`TestServer::start`], with a configuration of the caller's.
    ///
    /// # Panics
    /// Where it does not start; the message holds its log.
    pub fn start_with(binary: impl AsRef<Path>, config: &ServerConfig) -> Self {
        let folder = tempfile::Builder::new().prefix("commonhold-test-").tempdir().expect("a temporary folder");
        let addresses = choose_addresses(folder.path());
        let mut server = Self { binary: binary.as_ref().to_owned(), folder, addresses, child: None };
        let mut failure = String::new();
        for _ in 0..START_ATTEMPTS {
            server.addresses = choose_addresses(server.folder.path());
            let text = config.render(&server.data_dir(), &server.addresses);
            fs::write(server.config_path(), text).expect("the temporary folder is writable");
            match server.try_start() {
                Ok(()) => return server,
                Err(reason) => failure = reason,
            }
        }
        panic!("commonhold did not start: {failure}\n{}", server.log());
    }

    /// Starts the program again after [`stop_process`](Self::stop_process) or [`kill`](Self::kill), on the same data,
    /// configuration and ports.
    ///
    /// # Panics
    /// Where it still runs or does not start.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "the server still runs");
        if let Err(reason) = self.try_start() {
            panic!("commonhold did not start again: {reason}\n{}", self.log());
        }
    }

    /// Asks the program to end (SIGTERM), waits until it has, and deletes its data.
    ///
    /// # Panics
    /// Where it does not end in time.
    pub fn stop(mut self) -> ExitStatus {
        self.stop_process()
    }

    /// As [`TestServer::stop`], but keeps the data for [`start_again`](Self::start_again).
    ///
    /// # Panics
    /// Where it does not run, or does not end in time.
    pub fn stop_process(&mut self) -> ExitStatus {
        let child = self.child.as_mut().expect("the server runs");
        let asked = Command::new("kill").arg("-TERM").arg(child.id().to_string()).status();
        assert!(asked.is_ok_and(|status| status.success()), "SIGTERM could not be sent");
        let deadline = Instant::now() + STOP_TIMEOUT;
        while Instant::now() < deadline {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                self.child = None;
                return status;
            }
            std::thread::sleep(POLL_INTERVAL);
        }
        panic!("commonhold did not end within {STOP_TIMEOUT:?} of SIGTERM\n{}", self.log());
    }

    /// Ends the program at once (SIGKILL), as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            // The two calls fail only where the process has ended already, which is what is wanted.
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// `http://127.0.0.1:<port>`, the S3 address.
    pub fn s3_url(&self) -> String {
        format!("http://{}", self.s3_address())
    }

    /// The S3 listener's socket address.
    pub fn s3_address(&self) -> SocketAddr {
        localhost(self.addresses.s3_port)
    }

    /// The TLS listener's socket address; it listens only where the configuration has a certificate.
    pub fn s3_tls_address(&self) -> SocketAddr {
        localhost(self.addresses.s3_tls_port)
    }

    /// `http://127.0.0.1:<port>`, the address of `/metrics`, `/healthz` and `/readyz`.
    pub fn metrics_url(&self) -> String {
        format!("http://{}", localhost(self.addresses.metrics_port))
    }

    /// `http://127.0.0.1:<port>`, where the clients of a Swarm site are served, if the configuration has that listener.
    pub fn legacy_url(&self) -> String {
        format!("http://{}", localhost(self.addresses.legacy_port))
    }

    /// `http://127.0.0.1:<port>`, the address of the portal.
    pub fn portal_url(&self) -> String {
        format!("http://{}", localhost(self.addresses.portal_port))
    }

    /// The administration socket.
    pub fn admin_socket(&self) -> &Path {
        &self.addresses.admin_socket
    }

    /// The configuration file in use.
    pub fn config_path(&self) -> PathBuf {
        self.folder.path().join("commonhold.toml")
    }

    /// The data directory in use.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The process id, for signals of a test's own.
    ///
    /// # Panics
    /// Where the server does not run.
    pub fn process_id(&self) -> u32 {
        self.child.as_ref().expect("the server runs").id()
    }

    /// All that the program printed so far, both streams.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Runs `commonhold admin --socket … <arguments> --json` and returns what it printed.
    ///
    /// # Panics
    /// Where the command fails or prints no JSON; the message holds its errors.
    pub fn admin(&self, arguments: &[&str]) -> Value {
        self.try_admin(arguments).unwrap_or_else(|error| panic!("admin {arguments:?}: {error}"))
    }

    /// As [`TestServer::admin`], with the command's error text where it fails.
    ///
    /// # Errors
    /// What the command wrote to stderr.
    pub fn try_admin(&self, arguments: &[&str]) -> Result<Value, String> {
        let output = self
            .program()
            .args(["admin", "--socket"])
            .arg(&self.addresses.admin_socket)
            .args(arguments)
            .arg("--json")
            .stdin(Stdio::null())
            .output()
            .map_err(|error| error.to_string())?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into_owned());
        }
        let text = String::from_utf8_lossy(&output.stdout);
        if text.trim().is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_str(&text).map_err(|error| format!("{error} in {text}"))
    }

    /// Creates a tenancy.
    ///
    /// # Panics
    /// As [`TestServer::admin`].
    pub fn create_tenancy(&self, tenancy: &str) {
        self.admin(&["tenancy", "create", tenancy]);
    }

    /// Creates the person where there is none, grants `role` (`USER`, `DEPUTY`, `MANAGER`) in the tenancy, and makes a key.
    ///
    /// # Panics
    /// As [`TestServer::admin`].
    pub fn create_key(&self, tenancy: &str, user: &str, role: &str) -> AccessKey {
        if self.try_admin(&["user", "show", user]).is_err() {
            self.admin(&["user", "create", user]);
        }
        self.admin(&["role", "grant", tenancy, user, role]);
        let key = self.admin(&["key", "create", "--tenancy", tenancy, "--user", user]);
        AccessKey { id: text_field(&key, "access_key"), secret: text_field(&key, "secret_key") }
    }

    fn try_start(&mut self) -> Result<(), String> {
        let log = File::options().create(true).append(true).open(self.log_path()).map_err(|error| error.to_string())?;
        let errors = log.try_clone().map_err(|error| error.to_string())?;
        let child = self
            .program()
            .args(["serve", "--config"])
            .arg(self.config_path())
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .map_err(|error| format!("{}: {error}", self.binary.display()))?;
        self.child = Some(child);
        let answer = self.wait_until_ready();
        if answer.is_err() {
            self.kill();
        }
        answer
    }

    /// The program, without the settings of whoever runs the tests.
    fn program(&self) -> Command {
        let mut command = Command::new(&self.binary);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("COMMONHOLD_") {
                command.env_remove(name);
            }
        }
        command
    }

    fn wait_until_ready(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + START_TIMEOUT;
        loop {
            let child = self.child.as_mut().ok_or("no process")?;
            if let Some(status) = child.try_wait().map_err(|error| error.to_string())? {
                return Err(format!("ended with {status}"));
            }
            let accepts = TcpStream::connect_timeout(&self.s3_address(), POLL_INTERVAL).is_ok();
            if accepts && self.try_admin(&["tenancy", "list"]).is_ok() {
                return Ok(());
            }
            if Instant::now() > deadline {
                return Err(format!("no answer within {START_TIMEOUT:?}"));
            }
            std::thread::sleep(POLL_INTERVAL);
        }
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("server.log")
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.kill();
    }
}

fn choose_addresses(folder: &Path) -> Addresses {
    Addresses {
        s3_port: free_port(),
        s3_tls_port: free_port(),
        portal_port: free_port(),
        legacy_port: free_port(),
        metrics_port: free_port(),
        // Short on purpose: a socket's path has at most 107 bytes.
        admin_socket: folder.join("admin"),
    }
}

fn localhost(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

fn text_field(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_else(|| panic!("no {field} in {value}")).to_owned()
}
