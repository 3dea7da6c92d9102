//! `cargo xtask`: the commands of maintainers.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "these commands print their results")]

mod bench;
mod compare;
mod corpus;
mod dependencies;
mod docs;
mod fleet;
mod interop;
mod process;
mod prose;
mod python;
mod regen;
mod sandbox;
mod spec;
mod torn;
mod workspace;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser, Subcommand};

/// Maintainers read these errors; no program matches on them.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// The commands of maintainers: checks of openapi.yaml, the sandbox, the docs, measurements.
#[derive(Debug, Parser)]
#[command(name = "cargo-xtask", bin_name = "cargo xtask", after_help = STATUS)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
}

const STATUS: &str = "Exit status: 0 on success, 1 if a check found an error or a step failed, 2 if the arguments \
                      are invalid.";

/// `--help` prints the first line of each.
#[derive(Debug, Subcommand)]
enum Command {
    /// Measure what a call costs, and write it into docs/bench.md
    Bench(bench::Arguments),
    /// Check, generate and compile all documents of a folder, and decode and encode their examples
    Corpus(corpus::Arguments),
    /// Write what each dependency adds into docs/dependencies.md
    #[allow(clippy::doc_markdown, reason = "it is the text of --help")]
    Dependencies(dependencies::Arguments),
    /// Write the rustdoc, openapi.yaml as a page, and the guide as a book
    Docs(docs::Arguments),
    /// Run twelve processes on one Redis server, on good days and bad
    ///
    /// THINGSPACE_REDIS_SERVER names the server program; the default is redis-server.
    #[allow(clippy::doc_markdown, reason = "it is the text of --help")]
    Fleet(fleet::Arguments),
    /// Run Verizon's Python SDK and schemathesis against the sandbox
    Interop(interop::Arguments),
    /// Run this crate and the official Python SDK in the same situations, and write docs/comparison.md
    Compare(compare::Arguments),
    /// Check the documents: length, spelling, retired words, links
    Prose(prose::Arguments),
    /// Check openapi.yaml, build, and refresh the copy of the client in generated/
    Regen(regen::Arguments),
    /// Run the sandbox until it is stopped
    Sandbox(sandbox::Arguments),
    /// Check openapi.yaml, or compare it with an earlier one
    Spec(spec::Arguments),
    /// Split the network of a fleet on three hosts, and check the promises against its history
    ///
    /// Needs Linux, root, iproute2, Python and redis-server.
    Torn(torn::Arguments),
}

/// Exit status for invalid arguments, the same as clap's.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Some(command) => command.run(),
        None => Arguments::command().print_help().map_err(Into::into),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            if error.is::<Misuse>() {
                eprintln!("\nFor more information, try '--help'.");
                return ExitCode::from(MISUSED);
            }
            ExitCode::FAILURE
        }
    }
}

impl Command {
    fn run(self) -> Result {
        match self {
            Self::Bench(arguments) => bench::run(&arguments),
            Self::Corpus(arguments) => corpus::run(&arguments),
            Self::Dependencies(arguments) => dependencies::run(&arguments),
            Self::Docs(arguments) => docs::run(&arguments),
            Self::Fleet(arguments) => fleet::run(&arguments),
            Self::Interop(arguments) => interop::run(&arguments),
            Self::Compare(arguments) => compare::run(&arguments),
            Self::Prose(arguments) => prose::run(&arguments),
            Self::Regen(arguments) => regen::run(&arguments),
            Self::Sandbox(arguments) => sandbox::run(&arguments),
            Self::Spec(arguments) => spec::run(&arguments),
            Self::Torn(arguments) => torn::run(&arguments),
        }
    }
}

/// Arguments that clap accepts but that exclude each other.
#[derive(Debug)]
struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Misuse {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }
}
