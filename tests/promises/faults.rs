//! What the network does to a call: it ends in time, in bounded memory, with an error that says what is known.

use std::time::Duration;

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation};
use thingspace_session::{Error, Retries};
use tokio::time::Instant;

use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials, platform_requests, sandbox, session};

#[tokio::test]
async fn a_login_whose_answer_was_lost_is_not_sent_again() {
    for fault in [Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate, Fault::answer(503, "busy")] {
        let (sandbox, thingspace) = sandbox().await;
        sandbox.fault(Operation::Login, fault.clone(), 9);
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(!error.is_retryable(), "{fault:?}: {error:?}");
        assert_eq!(platform_requests(&sandbox), 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_reset_whose_answer_was_lost_is_not_sent_again() {
    for fault in [
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::Truncate,
        Fault::answer(429, "slow down").with_header("retry-after", "0"),
        Fault::answer(500, ""),
        Fault::gateway("900800"),
    ] {
        let (sandbox, _thingspace, session) = session().await;
        let before = platform_requests(&sandbox);
        sandbox.fault(Operation::Reset, fault.clone(), 9);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert!(!error.is_retryable(), "{fault:?}: {error:?}");
        assert_eq!(platform_requests(&sandbox), before + 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_reset_sent_by_hand_is_no_more_repeated_than_the_facades_own() {
    let (sandbox, _thingspace, session) = session().await;
    let before = platform_requests(&sandbox);
    sandbox.fault(Operation::Reset, Fault::answer(429, "slow down").with_header("retry-after", "0"), 9);
    let request = session.request(Method::PUT, "/m2m/v1/session/password/actions/reset").unwrap();
    let request = request.json(&serde_json::json!({ "oldPassword": PASSWORD }));
    assert_eq!(session.send(request).await.unwrap().status(), 429);
    assert_eq!(platform_requests(&sandbox), before + 1);
}

#[tokio::test]
async fn a_broken_connection_is_told_as_one_that_may_have_been_processed() {
    for fault in [Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Reset, fault.clone(), 1);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("may have processed"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_with_its_time() {
    let (sandbox, _) = sandbox().await;
    let limit = Duration::from_secs(30);
    let thingspace = client_of(&sandbox).timeout(limit).build().unwrap();
    for fault in [Fault::Delay(Duration::from_secs(3600)), Fault::Drip { interval: Duration::from_secs(1) }] {
        sandbox.fault(Operation::Login, fault.clone(), 1);
        let started = Instant::now();
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(error.is_timeout() && !error.is_retryable(), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("30s") && error.to_string().contains("may have"), "{error}");
        let took = started.elapsed();
        assert!((limit..limit + Duration::from_secs(1)).contains(&took), "{fault:?} took {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_time_for_an_access_token_is_part_of_the_call() {
    let (sandbox, _) = sandbox().await;
    let limit = Duration::from_secs(30);
    let thingspace = client_of(&sandbox).timeout(limit).build().unwrap();
    sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(3600)), 9);
    let started = Instant::now();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable(), "nothing went to the platform: {error:?}");
    assert!(started.elapsed() < limit + Duration::from_secs(1));
    assert_eq!(platform_requests(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_have_a_time_of_its_own() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(3600)), 1);
    let request = session.request(Method::POST, ECHO).unwrap().timeout(Duration::from_secs(5));
    let started = Instant::now();
    session.send(request).await.unwrap_err();
    assert!(started.elapsed() < Duration::from_secs(6));
}

#[tokio::test]
async fn a_hundred_megabytes_are_an_error_and_are_not_read() {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).response_limit(64 * 1024).retries(Retries::none()).build().unwrap();
    for status in [200, 400, 503] {
        sandbox.fault(Operation::Login, Fault::answer(status, " ".repeat(100 * 1024 * 1024)), 1);
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{status}: {error:?}");
        assert!(error.to_string().contains("65536 bytes"), "{error}");
    }
}

#[tokio::test]
async fn send_streams_a_success_of_any_size_and_hands_back_an_error_whole() {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).response_limit(1024).retries(Retries::none()).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    for status in [200, 400, 503] {
        let body: String = ('a'..='z').cycle().take(3_000_000).collect();
        sandbox.fault(Operation::Other, Fault::answer(status, body.clone()), 1);
        let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
        assert_eq!(answer.status().as_u16(), status);
        assert!(answer.url().path().ends_with(ECHO));
        assert!(answer.text().await.unwrap() == body, "{status}");
    }
}

#[tokio::test]
async fn the_other_half_of_a_lost_answer_is_seen_on_the_platform() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    session.reset_password(PASSWORD).await.unwrap_err();
    assert_eq!(sandbox.counters().resets_processed, 1);
    assert_ne!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
}
