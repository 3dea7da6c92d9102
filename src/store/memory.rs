//! A store for one process. Its tasks share one session and one count of failed logins, which end with the process.

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
/// The default store of a client. The count of failed logins ends with the process, so a service that a supervisor
/// restarts with a wrong password logs in at each start, and the fifth failed login locks the account. Use a
/// [`FileStore`](super::FileStore) for a service.
///
/// ```
/// use thingspace_session::store::{Account, MemoryStore, SessionStore, Version};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), thingspace_session::store::StoreError> {
/// let store = MemoryStore::new();
/// let account = Account::new("https://thingspace.verizon.com", "key", "zbeeblebrox");
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

/// The store's clock is the time of the system at the start plus the monotonic time since, so that it is never set back.
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
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// No code panics under this lock, so a poisoned lock guards a valid map.
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
            // Loading an account adds no entry.
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

    /// Returns as soon as another version is stored.
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
