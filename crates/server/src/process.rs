//! What the process asks of the operating system before it serves.

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit, umask};

/// File descriptors that the engine and the runtime use beside the connections.
const DESCRIPTORS_BESIDE_CONNECTIONS: u64 = 512;
/// Descriptors that one connection may use: its socket, and a file that it reads or writes.
const DESCRIPTORS_PER_CONNECTION: u64 = 2;

/// Nothing that this process makes is for other users of the machine.
pub(crate) fn keep_files_private() {
    umask(Mode::RWXG | Mode::RWXO);
}

/// Raises the soft limit of open files to the hard one; warns where that is too low for `connections`.
pub(crate) fn raise_open_files_limit(connections: u32) {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    let raised = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum });
    let limit = if raised.is_ok() { maximum } else { current };
    let wanted = u64::from(connections) * DESCRIPTORS_PER_CONNECTION + DESCRIPTORS_BESIDE_CONNECTIONS;
    // No limit at all is `None`.
    if let Some(limit) = limit.filter(|limit| *limit < wanted) {
        tracing::warn!(
            limit,
            wanted,
            "the limit of open files is low for limits.connections = {connections}: raise it (LimitNOFILE of systemd, \
             ulimit -n), or lower limits.connections"
        );
    }
}
