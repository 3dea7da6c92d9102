//! The steps of a replica, as in `src/auth/record.rs` and `src/auth/login.rs`.

use super::{
    events::{Broken, Model, Way},
    rules::{Rule, Verdict},
    world::{
        Ending, Finishing, Job, Kind, MOST_ATTEMPTS, NEW, Replica, Step, Stored, World, answered, exists, superseded,
        verified,
    },
};

/// The result of a finish.
enum Swapped {
    Stored { is_overtaken: bool },
    Conflict,
    Failed,
}

impl Model<'_> {
    pub(super) fn load(&self, world: &mut World, number: usize, kind: Kind, way: Way) -> Result<bool, Broken> {
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
                    // The replica assumes that the store has what it wrote back.
                    world.store.known |= known;
                    if !self.rules.lacks(Rule::WritingBack) {
                        world.store.record = self.rules.trim(record, world.tick);
                        world.store.version = NEW;
                    }
                }
            }
        }
        Ok(true)
    }

    pub(super) fn step(&self, world: &mut World, number: usize, way: Way) -> Result<bool, Broken> {
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
            Step::Begun(job) => world.replicas[number].step = finishing(world, job, Ending::NotProcessed),
            Step::Sent(job) => {
                world.replicas[number].step = match way {
                    Way::NotSent => finishing(world, job, Ending::NotProcessed),
                    Way::NotProcessed if job.kind == Kind::Reset => finishing(world, job, Ending::ResetUnknown),
                    Way::NotProcessed => {
                        world.truth[usize::from(job.attempt)].is_uncertain = true;
                        finishing(world, job, Ending::Unknown)
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
                    // A background task continues. The model needs one at a time.
                    Swapped::Failed if replica.late.is_some() => return Ok(false),
                    Swapped::Failed => {
                        world.replicas[number].late = Some(finish);
                        if let Ending::LoggedIn(token) = finish.result {
                            world.replicas[number].session = token;
                        }
                    }
                }
            }
        }
        Ok(true)
    }

    fn begin(&self, world: &mut World, number: usize, job: Job, new: u32, way: Way) -> Result<(), Broken> {
        let known = job.known | exists(job.attempt);
        let before = self.rules.session(world.store.record);
        let version = NEW;
        let is_current = world.store.version == job.version;
        let is_stored = matches!(way, Way::Well | Way::AnswerLost) && is_current;
        if is_stored {
            if job.kind == Kind::Login && world.is_live(before) && self.rules.session(new) == 0 {
                return Err("a live session is discarded");
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
            let (given_up, _) = self.rules.finish(job.record, job.begun, Ending::NotProcessed, job.ends - 1, 0);
            replica.memory = self.rules.remember(replica.memory, new);
            replica.memory = self.rules.remember(replica.memory, given_up);
            replica.writes_back = true;
            if way == Way::StoredLater && is_current {
                world.limbo = Some((job.version, Stored { version, record: new, known }));
            }
        }
        Ok(())
    }

    /// Computes the outcome, remembers it and swaps.
    fn finish(&self, world: &mut World, number: usize, finish: Finishing, way: Way) -> Result<Swapped, Broken> {
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
            Ending::Rejected | Ending::Unclear => known |= answered(job.attempt),
            Ending::Reset(new) => known |= superseded(job.credentials) | verified(new),
            Ending::LoggedIn(_) if !is_overtaken => known |= verified(job.credentials),
            _ => {}
        }
        let is_conflict = world.store.version != job.version && way == Way::Well;
        if !(is_conflict && matches!(result, Ending::LoggedIn(_))) {
            replica.memory = self.rules.remember(replica.memory, record);
            replica.known |= known;
        }
        if result == Ending::Unknown {
            world.open_until = world.open_until.max(over + 1);
        }
        if way == Way::NotProcessed {
            return Ok(Swapped::Failed);
        }
        if world.store.version != job.version {
            // A conflict whose response is lost equals a swap that was not stored.
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
        world.truth[usize::from(job.attempt)].is_answered |= matches!(result, Ending::Rejected | Ending::Unclear);
        world.store = Stored { version: NEW, record, known };
        Ok(if way == Way::Well { Swapped::Stored { is_overtaken } } else { Swapped::Failed })
    }

    /// The store has the outcome.
    fn finished(&self, world: &mut World, number: usize, finish: Finishing, is_overtaken: bool) -> Result<(), Broken> {
        let Ending::LoggedIn(token) = finish.result else { return Ok(()) };
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
        if world.is_live(token) && !self.rules.lacks(Rule::LoggingALateOneOut) {
            world.platform.live = 0;
        }
        let replica = &mut world.replicas[number];
        replica.dead |= 1 << token;
        if replica.session == token {
            replica.session = 0;
        }
        if world.is_live(token) {
            return Err("a session that no replica uses stays alive");
        }
        Ok(())
    }

    pub(super) fn late(&self, world: &mut World, number: usize, way: Way) -> Result<bool, Broken> {
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

    pub(super) fn write_back(&self, world: &mut World, number: usize) -> bool {
        let replica = &mut world.replicas[number];
        let (record, is_complete) = self.rules.load(world.store.record, replica.memory, world.tick);
        replica.memory = self.rules.remember(0, record);
        replica.known |= world.store.known;
        let known = replica.known;
        let happens = std::mem::take(&mut replica.writes_back);
        if !is_complete {
            let record = self.rules.trim(record, world.tick);
            world.store = Stored { version: NEW, record, known };
        }
        happens
    }
}

fn finishing(world: &World, job: Job, result: Ending) -> Step {
    Step::Finishing(Finishing { job, result, over: world.tick, reloads: false })
}

/// The response arrives or is lost.
fn answer(world: &mut World, number: usize, job: Job, result: Ending, way: Way) {
    let truth = &mut world.truth[usize::from(job.attempt)];
    let result = match (way, job.kind) {
        (Way::Well, _) => result,
        (_, Kind::Reset) => Ending::ResetUnknown,
        (Way::Unclear, _) => {
            truth.is_uncertain = true;
            Ending::Unclear
        }
        _ => {
            truth.is_uncertain = true;
            Ending::Unknown
        }
    };
    if result == Ending::Rejected {
        truth.is_rejected = true;
    }
    if let Ending::Reset(new) = result {
        let replica = &mut world.replicas[number];
        (replica.credentials, replica.can_reset) = (new, false);
    }
    world.replicas[number].step = finishing(world, job, result);
}
