//! Work that one task does while several wait for what it comes to.

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use tokio::task::AbortHandle;

use crate::Error;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Work that is under way, or that was the last to be.
pub(crate) struct SingleFlight<T> {
    outcome: Outcome<T>,
    task: AbortHandle,
}

/// What the work comes to, for everybody who waits for it; nothing if its runtime was shut down.
pub(crate) type Outcome<T> = Shared<BoxFuture<'static, Option<Result<T, Error>>>>;

/// The work that is under way, or else new work in a task of its own: who gives up waiting neither stops nor repeats it.
/// `foreign` names whose code it is that panics.
pub(crate) fn join<T: Clone + Send + Sync + 'static>(
    last: &mut Option<SingleFlight<T>>,
    // In its place already: what is large is copied at each step of the way into a task.
    work: impl FnOnce() -> BoxFuture<'static, Result<T, Error>>,
    foreign: fn(BoxError) -> Error,
) -> Outcome<T> {
    if let Some(under_way) = last.as_ref().filter(|last| !last.task.is_finished()) {
        return under_way.outcome.clone();
    }
    // On a runtime that is shut down, this is over, and what it was made of is dropped, before the next line.
    let task = tokio::spawn(work());
    let handle = task.abort_handle();
    let outcome = task.map(move |end| match end {
        Ok(outcome) => Some(outcome),
        Err(end) if end.is_panic() => Some(Err(foreign("it has panicked".into()))),
        Err(_) => None,
    });
    let outcome = outcome.boxed().shared();
    *last = Some(SingleFlight { outcome: outcome.clone(), task: handle });
    outcome
}

/// Work whose runtime was shut down is begun again, once, on that of who waits for it. If that is shut down as well,
/// nobody can do it.
#[derive(Default)]
pub(crate) struct SecondChance {
    is_used: bool,
}

impl SecondChance {
    pub(crate) fn take(&mut self) -> Result<(), Error> {
        if std::mem::replace(&mut self.is_used, true) {
            return Err(Error::configuration("the runtime was shut down in the middle of the call"));
        }
        Ok(())
    }
}
