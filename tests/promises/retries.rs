//! A caller sets the retries of one request, and the pauses and the timeout of an attempt for all requests. A login and a
//! reset keep the `x-retry` of `openapi.yaml`.

use std::time::Duration;

use reqwest::Method;
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, Retry, RetryPolicy, Session};
use tokio::time::Instant;

use crate::support::{
    ECHO, PASSWORD, USERNAME, arrived, client_of, credentials, platform_requests, runtimes, session, token_requests,
};

/// Status and number of requests of one call that meets `fault` up to `times` times; 0 for an error.
async fn sent(method: Method, retry: Retry, fault: Fault, times: u32) -> (u16, usize) {
    let (sandbox, _thingspace, session) = session().await;
    let before = platform_requests(&sandbox);
    sandbox.fault(Operation::Other, fault, times);
    let answer = session.send_with(session.request(method, ECHO).unwrap(), retry).await;
    (answer.map_or(0, |answer| answer.status().as_u16()), platform_requests(&sandbox) - before)
}

#[tokio::test(start_paused = true)]
async fn a_post_is_sent_again_after_a_passing_failure_if_its_caller_allows_it() {
    for fault in [Fault::answer(503, ""), Fault::CloseBefore, Fault::CloseAfter] {
        assert_eq!(sent(Method::POST, Retry::Always, fault, 2).await, (200, 3));
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_of_any_method_is_sent_again_as_its_caller_sets() {
    let throttled = || Fault::json(429, &json!({ "fault": { "code": "900800", "message": "throttled out" } }));
    assert_eq!(sent(Method::GET, Retry::IfNotProcessed, Fault::answer(503, ""), 1).await, (503, 1));
    assert_eq!(sent(Method::GET, Retry::IfNotProcessed, Fault::CloseAfter, 1).await, (0, 1));
    assert_eq!(sent(Method::GET, Retry::IfNotProcessed, throttled(), 1).await, (200, 2));
    assert_eq!(sent(Method::GET, Retry::IfNotSent, throttled(), 1).await, (429, 1));
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_sent_once_fails_with_session_renewed_if_its_session_is_dead() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    let error = session.send_with(session.request(Method::GET, ECHO).unwrap(), Retry::IfNotSent).await.unwrap_err();
    assert!(matches!(error, Error::SessionRenewed), "{error:?}");
    assert_eq!(arrived(&sandbox, ECHO), 1);
}

#[tokio::test(start_paused = true)]
async fn no_caller_can_make_the_crate_send_a_login_or_a_reset_twice() {
    for (operation, path, body) in [
        (Operation::Login, "/m2m/v1/session/login", json!({ "username": USERNAME, "password": PASSWORD })),
        (Operation::Reset, "/m2m/v1/session/password/actions/reset", json!({ "oldPassword": PASSWORD })),
    ] {
        for fault in [Fault::answer(503, ""), Fault::CloseAfter] {
            let (sandbox, _thingspace, session) = session().await;
            let before = arrived(&sandbox, path);
            sandbox.fault(operation, fault, 1);
            let method = if operation == Operation::Reset { Method::PUT } else { Method::POST };
            let request = session.request(method, path).unwrap().json(&body);
            let outcome = session.send_with(request, Retry::Always).await;
            assert!(outcome.is_err() || outcome.is_ok_and(|answer| answer.status() == 503), "{path}");
            assert_eq!(arrived(&sandbox, path) - before, 1, "{path}");
        }
    }
}

#[test]
fn the_blocking_api_has_the_same_settings() {
    let [runtime, _] = runtimes();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let thingspace = client_of(&sandbox).retry_policy(quick()).build_blocking().unwrap();
    let session = thingspace.start_session(credentials()).unwrap();
    sandbox.fault(Operation::Other, Fault::answer(503, ""), 1);
    let answer = session.send_with(session.request(Method::POST, ECHO).unwrap(), Retry::Always).unwrap();
    assert_eq!((answer.status().as_u16(), arrived(&sandbox, ECHO)), (200, 2));
}

fn quick() -> RetryPolicy {
    RetryPolicy::new(2).backoff(Duration::from_millis(1))
}

async fn with(policy: RetryPolicy) -> (Sandbox, Session) {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).retry_policy(policy).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    (sandbox, session)
}

/// The duration of one read that meets `fault`.
async fn took(sandbox: &Sandbox, session: &Session, fault: Fault, times: u32) -> (u16, Duration) {
    sandbox.fault(Operation::Other, fault, times);
    let started = Instant::now();
    let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
    (answer.status().as_u16(), started.elapsed())
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_by_the_factor_up_to_the_longest() {
    let base = RetryPolicy::new(4).backoff(Duration::from_secs(1));
    for (policy, seconds) in [
        (base.clone(), 1 + 2 + 4 + 8),
        (base.clone().factor(1.0), 4),
        (base.clone().factor(3.0), 1 + 3 + 9 + 27),
        (base.factor(3.0).max_backoff(Duration::from_secs(5)), 1 + 3 + 5 + 5),
    ] {
        let sandbox = Sandbox::start().await.unwrap();
        let thingspace = client_of(&sandbox).timeout(Duration::from_secs(600)).retry_policy(policy).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        let (status, took) = took(&sandbox, &session, Fault::answer(503, ""), 4).await;
        let (least, most) = (Duration::from_secs(seconds), Duration::from_secs(2 * seconds + 1));
        assert!(status == 200 && (least..most).contains(&took), "{seconds} s, up to doubled by chance: {took:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_retry_after_has_the_configured_limit() {
    let (sandbox, session) = with(quick().max_retry_after(Duration::from_secs(3))).await;
    for (wished, seconds) in [("600", 3), ("2", 2)] {
        let busy = Fault::answer(503, "").with_header("retry-after", wished);
        let (status, took) = took(&sandbox, &session, busy, 1).await;
        assert_eq!((status, took.as_secs()), (200, seconds));
    }
}

const LATE: Fault = Fault::Delay(Duration::from_secs(20));

#[tokio::test(start_paused = true)]
async fn an_attempt_that_timed_out_is_repeated_within_the_time_of_the_call() {
    let (sandbox, session) = with(quick().attempt_timeout(Duration::from_secs(5))).await;
    let (status, took) = took(&sandbox, &session, LATE, 1).await;
    assert_eq!((status, took.as_secs()), (200, 5));
    sandbox.fault(Operation::Other, LATE, 9);
    let error = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
    assert!(error.is_timeout() && error.is_retryable() && error.may_have_been_processed(), "{error:?}");
    assert!(error.to_string().contains("within 5s"), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_token_request_has_the_time_of_an_attempt() {
    let sandbox = Sandbox::start().await.unwrap();
    let policy = quick().attempt_timeout(Duration::from_secs(5));
    let thingspace = client_of(&sandbox).retry_policy(policy).build().unwrap();
    sandbox.fault(Operation::Token, LATE, 1);
    thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), 2);
}

/// Cut off, a login would count as one of unknown outcome, and a reset would lose the new password.
#[tokio::test(start_paused = true)]
async fn the_time_of_an_attempt_cuts_off_no_login_no_reset_and_no_other_request_that_is_sent_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let policy = quick().attempt_timeout(Duration::from_secs(5));
    let thingspace = client_of(&sandbox).retry_policy(policy).build().unwrap();
    sandbox.fault(Operation::Login, LATE, 1);
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(arrived(&sandbox, "/session/login"), 1);
    sandbox.fault(Operation::Reset, LATE, 1);
    let new = session.reset_password(PASSWORD).await.unwrap();
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(new.expose_secret()));
    assert_eq!(arrived(&sandbox, "/actions/reset"), 1);
    sandbox.fault(Operation::Other, LATE, 1);
    let started = Instant::now();
    session.send(session.request(Method::POST, ECHO).unwrap()).await.unwrap();
    assert_eq!((started.elapsed().as_secs(), arrived(&sandbox, ECHO)), (20, 1));
}

#[test]
fn an_invalid_policy_is_an_error_that_names_its_field() {
    for (policy, field) in [
        (RetryPolicy::new(1).factor(0.5), "factor"),
        (RetryPolicy::new(1).factor(f32::NAN), "factor"),
        (RetryPolicy::new(1).factor(f32::INFINITY), "factor"),
        (RetryPolicy::new(1).attempt_timeout(Duration::ZERO), "attempt_timeout"),
    ] {
        let error = thingspace_session::ThingSpace::builder().retry_policy(policy).build().unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }) && error.to_string().contains(field), "{error}");
    }
    for (text, field) in [
        (r#"{ "factor": 0.5 }"#, "`factor`"),
        (r#"{ "factor": "hush" }"#, "`factor`"),
        (r#"{ "attempt_timeout_ms": 0 }"#, "`attempt_timeout_ms`"),
        (r#"{ "attempt_timeout_ms": -1 }"#, "`attempt_timeout_ms`"),
        (r#"{ "backoff_ms": "hush" }"#, "`backoff_ms`"),
        (r#"{ "max_backoff_ms": 1.5 }"#, "`max_backoff_ms`"),
        (r#"{ "max_retry_after_ms": [] }"#, "`max_retry_after_ms`"),
        (r#"{ "max_retries": -1 }"#, "`max_retries`"),
        (r#"{ "statuses": 503 }"#, "`statuses`"),
        (r#"{ "longest": 503 }"#, "`longest`"),
    ] {
        let error = serde_json::from_str::<RetryPolicy>(text).unwrap_err().to_string();
        assert!(error.contains(field) && !error.contains("hush"), "{error}");
    }
    let all = RetryPolicy::new(7).factor(1.5).max_backoff(Duration::from_secs(9)).statuses([503]);
    let all = all.max_retry_after(Duration::from_secs(8)).attempt_timeout(Duration::from_secs(7));
    let written = serde_json::to_value(&all).unwrap();
    assert_eq!(
        written,
        json!({
            "max_retries": 7, "backoff_ms": 500, "factor": 1.5, "max_backoff_ms": 9000,
            "max_retry_after_ms": 8000, "attempt_timeout_ms": 7000, "statuses": [503],
        })
    );
    assert_eq!(serde_json::from_value::<RetryPolicy>(written).unwrap(), all);
}
