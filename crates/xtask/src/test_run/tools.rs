//! Installing the clients.
//!
//! Everything goes into one folder, `$COMMONHOLD_TEST_TOOLS` or `test-tools` in the build folder, and is kept there:
//! a virtual environment with the Python clients of `tests/clients/requirements.txt`, and `bin` with `mc`, which Go
//! builds. Programs of Debian are installed by its package manager where we are root. What is there is left alone, so
//! a second run installs nothing.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::command::run;
use crate::workspace::Workspace;

const TOOLS_VARIABLE: &str = "COMMONHOLD_TEST_TOOLS";
const REQUIREMENTS: &str = "tests/clients/requirements.txt";
/// What the environment was made from; beside it, so that a changed list makes it anew.
const INSTALLED_REQUIREMENTS: &str = "requirements.installed";

/// Programs that Debian packages: the program, its package.
const DEBIAN_PROGRAMS: [(&str, &str); 4] =
    [("rclone", "rclone"), ("slapd", "slapd"), ("ldapmodify", "ldap-utils"), ("chromium", "chromium")];
/// The package that lets Debian's Python make virtual environments.
const DEBIAN_VENV: &str = "python3-venv";

/// The MinIO client, release of 2025-03-12, as the Go proxy knows it.
const MC: &str = "github.com/minio/mc@v0.0.0-20250313080218-cf909e1063a9";

/// The folder of installed clients.
pub(super) struct Tools {
    folder: PathBuf,
    python: Option<PathBuf>,
}

impl Tools {
    /// Installs what is missing.
    ///
    /// # Errors
    /// With `CI=true` where anything cannot be installed; elsewhere that is printed, and its tests will be skipped.
    pub(super) fn install(workspace: &Workspace) -> Result<Self, String> {
        let configured = std::env::var_os(TOOLS_VARIABLE).map(PathBuf::from);
        let folder = configured.unwrap_or_else(|| workspace.target_folder().join("test-tools"));
        fs::create_dir_all(folder.join("bin")).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut tools = Self { folder, python: None };
        settle("mc", tools.install_mc())?;
        let requirements = workspace.read(REQUIREMENTS)?;
        tools.python = settle("the Python clients", tools.install_python_clients(workspace, &requirements))?;
        Ok(tools)
    }

    /// The environment's interpreter, where there is an environment.
    pub(super) fn python(&self) -> Option<&Path> {
        self.python.as_deref()
    }

    /// `PATH` with the installed clients first.
    pub(super) fn search_path(&self) -> OsString {
        let inherited = std::env::var_os("PATH").unwrap_or_default();
        let ours = [self.folder.join("venv/bin"), self.folder.join("bin")];
        let all = ours.into_iter().chain(std::env::split_paths(&inherited));
        // Fails only where a folder's name contains a colon; then the clients are not found, and say so.
        std::env::join_paths(all).unwrap_or(inherited)
    }

    fn install_mc(&self) -> Result<(), String> {
        let bin = self.folder.join("bin");
        if bin.join("mc").is_file() {
            return Ok(());
        }
        // A `mc` elsewhere may be Midnight Commander, so only the one in our folder counts.
        println!("building mc with Go, which takes some minutes the first time");
        run(Command::new("go").args(["install", MC]).env("GOBIN", bin))
    }

    fn install_python_clients(&self, workspace: &Workspace, requirements: &str) -> Result<PathBuf, String> {
        let venv = self.folder.join("venv");
        let python = venv.join("bin/python");
        let installed = self.folder.join(INSTALLED_REQUIREMENTS);
        if python.exists() && fs::read_to_string(&installed).is_ok_and(|list| list == requirements) {
            return Ok(python);
        }
        println!("installing the Python clients");
        let create = || run(Command::new("python3").args(["-m", "venv", "--clear"]).arg(&venv));
        create().or_else(|_| apt_install(&[DEBIAN_VENV]).and_then(|()| create()))?;
        let mut pip = Command::new(&python);
        pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"]);
        run(pip.arg(workspace.path(REQUIREMENTS)))?;
        fs::write(&installed, requirements).map_err(|error| format!("{}: {error}", installed.display()))?;
        Ok(python)
    }
}

/// In CI a failure to install is the run's failure; elsewhere it is told, and tests will be skipped.
fn settle<T>(what: &str, outcome: Result<T, String>) -> Result<Option<T>, String> {
    match outcome {
        Ok(value) => Ok(Some(value)),
        Err(reason) if in_ci() => Err(format!("cannot install {what}: {reason}")),
        Err(reason) => {
            println!("cannot install {what}, so their tests are skipped: {reason}");
            Ok(None)
        }
    }
}

fn in_ci() -> bool {
    std::env::var("CI").is_ok_and(|value| value == "true")
}

/// Installs the programs of Debian that are missing.
///
/// # Errors
/// As for [`Tools::install`].
pub(super) fn install_debian_programs() -> Result<(), String> {
    settle("programs of Debian", install_missing_programs()).map(|_| ())
}

fn install_missing_programs() -> Result<(), String> {
    let missing: Vec<&str> =
        DEBIAN_PROGRAMS.iter().filter(|(program, _)| !is_in_path(program)).map(|(_, package)| *package).collect();
    if missing.is_empty() { Ok(()) } else { apt_install(&missing) }
}

fn is_in_path(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Servers are there, and it is not in everybody's path.
    let folders = std::env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    folders.into_iter().any(|folder| folder.join(program).is_file())
}

fn apt_install(packages: &[&str]) -> Result<(), String> {
    if !is_root() {
        return Err(format!("install the packages {} first", packages.join(" ")));
    }
    run(Command::new("apt-get").args(["update", "--quiet"]))?;
    let mut install = Command::new("apt-get");
    install.args(["install", "--yes", "--quiet", "--no-install-recommends"]).args(packages);
    run(install.env("DEBIAN_FRONTEND", "noninteractive"))
}

fn is_root() -> bool {
    Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}
