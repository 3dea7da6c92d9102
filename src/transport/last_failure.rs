//! The failure of the last attempt. A caller whose time expires during the next attempt returns it, so that the error
//! names the cause and not the deadline.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::time::Instant;

use crate::Error;

/// Shared by the task that makes the attempts and the callers that wait for it.
#[derive(Clone, Default)]
pub(crate) struct LastFailure(Arc<Mutex<Option<(Error, Instant)>>>);

impl LastFailure {
    /// Records that an attempt has failed.
    pub(crate) fn note(&self, error: &Error) {
        *self.lock() = Some((error.clone(), Instant::now()));
    }

    /// Records that an attempt has succeeded.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    /// The failure, unless it is older than `within`. An older one is not about the current attempt.
    pub(crate) fn get(&self, within: Duration) -> Option<Error> {
        self.lock().as_ref().filter(|(_, at)| at.elapsed() <= within).map(|(error, _)| error.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Error, Instant)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
