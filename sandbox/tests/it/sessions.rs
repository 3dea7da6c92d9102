//! The lifetime of a session.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::json;
use thingspace_sandbox::{Account, Sandbox};

use crate::support::{Caller, ECHO, EXPIRED, FORMAT, INVALID, LOGOUT, PASSWORD, RESET, USERNAME};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_session_expires_after_twenty_minutes_without_use() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.advance(20 * MINUTE);
    assert_eq!(caller.echo().await.error_code(), EXPIRED);
    assert_eq!(caller.reset(PASSWORD).await.error_code(), EXPIRED);
    assert_eq!(caller.log_out().await.error_code(), EXPIRED);
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
}

#[tokio::test]
async fn a_session_in_use_does_not_expire() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    for _ in 0..10 {
        sandbox.advance(19 * MINUTE);
        caller.renew_access_token().await;
        assert_eq!(caller.echo().await.status, StatusCode::OK);
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_also_expires_by_tokios_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    tokio::time::advance(10 * MINUTE).await;
    sandbox.advance(10 * MINUTE);
    assert_eq!(caller.echo().await.error_code(), EXPIRED);
}

#[tokio::test]
async fn a_test_can_expire_a_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    sandbox.expire_session(USERNAME);
    assert_eq!(caller.echo().await.error_code(), EXPIRED);
    caller.start_session().await;
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_login_ends_only_the_older_session_of_that_user() {
    let other = Account::new("other-key", "other-secret", "trillian", "h2g2");
    let sandbox = Sandbox::builder().account(other).start().await.unwrap();
    let older = Caller::in_session(&sandbox).await;
    let mut trillian = Caller::of(&sandbox).await;
    trillian.session_token = trillian.log_in("trillian", "h2g2").await.text("sessionToken");

    let newer = Caller::in_session(&sandbox).await;

    assert_eq!(older.echo().await.error_code(), INVALID);
    assert_eq!(newer.echo().await.status, StatusCode::OK);
    assert_eq!(trillian.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_failed_login_does_not_end_the_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    caller.log_in(USERNAME, "wrong").await;
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_logout_ends_the_session_and_returns_its_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let answer = caller.log_out().await;
    assert_eq!(answer.body, json!({ "sessionToken": caller.session_token }));
    assert_eq!(caller.echo().await.error_code(), INVALID);
    assert_eq!(caller.log_out().await.error_code(), INVALID);
    assert_eq!(sandbox.counters().logouts, 1);
}

#[tokio::test]
async fn the_error_for_an_invalid_session_token_states_the_reason() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::of(&sandbox).await;
    let cases = [
        ("", INVALID),
        ("bcce3ea6-fe4f-4952-bacf-eadd80718e83", INVALID),
        ("garbage", FORMAT),
        ("bcce3ea6fe4f4952bacfeadd80718e83", FORMAT),
        ("{bcce3ea6-fe4f-4952-bacf-eadd80718e83}", FORMAT),
    ];
    for (token, code) in cases {
        caller.session_token = token.to_owned();
        for (method, path) in [(Method::POST, LOGOUT), (Method::PUT, RESET), (Method::GET, ECHO)] {
            assert_eq!(caller.send(method, path, |request| request).await.error_code(), code, "{token}");
        }
    }
}

#[tokio::test]
async fn two_session_tokens_in_one_request_are_invalid() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let twice = |request: reqwest::RequestBuilder| request.header("VZ-M2M-Token", &caller.session_token);
    assert_eq!(caller.send(Method::POST, LOGOUT, twice).await.error_code(), FORMAT);
}

#[tokio::test]
async fn every_other_path_returns_the_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let answer = caller.echo().await;
    let path = format!("/api{ECHO}");
    assert_eq!(answer.body, json!({ "method": "POST", "path": path, "body": { "accountName": "a" } }));

    let answer = caller.send(Method::PATCH, "/m2m/v1/x?a=1&b=%20", |request| request.body("plain")).await;
    assert_eq!(
        answer.body,
        json!({ "method": "PATCH", "path": "/api/m2m/v1/x", "query": "a=1&b=%20", "body": "plain" })
    );

    let answer = caller.send(Method::GET, "/m2m/v1/x", |request| request).await;
    assert_eq!(answer.body, json!({ "method": "GET", "path": "/api/m2m/v1/x", "body": null }));
    assert_eq!(sandbox.counters().other_requests, 3);
}
