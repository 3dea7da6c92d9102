//! Why no login is sent.

use std::{fmt, time::SystemTime};

use super::{Attempt, FAILURE_LIMIT, Fingerprint, Outcome, Record, UNKNOWN_LIMIT};

/// Why and since when no login is sent.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suspension {
    /// What happened.
    pub reason: SuspensionReason,
    /// When the attempt began that led to it, by the clock of the store.
    pub since: SystemTime,
}

/// What suspended logins.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuspensionReason {
    /// The platform rejected the credentials.
    Rejected {
        /// The platform's code for the reason. Without one, a proxy may have answered in its place.
        code: Option<String>,
    },
    /// Two logins with credentials that have never logged in have an unknown outcome.
    UnknownOutcome,
    /// Four logins in a row, with any credentials, have failed or may have: the fifth would lock the account.
    FailureLimit,
    /// A reset has replaced the password of these credentials.
    Superseded,
}

impl SuspensionReason {
    /// Its name in events and counters.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Rejected { .. } => "rejected",
            Self::UnknownOutcome => "unknown_outcome",
            Self::FailureLimit => "failure_limit",
            Self::Superseded => "superseded",
        }
    }
}

/// A `main` that returns its error prints this.
impl fmt::Debug for Suspension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = date(self.since);
        formatter
            .debug_struct("Suspension")
            .field("reason", &self.reason)
            .field("since", &format_args!("{since}"))
            .finish()
    }
}

/// A date as HTTP writes it; a stored one may be any.
pub(crate) fn date(time: SystemTime) -> String {
    const YEAR_9999: u64 = 253_370_764_800;
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) if since.as_secs() < YEAR_9999 => httpdate::fmt_http_date(time),
        _ => "at a time that cannot be".to_owned(),
    }
}

impl Record {
    /// Why no login is sent with these credentials, as far as the attempts tell for which `counts` holds.
    pub(super) fn suspension(
        &self,
        credentials: Fingerprint,
        counts: impl Fn(&Attempt) -> bool + Copy,
    ) -> Option<Suspension> {
        self.own_suspension(credentials, counts).or_else(|| self.suspension_of_all(counts))
    }

    fn own_suspension(&self, credentials: Fingerprint, counts: impl Fn(&Attempt) -> bool) -> Option<Suspension> {
        let attempts = || self.history.attempts.values().filter(|attempt| counts(attempt));
        let own = |outcomes: &'static [Outcome]| {
            let is_own =
                move |attempt: &&Attempt| attempt.credentials == credentials && outcomes.contains(&attempt.outcome);
            attempts().filter(is_own)
        };
        let suspended = |reason, attempt: &Attempt| Some(Suspension { reason, since: attempt.began.into() });
        if let Some(reset) = own(&[Outcome::Superseded]).min_by_key(|attempt| attempt.began) {
            return suspended(SuspensionReason::Superseded, reset);
        }
        let rejected = own(&[Outcome::Rejected, Outcome::RejectedBeforeSuccess]);
        // Credentials that have logged in since are not rejected.
        let rejected =
            rejected.filter(|attempt| !(self.is_verified(credentials) && attempt.is_past(self.history.last_success)));
        if let Some(rejected) = rejected.min_by_key(|attempt| attempt.began) {
            return suspended(SuspensionReason::Rejected { code: rejected.code.clone() }, rejected);
        }
        let unsure = own(&[Outcome::Unsure, Outcome::UnsureBeforeSuccess]);
        if let Some(last) = nth(unsure, UNKNOWN_LIMIT).filter(|_| !self.is_verified(credentials)) {
            return suspended(SuspensionReason::UnknownOutcome, last);
        }
        None
    }

    fn suspension_of_all(&self, counts: impl Fn(&Attempt) -> bool) -> Option<Suspension> {
        let failures = self.history.failures().filter(|attempt| counts(attempt));
        let last = nth(failures, FAILURE_LIMIT)?;
        Some(Suspension { reason: SuspensionReason::FailureLimit, since: last.began.into() })
    }

    /// Why no login is sent with these credentials, once all attempts are over.
    pub(crate) fn suspended(&self, credentials: Fingerprint) -> Option<Suspension> {
        self.suspension(credentials, |_| true)
    }

    /// Every suspension, the oldest first: one for each set of credentials that has its own, and one for all.
    pub(crate) fn suspensions(&self) -> Vec<Suspension> {
        let mut credentials: Vec<_> = self.history.attempts.values().map(|attempt| attempt.credentials).collect();
        credentials.sort_unstable();
        credentials.dedup();
        let own = credentials.iter().filter_map(|credentials| self.own_suspension(*credentials, |_| true));
        let mut suspensions: Vec<_> = own.chain(self.suspension_of_all(|_| true)).collect();
        suspensions.sort_by_key(|suspension| suspension.since);
        suspensions
    }
}

/// The attempt with which this many are reached, in the order in which they began.
fn nth<'a>(attempts: impl Iterator<Item = &'a Attempt>, number: usize) -> Option<&'a Attempt> {
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|attempt| attempt.began);
    attempts.get(number.checked_sub(1)?).copied()
}
