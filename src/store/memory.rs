//! A store for one process: all of its tasks share one session and one count, which end with it.
//!
//! Every change is made under a mutex that is held for the change alone, so each one is whole and none is seen half.

use std::{
    collections::HashMap,
    fmt,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use tokio::{sync::Notify, time::Instant};

use super::{Account, Lease, Record, SessionStore, StoreFuture};
use crate::SessionToken;

/// How long a wait lasts while nobody has the right to log in: its end may have been missed.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a lease lasts that was asked for until a time which the clock cannot tell.
const LONGEST: Duration = Duration::from_secs(60 * 60 * 24 * 365);

/// Keeps records in the memory of this process. Clones share them.
///
/// It is what a client uses unless it is given another store. The count of failed logins ends with the process, so
/// one that is started again and again with a bad password gets two logins each time: such a service wants a
/// [`FileStore`](super::FileStore).
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use thingspace_session::{
///     MemoryStore,
///     store::{Account, SessionStore},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), thingspace_session::store::StoreError> {
/// let (store, account) = (MemoryStore::new(), Account::new("https://thingspace.verizon.com", "key", "zbeeblebrox"));
/// let other = store.clone();
///
/// let (lease, record) = store.acquire(&account, Duration::from_secs(60)).await?.expect("nobody has it");
/// assert!(other.acquire(&account, Duration::from_secs(60)).await?.is_none());
///
/// let record = record.with_session("d5f1…".into(), SystemTime::now());
/// assert!(store.commit(&account, &lease, &record).await?);
/// store.release(&account, lease).await?;
/// assert_eq!(other.load(&account).await?, record);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Default)]
pub struct MemoryStore {
    entries: Arc<Mutex<HashMap<Account, Entry>>>,
}

/// What is known of one account.
#[derive(Default)]
struct Entry {
    record: Record,
    /// The fence of the latest lease; 0 before the first.
    fence: u64,
    /// When the latest lease ends, if it was not released.
    lease: Option<Instant>,
    changes: Arc<Notify>,
}

impl MemoryStore {
    /// A store with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic under the lock cannot leave a change half made, so a poisoned one is as good as any.
    fn entries(&self) -> MutexGuard<'_, HashMap<Account, Entry>> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn with<T>(&self, account: &Account, act: impl FnOnce(&mut Entry) -> T) -> T {
        let mut entries = self.entries();
        if let Some(entry) = entries.get_mut(account) {
            return act(entry);
        }
        act(entries.entry(account.clone()).or_default())
    }
}

impl Entry {
    fn acquire(&mut self, time: Duration) -> Option<(Lease, Record)> {
        if !self.left().is_zero() {
            return None;
        }
        let now = Instant::now();
        self.fence += 1;
        self.lease = now.checked_add(time).or_else(|| now.checked_add(LONGEST));
        Some((Lease::new(self.fence), self.record.clone()))
    }

    /// The time for which the right to log in is still taken.
    fn left(&self) -> Duration {
        self.lease.map(|end| end.saturating_duration_since(Instant::now())).unwrap_or_default()
    }

    /// Whether this is the latest lease, and was not released.
    fn is_current(&self, lease: &Lease) -> bool {
        self.lease.is_some() && self.fence == lease.fence()
    }

    fn commit(&mut self, lease: &Lease, record: &Record) -> bool {
        let is_current = self.is_current(lease);
        if is_current {
            self.record = record.clone();
            self.changes.notify_waiters();
        }
        is_current
    }

    fn release(&mut self, lease: &Lease) {
        if self.is_current(lease) {
            self.lease = None;
            self.changes.notify_waiters();
        }
    }

    fn forget(&mut self, token: &SessionToken) {
        if self.record.forget(token) {
            self.changes.notify_waiters();
        }
    }
}

impl SessionStore for MemoryStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        Box::pin(async { Ok(self.entries().get(account).map(|entry| entry.record.clone()).unwrap_or_default()) })
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        Box::pin(async move { Ok(self.with(account, |entry| entry.acquire(time))) })
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        Box::pin(async { Ok(self.with(account, |entry| entry.commit(lease, record))) })
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.with(account, |entry| entry.release(&lease));
            Ok(())
        })
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.with(account, |entry| entry.record.touch(token, at));
            Ok(())
        })
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        Box::pin(async {
            self.with(account, |entry| entry.forget(token));
            Ok(())
        })
    }

    /// Returns at once when a record is committed, a session is forgotten, or the right to log in is released or
    /// expires.
    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        // Subscribed before it is first polled: what happens from here on is not missed. What happened since the
        // caller last looked may have been; with the right free, that is cured by another look soon.
        let (change, left) = self.with(account, |entry| (entry.changes.clone().notified_owned(), entry.left()));
        let wait = if left.is_zero() { PAUSE } else { left };
        Box::pin(async move {
            let _ = tokio::time::timeout(wait.min(patience), change).await;
        })
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("MemoryStore").finish_non_exhaustive()
    }
}
