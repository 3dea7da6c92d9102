//! The failure of the last attempt, for a caller whose time is over while the next attempt is under way: the error then
//! names the cause and not the deadline.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::Error;

/// Shared by the task that makes the attempts and by the callers that wait for it.
#[derive(Clone, Default)]
pub(crate) struct LastFailure(Arc<Mutex<Option<Error>>>);

impl LastFailure {
    /// An attempt has failed.
    pub(crate) fn note(&self, error: &Error) {
        *self.lock() = Some(error.clone());
    }

    /// The work has ended.
    pub(crate) fn clear(&self) {
        *self.lock() = None;
    }

    pub(crate) fn get(&self) -> Option<Error> {
        self.lock().clone()
    }

    fn lock(&self) -> MutexGuard<'_, Option<Error>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
