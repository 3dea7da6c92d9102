//! The programs of the package in `benches/`.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;

use super::Extent;
use crate::{Result, process::Process, workspace};

const PACKAGE: &str = "thingspace-bench";

/// Where they are.
pub(super) struct Programs {
    profile: &'static [&'static str],
    folder: PathBuf,
    work: PathBuf,
}

impl Programs {
    /// Builds them: as they are shipped, unless it is only to be seen whether they run.
    pub(super) fn build(work: &Path, extent: Extent) -> Result<Self> {
        let (profile, folder): (&[&str], _) =
            if extent.is_quick { (&[], "debug") } else { (&["--release"], "release") };
        let mut cargo = workspace::cargo();
        cargo.args(["build", "--quiet", "--locked", "--bins", "--package", PACKAGE]).args(profile);
        if !cargo.status()?.success() {
            return Err("the benchmarks do not build".into());
        }
        Ok(Self { profile, folder: workspace::target()?.join(folder), work: work.to_owned() })
    }

    /// Cargo's arguments for the profile that they were built with.
    pub(super) fn profile(&self) -> &'static [&'static str] {
        self.profile
    }

    /// One of them, which finds the sandbox at `base_url`.
    pub(super) fn program(&self, name: &str, base_url: &str) -> Command {
        let mut command = Command::new(self.folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX)));
        command.env("THINGSPACE_BASE_URL", base_url).current_dir(&self.work);
        command
    }
}

/// What a program says, a line of JSON for each thing.
pub(super) fn say<T: DeserializeOwned>(command: &mut Command) -> Result<Vec<T>> {
    let output = command.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err(format!("a benchmark failed ({})", output.status).into());
    }
    let said = String::from_utf8(output.stdout)?;
    Ok(said.lines().map(serde_json::from_str).collect::<std::result::Result<_, _>>()?)
}

/// The counter of instructions, as cargo runs it.
pub(super) fn instructions(base_url: &str) -> Command {
    let mut cargo = workspace::cargo();
    cargo.args(["bench", "--quiet", "--locked", "--package", PACKAGE, "--bench", "instructions"]);
    cargo.env("THINGSPACE_BASE_URL", base_url);
    cargo
}

/// A program that answers each line with a line, until this is dropped.
pub(super) struct Worker {
    _process: Process,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    pub(super) fn start(mut command: Command) -> Result<Self> {
        let mut process = Process::start("a benchmark", command.stdin(Stdio::piped()).stdout(Stdio::piped()))?;
        let (orders, answers) = (process.stdin()?, BufReader::new(process.stdout()?));
        Ok(Self { _process: process, orders, answers })
    }

    pub(super) fn ask<T: DeserializeOwned>(&mut self, order: &str) -> Result<T> {
        writeln!(self.orders, "{order}")?;
        self.orders.flush()?;
        let mut answer = String::new();
        self.answers.read_line(&mut answer)?;
        serde_json::from_str(&answer).map_err(|_| format!("`{order}` was not answered").into())
    }
}
