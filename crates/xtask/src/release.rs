//! `cargo xtask release`: the program compiled with a profile of itself.
//!
//! There are three steps: a build that counts which way the code goes, the load of `commonhold bench` on a store that this
//! build serves, and a build that lays the code out for what was counted. That takes a tenth off the processor time of a
//! request (docs/performance.md), and half an hour on two cores.
//!
//! All is in `profiled` in the build folder, the program too.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::Verdict;
use crate::command::{cargo, run as run_command};
use crate::workspace::Workspace;

/// What is to be installed where the tool is missing that adds the counts up.
const COMPONENT: &str = "llvm-tools";

/// The loads, as arguments of `commonhold bench`. Each has a store of its own. Bare servers are measured too, so that what
/// they are for stays a fair limit. Of large bodies there are few, so that the loops over their bytes do not drown the rest.
const LOADS: [&[&str]; 7] = [
    &["--targets", "put-4KiB", "get-4KiB", "head", "list", "delete"],
    &["--operation", "mixed"],
    &["--operation", "mixed", "--sign-payload"],
    &["--operation", "put", "--size", "64KiB", "--connections", "8"],
    &["--operation", "get", "--size", "1MiB", "--connections", "8", "--objects", "200"],
    &["--operation", "put", "--size", "256MiB", "--part-size", "16MiB", "--connections", "1", "--count", "2"],
    &["--operation", "range", "--size", "256MiB", "--connections", "8", "--objects", "1"],
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

    let generate = format!("-Cprofile-generate={}", counts.display());
    let program = build(workspace, &toolchain, &folder, &generate, "commonhold-counting")?;
    for load in LOADS {
        let mut bench = Command::new(&program);
        bench.args(["bench", "--start", "--rounds", "1", "--duration", "4", "--dir"]).arg(folder.join("load"));
        run_command(bench.args(load).current_dir(&folder))?;
    }
    let profile = folder.join("commonhold.profdata");
    run_command(Command::new(&toolchain.profdata).args(["merge", "-o"]).arg(&profile).arg(&counts))?;

    let usage = format!("-Cprofile-use={}", profile.display());
    let program = build(workspace, &toolchain, &folder, &usage, "commonhold")?;
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

/// Builds the program with one more flag, and puts it under `name` into the folder. Both builds are of the same profile of
/// cargo: what it says is a part of the names by which counts are found again.
fn build(
    workspace: &Workspace,
    toolchain: &Toolchain,
    folder: &Path,
    flag: &str,
    name: &str,
) -> Result<PathBuf, String> {
    let given = std::env::var("RUSTFLAGS").unwrap_or_default();
    let mut cargo = cargo(workspace);
    // With a target named, what runs while building (macros, build scripts) is not compiled with these flags.
    cargo
        .args(["build", "--release", "--package", "server", "--target", &toolchain.host, "--target-dir"])
        .arg(folder.join("build"))
        .env("RUSTFLAGS", format!("{given} {flag}").trim_start());
    run_command(&mut cargo)?;
    let built = folder.join("build").join(&toolchain.host).join("release/commonhold");
    let program = folder.join(name);
    fs::copy(&built, &program).map_err(|error| format!("{}: {error}", built.display()))?;
    Ok(program)
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
