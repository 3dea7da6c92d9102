//! The runtime behind the blocking facade.

use std::{
    pin::pin,
    task::{Context, Waker},
};

use tokio::{
    runtime::{Builder, Handle, Runtime},
    task::coop::consume_budget,
};

use crate::Error;

/// A runtime with threads of its own, on which the connections and the renewals live: two, so that a source or a store
/// that blocks one of them does not stop the clock.
pub(super) struct Background(Option<Runtime>);

impl Background {
    pub(super) fn start() -> Result<Self, Error> {
        let runtime =
            Builder::new_multi_thread().worker_threads(2).thread_name("thingspace-session").enable_all().build();
        let runtime = runtime.map_err(|error| {
            Error::configuration(format!("the thread that the blocking client needs cannot be started: {error}"))
        })?;
        Ok(Self(Some(runtime)))
    }

    /// Waits for the end of the work, on the caller's thread.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        if drives_tasks() || futures_executor::enter().is_err() {
            return Err(Error::configuration(
                "a blocking call would stop the other tasks of this thread: in async code use \
                 thingspace_session::ThingSpace and .await, or call from within spawn_blocking",
            ));
        }
        let Some(runtime) = &self.0 else { return Err(Error::configuration("the background thread has ended")) };
        // Not tokio's own `block_on`, which panics where it should not be called.
        let _entered = runtime.enter();
        Ok(futures_executor::block_on(work))
    }
}

impl Drop for Background {
    /// Waits for nothing, so that the last handle may be dropped in async code, too.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether this thread is in the middle of an async task. Such a task has a budget, which this uses up; code that may
/// block, as in `spawn_blocking`, has none.
fn drives_tasks() -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Handle::try_current().is_ok()
        && (0..=u8::MAX).any(|_| pin!(consume_budget()).as_mut().poll(&mut context).is_pending())
}
