//! The login guard: what stands between a bad password and a locked account.
//!
//! Five failed logins in a row lock the account until a person calls Verizon. This keeps the count, in the store, so
//! that neither tasks nor processes nor a crash loop get round it: at most two logins that fail, or may have failed,
//! for a set of credentials that has never worked, and one that is refused for any. And it needs no person for an
//! outage: credentials that have worked are tried again, ever more slowly.
//!
//! Pure rules on a value; time and randomness are handed in.

mod known;
mod suspension;

use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

pub(crate) use known::{Known, KnownAccounts};
pub(crate) use suspension::date;
pub use suspension::{Suspension, SuspensionReason};

use crate::Credentials;

/// How many logins in a row may come to an unknown end with credentials that have never logged in.
const MOST_UNKNOWN: u32 = 2;
/// The longest time between two tries with credentials that have logged in before.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);
/// How many logins in a row may fail for an account, with whatever credentials: the fifth locks it.
const MOST_STRIKES: u32 = 4;
/// How many sets of credentials are remembered of each kind.
const MOST_REMEMBERED: usize = 16;

/// What the guard remembers of an account. A version that does not know all of it must not write any of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Guard {
    salt: Option<[u8; 16]>,
    /// The credentials that last logged in.
    proven: Option<Fingerprint>,
    /// When they did.
    proven_at: Option<SystemTime>,
    /// Failures in a row that the platform may have counted, whoever's they were; credentials that have worked add only
    /// those that were answered.
    strikes: u32,
    /// When the last of those came about that are allowed.
    struck_out: Option<SystemTime>,
    /// What came of credentials that have not worked since.
    tried: Vec<Tried>,
    /// No proven credentials are tried before this time.
    not_before: Option<SystemTime>,
    /// Credentials that a reset has put an end to.
    retired: Vec<Retired>,
    /// When a person last had the count begin anew.
    reset_at: Option<SystemTime>,
}

/// What came of one set of credentials.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tried {
    credentials: Fingerprint,
    /// How many tries in a row came to an unknown end. A try is counted before it is made, so that one who dies in
    /// the middle of it has counted.
    unknown: u32,
    /// When the last one was made.
    last: SystemTime,
    refused: Option<Suspension>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Retired {
    credentials: Fingerprint,
    since: SystemTime,
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
    Go(Try),
    /// Not before this time.
    Wait(SystemTime),
    /// Not with these credentials.
    Suspended(Suspension),
}

/// A login that has been counted.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Try {
    credentials: Fingerprint,
    /// Whether the credentials had worked before: it is then no strike until it is known to have failed.
    has_worked: bool,
}

/// What a login came to.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Verdict {
    /// A session was started.
    Succeeded,
    /// The platform refused the credentials.
    Refused { code: Option<String> },
    /// It may have counted as a failure.
    Unknown {
        /// Whether there was an answer, other than that of a server in trouble. It then counts as one.
        is_answered: bool,
    },
    /// It certainly did not reach the platform.
    Unreached,
}

impl Verdict {
    /// Whether the platform has counted it as a failure, or may well have.
    pub(crate) fn counts(&self) -> bool {
        matches!(self, Self::Refused { .. } | Self::Unknown { is_answered: true })
    }
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

    /// Until when credentials that have worked wait, if they do: never longer than was drawn. What is longer was drawn by
    /// another clock.
    pub(crate) fn wait(&self, credentials: &Fingerprint, now: SystemTime) -> Option<SystemTime> {
        let until = self.not_before.filter(|_| self.has_worked(credentials))?;
        let left = until.duration_since(now).ok()?;
        let tries = self.tried.iter().find(|tried| tried.credentials == *credentials).map_or(0, |tried| tried.unknown);
        (!left.is_zero() && left <= backoff(tries.saturating_sub(1), 1.0)).then_some(until)
    }

    /// Whether these have worked, and the last login with them came to an unknown end.
    pub(crate) fn is_backing_off(&self, credentials: &Fingerprint) -> bool {
        self.not_before.is_some() && self.has_worked(credentials)
    }

    /// Whether a login with these credentials may be made now; if so, it is counted.
    pub(crate) fn permit(&mut self, credentials: &Fingerprint, now: SystemTime) -> Permit {
        if let Some(suspension) = self.suspension(credentials) {
            return Permit::Suspended(suspension);
        }
        if let Some(until) = self.wait(credentials, now) {
            return Permit::Wait(until);
        }
        let has_worked = self.has_worked(credentials);
        let last = self.after_all(now);
        let tried = self.tried(credentials, now);
        tried.unknown = tried.unknown.saturating_add(1);
        tried.last = last;
        if has_worked {
            self.not_before = Some(now + backoff(0, 0.0));
        } else {
            self.strike(now);
        }
        Permit::Go(Try { credentials: credentials.clone(), has_worked })
    }

    /// Whether it is still to be told what a permitted login came to at that time: nobody has logged in with its
    /// credentials since, or has had the count begin anew.
    pub(crate) fn awaits(&self, attempt: &Try, at: SystemTime) -> bool {
        self.reset_at < Some(at) && self.tried.iter().any(|tried| tried.credentials == attempt.credentials)
    }

    /// Takes down what a permitted login came to. `chance` lies between 0 and 1.
    pub(crate) fn settle(&mut self, attempt: &Try, verdict: Verdict, now: SystemTime, chance: f64) {
        let Try { credentials, has_worked } = attempt;
        match verdict {
            Verdict::Succeeded => self.prove(credentials.clone(), now),
            Verdict::Refused { code } => {
                let suspension = Suspension { reason: SuspensionReason::Refused { code }, since: self.after_all(now) };
                self.tried(credentials, now).refused = Some(suspension);
                if *has_worked {
                    self.strike(now);
                }
                if self.has_worked(credentials) {
                    // Whatever they were, they hold no more.
                    self.proven = None;
                    self.not_before = None;
                }
            }
            Verdict::Unknown { is_answered } if *has_worked => {
                let tries = self.tried(credentials, now).unknown.saturating_sub(1);
                self.not_before = Some(now + backoff(tries, chance));
                if is_answered {
                    self.strike(now);
                }
            }
            Verdict::Unknown { .. } => {}
            Verdict::Unreached => {
                let tried = self.tried(credentials, now);
                tried.unknown = tried.unknown.saturating_sub(1);
                if *has_worked {
                    self.not_before = None;
                } else {
                    self.strikes = self.strikes.saturating_sub(1);
                    self.struck_out = self.struck_out.filter(|_| self.strikes >= MOST_STRIKES);
                }
            }
        }
    }

    /// No login is made with these credentials any more.
    pub(crate) fn retire(&mut self, credentials: Fingerprint, now: SystemTime) {
        let since = self.after_all(now);
        self.retire_since(credentials, since);
    }

    fn retire_since(&mut self, credentials: Fingerprint, since: SystemTime) {
        if self.retired.iter().all(|retired| retired.credentials != credentials) {
            self.retired.push(Retired { credentials, since });
            let excess = self.retired.len().saturating_sub(MOST_REMEMBERED);
            self.retired.drain(..excess);
        }
    }

    /// These credentials hold: they have logged in, or came out of a reset.
    pub(crate) fn prove(&mut self, credentials: Fingerprint, now: SystemTime) {
        self.proven_at = Some(self.after_all(now));
        self.retired.retain(|retired| retired.credentials != credentials);
        self.tried.retain(|tried| tried.credentials != credentials);
        self.proven = Some(credentials);
        self.strikes = 0;
        self.struck_out = None;
        self.not_before = None;
    }

    /// A person has looked at it: the count begins anew. What a reset has retired stays retired.
    pub(crate) fn reset(&mut self, now: SystemTime) {
        self.reset_at = Some(self.after_all(now));
        self.tried.clear();
        self.strikes = 0;
        self.struck_out = None;
        self.not_before = None;
    }

    /// Now, but later than what was taken down before, whatever the clock of who did so said.
    pub(crate) fn after_all(&self, now: SystemTime) -> SystemTime {
        let refused = self.tried.iter().filter_map(|tried| tried.refused.as_ref().map(|refused| refused.since));
        let tried = self.tried.iter().map(|tried| tried.last).chain(refused);
        let taken_down = tried.chain(self.retired.iter().map(|retired| retired.since));
        let last = taken_down.chain(self.proven_at).chain(self.reset_at).max();
        last.and_then(|last| last.checked_add(Duration::from_nanos(1))).map_or(now, |later| later.max(now))
    }

    /// Whether these are the credentials that last logged in.
    fn has_worked(&self, credentials: &Fingerprint) -> bool {
        self.proven.as_ref() == Some(credentials)
    }

    /// One more that the platform may have counted.
    fn strike(&mut self, now: SystemTime) {
        self.strikes = self.strikes.saturating_add(1);
        if self.strikes >= MOST_STRIKES {
            self.struck_out.get_or_insert(now);
        }
    }

    /// The place of these credentials, at the end; the oldest of the others makes room for it.
    #[expect(clippy::indexing_slicing, reason = "the last place has just been filled")]
    fn tried(&mut self, credentials: &Fingerprint, now: SystemTime) -> &mut Tried {
        let known = self.tried.iter().position(|tried| tried.credentials == *credentials);
        let tried = known.map_or_else(
            || Tried { credentials: credentials.clone(), unknown: 0, last: now, refused: None },
            |at| self.tried.remove(at),
        );
        self.tried.push(tried);
        let excess = self.tried.len().saturating_sub(MOST_REMEMBERED);
        self.tried.drain(..excess);
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
