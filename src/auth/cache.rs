//! A cache for one token: every request reads it without a lock, and one task fetches a new one while callers wait.

use std::sync::{Arc, Mutex, PoisonError};

use arc_swap::{ArcSwapOption, Guard};
use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use http::HeaderValue;
use tokio::{task::AbortHandle, time::Instant};
use tracing::{Instrument as _, Span};

use crate::{Error, transport::TokenHeader};

type Fetched<T> = Result<Arc<T>, Error>;
/// The result of a fetch, which all its callers share.
type Awaited<T> = Shared<BoxFuture<'static, Option<Fetched<T>>>>;

/// A token in a cache.
pub(super) trait CachedToken: Send + Sync + 'static {
    fn header(&self) -> &TokenHeader;

    fn freshness(&self, now: Instant) -> Freshness;
}

/// What to do with a cached token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Freshness {
    /// Use it.
    Fresh,
    /// Use it, and fetch the next one in the background.
    Due,
    /// Fetch another.
    Expired,
}

/// The token in use, and the task that fetches the next one.
pub(super) struct TokenCache<T> {
    token: ArcSwapOption<T>,
    flight: Mutex<Option<Flight<T>>>,
}

impl<T> Default for TokenCache<T> {
    fn default() -> Self {
        Self { token: ArcSwapOption::empty(), flight: Mutex::default() }
    }
}

/// The fetch in progress, or the last one. Its outcome is `None` if its runtime was shut down.
struct Flight<T> {
    outcome: Awaited<T>,
    task: AbortHandle,
}

impl<T: CachedToken> TokenCache<T> {
    /// The cached token, whatever its state.
    pub(super) fn cached(&self) -> Guard<Option<Arc<T>>> {
        self.token.load()
    }

    pub(super) fn store(&self, token: T) -> Arc<T> {
        let token = Arc::new(token);
        self.token.store(Some(token.clone()));
        token
    }

    /// Stores a token in place of this one, if it is still cached.
    pub(super) fn replace(&self, old: &Arc<T>, new: T) {
        self.token.compare_and_swap(old, Some(Arc::new(new)));
    }

    /// Takes the token out.
    pub(super) fn take(&self) -> Option<Arc<T>> {
        self.token.swap(None)
    }

    /// Takes the token out if it is this one: a newer one stays.
    pub(super) fn invalidate(&self, header: &HeaderValue) -> Option<Arc<T>> {
        let cached = self.token.load_full().filter(|cached| cached.header() == header)?;
        let previous = self.token.compare_and_swap(&cached, None);
        previous.as_ref().is_some_and(|previous| Arc::ptr_eq(previous, &cached)).then_some(cached)
    }

    /// The cached token, or the result of `fetch`, which runs in one task for all callers. Cancelling a caller cancels no
    /// fetch.
    pub(super) async fn get(&self, fetch: impl Fn() -> BoxFuture<'static, Fetched<T>>) -> Fetched<T> {
        // If the runtime of a fetch was shut down, start it again once, on that of this caller.
        for _ in 0..2 {
            let cached = self.token.load_full();
            let outcome = match cached.map(|cached| (cached.freshness(Instant::now()), cached)) {
                Some((Freshness::Fresh, cached)) => return Ok(cached),
                Some((Freshness::Due, cached)) => {
                    drop(self.join(&fetch, Span::none()));
                    return Ok(cached);
                }
                Some((Freshness::Expired, _)) | None => self.join(&fetch, Span::current()),
            };
            if let Some(outcome) = outcome.await {
                return outcome;
            }
        }
        Err(Error::configuration("the runtime was shut down in the middle of the call"))
    }

    /// Joins the fetch in progress, or starts one in the span of a caller that waits for it.
    fn join(&self, fetch: impl Fn() -> BoxFuture<'static, Fetched<T>>, span: Span) -> Awaited<T> {
        let mut flight = self.flight.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(current) = flight.as_ref().filter(|flight| !flight.task.is_finished()) {
            return current.outcome.clone();
        }
        let fetching = tokio::spawn(fetch().instrument(span));
        let task = fetching.abort_handle();
        let outcome = fetching.map(move |end| match end {
            Ok(outcome) => Some(outcome),
            Err(end) if end.is_panic() => Some(Err(Error::configuration(
                "code that ran in the call, such as a tracing subscriber, has panicked: correct what the panic on standard \
                 error names",
            ))),
            Err(_) => None,
        });
        let outcome = outcome.boxed().shared();
        *flight = Some(Flight { outcome: outcome.clone(), task });
        outcome
    }
}
