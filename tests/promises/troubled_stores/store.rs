//! A store that is in the trouble it is told to be in.

use serde_json::{Value, json};
use std::{
    future::pending,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};
use thingspace_session::{
    MemoryStore, SessionToken,
    store::{Account, Lease, Record, SessionStore, StoreError, StoreFuture},
};
use tokio::time::sleep;

use super::SECOND;

/// What is wrong with a store, or nothing.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub(crate) enum Trouble {
    None,
    LoadsHang,
    LoadsPanic,
    CommitsHang,
    /// Every second commit fails: the count is kept, what came of the login is not.
    SecondCommitsFail,
    /// Every commit but the first fails: what came of a login is not kept, however often it is told.
    LaterCommitsFail,
    /// Every second commit is said to have failed, but was made.
    SecondCommitsAreDenied,
    /// Each commit takes a second and comes too late: somebody else was granted the right meanwhile.
    CommitsComeTooLate,
    /// The right to log in ends long before its time.
    LeasesEndEarly,
    /// The right to log in is granted, and it takes ten seconds to say so.
    GrantsTakeTime,
    /// It takes a second to give the right to log in back.
    ReleasesTakeTime,
    /// Ten seconds, which is longer than anybody waits for it.
    ReleasesTakeLong,
    ReleasesFail,
    /// Another process always has the right, and each wait for a change ends at once.
    WaitsEndAtOnce,
    /// Each load finds another record than the grant after it.
    RecordsChange,
}

/// A store that misbehaves on order, and whose clock may be another.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubled {
    pub(crate) inner: MemoryStore,
    pub(crate) trouble: Arc<AtomicU32>,
    pub(crate) commits: Arc<AtomicU32>,
    pub(crate) loads: Arc<AtomicU32>,
    /// By how many seconds the clock of this process is ahead.
    pub(crate) ahead: i64,
}

impl Troubled {
    pub(crate) fn set(&self, trouble: Trouble) {
        self.commits.store(0, Ordering::SeqCst);
        self.trouble.store(trouble as u32, Ordering::SeqCst);
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.trouble.load(Ordering::SeqCst) == trouble as u32
    }
}

/// All times in a record, moved.
fn moved(record: &Record, by: i64) -> Record {
    fn walk(value: &mut Value, by: i64) {
        match value {
            Value::Object(map) => map.iter_mut().for_each(|(name, inner)| match name.as_str() {
                "secs_since_epoch" => *inner = json!(inner.as_i64().unwrap() + by),
                _ => walk(inner, by),
            }),
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, by)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(record).unwrap();
    walk(&mut value, by);
    serde_json::from_value(value).unwrap()
}

impl SessionStore for Troubled {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        Box::pin(async move {
            self.loads.fetch_add(1, Ordering::SeqCst);
            assert!(!self.has(Trouble::LoadsPanic), "the store's own code has a bug");
            if self.has(Trouble::LoadsHang) {
                pending::<()>().await;
            }
            let by = i64::from(self.has(Trouble::RecordsChange)) - self.ahead;
            Ok(moved(&self.inner.load(account).await?, by))
        })
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        Box::pin(async move {
            if self.has(Trouble::WaitsEndAtOnce) {
                return Ok(None);
            }
            let time = if self.has(Trouble::LeasesEndEarly) { time / 10 } else { time };
            let granted = self.inner.acquire(account, time).await?;
            if self.has(Trouble::GrantsTakeTime) {
                sleep(10 * SECOND).await;
            }
            Ok(granted.map(|(lease, record)| (lease, moved(&record, -self.ahead))))
        })
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let number = self.commits.fetch_add(1, Ordering::SeqCst);
            if self.has(Trouble::CommitsHang) {
                pending::<()>().await;
            }
            if self.has(Trouble::CommitsComeTooLate) {
                sleep(SECOND).await;
                return Ok(false);
            }
            let is_second = number % 2 == 1;
            let (place, problem) = ("the store".to_owned(), "no space left on device".to_owned());
            let failure = Err(StoreError::Unavailable { place, problem });
            let is_later = self.has(Trouble::LaterCommitsFail) && number > 0;
            if is_later || self.has(Trouble::SecondCommitsFail) && is_second {
                return failure;
            }
            let outcome = self.inner.commit(account, lease, &moved(record, self.ahead)).await;
            if self.has(Trouble::SecondCommitsAreDenied) && is_second { failure } else { outcome }
        })
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            if self.has(Trouble::ReleasesTakeTime) {
                sleep(SECOND).await;
            }
            if self.has(Trouble::ReleasesTakeLong) {
                sleep(10 * SECOND).await;
            }
            if self.has(Trouble::ReleasesFail) {
                return Err(StoreError::Unavailable { place: "the store".to_owned(), problem: "away".to_owned() });
            }
            self.inner.release(account, lease).await
        })
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        let at = at + Duration::from_secs(self.ahead.unsigned_abs());
        Box::pin(async move { self.inner.touch(account, token, at).await })
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        self.inner.forget(account, token)
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let at_once = self.has(Trouble::WaitsEndAtOnce);
        if at_once { Box::pin(std::future::ready(())) } else { self.inner.changed(account, patience) }
    }
}
