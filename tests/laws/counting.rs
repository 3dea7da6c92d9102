//! Lost, late and repeated writes of several replicas neither lose a failure nor count it twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use proptest::{collection::vec, prelude::*, sample::Index};

use super::{at, config};
use crate::guard::{AttemptId, Begun, Fingerprint, Finish, History, Kept, Record};

const REPLICAS: usize = 3;
const CLAIM: Duration = Duration::from_secs(1);

#[derive(Clone, Debug)]
enum Step {
    /// Begins an attempt. Its swap may be lost.
    Begin {
        replica: usize,
        credentials: u8,
        is_stored: bool,
    },
    /// Records the outcome of an attempt, possibly for the second time.
    Finish {
        attempt: Index,
        outcome: u8,
        is_stored: bool,
    },
    /// A replica loads the record and writes back what the store lacks.
    Load {
        replica: usize,
        is_stored: bool,
    },
    /// The store returns to an earlier value.
    Restore {
        value: Index,
    },
    /// The store loses its value.
    Lose,
    Tick,
}

fn steps() -> impl Strategy<Value = Step> {
    let replica = || 0..REPLICAS;
    let stored = || prop::bool::weighted(0.8);
    prop_oneof![
        6 => (replica(), 0..3_u8, stored())
            .prop_map(|(replica, credentials, is_stored)| Step::Begin { replica, credentials, is_stored }),
        8 => (any::<Index>(), 0..5_u8, stored())
            .prop_map(|(attempt, outcome, is_stored)| Step::Finish { attempt, outcome, is_stored }),
        3 => (replica(), stored()).prop_map(|(replica, is_stored)| Step::Load { replica, is_stored }),
        1 => any::<Index>().prop_map(|value| Step::Restore { value }),
        1 => Just(Step::Lose),
        2 => Just(Step::Tick),
    ]
}

/// The truth about an attempt, kept independently of the rules.
#[derive(Default)]
struct Fact {
    credentials: u8,
    is_failure: bool,
    is_void: bool,
    is_before_success: bool,
    /// Its latest reported outcome.
    reported: Option<Finish>,
    /// The final outcome of an attempt that never counted. Later reports cannot change it.
    done: Option<Finish>,
}

#[derive(Default)]
struct World {
    stored: Record,
    /// All values that the store has had.
    values: Vec<Record>,
    memories: [History; REPLICAS],
    begun: Vec<(usize, Begun, Finish, BTreeSet<AttemptId>)>,
    facts: BTreeMap<AttemptId, Fact>,
    tick: u64,
}

impl World {
    /// Loads, changes and remembers a record, and stores it unless the swap is lost.
    fn change<T>(&mut self, replica: usize, is_stored: bool, change: impl FnOnce(&mut Record) -> T) -> T {
        let mut record = self.stored.clone();
        record.history.merge(&self.memories[replica]);
        let changed = change(&mut record);
        self.memories[replica].merge(&record.history);
        if is_stored {
            self.stored = record.clone();
            self.values.push(record);
        }
        changed
    }

    fn step(&mut self, step: &Step) {
        let now = at(self.tick * 1000);
        match *step {
            Step::Begin { replica, credentials, is_stored } => {
                let print = Fingerprint::of(credentials);
                let (begun, seen, is_verified) = self.change(replica, is_stored, |record| {
                    let seen: BTreeSet<_> = record.history.attempts.keys().copied().collect();
                    let is_verified = record.is_verified(print);
                    (record.begin_login(print, now, CLAIM), seen, is_verified)
                });
                let fact = Fact { credentials, is_failure: !is_verified, ..Fact::default() };
                self.facts.insert(begun.id, fact);
                let token = format!("session-{}", self.begun.len());
                self.begun.push((replica, begun, Finish::LoggedIn(token.into()), seen));
            }
            Step::Finish { ref attempt, outcome, is_stored } if !self.begun.is_empty() => {
                let (replica, begun, success, seen) = self.begun[attempt.index(self.begun.len())].clone();
                let finish = match outcome {
                    0 => Finish::NotProcessed,
                    1 => Finish::Rejected { code: None },
                    2 => Finish::Unknown { is_answered: true },
                    3 => Finish::Unknown { is_answered: false },
                    _ => success,
                };
                let fact = self.fact(begun.id);
                let finish = fact.done.clone().unwrap_or(finish);
                fact.reported = Some(finish.clone());
                if !fact.is_failure && matches!(finish, Finish::NotProcessed | Finish::LoggedIn(_)) {
                    fact.done = Some(finish.clone());
                }
                let (kept, is_new) = self.change(replica, is_stored, |record| {
                    let session = record.session.clone();
                    let kept = record.finish(&begun, &finish, now, 0.5);
                    (kept, record.session != session)
                });
                match finish {
                    Finish::NotProcessed => self.fact(begun.id).is_void = true,
                    Finish::Rejected { .. } | Finish::Unknown { is_answered: true } => {
                        self.fact(begun.id).is_failure = true;
                    }
                    Finish::LoggedIn(_) => {
                        self.fact(begun.id).is_void = true;
                        if kept == Kept::Yes && is_new {
                            self.forgive(begun.id, &seen);
                        }
                    }
                    _ => {}
                }
            }
            Step::Load { replica, is_stored } => self.change(replica, is_stored, |_| {}),
            Step::Restore { ref value } if !self.values.is_empty() => {
                self.stored = self.values[value.index(self.values.len())].clone();
            }
            // The store has no value yet.
            Step::Finish { .. } | Step::Restore { .. } => {}
            Step::Lose => self.stored = Record::default(),
            Step::Tick => self.tick += 1,
        }
    }

    fn fact(&mut self, id: AttemptId) -> &mut Fact {
        self.facts.get_mut(&id).unwrap()
    }

    fn forgive(&mut self, success: AttemptId, seen: &BTreeSet<AttemptId>) {
        let own = self.facts[&success].credentials;
        for id in seen {
            let fact = self.fact(*id);
            if fact.credentials == own {
                fact.is_void = true;
                if !fact.is_failure && fact.reported.is_some() {
                    fact.done.clone_from(&fact.reported);
                }
            } else {
                fact.is_before_success |= fact.is_failure;
            }
        }
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn no_failure_is_lost_and_none_is_counted_twice(
        steps in vec(steps(), 0..40),
        order in Just((0..REPLICAS).collect::<Vec<_>>()).prop_shuffle(),
        is_stored_first in any::<bool>(),
    ) {
        let mut world = World::default();
        for step in steps {
            world.step(&step);
        }
        let mut record = Record::default();
        if is_stored_first {
            record.history.merge(&world.stored.history);
        }
        for replica in order {
            record.history.merge(&world.memories[replica]);
        }
        record.history.merge(&world.stored.history);
        let happened: BTreeSet<_> = world.facts.keys().collect();
        prop_assert_eq!(record.history.attempts.keys().collect::<BTreeSet<_>>(), happened);
        for (id, fact) in &world.facts {
            let is_counted = record.history.failures().any(|failure| *failure == record.history.attempts[id]);
            let may_count = fact.is_failure && !fact.is_void;
            // A rejection counts if it is reported after a success has cleared the attempt, because it may be newer.
            // The model checks whether an attempt was before a success.
            let is_past = record.history.attempts[id].is_past(record.history.last_success);
            let has_to_count = may_count && !fact.is_before_success && !is_past;
            prop_assert!(is_counted || !has_to_count, "{:?} is lost", id);
            prop_assert!(may_count || !is_counted, "{:?} counts", id);
        }
    }
}
