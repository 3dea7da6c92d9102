//! The failure of the last attempt, for a caller whose time is over while the next attempt is under way: the error then
//! names the cause and not the deadline.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::Error;

/// Shared by the task that makes the attempts and by the callers that wait for it.
#[derive(Clone, Default)]
pub(crate) struct LastFailure(Arc<Mutex<Option<(Error, Instant)>>>);

impl LastFailure {
    /// An attempt has failed.
    pub(crate) fn note(&self, error: &Error) {
        *self.lock() = Some((error.clone(), Instant::now()));
    }

    /// An attempt has succeeded.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// The failure, unless it is older than this: then it says nothing of the attempt that is under way.
    pub(crate) fn get(&self, within: Duration) -> Option<Error> {
        self.lock().as_ref().filter(|(_, at)| at.elapsed() <= within).map(|(error, _)| error.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Error, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
