//! Pictures of the portal's pages, which the client tests take on their way.
//!
//! They go into one folder, `$COMMONHOLD_TEST_SCREENSHOTS` or `screenshots` in the build folder, and are kept until the next
//! run: for a look at what has changed, and for a CI to keep.

use std::fs;
use std::path::{Path, PathBuf};

use crate::workspace::Workspace;

/// The variable with the folder, for this program and for the tests that it runs.
pub(super) const VARIABLE: &str = "COMMONHOLD_TEST_SCREENSHOTS";

/// The folder, without the pictures of the run before.
///
/// # Errors
/// Where it can not be made, or a picture can not be removed.
pub(super) fn cleared_folder(workspace: &Workspace) -> Result<PathBuf, String> {
    let configured = std::env::var_os(VARIABLE).map(|folder| workspace.path(".").join(folder));
    let folder = configured.unwrap_or_else(|| workspace.target_folder().join("screenshots"));
    clear(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    Ok(folder)
}

/// Removes pictures alone: the folder may have been named by mistake.
fn clear(folder: &Path) -> std::io::Result<()> {
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "png") {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_removed_and_nothing_else() {
        let folder = tempfile::tempdir().expect("a folder");
        let below = folder.path().join("screenshots");
        clear(&below).expect("made");
        for name in ["a.png", "notes.txt"] {
            fs::write(below.join(name), name).expect("written");
        }
        clear(&below).expect("cleared");
        assert_eq!((below.join("a.png").exists(), below.join("notes.txt").exists()), (false, true));
    }
}
