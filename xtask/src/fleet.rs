//! `cargo xtask fleet`: twelve processes that share a Redis server, on good days and bad, as a table.

mod replica;
mod rows;
mod server;

use std::time::Duration;

use replica::Programs;
use server::Server;

use crate::{Misuse, Result, sandbox, workspace};

/// How long a row that is a matter of time takes, in seconds.
const SECONDS: u64 = 60;
const QUICK_SECONDS: u64 = 7;

/// What the rows have in common.
pub(crate) struct Plan {
    programs: Programs,
    directory: std::path::PathBuf,
    time: Duration,
    quick: bool,
}

/// What a row has measured, and whether that is what it has to be.
struct Row {
    what: &'static str,
    measured: String,
    holds: bool,
}

pub(crate) fn run(arguments: &[String]) -> Result {
    let (quick, seconds) = options(arguments)?;
    println!("{}", Server::version()?);
    let programs = Programs { sandbox: sandbox::build()?, soak: sandbox::program(&["--example", "soak"])? };
    let directory = workspace::target()?.join("fleet");
    let plan = Plan { programs, directory, time: Duration::from_secs(seconds), quick };
    println!("| | measured | holds |\n|---|---|---|");
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

fn options(arguments: &[String]) -> Result<(bool, u64)> {
    let (mut quick, mut seconds, mut arguments) = (false, None, arguments.iter());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--seconds" => seconds = arguments.next().and_then(|seconds| seconds.parse().ok()),
            _ => return Err(Misuse(format!("`{argument}` is not understood")).into()),
        }
    }
    Ok((quick, seconds.unwrap_or(if quick { QUICK_SECONDS } else { SECONDS })))
}
