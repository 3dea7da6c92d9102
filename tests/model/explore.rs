//! Explores all reachable states, nearest first, and checks that each of them can lead to a session.

use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map::Entry},
    fmt::Write as _,
    hash::{DefaultHasher, Hash as _, Hasher as _},
    time::Instant,
};

use super::{
    configuration::Configuration,
    events::{Broken, Event, Model, Way},
    rules::{Rule, Rules},
    world::{Kind, Step, World},
};

/// Two hashes that identify a state.
type Name = (u64, u64);

fn name(world: &World) -> Name {
    let (mut one, mut other) = (DefaultHasher::new(), DefaultHasher::new());
    other.write_u8(1);
    world.hash(&mut one);
    world.hash(&mut other);
    (one.finish(), other.finish())
}

pub(super) struct Explored {
    pub(super) states: usize,
    pub(super) is_whole: bool,
    pub(super) seconds: f64,
    /// The first broken promise, and the events before it.
    pub(super) broken: Option<(Broken, String)>,
}

/// Explores at most `limit` states.
pub(super) fn explore(configuration: &Configuration, left_out: Option<Rule>, limit: usize) -> Explored {
    let begin = Instant::now();
    let rules = Rules::new(left_out);
    let model = Model { rules: &rules, configuration };
    let first = configuration.world(|record| rules.put(record));
    let mut found = HashMap::from([(name(&first), 0_u32)]);
    // The event that first reached each state, and the state before it.
    let mut ways = vec![(0_u32, Event::Tick)];
    let mut open = VecDeque::from([(0_u32, first.clone())]);
    let mut good = HashSet::new();
    let mut broken = None;
    'all: while let Some((number, world)) = open.pop_front() {
        if let Err(problem) = model.reach(&world, &mut good) {
            broken = Some((problem, number, None));
            break;
        }
        for event in model.events(&world) {
            match model.happen(&world, event) {
                Ok(None) => {}
                Ok(Some(next)) => {
                    let next = next.normalized();
                    if let Entry::Vacant(entry) = found.entry(name(&next)) {
                        let place = u32::try_from(ways.len()).unwrap();
                        entry.insert(place);
                        ways.push((number, event));
                        open.push_back((place, next));
                    }
                }
                Err(problem) => {
                    broken = Some((problem, number, Some(event)));
                    break 'all;
                }
            }
        }
        if ways.len() >= limit {
            break;
        }
    }
    let is_whole = open.is_empty() && broken.is_none();
    let broken = broken.map(|(problem, number, last)| {
        let mut events: Vec<_> = last.into_iter().collect();
        let mut at = number;
        while at != 0 {
            let (before, event) = ways[at as usize];
            events.push(event);
            at = before;
        }
        events.reverse();
        (problem, model.tell(first, &events))
    });
    Explored { states: ways.len(), is_whole, seconds: begin.elapsed().as_secs_f64(), broken }
}

impl Model<'_> {
    fn tell(&self, mut world: World, events: &[Event]) -> String {
        let mut text = String::new();
        for event in events {
            let _ = write!(text, "  {event:?}");
            if let Ok(Some(next)) = self.happen(&world, *event) {
                world = next.normalized();
                let _ = write!(text, " [{}: {}]", world.tick, self.rules.show(world.store.record));
            }
            text.push('\n');
        }
        text
    }

    /// Without further faults, a replica with the right password gets a session, or the guard suspends its logins for a
    /// valid reason.
    fn reach(&self, world: &World, good: &mut HashSet<Name>) -> Result<(), Broken> {
        let mut path = Vec::new();
        let mut world = world.clone();
        for _ in 0..80 {
            let name = name(&world);
            if good.contains(&name) {
                break;
            }
            path.push(name);
            match self.quiet(&world)? {
                Some(next) => world = next.normalized(),
                None => break,
            }
            if path.len() >= 80 {
                return Err("no session can be reached");
            }
        }
        good.extend(path);
        Ok(())
    }

    /// The next step without a fault. `None` if all replicas have finished.
    fn quiet(&self, world: &World) -> Result<Option<World>, Broken> {
        let happens = |event| self.happen(world, event);
        for (number, replica) in (0_u8..).zip(&world.replicas) {
            if replica.step != Step::Idle {
                let next = happens(Event::Step(number, Way::Well))?;
                // It loads again later.
                return Ok(Some(next.unwrap_or_else(|| {
                    let mut world = world.clone();
                    world.replicas[usize::from(number)].step = Step::Idle;
                    world
                })));
            }
            if replica.late.is_some() {
                return happens(Event::Late(number, Way::Well));
            }
            if replica.writes_back {
                return happens(Event::WriteBack(number));
            }
        }
        if world.platform.failed >= 5 {
            return Ok(None);
        }
        for (number, replica) in (0_u8..).zip(&world.replicas) {
            if replica.credentials == 0 || replica.credentials != world.platform.valid {
                continue;
            }
            if let Some(found) = happens(Event::FindDead(number))? {
                return Ok(Some(found));
            }
            if replica.session != 0 {
                continue;
            }
            let unbounded = Configuration { attempts: usize::MAX, ..self.configuration.clone() };
            let model = Model { configuration: &unbounded, ..*self };
            if let Some(next) = model.happen(world, Event::Load(number, Kind::Login, Way::Well))? {
                let after = next.replicas[usize::from(number)];
                if after.session != 0 || after.step != Step::Idle {
                    return Ok(Some(next));
                }
                // The replica waits, or its logins are suspended.
                if world.open_until > world.tick {
                    let mut later = next;
                    later.tick += 1;
                    return Ok(Some(later));
                }
                if !self.is_suspended(&next, number.into()) {
                    return Err("a login waits forever");
                }
            }
        }
        Ok(None)
    }
}
