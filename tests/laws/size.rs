//! The record does not grow during an outage of any length.

use std::time::Duration;

use proptest::{prelude::*, test_runner::Config};

use super::{at, config};
use crate::guard::{AttemptId, Decision, Fingerprint, Finish, History, Record, Timestamp};

const CLAIM: Duration = Duration::from_secs(35);

fn unknown() -> Finish {
    Finish::Unknown { is_answered: false }
}

/// Adds an attempt as the crate stores it: trimmed, and merged with the memory of the process.
fn attempt(record: &mut Record, memory: &mut History, credentials: u8, now: Timestamp, finish: &Finish) {
    let begun = record.begin_login(Fingerprint::of(credentials), now, CLAIM);
    record.history.trim(now);
    memory.merge(&record.history);
    record.finish(&begun, finish, now, 1.0);
    memory.merge(&record.history);
    memory.trim(now);
    record.history = memory.clone();
}

/// The size with the longest ids: a random one has fewer digits now and then.
fn size(record: &Record) -> usize {
    let mut record = record.clone();
    let attempts = record.history.attempts.into_values().zip(0..);
    record.history.attempts = attempts.map(|(attempt, id)| (AttemptId::new(u64::MAX - id), attempt)).collect();
    if let Some(backoff) = &mut record.backoff {
        backoff.attempt = AttemptId::new(u64::MAX);
    }
    record.encode().unwrap().len()
}

fn verified() -> (Record, History) {
    let mut record = Record::default();
    record.history.verify(Fingerprint::of(0));
    (record.clone(), record.history)
}

/// The number of attempts. `THINGSPACE_CASES` sets it, for example to those of an outage of a year.
fn many() -> u32 {
    if config().cases >= 100_000 { 1_000_000 } else { 2000 }
}

/// Begins each attempt as soon as the guard allows it.
fn sizes(finish: impl Fn(u32) -> Finish, credentials: u8) -> (usize, usize) {
    let (mut record, mut memory) = verified();
    let mut now = at(1_700_000_000_000);
    let (mut early, mut late) = (0, 0);
    for number in 0..many() {
        match record.decide(Fingerprint::of(credentials), now) {
            Decision::Go => {}
            Decision::Backoff(wait) | Decision::InProgress(wait) => now = now.plus(wait),
            Decision::Suspended(suspension) => panic!("{suspension:?}"),
        }
        attempt(&mut record, &mut memory, credentials, now, &finish(number));
        if number < 10 {
            early = early.max(size(&record));
        } else if number % 7 == 0 || number > many() - 100 {
            late = late.max(size(&record));
        }
    }
    (early, late)
}

#[test]
fn an_outage_leaves_no_more_than_ten_attempts_of_verified_credentials() {
    let (early, late) = sizes(|_| unknown(), 0);
    assert!(late <= early, "{late} > {early}");
}

#[test]
fn an_outage_leaves_no_more_than_ten_attempts_of_unverified_credentials() {
    let (early, late) = sizes(|_| Finish::NotProcessed, 1);
    assert!(late <= early, "{late} > {early}");
}

#[test]
fn a_mixed_outage_leaves_no_more_than_ten_attempts() {
    // The first ten attempts are the largest.
    let mix = |number| if number < 10 || number % 3 == 0 { Finish::NotProcessed } else { unknown() };
    let (early, late) = sizes(mix, 0);
    // The last attempt stays until its claim and the pause would have expired, beside those that do not count.
    let slack = sizes(|_| unknown(), 0).0;
    assert!(late <= early + slack, "{late} > {early} + {slack}");
}

/// `docs/bench.md` states that an attempt that does not count is dropped after two more logins.
#[test]
fn logins_that_succeed_leave_no_more_than_two_attempts() {
    let (mut record, mut memory) = verified();
    for number in 0..10 {
        let now = at(1000 * 1000 * u64::from(number));
        // Each login has other credentials than the last, so that it first counts as a failure.
        let finish = Finish::LoggedIn(format!("{number}").into());
        record.session = None;
        attempt(&mut record, &mut memory, 1 + number % 2, now, &finish);
        assert!(record.history.attempts.len() <= 2, "{number}: {:?}", record.history);
    }
}

/// The logins may follow at any speed, because each success ends the earlier claims.
#[test]
fn logins_with_verified_credentials_leave_one_attempt() {
    let (mut record, mut memory) = verified();
    for number in 0..10 {
        record.session = None;
        attempt(&mut record, &mut memory, 0, at(1000 + number), &Finish::LoggedIn(format!("{number}").into()));
        assert_eq!(record.history.attempts.len(), 1, "{number}: {:?}", record.history);
    }
}

proptest! {
    #![proptest_config(Config { cases: config().cases.div_ceil(10), ..config() })]

    /// The attempts may have any outcome, and the guard need not allow them.
    #[test]
    fn any_attempts_stay_within_a_bound(
        steps in prop::collection::vec((0..4_u8, 0..4_u8, 0..60_u64), 0..200),
    ) {
        let (mut record, mut memory) = verified();
        let mut now = at(0);
        for (credentials, finish, seconds) in steps {
            now = now.plus(Duration::from_secs(seconds));
            let finish = match finish {
                0 => unknown(),
                1 => Finish::NotProcessed,
                2 => Finish::Rejected { code: None },
                _ => Finish::LoggedIn("token".to_owned().into()),
            };
            attempt(&mut record, &mut memory, credentials, now, &finish);
            let open = record.history.attempts.values().filter(|attempt| attempt.claim_left(now).is_some()).count();
            prop_assert!(record.history.attempts.len() <= 32 + open);
        }
    }
}
