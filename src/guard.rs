//! The login guard: what stands between a bad password and a locked account.
//!
//! Five failed logins in a row lock the account until a person calls Verizon. This keeps the count, in the store, so
//! that neither tasks nor processes nor a crash loop get round it: at most two logins that fail, or may have failed,
//! for a set of credentials that has never worked, and one that is refused for any. And it needs no person for an
//! outage: credentials that have worked are tried again, ever more slowly.
//!
//! Pure rules on a value; time and randomness are handed in.

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::Credentials;

/// How many logins in a row may come to an unknown end with credentials that have never logged in.
const MOST_UNKNOWN: u32 = 2;
/// The longest time between two tries with credentials that have logged in before.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// How many logins in a row may fail for an account, with whatever credentials: the fifth locks it.
const MOST_STRIKES: u32 = 4;
/// How many sets of credentials are remembered of each kind.
const MOST_REMEMBERED: usize = 16;

/// What the guard remembers of an account.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Guard {
    salt: Option<[u8; 16]>,
    /// The credentials that last logged in.
    proven: Option<Fingerprint>,
    /// Failures in a row that the platform may have counted, whoever's they were; proven credentials add only those
    /// that it certainly counted.
    strikes: u32,
    /// What came of credentials that have not worked since.
    tried: Vec<Tried>,
    /// No proven credentials are tried before this time.
    not_before: Option<SystemTime>,
    /// Credentials that a reset has put an end to.
    retired: Vec<Fingerprint>,
}

/// What came of one set of credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Tried {
    credentials: Fingerprint,
    /// How many tries in a row came to an unknown end. A try is counted before it is made, so that one who dies in
    /// the middle of it has counted.
    unknown: u32,
    suspended: Option<Suspension>,
}

/// Why and since when no login is tried.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
    /// The platform refused the credentials.
    Refused {
        /// The platform's name for the reason, if it gave one.
        code: Option<String>,
    },
    /// Two logins in a row, with credentials that have never logged in, came to an end that nobody knows.
    UnknownOutcome,
    /// Four logins in a row, with whatever credentials, have failed or may have: the fifth would lock the account.
    OneTryLeft,
    /// A reset has replaced the password of these credentials.
    Retired,
}

/// Which credentials, without saying what they are: salted and hashed.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Fingerprint([u8; 32]);

impl PartialEq for Fingerprint {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

/// What the guard says to a login.
#[derive(Debug, PartialEq)]
pub(crate) enum Permit {
    /// It has been counted: make it, and tell what came of it.
    Go,
    /// Not before this time.
    Wait(SystemTime),
    /// Not with these credentials.
    Suspended(Suspension),
}

/// What a login came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// A session was started.
    Succeeded,
    /// The platform refused the credentials.
    Refused { code: Option<String> },
    /// It may have counted as a failure.
    Unknown,
    /// It certainly did not reach the platform.
    Unreached,
}

impl Guard {
    /// The fingerprint of credentials, under this account's salt.
    pub(crate) fn fingerprint(&mut self, credentials: &Credentials) -> Fingerprint {
        let salt = self.salt.get_or_insert_with(salt);
        let (username, password) = (credentials.username(), credentials.password().expose_secret());
        let mut hash = Sha256::new();
        hash.update(*salt);
        hash.update((username.len() as u64).to_be_bytes());
        hash.update(username);
        hash.update(password);
        Fingerprint(hash.finalize().into())
    }

    /// Whether a login with these credentials may be made now; if so, it is counted.
    pub(crate) fn permit(&mut self, credentials: &Fingerprint, now: SystemTime) -> Permit {
        let suspended = |reason| Permit::Suspended(Suspension { reason, since: now });
        if self.retired.contains(credentials) {
            return suspended(SuspensionReason::Retired);
        }
        let is_proven = self.is_proven(credentials);
        let (strikes, not_before) = (self.strikes, self.not_before);
        let tried = self.tried(credentials);
        if let Some(suspension) = &tried.suspended {
            return Permit::Suspended(suspension.clone());
        }
        if strikes >= MOST_STRIKES && (is_proven || tried.unknown < MOST_UNKNOWN) {
            // Even those that have worked may have been changed since.
            return suspended(SuspensionReason::OneTryLeft);
        }
        if is_proven {
            // A clock that was set back must not keep the account shut.
            let left = not_before.and_then(|until| until.duration_since(now).ok());
            if let (Some(until), Some(_)) =
                (not_before, left.filter(|left| !left.is_zero() && *left <= LONGEST_BACKOFF))
            {
                return Permit::Wait(until);
            }
            tried.unknown = tried.unknown.saturating_add(1);
            self.not_before = Some(now + backoff(0, 0.0));
        } else if tried.unknown >= MOST_UNKNOWN {
            // Counted and never settled: whoever made the last try has died in the middle of it.
            let suspension = Suspension { reason: SuspensionReason::UnknownOutcome, since: now };
            tried.suspended = Some(suspension.clone());
            return Permit::Suspended(suspension);
        } else {
            tried.unknown = tried.unknown.saturating_add(1);
            self.strikes = strikes.saturating_add(1);
        }
        Permit::Go
    }

    /// Takes down what a permitted login came to. `chance` lies between 0 and 1.
    pub(crate) fn settle(&mut self, credentials: &Fingerprint, verdict: Verdict, now: SystemTime, chance: f64) {
        let is_proven = self.is_proven(credentials);
        match verdict {
            Verdict::Succeeded => self.prove(credentials.clone()),
            Verdict::Refused { code } => {
                let suspension = Suspension { reason: SuspensionReason::Refused { code }, since: now };
                self.tried(credentials).suspended = Some(suspension);
                if is_proven {
                    // Whatever they were, they hold no more; and this one has counted.
                    self.proven = None;
                    self.not_before = None;
                    self.strikes = self.strikes.saturating_add(1);
                }
            }
            Verdict::Unknown if is_proven => {
                let tries = self.tried(credentials).unknown.saturating_sub(1);
                self.not_before = Some(now + backoff(tries, chance));
            }
            Verdict::Unknown => {
                let tried = self.tried(credentials);
                if tried.unknown >= MOST_UNKNOWN {
                    tried.suspended = Some(Suspension { reason: SuspensionReason::UnknownOutcome, since: now });
                }
            }
            Verdict::Unreached => {
                let tried = self.tried(credentials);
                tried.unknown = tried.unknown.saturating_sub(1);
                if is_proven {
                    self.not_before = None;
                } else {
                    self.strikes = self.strikes.saturating_sub(1);
                }
            }
        }
    }

    /// No login is made with these credentials any more.
    pub(crate) fn retire(&mut self, credentials: Fingerprint) {
        if !self.retired.contains(&credentials) {
            self.retired.push(credentials);
            let excess = self.retired.len().saturating_sub(MOST_REMEMBERED);
            self.retired.drain(..excess);
        }
    }

    /// These credentials hold: they have logged in, or came out of a reset.
    pub(crate) fn prove(&mut self, credentials: Fingerprint) {
        self.retired.retain(|retired| *retired != credentials);
        self.tried.retain(|tried| tried.credentials != credentials);
        self.proven = Some(credentials);
        self.strikes = 0;
        self.not_before = None;
    }

    /// A person has looked at it: the count begins anew. What a reset has retired stays retired.
    pub(crate) fn rearm(&mut self) {
        self.tried.clear();
        self.strikes = 0;
        self.not_before = None;
    }

    fn is_proven(&self, credentials: &Fingerprint) -> bool {
        self.proven.as_ref() == Some(credentials)
    }

    /// The place of these credentials, at the end; the oldest of the others makes room for it.
    #[expect(clippy::indexing_slicing, reason = "the last place has just been filled")]
    fn tried(&mut self, credentials: &Fingerprint) -> &mut Tried {
        let known = self.tried.iter().position(|tried| tried.credentials == *credentials);
        let tried = known.map_or_else(
            || Tried { credentials: credentials.clone(), unknown: 0, suspended: None },
            |at| self.tried.remove(at),
        );
        let excess = (self.tried.len() + 1).saturating_sub(MOST_REMEMBERED);
        self.tried.drain(..excess);
        self.tried.push(tried);
        let last = self.tried.len() - 1;
        &mut self.tried[last]
    }
}

/// One second, doubled with each try in a row, up to five minutes; of that between a half and the whole.
fn backoff(tries: u32, chance: f64) -> Duration {
    let whole = Duration::from_secs(1u64.checked_shl(tries).unwrap_or(u64::MAX)).min(LONGEST_BACKOFF);
    whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0)
}

fn salt() -> [u8; 16] {
    let mut salt = [0; 16];
    // Without a source of randomness the fingerprints are still compared, only less well hidden.
    let _ = getrandom::fill(&mut salt);
    salt
}
