//! The replicas of a model run, and the faults that may occur.

use super::{
    events::Way,
    pool::Rec,
    world::{Platform, Replica, Stored, World, verified},
};
use crate::guard::{Fingerprint, Record, StoredSession, Timestamp};

/// Credentials.
pub(super) const RIGHT: u8 = 1;
pub(super) const WRONG: u8 = 2;
pub(super) const OTHER: u8 = 3;
/// The password that a reset returns, and a password set elsewhere.
pub(super) const NEW: u8 = 4;
pub(super) const ELSEWHERE: u8 = 5;

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Faults {
    pub(super) ways: &'static [Way],
    pub(super) crash: bool,
    pub(super) loss: bool,
    pub(super) rollback: bool,
}

const OUTAGE: &[Way] = &[Way::NotSent, Way::NotProcessed, Way::AnswerLost, Way::StoredLater];
const ALL_WAYS: &[Way] = &[Way::NotSent, Way::NotProcessed, Way::AnswerLost, Way::Unclear, Way::StoredLater];
const ALL: Faults = Faults { ways: ALL_WAYS, crash: true, loss: true, rollback: true };
const LOSSLESS: Faults = Faults { ways: ALL_WAYS, crash: true, loss: false, rollback: false };
pub(super) const LOSS: Faults = Faults { ways: &[], crash: false, loss: true, rollback: false };

#[derive(Clone, Debug, Default)]
pub(super) struct Configuration {
    pub(super) name: &'static str,
    pub(super) replicas: Vec<Replica>,
    /// The right credentials are verified, and a session is live.
    pub(super) is_verified: bool,
    pub(super) changes_to: u8,
    pub(super) reset_to: u8,
    /// How often an operator resets the login guard.
    pub(super) operator: u8,
    pub(super) attempts: usize,
    pub(super) faults: Faults,
    pub(super) most_faults: u8,
    pub(super) ticks: u8,
    pub(super) deaths: u8,
    /// Only the network fails, so the guard must never suspend logins.
    pub(super) is_outage: bool,
}

pub(super) fn replica(credentials: u8) -> Replica {
    Replica { credentials, ..Replica::default() }
}

pub(super) fn replicas(credentials: &[u8]) -> Vec<Replica> {
    credentials.iter().copied().map(replica).collect()
}

impl Configuration {
    /// The initial world. `put` stores a record and returns its place.
    pub(super) fn world(&self, put: impl FnOnce(Record) -> Rec) -> World {
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
            world.store = Stored { version: 1, record: put(record), known: verified(RIGHT) };
            let verified = 1 << RIGHT;
            world.platform = Platform { live: 1, tokens: 1, successes: 1, last: RIGHT, verified, ..world.platform };
            world.newest = 1;
        }
        world.normalized()
    }

    fn any_fault(self, name: &'static str) -> Self {
        Self { name, faults: ALL, ..self }
    }

    /// A replica resets the password, and the other one learns the new password at some time.
    pub(super) fn resets(self) -> Self {
        let replicas = vec![Replica { can_reset: true, ..replica(RIGHT) }, Replica { later: NEW, ..replica(RIGHT) }];
        Self { reset_to: NEW, replicas, ..self }
    }

    /// A replica logs in although a session is live.
    fn recovers(self) -> Self {
        Self { replicas: vec![Replica { can_recover: true, ..replica(RIGHT) }, replica(RIGHT)], ..self }
    }
}

/// Configurations with more states than an ordinary run explores.
pub(super) fn large() -> Vec<Configuration> {
    let new = |name, credentials: &[u8]| Configuration {
        name,
        replicas: replicas(credentials),
        attempts: 5,
        faults: LOSSLESS,
        most_faults: 2,
        ticks: 3,
        ..Configuration::default()
    };
    let verified = |name, credentials: &[u8]| Configuration { is_verified: true, deaths: 1, ..new(name, credentials) };
    let two_wrong = Configuration { attempts: 6, ..new("two wrong", &[WRONG, OTHER]) };
    let elsewhere = Configuration { changes_to: ELSEWHERE, ..verified("changed elsewhere", &[RIGHT, RIGHT]) };
    let to_other = Configuration { changes_to: OTHER, ..verified("changed to what the other has", &[RIGHT, OTHER]) };
    vec![
        new("right", &[RIGHT, RIGHT]),
        new("", &[RIGHT, RIGHT]).any_fault("right, any fault"),
        new("wrong", &[WRONG, WRONG]),
        new("", &[WRONG, WRONG]).any_fault("wrong, any fault"),
        new("right and wrong", &[RIGHT, WRONG]),
        new("", &[RIGHT, WRONG]).any_fault("right and wrong, any fault"),
        two_wrong.clone(),
        two_wrong.clone().any_fault("two wrong, any fault"),
        Configuration { most_faults: 1, ..new("right and two wrong", &[RIGHT, WRONG, OTHER]) },
        verified("verified", &[RIGHT, RIGHT]),
        verified("", &[RIGHT, RIGHT]).any_fault("verified, any fault"),
        verified("verified and wrong", &[RIGHT, WRONG]),
        verified("", &[RIGHT, WRONG]).any_fault("verified and wrong, any fault"),
        Configuration {
            is_outage: true,
            attempts: 6,
            most_faults: 4,
            faults: Faults { ways: OUTAGE, ..LOSSLESS },
            ..verified("outage", &[RIGHT, RIGHT])
        },
        elsewhere.clone(),
        elsewhere.any_fault("changed elsewhere, any fault"),
        to_other.clone(),
        to_other.any_fault("changed to what the other has, any fault"),
        verified("reset", &[]).resets(),
        verified("", &[]).resets().any_fault("reset, any fault"),
        verified("recovery", &[]).recovers(),
        verified("", &[]).recovers().any_fault("recovery, any fault"),
        Configuration { operator: 1, ..new("operator", &[RIGHT, WRONG]) },
        Configuration { operator: 1, name: "operator, two wrong", ..two_wrong },
        Configuration { operator: 1, ..verified("operator, reset", &[]).resets() },
    ]
}
