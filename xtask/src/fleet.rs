//! `cargo xtask fleet`: twelve processes that share a Redis server, on good days and bad, as a table.

mod day;
mod replica;
mod rotation;
mod rows;
pub(crate) mod server;
mod stage;
mod stall;

use std::path::PathBuf;
use std::time::Duration;

use server::Program;

use crate::{Result, sandbox, workspace};

/// How long a row that is a matter of time takes, in seconds.
const SECONDS: u64 = 60;
const QUICK_SECONDS: u64 = 10;

/// What the rows have in common.
struct Plan {
    server: Program,
    sandbox: PathBuf,
    soak: PathBuf,
    directory: PathBuf,
    time: Duration,
    quick: bool,
}

/// What a row has measured, and whether that is what it has to be.
struct Row {
    what: &'static str,
    measured: String,
    holds: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Do the same in two minutes
    #[arg(long)]
    quick: bool,
    /// How long a row that is a matter of time takes [default: 60, or 10 with --quick]
    #[arg(long, value_name = "SECONDS")]
    seconds: Option<u64>,
}

impl Arguments {
    fn time(&self) -> Duration {
        Duration::from_secs(self.seconds.unwrap_or(if self.quick { QUICK_SECONDS } else { SECONDS }))
    }
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let plan = Plan {
        server: Program::chosen()?,
        sandbox: sandbox::build()?,
        soak: sandbox::program(&["--package", "thingspace-session-redis", "--example", "soak"])?,
        directory: workspace::target()?.join("fleet"),
        time: arguments.time(),
        quick: arguments.quick,
    };
    println!("| on {} | measured | holds |\n|---|---|---|", plan.server.name);
    let mut broken = Vec::new();
    for row in rows::ALL {
        let Row { what, measured, holds } = row(&plan)?;
        println!("| {what} | {measured} | {} |", if holds { "yes" } else { "NO" });
        if !holds {
            broken.push(what);
        }
    }
    if broken.is_empty() { Ok(()) } else { Err(format!("does not hold: {}", broken.join("; ")).into()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        arguments: Arguments,
    }

    #[test]
    fn options_are_options() {
        let given = |arguments: &[&str]| {
            let line = Line::try_parse_from(["fleet"].iter().chain(arguments)).ok()?;
            Some((line.arguments.quick, line.arguments.time()))
        };
        assert_eq!(given(&[]), Some((false, Duration::from_secs(SECONDS))));
        assert_eq!(given(&["--quick"]), Some((true, Duration::from_secs(QUICK_SECONDS))));
        assert_eq!(given(&["--seconds", "20", "--quick"]), Some((true, Duration::from_secs(20))));
        for arguments in [&["--seconds"][..], &["--seconds", "x"], &["--seconds", "-1"], &["--fast"], &["20"]] {
            assert_eq!(given(arguments), None, "{arguments:?}");
        }
    }
}
