//! A Python virtual environment with exactly the packages of `requirements.txt`.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use crate::{Result, process};

/// Prints whether the version suffices, then the version and path that identify this Python.
const PROBE: &str = "import sys; print(sys.version_info >= (3, 11)); print(sys.version, sys.executable)";
const CANDIDATES: [&str; 2] = ["python3", "python"];
const VENV_LIMIT: Duration = Duration::from_secs(60);
const PIP_LIMIT: Duration = Duration::from_secs(180);

/// A virtual environment with all requirements installed.
pub(crate) struct Python {
    /// Directory of its programs.
    programs: PathBuf,
    /// Directory of the project's scripts.
    scripts: PathBuf,
    /// Working directory of the scripts.
    work: PathBuf,
}

impl Python {
    /// Creates the environment in `work`. Reuses one that has the same requirements and can import the `modules`.
    pub(crate) fn prepare(scripts: &Path, work: &Path, modules: &str) -> Result<Python> {
        let requirements = scripts.join("requirements.txt");
        let (base, identity) = base()?;
        let venv = work.join("venv");
        let programs = venv.join(if cfg!(windows) { "Scripts" } else { "bin" });
        let python = Python { programs, scripts: scripts.to_owned(), work: work.to_owned() };
        let stamp = venv.join("requirements.stamp");
        let wanted = format!("{identity}\n{}", fs::read_to_string(&requirements)?);
        if fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) && python.has(modules) {
            return Ok(python);
        }
        // A partial environment is cheaper to replace than to repair.
        if venv.exists() {
            fs::remove_dir_all(&venv)?;
        }
        let mut make = Command::new(base);
        make.args(["-m", "venv"]).arg(&venv);
        process::run("python -m venv", &mut make, &work.join("venv.log"), VENV_LIMIT).map_err(|error| {
            format!(
                "{error}\nThis Python cannot make virtual environments. On Debian and Ubuntu install the package \
                 python3-venv; elsewhere use the installer from python.org."
            )
        })?;
        let mut install = python.bare("python");
        install
            .args(["-m", "pip", "install", "--disable-pip-version-check", "--no-input"])
            .args(["--timeout", "20", "--retries", "3", "--requirement"])
            .arg(&requirements);
        process::run("pip install", &mut install, &work.join("pip.log"), PIP_LIMIT)?;
        fs::write(&stamp, wanted)?;
        Ok(python)
    }

    /// A script of this folder, with the address of the sandbox.
    pub(crate) fn script(&self, name: &str, base_url: &str) -> Command {
        let mut command = self.program("python", base_url);
        command.arg(self.scripts.join(name));
        command
    }

    /// A program of the environment, without settings of this machine that change its requests to the sandbox: a proxy, or
    /// a netrc file, whose `default` entry `requests` would send instead of the access token.
    pub(crate) fn program(&self, name: &str, base_url: &str) -> Command {
        let mut command = self.bare(name);
        command
            .env("THINGSPACE_BASE_URL", base_url)
            .env("PYTHONPATH", &self.scripts)
            .env("NO_PROXY", "127.0.0.1")
            .env("no_proxy", "127.0.0.1")
            .env("NETRC", self.work.join("no-netrc"));
        command
    }

    fn bare(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        command
            .current_dir(&self.work)
            .env("PYTHONUTF8", "1")
            // Python writes no bytecode beside the scripts.
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .env_remove("PYTHONHOME")
            .env_remove("PYTHONPATH");
        command
    }

    fn has(&self, modules: &str) -> bool {
        let status = self.bare("python").args(["-c", &format!("import {modules}")]).status();
        status.is_ok_and(|status| status.success())
    }
}

/// A Python that can make the environment, and its version and path.
fn base() -> Result<(&'static OsStr, String)> {
    let mut found = Vec::new();
    for candidate in CANDIDATES {
        let Ok(output) = Command::new(candidate).args(["-c", PROBE]).output() else { continue };
        match String::from_utf8_lossy(&output.stdout).split_once('\n') {
            Some(("True", identity)) => return Ok((OsStr::new(candidate), identity.trim().to_owned())),
            Some((_, identity)) => found.push(format!("`{candidate}` is {}", identity.trim())),
            None => found.push(format!("`{candidate}` does not run")),
        }
    }
    if found.is_empty() {
        found.push(format!("neither {} is in the PATH", CANDIDATES.join(" nor ")));
    }
    Err(format!("Python 3.11 or later is needed: {}", found.join(", ")).into())
}
