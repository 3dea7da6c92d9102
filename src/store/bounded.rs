//! A store that always answers, whoever wrote it: one that takes too long or panics has failed.

use std::{
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;

use super::{Account, Lease, Record, SessionStore, StoreError, StoreFuture};
use crate::SessionToken;

/// How long an operation of a store may take: longer than `FileStore` waits for its lock.
const LONGEST: Duration = Duration::from_secs(25);
/// How long a wait lasts that a store breaks off.
const PAUSE: Duration = Duration::from_millis(50);

/// A store with a limit to its patience and its panics. What this crate asks of a store, it asks through this.
#[derive(Clone, Debug)]
pub(crate) struct Bounded {
    inner: Arc<dyn SessionStore>,
    patience: Duration,
    is_default: bool,
}

impl Bounded {
    /// An operation has half of the time of a call at most, so that its failure is told within the call.
    pub(crate) fn new(inner: Arc<dyn SessionStore>, timeout: Duration, is_default: bool) -> Self {
        Self { inner, patience: LONGEST.min(timeout / 2), is_default }
    }

    /// Whether the caller has chosen no store, so that what it keeps ends with the process.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    fn bounded<'a, T: 'a>(&self, work: impl FnOnce() -> StoreFuture<'a, T> + Send + 'a) -> StoreFuture<'a, T> {
        let patience = self.patience;
        Box::pin(async move {
            let work = AssertUnwindSafe(async { work().await }).catch_unwind();
            match tokio::time::timeout(patience, work).await {
                Ok(Ok(outcome)) => outcome,
                Ok(Err(_)) => {
                    let problem = "it has panicked; correct its code".to_owned();
                    Err(StoreError::Misconfigured { place: "the store".to_owned(), problem })
                }
                Err(_) => {
                    let problem = format!("it has not answered within {patience:?}");
                    Err(StoreError::Unavailable { place: "the store".to_owned(), problem })
                }
            }
        })
    }
}

impl SessionStore for Bounded {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        self.bounded(|| self.inner.load(account))
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        self.bounded(move || self.inner.acquire(account, time))
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        self.bounded(|| self.inner.commit(account, lease, record))
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        self.bounded(|| self.inner.release(account, lease))
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        self.bounded(move || self.inner.touch(account, token, at))
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        self.bounded(|| self.inner.forget(account, token))
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(async move {
            let change = AssertUnwindSafe(async { self.inner.changed(account, patience).await }).catch_unwind();
            if let Ok(Err(_)) = tokio::time::timeout(patience, change).await {
                tokio::time::sleep(PAUSE.min(patience)).await;
            }
        })
    }
}
