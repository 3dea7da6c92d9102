//! One login or reset that was begun, with what is known of it.

use std::{
    fmt,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest as _, Sha256};

use crate::{
    Credentials,
    store::{Account, random},
};

/// An attempt. What is known of it only grows: the outcome along its order, and a claim that is closed stays closed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Attempt {
    pub(crate) credentials: Fingerprint,
    pub(crate) outcome: Outcome,
    /// The platform's code, if it rejected the credentials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) code: Option<String>,
    pub(crate) began: Timestamp,
    /// How many logins had succeeded when it began.
    pub(crate) after: u64,
    /// Until when nobody else may begin, unless the attempt is over before.
    pub(crate) claimed_until: Timestamp,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(crate) is_over: bool,
}

/// What came of an attempt, from what is known least to what is final.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Outcome {
    /// Unknown, and no failure: the credentials are verified, or it is a reset.
    Pending,
    /// The platform may have counted a failure.
    Unsure,
    /// The same, before a login that succeeded with other credentials.
    UnsureBeforeSuccess,
    /// The platform rejected the credentials.
    Rejected,
    /// The same, before a login that succeeded with other credentials.
    RejectedBeforeSuccess,
    /// It counts for nothing.
    Void,
    /// A reset has replaced the password of these credentials.
    Superseded,
}

impl Attempt {
    /// For how long it still holds the claim. A clock that was set back by more than the claim's length has ended it.
    pub(crate) fn claim_left(&self, now: Timestamp) -> Option<Duration> {
        let length = self.claimed_until.after(self.began).unwrap_or_default();
        let left = self.claimed_until.after(now).filter(|left| *left <= length.saturating_mul(2));
        left.filter(|_| !self.is_over)
    }

    /// A login has succeeded after it, with its own credentials or with others.
    pub(crate) fn forgive(&mut self, is_own: bool) {
        self.outcome = match self.outcome {
            outcome if is_own => outcome.max(Outcome::Void),
            Outcome::Unsure => Outcome::UnsureBeforeSuccess,
            Outcome::Rejected => Outcome::RejectedBeforeSuccess,
            outcome => outcome,
        };
    }

    /// Adds what another copy knows.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.outcome = self.outcome.max(other.outcome);
        // Copies of one attempt differ in these only if a store made them up; the order then decides.
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

/// Names an attempt: 128 random bits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct AttemptId(u128);

impl AttemptId {
    pub(crate) fn random() -> Self {
        Self(random())
    }

    #[cfg(test)]
    pub(crate) fn new(id: u128) -> Self {
        Self(id)
    }
}

impl fmt::Debug for AttemptId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", self.0)
    }
}

impl Serialize for AttemptId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl<'de> Deserialize<'de> for AttemptId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u128::from_str_radix(&text, 16).map(Self).map_err(|_| D::Error::custom("an id has 32 hexadecimal digits"))
    }
}

/// Which credentials, without the password: a hash of the account, the username and the password. Replicas that never met
/// compute the same one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fingerprint([u8; 32]);

impl Fingerprint {
    pub(crate) fn new(account: &Account, credentials: &Credentials) -> Self {
        let mut hash = Sha256::new();
        for part in [account.id().as_str(), credentials.username(), credentials.password().expose_secret()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        Self(hash.finalize().into())
    }

    #[cfg(test)]
    pub(crate) fn of(byte: u8) -> Self {
        Self([byte; 32])
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{self:?}"))
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let unfit = || D::Error::custom("a fingerprint has 64 hexadecimal digits");
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(unfit());
        }
        for (place, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| unfit())?;
            *place = u8::from_str_radix(digits, 16).map_err(|_| unfit())?;
        }
        Ok(Self(bytes))
    }
}

/// A time by the store's clock, in milliseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Timestamp(u64);

impl Timestamp {
    /// So much later.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(u64::try_from(time.as_millis()).unwrap_or(u64::MAX)))
    }

    /// By how much this is after `other`, if it is.
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
