//! Outages: a failure that is not about the credentials needs no operator.

use crate::support::{ECHO, USERNAME, calls_until, client_of, credentials};
use reqwest::Method;
use serde_json::json;
use std::{collections::BTreeSet, time::Duration};
use thingspace_sandbox::{Fault, Operation};
use thingspace_session::{Credentials, Error};
use tokio::time::Instant;

use super::{Bench, RIGHT};

#[tokio::test(start_paused = true)]
async fn verified_credentials_log_in_again_after_an_outage() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1000);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let before = bench.attempts();
    let mut errors = 0;
    for _ in 0..60 {
        // One call a minute for an hour.
        errors += u32::from(ask().await.is_err());
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let tries = bench.attempts() - before;
    assert_eq!(errors, 60);
    assert!((12..=40).contains(&tries), "the backoff grows to five minutes with jitter: {tries} logins in an hour");
    bench.sandbox.clear_faults();
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(ask().await.unwrap().status(), 200);
    assert_eq!(bench.sandbox.strikes(USERNAME), 0);
}

#[tokio::test(start_paused = true)]
async fn the_backoff_after_a_login_without_a_response_has_jitter() {
    let mut waits = BTreeSet::new();
    for _ in 0..20 {
        let bench = Bench::new().await;
        let session = bench.start(RIGHT).await.unwrap();
        bench.sandbox.expire_session(USERNAME);
        bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1);
        let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
        ask().await.unwrap_err();
        let started = Instant::now();
        assert_eq!(ask().await.unwrap().status(), 200);
        let wait = started.elapsed().as_millis();
        assert!((500..1010).contains(&wait), "a second, less up to half by jitter: {wait} ms");
        waits.insert(wait);
    }
    assert!(waits.len() > 5, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn a_login_that_was_not_processed_does_not_count_and_is_repeated() {
    for fault in [Fault::gateway("900800"), Fault::answer(429, "").with_header("retry-after", "3")] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, fault.clone(), 4);
        let credentials = Credentials::new(USERNAME, "never-worked");
        bench.patient().start_session(credentials).await.unwrap_err();
        assert_eq!(bench.attempts(), 5, "{fault:?}: repeated until the platform rejected it");
        assert_eq!(bench.sandbox.strikes(USERNAME), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_that_was_not_sent_is_not_a_failure() {
    let bench = Bench::new().await;
    for number in 0..3 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    bench.sandbox.fault(Operation::Login, Fault::gateway("900800"), 6);
    for _ in 0..6 {
        let error = bench.start("never-worked").await.unwrap_err();
        assert!(!matches!(error, Error::LoginSuspended(_)), "{error:?}");
    }
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_explicit_login_ends_the_backoff_for_all_processes() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1000);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let is_long = |error| matches!(error, Error::LoginBackoff { wait } if wait > Duration::from_secs(100));
    calls_until(Duration::from_secs(10), async || is_long(ask().await.unwrap_err()).then_some(())).await;
    bench.sandbox.clear_faults();
    bench.process().reset_login_guard(USERNAME).await.unwrap();
    let started = Instant::now();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_retries_a_login_is_sent_once() {
    let bench = Bench::new().await;
    bench.sandbox.fault(Operation::Login, Fault::answer(429, ""), 4);
    let error = bench.start(RIGHT).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), bench.attempts()), (429, 1), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_gateway_rejection_does_not_count_and_a_gateway_timeout_does() {
    for (fault, counts) in [
        (Fault::gateway("900906"), false),
        (Fault::json(404, &json!({ "fault": { "code": "404", "message": "No matching resource" } })), false),
        (Fault::json(504, &json!({ "fault": { "code": "101504", "message": "Send timeout" } })), true),
        (Fault::json(404, &json!({ "fault": { "code": "101503", "message": "Connection lost" } })), true),
        (Fault::json(500, &json!({ "fault": { "code": "303001", "message": "Runtime error" } })), true),
    ] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, fault.clone(), 1000);
        for _ in 0..3 {
            bench.start("maybe").await.unwrap_err();
        }
        assert_eq!(bench.attempts(), if counts { 2 } else { 3 }, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_failed_token_request_does_not_count() {
    let bench = Bench::new().await;
    for fault in [
        Fault::CloseAfter,
        Fault::answer(500, ""),
        Fault::answer(200, "{}"),
        Fault::answer(401, r#"{"error":"invalid_client"}"#),
    ] {
        for _ in 0..5 {
            bench.sandbox.fault(Operation::Token, fault.clone(), 1);
            let error = bench.process_limited().start_session(credentials()).await.unwrap_err();
            assert!(!matches!(error, Error::LoginSuspended(_)) && !error.may_have_been_processed(), "{error:?}");
        }
    }
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_retry_after_of_any_length_is_an_error_and_no_panic() {
    // The last pause ends exactly at the deadline of the call.
    for wait in ["9223372036854775807", "18446744073709551615", "600", "60"] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, Fault::answer(429, "").with_header("retry-after", wait), 100);
        let error = bench.patient().start_session(credentials()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), bench.attempts()), (429, 1), "{wait}: {error:?}");
        bench.sandbox.clear_faults();
        bench.start(RIGHT).await.unwrap();
    }
}

#[tokio::test]
async fn the_longest_possible_timeout_works() {
    let bench = Bench::new().await;
    let client = || client_of(&bench.sandbox).timeout(Duration::MAX).build().unwrap();
    let session = client().start_session(credentials()).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    session.reset_password(RIGHT).await.unwrap();
    client().reset_login_guard(USERNAME).await.unwrap();
}
