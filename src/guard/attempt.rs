//! One login or reset, from its beginning to its outcome.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use hmac_sha256::Hash;
use serde::{Deserialize, Serialize};

use super::record::LastSuccess;

use crate::{
    Password,
    store::{Account, random},
};

/// An attempt. Its knowledge only grows: the outcome along its order, and a closed claim stays closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) credentials: Fingerprint,
    pub(crate) outcome: Outcome,
    /// The platform's code, if it rejected the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    pub(crate) began: Timestamp,
    /// The number of successful logins before it began.
    pub(crate) after: u64,
    /// The end of its claim: until then no other attempt may begin, unless this one is over.
    pub(crate) claimed_until: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_over: bool,
}

/// The outcome of an attempt, in the order in which knowledge of it grows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Unknown, and not counted as a failure: the credentials are verified, or it is a reset.
    Pending,
    /// The platform may have counted a failure.
    Unsure,
    /// `Unsure`, and followed by a success with other credentials.
    UnsureBeforeSuccess,
    /// The platform rejected the credentials.
    Rejected,
    /// `Rejected`, and followed by a success with other credentials.
    RejectedBeforeSuccess,
    /// Does not count.
    Void,
    /// A reset has replaced the password of these credentials.
    Superseded,
}

impl Attempt {
    /// The time that is left of its claim. If the clock was set back by more than the claim's length, the claim has ended.
    pub(crate) fn claim_left(&self, now: Timestamp) -> Option<Duration> {
        let length = self.claimed_until.after(self.began).unwrap_or_default();
        let left = self.claimed_until.after(now).filter(|left| *left <= length.saturating_mul(2));
        left.filter(|_| !self.is_over)
    }

    /// Whether it began before the last successful login, which ended its claim.
    pub(crate) fn is_before(&self, last: Option<LastSuccess>) -> bool {
        // The time distinguishes it from a login of a history that the store has lost.
        last.is_some_and(|last| self.after < last.logins && self.began < last.login_began)
    }

    /// Whether it was certainly over before the last successful login, because the success before that came after the
    /// attempt, too. A process that has not loaded the record for long may remember a failure that was forgiven and trimmed.
    pub(crate) fn is_past(&self, last: Option<LastSuccess>) -> bool {
        // The count is right whatever the clock does. The time covers a history without this attempt, and an attempt that
        // was still in progress.
        let is_past =
            |last: LastSuccess| self.after.saturating_add(2) <= last.logins && self.claimed_until <= last.login_began;
        last.is_some_and(is_past)
    }

    /// Records that a later login has succeeded, with the same credentials or with others.
    pub(crate) fn forgive(&mut self, is_own: bool) {
        self.outcome = match self.outcome {
            // Its outcome does not change any more.
            Outcome::Pending if self.is_over => Outcome::Pending,
            outcome if is_own => outcome.max(Outcome::Void),
            Outcome::Unsure => Outcome::UnsureBeforeSuccess,
            Outcome::Rejected => Outcome::RejectedBeforeSuccess,
            outcome => outcome,
        };
    }

    /// Adds the knowledge of another copy.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.outcome = self.outcome.max(other.outcome);
        // Copies of one attempt differ in these only if a store has invented them. The order then decides.
        self.credentials = self.credentials.max(other.credentials);
        self.began = self.began.min(other.began);
        self.after = self.after.max(other.after);
        if self.code < other.code {
            self.code.clone_from(&other.code);
        }
        self.claimed_until = self.claimed_until.max(other.claimed_until);
        self.is_over |= other.is_over;
    }
}

/// Names an attempt: 64 random bits, which tell the few attempts of an account apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct AttemptId(u64);

impl AttemptId {
    pub(crate) fn random() -> Self {
        Self((random() >> 64) as u64)
    }

    #[cfg(test)]
    pub(crate) fn new(id: u64) -> Self {
        Self(id)
    }
}

/// Identifies credentials without the password: a hash of the account, which includes the user, and the password. All
/// replicas compute the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Fingerprint(u64);

impl Fingerprint {
    pub(crate) fn new(account: &Account, password: &Password) -> Self {
        let mut hash = Hash::new();
        hash.update(account.digest());
        hash.update(password.expose_secret());
        // 64 bits distinguish the passwords of an account.
        Self(hash.finalize().first_chunk().copied().map(u64::from_be_bytes).unwrap_or_default())
    }

    #[cfg(test)]
    pub(crate) fn of(byte: u8) -> Self {
        Self(byte.into())
    }
}

/// A time by the store's clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    /// This time plus `time`.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// The time from `other` to this, if this is later.
    pub(crate) fn after(self, other: Self) -> Option<Duration> {
        self.0.checked_sub(other.0).filter(|left| *left > 0).map(Duration::from_millis)
    }
}

impl From<SystemTime> for Timestamp {
    fn from(time: SystemTime) -> Self {
        Self::default().plus(time.duration_since(UNIX_EPOCH).unwrap_or_default())
    }
}

impl From<Timestamp> for SystemTime {
    fn from(time: Timestamp) -> Self {
        UNIX_EPOCH.checked_add(Duration::from_millis(time.0)).unwrap_or(UNIX_EPOCH)
    }
}
