//! The crate repeats a request with a dead session as often as there is a newer session.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, MemoryStore, SessionToken};
use tokio::time::sleep;

use super::{SECOND, ask, get, logins};
use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials, pass, platform_requests, session};

const EXPIRED: &str = "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired";
const NOT_FOUND: &str = "UnifiedWebService.REQUEST_FAILED.AccountNotFound";
const LOGOUT: &str = "/m2m/v1/session/logout";

/// Every request succeeds. The number of logins is at most one more than that of ended sessions.
async fn crowd(tasks: u64, requests: u64, requests_per_session: u64) {
    let sandbox = Sandbox::builder().requests_per_session(requests_per_session).start().await.unwrap();
    let session = client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
    let tasks_of = |_| {
        let session = session.clone();
        tokio::spawn(async move {
            let mut statuses = Vec::new();
            for _ in 0..requests {
                statuses.push(ask(&session).await.map_err(|error| error.to_string()));
            }
            statuses
        })
    };
    let running: Vec<_> = (0..tasks).map(tasks_of).collect();
    let mut succeeded = 0;
    for task in running {
        for status in task.await.unwrap() {
            assert_eq!(status, Ok(200));
            succeeded += 1;
        }
    }
    assert_eq!(succeeded, tasks * requests);
    assert_eq!(logins(&sandbox), (succeeded.div_ceil(requests_per_session), 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_on_a_platform_that_ends_its_sessions_all_the_time_loses_no_request() {
    crowd(64, 40, 97).await;
    crowd(64, 4, 7).await;
    crowd(16, 4, 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_accepts_no_session_is_not_flooded() {
    let (sandbox, _thingspace, session) = session().await;
    assert_eq!(ask(&session).await.unwrap(), 200);
    sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 1000);
    for _ in 0..20 {
        assert_eq!(ask(&session).await.unwrap(), 400);
    }
    assert!(logins(&sandbox).0 <= 3, "{:?}", logins(&sandbox));
    assert!(platform_requests(&sandbox) <= 3 + 22 + 1, "{}", platform_requests(&sandbox));
}

#[tokio::test(start_paused = true)]
async fn one_address_that_calls_every_session_dead_does_not_flood_a_platform_that_accepts_them() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).timeout(Duration::from_secs(10)).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    // The response to the other task shows that the platform accepted its session.
    let other = tokio::spawn({
        let session = session.clone();
        async move {
            loop {
                let reset = session.request(Method::PUT, "/m2m/v1/session/password/actions/reset").unwrap();
                session.send(reset.json(&json!({ "oldPassword": "wrong" }))).await.unwrap();
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    });
    sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 100_000);
    let begun = tokio::time::Instant::now();
    let _ = ask(&session).await;
    other.abort();
    let (logins, seconds) = (logins(&sandbox).0, begun.elapsed().as_secs());
    assert!(logins <= 20 + 3 * seconds, "{logins} logins in {seconds} s");
}

fn ambiguous() -> Vec<Value> {
    vec![
        json!({ "errorCode": "INPUT_INVALID", "errorMessage": "UWS verification failure (The Session has expired.)" }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "UWS verification failure (The Session has expired.)" }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The session token is no longer valid." }),
        json!({ "code": "INVALID_PARAMETER", "message": "Session expired" }),
        json!({ "error": "unauthorized", "message": "no", "cause": "who are you" }),
        json!({ "error": "invalid_request", "cause": "SessionToken is invalid" }),
        json!({ "error": { "code": "AUTH", "message": "your session timed out" } }),
        json!({ "error": { "message": "Session not found." } }),
        json!({ "errors": [{ "detail": "The session has ended." }] }),
        json!({ "errorCode": "X.REQUEST_FAILED.SessionExpired", "errorMessage": "no" }),
        json!({ "code": "SESSION_EXPIRED" }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The VZ-M2M-Token is invalid." }),
    ]
}

#[tokio::test]
async fn a_rejection_whose_message_is_about_the_session_leads_to_one_login_in_an_interval() {
    for body in ambiguous() {
        let (sandbox, _thingspace, session) = session().await;
        // A service with only this call: the crate renews the session, even one that was never accepted.
        sandbox.fault(Operation::Other, Fault::json(400, &body), 1);
        assert_eq!(ask(&session).await.unwrap(), 200, "{body}");
        assert_eq!(logins(&sandbox), (2, 0), "{body}");
        // The second rejection is returned.
        sandbox.fault(Operation::Other, Fault::json(400, &body), 1000);
        pass(Duration::from_secs(61)).await;
        for _ in 0..5 {
            let answer = session.send(get(&session)).await.unwrap();
            assert_eq!(answer.status(), 400);
            assert_eq!(answer.json::<Value>().await.unwrap(), body, "the complete body");
        }
        assert_eq!(logins(&sandbox), (3, 0), "{body}");
        pass(Duration::from_secs(61)).await;
        ask(&session).await.unwrap();
        assert_eq!(logins(&sandbox), (4, 0), "{body}");
    }
}

#[tokio::test]
async fn a_rejection_whose_message_is_not_about_the_session_is_returned() {
    for body in [
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The account name is invalid." }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The subscription has expired." }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The parameter sessionType is invalid." }),
        json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The IMEI is invalid, see the session log." }),
        json!({ "errorCode": "X.INPUT_INVALID.SessionType", "errorMessage": "no" }),
        json!({ "errorCode": NOT_FOUND, "errorMessage": "There is no session of this device." }),
    ] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Other, Fault::json(400, &body), 1000);
        assert_eq!(ask(&session).await.unwrap(), 400);
        assert_eq!(logins(&sandbox), (1, 0), "{body}");
    }
}

/// After two sessions that died before their first use, a process uses the third one, which another process started.
#[tokio::test(start_paused = true)]
async fn after_sessions_that_die_before_their_first_use_a_process_uses_the_newer_one_of_another() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let start = async || {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let (busy, late) = (start().await, start().await);
    assert_eq!(ask(&busy).await.unwrap(), 200);
    sandbox.expire_session(USERNAME);
    assert_eq!(ask(&busy).await.unwrap(), 200);
    sandbox.expire_session(USERNAME);
    // The first session is dead, and so is the one in the store.
    assert_eq!(ask(&late).await.unwrap(), 400);
    for number in 3..6 {
        assert_eq!(ask(&busy).await.unwrap(), 200);
        assert_eq!(logins(&sandbox), (number, 0));
        assert_eq!(ask(&late).await.unwrap(), 200, "{number}");
        sandbox.expire_session(USERNAME);
    }
    assert_eq!(logins(&sandbox), (5, 0));
}

/// The test detects acceptance by a dead session: one that was never accepted is renewed once a minute.
#[tokio::test(start_paused = true)]
async fn only_a_success_or_a_certain_code_counts_as_acceptance_of_the_session() {
    let looked_at = json!({ "errorCode": NOT_FOUND, "errorMessage": "no" });
    let elsewhere = json!({ "error": "REQUEST_FAILED", "message": "no" });
    for (answer, accepted) in [
        (Fault::json(200, &json!({})), true),
        (Fault::json(400, &looked_at), true),
        (Fault::json(404, &looked_at), true),
        (Fault::json(400, &json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "no" })), false),
        (Fault::json(400, &json!({ "errorCode": "A.INPUT_INVALID.Body.Missing", "errorMessage": "no" })), false),
        (Fault::json(400, &elsewhere), false),
        (Fault::answer(404, "not here"), false),
        (Fault::answer(400, "<html>"), false),
        (Fault::gateway("900906"), false),
    ] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 1);
        sandbox.fault(Operation::Other, answer.clone(), 1);
        ask(&session).await.unwrap();
        assert_eq!(logins(&sandbox), (2, 0));
        sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 1);
        let status = ask(&session).await.unwrap();
        assert_eq!((status, logins(&sandbox).0), if accepted { (200, 3) } else { (400, 2) }, "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_that_a_caller_reports_as_dead_is_renewed_by_the_next_call_and_by_nothing_else() {
    let (sandbox, _thingspace, session) = session().await;
    let first = session.token().await.unwrap();
    sandbox.expire_session(USERNAME);
    let before = platform_requests(&sandbox);
    session.clone().invalidate(&first);
    tokio::task::yield_now().await;
    assert_eq!(platform_requests(&sandbox), before, "no request is sent");
    let second = session.token().await.unwrap();
    assert_ne!(second.expose_secret(), first.expose_secret());
    assert_eq!((logins(&sandbox), platform_requests(&sandbox) - before), ((2, 0), 1));

    for stale in [&first, &SessionToken::from("of another process"), &SessionToken::from("")] {
        session.invalidate(stale);
        assert_eq!(session.token().await.unwrap().expose_secret(), second.expose_secret());
    }
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (2, 0));

    // Each report of the caller renews the session, even one that no request of this crate confirmed.
    for number in 3..6 {
        session.invalidate(&session.token().await.unwrap());
        session.token().await.unwrap();
        assert_eq!(logins(&sandbox), (number, 0));
    }
}

#[tokio::test]
async fn a_dead_token_in_the_store_is_not_used_again() {
    let sandbox = Sandbox::start().await.unwrap();
    let store = MemoryStore::new();
    let session = client_of(&sandbox).store(store).build().unwrap().start_session(credentials()).await.unwrap();
    let first = session.token().await.unwrap();
    session.invalidate(&first);
    assert_ne!(session.token().await.unwrap().expose_secret(), first.expose_secret());
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn a_session_that_a_caller_ends_by_other_means_has_ended() {
    for by_hand in [false, true] {
        let sandbox = Sandbox::start().await.unwrap();
        let store = MemoryStore::new();
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        let clone = session.clone();
        if by_hand {
            let logout = clone.request(Method::POST, LOGOUT).unwrap();
            assert_eq!(clone.send(logout).await.unwrap().status(), 200);
        } else {
            clone.api().end_connectivity_management_session().send().await.unwrap();
        }
        assert!(matches!(ask(&session).await.unwrap_err(), Error::SessionEnded));
        assert!(matches!(session.token().await.unwrap_err(), Error::SessionEnded));
        assert!(matches!(session.end().await.unwrap_err(), Error::SessionEnded));
        assert_eq!((logins(&sandbox), sandbox.counters().logouts), ((1, 0), 1));

        // The store no longer has it: another session of the user logs in and does not use a dead one.
        let other = thingspace.start_session(credentials()).await.unwrap();
        let before = platform_requests(&sandbox);
        assert_eq!(ask(&other).await.unwrap(), 200);
        assert_eq!((logins(&sandbox), platform_requests(&sandbox) - before), ((2, 0), 1));
    }
}

#[tokio::test]
async fn a_logout_that_the_platform_refuses_ends_nothing() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Logout, Fault::refused(NOT_FOUND), 2);
    session.api().end_connectivity_management_session().send().await.unwrap_err();
    let logout = session.request(Method::POST, LOGOUT).unwrap();
    assert_eq!(session.send(logout).await.unwrap().status(), 400);
    let request = session.request(Method::GET, ECHO).unwrap();
    assert_eq!(session.send(request).await.unwrap().status(), 200);
    assert_eq!(logins(&sandbox), (1, 0));
}

#[tokio::test]
async fn a_timeout_of_the_platform_is_not_about_the_session() {
    let (sandbox, _thingspace, session) = session().await;
    let body = json!({ "errorCode": "A.REQUEST_FAILED.Timeout", "errorMessage": "The session timed out." }).to_string();
    sandbox.fault(Operation::Other, Fault::answer_after(408, body.clone()), 9);
    let request = session.request(Method::POST, ECHO).unwrap().json(&7);
    assert_eq!(session.send(request).await.unwrap().status(), 408);
    assert_eq!((logins(&sandbox), sandbox.counters().other_requests), ((1, 0), 1), "the crate sends it once");
}

#[tokio::test]
async fn a_reset_that_may_have_been_processed_is_not_retryable() {
    for status in [401, 403, 408] {
        let (sandbox, _thingspace, session) = session().await;
        let body = json!({ "errorCode": "INVALID_PARAMETER", "errorMessage": "The session has expired." }).to_string();
        sandbox.fault(Operation::Reset, Fault::answer_after(status, body), 1);
        let request = thingspace_session::api::types::SessionResetPasswordRequest::builder().old_password(PASSWORD);
        let error = session.api().reset_connectivity_management_password().body(request).send().await.unwrap_err();
        assert!(!Error::from(error).is_retryable(), "{status}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_without_an_accepted_session_does_not_claim_a_renewal() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Reset, Fault::refused(EXPIRED), 1000);
    assert!(matches!(session.reset_password(PASSWORD).await.unwrap_err(), Error::SessionRenewed));
    let error = session.reset_password(PASSWORD).await.unwrap_err();
    assert!(error.is_session_expired() && !error.is_retryable(), "{error:?}");
    assert_eq!(logins(&sandbox), (2, 0));
}

/// A program that runs now and then with a session from a store. Any run can be the first to find it dead.
#[tokio::test]
async fn a_program_that_is_started_now_and_then_recovers_from_an_ambiguous_rejection() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    for run in 1..5 {
        let session = client_of(&sandbox).store(store.clone()).build().unwrap();
        let session = session.start_session(credentials()).await.unwrap();
        if run > 1 {
            sandbox.fault(Operation::Other, Fault::json(400, &ambiguous()[0]), 1);
        }
        assert_eq!(ask(&session).await.unwrap(), 200, "{run}");
        assert_eq!(logins(&sandbox), (run, 0));
        pass(Duration::from_secs(600)).await;
    }
}

#[tokio::test]
async fn an_ended_session_that_was_reported_dead_is_not_left_in_the_store() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let thingspace = client_of(&sandbox).store(store).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    let first = session.token().await.unwrap();
    session.invalidate(&first);
    session.end().await.unwrap();
    let other = thingspace.start_session(credentials()).await.unwrap();
    assert_ne!(other.token().await.unwrap().expose_secret(), first.expose_secret());
}

#[tokio::test]
async fn a_logout_elsewhere_ends_nothing() {
    let (sandbox, elsewhere) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
    let origin = format!("http://{}", elsewhere.address());
    elsewhere.fault(Operation::Any, Fault::json(200, &json!({ "sessionToken": "x" })), 1);
    let thingspace = client_of(&sandbox).allow_origin(&origin).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    let logout = reqwest::Client::new().post(format!("{origin}/api{LOGOUT}"));
    assert_eq!(session.send(logout).await.unwrap().status(), 200);
    assert_eq!(ask(&session).await.unwrap(), 200);
    session.end().await.unwrap();
    assert_eq!(sandbox.counters().logouts, 1);
}

/// The response to an earlier request may arrive a moment later.
#[tokio::test(start_paused = true)]
async fn a_session_that_is_rejected_a_moment_before_its_first_acceptance_is_renewed() {
    for is_reset in [false, true] {
        let (sandbox, _thingspace, session) = session().await;
        // Neither the first nor the second session was accepted, so the crate starts no third one.
        sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 1);
        sandbox.fault(Operation::Other, Fault::answer(404, "not here"), 1);
        assert_eq!((ask(&session).await.unwrap(), logins(&sandbox)), (404, (2, 0)));
        sandbox.fault(Operation::Other, Fault::Delay(SECOND / 2), 1);
        let accepted = tokio::spawn({
            let session = session.clone();
            async move { ask(&session).await }
        });
        sleep(SECOND / 10).await;
        if is_reset {
            sandbox.fault(Operation::Reset, Fault::refused(EXPIRED), 1);
            let error = session.reset_password(PASSWORD).await.unwrap_err();
            assert!(matches!(error, Error::SessionRenewed), "{error:?}");
        } else {
            sandbox.fault(Operation::Other, Fault::refused(EXPIRED), 1);
            assert_eq!(ask(&session).await.unwrap(), 200);
        }
        assert_eq!((accepted.await.unwrap().unwrap(), logins(&sandbox)), (200, (3, 0)));
    }
}
