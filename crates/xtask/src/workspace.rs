//! Where the tree and its build output are, and what is in the tree.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// What holds no source: build output, data of a store run in place, version control (in a worktree `.git` is a file).
const SKIPPED: [&str; 5] = ["target", "commonhold-data", ".git", ".venv", "__pycache__"];

/// The tree that xtask works on.
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The workspace that cargo runs xtask from, else the current folder.
    pub(crate) fn find() -> Self {
        let manifest_folder = std::env::var_os("CARGO_MANIFEST_DIR").map(PathBuf::from);
        let root = manifest_folder.as_deref().and_then(|crate_folder| crate_folder.ancestors().nth(2));
        Self::at(root.unwrap_or(Path::new(".")))
    }

    /// The workspace with this root folder.
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Where cargo builds: `$CARGO_TARGET_DIR`, else `target`.
    pub(crate) fn target_folder(&self) -> PathBuf {
        let configured = std::env::var_os("CARGO_TARGET_DIR").map(PathBuf::from);
        self.root.join(configured.unwrap_or_else(|| PathBuf::from("target")))
    }

    /// A file's text, with an error that names it.
    pub(crate) fn read(&self, relative: &str) -> Result<String, String> {
        fs::read_to_string(self.path(relative)).map_err(|error| format!("{relative}: {error}"))
    }

    /// The names in `crates/`, sorted.
    pub(crate) fn crate_names(&self) -> Result<Vec<String>, String> {
        let manifests = self.files()?;
        let names = manifests.iter().filter_map(|file| file.strip_prefix("crates/")?.strip_suffix("/Cargo.toml"));
        Ok(names.filter(|name| !name.contains('/')).map(str::to_owned).collect())
    }

    /// Every crate's dependencies by name, ours and others', without those of its tests.
    pub(crate) fn dependencies(&self) -> Result<BTreeMap<String, Vec<String>>, String> {
        let mut edges = BTreeMap::new();
        for name in self.crate_names()? {
            let relative = format!("crates/{name}/Cargo.toml");
            let manifest: toml::Table =
                self.read(&relative)?.parse().map_err(|error| format!("{relative}: {error}"))?;
            edges.insert(name, dependencies_of(&manifest));
        }
        Ok(edges)
    }

    /// Every source file of the tree, relative to its root with `/`, sorted.
    pub(crate) fn files(&self) -> Result<Vec<String>, String> {
        let mut found = Vec::new();
        let mut folders = vec![self.root.clone()];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            for entry in entries {
                let entry = entry.map_err(|error| format!("{}: {error}", folder.display()))?;
                let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
                let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name);
                if skipped {
                    continue;
                }
                if is_folder {
                    folders.push(entry.path());
                } else {
                    found.extend(self.relative(&entry.path()));
                }
            }
        }
        found.sort();
        Ok(found)
    }

    fn relative(&self, path: &Path) -> Option<String> {
        path.strip_prefix(&self.root).ok()?.to_str().map(str::to_owned)
    }
}

/// Names in `[dependencies]`, `[build-dependencies]` and their `[target.*]` forms.
fn dependencies_of(manifest: &toml::Table) -> Vec<String> {
    let targets = manifest.get("target").and_then(toml::Value::as_table).into_iter().flatten();
    let tables = std::iter::once(manifest).chain(targets.filter_map(|(_, target)| target.as_table()));
    let mut names = Vec::new();
    for table in tables {
        for section in ["dependencies", "build-dependencies"] {
            let dependencies = table.get(section).and_then(toml::Value::as_table).into_iter().flatten();
            names.extend(dependencies.map(|(name, _)| name.clone()));
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_include_targets_and_leave_tests_out() {
        let text = "[dependencies]\na = '1'\n[dev-dependencies]\nb = '1'\n[build-dependencies]\nc = '1'\n\
                    [target.'cfg(unix)'.dependencies]\nd = '1'\n";
        let manifest: toml::Table = text.parse().unwrap();
        assert_eq!(dependencies_of(&manifest), ["a", "c", "d"]);
    }
}
