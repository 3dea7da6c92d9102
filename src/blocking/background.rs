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

/// A runtime with two threads of its own, for connections and renewals. If a provider or a store blocks one of them, the
/// other one drives the timers.
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

    /// Runs the work to its end on the caller's thread.
    pub(super) fn wait<T>(&self, work: impl Future<Output = T>) -> Result<T, Error> {
        if drives_tasks() || futures_executor::enter().is_err() {
            return Err(Error::configuration(
                "a blocking call would stop the other tasks of this thread: in async code use \
                 thingspace_session::ThingSpace and .await, or call from within spawn_blocking",
            ));
        }
        let Some(runtime) = &self.0 else { return Err(Error::configuration("the background thread has ended")) };
        // tokio's `block_on` panics in async code.
        let _entered = runtime.enter();
        Ok(futures_executor::block_on(work))
    }
}

impl Drop for Background {
    /// Does not wait, so that async code may drop the last handle.
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Whether this thread runs an async task. tokio gives such a task a budget, which this function uses up; code that may
/// block, as in `spawn_blocking`, has none.
fn drives_tasks() -> bool {
    let mut context = Context::from_waker(Waker::noop());
    Handle::try_current().is_ok()
        && (0..=u8::MAX).any(|_| pin!(consume_budget()).as_mut().poll(&mut context).is_pending())
}
