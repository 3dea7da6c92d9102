//! What a process remembers of the count, should the store forget it or be put back: a count that began anew each time
//! would lock the account in the end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Guard, MOST_STRIKES};
use crate::Credentials;

/// How many beginnings are remembered.
const MOST: usize = 4;

/// What is known of each account that a client logs in for.
#[derive(Default)]
pub(crate) struct KnownAccounts(Mutex<HashMap<String, Arc<Known>>>);

impl KnownAccounts {
    pub(crate) fn of(&self, username: &str) -> Arc<Known> {
        let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        accounts.entry(username.to_owned()).or_default().clone()
    }
}

/// The count as it was last seen, once for each time that it has begun anew.
#[derive(Default)]
pub(crate) struct Known(Mutex<Vec<Guard>>);

impl Known {
    fn guards(&self) -> MutexGuard<'_, Vec<Guard>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what the store holds, or is about to.
    pub(crate) fn note(&self, guard: &Guard) {
        if guard.salt.is_none() {
            return;
        }
        let mut guards = self.guards();
        guards.retain(|known| known.salt != guard.salt);
        if guard.proven.is_some() {
            // The platform counts from there, too.
            for known in &mut *guards {
                known.strikes = 0;
                known.struck_out = None;
            }
        }
        guards.push(guard.clone());
        let excess = guards.len().saturating_sub(MOST);
        guards.drain(..excess);
    }

    /// Has a guard go on from what is known, of these credentials above all.
    pub(crate) fn recall(&self, guard: &mut Guard, credentials: Option<&Credentials>) {
        let guards = self.guards();
        if guard.salt.is_none()
            && let Some(latest) = guards.last()
        {
            let rearmed = guard.rearmed;
            *guard = latest.clone();
            if let Some(at) = rearmed.filter(|_| rearmed > guard.rearmed) {
                guard.rearm(at);
            }
        }
        let Some(credentials) = credentials else { return };
        for known in &*guards {
            guard.recall(known, credentials);
        }
    }
}

impl Guard {
    fn recall(&mut self, known: &Self, credentials: &Credentials) {
        let is_other = self.salt != known.salt;
        if !is_other && known.tried.iter().all(|tried| tried.refused.is_none()) {
            return;
        }
        let (then, now) = (known.clone().fingerprint(credentials), self.fingerprint(credentials));
        if self.has_worked(&now) {
            return;
        }
        if let Some(retired) = known.retired.iter().find(|retired| is_other && retired.credentials == then) {
            self.retire(now.clone(), retired.since);
        }
        if self.rearmed > known.rearmed {
            return;
        }
        let tried = known.tried.iter().find(|tried| tried.credentials == then);
        // Under the same salt a login that was under way may have come to less than it was counted for.
        if let Some(tried) = tried.filter(|tried| is_other || tried.refused.is_some()) {
            let here = self.tried(&now, tried.last);
            here.refused = here.refused.take().or_else(|| tried.refused.clone());
            here.unknown = here.unknown.max(if is_other { tried.unknown } else { 0 });
        }
        if is_other && self.proven.is_none() {
            self.strikes = self.strikes.max(known.strikes);
            self.struck_out = self.struck_out.or(known.struck_out).filter(|_| self.strikes >= MOST_STRIKES);
        }
    }
}
