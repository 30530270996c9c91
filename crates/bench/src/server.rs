//! A server that is measured, as a process of its own.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use types::{Entropy as _, OsEntropy};

use crate::error::BenchError;
use crate::target::{Credentials, PayloadSigning, Target};

/// How long a start may take before it counts as failed.
const START_BOUND: Duration = Duration::from_secs(120);
/// How long an orderly end may take.
const STOP_BOUND: Duration = Duration::from_secs(60);
/// Between two looks at a starting or ending server: well below what is measured.
const LOOK_INTERVAL: Duration = Duration::from_millis(2);
const TENANCY: &str = "bench-o";
const USER: &str = "bench";
const ACCESS_KEY: &str = "scalebench";
const SECRET_FILE: &str = "secret";
const LOG_FILE: &str = "server.log";
const DATA_FOLDER: &str = "data";

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub struct Server {
    program: PathBuf,
    folder: PathBuf,
    s3: SocketAddr,
    metrics: SocketAddr,
    child: Child,
    secret: String,
    /// Where this start's part of the log begins.
    log_start: u64,
}

/// Resident memory, in MiB.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Resident {
    pub(crate) all: f64,
    /// Without pages of files, which the system takes back when it wants.
    pub(crate) anonymous: f64,
}

impl Server {
    /// Starts `program` on the data directory in `folder`; answers how long it took until it was ready. The first start
    /// in a folder makes a tenancy and an access key, whose secret stays beside the data.
    ///
    /// # Errors
    /// Where it does not start, or can not be administered.
    pub async fn start(program: &Path, folder: &Path) -> Result<(Self, Duration), BenchError> {
        fs::create_dir_all(folder).map_err(BenchError::io(format!("the folder {}", folder.display())))?;
        let addresses = free_addresses().map_err(BenchError::io("a free port"))?;
        let (child, log_start) = spawn(program, folder, addresses).map_err(BenchError::io("the server"))?;
        let started = Instant::now();
        let [s3, metrics] = addresses;
        let (program, folder) = (program.to_owned(), folder.to_owned());
        let mut server = Self { program, folder, s3, metrics, child, secret: String::new(), log_start };
        server.wait_until_ready(started).await?;
        let took = started.elapsed();
        server.secret = server.secret()?;
        Ok((server, took))
    }

    /// Where it listens for S3, as `http://HOST:PORT`.
    pub fn endpoint(&self) -> String {
        format!("http://{}", self.s3)
    }

    /// Those of its access key.
    pub fn credentials(&self) -> Credentials {
        let (access_key, secret_key) = (ACCESS_KEY.to_owned(), self.secret.clone());
        Credentials { access_key, secret_key, region: "us-east-1".to_owned() }
    }

    /// The server, with a bucket. Bodies are not signed.
    pub(crate) fn target(&self, bucket: &str) -> Result<Target, BenchError> {
        Target::new(bucket, &self.endpoint(), bucket, self.credentials(), PayloadSigning::Unsigned)
    }

    /// Ends it at once (SIGKILL), as a crash would.
    pub(crate) fn kill(mut self) {
        self.end_now();
    }

    /// Asks it to end, and waits until it has.
    ///
    /// # Errors
    /// Where it does not within a minute.
    pub async fn stop(mut self) -> Result<(), BenchError> {
        let failed = || BenchError::io("the end of the server");
        let pid = Pid::from_child(&self.child);
        kill_process(pid, Signal::TERM).map_err(|error| failed()(error.into()))?;
        let asked = Instant::now();
        while self.child.try_wait().map_err(failed())?.is_none() {
            if asked.elapsed() > STOP_BOUND {
                return Err(failed()(std::io::ErrorKind::TimedOut.into()));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    pub(crate) fn resident(&self) -> Result<Resident, BenchError> {
        let path = format!("/proc/{}/status", self.child.id());
        let status = fs::read_to_string(&path).map_err(BenchError::io(path))?;
        Ok(Resident { all: status_mib(&status, "VmRSS:"), anonymous: status_mib(&status, "RssAnon:") })
    }

    /// The last line with `words` that this start wrote to the log, from these words on.
    pub(crate) fn said(&self, words: &str) -> Result<String, BenchError> {
        let path = self.folder.join(LOG_FILE);
        let read = || {
            let mut file = fs::File::open(&path)?;
            file.seek(SeekFrom::Start(self.log_start))?;
            let mut text = Vec::new();
            file.take(START_LOG_BYTES).read_to_end(&mut text)?;
            Ok(text)
        };
        let text = read().map_err(BenchError::io("the server's log"))?;
        let text = String::from_utf8_lossy(&text);
        let line = text.lines().rev().find_map(|line| Some(&line[line.find(words)?..]));
        Ok(line.unwrap_or_default().to_owned())
    }

    async fn wait_until_ready(&mut self, started: Instant) -> Result<(), BenchError> {
        while !is_ready(self.metrics).await {
            let ended = self.child.try_wait().map_err(BenchError::io("the server"))?;
            if ended.is_some() || started.elapsed() > START_BOUND {
                let log = self.folder.join(LOG_FILE);
                return Err(BenchError::Engine(format!("the server did not start: see {}", log.display())));
            }
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// The secret of the folder's access key, which is made where there is none.
    fn secret(&self) -> Result<String, BenchError> {
        let path = self.folder.join(SECRET_FILE);
        if let Ok(secret) = fs::read_to_string(&path) {
            return Ok(secret);
        }
        let mut random = [0; 20];
        OsEntropy.fill(&mut random);
        let secret = hex::encode(random);
        self.administer(&["tenancy", "create", TENANCY], "")?;
        self.administer(&["user", "create", USER, "--password-stdin"], &secret)?;
        self.administer(&["role", "grant", TENANCY, USER, "USER"], "")?;
        let key = ["key", "create", "--tenancy", TENANCY, "--user", USER, "--access-key", ACCESS_KEY, "--secret-stdin"];
        self.administer(&key, &secret)?;
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        let written = file.and_then(|mut file| file.write_all(secret.as_bytes()));
        written.map_err(BenchError::io(path.display().to_string()))?;
        Ok(secret)
    }

    fn administer(&self, arguments: &[&str], input: &str) -> Result<(), BenchError> {
        let what = format!("admin {}", arguments.join(" "));
        let run = || {
            let mut command = Command::new(&self.program);
            command.arg("admin").args(arguments).env("COMMONHOLD_DATA_DIR", self.folder.join(DATA_FOLDER));
            let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
            if let Some(mut stdin) = child.stdin.take() {
                writeln!(stdin, "{input}")?;
            }
            child.wait_with_output()
        };
        let output = run().map_err(BenchError::io(what.clone()))?;
        if output.status.success() {
            return Ok(());
        }
        Err(BenchError::Engine(format!("{what}: {}", String::from_utf8_lossy(&output.stderr).trim())))
    }

    fn end_now(&mut self) {
        // Both fail only where it has ended, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end_now();
    }
}

/// How much of the log after a start is searched. What a start says stands before the access log's lines.
const START_LOG_BYTES: u64 = 1 << 20;

/// Ports that were free a moment ago.
fn free_addresses() -> std::io::Result<[SocketAddr; 2]> {
    let listeners = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    Ok([listeners[0].local_addr()?, listeners[1].local_addr()?])
}

fn spawn(program: &Path, folder: &Path, [s3, metrics]: [SocketAddr; 2]) -> std::io::Result<(Child, u64)> {
    let log = OpenOptions::new().create(true).append(true).open(folder.join(LOG_FILE))?;
    let log_start = log.metadata()?.len();
    let child = Command::new(program)
        .arg("serve")
        .env("COMMONHOLD_DATA_DIR", folder.join(DATA_FOLDER))
        .env("COMMONHOLD_LISTEN_S3", s3.to_string())
        .env("COMMONHOLD_LISTEN_PORTAL", "off")
        .env("COMMONHOLD_LISTEN_METRICS", metrics.to_string())
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()?;
    Ok((child, log_start))
}

async fn is_ready(address: SocketAddr) -> bool {
    let ask = async {
        let mut stream = TcpStream::connect(address).await?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n").await?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await?;
        std::io::Result::Ok(answer)
    };
    ask.await.is_ok_and(|answer| answer.starts_with(b"HTTP/1.1 200"))
}

/// A line of `/proc/PID/status`, which counts in KiB.
fn status_mib(status: &str, name: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let number = line.and_then(|rest| rest.split_whitespace().next()?.parse::<f64>().ok());
    number.unwrap_or_default() / 1024.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn resident_memory_is_read_from_the_systems_page() {
        let status = "VmPeak:\t  9 kB\nVmRSS:\t   2048 kB\nRssAnon:\t    512 kB\n";
        assert!((status_mib(status, "VmRSS:") - 2.0).abs() < 1e-9);
        assert!((status_mib(status, "RssAnon:") - 0.5).abs() < 1e-9);
    }
}
