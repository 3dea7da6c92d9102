//! A vault in memory.

use crate::support::USERNAME;
use std::sync::{Arc, Mutex, PoisonError};
use thingspace_session::{
    Credentials, Password,
    rotation::{Begun, PasswordVault, VaultError, VaultFuture, VaultState},
};

/// A vault in memory that fails to keep a password on order.
#[derive(Clone)]
pub(super) struct Shelf(pub(super) Arc<Mutex<(VaultState, bool)>>);

impl Shelf {
    pub(super) fn with<T: Send + 'static>(&self, act: impl FnOnce(&mut VaultState, &mut bool) -> T) -> T {
        let mut guard = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (state, fails) = &mut *guard;
        act(state, fails)
    }

    fn change(&self, fits: impl FnOnce(VaultState) -> bool, next: VaultState) -> Result<(), VaultError> {
        self.with(|state, _| {
            if !fits(state.clone()) {
                return Err("it holds something else".into());
            }
            *state = next;
            Ok(())
        })
    }

    pub(super) fn settle(&self, password: &Password) {
        self.with(|state, _| *state = VaultState::Settled(Credentials::new(USERNAME, password.clone())));
    }
}

impl PasswordVault for Shelf {
    fn state(&self) -> VaultFuture<'_, VaultState> {
        Box::pin(async { Ok(self.with(|state, _| state.clone())) })
    }

    fn check(&self) -> VaultFuture<'_, ()> {
        Box::pin(async { Ok(()) })
    }

    fn begin<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        let settled = VaultState::Settled(begun.old.clone());
        Box::pin(async move {
            self.change(|state| state == VaultState::Empty || state == settled, VaultState::Begun(begun.clone()))
        })
    }

    fn keep<'a>(&'a self, begun: &'a Begun, new: &'a Password) -> VaultFuture<'a, ()> {
        let kept = VaultState::Settled(Credentials::new(USERNAME, new.clone()));
        Box::pin(async move {
            if self.with(|_, fails| std::mem::take(fails)) {
                return Err("the disk is full".into());
            }
            self.change(|state| state == VaultState::Begun(begun.clone()), kept)
        })
    }

    fn abandon<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        let settled = VaultState::Settled(begun.old.clone());
        Box::pin(async move { self.change(|state| state == VaultState::Begun(begun.clone()), settled) })
    }
}
