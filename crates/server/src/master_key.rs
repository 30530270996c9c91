//! Where the master key comes from: the environment, else a file of the data directory that the first start makes.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use identity::{MasterKey, MasterKeyError};
use types::Entropy;

/// The variable that gives the key.
pub(crate) const VARIABLE: &str = "COMMONHOLD_MASTER_KEY";
/// The permissions of the file: its owner reads and writes, nobody else does anything.
const MODE: u32 = 0o600;
/// Bits that no master key file may have.
const FOREIGN_BITS: u32 = 0o077;

/// There is no master key to work with.
#[derive(Debug, thiserror::Error)]
pub(crate) enum MasterKeySourceError {
    /// The variable holds something else.
    #[error("environment variable {VARIABLE}: {0}")]
    Variable(MasterKeyError),
    /// The file holds something else.
    #[error("{path}: {error}; restore the file from your copy of it")]
    Content {
        /// The file.
        path: PathBuf,
        /// What it should hold.
        error: MasterKeyError,
    },
    /// Others may read or write the file.
    #[error(
        "{path} has mode {mode:04o}, so that others than its owner can reach the key: run `chmod 600 {path}`, and if \
         others may have read it, make new access keys"
    )]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permissions.
        mode: u32,
    },
    /// There is data, and its key is gone.
    #[error(
        "{path} is missing, but the data directory holds a store: its access keys are encrypted under the key that was \
         there. Restore the file from your copy of it, or give the key in {VARIABLE}"
    )]
    Missing {
        /// Where the file should be.
        path: PathBuf,
    },
    /// The file can not be read or made.
    #[error("{path}: {error}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
}

/// The master key of the store in `data_dir`, which exists: `variable` if given, else the content of `path`. Where
/// `data_dir` is empty, the file is made.
///
/// # Errors
/// [`MasterKeySourceError`] says what to do.
pub(crate) fn obtain(
    variable: Option<&str>,
    path: &Path,
    data_dir: &Path,
    entropy: &dyn Entropy,
) -> Result<MasterKey, MasterKeySourceError> {
    if let Some(text) = variable.filter(|text| !text.is_empty()) {
        return MasterKey::parse(text).map_err(MasterKeySourceError::Variable);
    }
    let io = |error| MasterKeySourceError::Io { path: path.to_owned(), error };
    match read(path) {
        Err(MasterKeySourceError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {}
        read => return read,
    }
    if !is_empty(data_dir).map_err(io)? {
        // Another server's first start may have made it between the two looks.
        return match read(path) {
            Err(MasterKeySourceError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
                Err(MasterKeySourceError::Missing { path: path.to_owned() })
            }
            read => read,
        };
    }
    match create(path, &MasterKey::generate(entropy), entropy) {
        Ok(()) => tracing::info!(path = %path.display(), "made the master key: keep a copy of it away from the data"),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(io(error)),
    }
    read(path)
}

fn read(path: &Path) -> Result<MasterKey, MasterKeySourceError> {
    let io = |error| MasterKeySourceError::Io { path: path.to_owned(), error };
    let file = File::open(path).map_err(io)?;
    let mode = file.metadata().map_err(io)?.mode() & 0o7777;
    if mode & FOREIGN_BITS != 0 {
        return Err(MasterKeySourceError::TooOpen { path: path.to_owned(), mode });
    }
    let text = io::read_to_string(file).map_err(io)?;
    MasterKey::parse(&text).map_err(|error| MasterKeySourceError::Content { path: path.to_owned(), error })
}

/// Whether nothing lies in the folder but what an interrupted [`create`] left there.
fn is_empty(folder: &Path) -> io::Result<bool> {
    for entry in fs::read_dir(folder)? {
        if !entry?.file_name().to_string_lossy().starts_with(DRAFT_PREFIX) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// How the names of unfinished files start.
const DRAFT_PREFIX: &str = ".master.key.";

/// Makes the file whole and durable, or not at all: written beside, synced, then linked to its name, which fails where
/// the name is taken.
fn create(path: &Path, key: &MasterKey, entropy: &dyn Entropy) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = folder.join(format!("{DRAFT_PREFIX}{:016x}", entropy.next_u64()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(MODE).open(&draft)?;
    let result = file
        .write_all(key.to_hex().as_bytes())
        .and_then(|()| file.write_all(b"\n"))
        .and_then(|()| file.sync_all())
        .and_then(|()| fs::hard_link(&draft, path));
    fs::remove_file(&draft)?;
    result?;
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use types::OsEntropy;

    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn obtain_in(folder: &Path, variable: Option<&str>) -> Result<String, String> {
        obtain(variable, &folder.join("master.key"), folder, &OsEntropy)
            .map(|key| key.to_hex().to_string())
            .map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_start_makes_it_and_the_next_ones_read_it() {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join(".master.key.0123"), "half").expect("written");
        let made = obtain_in(folder.path(), None).expect("made");
        let mode = fs::metadata(folder.path().join("master.key")).expect("it is there").mode();
        assert_eq!(mode & 0o777, MODE);
        fs::write(folder.path().join("log"), "data").expect("written");
        assert_eq!(obtain_in(folder.path(), None).expect("read"), made);
    }

    #[test]
    fn the_environment_comes_first() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(obtain_in(folder.path(), Some(KEY)).expect("given"), KEY);
        assert!(!folder.path().join("master.key").exists());
        assert!(obtain_in(folder.path(), Some("short")).expect_err("too short").contains(VARIABLE));
        obtain_in(folder.path(), Some("")).expect("an empty variable is none");
    }

    #[test]
    fn what_could_lose_or_leak_the_key_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("master.key");
        fs::write(folder.path().join("log"), "data").expect("written");
        assert!(obtain_in(folder.path(), None).expect_err("data without a key").contains("Restore the file"));

        fs::write(&path, KEY).expect("written");
        for (mode, refused) in [(0o644, true), (0o620, true), (0o604, true), (0o600, false), (0o400, false)] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).expect("set");
            let result = obtain_in(folder.path(), None);
            assert_eq!(result.is_err(), refused, "{mode:o}: {result:?}");
            if let Err(message) = result {
                assert!(message.contains("chmod 600"), "{message}");
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).expect("set");
        fs::write(&path, "not a key").expect("written");
        assert!(obtain_in(folder.path(), None).expect_err("no key").contains("64 hex digits"));
    }
}
