//! The guard's functions, each called once for the same arguments: they are pure. A rule is left out around them.

use std::{
    cell::RefCell,
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use crate::guard::{
    Attempt, AttemptId, Begun, Decision, Fingerprint, Finish, History, Kept, Outcome, Record, StoredSession,
    SuspensionReason, Timestamp,
};

/// How long a claim lasts, and how much time passes at once: no pause is longer.
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
    VoidForNotProcessed,
    VoidForLate,
    BeforeSuccess,
    OnlyWhatItHadSeen,
    ToldAlready,
    VoidIsFinal,
    MemoryOfAttempts,
    MemoryOfTheLastSuccess,
    MemoryOfClaims,
    WritingBack,
    DroppingADeadSession,
    LoggingALateOneOut,
}

/// A record, or a history alone, by its place in the pool; the first is empty.
pub(super) type Rec = u32;

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Kind {
    Login,
    Reset,
    Recovery,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub(super) enum Result {
    Rejected,
    Unknown,
    Unclear,
    NotProcessed,
    ResetUnknown,
    LoggedIn(u8),
    Reset(u8),
}

impl Result {
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

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Call {
    Load { stored: Rec, memory: Rec, tick: u8 },
    Decide { record: Rec, credentials: u8, tick: u8 },
    Claimed { record: Rec, tick: u8 },
    Begin { kind: Kind, record: Rec, credentials: u8, tick: u8, id: u8 },
    Finish { record: Rec, begun: u32, result: Result, tick: u8, over: u8 },
    Trim { record: Rec, tick: u8 },
    Remember { memory: Rec, record: Rec },
    Operator { record: Rec, tick: u8 },
    IsVerified { record: Rec, credentials: u8 },
}

#[derive(Default)]
struct Pool {
    records: Vec<Record>,
    places: HashMap<Vec<u8>, Rec>,
    begun: Vec<(Begun, Vec<AttemptId>)>,
    begun_places: BTreeMap<(Vec<u8>, Vec<AttemptId>), u32>,
    /// The session of each record.
    sessions: Vec<u8>,
    calls: HashMap<Call, (u32, u32)>,
}

pub(super) struct Rules {
    left_out: Option<Rule>,
    /// How many attempts a record keeps, and how many that count for nothing.
    limits: Option<(usize, usize)>,
    /// A late success counts, if no other attempt was begun since.
    is_late_kept: bool,
    pool: RefCell<Pool>,
}

fn at(tick: u8) -> Timestamp {
    Timestamp::default().plus(CLAIM * u32::from(tick))
}

impl Pool {
    fn put(&mut self, record: Record) -> Rec {
        let key = record.encode().unwrap().to_vec();
        if let Some(place) = self.places.get(&key) {
            return *place;
        }
        let place = u32::try_from(self.records.len()).unwrap();
        let session = record.session.as_ref().map(|session| session.token.expose_secret().parse().unwrap());
        self.sessions.push(session.unwrap_or_default());
        self.records.push(record);
        self.places.insert(key, place);
        place
    }

    fn get(&self, place: Rec) -> &Record {
        &self.records[place as usize]
    }

    /// Begun attempts that have seen the same are the same.
    fn put_begun(&mut self, begun: Begun, seen: Vec<AttemptId>, session: Option<StoredSession>) -> u32 {
        let mut record = Record { session, ..Record::default() };
        record.history.add(begun.id, &begun.attempt);
        let key = (record.encode().unwrap().to_vec(), seen.clone());
        let place = u32::try_from(self.begun.len()).unwrap();
        if let Some(place) = self.begun_places.get(&key) {
            return *place;
        }
        self.begun_places.insert(key, place);
        self.begun.push((begun, seen));
        place
    }
}

impl Rules {
    pub(super) fn new(left_out: Option<Rule>, limits: Option<(usize, usize)>, is_late_kept: bool) -> Self {
        let mut pool = Pool::default();
        pool.put(Record::default());
        Self { left_out, limits, is_late_kept, pool: RefCell::new(pool) }
    }

    pub(super) fn lacks(&self, rule: Rule) -> bool {
        self.left_out == Some(rule)
    }

    pub(super) fn put(&self, record: Record) -> Rec {
        self.pool.borrow_mut().put(record)
    }

    pub(super) fn show(&self, record: Rec) -> String {
        let pool = self.pool.borrow();
        let record = pool.get(record);
        let mut text = pool.sessions[pool.places[&record.encode().unwrap().to_vec()] as usize].to_string();
        if let Some(last) = &record.history.last_success {
            text += &format!(" last {:?}/{}/{}", &format!("{:?}", last.credentials)[..2], last.count, last.logins);
        }
        for (id, attempt) in &record.history.attempts {
            let over = if attempt.is_over { "" } else { "*" };
            text += &format!(
                " {}:{}:{:?}{over}",
                &format!("{id:?}")[31..],
                &format!("{:?}", attempt.credentials)[..2],
                attempt.outcome
            );
        }
        text
    }

    /// The token of the record's session; 0 if there is none.
    pub(super) fn session(&self, record: Rec) -> u8 {
        self.pool.borrow().sessions[record as usize]
    }

    fn call(&self, call: Call, function: impl FnOnce(&mut Pool) -> (u32, u32)) -> (u32, u32) {
        if let Some(result) = self.pool.borrow().calls.get(&call) {
            return *result;
        }
        let result = function(&mut self.pool.borrow_mut());
        self.pool.borrow_mut().calls.insert(call, result);
        result
    }

    fn cut(&self, history: &mut History, now: Timestamp) {
        match self.limits {
            Some((attempts, void)) => history.trim_within(attempts, void, now),
            None => history.trim(now),
        }
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

    /// As `SharedRecord::load` does: the record, the memory, and whether the store has all of it.
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
                // What the store has is in progress, as far as the store knows.
                memory.attempts.retain(|id, _| !record.history.attempts.contains_key(id));
            }
            self.cut(&mut record.history, at(tick));
            self.merge(&mut memory, &record.history);
            self.cut(&mut memory, at(tick));
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

    /// What a swap does before it sends.
    pub(super) fn trim(&self, record: Rec, tick: u8) -> Rec {
        let trim = |pool: &mut Pool| {
            let mut record = pool.get(record).clone();
            self.cut(&mut record.history, at(tick));
            (pool.put(record), 0)
        };
        self.call(Call::Trim { record, tick }, trim).0
    }

    pub(super) fn is_verified(&self, record: Rec, credentials: u8) -> bool {
        let verified = |pool: &mut Pool| (u32::from(pool.get(record).is_verified(&Fingerprint::of(credentials))), 0);
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
                SuspensionReason::FailureLimit => false,
            };
            let decision = match record.decide(&Fingerprint::of(credentials), now) {
                // What holds for credentials of which nothing is known.
                Decision::Suspended(suspension) if left_out(&suspension.reason) => {
                    record.decide(&Fingerprint::of(u8::MAX), now)
                }
                decision => decision,
            };
            let number = match decision {
                Decision::InProgress(_) if self.lacks(Rule::Claim) => 0,
                Decision::Go => 0,
                Decision::InProgress(_) | Decision::Backoff(_) => 1,
                Decision::Suspended(suspension) => match suspension.reason {
                    SuspensionReason::Rejected { .. } => 2,
                    SuspensionReason::UnknownOutcome => 3,
                    SuspensionReason::FailureLimit => 4,
                    SuspensionReason::Superseded => 5,
                },
            };
            (number, 0)
        };
        match self.call(Call::Decide { record, credentials, tick }, decide).0 {
            0 => Verdict::Go,
            1 => Verdict::Wait,
            2 => Verdict::Suspended(Reason::Rejected),
            3 => Verdict::Suspended(Reason::UnknownOutcome),
            4 => Verdict::Suspended(Reason::FailureLimit),
            _ => Verdict::Suspended(Reason::Superseded),
        }
    }

    /// The record with the attempt, and the attempt.
    pub(super) fn begin(&self, kind: Kind, record: Rec, credentials: u8, tick: u8, id: u8) -> (Rec, u32) {
        self.call(Call::Begin { kind, record, credentials, tick, id }, |pool| {
            let mut record = pool.get(record).clone();
            let seen: Vec<_> = record.history.attempts.keys().copied().collect();
            let session = record.session.clone();
            let begin = match kind {
                Kind::Login => Record::begin_login,
                Kind::Reset => Record::begin_reset,
                Kind::Recovery => Record::begin_recovery,
            };
            let mut begun = begin(&mut record, Fingerprint::of(credentials), at(tick), CLAIM);
            // A small id for the random one.
            record.history.attempts.remove(&begun.id);
            begun.id = AttemptId::new(id.into());
            match (kind, begun.attempt.outcome) {
                (Kind::Login | Kind::Recovery, Outcome::Unsure) if self.lacks(Rule::CountFirst) => {
                    begun.attempt.outcome = Outcome::Pending;
                }
                (Kind::Login | Kind::Recovery, Outcome::Pending) if self.lacks(Rule::PendingForVerified) => {
                    begun.attempt.outcome = Outcome::Unsure;
                }
                _ => {}
            }
            record.history.add(begun.id, &begun.attempt);
            if self.lacks(Rule::DroppingADeadSession) {
                record.session.clone_from(&session);
            }
            let session = session.filter(|_| kind != Kind::Login);
            (pool.put(record), pool.put_begun(begun, seen, session))
        })
    }

    /// The record with the outcome, and whether the session was overtaken.
    pub(super) fn finish(&self, record: Rec, begun: u32, result: Result, tick: u8, over: u8) -> (Rec, bool) {
        let (record, is_overtaken) = self.call(Call::Finish { record, begun, result, tick, over }, |pool| {
            let mut record = pool.get(record).clone();
            let (mut begun, seen) = pool.begun[begun as usize].clone();
            begun.over_at = Some(at(over));
            let kept = self.finish_record(&mut record, &begun, &seen, result, at(tick));
            (pool.put(record), u32::from(kept == Kept::Overtaken))
        });
        (record, is_overtaken != 0)
    }

    fn finish_record(
        &self,
        record: &mut Record,
        begun: &Begun,
        seen: &[AttemptId],
        result: Result,
        now: Timestamp,
    ) -> Kept {
        let before = record.clone();
        let finish = match result {
            // It closes the claim and adds nothing.
            Result::NotProcessed if self.lacks(Rule::VoidForNotProcessed) => Finish::ResetUnknown,
            result => result.finish(),
        };
        let is_told =
            |token: &str| before.session.as_ref().is_some_and(|session| session.token.expose_secret() == token);
        if let Result::LoggedIn(token) = result {
            if self.lacks(Rule::ToldAlready) && is_told(&token.to_string()) {
                record.finish(begun, &Finish::NotProcessed, now, 1.0);
                return Kept::Overtaken;
            }
            let is_alone = record.history.attempts.keys().all(|id| *id == begun.id || seen.contains(id));
            if self.is_late_kept && is_alone && !record.history.attempts.get(&begun.id).is_some_and(|own| own.is_over) {
                return record.finish(begun, &finish, begun.attempt.began, 1.0);
            }
        }
        let kept = record.finish(begun, &finish, now, 1.0);
        let is_success = matches!(result, Result::LoggedIn(_)) && kept == Kept::Yes && record.session != before.session;
        for (id, attempt) in &mut record.history.attempts {
            let is_own = attempt.credentials == begun.attempt.credentials;
            if is_success && self.lacks(Rule::OnlyWhatItHadSeen) && *id != begun.id {
                attempt.forgive(is_own);
            }
            if is_success && self.lacks(Rule::BeforeSuccess) && seen.contains(id) {
                attempt.forgive(true);
            }
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
