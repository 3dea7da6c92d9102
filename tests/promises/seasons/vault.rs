//! A vault in memory.

use crate::support::USERNAME;
use std::sync::{Arc, Mutex, PoisonError};
use thingspace_session::{
    Credentials, Password,
    rotation::{PasswordVault, VaultFuture, VaultState},
};

/// A vault in memory that fails to save a password on request.
#[derive(Clone)]
pub(super) struct MemoryVault(pub(super) Arc<Mutex<(VaultState, bool)>>);

impl MemoryVault {
    pub(super) fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut VaultState, &mut bool) -> T) -> T {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, fails) = &mut *guard;
        act(state, fails)
    }

    pub(super) fn settle(&self, password: &Password) {
        self.with(|state, _| *state = VaultState::Current(Credentials::new(USERNAME, password.clone())));
    }
}

impl PasswordVault for MemoryVault {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        Box::pin(async { Ok(self.with(|state, _| state.clone())) })
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        Box::pin(async move {
            let is_commit = match (expected, new) {
                (VaultState::Pending(pending), VaultState::Current(new)) => pending.old != *new,
                _ => false,
            };
            self.with(|state, fails| {
                if is_commit && std::mem::take(fails) {
                    return Err("the disk is full".into());
                }
                let is_expected = state == expected;
                if is_expected {
                    *state = new.clone();
                }
                Ok(is_expected)
            })
        })
    }
}
