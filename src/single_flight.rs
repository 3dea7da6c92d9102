//! Work that one task does while several wait for what it comes to.

use futures_util::future::{BoxFuture, FutureExt as _, Shared};

use crate::Error;

/// What the work comes to, for everybody who waits for it; nothing if its runtime was shut down.
pub(crate) type SingleFlight<T> = Shared<BoxFuture<'static, Option<Result<T, Error>>>>;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Starts the work in a task of its own: who gives up waiting neither stops nor repeats it. `over` is called when it has
/// ended, be it by success, failure, a panic or the end of its runtime; `foreign` names whose code it was that panicked.
pub(crate) fn single_flight<T: Clone + Send + Sync + 'static>(
    // In its place already: what is large is copied at each step of the way into a task.
    work: BoxFuture<'static, Result<T, Error>>,
    over: impl FnOnce() + Send + 'static,
    foreign: fn(BoxError) -> Error,
) -> SingleFlight<T> {
    let over = Over(Some(over));
    let task = tokio::spawn(async move {
        let _over = over;
        work.await
    });
    let outcome = task.map(move |end| match end {
        Ok(outcome) => Some(outcome),
        Err(end) if end.is_panic() => Some(Err(foreign("it has panicked".into()))),
        Err(_) => None,
    });
    outcome.boxed().shared()
}

struct Over<F: FnOnce()>(Option<F>);

impl<F: FnOnce()> Drop for Over<F> {
    fn drop(&mut self) {
        if let Some(over) = self.0.take() {
            over();
        }
    }
}
