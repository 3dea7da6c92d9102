//! What the file says: of each account the record, the last fence, and who may log in until when.
//!
//! Pure rules on a value; the time is handed in.

use std::{
    collections::BTreeMap,
    io,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    disk::{Disk, Lock},
    store::{Lease, Record, StoreError},
};

/// The format that this code reads and writes. What an older reader would take for something else is a new format.
const VERSION: u64 = 1;
/// By how much the clock may be set back before running leases end. Setting it right is usually a matter of less.
const SLACK: u64 = 1000;
/// What to do about a file that cannot be understood.
const ADVICE: &str = "it holds the count of failed logins, so nobody logs in without it; make sure that the account is \
                      not locked and the password holds, then move the file away and call reset_login_guard";

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Document {
    version: u64,
    /// By `Account::id`.
    accounts: BTreeMap<String, Entry>,
}

/// What a file of any version says of itself.
#[derive(Deserialize)]
struct Format {
    version: u64,
}

/// What is known of one account.
#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    pub(super) record: Record,
    /// The fence of the latest lease; 0 before the first.
    fence: u64,
    /// The latest lease, if it was not released.
    lease: Option<Term>,
}

/// From when to when a lease runs, in milliseconds.
#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Term {
    /// Its end, counted from 1970-01-01T00:00Z.
    until_ms: u64,
    /// Its whole length.
    for_ms: u64,
}

impl Document {
    /// What the file says. One that does not exist says nothing yet.
    pub(super) fn read(disk: &Disk) -> Result<Self, StoreError> {
        match disk.read()? {
            Some(text) => Self::parse(&text).map_err(|problem| disk.damaged(problem)),
            None => Ok(Self::new()),
        }
    }

    pub(super) fn write(&self, disk: &Disk, lock: &Lock) -> Result<(), StoreError> {
        disk.replace(lock, &self.text().map_err(|error| disk.damaged(error.to_string()))?)
    }

    /// A file in which nothing has been written yet.
    pub(super) fn new() -> Self {
        Self { version: VERSION, accounts: BTreeMap::new() }
    }

    /// What the file says; or what is wrong with it, without quoting it.
    pub(super) fn parse(text: &[u8]) -> Result<Self, String> {
        if text.is_empty() {
            return Err(format!("it is empty; {ADVICE}"));
        }
        // The error's own text may quote what was found, and that may be a token.
        let misread = |error: serde_json::Error| {
            let (line, column) = (error.line(), error.column());
            format!("it is damaged at line {line}, column {column}; {ADVICE}")
        };
        let Format { version } = serde_json::from_slice(text).map_err(misread)?;
        if version != VERSION {
            return Err(format!(
                "it has format {version}, and this version of thingspace-session knows format {VERSION} alone; use one \
                 version everywhere"
            ));
        }
        let document: Self = serde_json::from_slice(text).map_err(misread)?;
        if document.accounts.values().any(|entry| entry.fence == u64::MAX) {
            return Err(format!("it has a fence that cannot grow; {ADVICE}"));
        }
        Ok(document)
    }

    /// The file's text. It ends with the brace that closes it, so no part of it is a whole.
    pub(super) fn text(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        // A buffer that grew would leave copies of the tokens behind, so it is given its size first.
        let mut length = Length(0);
        serde_json::to_writer(&mut length, self)?;
        let mut text = Zeroizing::new(Vec::with_capacity(length.0));
        serde_json::to_writer(&mut *text, self)?;
        Ok(text)
    }

    /// A copy of what is known of an account.
    pub(super) fn entry(&self, account: &str) -> Entry {
        self.accounts.get(account).cloned().unwrap_or_default()
    }

    pub(super) fn set(&mut self, account: String, entry: Entry) {
        self.accounts.insert(account, entry);
    }
}

impl Entry {
    /// Grants a lease if there is none that runs.
    pub(super) fn acquire(&mut self, now: SystemTime, time: Duration) -> Option<Lease> {
        if self.lease.is_some_and(|lease| lease.is_running(now)) {
            return None;
        }
        self.fence = self.fence.saturating_add(1);
        self.lease = Some(Term::new(now, time));
        Some(Lease::new(self.fence))
    }

    /// Whether the lease with this fence is the latest, and was not released.
    pub(super) fn is_current(&self, fence: u64) -> bool {
        self.lease.is_some() && self.fence == fence
    }

    /// `true` if that changed something.
    pub(super) fn release(&mut self, fence: u64) -> bool {
        let is_current = self.is_current(fence);
        if is_current {
            self.lease = None;
        }
        is_current
    }
}

impl Term {
    fn new(now: SystemTime, time: Duration) -> Self {
        // Rounded up twice, the length and the moment it begins, so that none ends early.
        let for_ms = u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
        Self { until_ms: since_1970(now).saturating_add(for_ms).saturating_add(1), for_ms }
    }

    fn is_running(self, now: SystemTime) -> bool {
        let left = self.until_ms.saturating_sub(since_1970(now));
        // With more left than was granted, the clock was set back: that must not keep everybody out for as long again.
        left > 0 && left <= self.for_ms.saturating_add(SLACK)
    }
}

fn since_1970(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// Counts what is written to it.
struct Length(usize);

impl io::Write for Length {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn the_text_is_written_into_a_buffer_that_does_not_grow() {
        let mut document = Document::new();
        document.set("account".to_owned(), Entry::default());
        let text = document.text().unwrap();
        assert_eq!(text.capacity(), text.len());
    }
}
