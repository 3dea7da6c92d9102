//! A history: what has happened, one line of JSON each, by the clock that all processes of a machine share.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Writes events into a file. Clones share it. A line is written at once, so that a process that is killed has told all.
#[derive(Clone, Debug)]
pub struct History {
    file: Arc<Mutex<File>>,
    who: Arc<str>,
}

impl History {
    /// Adds to the file, in the name of `who`.
    ///
    /// # Errors
    ///
    /// Whatever the operating system has against opening the file.
    pub fn open(path: &Path, who: &str) -> io::Result<History> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(History { file: Arc::new(Mutex::new(file)), who: who.into() })
    }

    /// Notes an event: an object, which gets the time and the name.
    pub fn note(&self, mut event: Value) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = event.as_object_mut() {
            event.insert("t".to_owned(), json!(now()));
            event.insert("who".to_owned(), json!(&*self.who));
        }
        // A history that lacks its end is found out by whoever reads it.
        let _ = (&*file).write_all(format!("{event}\n").as_bytes());
    }
}

/// Microseconds of the monotonic clock: the same for all processes and network namespaces of a machine.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1000
}

/// What stands for a password or a token in a history: the same text has the same mark (FNV-1a).
#[must_use]
pub fn mark(secret: &str) -> String {
    let hash = secret
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
