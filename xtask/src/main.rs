//! `cargo xtask`: what maintainers run.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "saying how it went is what these commands are for")]

mod bench;
mod docs;
mod fleet;
#[path = "../../build/spec.rs"]
mod generator;
mod interop;
mod process;
mod python;
mod regen;
mod sandbox;
mod scale;
mod spec;
mod workspace;

use std::error::Error;
use std::fmt;
use std::process::ExitCode;

/// What can go wrong is told to a person, and to nobody else.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

struct Command {
    name: &'static str,
    arguments: &'static str,
    about: &'static str,
    run: fn(&[String]) -> Result,
}

impl Command {
    const fn new(
        name: &'static str,
        arguments: &'static str,
        about: &'static str,
        run: fn(&[String]) -> Result,
    ) -> Command {
        Command { name, arguments, about, run }
    }
}

const COMMANDS: [Command; 9] = [
    Command::new("bench", "[--quick]", "what a call costs; written into docs/bench.md", bench::run),
    Command::new("docs", "[--check]", "the rustdoc, and openapi.yaml as a page; tried in a browser", docs::run),
    Command::new("fleet", "[--quick] [--seconds S]", "twelve processes on one Redis, on good days and bad", fleet::run),
    Command::new("interop", "[--record]", "Verizon's Python SDK and schemathesis against the sandbox", interop::run),
    Command::new("regen", "[--check]", "checks the spec, builds, refreshes the copy of the client", regen::run),
    Command::new("sandbox", "[--listen ADDRESS]", "runs the sandbox until it is stopped", sandbox::run),
    Command::new("scale", "", "what a contract of up to 1,000 operations costs", scale::run),
    Command::new("spec", "check [FILE] [--format json]", "looks for mistakes in openapi.yaml", spec::run),
    Command::new(
        "spec",
        "diff [BASE] [--check] [--format json|markdown]",
        "says what changed in openapi.yaml, and what it breaks",
        spec::run,
    ),
];

/// The exit status for arguments that were not understood, as is usual for command line programs.
const MISUSED: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args_os().skip(1).map(|it| it.to_string_lossy().into_owned()).collect();
    let outcome = match arguments.split_first() {
        Some((name, _)) if ["help", "--help", "-h"].contains(&name.as_str()) => {
            print!("{}", usage());
            Ok(())
        }
        Some((name, rest)) => match COMMANDS.iter().find(|command| command.name == name) {
            Some(command) => (command.run)(rest),
            None => Err(Misuse(format!("there is no command `{name}`")).into()),
        },
        None => Err(Misuse("which command?".to_owned()).into()),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error}");
            if error.is::<Misuse>() {
                eprint!("\n{}", usage());
                return ExitCode::from(MISUSED);
            }
            ExitCode::FAILURE
        }
    }
}

fn usage() -> String {
    let calls = COMMANDS.map(|Command { name, arguments, .. }| format!("{name} {arguments}"));
    let width = calls.iter().map(String::len).max().unwrap_or_default();
    let commands =
        calls.iter().zip(&COMMANDS).map(|(call, Command { about, .. })| format!("  {call:<width$}  {about}\n"));
    ["Usage: cargo xtask COMMAND\n\n".to_owned()].into_iter().chain(commands).collect()
}

/// Arguments that were not understood.
#[derive(Debug)]
struct Misuse(String);

impl fmt::Display for Misuse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Error for Misuse {}
