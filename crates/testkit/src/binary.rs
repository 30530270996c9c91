//! Where the program under test is.

use std::path::{Path, PathBuf};

/// Overrides the search of [`commonhold_binary`], for tests of an installed program.
const BINARY_VARIABLE: &str = "COMMONHOLD_BIN";

/// The `commonhold` program: `$COMMONHOLD_BIN`, else the one that cargo built beside the running test.
///
/// Tests of the crate `server` pass `env!("CARGO_BIN_EXE_commonhold")` to [`TestServer`](crate::TestServer) instead,
/// which makes cargo build it first.
///
/// # Panics
/// Where neither exists; the message says what to build.
pub fn commonhold_binary() -> PathBuf {
    if let Some(path) = std::env::var_os(BINARY_VARIABLE) {
        return PathBuf::from(path);
    }
    let test = std::env::current_exe().expect("a running test has a path");
    // target/<profile>/deps/<test> or target/<profile>/<example>: the program is in one of the folders above.
    let found = test.ancestors().skip(1).take(2).map(|folder| folder.join(program_name())).find(|path| path.is_file());
    found.unwrap_or_else(|| panic!("no commonhold program near {}: run `cargo build` first", show(&test)))
}

fn program_name() -> String {
    format!("commonhold{}", std::env::consts::EXE_SUFFIX)
}

fn show(path: &Path) -> String {
    path.display().to_string()
}
