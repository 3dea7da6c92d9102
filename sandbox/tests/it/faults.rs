//! Faults that a test injects.

use std::time::Duration;

use futures_util::StreamExt as _;
use reqwest::{Method, StatusCode};
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use tokio::time::Instant;

use crate::contract;
use crate::support::{Answer, Caller, EXPIRED, LOGIN, PASSWORD, RESET, REVOKE, USERNAME, until};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test(start_paused = true)]
async fn a_delayed_request_is_processed_normally_later() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.fault(Operation::Login, Fault::Delay(MINUTE), 1);
    let before = Instant::now();
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.status, StatusCode::OK);
    assert!(before.elapsed() >= MINUTE);
}

#[tokio::test(start_paused = true)]
async fn a_delayed_request_is_processed_even_if_its_caller_has_disconnected() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.fault(Operation::Login, Fault::Delay(MINUTE), 1);
    let login = tokio::spawn(async move { caller.log_in(USERNAME, PASSWORD).await });
    until(|| sandbox.counters().requests == 2).await;
    login.abort();
    assert!(login.await.is_err());
    assert_eq!(sandbox.counters().logins_attempted, 0);

    tokio::time::advance(MINUTE).await;

    until(|| sandbox.counters().logins_succeeded == 1).await;
}

#[tokio::test]
async fn an_injected_response_replaces_the_processing() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let fault = Fault::answer(503, "<html>later</html>").with_header("Retry-After", "7").with_header("x", "1");
    sandbox.fault(Operation::Login, fault.with_header("x", "2"), 1);

    let response = caller.request(Method::POST, LOGIN).send().await.unwrap();

    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(response.headers()["retry-after"], "7");
    assert_eq!(response.headers()["content-type"], "text/plain");
    assert_eq!(response.headers().get_all("x").iter().collect::<Vec<_>>(), ["1", "2"]);
    assert_eq!(response.text().await.unwrap(), "<html>later</html>");
    let counters = sandbox.counters();
    assert_eq!((counters.requests, counters.logins_attempted), (2, 0));
}

#[tokio::test]
async fn a_connection_closed_before_processing_changes_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    let lost = caller.request(Method::PUT, RESET).json(&json!({ "oldPassword": PASSWORD })).send().await;
    assert!(lost.is_err());
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
    assert_eq!((sandbox.counters().resets_attempted, sandbox.requests().len()), (0, 3));
}

#[tokio::test]
async fn a_request_is_processed_if_the_connection_closes_after_processing() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    let lost = caller.request(Method::PUT, RESET).json(&json!({ "oldPassword": PASSWORD })).send().await;
    assert!(lost.is_err());
    assert_ne!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
    assert_eq!(sandbox.counters().resets_processed, 1);
}

#[tokio::test]
async fn a_truncated_response_ends_in_the_middle_after_the_request_was_processed() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Reset, Fault::Truncate, 1);
    let request = caller.request(Method::PUT, RESET).json(&json!({ "oldPassword": PASSWORD }));

    let response = request.send().await.unwrap();

    assert_eq!(response.status(), StatusCode::OK);
    let promised = usize::try_from(response.content_length().unwrap()).unwrap();
    let chunks: Vec<_> = response.bytes_stream().collect().await;
    let received = chunks.iter().flatten().flatten().count();
    assert_eq!(received, promised / 2);
    assert!(chunks.last().unwrap().is_err());
    assert_eq!(sandbox.counters().resets_processed, 1);
}

#[tokio::test]
async fn truncating_a_response_without_a_body_sends_no_response() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.fault(Operation::Other, Fault::Truncate, 1);
    let revoke = caller.http.post(caller.url(REVOKE)).basic_auth("sandbox-key", Some("sandbox-secret"));
    assert!(revoke.form(&[("token", &caller.access_token)]).send().await.is_err());
    assert_eq!(caller.echo().await.fault_code(), "900901");
}

#[tokio::test]
async fn an_injected_response_after_processing_hides_the_real_one() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.fault(Operation::Login, Fault::answer_after(502, "bad gateway"), 1);
    let login = json!({ "username": USERNAME, "password": "wrong" });
    let answer = Answer::to(caller.request(Method::POST, LOGIN).json(&login)).await;
    assert_eq!(answer.status, StatusCode::BAD_GATEWAY);
    assert_eq!(sandbox.strikes(USERNAME), 1);
}

#[tokio::test(start_paused = true)]
async fn a_dripping_response_arrives_completely_one_byte_at_a_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.fault(Operation::Login, Fault::Drip { interval: MINUTE }, 1);
    let before = Instant::now();
    let answer = caller.log_in(USERNAME, PASSWORD).await;
    let length: u32 = answer.header("content-length").unwrap().parse().unwrap();
    assert_eq!(answer.text("sessionToken").len(), 36);
    assert!(before.elapsed() >= length * MINUTE);
}

#[tokio::test]
async fn faults_apply_in_order_the_given_number_of_times_and_to_their_operation_only() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Other, Fault::answer(500, ""), 2);
    sandbox.fault(Operation::Other, Fault::answer(501, ""), 0);
    sandbox.fault(Operation::Any, Fault::answer(502, ""), 2);

    let mut statuses = Vec::new();
    for _ in 0..2 {
        statuses.push(caller.echo().await.status.as_u16());
        statuses.push(caller.token().await.status.as_u16());
    }
    statuses.push(caller.echo().await.status.as_u16());

    assert_eq!(statuses, [500, 502, 500, 502, 200]);
}

#[tokio::test]
async fn a_fault_can_apply_to_each_single_operation() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let operations = [Operation::Token, Operation::Login, Operation::Logout, Operation::Reset, Operation::Other];
    for (status, operation) in (530..).zip(operations) {
        sandbox.fault(operation, Fault::answer(status, ""), 1);
    }
    let send = async |method, path| Answer::to(caller.request(method, path)).await.status.as_u16();
    assert_eq!(send(Method::PUT, RESET).await, 533);
    assert_eq!(send(Method::POST, "/m2m/v1/x").await, 534);
    assert_eq!(send(Method::POST, "/m2m/v1/session/logout").await, 532);
    assert_eq!(send(Method::POST, LOGIN).await, 531);
    assert_eq!(caller.token().await.status.as_u16(), 530);
}

#[tokio::test]
async fn cleared_faults_do_not_happen() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Any, Fault::CloseBefore, 9);
    sandbox.clear_faults();
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn injected_error_responses_have_the_form_of_real_ones() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    for (code, status) in [("900901", 401), ("900902", 401), ("900906", 400), ("900800", 429), ("900999", 401)] {
        sandbox.fault(Operation::Other, Fault::gateway(code), 1);
        let answer = caller.echo().await;
        assert_eq!((answer.status.as_u16(), answer.fault_code()), (status, code));
        contract::fault_shape(&answer.body).unwrap();
    }
    sandbox.fault(Operation::Reset, Fault::refused(EXPIRED), 1);
    assert_eq!(caller.reset(PASSWORD).await.error_code(), EXPIRED);
}

#[tokio::test]
#[should_panic(expected = "99 is not a status of a response")]
async fn an_invalid_fault_panics_where_the_test_injects_it() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Operation::Any, Fault::answer(99, ""), 1);
}

#[test]
fn a_fault_is_unchanged_after_writing_and_reading_json() {
    let faults = [
        Fault::Delay(MINUTE),
        Fault::answer(503, "later").with_header("retry-after", "1"),
        Fault::Answer { status: 204, headers: Vec::new(), body: Vec::new() },
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::Truncate,
        Fault::answer_after(500, "x"),
        Fault::Drip { interval: Duration::from_millis(5) },
    ];
    for fault in faults {
        let written = serde_json::to_string(&fault).unwrap();
        let read: Fault = serde_json::from_str(&written).unwrap();
        assert_eq!(read, fault, "{written}");
    }
}
