//! Calls the guard's functions once for the same arguments, because they are pure. Leaves out one rule of the guard.

use std::{cell::RefCell, time::Duration};

use super::{
    pool::{Call, Pool, Rec},
    world::{Ending, Kind},
};
use crate::guard::{
    Attempt, AttemptId, Begun, Decision, Fingerprint, Finish, History, Kept, Outcome, Record, SuspensionReason,
    Timestamp,
};

/// The duration of a claim, and of one tick. No pause is longer.
const CLAIM: Duration = Duration::from_secs(300);

/// A rule that is left out.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rule {
    CheckBeforeSending,
    Claim,
    CountFirst,
    PendingForVerified,
    TwoUnknown,
    RejectedStops,
    SupersededStops,
    FailureLimit,
    VoidForNotProcessed,
    VoidForLate,
    BeforeSuccess,
    OnlyWhatItHadSeen,
    OwnClaim,
    NoSessionMeanwhile,
    ToldAlready,
    VoidIsFinal,
    MemoryOfAttempts,
    MemoryOfTheLastSuccess,
    MemoryOfClaims,
    WritingBack,
    DroppingADeadSession,
    LoggingALateOneOut,
}

impl Ending {
    fn finish(self) -> Finish {
        match self {
            Self::Rejected => Finish::Rejected { code: None },
            Self::Unknown => Finish::Unknown { is_answered: false },
            Self::Unclear => Finish::Unknown { is_answered: true },
            Self::NotProcessed => Finish::NotProcessed,
            Self::ResetUnknown => Finish::ResetUnknown,
            Self::LoggedIn(token) => Finish::LoggedIn(format!("{token}").into()),
            Self::Reset(new) => Finish::Reset(Fingerprint::of(new)),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    Go,
    Wait,
    Suspended(Reason),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reason {
    Rejected,
    UnknownOutcome,
    FailureLimit,
    Superseded,
}

pub(super) struct Rules {
    left_out: Option<Rule>,
    pool: RefCell<Pool>,
}

/// Credentials by number.
const VERDICTS: [Verdict; 6] = [
    Verdict::Go,
    Verdict::Wait,
    Verdict::Suspended(Reason::Rejected),
    Verdict::Suspended(Reason::UnknownOutcome),
    Verdict::Suspended(Reason::FailureLimit),
    Verdict::Suspended(Reason::Superseded),
];

fn at(tick: u8) -> Timestamp {
    Timestamp::default().plus(CLAIM * u32::from(tick))
}

impl Rules {
    pub(super) fn new(left_out: Option<Rule>) -> Self {
        let mut pool = Pool::default();
        pool.put(Record::default());
        Self { left_out, pool: RefCell::new(pool) }
    }

    pub(super) fn lacks(&self, rule: Rule) -> bool {
        self.left_out == Some(rule)
    }

    pub(super) fn put(&self, record: Record) -> Rec {
        self.pool.borrow_mut().put(record)
    }

    pub(super) fn show(&self, place: Rec) -> String {
        let pool = self.pool.borrow();
        let record = pool.get(place);
        let mut text = pool.session(place).to_string();
        // The last byte of an id or of a fingerprint.
        let short = |bytes: String| bytes.trim_end_matches("])").rsplit([' ', '[']).next().unwrap().to_owned();
        if let Some(last) = &record.history.last_success {
            let credentials = short(format!("{:?}", last.credentials));
            text += &format!(" last {credentials}/{}/{}", last.count, last.logins);
        }
        for (id, attempt) in &record.history.attempts {
            let (id, credentials) = (short(format!("{id:?}")), short(format!("{:?}", attempt.credentials)));
            let open = if attempt.is_over { "" } else { "*" };
            text += &format!(" {id}:{credentials}:{:?}{open}", attempt.outcome);
        }
        text
    }

    /// The token of the record's session, or 0 without a session.
    pub(super) fn session(&self, record: Rec) -> u8 {
        self.pool.borrow().session(record)
    }

    fn call(&self, call: Call, function: impl FnOnce(&mut Pool) -> (u32, u32)) -> (u32, u32) {
        let mut pool = self.pool.borrow_mut();
        if let Some(result) = pool.known(&call) {
            return result;
        }
        let result = function(&mut pool);
        pool.know(call, result);
        result
    }

    fn merge(&self, history: &mut History, other: &History) {
        let before = history.clone();
        history.merge(other);
        if self.lacks(Rule::VoidIsFinal) {
            for (id, attempt) in &mut history.attempts {
                let known = [&before, other].map(|known| known.attempts.get(id).map(|attempt| attempt.outcome));
                if let [Some(one), Some(two)] = known
                    && attempt.outcome == Outcome::Void
                {
                    attempt.outcome = one.min(two);
                }
            }
        }
    }

    /// As `SharedRecord::load`: returns the record, the memory, and whether the store has all of it.
    pub(super) fn load(&self, stored: Rec, memory: Rec, tick: u8) -> (Rec, bool) {
        let (record, is_complete) = self.call(Call::Load { stored, memory, tick }, |pool| {
            let mut record = pool.get(stored).clone();
            let mut memory = pool.get(memory).history.clone();
            if self.lacks(Rule::MemoryOfAttempts) {
                memory.attempts.retain(|_, attempt| attempt.claim_left(at(tick)).is_some());
            }
            if self.lacks(Rule::MemoryOfTheLastSuccess) {
                memory.last_success = None;
            }
            if self.lacks(Rule::MemoryOfClaims) {
                memory.attempts.values_mut().for_each(|attempt| attempt.is_over = true);
                // As far as the store knows, its attempts are in progress.
                memory.attempts.retain(|id, _| !record.history.attempts.contains_key(id));
            }
            record.history.trim(at(tick));
            self.merge(&mut memory, &record.history);
            memory.trim(at(tick));
            let is_complete = memory == record.history;
            record.history = memory;
            (pool.put(record), u32::from(is_complete))
        });
        (record, is_complete != 0)
    }

    pub(super) fn remember(&self, memory: Rec, record: Rec) -> Rec {
        let merge = |pool: &mut Pool| {
            let mut history = pool.get(memory).history.clone();
            self.merge(&mut history, &pool.get(record).history);
            (pool.put(Record { history, ..Record::default() }), 0)
        };
        self.call(Call::Remember { memory, record }, merge).0
    }

    /// The record that a swap sends.
    pub(super) fn trim(&self, record: Rec, tick: u8) -> Rec {
        let trim = |pool: &mut Pool| {
            let mut record = pool.get(record).clone();
            record.history.trim(at(tick));
            (pool.put(record), 0)
        };
        self.call(Call::Trim { record, tick }, trim).0
    }

    pub(super) fn is_verified(&self, record: Rec, credentials: u8) -> bool {
        let verified = |pool: &mut Pool| (u32::from(pool.get(record).is_verified(Fingerprint::of(credentials))), 0);
        self.call(Call::IsVerified { record, credentials }, verified).0 != 0
    }

    /// For a reset.
    pub(super) fn is_claimed(&self, record: Rec, tick: u8) -> bool {
        let claimed = |pool: &mut Pool| (u32::from(pool.get(record).claimed(at(tick)).is_some()), 0);
        self.call(Call::Claimed { record, tick }, claimed).0 != 0 && !self.lacks(Rule::Claim)
    }

    pub(super) fn decide(&self, record: Rec, credentials: u8, tick: u8) -> Verdict {
        let decide = |pool: &mut Pool| {
            let (record, now) = (pool.get(record), at(tick));
            let left_out = |reason: &SuspensionReason| match reason {
                SuspensionReason::Rejected { .. } => self.lacks(Rule::RejectedStops),
                SuspensionReason::UnknownOutcome => self.lacks(Rule::TwoUnknown),
                SuspensionReason::Superseded => self.lacks(Rule::SupersededStops),
                SuspensionReason::FailureLimit => self.lacks(Rule::FailureLimit),
            };
            let decision = match record.decide(Fingerprint::of(credentials), now) {
                Decision::Suspended(suspension) if left_out(&suspension.reason) => match suspension.reason {
                    SuspensionReason::FailureLimit => record.decide_reset(now),
                    // The decision for unknown credentials.
                    _ => record.decide(Fingerprint::of(u8::MAX), now),
                },
                decision => decision,
            };
            let verdict = match decision {
                Decision::InProgress(_) if self.lacks(Rule::Claim) => Verdict::Go,
                Decision::Go => Verdict::Go,
                Decision::InProgress(_) | Decision::Backoff(_) => Verdict::Wait,
                Decision::Suspended(suspension) => Verdict::Suspended(match suspension.reason {
                    SuspensionReason::Rejected { .. } => Reason::Rejected,
                    SuspensionReason::UnknownOutcome => Reason::UnknownOutcome,
                    SuspensionReason::FailureLimit => Reason::FailureLimit,
                    SuspensionReason::Superseded => Reason::Superseded,
                }),
            };
            (VERDICTS.iter().zip(0..).find(|(known, _)| **known == verdict).unwrap().1, 0)
        };
        VERDICTS[self.call(Call::Decide { record, credentials, tick }, decide).0 as usize]
    }

    /// Returns the record with the attempt, and the attempt.
    pub(super) fn begin(&self, kind: Kind, record: Rec, credentials: u8, tick: u8, id: u8) -> (Rec, u32) {
        self.call(Call::Begin { kind, record, credentials, tick, id }, |pool| {
            let before = pool.get(record).clone();
            let mut record = before.clone();
            let begin = match kind {
                Kind::Login => Record::begin_login,
                Kind::Reset => Record::begin_reset,
                Kind::Recovery => Record::begin_recovery,
            };
            let mut begun = begin(&mut record, Fingerprint::of(credentials), at(tick), CLAIM);
            // A small id instead of the random one.
            record.history.attempts.remove(&begun.id);
            begun.id = AttemptId::new(id.into());
            match begun.attempt.outcome {
                Outcome::Unsure if self.lacks(Rule::CountFirst) => begun.attempt.outcome = Outcome::Pending,
                Outcome::Pending if self.lacks(Rule::PendingForVerified) && kind != Kind::Reset => {
                    begun.attempt.outcome = Outcome::Unsure;
                }
                _ => {}
            }
            record.history.add(begun.id, &begun.attempt);
            if self.lacks(Rule::DroppingADeadSession) {
                record.session.clone_from(&before.session);
            }
            let session = if kind == Kind::Login { &Record::default() } else { &before };
            (pool.put(record), pool.put_begun(begun, session))
        })
    }

    /// Returns the record with the outcome, and whether another session is newer.
    pub(super) fn finish(&self, record: Rec, begun: u32, ending: Ending, tick: u8, over: u8) -> (Rec, bool) {
        let (record, is_overtaken) = self.call(Call::Finish { record, begun, ending, tick, over }, |pool| {
            let mut record = pool.get(record).clone();
            let begun = Begun { over_at: Some(at(over)), ..pool.get_begun(begun).clone() };
            let kept = self.finish_record(&mut record, begun, ending, at(tick));
            (pool.put(record), u32::from(kept == Kept::Overtaken))
        });
        (record, is_overtaken != 0)
    }

    fn finish_record(&self, record: &mut Record, mut begun: Begun, ending: Ending, mut now: Timestamp) -> Kept {
        let before = record.clone();
        let seen = begun.seen.clone();
        let finish = match ending {
            // It closes the claim and adds nothing.
            Ending::NotProcessed if self.lacks(Rule::VoidForNotProcessed) => Finish::ResetUnknown,
            ending => ending.finish(),
        };
        if let Ending::LoggedIn(token) = ending {
            let is_told = before.session.as_ref().is_some_and(|session| session.token == token.to_string().into());
            if self.lacks(Rule::ToldAlready) && is_told {
                record.finish(&begun, &Finish::NotProcessed, now, 1.0);
                return Kept::Overtaken;
            }
            if self.lacks(Rule::OwnClaim) {
                now = begun.attempt.began;
            }
            if self.lacks(Rule::NoSessionMeanwhile) {
                begun.session = before.session.as_ref().map(|session| session.token.clone());
            }
            if self.lacks(Rule::OnlyWhatItHadSeen) {
                begun.seen = before.history.attempts.keys().copied().collect();
            }
        }
        let kept = record.finish(&begun, &finish, now, 1.0);
        if matches!(ending, Ending::LoggedIn(_)) && record.session != before.session && self.lacks(Rule::BeforeSuccess)
        {
            let attempts = record.history.attempts.iter_mut().filter(|(id, _)| seen.contains(id));
            attempts.for_each(|(_, attempt)| attempt.forgive(true));
        }
        let own = record.history.attempts.get_mut(&begun.id);
        if let Some(own) = own.filter(|_| kept == Kept::Overtaken && self.lacks(Rule::VoidForLate)) {
            let known = before.history.attempts.get(&begun.id);
            own.outcome = known.map_or(begun.attempt.outcome, |known: &Attempt| known.outcome);
        }
        kept
    }

    pub(super) fn operator(&self, record: Rec, tick: u8) -> Rec {
        let reset = |pool: &mut Pool| {
            let mut record = pool.get(record).clone();
            record.reset_guard(at(tick));
            (pool.put(record), 0)
        };
        self.call(Call::Operator { record, tick }, reset).0
    }
}
