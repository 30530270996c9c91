//! `cargo xtask release`: the program compiled with a profile of itself.
//!
//! There are three steps: a build that counts which way the code goes, the load of `commonhold bench` on a store that this
//! build serves, and a build that lays the code out for what was counted. That takes a tenth off the processor time of a
//! request (docs/performance.md), and twenty minutes on two cores.
//!
//! All is in `profiled` in the build folder, the program too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Verdict;
use crate::workspace::Workspace;

/// What is to be installed where the tool is missing that adds the counts up.
const COMPONENT: &str = "llvm-tools";

/// The loads, as arguments of `commonhold bench`. Each has a store of its own.
const LOADS: [&[&str]; 5] = [
    &["--targets"],
    &["--operation", "mixed"],
    &["--operation", "mixed", "--sign-payload"],
    &["--operation", "put", "--size", "64KiB", "--connections", "8"],
    &["--operation", "get", "--size", "1MiB", "--connections", "8", "--objects", "200"],
];

/// Builds, and prints where the program is.
///
/// # Errors
/// What failed, and what to do about it.
pub(crate) fn run(workspace: &Workspace) -> Result<Verdict, String> {
    let toolchain = Toolchain::find()?;
    let folder = absolute(&workspace.target_folder().join("profiled"))?;
    let counts = folder.join("counts");
    // Counts of other code would only be passed over.
    remove(&counts)?;
    make(&counts)?;

    let counting = Build { flag: format!("-Cprofile-generate={}", counts.display()), is_quick: true };
    let program = counting.run(workspace, &toolchain, &folder, "commonhold-counting")?;
    for load in LOADS {
        let mut bench = Command::new(&program);
        bench.args(["bench", "--start", "--rounds", "1", "--duration", "2", "--dir"]).arg(folder.join("load"));
        succeed(bench.args(load).current_dir(&folder))?;
    }
    let profile = folder.join("commonhold.profdata");
    succeed(Command::new(&toolchain.profdata).args(["merge", "-o"]).arg(&profile).arg(&counts))?;

    let last = Build { flag: format!("-Cprofile-use={}", profile.display()), is_quick: false };
    let program = last.run(workspace, &toolchain, &folder, "commonhold")?;
    println!("{}", program.display());
    Ok(Verdict::Passed)
}

/// What compiles.
struct Toolchain {
    /// The machine that it is on, and compiles for.
    host: String,
    /// The tool that adds counts up.
    profdata: PathBuf,
}

impl Toolchain {
    fn find() -> Result<Self, String> {
        let rustc = || Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
        let version = output(rustc().arg("-vV"))?;
        let host = host_of(&version).ok_or_else(|| format!("rustc does not name its host: {version}"))?.to_owned();
        let sysroot = PathBuf::from(output(rustc().args(["--print", "sysroot"]))?.trim());
        let profdata = sysroot.join("lib/rustlib").join(&host).join("bin/llvm-profdata");
        if profdata.is_file() {
            return Ok(Self { host, profdata });
        }
        Err(format!("{} is missing: install it with `rustup component add {COMPONENT}`", profdata.display()))
    }
}

/// The line of `rustc -vV` that names the host.
fn host_of(version: &str) -> Option<&str> {
    version.lines().find_map(|line| line.strip_prefix("host: "))
}

/// One build of the program.
struct Build {
    /// What rustc is told.
    flag: String,
    /// Whether it is not to be fast, only there soon.
    is_quick: bool,
}

impl Build {
    /// Builds it, and puts it under `name` into the folder.
    fn run(&self, workspace: &Workspace, toolchain: &Toolchain, folder: &Path, name: &str) -> Result<PathBuf, String> {
        let given = std::env::var("RUSTFLAGS").unwrap_or_default();
        let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        // With a target named, what runs while building (macros, build scripts) is not compiled with these flags.
        cargo
            .args(["build", "--release", "--package", "server", "--target", &toolchain.host, "--target-dir"])
            .arg(folder.join("build"))
            .env("RUSTFLAGS", format!("{given} {}", self.flag).trim_start())
            .current_dir(workspace.path("."));
        if self.is_quick {
            // The pieces that a crate is compiled in stay as they are: counts are found again by their names.
            cargo.env("CARGO_PROFILE_RELEASE_LTO", "off");
        }
        succeed(&mut cargo)?;
        let built = folder.join("build").join(&toolchain.host).join("release/commonhold");
        let program = folder.join(name);
        fs::copy(&built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
        Ok(program)
    }
}

/// Runs a command that shows what it does.
fn succeed(command: &mut Command) -> Result<(), String> {
    let status = command.status().map_err(|error| format!("{command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?}: {status}")) }
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
}

fn absolute(path: &Path) -> Result<PathBuf, String> {
    std::path::absolute(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn make(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn remove(folder: &Path) -> Result<(), String> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", folder.display())),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::host_of;

    #[test]
    fn the_host_is_a_line_of_its_own() {
        let version =
            "rustc 1.95.0 (5980761 2026-04-14)\nbinary: rustc\nhost: x86_64-unknown-linux-gnu\nrelease: 1.95.0\n";
        assert_eq!(host_of(version), Some("x86_64-unknown-linux-gnu"));
        assert_eq!(host_of("rustc 1.95.0\n"), None);
    }
}
