//! `cargo xtask spec`: what can be said of `openapi.yaml` without building anything.

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
    /// Look for errors and warnings: each with its place and what to write instead
    ///
    /// An error means that the code would be wrong; a warning, that it is right and something else was probably meant.
    /// The exit status is 1 if there is an error, and 0 if there are warnings alone.
    Check(check::Arguments),
    /// Say what changed, what it breaks, and which version it asks for
    Diff(diff::Arguments),
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    match &arguments.command {
        Command::Check(arguments) => check::run(arguments),
        Command::Diff(arguments) => diff::run(arguments),
    }
}

/// The client and the table that the contract becomes, if there is no mistake in it; mistakes are told.
pub(crate) fn generate() -> Result<Output> {
    check::generate(&check::Arguments::default())
}

/// The contract as it is.
pub(crate) fn contract() -> Result<Vec<u8>> {
    bytes(&path(None))
}

/// The path as it was given, from where the command was called; the contract if none was.
fn path(given: Option<&Path>) -> PathBuf {
    given.map_or_else(|| workspace::root().join(SPEC), Path::to_owned)
}

/// How the path is told: the contract by its name alone.
fn shown(path: &Path) -> String {
    path.strip_prefix(workspace::root()).unwrap_or(path).display().to_string()
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).map_err(|error| unreadable(path, &error))
}

/// A contract, which may be anything.
fn bytes(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| unreadable(path, &error))
}

fn unreadable(path: &Path, error: &std::io::Error) -> Box<dyn std::error::Error> {
    format!("{} cannot be read: {error}", shown(path)).into()
}
