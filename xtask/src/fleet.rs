//! `cargo xtask fleet`: twelve processes that share a Redis server, on good days and bad, as a table.

mod day;
mod replica;
mod rotation;
mod rows;
mod server;
mod stage;
mod stall;

use std::path::PathBuf;
use std::time::Duration;

use server::Program;

use crate::{Misuse, Result, sandbox, workspace};

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

pub(crate) fn run(arguments: &[String]) -> Result {
    let (quick, time) = options(arguments)?;
    let plan = Plan {
        server: Program::chosen()?,
        sandbox: sandbox::build()?,
        soak: sandbox::program(&["--example", "soak"])?,
        directory: workspace::target()?.join("fleet"),
        time,
        quick,
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

fn options(arguments: &[String]) -> Result<(bool, Duration)> {
    let (mut quick, mut seconds, mut arguments) = (false, None, arguments.iter());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--quick" => quick = true,
            "--seconds" => {
                let number = arguments.next().ok_or_else(|| Misuse("--seconds wants to know how many".to_owned()))?;
                seconds = Some(number.parse().map_err(|_| Misuse(format!("`{number}` is no number of seconds")))?);
            }
            _ => return Err(Misuse(format!("`{argument}` is not understood")).into()),
        }
    }
    Ok((quick, Duration::from_secs(seconds.unwrap_or(if quick { QUICK_SECONDS } else { SECONDS }))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_options() {
        let given = |arguments: &[&str]| options(&arguments.iter().map(ToString::to_string).collect::<Vec<_>>());
        assert_eq!(given(&[]).ok(), Some((false, Duration::from_secs(SECONDS))));
        assert_eq!(given(&["--seconds", "20", "--quick"]).ok(), Some((true, Duration::from_secs(20))));
        for arguments in [&["--seconds"][..], &["--seconds", "x"], &["--seconds", "-1"], &["--fast"]] {
            assert!(given(arguments).is_err_and(|error| error.is::<Misuse>()), "{arguments:?}");
        }
    }
}
