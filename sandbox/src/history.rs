//! A history: one line of JSON for each event, with the time of a clock that all processes of a host share.

use std::fs::File;
use std::io::{self, Write as _};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rustix::time::{ClockId, clock_gettime};
use serde_json::{Value, json};

/// Writes events to a file, which clones share. Nothing is buffered, so a killed process loses no event.
#[derive(Clone, Debug)]
pub struct History {
    file: Arc<Mutex<File>>,
    who: Arc<str>,
}

impl History {
    /// Opens the file for appending. Each event gets the name `who`.
    ///
    /// # Errors
    ///
    /// If the file cannot be opened.
    pub fn open(path: &Path, who: &str) -> io::Result<History> {
        let file = File::options().create(true).append(true).open(path)?;
        Ok(History { file: Arc::new(Mutex::new(file)), who: who.into() })
    }

    /// Appends an event, which must be an object, with the time and the name.
    pub fn note(&self, mut event: Value) {
        let file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(event) = event.as_object_mut() {
            event.insert("t".to_owned(), json!(now()));
            event.insert("who".to_owned(), json!(&*self.who));
        }
        // The reader of the history notices a missing end.
        let _ = (&*file).write_all(format!("{event}\n").as_bytes());
    }
}

/// The monotonic clock in microseconds. All processes and network namespaces of a host share it.
#[must_use]
pub fn now() -> u64 {
    let now = clock_gettime(ClockId::Monotonic);
    u64::try_from(now.tv_sec).unwrap_or_default() * 1_000_000 + u64::try_from(now.tv_nsec).unwrap_or_default() / 1000
}

/// The hash (FNV-1a) that replaces a password or a token in a history. Equal secrets have equal hashes.
#[must_use]
pub fn mark(secret: &str) -> String {
    let hash = secret
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    format!("{hash:016x}")
}
