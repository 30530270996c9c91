//! The Unix socket of the administration API: made for its owner alone, freed of what a dead server left.

use std::io;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use tokio::net::{UnixListener, UnixStream};

/// The longest path of a Unix socket on Linux, in bytes (unix(7): `sun_path` has 108 with its terminating zero).
const PATH_BYTES: usize = 107;
/// Permissions: who owns the server administers it.
const MODE: u32 = 0o600;

/// The socket can not be opened.
#[derive(Debug, thiserror::Error)]
pub(crate) enum AdminSocketError {
    /// The system does not take paths of this length.
    #[error(
        "the path of the administration socket is too long ({length} bytes; at most {PATH_BYTES}): {path}\nSet \
         listen.admin_socket to a shorter path, such as \"/run/commonhold/admin.sock\""
    )]
    TooLong {
        /// The path.
        path: PathBuf,
        /// Its length in bytes.
        length: usize,
    },
    /// Another server answers there.
    #[error("another commonhold listens at {path}: stop it first, or give this one a listen.admin_socket of its own")]
    InUse {
        /// The path.
        path: PathBuf,
    },
    /// Something that is no socket has the name.
    #[error("{path} is there and is no socket: move it away, or set listen.admin_socket to another path")]
    NotASocket {
        /// The path.
        path: PathBuf,
    },
    /// The system refuses.
    #[error("the administration socket {path} can not be opened: {error}")]
    Io {
        /// The path.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// Whether the system can have a socket at `path`.
///
/// # Errors
/// [`AdminSocketError::TooLong`]
pub(crate) fn check_path(path: &Path) -> Result<(), AdminSocketError> {
    let length = path.as_os_str().len();
    if length > PATH_BYTES {
        return Err(AdminSocketError::TooLong { path: path.to_owned(), length });
    }
    Ok(())
}

/// Listens at `path`. A socket that nobody answers at is replaced.
///
/// The caller holds the data directory's lock, so that of two servers of one store only one comes here.
///
/// # Errors
/// [`AdminSocketError`] says what to do.
pub(crate) async fn bind(path: &Path) -> Result<UnixListener, AdminSocketError> {
    check_path(path)?;
    let io = |error| AdminSocketError::Io { path: path.to_owned(), error };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(io(error)),
        Ok(metadata) if !metadata.file_type().is_socket() => {
            return Err(AdminSocketError::NotASocket { path: path.to_owned() });
        }
        Ok(_) if UnixStream::connect(path).await.is_ok() => {
            return Err(AdminSocketError::InUse { path: path.to_owned() });
        }
        Ok(_) => std::fs::remove_file(path).map_err(io)?,
    }
    // The process's umask makes the socket private from its first moment; the mode says so for whoever looks.
    let listener = UnixListener::bind(path).map_err(io)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(MODE)).map_err(io)?;
    Ok(listener)
}

/// Takes the socket's name away; the server has ended.
pub(crate) fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::debug!(path = %path.display(), %error, "the administration socket is gone already");
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[tokio::test]
    async fn a_dead_socket_is_replaced_and_a_live_one_is_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("admin.sock");
        drop(bind(&path).await.expect("the first"));
        let live = bind(&path).await.expect("the first is dead");
        assert_eq!(std::fs::metadata(&path).expect("there").mode() & 0o777, MODE);
        assert!(matches!(bind(&path).await, Err(AdminSocketError::InUse { .. })));
        drop(live);
        remove(&path);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn names_that_can_not_be_a_socket_are_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("file");
        std::fs::write(&file, "precious").expect("written");
        assert!(matches!(bind(&file).await, Err(AdminSocketError::NotASocket { .. })));
        assert_eq!(std::fs::read(&file).expect("still there"), b"precious");
        let long = folder.path().join("x".repeat(PATH_BYTES));
        let message = bind(&long).await.expect_err("too long").to_string();
        assert!(message.contains("listen.admin_socket"), "{message}");
        let nowhere = folder.path().join("no").join("folder");
        assert!(matches!(bind(&nowhere).await, Err(AdminSocketError::Io { .. })));
    }
}
