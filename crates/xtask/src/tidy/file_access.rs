//! Files are touched where DESIGN says and nowhere else, so that a simulated disk sees every access.
//!
//! `storage-embedded` is the store's; `server` reads its configuration, certificates and the master key; `bench`
//! measures the device; the rest are tools of the tree. Tests may write files everywhere.

use super::Finding;
use crate::workspace::Workspace;

const ALLOWED_CRATES: [&str; 6] = ["storage-embedded", "server", "testkit", "simulation", "bench", "xtask"];
const FILE_MODULES: [&str; 2] = ["std::fs", "tokio::fs"];

pub(super) fn check(workspace: &Workspace) -> Result<Vec<Finding>, String> {
    let mut findings = Vec::new();
    for file in workspace.files()? {
        if concerns(&file) {
            findings.extend(first_use(&file, &workspace.read(&file)?));
        }
    }
    Ok(findings)
}

/// True for source that is compiled into the product, of a crate that is not allowed files.
fn concerns(file: &str) -> bool {
    let Some((name, rest)) = file.strip_prefix("crates/").and_then(|path| path.split_once('/')) else { return false };
    let is_test = rest.ends_with("tests.rs") || rest.contains("/tests/");
    rest.starts_with("src/") && rest.ends_with(".rs") && !is_test && !ALLOWED_CRATES.contains(&name)
}

fn first_use(file: &str, text: &str) -> Option<Finding> {
    let product = text.split("#[cfg(test)]").next().unwrap_or(text);
    let line = product.lines().position(|line| {
        let code = line.trim_start();
        !code.starts_with("//") && FILE_MODULES.iter().any(|module| code.contains(module))
    })?;
    Some(format!("{file}:{}: files belong to storage-embedded and server alone", line + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_which_files_it_concerns() {
        let cases = [
            ("crates/objects/src/store.rs", true),
            ("crates/objects/src/store_tests.rs", false),
            ("crates/objects/src/store/tests.rs", false),
            ("crates/objects/tests/model.rs", false),
            ("crates/storage-embedded/src/disk.rs", false),
            ("docs/index.md", false),
        ];
        for (file, expected) in cases {
            assert_eq!(concerns(file), expected, "{file}");
        }
    }

    #[test]
    fn finds_use_in_code_but_not_in_comments_and_tests() {
        assert_eq!(
            first_use("a.rs", "//! no std::fs here\nuse std::fs;\n").unwrap(),
            "a.rs:2: files belong to storage-embedded and server alone"
        );
        assert_eq!(first_use("a.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use std::fs; }\n"), None);
    }
}
