//! The login guard: rules that keep a wrong password from locking the account.
//!
//! The platform locks an account after five failed logins in a row, and only Verizon unlocks it. The guard allows at most
//! two failed logins for credentials that were never verified, one for credentials that were rejected, and four in a row
//! in all. An outage alone suspends no verified credentials: it slows them down.
//!
//! Everything here is a pure function of a [`Record`]: the time and the randomness are arguments.
//!
//! | event | what it writes |
//! |---|---|
//! | begin a login | The session is dropped. The attempt is `Unsure` if the credentials are not verified, else `Pending`. |
//! | rejected: 4xx except 408, 429 and gateway faults | `Rejected`, also if another process holds the claim |
//! | unknown, with a response below 500 | `Unsure` |
//! | unknown otherwise | nothing; verified credentials back off |
//! | certainly not processed | `Void`; a `Pending` attempt never counted and stays so |
//! | success, own claim alive, no other session stored | The session; the credentials are verified. Of the attempts that it saw when it began, own ones are `Void`, others `…BeforeSuccess`. The own attempt is as one that was not processed. |
//! | success, and the record has this session | nothing: an earlier swap succeeded |
//! | success otherwise | the same for the own attempt; the late session is logged out |
//! | reset done | The old credentials are `Superseded`, the new ones verified, also if another process holds the claim. |
//! | `reset_login_guard` | Each attempt that is over and not `Superseded` is `Void`. The back-off ends. |

mod attempt;
mod record;
mod suspension;

use std::time::Duration;

pub(crate) use attempt::{Attempt, AttemptId, Fingerprint, Outcome, Timestamp};
pub(crate) use record::{Backoff, History, Record, StoredSession, encode};
pub(crate) use suspension::date;
pub use suspension::{Suspension, SuspensionReason};

use crate::SessionToken;

/// The logins with unverified credentials that may have an unknown outcome.
const UNKNOWN_LIMIT: usize = 2;
/// The logins in a row that may fail for an account, with any credentials. The fifth locks it (Verizon's documentation).
const FAILURE_LIMIT: usize = 4;
/// The longest pause between two logins with verified credentials.
const LONGEST_BACKOFF: Duration = Duration::from_secs(300);

/// Whether a login may begin now.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Decision {
    /// Begin.
    Go,
    /// Wait for the end of another claim, or for a change of the record.
    InProgress(Duration),
    /// Wait for this time: the platform did not answer the last login.
    Backoff(Duration),
    /// Send none.
    Suspended(Suspension),
}

/// The outcome of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finish {
    /// The platform rejected the credentials.
    Rejected {
        /// The platform's code for the reason.
        code: Option<String>,
    },
    /// The platform may have counted a failure.
    Unknown {
        /// Whether a response below 500 arrived: then it counts for verified credentials, too.
        is_answered: bool,
    },
    /// The platform certainly has not processed it, or nothing was sent.
    NotProcessed,
    /// A reset that the platform may have processed.
    ResetUnknown,
    /// A session was started.
    LoggedIn(SessionToken),
    /// The password was replaced by one of this fingerprint.
    Reset(Fingerprint),
}

/// Whether the session of a [`Finish::LoggedIn`] is in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kept {
    /// It is the session of the record, or there was none.
    Yes,
    /// Another login was faster: the session has to be logged out.
    Overtaken,
}

/// An attempt that this process has begun.
#[derive(Clone, Debug)]
pub(crate) struct Begun {
    pub(crate) id: AttemptId,
    pub(crate) attempt: Attempt,
    /// The attempts that the record held then: a success forgives these and no later ones.
    pub(crate) seen: Vec<AttemptId>,
    /// The session that the record held then.
    pub(crate) session: Option<SessionToken>,
    /// When the outcome was known, if that was before it is recorded.
    pub(crate) over_at: Option<Timestamp>,
}

impl Record {
    /// Whether a login with these credentials may begin now.
    pub(crate) fn decide(&self, credentials: Fingerprint, now: Timestamp) -> Decision {
        // An attempt in progress counts as a failure when it is over. Until then a login waits for it.
        let settled = |attempt: &Attempt| self.history.claim_left(attempt, now).is_none();
        if let Some(suspension) = self.suspension(credentials, settled) {
            return Decision::Suspended(suspension);
        }
        if let Some(left) = self.claimed(now) {
            return Decision::InProgress(left);
        }
        let backoff = self.backoff.as_ref().filter(|_| self.is_verified(credentials));
        match backoff.and_then(|backoff| backoff.until.after(now)) {
            // A longer pause comes from a wrong clock.
            Some(wait) if wait <= LONGEST_BACKOFF => Decision::Backoff(wait),
            _ => Decision::Go,
        }
    }

    /// Whether a reset of the password may begin now.
    pub(crate) fn decide_reset(&self, now: Timestamp) -> Decision {
        self.claimed(now).map_or(Decision::Go, Decision::InProgress)
    }

    /// The time until the end of a claim, if there is one.
    pub(crate) fn claimed(&self, now: Timestamp) -> Option<Duration> {
        self.history.attempts.values().filter_map(|attempt| self.history.claim_left(attempt, now)).max()
    }

    /// Adds a login, and drops the session: it is dead or about to be replaced. A login with unverified credentials counts
    /// as a failure before it is sent.
    pub(crate) fn begin_login(&mut self, credentials: Fingerprint, now: Timestamp, claim: Duration) -> Begun {
        self.session = None;
        let outcome = if self.is_verified(credentials) { Outcome::Pending } else { Outcome::Unsure };
        self.begin(credentials, outcome, now, claim)
    }

    /// Adds a login that finds out whether the credentials are valid: the session may be alive.
    pub(crate) fn begin_recovery(&mut self, credentials: Fingerprint, now: Timestamp, claim: Duration) -> Begun {
        let session = self.session.clone();
        let mut begun = self.begin_login(credentials, now, claim);
        begun.session = session.as_ref().map(|session| session.token.clone());
        self.session = session;
        begun
    }

    /// Adds a reset of the password.
    pub(crate) fn begin_reset(&mut self, credentials: Fingerprint, now: Timestamp, claim: Duration) -> Begun {
        self.begin(credentials, Outcome::Pending, now, claim)
    }

    fn begin(&mut self, credentials: Fingerprint, outcome: Outcome, now: Timestamp, claim: Duration) -> Begun {
        let seen = self.history.attempts.keys().copied().collect();
        let id = AttemptId::random();
        let (claimed_until, is_over) = (now.plus(claim), false);
        let after = self.history.logins();
        let attempt = Attempt { credentials, outcome, code: None, began: now, after, claimed_until, is_over };
        self.history.add(id, &attempt);
        Begun { id, attempt, seen, session: self.session.as_ref().map(|session| session.token.clone()), over_at: None }
    }

    /// Records the outcome of an attempt. Any process may do so, at any time and repeatedly. `chance` lies between 0 and 1.
    pub(crate) fn finish(&mut self, begun: &Begun, finish: &Finish, now: Timestamp, chance: f64) -> Kept {
        let Begun { id, attempt, .. } = begun;
        let known = self.history.attempts.get(id).unwrap_or(attempt).clone();
        let is_own_claim = self.history.claim_left(&known, now).is_some();
        let (outcome, mut kept) = (attempt.outcome, Kept::Yes);
        // A `Pending` attempt was never counted, so it stays as it is.
        let nothing = if known.outcome == Outcome::Pending { outcome } else { Outcome::Void };
        let (outcome, code) = match finish {
            Finish::Rejected { code } => (Outcome::Rejected, code.clone()),
            Finish::Unknown { is_answered: true } => (outcome.max(Outcome::Unsure), None),
            Finish::Unknown { is_answered: false } => {
                if self.is_verified(attempt.credentials) {
                    self.back_off(*id, begun.over_at.unwrap_or(now), chance);
                }
                (outcome, None)
            }
            Finish::NotProcessed => (nothing, None),
            Finish::ResetUnknown => (outcome, None),
            Finish::LoggedIn(token) => match &self.session {
                Some(session) if session.token == *token => (nothing, None),
                session if is_own_claim && session.as_ref().map(|session| &session.token) == begun.session.as_ref() => {
                    self.succeed(begun, token.clone(), now);
                    (nothing, None)
                }
                _ => {
                    kept = Kept::Overtaken;
                    (nothing, None)
                }
            },
            Finish::Reset(new) => {
                // If it is recorded again, it is not the latest success any more.
                if known.outcome != Outcome::Superseded && !self.is_verified(*new) {
                    self.history.verify(*new);
                }
                self.backoff = None;
                (Outcome::Superseded, None)
            }
        };
        self.history.add(*id, &Attempt { outcome, code, is_over: true, ..attempt.clone() });
        kept
    }

    /// Stores the session, and forgives the attempts that the record held when this login began. The platform may process
    /// later attempts after it.
    fn succeed(&mut self, begun: &Begun, token: SessionToken, now: Timestamp) {
        let own = &begun.attempt.credentials;
        for id in &begun.seen {
            if let Some(attempt) = self.history.attempts.get_mut(id) {
                attempt.forgive(attempt.credentials == *own);
            }
        }
        self.history.log_in(*own, begun.attempt.began);
        self.backoff = None;
        self.session = Some(StoredSession { token, used_at: now });
    }

    /// Sets a back-off: one second, doubled for each time in a row, up to five minutes. The pause is a random part of it,
    /// at least a half.
    fn back_off(&mut self, attempt: AttemptId, now: Timestamp, chance: f64) {
        let last = self.backoff.as_ref();
        if last.is_some_and(|last| last.attempt == attempt) {
            return;
        }
        let doublings = last.map_or(0, |last| last.doublings.saturating_add(1));
        let whole = Duration::from_secs(1_u64.checked_shl(doublings).unwrap_or(u64::MAX)).min(LONGEST_BACKOFF);
        let until = now.plus(whole.mul_f64(0.5 + chance.clamp(0.0, 1.0) / 2.0));
        self.backoff = Some(Backoff { until, doublings, attempt });
    }

    /// Allows every login again, except with superseded credentials, after an operator has checked the account. An attempt
    /// in progress counts when it is over.
    pub(crate) fn reset_guard(&mut self, now: Timestamp) {
        self.backoff = None;
        let known = self.history.clone();
        for attempt in self.history.attempts.values_mut().filter(|attempt| known.claim_left(attempt, now).is_none()) {
            attempt.outcome = attempt.outcome.max(Outcome::Void);
        }
    }

    /// Whether these credentials were the last to log in, or came out of a reset.
    pub(crate) fn is_verified(&self, credentials: Fingerprint) -> bool {
        self.history.last_success.as_ref().is_some_and(|last| last.credentials == credentials)
    }

    /// The number of logins in a row that have failed or may have failed.
    pub(crate) fn failures_in_a_row(&self) -> usize {
        self.history.failures().count()
    }
}
