//! Replicas that log in and reset through a store, and every order in which what they do can happen.
//!
//! The model calls the guard's own functions (`src/guard`): it is no second description of the rules. Between any two
//! steps a replica may crash or stall, an answer of the platform or of the store may be lost, and the store may lose its
//! value or return to an earlier one. Each rule is left out once, to see that something breaks.
//!
//! `THINGSPACE_MODEL=full` explores up to four million states of each configuration, best with
//! `--config 'profile.dev.package.thingspace-session.opt-level=3'`.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::similar_names,
    clippy::format_push_string,
    clippy::struct_excessive_bools,
    clippy::match_same_arms,
    clippy::unused_self,
    clippy::unnecessary_to_owned,
    clippy::print_stdout,
    reason = "a test fails by panicking, and each step of the model reads alike"
)]

mod events;
mod explore;
mod rules;
mod world;

use events::Way;
use explore::explore;
use rules::{Rule, Rules};
use world::{Platform, Replica, Stored, World, verified};

use crate::guard::{Fingerprint, Record, StoredSession, Timestamp};

/// Credentials.
const RIGHT: u8 = 1;
const WRONG: u8 = 2;
const OTHER: u8 = 3;
/// The password that a reset returns, and one that was set elsewhere.
const NEW: u8 = 4;
const ELSEWHERE: u8 = 5;

#[derive(Clone, Copy, Debug, Default)]
struct Faults {
    ways: &'static [Way],
    crash: bool,
    loss: bool,
    rollback: bool,
}

const OUTAGE: &[Way] = &[Way::NotSent, Way::NotProcessed, Way::AnswerLost, Way::StoredLater];
const ALL_WAYS: &[Way] = &[Way::NotSent, Way::NotProcessed, Way::AnswerLost, Way::Unclear, Way::StoredLater];
const ALL: Faults = Faults { ways: ALL_WAYS, crash: true, loss: true, rollback: true };
const LOSSLESS: Faults = Faults { ways: ALL_WAYS, crash: true, loss: false, rollback: false };

#[derive(Clone, Debug)]
struct Configuration {
    name: &'static str,
    replicas: Vec<Replica>,
    /// The right credentials have logged in before, and there is a session.
    is_verified: bool,
    changes_to: u8,
    reset_to: u8,
    operator: u8,
    attempts: usize,
    faults: Faults,
    most_faults: u8,
    ticks: u8,
    deaths: u8,
    /// Nothing but faults of the network: no login is ever suspended.
    is_outage: bool,
    no_live_logout: bool,
    is_symmetric: bool,
    is_late_kept: bool,
    limits: Option<(usize, usize)>,
}

fn replica(credentials: u8) -> Replica {
    Replica { credentials, ..Replica::default() }
}

impl Configuration {
    fn new(name: &'static str, credentials: &[u8]) -> Self {
        Self {
            name,
            replicas: credentials.iter().copied().map(replica).collect(),
            is_verified: false,
            changes_to: 0,
            reset_to: 0,
            operator: 0,
            attempts: 4,
            faults: LOSSLESS,
            most_faults: 2,
            ticks: 2,
            deaths: 0,
            is_outage: false,
            no_live_logout: false,
            is_symmetric: true,
            is_late_kept: false,
            limits: None,
        }
    }

    fn world(&self, rules: &Rules) -> World {
        let mut world = World {
            platform: Platform { valid: RIGHT, ..Platform::default() },
            faults: self.most_faults,
            ticks: self.ticks,
            deaths: self.deaths,
            operator: self.operator,
            ..World::default()
        };
        for (place, replica) in world.replicas.iter_mut().zip(&self.replicas) {
            *place = *replica;
        }
        if self.is_verified {
            let mut record = Record::default();
            record.history.log_in(Fingerprint::of(RIGHT), Timestamp::default());
            record.session = Some(StoredSession { token: "1".to_owned().into(), used_at: Timestamp::default() });
            world.store = Stored { version: 1, record: rules.put(record), known: verified(RIGHT) };
            let verified = 1 << RIGHT;
            world.platform = Platform { live: 1, tokens: 1, successes: 1, last: RIGHT, verified, ..world.platform };
            world.newest = 1;
        }
        world.normalized(self.is_symmetric)
    }
}

fn large() -> Vec<Configuration> {
    let new =
        |name, credentials: &[u8]| Configuration { ticks: 3, attempts: 5, ..Configuration::new(name, credentials) };
    let verified = |name, credentials: &[u8]| Configuration { is_verified: true, deaths: 1, ..new(name, credentials) };
    let all = |configuration| Configuration { faults: ALL, ..configuration };
    let resets = |name| Configuration {
        reset_to: NEW,
        is_symmetric: false,
        replicas: vec![Replica { can_reset: true, ..replica(RIGHT) }, Replica { later: NEW, ..replica(RIGHT) }],
        ..verified(name, &[])
    };
    let recovers = |name| Configuration {
        is_symmetric: false,
        replicas: vec![Replica { can_recover: true, ..replica(RIGHT) }, replica(RIGHT)],
        ..verified(name, &[])
    };
    let outage = |name| Configuration {
        is_outage: true,
        attempts: 6,
        most_faults: 4,
        faults: Faults { ways: OUTAGE, ..LOSSLESS },
        ..verified(name, &[RIGHT, RIGHT])
    };
    vec![
        new("right", &[RIGHT, RIGHT]),
        all(new("right, any fault", &[RIGHT, RIGHT])),
        new("wrong", &[WRONG, WRONG]),
        all(new("wrong, any fault", &[WRONG, WRONG])),
        new("right and wrong", &[RIGHT, WRONG]),
        all(new("right and wrong, any fault", &[RIGHT, WRONG])),
        Configuration { attempts: 6, ..new("two wrong", &[WRONG, OTHER]) },
        all(Configuration { attempts: 6, ..new("two wrong, any fault", &[WRONG, OTHER]) }),
        Configuration { most_faults: 1, ..new("right and two wrong", &[RIGHT, WRONG, OTHER]) },
        verified("verified", &[RIGHT, RIGHT]),
        all(verified("verified, any fault", &[RIGHT, RIGHT])),
        verified("verified and wrong", &[RIGHT, WRONG]),
        all(verified("verified and wrong, any fault", &[RIGHT, WRONG])),
        outage("outage"),
        Configuration { changes_to: ELSEWHERE, ..verified("changed elsewhere", &[RIGHT, RIGHT]) },
        all(Configuration { changes_to: ELSEWHERE, ..verified("changed elsewhere, any fault", &[RIGHT, RIGHT]) }),
        Configuration { changes_to: OTHER, ..verified("changed to what the other has", &[RIGHT, OTHER]) },
        all(Configuration {
            changes_to: OTHER,
            ..verified("changed to what the other has, any fault", &[RIGHT, OTHER])
        }),
        resets("reset"),
        all(resets("reset, any fault")),
        recovers("recovery"),
        all(recovers("recovery, any fault")),
        Configuration { operator: 1, ..new("operator", &[RIGHT, WRONG]) },
        Configuration { operator: 1, attempts: 6, ..new("operator, two wrong", &[WRONG, OTHER]) },
        Configuration { operator: 1, ..resets("operator, reset") },
    ]
}

/// How many states are looked at: in an ordinary run the first ones.
fn most(few: usize) -> usize {
    if std::env::var("THINGSPACE_MODEL").is_ok_and(|model| model == "full") { 4_000_000 } else { few }
}

#[test]
#[allow(clippy::print_stdout, reason = "how much was looked at is what the test is worth")]
fn no_order_of_events_breaks_a_promise() {
    for configuration in large() {
        let explored = explore(&configuration, None, most(3000));
        let (name, whole) = (configuration.name, if explored.is_whole { "all" } else { "the first" });
        println!("{name}: {whole} {} states, {:.1} s", explored.states, explored.seconds);
        if let Some((broken, trace)) = explored.broken {
            panic!("{name}: {broken}:\n{trace}");
        }
    }
}

/// Where each rule is missed first, and whether that is among the first states.
const TABLE: &[(Rule, &str, bool)] = &[
    (Rule::CheckBeforeSending, "wrong", true),
    (Rule::Claim, "wrong", true),
    (Rule::CountFirst, "wrong", false),
    (Rule::PendingForVerified, "outage", false),
    (Rule::TwoUnknown, "wrong", false),
    (Rule::RejectedStops, "wrong", true),
    (Rule::SupersededStops, "reset", true),
    (Rule::VoidForNotProcessed, "right", true),
    (Rule::VoidForLate, "right", true),
    (Rule::BeforeSuccess, "right and wrong", false),
    (Rule::OnlyWhatItHadSeen, "verified and wrong, any fault", false),
    (Rule::ToldAlready, "right", true),
    (Rule::VoidIsFinal, "right", true),
    (Rule::MemoryOfAttempts, "wrong, any fault", true),
    (Rule::MemoryOfTheLastSuccess, "verified, any fault", false),
    (Rule::MemoryOfClaims, "wrong, any fault", true),
    (Rule::WritingBack, "wrong, any fault", true),
    (Rule::DroppingADeadSession, "verified", true),
    (Rule::LoggingALateOneOut, "right", true),
];

#[test]
#[allow(clippy::print_stdout, reason = "what breaks without a rule is why it is there")]
fn something_breaks_without_each_rule() {
    let configurations = large();
    for (rule, name, is_soon) in TABLE.iter().filter(|(.., is_soon)| *is_soon || most(0) > 0) {
        let configuration = configurations.iter().find(|configuration| configuration.name == *name).unwrap();
        let explored = explore(configuration, Some(*rule), most(100_000));
        match explored.broken {
            Some((broken, trace)) => {
                println!("without {rule:?}, {name}, {} states: {broken}:\n{trace}", explored.states);
            }
            None if *is_soon => panic!("nothing breaks without {rule:?}: {} states", explored.states),
            None => println!("without {rule:?}, {name}: nothing found in {} states", explored.states),
        }
    }
}
