//! `cargo xtask spec`: checks and compares `openapi.yaml` without a build.

mod check;
mod diff;

use std::path::{Path, PathBuf};

use thingspace_codegen::Output;

use crate::{Result, workspace};

/// The contract.
const SPEC: &str = "openapi.yaml";

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Print errors and warnings, each with its place and a correction
    ///
    /// With an error, the generated code would be wrong. With a warning, the code is right, but the author probably
    /// meant something else. The exit status is 1 if there is an error, and 0 if there are only warnings.
    Check(check::Arguments),
    /// Print what changed, what it breaks, and which version it requires
    Diff(diff::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
    }
}

/// Generates the client and the table of operations. Prints the errors of the contract, if it has any.
pub(crate) fn generate() -> Result<Output> {
    check::generate(&check::Arguments::default())
}

/// The bytes of the contract.
pub(crate) fn contract() -> Result<Vec<u8>> {
    bytes(&path(None))
}

/// The given path, relative to the current directory; by default the contract.
fn path(given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| workspace::root().join(SPEC), Path::to_owned)
}

/// The path as messages show it: relative to the workspace, if it is inside.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// A contract as bytes, because it may not be UTF-8.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<dyn std::error::Error> {
    format!("{} cannot be read: {error}", shown(path)).into()
}
