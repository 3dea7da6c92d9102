//! Rules that hold after the store loses data, a write is repeated, or an operator resets the login guard.

use std::time::Duration;

use super::at;
use crate::guard::{Decision, Fingerprint, Finish, Record};

const CLAIM: Duration = Duration::from_millis(100);

/// Records a login with its begin and its outcome.
fn login(record: &mut Record, credentials: u8, began: u64, finish: &Finish) {
    record.session = None;
    let attempt = record.begin_login(Fingerprint::of(credentials), at(began), CLAIM);
    record.finish(&attempt, finish, at(began + 1), 0.5);
}

fn rejected() -> Finish {
    Finish::Rejected { code: None }
}

#[test]
fn logins_before_a_loss_clear_no_failure_after_it() {
    let mut remembered = Record::default();
    for number in 0..3 {
        login(&mut remembered, 1, 1000 * number, &Finish::LoggedIn(format!("{number}").into()));
    }
    // The store has lost these logins, and the password was changed elsewhere.
    let mut record = Record::default();
    for (number, credentials) in [1, 2, 3, 4].into_iter().enumerate() {
        login(&mut record, credentials, 10_000 + 1000 * number as u64, &rejected());
    }
    record.history.merge(&remembered.history);
    assert_eq!(record.failures_in_a_row(), 4);
    for credentials in 0..6 {
        let decision = record.decide(Fingerprint::of(credentials), at(20_000));
        assert!(matches!(decision, Decision::Suspended(_)), "{credentials}: {decision:?}");
    }
}

#[test]
fn a_failure_that_two_logins_have_cleared_stays_cleared_if_a_process_writes_it_back() {
    let mut record = Record::default();
    login(&mut record, 1, 1000, &rejected());
    let stale = record.history.clone();
    record.reset_guard(at(2000));
    for number in 3..6 {
        login(&mut record, 1, 1000 * number, &Finish::LoggedIn(format!("{number}").into()));
    }
    record.history.attempts.clear();
    record.history.merge(&stale);
    assert_eq!(record.decide(Fingerprint::of(1), at(10_000)), Decision::Go);
    assert_eq!(record.failures_in_a_row(), 0);
}

#[test]
fn a_reset_recorded_again_is_not_the_latest_success() {
    let mut record = Record::default();
    let reset = record.begin_reset(Fingerprint::of(1), at(0), CLAIM);
    record.finish(&reset, &Finish::Reset(Fingerprint::of(2)), at(1), 0.5);
    let later = record.begin_reset(Fingerprint::of(2), at(1000), CLAIM);
    record.finish(&later, &Finish::Reset(Fingerprint::of(3)), at(1001), 0.5);
    record.finish(&reset, &Finish::Reset(Fingerprint::of(2)), at(2000), 0.5);
    assert!(record.is_verified(Fingerprint::of(3)));
}

#[test]
fn an_operators_reset_keeps_the_outcome_of_a_login_in_progress() {
    let mut record = Record::default();
    let begun = record.begin_login(Fingerprint::of(1), at(0), CLAIM);
    record.reset_guard(at(10));
    record.finish(&begun, &rejected(), at(20), 0.5);
    assert!(matches!(record.decide(Fingerprint::of(1), at(1000)), Decision::Suspended(_)));
}

/// The response arrived after the claim expired. The credentials are still valid.
#[test]
fn a_rejection_recorded_after_a_later_login_with_the_same_credentials_does_not_count() {
    let mut record = Record::default();
    login(&mut record, 1, 0, &Finish::LoggedIn("first".to_owned().into()));
    let late = record.begin_login(Fingerprint::of(1), at(10_000), CLAIM);
    login(&mut record, 1, 100_000, &Finish::LoggedIn("second".to_owned().into()));
    record.finish(&late, &rejected(), at(100_010), 0.5);
    assert_eq!(record.decide(Fingerprint::of(1), at(100_020)), Decision::Go);
    assert_eq!(record.failures_in_a_row(), 0);
}
