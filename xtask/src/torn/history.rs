//! The history: lines of JSON from the sandbox, the replicas and the conductor, with times of one monotonic clock.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

use crate::Result;

/// The conductor's part of the history.
#[derive(Clone)]
pub(super) struct History(Arc<File>);

impl History {
    pub(super) fn open(path: &Path) -> Result<Self> {
        Ok(Self(Arc::new(File::options().create(true).append(true).open(path)?)))
    }

    pub(super) fn note(&self, mut event: Value) -> Result {
        if let Some(event) = event.as_object_mut() {
            event.insert("t".to_owned(), json!(micros(ClockId::Monotonic)));
            event.insert("who".to_owned(), json!("conductor"));
        }
        Ok((&*self.0).write_all(format!("{event}\n").as_bytes())?)
    }
}

/// Microseconds of a clock of this machine.
pub(super) fn micros(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1000
}

/// A hash that stands for a secret in the history (FNV-1a), as in the sandbox and the replicas.
pub(super) fn mark(secret: &str) -> String {
    let step = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    format!("{:016x}", secret.bytes().fold(0xcbf2_9ce4_8422_2325, step))
}

/// One line of a history.
#[derive(Clone, Debug)]
pub(super) struct Event {
    /// Microseconds of the monotonic clock.
    pub(super) t: u64,
    pub(super) who: String,
    pub(super) what: String,
    fields: Value,
}

impl Event {
    pub(super) fn parse(line: &str) -> Result<Self> {
        let fields: Value = serde_json::from_str(line)?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str).map(str::to_owned);
        let (Some(t), Some(who), Some(what)) = (fields.get("t").and_then(Value::as_u64), text("who"), text("what"))
        else {
            return Err(format!("this line is not an event: {line}").into());
        };
        Ok(Self { t, who, what, fields })
    }

    pub(super) fn is(&self, what: &str) -> bool {
        self.what == what
    }

    pub(super) fn is_of_conductor(&self, what: &str) -> bool {
        self.who == "conductor" && self.is(what)
    }

    pub(super) fn is_of_sandbox(&self, what: &str) -> bool {
        self.who == "sandbox" && self.is(what)
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.fields.get(name)
    }

    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).and_then(Value::as_str).unwrap_or_default()
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        self.get(name).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn holds(&self, name: &str) -> bool {
        self.get(name).and_then(Value::as_bool).unwrap_or_default()
    }
}

/// The host of a replica: `h1` of `h1-0`.
pub(super) fn host(who: &str) -> &str {
    who.split_once('-').map_or(who, |(host, _)| host)
}

/// The events of all files in a directory, in the order of their times, and the size of the files in bytes.
pub(super) fn read(directory: &Path) -> Result<(Vec<Event>, usize)> {
    let (mut events, mut size) = (Vec::new(), 0);
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        if path.extension().is_none_or(|extension| extension != "jsonl") {
            continue;
        }
        let text = fs::read_to_string(&path)?;
        size += text.len();
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        // A killed process may have left an incomplete last line.
        for line in whole.lines() {
            events.push(Event::parse(line).map_err(|error| format!("{}: {error}", path.display()))?);
        }
    }
    events.sort_by_key(|event| event.t);
    Ok((events, size))
}
