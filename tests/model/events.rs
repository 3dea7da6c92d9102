//! The possible next events.

use super::{
    configuration::Configuration,
    rules::Rules,
    world::{Kind, Replica, Step, Stored, World},
};

/// The result of a replica's next step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Way {
    Well,
    /// The request or swap does not arrive, and the result is unknown to its sender.
    NotProcessed,
    /// It is processed, and the response is lost.
    AnswerLost,
    /// It does not arrive, and its sender knows that.
    NotSent,
    /// The response does not show the result.
    Unclear,
    /// The caller cancels the swap, and the store makes it later.
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
/// `None` if the event cannot happen.
pub(super) type Next = Result<Option<World>, Broken>;

/// The events and the rules of one configuration.
pub(super) struct Model<'a> {
    pub(super) rules: &'a Rules,
    pub(super) configuration: &'a Configuration,
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
    happens
}

/// All claims and pauses expire. No request takes longer than its claim.
fn tick(world: &mut World) -> bool {
    let is_sent = world.replicas.iter().any(|replica| matches!(replica.step, Step::Sent(_)));
    let is_open = world.open_until > world.tick;
    world.tick += 1;
    let has_ticks = world.ticks > 0;
    world.ticks = world.ticks.saturating_sub(1);
    has_ticks && is_open && !is_sent
}
