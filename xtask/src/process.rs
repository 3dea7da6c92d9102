//! Programs that run to their end.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

const POLL: Duration = Duration::from_millis(20);

/// Runs a program with its output in a file; if it fails, the error says what is in there.
pub(crate) fn run(what: &str, command: &mut Command, log: &Path, limit: Duration) -> Result {
    let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    command.stdout(output.try_clone()?).stderr(output);
    let status = wait(what, command, limit).map_err(|error| format!("{error}\n{}", read(log)))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})\n\n{}", read(log)).into()) }
}

/// Runs a program that shows by itself what it does.
pub(crate) fn run_in_the_open(what: &str, command: &mut Command, limit: Duration) -> Result {
    let status = wait(what, command, limit)?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})").into()) }
}

/// What a program left in its log.
pub(crate) fn read(log: &Path) -> String {
    match fs::read(log) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("(its output cannot be read: {error})"),
    }
}

fn wait(what: &str, command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let mut child = command.stdin(Stdio::null()).spawn().map_err(|error| format!("{what} does not start: {error}"))?;
    let started = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(status);
        }
        if started.elapsed() > limit {
            child.kill()?;
            child.wait()?;
            return Err(format!("{what} has not come to an end within {} seconds", limit.as_secs()).into());
        }
        thread::sleep(POLL);
    }
}
