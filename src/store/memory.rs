//! A store for one process: its tasks share one session and one count of failed logins, which end with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{
    sync::watch,
    time::{Instant, timeout},
};

use super::{Account, SessionStore, Snapshot, StoreFuture, StoreWait, Value, Version};

/// Keeps values in the memory of this process. Clones share them.
///
/// A client uses it unless it is given another store. The count of failed logins ends with the process: a service that
/// restarts again and again with a wrong password logs in twice each time. Give such a service a
/// [`FileStore`](super::FileStore).
///
/// ```
/// use thingspace_session::store::{Account, MemoryStore, SessionStore, Version};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), thingspace_session::store::StoreError> {
/// let (store, account) = (MemoryStore::new(), Account::new("https://thingspace.verizon.com", "key", "zbeeblebrox"));
///
/// let version = Version::random();
/// assert!(store.compare_and_swap(&account, None, version, b"value").await?);
/// assert!(!store.compare_and_swap(&account, None, Version::random(), b"other").await?);
///
/// let value = store.clone().load(&account).await?.value.expect("a value was stored");
/// assert_eq!((value.version, value.bytes()), (version, &b"value"[..]));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Shared>);

debug!(MemoryStore, |_this| "MemoryStore {{ .. }}");

/// Its clock is the time of the system at the start, and the monotonic time since: it is never set back.
struct Shared {
    started: SystemTime,
    since: Instant,
    values: Mutex<HashMap<Account, watch::Sender<Option<Value>>>>,
}

impl Default for Shared {
    fn default() -> Self {
        Self { started: SystemTime::now(), since: Instant::now(), values: Mutex::default() }
    }
}

impl MemoryStore {
    /// A store with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No code panics under this lock, so a poisoned one guards a whole map.
    fn values(&self) -> MutexGuard<'_, HashMap<Account, watch::Sender<Option<Value>>>> {
        self.0.values.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self, account: &Account) -> watch::Sender<Option<Value>> {
        let mut values = self.values();
        if let Some(value) = values.get(account) {
            return value.clone();
        }
        values.entry(account.clone()).or_default().clone()
    }
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move {
            // An account that is only asked for takes no room.
            let value = self.values().get(account).and_then(|value| value.borrow().clone());
            Ok(Snapshot { value, now: self.0.started + self.0.since.elapsed() })
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let mut is_stored = false;
            self.value(account).send_if_modified(|value| {
                let found = version(value.as_ref());
                is_stored = found == Some(new) || found == expected;
                let is_swap = is_stored && found != Some(new);
                if is_swap {
                    *value = Some(Value::new(new, bytes));
                }
                is_swap
            });
            Ok(is_stored)
        })
    }

    /// Returns at once when another version is swapped in.
    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        let mut value = self.value(account).subscribe();
        Box::pin(async move {
            let _ = timeout(patience, value.wait_for(|value| version(value.as_ref()) != seen)).await.is_ok();
        })
    }
}

fn version(value: Option<&Value>) -> Option<Version> {
    value.map(|value| value.version)
}
