//! The laws that hold for all records, tested on generated ones.
//!
//! `THINGSPACE_CASES=100000 cargo test --lib laws::` tests more of them.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails by panicking")]

mod counting;
mod encoding;
mod merging;
mod reviewed;
mod size;

use std::time::Duration;

use proptest::{collection::btree_map, option, prelude::*, test_runner::Config};

use crate::guard::{Attempt, AttemptId, Backoff, Fingerprint, History, Outcome, Record, StoredSession, Timestamp};

fn config() -> Config {
    let cases = std::env::var("THINGSPACE_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(300);
    Config { failure_persistence: None, ..Config::with_cases(cases) }
}

fn at(millis: u64) -> Timestamp {
    Timestamp::default().plus(Duration::from_millis(millis))
}

fn timestamps() -> impl Strategy<Value = Timestamp> {
    prop_oneof![0..20_u64, any::<u64>()].prop_map(at)
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    use Outcome::*;
    prop::sample::select(vec![Pending, Unsure, UnsureBeforeSuccess, Rejected, RejectedBeforeSuccess, Void, Superseded])
}

prop_compose! {
    fn attempts()(
        credentials in 0..3_u8,
        outcome in outcomes(),
        code in option::of(".{0,4}"),
        began in timestamps(),
        claimed_until in timestamps(),
        after in 0..3_u64,
        is_over in any::<bool>(),
    ) -> Attempt {
        Attempt { credentials: Fingerprint::of(credentials), outcome, code, began, after, claimed_until, is_over }
    }
}

prop_compose! {
    /// Few ids, so that two histories share some.
    fn histories(most: usize)(
        attempts in btree_map((0..most as u64).prop_map(AttemptId::new), attempts(), 0..most),
        successes in prop::collection::vec((0..3_u8, any::<bool>()), 0..4),
    ) -> History {
        let mut history = History { attempts, ..History::default() };
        for (credentials, is_login) in successes {
            if is_login {
                history.log_in(Fingerprint::of(credentials), at(history.logins()));
            } else {
                history.verify(Fingerprint::of(credentials));
            }
        }
        history
    }
}

prop_compose! {
    fn records()(
        session in option::of((".{0,40}", timestamps())),
        backoff in option::of((timestamps(), any::<u32>(), any::<u64>())),
        history in histories(6),
    ) -> Record {
        Record {
            session: session.map(|(token, used_at)| StoredSession { token: token.into(), used_at }),
            backoff: backoff.map(|(until, doublings, id)| Backoff { until, doublings, attempt: AttemptId::new(id) }),
            history,
        }
    }
}
