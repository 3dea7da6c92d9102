//! The names by which the right to log in was asked for in vain, because no answer came. It may have been granted all the
//! same: asked for by the same name again, nobody is kept out by one who holds it and does not know.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// One name for each key.
#[derive(Default)]
pub(super) struct Unheard(Mutex<HashMap<String, String>>);

/// A name that is remembered unless there is an answer.
pub(super) struct Asking<'a> {
    unheard: &'a Unheard,
    key: &'a str,
    pub(super) name: String,
    is_answered: bool,
}

impl Unheard {
    fn names(&self) -> MutexGuard<'_, HashMap<String, String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks by the name that got no answer, or by a new one.
    pub(super) fn ask<'a, E>(&'a self, key: &'a str, new: impl FnOnce() -> Result<String, E>) -> Result<Asking<'a>, E> {
        let known = self.names().remove(key);
        let name = known.map_or_else(new, Ok)?;
        Ok(Asking { unheard: self, key, name, is_answered: false })
    }
}

impl Asking<'_> {
    pub(super) fn answered(mut self) {
        self.is_answered = true;
    }
}

impl Drop for Asking<'_> {
    fn drop(&mut self) {
        if !self.is_answered {
            self.unheard.names().insert(self.key.to_owned(), std::mem::take(&mut self.name));
        }
    }
}
