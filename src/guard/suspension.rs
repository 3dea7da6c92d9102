//! Why no login is made: what the guard remembers, and what errors and the status of an account say of it.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

use super::{Fingerprint, Guard, MOST_UNKNOWN};

/// Why and since when no login is tried.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Suspension {
    /// What happened.
    pub reason: SuspensionReason,
    /// When.
    pub since: SystemTime,
}

/// What suspended logins.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum SuspensionReason {
    /// The credentials were refused.
    Refused {
        /// The platform's name for the reason. Without one, a proxy may have answered in its place.
        code: Option<String>,
    },
    /// Two logins in a row, with credentials that have never logged in, came to an end that nobody knows.
    UnknownOutcome,
    /// Four logins in a row, with whatever credentials, have failed or may have: the fifth would lock the account.
    OneTryLeft,
    /// A reset has replaced the password of these credentials.
    Retired,
}

impl SuspensionReason {
    /// Its name in events and counters.
    pub(crate) fn as_str(&self) -> &'static str {
        match self {
            Self::Refused { .. } => "refused",
            Self::UnknownOutcome => "unknown_outcome",
            Self::OneTryLeft => "one_try_left",
            Self::Retired => "retired",
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

impl Guard {
    /// Why no login is made with these credentials, if none is.
    pub(crate) fn suspension(&self, credentials: &Fingerprint) -> Option<Suspension> {
        self.own_suspension(credentials).or_else(|| self.suspension_of_all())
    }

    /// Every suspension, the oldest first: one for each set of credentials that has its own, and one for all.
    pub(crate) fn suspensions(&self) -> Vec<Suspension> {
        let is_retired =
            |credentials: &Fingerprint| self.retired.iter().any(|retired| retired.credentials == *credentials);
        let tried = self.tried.iter().map(|tried| &tried.credentials).filter(|tried| !is_retired(tried));
        let known = self.retired.iter().map(|retired| &retired.credentials).chain(tried);
        let own = known.filter_map(|credentials| self.own_suspension(credentials));
        let mut suspensions: Vec<_> = own.chain(self.suspension_of_all()).collect();
        suspensions.sort_by_key(|suspension| suspension.since);
        suspensions
    }

    /// How many logins in a row the platform may have counted as failed.
    pub(crate) fn failures_in_a_row(&self) -> u32 {
        self.strikes
    }

    /// Why these credentials are suspended, whatever came of others.
    fn own_suspension(&self, credentials: &Fingerprint) -> Option<Suspension> {
        let suspended = |reason, since| Some(Suspension { reason, since });
        if let Some(retired) = self.retired.iter().find(|retired| retired.credentials == *credentials) {
            return suspended(SuspensionReason::Retired, retired.since);
        }
        let tried = self.tried.iter().find(|tried| tried.credentials == *credentials);
        if let Some(refused) = tried.and_then(|tried| tried.refused.clone()) {
            return Some(refused);
        }
        // Counted, and of unknown outcome or never settled.
        let unknown = tried.filter(|tried| tried.unknown >= MOST_UNKNOWN && !self.has_worked(credentials));
        unknown.and_then(|tried| suspended(SuspensionReason::UnknownOutcome, tried.last))
    }

    /// Why all credentials are suspended: even those that have worked may have been changed since.
    fn suspension_of_all(&self) -> Option<Suspension> {
        self.struck_out.map(|since| Suspension { reason: SuspensionReason::OneTryLeft, since })
    }
}
