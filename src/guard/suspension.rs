//! The reasons for which the guard sends no login.

use std::{fmt, time::SystemTime};

use super::{Attempt, FAILURE_LIMIT, Fingerprint, Outcome, Record, UNKNOWN_LIMIT};

/// Why and since when the crate sends no login.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Suspension {
    /// What happened.
    pub reason: SuspensionReason,
    /// The beginning of the attempt that led to it, by the clock of the store.
    pub since: SystemTime,
}

/// The reason of a suspension.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SuspensionReason {
    /// The platform rejected the credentials.
    Rejected {
        /// The platform's error code. Without one, a proxy may have answered instead of the platform.
        code: Option<String>,
    },
    /// Two logins with credentials that have never logged in have an unknown outcome.
    UnknownOutcome,
    /// Four logins in a row, with any credentials, have failed or may have failed. The fifth failure locks the account
    /// (Verizon's documentation of the login).
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

/// The date as text, because a `main` that returns its error prints this.
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

/// A date in HTTP's format. A stored date may be out of its range.
pub(crate) fn date(time: SystemTime) -> String {
    const YEAR_9999: u64 = 253_370_764_800;
    match time.duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) if since.as_secs() < YEAR_9999 => httpdate::fmt_http_date(time),
        _ => "at an invalid time".to_owned(),
    }
}

impl Record {
    /// The suspension of these credentials, computed from the attempts for which `counts` is true.
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

    /// The suspension of these credentials once all attempts are over.
    pub(crate) fn suspended(&self, credentials: Fingerprint) -> Option<Suspension> {
        self.suspension(credentials, |_| true)
    }

    /// All suspensions, the oldest first: those of single credentials, and that of all.
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

/// The attempt with this number, in the order in which they began.
fn nth<'a>(attempts: impl Iterator<Item = &'a Attempt>, number: usize) -> Option<&'a Attempt> {
    let mut attempts: Vec<_> = attempts.collect();
    attempts.sort_by_key(|attempt| attempt.began);
    attempts.get(number.checked_sub(1)?).copied()
}
