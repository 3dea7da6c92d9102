//! What a process remembers of the count, should the store forget it or be put back: a count that began anew each time
//! would lock the account in the end.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use super::{Fingerprint, Guard, MOST_STRIKES, Tried};
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

    /// Notes what the store holds, or is about to. What was refused or replaced it does not unlearn from a store that was
    /// put back.
    pub(crate) fn note(&self, guard: &Guard) {
        self.take(guard, guard.settled());
    }

    /// The same where no login is under way.
    pub(crate) fn note_at_the_end(&self, guard: &Guard) {
        self.take(guard, Guard { not_before: None, ..guard.clone() });
    }

    fn take(&self, guard: &Guard, mut noted: Guard) {
        if guard.salt.is_none() {
            return;
        }
        let mut guards = self.guards();
        if let Some(at) = guards.iter().position(|known| known.salt == guard.salt) {
            let known = guards.remove(at);
            noted.count_on(&known);
            noted.keep(known);
        }
        if guards.len() >= MOST {
            // One that says nothing, if there is one.
            let least = guards.iter().position(|known| known.retired.is_empty() && known.tried.is_empty());
            guards.remove(least.unwrap_or_default());
        }
        guards.push(noted);
    }

    /// Has a guard go on from what is known, of these credentials above all.
    pub(crate) fn recall(&self, guard: &mut Guard, credentials: Option<&Credentials>) {
        let guards = self.guards();
        if guard.salt.is_none()
            && let Some(latest) = guards.last()
        {
            let reset_at = guard.reset_at;
            *guard = latest.clone();
            if let Some(at) = reset_at.filter(|_| reset_at > guard.reset_at) {
                guard.reset(at);
            }
        }
        let Some(credentials) = credentials else { return };
        for known in &*guards {
            guard.recall(known, credentials);
        }
    }
}

impl Guard {
    /// What holds whatever comes of the logins that are under way.
    fn settled(&self) -> Self {
        let (tried, open): (Vec<_>, Vec<_>) = self.tried.iter().cloned().partition(|tried| tried.refused.is_some());
        let counted = open.iter().filter(|tried| !self.has_worked(&tried.credentials) && self.is_later(tried));
        let strikes = counted.fold(self.strikes, |left, tried| left.saturating_sub(tried.unknown));
        Self {
            struck_out: self.struck_out.filter(|_| strikes >= MOST_STRIKES),
            tried,
            strikes,
            not_before: None,
            ..self.clone()
        }
    }

    /// Whether nothing keeps anybody from trying these credentials, and nobody has logged in with them.
    pub(crate) fn knows_nothing_of(&self, credentials: &Credentials) -> bool {
        let mut guard = self.clone();
        let credentials = guard.fingerprint(credentials);
        guard.suspension(&credentials).is_none() && !guard.has_worked(&credentials)
    }

    /// Whether these credentials have worked after that.
    fn has_worked_since(&self, credentials: &Fingerprint, since: SystemTime) -> bool {
        self.has_worked(credentials) && self.proven_at.is_some_and(|at| at > since)
    }

    /// Whether this was after the last login.
    fn is_later(&self, tried: &Tried) -> bool {
        Some(tried.last) > self.proven_at
    }

    /// Counts on from there, unless somebody has logged in since: the platform begins anew with that, too.
    fn count_on(&mut self, known: &Self) {
        if self.reset_at <= known.reset_at && known.tried.iter().any(|tried| self.is_later(tried)) {
            self.strikes = self.strikes.max(known.strikes);
            self.struck_out = self.struck_out.or(known.struck_out);
        }
    }

    /// Keeps what was refused and replaced, as far as nothing has happened since that puts it right.
    fn keep(&mut self, known: Self) {
        for retired in known.retired {
            if !self.has_worked_since(&retired.credentials, retired.since) {
                self.retire_since(retired.credentials, retired.since);
            }
        }
        if self.reset_at > known.reset_at {
            return;
        }
        for Tried { credentials, last, unknown, refused } in known.tried {
            if Some(last) > self.proven_at && refused.is_none() {
                let tried = self.tried(&credentials, last);
                tried.unknown = tried.unknown.max(unknown);
            }
            if let Some(refused) = refused.filter(|refused| !self.has_worked_since(&credentials, refused.since)) {
                self.tried(&credentials, last).refused.get_or_insert(refused);
            }
        }
    }

    fn recall(&mut self, known: &Self, credentials: &Credentials) {
        self.count_on(known);
        if self.salt == known.salt {
            return self.keep(known.clone());
        }
        // Others have begun anew: all that can be told is what is known of these credentials.
        let (then, now) = (known.clone().fingerprint(credentials), self.fingerprint(credentials));
        let mut known = known.clone();
        known.retired.retain(|retired| retired.credentials == then);
        known.tried.retain(|tried| tried.credentials == then);
        known.retired.iter_mut().for_each(|retired| retired.credentials = now.clone());
        known.tried.iter_mut().for_each(|tried| tried.credentials = now.clone());
        self.keep(known);
    }
}
