//! The record: everything that is shared about an account, and its encoding.

use std::{collections::BTreeMap, fmt, io, time::Duration};

use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error as _, MapAccess, Visitor},
};
use zeroize::Zeroizing;

use super::{Attempt, AttemptId, Fingerprint, Outcome, Timestamp};
use crate::SessionToken;

/// The version of the encoding.
const FORMAT: u32 = 1;
/// How many attempts a record keeps, and how many of those that count for nothing.
const MOST_ATTEMPTS: usize = 32;
const MOST_VOID: usize = 8;
/// How many bytes most records have at most.
const USUAL_SIZE: usize = 640;

/// Everything that is shared about an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    pub(crate) session: Option<StoredSession>,
    /// Verified credentials wait until then.
    pub(crate) backoff: Option<Backoff>,
    pub(crate) history: History,
}

/// The session, as far as it is shared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredSession {
    pub(crate) token: SessionToken,
    pub(crate) used_at: Timestamp,
}

/// The pause after logins of unknown outcome.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backoff {
    pub(crate) until: Timestamp,
    pub(crate) doublings: u32,
    /// The attempt that it is for: told twice, it does not double the pause.
    pub(crate) attempt: AttemptId,
}

/// The facts: they only grow, and a process remembers them in case the store loses them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct History {
    pub(crate) last_success: Option<LastSuccess>,
    #[serde(deserialize_with = "once_each")]
    pub(crate) attempts: BTreeMap<AttemptId, Attempt>,
}

/// Reads attempts with different ids: of two with the same one, serde would keep the last and drop a failure.
fn once_each<'de, D: Deserializer<'de>>(deserializer: D) -> Result<BTreeMap<AttemptId, Attempt>, D::Error> {
    struct OnceEach;

    impl<'de> Visitor<'de> for OnceEach {
        type Value = BTreeMap<AttemptId, Attempt>;

        fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
            formatter.write_str("attempts")
        }

        fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
            let mut attempts = BTreeMap::new();
            while let Some((id, attempt)) = map.next_entry()? {
                if attempts.insert(id, attempt).is_some() {
                    return Err(M::Error::custom("an attempt is there twice"));
                }
            }
            Ok(attempts)
        }
    }

    deserializer.deserialize_map(OnceEach)
}

/// The last login or reset that succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastSuccess {
    /// How many there were: the greater one is the later one.
    pub(crate) count: u64,
    /// How many of them were logins.
    pub(crate) logins: u64,
    /// When the last of these began.
    pub(crate) login_began: Timestamp,
    pub(crate) credentials: Fingerprint,
}

impl History {
    /// Adds what another history knows. Commutative, associative, idempotent.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.last_success = self.last_success.max(other.last_success);
        for (id, attempt) in &other.attempts {
            self.add(*id, attempt);
        }
    }

    /// For how long an attempt still holds the claim. It holds none since a later login has succeeded.
    pub(crate) fn claim_left(&self, attempt: &Attempt, now: Timestamp) -> Option<Duration> {
        attempt.claim_left(now).filter(|_| !attempt.is_before(self.last_success))
    }

    /// Adds what is known of one attempt.
    pub(crate) fn add(&mut self, id: AttemptId, attempt: &Attempt) {
        self.attempts.entry(id).and_modify(|known| known.merge(attempt)).or_insert_with(|| attempt.clone());
    }

    /// How many logins have succeeded.
    pub(crate) fn logins(&self) -> u64 {
        self.last_success.map_or(0, |last| last.logins)
    }

    /// These credentials came out of a reset.
    pub(crate) fn verify(&mut self, credentials: Fingerprint) {
        let count = self.last_success.map_or(1, |last| last.count.saturating_add(1));
        let login_began = self.last_success.map_or(Timestamp::default(), |last| last.login_began);
        self.last_success = Some(LastSuccess { count, logins: self.logins(), login_began, credentials });
    }

    /// These credentials have logged in.
    pub(crate) fn log_in(&mut self, credentials: Fingerprint, began: Timestamp) {
        self.verify(credentials);
        if let Some(last) = &mut self.last_success {
            last.logins = last.logins.saturating_add(1);
            last.login_began = began;
        }
    }

    /// The attempts that count as failures in a row.
    pub(crate) fn failures(&self) -> impl Iterator<Item = &Attempt> {
        let counts = |attempt: &&Attempt| matches!(attempt.outcome, Outcome::Unsure | Outcome::Rejected);
        self.attempts.values().filter(counts).filter(|attempt| !attempt.is_past(self.last_success))
    }

    /// Drops attempts that no rule looks at any more, so that the record stays small: first those that are over and count
    /// for nothing, then the oldest of those that were forgiven, and so on along the order of outcomes.
    pub(crate) fn trim(&mut self, now: Timestamp) {
        self.trim_within(MOST_ATTEMPTS, MOST_VOID, now);
    }

    /// The same with other limits.
    pub(crate) fn trim_within(&mut self, attempts: usize, void: usize, now: Timestamp) {
        let last = self.last_success;
        self.attempts.retain(|_, attempt| match attempt.outcome {
            // Until its claim cannot be alive in any copy.
            Outcome::Pending => !attempt.is_before(last) && attempt.claimed_until.after(now).is_some(),
            // Until no copy that knows less of it counts.
            Outcome::Void => !(attempt.is_over && attempt.is_past(last)),
            _ => true,
        });
        let is_over = |attempt: &Attempt| attempt.claim_left(now).is_none();
        let is_nothing = |attempt: &Attempt| matches!(attempt.outcome, Outcome::Pending | Outcome::Void);
        self.trim_to(void, |attempt| is_nothing(attempt) && is_over(attempt));
        self.trim_to(attempts, is_over);
    }

    /// Drops the least of those for which `may_go` holds, until at most `most` of them are left.
    fn trim_to(&mut self, most: usize, may_go: impl Fn(&Attempt) -> bool) {
        let rank = |attempt: &Attempt| match attempt.outcome {
            Outcome::Pending | Outcome::Void => 0,
            Outcome::UnsureBeforeSuccess | Outcome::RejectedBeforeSuccess => 1,
            Outcome::Superseded => 2,
            Outcome::Unsure | Outcome::Rejected => 3,
        };
        let excess = self.attempts.values().filter(|attempt| may_go(attempt)).count().saturating_sub(most);
        if excess == 0 {
            return;
        }
        let mut going: Vec<_> = self.attempts.iter().filter(|(_, attempt)| may_go(attempt)).collect();
        going.sort_by_key(|(id, attempt)| (rank(attempt), attempt.began, **id));
        let going: Vec<_> = going.into_iter().take(excess).map(|(id, _)| *id).collect();
        self.attempts.retain(|id, _| !going.contains(id));
    }
}

/// The encoded record, with the version of the encoding.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded<R> {
    format: u32,
    record: R,
}

impl Record {
    /// # Errors
    ///
    /// What is wrong with it, without quoting it.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let other = |format| {
            format!("the record has format {format}, and this version of thingspace-session reads format {FORMAT}")
        };
        let text = std::str::from_utf8(bytes).map_err(|_| "the record is damaged: it is not UTF-8")?;
        match serde_json::from_str(text) {
            Ok(Encoded { format: FORMAT, record }) => Ok(record),
            Ok(Encoded { format, .. }) => Err(other(format)),
            Err(error) => Err(match serde_json::from_str(text) {
                Ok(Format { format }) if format != FORMAT => other(format),
                // The text of the error may quote what was found, which may be a token.
                _ => format!("the record is damaged at line {}, column {}", error.line(), error.column()),
            }),
        }
    }

    pub(crate) fn encode(&self) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
        encode(&Encoded { format: FORMAT, record: self })
    }
}

/// JSON in a buffer that is erased.
pub(crate) fn encode(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, serde_json::Error> {
    let mut bytes = Growing(Zeroizing::new(Vec::with_capacity(USUAL_SIZE)));
    serde_json::to_writer(&mut bytes, value)?;
    Ok(bytes.0)
}

/// A buffer that leaves no copy of the token behind when it grows.
struct Growing(Zeroizing<Vec<u8>>);

impl Growing {
    #[cold]
    fn grow(&mut self, more: usize) {
        let mut larger = Zeroizing::new(Vec::with_capacity(2 * (self.0.len() + more)));
        larger.extend_from_slice(&self.0);
        self.0 = larger;
    }
}

impl io::Write for Growing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() > self.0.capacity() - self.0.len() {
            self.grow(bytes.len());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use io::Write as _;

    use super::*;

    /// `Vec` would double its capacity, and leave behind what it held.
    #[test]
    fn the_buffer_moves_what_it_holds_before_the_vector_has_to() {
        let mut buffer = Growing(Zeroizing::new(Vec::with_capacity(8)));
        buffer.write_all(b"12345678").unwrap();
        assert_eq!(buffer.0.capacity(), 8);
        buffer.write_all(b"9").unwrap();
        assert_eq!((buffer.0.capacity(), &buffer.0[..]), (18, &b"123456789"[..]));
    }
}
