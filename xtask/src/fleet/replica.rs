//! Processes of the example `soak`.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::process::Signal;
use serde_json::Value;

use crate::Result;
use crate::process::{self, Process};

pub(crate) struct Replica {
    process: Process,
    log: PathBuf,
}

/// What replicas told of their requests.
#[derive(Default)]
pub(crate) struct Told {
    pub(crate) ok: u64,
    /// How many failed, by kind; a replica that told nothing is one, by what it said instead.
    pub(crate) failed: BTreeMap<String, u64>,
    pub(crate) slowest: Duration,
}

impl Told {
    pub(crate) fn failures(&self) -> u64 {
        self.failed.values().sum()
    }
}

impl Replica {
    /// Starts it with what it says going into a file.
    pub(crate) fn start(command: &mut Command, log: &Path) -> Result<Self> {
        let output = File::create(log)?;
        command.stdin(Stdio::null()).stdout(output.try_clone()?).stderr(output);
        Ok(Self { process: Process::start("a replica", command)?, log: log.to_owned() })
    }

    /// Waits for its end; what it told is added up.
    pub(crate) fn end(self, limit: Duration, told: &mut Told) -> Result {
        let status = self.process.wait(limit).map_err(|error| format!("{error}\n\n{}", process::read(&self.log)))?;
        let text = process::read(&self.log);
        let line: Option<Value> = text.lines().rev().find_map(|line| serde_json::from_str(line).ok());
        let Some(line) = line else {
            let said = text.split_whitespace().collect::<Vec<_>>().join(" ");
            *told.failed.entry(format!("{said} ({status})")).or_default() += 1;
            return Ok(());
        };
        told.ok += line.get("ok").and_then(Value::as_u64).unwrap_or_default();
        for (kind, count) in line.get("failed").and_then(Value::as_object).into_iter().flatten() {
            *told.failed.entry(kind.clone()).or_default() += count.as_u64().unwrap_or_default();
        }
        let slowest = line.get("max_us").and_then(Value::as_u64).map(Duration::from_micros);
        told.slowest = told.slowest.max(slowest.unwrap_or_default());
        Ok(())
    }

    /// Stops it where it is, or has it go on.
    pub(crate) fn signal(&self, signal: Signal) -> Result {
        self.process.signal(signal)
    }
}
