//! What there is, what each of them does next, what may happen to it, and what has to hold all the while.

use super::Without;

/// A lease as its holder has it. The number of the grant is not known to anybody: it tells apart what has one fence.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
struct Lease {
    fence: u8,
    grant: u8,
    is_over: bool,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
struct Record {
    session: Option<u8>,
    is_retired: bool,
}

impl Record {
    fn refuses(self, without: Without) -> bool {
        self.is_retired && without != Without::Retiring
    }
}

/// What the server holds.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Store {
    fence: u8,
    lease: Option<Lease>,
    record: Record,
}

#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
enum Step {
    #[default]
    Idle,
    Granted(Lease, Record),
    /// The try is counted, and the login is next.
    Counted(Lease, Record),
    /// The platform has given this session.
    LoggedIn(Lease, Record, u8),
    /// The platform has a new password, and the store is to be told.
    Reset(Lease, Record),
    /// The same, under another lease: the first was lost.
    Again,
    Over,
}

#[derive(Clone, Default, PartialEq, Eq, Hash)]
struct Replica {
    step: Step,
    session: Option<u8>,
    logins: u8,
}

/// Who resets the password; the others log in.
const RESETTER: usize = 2;

#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(super) struct World {
    store: Store,
    replicas: [Replica; 3],
    grants: u8,
    sessions: u8,
    /// One bit for each session.
    dead: u8,
    is_reset: bool,
    /// Whether the store was told of the reset before the right to it was over.
    is_late: bool,
    ends: u8,
    losses: u8,
    deaths: u8,
    crashes: u8,
}

pub(super) type Next = Result<World, &'static str>;

impl World {
    fn is_alive(&self, session: Option<u8>) -> bool {
        session.is_some_and(|session| self.dead & (1 << session) == 0)
    }

    fn is_running(&self) -> bool {
        self.store.lease.is_some_and(|lease| !lease.is_over)
    }

    fn acquire(&mut self, without: Without) -> Option<Lease> {
        if self.is_running() && without != Without::Exclusion {
            return None;
        }
        self.grants += 1;
        self.store.fence = if without == Without::Clock { self.store.fence + 1 } else { self.grants };
        let lease = Lease { fence: self.store.fence, grant: self.grants, is_over: false };
        self.store.lease = Some(lease);
        Some(lease)
    }

    /// Whether the record was replaced.
    fn commit(&mut self, lease: Lease, record: Record, without: Without) -> Result<bool, &'static str> {
        if without != Without::Fencing && self.store.lease.is_none_or(|latest| latest.fence != lease.fence) {
            return Ok(false);
        }
        if self.store.lease.is_none_or(|latest| latest.grant != lease.grant) {
            return Err("a newer record is overwritten by an older");
        }
        self.store.record = record;
        Ok(true)
    }

    fn release(&mut self, lease: Lease) {
        self.store.lease = self.store.lease.filter(|latest| latest.fence != lease.fence);
    }

    /// The next step of a replica that logs in; nothing if there is none.
    fn log_in(mut self, who: usize, without: Without) -> Option<Next> {
        let Replica { step, session, logins } = self.replicas[who].clone();
        let next = match step {
            Step::Idle if self.is_alive(session) => return None,
            Step::Idle if self.is_alive(self.store.record.session) => {
                self.replicas[who].session = self.store.record.session;
                Step::Idle
            }
            Step::Idle if logins == 2 || self.store.record.refuses(without) => return None,
            Step::Idle => Step::Granted(self.acquire(without)?, self.store.record),
            Step::Granted(lease, record) if self.is_alive(record.session) || record.refuses(without) => {
                self.release(lease);
                Step::Idle
            }
            Step::Granted(lease, mut record) => {
                record.session = None;
                match self.commit(lease, record, without) {
                    Ok(true) => Step::Counted(lease, record),
                    Ok(false) => Step::Idle,
                    Err(broken) => return Some(Err(broken)),
                }
            }
            Step::Counted(lease, _) if lease.is_over && without != Without::Patience => {
                self.release(lease);
                Step::Idle
            }
            Step::Counted(lease, record) => match self.send(who) {
                Ok(Some(session)) => Step::LoggedIn(lease, record, session),
                Ok(None) => {
                    self.release(lease);
                    Step::Idle
                }
                Err(broken) => return Some(Err(broken)),
            },
            Step::LoggedIn(lease, record, session) => {
                match self.commit(lease, Record { session: Some(session), ..record }, without) {
                    Ok(true) => self.replicas[who].session = Some(session),
                    // It is overtaken, and ends what it has got.
                    Ok(false) => self.dead |= 1 << session,
                    Err(broken) => return Some(Err(broken)),
                }
                self.release(lease);
                Step::Idle
            }
            Step::Reset(..) | Step::Again | Step::Over => return None,
        };
        self.replicas[who].step = next;
        Some(Ok(self))
    }

    /// A login with the old password. Nothing if it is refused.
    fn send(&mut self, who: usize) -> Result<Option<u8>, &'static str> {
        self.replicas[who].logins += 1;
        if self.is_reset {
            // What the store never knew, or has lost, it cannot prevent.
            let is_known = self.losses == 0 && !self.is_late;
            return if is_known { Err("a login with the old password after the reset") } else { Ok(None) };
        }
        self.sessions += 1;
        Ok(Some(self.sessions - 1))
    }

    /// The next step of who resets the password.
    fn reset(mut self, without: Without) -> Option<Next> {
        let next = match self.replicas[RESETTER].step {
            Step::Idle if without == Without::Right => {
                self.is_reset = true;
                Step::Again
            }
            Step::Idle => Step::Granted(self.acquire(without)?, self.store.record),
            Step::Again => Step::Reset(self.acquire(without)?, self.store.record),
            Step::Granted(lease, _) if lease.is_over => Step::Over,
            Step::Granted(lease, record) => {
                self.is_reset = true;
                Step::Reset(lease, record)
            }
            Step::Reset(lease, record) => match self.commit(lease, Record { is_retired: true, ..record }, without) {
                Ok(true) => {
                    self.release(lease);
                    Step::Over
                }
                Ok(false) => Step::Again,
                Err(broken) => return Some(Err(broken)),
            },
            _ => return None,
        };
        self.replicas[RESETTER].step = next;
        Some(Ok(self))
    }

    /// What happens to all of them.
    fn events(&self) -> Vec<World> {
        let mut events = Vec::new();
        let mut happens = |is_possible: bool, change: &dyn Fn(&mut World)| {
            if is_possible {
                let mut world = self.clone();
                change(&mut world);
                events.push(world);
            }
        };
        happens(self.ends < 2 && self.is_running(), &World::end);
        happens(self.losses < 1, &|world| {
            world.losses += 1;
            world.store = Store::default();
        });
        for session in (0..self.sessions).filter(|session| self.is_alive(Some(*session))) {
            happens(self.deaths < 2, &|world| {
                world.deaths += 1;
                world.dead |= 1 << session;
            });
        }
        for who in 0..RESETTER {
            happens(self.crashes < 1 && self.replicas[who].step != Step::Idle, &|world| {
                world.crashes += 1;
                (world.replicas[who].step, world.replicas[who].session) = (Step::Idle, None);
            });
        }
        events
    }

    /// The lease is over, and whoever has it may find that out.
    fn end(&mut self) {
        self.ends += 1;
        let Some(ended) = &mut self.store.lease else { return };
        ended.is_over = true;
        for Replica { step, .. } in &mut self.replicas {
            if let Step::Granted(lease, _)
            | Step::Counted(lease, _)
            | Step::LoggedIn(lease, ..)
            | Step::Reset(lease, _) = step
            {
                lease.is_over |= lease.grant == ended.grant;
            }
        }
        self.is_late |= self.is_reset && !self.store.record.is_retired;
    }

    pub(super) fn next(&self, without: Without) -> Vec<Next> {
        let steps = (0..RESETTER).filter_map(|who| self.clone().log_in(who, without));
        let steps = steps.chain(self.clone().reset(without));
        steps.chain(self.events().into_iter().map(Ok)).collect()
    }

    /// What holds in between any two steps.
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let [one, other, resetter] = &self.replicas;
        let are_two = self.is_alive(one.session) && self.is_alive(other.session) && one.session != other.session;
        if are_two && self.losses == 0 {
            return Err("two sessions are in use");
        }
        if resetter.step == Step::Over && self.is_reset && !self.store.record.is_retired && self.losses == 0 {
            return Err("the store has forgotten the reset");
        }
        Ok(())
    }
}
