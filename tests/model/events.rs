//! What may happen next, and what has to hold when it does.

use super::{
    Configuration,
    rules::{Kind, Reason, Result, Rule, Rules, Verdict},
    world::{
        Finishing, Job, Known, MOST_ATTEMPTS, Replica, Step, Stored, Truth, World, answered, exists, superseded,
        verified,
    },
};

/// How the next step of a replica goes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Well,
    /// The request, or the swap, does not arrive; its sender learns that it is unknown.
    NotProcessed,
    /// It is processed, and the answer is lost.
    AnswerLost,
    /// It certainly does not arrive.
    NotSent,
    /// An answer that does not tell.
    Unclear,
    /// The swap is given up, and stored later.
    StoredLater,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Event {
    Step(u8, Way),
    Load(u8, Kind, Way),
    FindDead(u8),
    Late(u8, Way),
    WriteBack(u8),
    Crash(u8),
    Provide(u8),
    Tick,
    Death,
    Change,
    Lose,
    Backup,
    Rollback,
    StoreLate,
    Operator,
}

pub(super) type Broken = &'static str;
/// `None`: it cannot happen.
pub(super) type Next = std::result::Result<Option<World>, Broken>;

/// The events and the rules of one configuration.
pub(super) struct Model<'a> {
    pub(super) rules: &'a Rules,
    pub(super) configuration: &'a Configuration,
}

/// What a finish comes to.
enum Swapped {
    Stored { is_overtaken: bool },
    Conflict,
    Failed,
}

impl Model<'_> {
    pub(super) fn events(&self, world: &World) -> Vec<Event> {
        use Way::*;
        let Configuration { faults, .. } = self.configuration;
        let mut events = Vec::new();
        let has_faults = world.faults > 0;
        let mut with = |event: &dyn Fn(Way) -> Event, ways: &[Way]| {
            events.push(event(Well));
            if has_faults {
                events.extend(ways.iter().filter(|way| faults.ways.contains(way)).map(|way| event(*way)));
            }
        };
        for (number, replica) in (0_u8..).zip(&world.replicas).filter(|(_, replica)| replica.credentials != 0) {
            let step = |way| Event::Step(number, way);
            match replica.step {
                Step::Idle => {
                    if replica.session == 0 {
                        with(&|way| Event::Load(number, Kind::Login, way), &[NotProcessed]);
                    } else if replica.can_reset {
                        with(&|way| Event::Load(number, Kind::Reset, way), &[]);
                    }
                    if replica.can_recover {
                        with(&|way| Event::Load(number, Kind::Recovery, way), &[]);
                    }
                }
                Step::Loaded { .. } => with(&step, &[]),
                Step::Swapping { .. } => with(&step, &[NotProcessed, AnswerLost, StoredLater]),
                Step::Begun(_) => with(&step, &[]),
                Step::Sent(_) => with(&step, &[NotProcessed, NotSent]),
                Step::Answered { .. } => with(&step, &[AnswerLost, Unclear]),
                Step::Finishing(_) => with(&step, &[NotProcessed, AnswerLost]),
            }
            if replica.late.is_some() {
                with(&|way| Event::Late(number, way), &[AnswerLost]);
            }
        }
        for (number, _) in (0_u8..).zip(&world.replicas).filter(|(_, replica)| replica.credentials != 0) {
            events.extend([Event::FindDead(number), Event::WriteBack(number), Event::Provide(number)]);
            if has_faults && faults.crash {
                events.push(Event::Crash(number));
            }
        }
        events.extend([Event::Tick, Event::Death, Event::Change, Event::Operator, Event::StoreLate]);
        if has_faults && faults.loss {
            events.push(Event::Lose);
        }
        if has_faults && faults.rollback {
            events.extend([Event::Backup, Event::Rollback]);
        }
        events
    }

    pub(super) fn happen(&self, world: &World, event: Event) -> Next {
        let mut next = world.clone();
        let way = match event {
            Event::Step(_, way) | Event::Load(_, _, way) | Event::Late(_, way) => way,
            Event::Crash(_) | Event::Lose | Event::Rollback => Way::NotProcessed,
            _ => Way::Well,
        };
        if way != Way::Well {
            next.faults = next.faults.saturating_sub(1);
        }
        let happens = match event {
            Event::Step(replica, way) => self.step(&mut next, replica.into(), way)?,
            Event::Load(replica, kind, way) => self.load(&mut next, replica.into(), kind, way)?,
            Event::Late(replica, way) => self.late(&mut next, replica.into(), way)?,
            Event::WriteBack(replica) => self.write_back(&mut next, replica.into()),
            Event::FindDead(number) => {
                let replica = &mut next.replicas[usize::from(number)];
                let token = replica.session;
                let is_dead = token != 0 && world.platform.live != token && replica.step == Step::Idle;
                (replica.session, replica.dead) = (0, replica.dead | 1 << token);
                is_dead
            }
            Event::Provide(number) => {
                let replica = &mut next.replicas[usize::from(number)];
                replica.credentials = replica.later;
                let is_idle = replica.step == Step::Idle;
                is_idle && std::mem::take(&mut replica.later) != 0
            }
            Event::Crash(number) => crash(&mut next, number.into()),
            Event::Tick => tick(&mut next),
            Event::Death => {
                next.platform.live = 0;
                next.deaths = next.deaths.saturating_sub(1);
                world.deaths > 0 && world.platform.live != 0
            }
            Event::Change => {
                next.is_changed = true;
                next.platform.valid = self.configuration.changes_to;
                !world.is_changed && self.configuration.changes_to != 0
            }
            Event::Lose => {
                (next.store, next.limbo) = (Stored::default(), None);
                next.losses += 1;
                world.store.version != 0
            }
            Event::Backup => {
                next.backup = Some(next.store);
                world.backup.is_none() && world.store.version != 0
            }
            Event::Rollback => {
                let backup = next.backup.take();
                next.store = backup.unwrap_or_default();
                next.losses += 1;
                backup.is_some_and(|backup| backup != world.store)
            }
            Event::StoreLate => match next.limbo.take() {
                Some((expected, swap)) if expected == world.store.version => {
                    next.store = swap;
                    true
                }
                _ => false,
            },
            Event::Operator => self.operator(&mut next),
        };
        Ok(happens.then_some(next))
    }

    fn load(&self, world: &mut World, number: usize, kind: Kind, way: Way) -> std::result::Result<bool, Broken> {
        let Replica { credentials, memory, dead, .. } = world.replicas[number];
        let store = world.store;
        let (record, is_complete) = self.rules.load(store.record, memory, world.tick);
        let replica = &mut world.replicas[number];
        replica.memory = self.rules.remember(0, record);
        replica.known |= store.known;
        let known = replica.known;
        let token = self.rules.session(record);
        if kind == Kind::Login && token != 0 && dead & 1 << token == 0 {
            replica.session = token;
            return Ok(true);
        }
        let verdict = match kind {
            Kind::Reset if self.rules.is_claimed(record, world.tick) => Verdict::Wait,
            Kind::Reset => Verdict::Go,
            Kind::Login | Kind::Recovery => self.rules.decide(record, credentials, world.tick),
        };
        if way != Way::Well && !matches!(verdict, Verdict::Suspended(_)) {
            return Ok(false);
        }
        match verdict {
            Verdict::Go if usize::from(world.begun) >= self.configuration.attempts.min(MOST_ATTEMPTS) => {
                return Ok(false);
            }
            Verdict::Go => replica.step = Step::Loaded { kind, record, version: store.version, known },
            Verdict::Wait => {}
            Verdict::Suspended(reason) => {
                self.check_reason(world, credentials, known, reason)?;
                if way == Way::Well && !is_complete {
                    // What was to be written back is what the store is taken to know.
                    world.store.known |= known;
                    if !self.rules.lacks(Rule::WritingBack) {
                        world.store.record = self.rules.trim(record, world.tick);
                        world.store.version = world.new_version();
                    }
                }
            }
        }
        Ok(true)
    }

    fn step(&self, world: &mut World, number: usize, way: Way) -> std::result::Result<bool, Broken> {
        let replica = world.replicas[number];
        match replica.step {
            Step::Idle => return Ok(false),
            Step::Loaded { kind, record, version, known } => {
                let (attempt, credentials) = (world.begun, replica.credentials);
                let (new, begun) = self.rules.begin(kind, record, credentials, world.tick, attempt);
                let truth = &mut world.truth[usize::from(attempt)];
                truth.credentials = credentials;
                truth.was_verified = kind == Kind::Reset || self.rules.is_verified(record, credentials);
                world.begun += 1;
                let ends = world.tick + 1;
                world.open_until = ends;
                let job = Job { attempt, kind, credentials, begun, record, version, known, ends };
                world.replicas[number].step = Step::Swapping { job, new: self.rules.trim(new, world.tick) };
            }
            Step::Swapping { job, new } => self.begin(world, number, job, new, way)?,
            Step::Begun(job) if world.tick < job.ends || self.rules.lacks(Rule::CheckBeforeSending) => {
                self.check_sending(world, &job)?;
                world.replicas[number].step = Step::Sent(job);
            }
            Step::Begun(job) => world.replicas[number].step = finishing(world, job, Result::NotProcessed),
            Step::Sent(job) => {
                world.replicas[number].step = match way {
                    Way::NotSent => finishing(world, job, Result::NotProcessed),
                    Way::NotProcessed if job.kind == Kind::Reset => finishing(world, job, Result::ResetUnknown),
                    Way::NotProcessed => {
                        world.truth[usize::from(job.attempt)].is_uncertain = true;
                        finishing(world, job, Result::Unknown)
                    }
                    _ => Step::Answered { job, result: self.process(world, &job)? },
                }
            }
            Step::Answered { job, result } => answer(world, number, job, result, way),
            Step::Finishing(finish) => {
                let swapped = self.finish(world, number, finish, way)?;
                world.replicas[number].step = Step::Idle;
                match swapped {
                    Swapped::Stored { is_overtaken } => self.finished(world, number, finish, is_overtaken)?,
                    Swapped::Conflict => {
                        world.replicas[number].step = Step::Finishing(Finishing { reloads: true, ..finish });
                    }
                    // A background task goes on. One at a time is enough.
                    Swapped::Failed if replica.late.is_some() => return Ok(false),
                    Swapped::Failed => {
                        world.replicas[number].late = Some(finish);
                        if let Result::LoggedIn(token) = finish.result {
                            world.replicas[number].session = token;
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn begin(&self, world: &mut World, number: usize, job: Job, new: u32, way: Way) -> std::result::Result<(), Broken> {
        let known = job.known | exists(job.attempt);
        let before = self.rules.session(world.store.record);
        let version = world.new_version();
        let is_current = world.store.version == job.version;
        let is_stored = matches!(way, Way::Well | Way::AnswerLost) && is_current;
        if is_stored {
            if job.kind == Kind::Login && world.is_live(before) && self.rules.session(new) == 0 {
                return Err("a live session is thrown away");
            }
            world.store = Stored { version, record: new, known };
        }
        let replica = &mut world.replicas[number];
        replica.step = Step::Idle;
        if is_stored && way == Way::Well {
            replica.memory = self.rules.remember(replica.memory, new);
            replica.known |= known;
            replica.step = Step::Begun(Job { record: new, version, known, ..job });
        } else if way != Way::Well {
            world.truth[usize::from(job.attempt)].is_uncertain = true;
            let (given_up, _) = self.rules.finish(job.record, job.begun, Result::NotProcessed, job.ends - 1, 0);
            replica.memory = self.rules.remember(replica.memory, new);
            replica.memory = self.rules.remember(replica.memory, given_up);
            replica.writes_back = true;
            if way == Way::StoredLater && is_current {
                world.limbo = Some((job.version, Stored { version, record: new, known }));
            }
        }
        Ok(())
    }

    /// The platform processes a request.
    fn process(&self, world: &mut World, job: &Job) -> std::result::Result<Result, Broken> {
        let platform = &mut world.platform;
        let truth = &mut world.truth[usize::from(job.attempt)];
        if job.kind == Kind::Reset {
            if platform.valid != job.credentials {
                return Ok(Result::NotProcessed);
            }
            platform.valid = self.configuration.reset_to;
            platform.verified |= 1 << platform.valid;
            return Ok(Result::Reset(platform.valid));
        }
        if platform.failed >= 5 || platform.valid != job.credentials {
            platform.failed += 1;
            truth.failed = platform.successes + 1;
            if platform.failed >= 5 && world.losses == 0 && !has_inherent_failure(world) {
                return Err("the account is locked");
            }
            return Ok(Result::Rejected);
        }
        platform.failed = 0;
        platform.successes += 1;
        platform.tokens += 1;
        platform.live = platform.tokens;
        platform.last = job.credentials;
        platform.verified |= 1 << job.credentials;
        let token = platform.tokens;
        for truth in world.truth.iter_mut().filter(|truth| truth.credentials == job.credentials) {
            truth.is_rejected = false;
        }
        Ok(Result::LoggedIn(token))
    }

    /// Computes the outcome, remembers it and swaps.
    fn finish(
        &self,
        world: &mut World,
        number: usize,
        finish: Finishing,
        way: Way,
    ) -> std::result::Result<Swapped, Broken> {
        let Finishing { mut job, result, over, reloads } = finish;
        let replica = &mut world.replicas[number];
        if reloads {
            let (record, _) = self.rules.load(world.store.record, replica.memory, world.tick);
            replica.memory = self.rules.remember(0, record);
            replica.known |= world.store.known;
            job = Job { record, version: world.store.version, known: replica.known, ..job };
        }
        let (record, is_overtaken) = self.rules.finish(job.record, job.begun, result, world.tick, over);
        let mut known = job.known | exists(job.attempt);
        match result {
            Result::Rejected | Result::Unclear => known |= answered(job.attempt),
            Result::Reset(new) => known |= superseded(job.credentials) | verified(new),
            Result::LoggedIn(_) if !is_overtaken => known |= verified(job.credentials),
            _ => {}
        }
        replica.memory = self.rules.remember(replica.memory, record);
        replica.known |= known;
        if result == Result::Unknown {
            world.open_until = world.open_until.max(over + 1);
        }
        if way == Way::NotProcessed {
            return Ok(Swapped::Failed);
        }
        if world.store.version != job.version {
            // A lost answer that tells of a conflict is a swap that was not stored.
            return Ok(if way == Way::Well { Swapped::Conflict } else { Swapped::Failed });
        }
        let record = self.rules.trim(record, world.tick);
        let (before, after) = (self.rules.session(world.store.record), self.rules.session(record));
        if after != 0 && after != before {
            if after < world.newest && world.losses == 0 {
                return Err("an older session is stored over a newer one");
            }
            world.newest = after;
        }
        world.truth[usize::from(job.attempt)].is_answered |= matches!(result, Result::Rejected | Result::Unclear);
        world.store = Stored { version: world.new_version(), record, known };
        Ok(if way == Way::Well { Swapped::Stored { is_overtaken } } else { Swapped::Failed })
    }

    /// The store has the outcome.
    fn finished(
        &self,
        world: &mut World,
        number: usize,
        finish: Finishing,
        is_overtaken: bool,
    ) -> std::result::Result<(), Broken> {
        let Result::LoggedIn(token) = finish.result else { return Ok(()) };
        let is_late = world.replicas[number].late.is_some_and(|late| late.job.attempt == finish.job.attempt);
        if !is_overtaken {
            if !is_late {
                world.replicas[number].session = token;
            }
            return Ok(());
        }
        if self.rules.session(world.store.record) == token {
            return Err("a session that the store offers is logged out");
        }
        if self.configuration.no_live_logout && world.is_live(token) {
            return Err("a live session is logged out");
        }
        if world.is_live(token) && !self.rules.lacks(Rule::LoggingALateOneOut) {
            world.platform.live = 0;
        }
        let replica = &mut world.replicas[number];
        replica.dead |= 1 << token;
        if replica.session == token {
            replica.session = 0;
        }
        if world.is_live(token) {
            return Err("a session that nobody uses stays alive");
        }
        Ok(())
    }

    fn late(&self, world: &mut World, number: usize, way: Way) -> std::result::Result<bool, Broken> {
        let Some(late) = world.replicas[number].late else { return Ok(false) };
        match self.finish(world, number, late, way)? {
            Swapped::Stored { is_overtaken } => {
                self.finished(world, number, late, is_overtaken)?;
                world.replicas[number].late = None;
            }
            Swapped::Conflict => world.replicas[number].late = Some(Finishing { reloads: true, ..late }),
            Swapped::Failed => {}
        }
        Ok(true)
    }

    fn write_back(&self, world: &mut World, number: usize) -> bool {
        let replica = &mut world.replicas[number];
        let (record, is_complete) = self.rules.load(world.store.record, replica.memory, world.tick);
        replica.memory = self.rules.remember(0, record);
        replica.known |= world.store.known;
        let known = replica.known;
        let happens = std::mem::take(&mut replica.writes_back);
        if !is_complete {
            let record = self.rules.trim(record, world.tick);
            world.store = Stored { version: world.new_version(), record, known };
        }
        happens
    }

    /// An operator has opened the account.
    fn operator(&self, world: &mut World) -> bool {
        if world.operator == 0 {
            return false;
        }
        world.operator -= 1;
        world.platform.failed = 0;
        let open = open(world);
        for (number, truth) in (0_u8..).zip(&mut world.truth).take(world.begun.into()) {
            truth.is_pardoned |= open & exists(number) == 0 || truth.failed != 0;
        }
        let (record, _) = self.rules.load(world.store.record, 0, world.tick);
        let record = self.rules.operator(record, world.tick);
        if record != world.store.record {
            (world.store.record, world.store.version) = (record, world.new_version());
        }
        true
    }

    /// What is known forbids a login that the guard allows.
    fn check_sending(&self, world: &World, job: &Job) -> std::result::Result<(), Broken> {
        let is_unknown_to = |later: &Job, earlier: &Job| world.losses > 0 && later.known & exists(earlier.attempt) == 0;
        for replica in &world.replicas {
            if let Step::Sent(other) = replica.step {
                let (earlier, later) = if other.attempt < job.attempt { (&other, job) } else { (job, &other) };
                if !is_unknown_to(later, earlier) {
                    return Err("two logins overlap");
                }
            }
        }
        if job.kind == Kind::Reset {
            return Ok(());
        }
        let known = || {
            let attempts = (0_u8..).zip(&world.truth).take(world.begun.into());
            attempts.filter(|(number, truth)| {
                *number != job.attempt && job.known & exists(*number) != 0 && !truth.is_pardoned
            })
        };
        let own = || known().filter(|(_, truth)| truth.credentials == job.credentials);
        if job.known & superseded(job.credentials) != 0 {
            return Err("a superseded password is sent");
        }
        if own().any(|(number, truth)| truth.is_rejected && job.known & answered(number) != 0) {
            return Err("credentials are sent that were rejected");
        }
        let is_verified = world.platform.verified & 1 << job.credentials != 0;
        if !is_verified && own().filter(|(_, truth)| truth.failed != 0).count() >= 2 {
            return Err("a third login may fail with credentials that were never verified");
        }
        let in_a_row = known().filter(|(number, truth)| {
            truth.failed == world.platform.successes + 1 && (!truth.was_verified || job.known & answered(*number) != 0)
        });
        if in_a_row.count() >= 4 {
            return Err("a fifth login in a row may fail");
        }
        Ok(())
    }

    /// Whether this replica's logins are suspended, as far as the store and it know.
    pub(super) fn is_suspended(&self, world: &World, number: usize) -> bool {
        let Replica { credentials, memory, .. } = world.replicas[number];
        let (record, _) = self.rules.load(world.store.record, memory, world.tick);
        matches!(self.rules.decide(record, credentials, world.tick), Verdict::Suspended(_))
    }

    /// A suspension has a reason in what happened.
    fn check_reason(
        &self,
        world: &World,
        credentials: u8,
        known: Known,
        reason: Reason,
    ) -> std::result::Result<(), Broken> {
        if self.configuration.is_outage {
            return Err("an outage suspends logins");
        }
        let open = open(world);
        let truths = || (0_u8..).zip(&world.truth).take(world.begun.into());
        // What is still to be recorded counts as well, and what a loss may have made uncertain.
        let may_have_failed = || {
            let failed = |(number, truth): &(u8, &Truth)| {
                truth.is_uncertain || truth.failed != 0 || open & exists(*number) != 0 || world.losses > 0
            };
            truths().filter(failed)
        };
        let own = || truths().filter(|(_, truth)| truth.credentials == credentials);
        let is_verified = known & verified(credentials) != 0 && world.platform.last == credentials;
        let is_reasonable = match reason {
            Reason::Rejected => own().any(|(_, truth)| truth.failed != 0),
            Reason::UnknownOutcome => {
                !is_verified && may_have_failed().filter(|(_, truth)| truth.credentials == credentials).count() >= 2
            }
            Reason::FailureLimit => may_have_failed().count() >= 4,
            Reason::Superseded => self.configuration.reset_to != 0,
        };
        if is_reasonable { Ok(()) } else { Err("logins are suspended without a reason") }
    }
}

/// The attempts that somebody still works on.
fn open(world: &World) -> Known {
    let jobs = world.replicas.iter().flat_map(|replica| [replica.step.job(), replica.late.map(|late| late.job)]);
    jobs.flatten().fold(0, |open, job| open | exists(job.attempt))
}

/// Failures with verified credentials whose answers never arrived: they are not counted, and nothing else could be done.
fn has_inherent_failure(world: &World) -> bool {
    let row = world.platform.successes + 1;
    world.truth.iter().any(|truth| truth.failed == row && truth.was_verified && !truth.is_answered)
}

fn finishing(world: &World, job: Job, result: Result) -> Step {
    Step::Finishing(Finishing { job, result, over: world.tick, reloads: false })
}

/// The answer arrives, or does not.
fn answer(world: &mut World, number: usize, job: Job, result: Result, way: Way) {
    let truth = &mut world.truth[usize::from(job.attempt)];
    let result = match (way, job.kind) {
        (Way::Well, _) => result,
        (_, Kind::Reset) => Result::ResetUnknown,
        (Way::Unclear, _) => {
            truth.is_uncertain = true;
            Result::Unclear
        }
        _ => {
            truth.is_uncertain = true;
            Result::Unknown
        }
    };
    if result == Result::Rejected {
        truth.is_rejected = true;
    }
    if let Result::Reset(new) = result {
        let replica = &mut world.replicas[number];
        (replica.credentials, replica.can_reset) = (new, false);
    }
    world.replicas[number].step = finishing(world, job, result);
}

fn crash(world: &mut World, number: usize) -> bool {
    let Replica { credentials, can_reset, can_recover, later, .. } = world.replicas[number];
    let new = Replica { credentials, can_reset, can_recover, later, ..Replica::default() };
    let happens = world.replicas[number] != new;
    if let Some(job) = world.replicas[number].step.job() {
        world.truth[usize::from(job.attempt)].is_uncertain = true;
    }
    if let Some(late) = world.replicas[number].late {
        world.truth[usize::from(late.job.attempt)].is_uncertain = true;
    }
    world.replicas[number] = new;
    world.crashes += 1;
    happens
}

/// All claims and pauses are over. No request takes longer than the claim that it is under.
fn tick(world: &mut World) -> bool {
    let is_sent = world.replicas.iter().any(|replica| matches!(replica.step, Step::Sent(_)));
    let is_open = world.open_until > world.tick;
    world.tick += 1;
    let has_ticks = world.ticks > 0;
    world.ticks = world.ticks.saturating_sub(1);
    has_ticks && is_open && !is_sent
}
