//! Tests the checker with manipulated histories. Each breaks one rule, and the checker names this rule.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a test fails by panicking"
)]

mod story;

use serde_json::json;
use story::Story;

const HEARD: &str = "no login with a superseded password by a replica that had heard of it";
const CLAIM: &str = "never two logins within one claim";
const LOST: &str = "no failover loses a claim that all replicas of Redis have confirmed";
const FAIL: &str = "requests fail only where a host was cut off from the platform, or for longer than the deadline";
const KEPT: &str = "every given-out password is in a vault or in an error";
const ROW: &str = "failed logins in a row ≤ 4";
const PASSWORD: &str = "failed logins per password ≤ 2";
const CALM: &str = "when the faults end, one session within 30 s on all hosts";
const HAPPENED: &str = "the history has faults, requests and logins";

/// The rules that the healthy history breaks after the change.
fn broken(doctor: impl FnOnce(&mut Story)) -> Vec<&'static str> {
    let mut story = Story::healthy();
    doctor(&mut story);
    story.broken()
}

#[test]
fn a_healthy_history_breaks_no_rule() {
    assert_eq!(broken(|_| ()), [""; 0]);
}

#[test]
fn a_history_without_an_end_or_without_faults_is_refuted() {
    assert_eq!(broken(|story| story.0.retain(|(_, event)| event["what"] != "end")), [HAPPENED, CALM]);
    assert_eq!(broken(|story| story.0.retain(|(_, event)| event["what"] != "fault")), [HAPPENED]);
}

#[test]
fn five_failed_logins_in_a_row_are_refuted_and_four_are_not() {
    let fail = |times: u32| {
        move |story: &mut Story| {
            for number in 0..times {
                story.login(21.0 + f64::from(number), "h1-0", &format!("f{number}"), &format!("wrong-{number}"), false);
            }
        }
    };
    assert_eq!(broken(fail(4)), [""; 0]);
    assert_eq!(broken(fail(5)), [ROW]);
}

#[test]
fn a_third_failed_login_with_one_password_is_refuted() {
    let fail = |times: u32| {
        move |story: &mut Story| {
            for number in 0..times {
                story.login(21.0 + f64::from(number), "h1-0", &format!("f{number}"), "wrong", false);
            }
        }
    };
    assert_eq!(broken(fail(2)), [""; 0]);
    assert_eq!(broken(fail(3)), [PASSWORD]);
}

#[test]
fn two_logins_within_one_claim_are_refuted() {
    let both = |second: f64| {
        move |story: &mut Story| {
            story.claim(30.0, "h1-0", "b", "right");
            story.send(30.1, "h1-0", "right", true);
            story.login(second, "h2-0", "c", "right", true);
        }
    };
    assert_eq!(broken(both(32.0)), [CLAIM]);
    // The claim has expired.
    assert_eq!(broken(both(41.5)), [""; 0]);
}

/// Two logins. The claim of the second one replaces the record that the first claim replaced.
fn lost(story: &mut Story, confirmations: u32, failover: f64) {
    story.0[0].1["confirmations"] = json!(confirmations);
    story.add(failover, "conductor", json!({ "what": "primary", "primary": 2 }));
    let before = story.1.clone();
    story.claim(30.0, "h1-0", "b", "right");
    story.send(30.1, "h1-0", "right", true);
    story.1 = before;
    story.login(32.0, "h2-0", "c", "right", true);
}

#[test]
fn a_claim_that_a_failover_has_lost_is_refuted_if_all_replicas_of_redis_had_confirmed_it() {
    let both = |confirmations, failover| broken(move |story| lost(story, confirmations, failover));
    assert_eq!(both(1, 31.0), [""; 0]);
    assert_eq!(both(2, 31.0), [LOST]);
}

#[test]
fn a_claim_that_was_lost_without_a_failover_or_that_the_second_replica_had_seen_is_refuted() {
    assert_eq!(broken(|story| lost(story, 1, 50.0)), [CLAIM]);
    let seen = |started: f64| {
        broken(move |story| {
            lost(story, 1, 31.0);
            story.add(30.5, "h2-0", json!({ "what": "loaded", "version": "b begun" }));
            story.add(started, "h2-0", json!({ "what": "started", "deadline": 6_000_000 }));
        })
    };
    assert_eq!(seen(0.2), [CLAIM]);
    // Another process.
    assert_eq!(seen(31.0), [""; 0]);
}

#[test]
fn the_documented_losses_of_careless_settings_are_not_refuted() {
    let split = |confirmations| {
        broken(move |story| {
            lost(story, confirmations, 31.0);
            story.add(30.0, "conductor", json!({ "what": "fault", "id": 1, "platform": [], "redis": ["h2"] }));
            story.add(33.0, "conductor", json!({ "what": "healed", "id": 1 }));
            story.failed(31.0, 32.0, "h2-0", "400");
        })
    };
    assert_eq!(split(0), [""; 0]);
    assert_eq!(split(1), [FAIL]);
}

#[test]
fn a_login_without_a_claim_or_under_one_that_was_not_stored_is_refuted() {
    assert_eq!(broken(|story| story.send(30.0, "h2-0", "right", true)), [CLAIM]);
    let unstored = |story: &mut Story| {
        story.claim(30.0, "h1-0", "b", "right");
        story.0.last_mut().unwrap().1["outcome"] = json!("failed");
        story.send(30.1, "h1-0", "right", true);
    };
    assert_eq!(broken(unstored), [CLAIM]);
}

#[test]
fn a_login_that_arrives_within_the_claim_of_another_is_refuted() {
    let late = |at: f64| {
        move |story: &mut Story| {
            story.claim(29.0, "h2-0", "b", "right");
            story.lose(29.1, "h2-0");
            story.close(29.2, "h2-0", "b");
            story.claim(30.0, "h1-0", "c", "right");
            story.send(30.1, "h1-0", "right", true);
            story.close(35.0, "h1-0", "c");
            story.arrive(at, "h2-0", "right", true);
        }
    };
    assert_eq!(broken(late(33.0)), [CLAIM]);
    assert_eq!(broken(late(36.0)), [""; 0]);
}

#[test]
fn a_login_that_arrives_after_its_claim_is_refuted() {
    let late = |at: f64| {
        move |story: &mut Story| {
            story.claim(25.0, "h2-0", "b", "right");
            story.lose(25.1, "h2-0");
            story.arrive(at, "h2-0", "right", true);
        }
    };
    assert_eq!(broken(late(35.0)), [""; 0]);
    assert_eq!(broken(late(37.0)), [CLAIM]);
}

#[test]
fn a_superseded_password_is_refuted_once_the_replica_knows_of_the_reset() {
    let log_in = |by: &'static str| {
        move |story: &mut Story| {
            story.add(25.0, "h1-0", json!({ "what": "heard", "superseded": "right" }));
            story.login(26.0, by, "b", "right", false);
        }
    };
    assert_eq!(broken(log_in("h1-0")), [HEARD]);
    assert_eq!(broken(log_in("h2-0")), [""; 0]);
}

#[test]
fn a_request_that_fails_without_a_reason_is_refuted() {
    let fail = |from: f64, to: f64, by: &'static str, kind: &'static str| {
        broken(move |story| story.failed(from, to, by, kind))
    };
    assert_eq!(fail(11.0, 12.0, "h1-0", "connect"), [""; 0]);
    assert_eq!(fail(11.0, 12.0, "h2-0", "connect"), [FAIL]);
    assert_eq!(fail(30.0, 36.0, "h1-0", "timeout"), [FAIL]);
    assert_eq!(fail(11.0, 15.0, "h2-0", "store"), [FAIL]);
    let late = |story: &mut Story| {
        story.add(34.0, "conductor", json!({ "what": "late", "since": 33_000_000 }));
        story.failed(30.0, 36.0, "h1-0", "timeout");
    };
    assert_eq!(broken(late), [""; 0]);
    assert_eq!(fail(11.0, 15.0, "h2-0", "login_suspended"), [FAIL]);
}

#[test]
fn a_redis_fault_explains_a_failure_only_if_it_lasts() {
    let down = |seconds: f64, from: f64, kind: &'static str| {
        broken(move |story| {
            story.add(30.0, "conductor", json!({ "what": "redis-down" }));
            story.add(30.0 + seconds, "conductor", json!({ "what": "redis-up" }));
            story.failed(from, 33.0, "h2-0", kind);
        })
    };
    assert_eq!(down(4.0, 30.5, "store"), [""; 0]);
    assert_eq!(down(4.0, 30.5, "login_in_progress"), [FAIL]);
    assert_eq!(broken(|story| story.failed(30.5, 33.0, "h2-0", "store")), [FAIL]);
}

#[test]
fn the_claim_of_a_killed_replica_explains_why_other_replicas_wait() {
    let wait = |is_killed: bool, outcome: &'static str| {
        broken(move |story| {
            story.claim(25.0, "h1-0", "b", "right");
            story.0.last_mut().unwrap().1["outcome"] = json!(outcome);
            if is_killed {
                let fault = json!({ "what": "fault", "id": 1, "platform": [], "redis": [], "replica": "h1-0" });
                story.add(25.1, "conductor", fault);
                story.add(26.0, "conductor", json!({ "what": "healed", "id": 1 }));
            }
            story.failed(26.0, 32.0, "h2-0", "login_in_progress");
        })
    };
    assert_eq!(wait(true, "ok"), [""; 0]);
    assert_eq!(wait(false, "ok"), [FAIL]);
    // After a failed swap the store may have the claim; after a conflict it does not.
    assert_eq!(wait(true, "failed"), [""; 0]);
    assert_eq!(wait(true, "conflict"), [FAIL]);
}

#[test]
fn a_wrong_password_explains_failures_on_its_host_only() {
    let fail = |by: &'static str| {
        broken(move |story| {
            let fault = json!({ "what": "fault", "id": 1, "platform": [], "redis": [], "wrong": "h2" });
            story.add(30.0, "conductor", fault);
            story.add(32.0, "conductor", json!({ "what": "healed", "id": 1 }));
            story.failed(31.0, 31.1, by, "login_suspended");
        })
    };
    assert_eq!(fail("h2-0"), [""; 0]);
    assert_eq!(fail("h3-0"), [FAIL]);
}

#[test]
fn a_password_that_is_neither_stored_nor_reported_is_refuted() {
    let reset = |events: &'static [(&'static str, &'static str)]| {
        broken(move |story| {
            story.reset(30.0, "h1-0", "new");
            for (what, outcome) in events {
                let event = json!({ "what": what, "state": outcome, "outcome": outcome, "password": "new" });
                story.add(31.0, "h1-0", event);
            }
        })
    };
    assert_eq!(reset(&[("vault", "current")]), [""; 0]);
    assert_eq!(reset(&[("rotated", "password_not_saved")]), [""; 0]);
    assert_eq!(reset(&[]), [KEPT]);
    // A replica was killed, and another one recovered its rotation.
    assert_eq!(reset(&[("started", ""), ("recovered", "NewPasswordLost")]), [""; 0]);
    assert_eq!(reset(&[("started", "")]), [KEPT]);
    assert_eq!(
        broken(|story| story.add(30.0, "sandbox", json!({ "what": "reset", "by": "h1-0", "ok": true }))),
        [KEPT]
    );
}

#[test]
fn a_fleet_that_does_not_agree_on_one_session_is_refuted() {
    assert_eq!(broken(|story| story.request(75.0, "h2-0", "session-2")), [CALM]);
    // Within the 30 seconds another session is allowed.
    assert_eq!(broken(|story| story.request(60.0, "h2-0", "session-2")), [""; 0]);
    assert_eq!(broken(|story| story.failed(70.5, 71.0, "h1-0", "timeout")), [FAIL, CALM]);
    let without_a_host = |story: &mut Story| story.0.retain(|(at, event)| *at < 70.0 || event["by"] != "h3-0");
    assert_eq!(broken(without_a_host), [CALM]);
}
