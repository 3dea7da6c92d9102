//! How far a call has come, for the span and for the case that its time is over.

use std::sync::{
    Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU8, AtomicU32, Ordering},
};

use crate::Error;

/// Written by the call, read when it has ended or its time is over.
#[derive(Default)]
pub(super) struct Progress {
    pub(super) attempt: AtomicU32,
    /// Whether the platform may have processed the request.
    pub(super) sent: AtomicBool,
    phase: AtomicU8,
    failure: Mutex<Option<Error>>,
}

/// What a call waits for.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Phase {
    Request,
    Session,
    AccessToken,
}

impl Progress {
    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::Relaxed);
    }

    pub(super) fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            phase if phase == Phase::Session as u8 => Phase::Session,
            phase if phase == Phase::AccessToken as u8 => Phase::AccessToken,
            _ => Phase::Request,
        }
    }

    pub(super) fn note(&self, failure: Option<&Error>) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = failure.cloned();
    }

    pub(super) fn failure(&self) -> Option<Error> {
        self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
