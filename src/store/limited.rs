//! Limits the time and the panics of any store, so that each of its operations returns.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use futures_util::FutureExt as _;
use tokio::time::{sleep, timeout};

use super::{Account, SessionStore, Snapshot, StoreError, StoreFuture, StoreWait, Version};

/// The name of the store in errors.
const PLACE: &str = "the store";
/// The time limit of an operation. `FileStore` waits for its lock for a shorter time.
const LONGEST: Duration = Duration::from_secs(25);
/// The minimum time of `changed`, so that a loop around it does not spin.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);

/// A store whose operations return in time. The crate uses a store through this type only.
#[derive(Clone)]
pub(crate) struct Limited {
    inner: Arc<dyn SessionStore>,
    limit: Duration,
    is_default: bool,
}

debug!(Limited, |this| "{:?}", this.inner);

impl Limited {
    /// Limits an operation to half of a call's time, so that the call can report its failure.
    pub(crate) fn new(inner: Arc<dyn SessionStore>, timeout: Duration, is_default: bool) -> Self {
        Self { inner, limit: LONGEST.min(timeout / 2), is_default }
    }

    /// Whether the caller chose no store, so that all values end with the process.
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }
}

/// Calls the caller's code, which may hang or panic.
pub(crate) async fn limited<T, E: From<StoreError>, F: Future<Output = Result<T, E>>>(
    place: &'static str,
    limit: Duration,
    call: impl FnOnce() -> F,
) -> Result<T, E> {
    let outcome = timeout(limit, AssertUnwindSafe(async { call().await }).catch_unwind()).await;
    let place = || place.to_owned();
    let error = match outcome {
        Ok(Ok(outcome)) => return outcome,
        Ok(Err(_)) => {
            StoreError::Misconfigured { place: place(), problem: "it has panicked; correct its code".to_owned() }
        }
        Err(_) => StoreError::Unavailable { place: place(), problem: format!("it has not answered within {limit:?}") },
    };
    Err(error.into())
}

impl SessionStore for Limited {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(limited(PLACE, self.limit, || self.inner.load(account)))
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(limited(PLACE, self.limit, move || self.inner.compare_and_swap(account, expected, new, bytes)))
    }

    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        Box::pin(async move {
            let shortest = sleep(SHORTEST_WAIT.min(patience));
            let change = async { self.inner.changed(account, seen, patience).await };
            let _ = timeout(patience, AssertUnwindSafe(change).catch_unwind()).await;
            shortest.await;
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

    use std::{
        future::{pending, ready},
        pin::Pin,
    };

    use tokio::time::Instant;

    use super::*;

    /// A store that does this in every operation.
    #[derive(Clone, Copy, Debug)]
    enum Fault {
        Hangs,
        Panics,
        PanicsLater,
        ReturnsAtOnce,
    }

    impl Fault {
        fn act<'a, T: Send + 'a>(self, outcome: T) -> Pin<Box<dyn Future<Output = T> + Send + 'a>> {
            match self {
                Self::Hangs => Box::pin(pending()),
                Self::Panics => panic!("at once"),
                Self::PanicsLater => Box::pin(async { panic!("later") }),
                Self::ReturnsAtOnce => Box::pin(ready(outcome)),
            }
        }
    }

    impl SessionStore for Fault {
        fn load<'a>(&'a self, _: &'a Account) -> StoreFuture<'a, Snapshot> {
            self.act(Ok(Snapshot { now: std::time::SystemTime::now(), value: None }))
        }

        fn compare_and_swap<'a>(
            &'a self,
            _: &'a Account,
            _: Option<Version>,
            _: Version,
            _: &'a [u8],
        ) -> StoreFuture<'a, bool> {
            self.act(Ok(true))
        }

        fn changed<'a>(&'a self, _: &'a Account, _: Option<Version>, _: Duration) -> StoreWait<'a> {
            self.act(())
        }
    }

    fn limited(fault: Fault, timeout: Duration) -> Limited {
        Limited::new(Arc::new(fault), timeout, false)
    }

    fn account() -> Account {
        Account::new("https://thingspace.example", "key", "zbeeblebrox")
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_hangs_has_25_seconds_and_half_of_a_call() {
        for (call, expected) in [(600, 25), (20, 10)] {
            let (store, account) = (limited(Fault::Hangs, Duration::from_secs(call)), account());
            let (begin, limit) = (Instant::now(), Duration::from_secs(expected));
            let error = store.load(&account).await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            assert_eq!(begin.elapsed(), limit);
            let error = store.compare_and_swap(&account, None, Version::random(), b"").await.unwrap_err();
            assert!(matches!(error, StoreError::Unavailable { .. }), "{error:?}");
            assert_eq!(begin.elapsed(), limit * 2);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_store_that_panics_has_failed() {
        for fault in [Fault::Panics, Fault::PanicsLater] {
            let (store, account) = (limited(fault, Duration::from_secs(60)), account());
            let error = store.load(&account).await.unwrap_err();
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
            let error = store.compare_and_swap(&account, None, Version::random(), b"").await.unwrap_err();
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_wait_takes_ten_milliseconds_at_least_and_its_patience_at_most() {
        let millis = Duration::from_millis;
        for (fault, patience, expected) in [
            (Fault::Hangs, 500, 500),
            (Fault::Panics, 500, 10),
            (Fault::PanicsLater, 500, 10),
            (Fault::ReturnsAtOnce, 500, 10),
            (Fault::ReturnsAtOnce, 3, 3),
            (Fault::Panics, 0, 0),
        ] {
            let (store, account, begin) = (limited(fault, Duration::from_secs(60)), account(), Instant::now());
            store.changed(&account, None, millis(patience)).await;
            // The clock of the runtime counts whole milliseconds.
            assert!(begin.elapsed().abs_diff(millis(expected)) <= millis(1), "{fault:?}: {:?}", begin.elapsed());
        }
    }
}
