//! Runs external programs with a time limit, or until the command ends.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::Result;

const POLL: Duration = Duration::from_millis(20);

/// Runs a program with its output in the file `log`. If the program fails, the error quotes the log.
pub(crate) fn run(what: &str, command: &mut Command, log: &Path, limit: Duration) -> Result {
    let output = File::create(log).map_err(|error| format!("{}: {error}", log.display()))?;
    command.stdout(output.try_clone()?).stderr(output);
    let status = wait(what, command, limit).map_err(|error| format!("{error}\n{}", read(log)))?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})\n\n{}", read(log)).into()) }
}

/// Runs a program that prints its own progress.
pub(crate) fn run_visibly(what: &str, command: &mut Command, limit: Duration) -> Result {
    let status = wait(what, command, limit)?;
    if status.success() { Ok(()) } else { Err(format!("{what} failed ({status})").into()) }
}

/// The text of a program's log.
pub(crate) fn read(log: &Path) -> String {
    match fs::read(log) {
        Ok(text) => String::from_utf8_lossy(&text).into_owned(),
        Err(error) => format!("(its output cannot be read: {error})"),
    }
}

fn wait(what: &str, command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    Process::start(what, command.stdin(Stdio::null()))?.wait(limit)
}

/// A process that is killed when this is dropped.
pub(crate) struct Process {
    what: String,
    child: Child,
}

impl Process {
    /// `what` is its name in errors.
    pub(crate) fn start(what: &str, command: &mut Command) -> Result<Self> {
        let child = command.spawn().map_err(|error| format!("cannot start {what}: {error}"))?;
        Ok(Self { what: what.to_owned(), child })
    }

    pub(crate) fn stdin(&mut self) -> Result<ChildStdin> {
        self.child.stdin.take().ok_or_else(|| format!("{} has no standard input", self.what).into())
    }

    pub(crate) fn stdout(&mut self) -> Result<ChildStdout> {
        self.child.stdout.take().ok_or_else(|| format!("{} has no standard output", self.what).into())
    }

    /// The exit status, if the process has ended.
    pub(crate) fn status(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for the process to end; kills it after `limit`.
    pub(crate) fn wait(mut self, limit: Duration) -> Result<ExitStatus> {
        let started = Instant::now();
        loop {
            if let Some(status) = self.status()? {
                return Ok(status);
            }
            if started.elapsed() > limit {
                return Err(format!("{} did not end within {} seconds", self.what, limit.as_secs()).into());
            }
            thread::sleep(POLL);
        }
    }

    /// Sends a signal, such as SIGSTOP or SIGCONT.
    pub(crate) fn signal(&self, signal: rustix::process::Signal) -> Result {
        Ok(rustix::process::kill_process(rustix::process::Pid::from_child(&self.child), signal)?)
    }

    pub(crate) fn kill(&mut self) {
        // An error means that the process has already ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}
