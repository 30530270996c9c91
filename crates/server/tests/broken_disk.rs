//! A disk that breaks under the real server: writes and syncs that fail.
//!
//! The failing calls are those of `support/failing_disk.c`, which is compiled here and preloaded: it needs no privilege,
//! works on every file system, and lets a test choose the files. It can not show what a kernel forgets after a failed
//! sync; the simulation does that, with disks that drop what was not synced.

mod support;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use support::{BINARY, folder, manager, metric, monitoring, request, skip, wrapper};
use testkit::{AccessKey, ServerConfig, TestServer};

/// Objects that are there before the disk breaks: packed into the log, and files of their own.
const BODIES: [(&str, usize); 4] = [("empty", 0), ("small", 300), ("packed", 60_000), ("large", 200_000)];

/// A server whose disk fails as the test says.
struct Broken {
    server: TestServer,
    key: AccessKey,
    plan: PathBuf,
    _folder: tempfile::TempDir,
}

impl Broken {
    /// With a bucket and [`BODIES`] in it; `None` where there is no C compiler.
    fn new() -> Option<Self> {
        let (folder, path) = folder();
        let library = path.join("failing_disk.so");
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/support/failing_disk.c");
        let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&library, &source]).status();
        if !compiled.is_ok_and(|status| status.success()) {
            skip("no C compiler");
            return None;
        }
        let environment = format!("LD_PRELOAD={} FAILING_DISK={}", library.display(), path.display());
        let binary = wrapper(&path, &format!("exec env {environment} {BINARY} \"$@\""));
        let server = TestServer::start_with(binary, &ServerConfig::default());
        let key = manager(&server);
        let broken = Self { server, key, plan: path, _folder: folder };
        assert_eq!(broken.request("PUT", "", "").0, 200);
        for (name, length) in BODIES {
            assert_eq!(broken.put(name, length).0, 200);
        }
        Some(broken)
    }

    /// From now on `call` fails for files whose path contains `files`.
    fn fail(&self, call: &str, files: &str) {
        fs::write(self.plan.join(call), files).expect("written");
    }

    /// From now on `call` works again.
    fn repair(&self, call: &str) {
        fs::remove_file(self.plan.join(call)).expect("removed");
    }

    /// How many calls failed.
    fn failed_calls(&self) -> usize {
        fs::read(self.plan.join("failed")).map_or(0, |failed| failed.len())
    }

    fn request(&self, method: &str, name: &str, body: &str) -> (u16, String) {
        let answer = request(self.server.s3_address(), &self.key, method, &format!("/data/{name}"), body);
        (answer.status, answer.body)
    }

    fn put(&self, name: &str, length: usize) -> (u16, String) {
        self.request("PUT", name, &"x".repeat(length))
    }

    fn is_whole(&self) {
        for (name, length) in BODIES {
            assert_eq!(self.request("GET", name, ""), (200, "x".repeat(length)), "{name}");
        }
    }
}

/// Nothing that waited is acknowledged or seen, nothing is tried again, and everything tells of it until the restart.
#[test]
fn a_log_that_can_not_be_written_ends_writes_until_the_restart() {
    for call in ["fdatasync", "pwrite"] {
        let Some(mut broken) = Broken::new() else { return };
        assert_eq!(monitoring(&broken.server, "/readyz").status, 200);
        broken.fail(call, "/log/");
        let (status, body) = broken.put("lost", 10);
        assert!(status >= 500, "{call}: {status} {body}");
        let failed = broken.failed_calls();
        for (name, length) in BODIES {
            let (status, body) = broken.put(name, length + 1);
            assert!(
                status == 503 && body.contains("<Code>ServiceUnavailable</Code>"),
                "{call} {name}: {status} {body}"
            );
            assert_eq!(broken.request("DELETE", name, "").0, 503, "{call} {name}");
        }
        assert_eq!(broken.failed_calls(), failed, "{call}: it is not tried again");
        broken.repair(call);
        assert_eq!(broken.put("lost", 10).0, 503, "{call}: nor when the disk seems to work again");
        assert_eq!(broken.request("GET", "lost", "").0, 404, "{call}: what was not acknowledged is not seen");
        broken.is_whole();
        let ready = monitoring(&broken.server, "/readyz");
        assert!(ready.status == 503 && ready.body.starts_with("read-only: the log can not be written"), "{ready:?}");
        assert_eq!(metric(&broken.server, "commonhold_storage_read_only"), Some(1.0));
        assert!(broken.server.log().contains("the store takes no more writes"), "{}", broken.server.log());

        broken.server.kill();
        broken.server.start_again();
        broken.is_whole();
        assert_eq!(monitoring(&broken.server, "/readyz").status, 200);
        assert_eq!(broken.put("after", 10).0, 200);
        assert!(!broken.server.log().contains("panicked"), "{}", broken.server.log());
    }
}

/// The file of one body is nobody else's: its request fails, and nothing more.
#[test]
fn a_body_that_can_not_be_written_fails_its_request_alone() {
    let Some(mut broken) = Broken::new() else { return };
    for call in ["fdatasync", "pwrite"] {
        broken.fail(call, "/blobs/");
        let (status, body) = broken.put("large", 300_000);
        assert!(status >= 500, "{call}: {status} {body}");
        assert_eq!(broken.put("other", 300_000).0, status, "{call}");
        assert_eq!(broken.put("small", 300).0, 200, "{call}");
        broken.is_whole();
        assert_eq!(broken.request("GET", "other", "").0, 404, "{call}");
        assert_eq!(monitoring(&broken.server, "/readyz").status, 200, "{call}");
        broken.repair(call);
        assert_eq!(broken.put("again", 300_000).0, 200, "{call}");
    }
    broken.server.kill();
    broken.server.start_again();
    broken.is_whole();
    assert_eq!(broken.request("GET", "again", "").1.len(), 300_000);
}
