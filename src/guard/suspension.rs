//! Why no login is made: what the guard remembers and what an error tells.

use std::{fmt, time::SystemTime};

use serde::{Deserialize, Serialize};

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
