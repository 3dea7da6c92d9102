//! Network faults: a call ends in time, in bounded memory, and with an error that states the known outcome.

use std::time::Duration;

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation};
use thingspace_session::{Error, ErrorGroup, RetryPolicy};
use tokio::time::{Instant, sleep};

use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials, platform_requests, sandbox, session};

/// A gateway that forwarded the request and got no response in time.
const GATEWAY_GAVE_UP: &str = r#"{"fault":{"code":"101504","message":"Send timeout"}}"#;

#[tokio::test]
async fn a_login_whose_answer_was_lost_is_not_sent_again() {
    let gave_up = Fault::answer_after(504, GATEWAY_GAVE_UP);
    for fault in [Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate, Fault::answer(503, "busy"), gave_up] {
        let (sandbox, thingspace) = sandbox().await;
        sandbox.fault(Operation::Login, fault.clone(), 9);
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(!error.is_retryable(), "{fault:?}: {error:?}");
        assert_eq!(platform_requests(&sandbox), 1, "{fault:?}");
    }
}

/// The loop of the guide, which calls again while an error is retryable, survives an outage of the login.
#[tokio::test(start_paused = true)]
async fn a_request_whose_renewal_has_an_unknown_outcome_may_be_called_again() {
    for fault in
        [Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate, Fault::answer(503, ""), Fault::gateway("101504")]
    {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.expire_session(USERNAME);
        sandbox.fault(Operation::Login, fault.clone(), 1);
        let request = || session.send(session.request(Method::GET, ECHO).unwrap());
        let error = request().await.unwrap_err();
        assert!(matches!(error, Error::Session { .. }), "{fault:?}: {error:?}");
        assert!(error.is_retryable() && !error.may_have_been_processed(), "{fault:?}: {error:?}");
        assert_eq!(error.group(), ErrorGroup::CallAgain, "{fault:?}");
        assert!(error.to_string().contains("call again"), "{fault:?}: {error}");
        while let Err(error) = request().await {
            assert!(error.is_retryable(), "{fault:?}: {error:?}");
            sleep(Duration::from_secs(5)).await;
        }
    }
}

/// The error of the login is not the error of the reset: the old password is valid.
#[tokio::test(start_paused = true)]
async fn a_reset_without_a_session_says_that_no_reset_was_sent() {
    for fault in [Fault::Delay(Duration::from_secs(3600)), Fault::CloseAfter, Fault::answer(503, "")] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.expire_session(USERNAME);
        tokio::time::advance(Duration::from_secs(21 * 60)).await;
        sandbox.fault(Operation::Login, fault.clone(), 1);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert!(matches!(error, Error::Session { .. } | Error::LoginInProgress { .. }), "{fault:?}: {error:?}");
        assert!(!error.may_have_been_processed() && error.is_retryable(), "{fault:?}: {error:?}");
        assert_eq!(sandbox.counters().resets_attempted, 0);
    }
    let (sandbox, _thingspace, session) = session().await;
    sandbox.set_password(USERNAME, "changed elsewhere");
    sandbox.expire_session(USERNAME);
    tokio::time::advance(Duration::from_secs(21 * 60)).await;
    let error = session.reset_password(PASSWORD).await.unwrap_err();
    assert!(matches!(error, Error::Session { .. }), "{error:?}");
    assert_eq!(error.group(), ErrorGroup::ActFirst);
}

#[tokio::test]
async fn a_rejected_renewal_needs_an_operator() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.set_password(USERNAME, "changed elsewhere");
    sandbox.expire_session(USERNAME);
    for _ in 0..2 {
        let error = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
        assert!(!error.is_retryable(), "{error:?}");
        assert_eq!(error.group(), ErrorGroup::ActFirst, "{error:?}");
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
        Fault::answer_after(504, GATEWAY_GAVE_UP),
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
async fn a_reset_sent_by_path_is_not_repeated_in_any_spelling() {
    for path in [
        "/m2m/v1/session/password/actions/reset",
        "/m2m/v1/session/password/actions/reset/",
        "//m2m//v1/session/password/actions/reset",
        "/m2m/v1/session/password/actions/%72eset",
        "/m2m/v1/session/x/../password/./actions/reset",
        "/M2M/v1/session/password/actions/RESET;x=1",
    ] {
        let (sandbox, _thingspace, session) = session().await;
        let before = platform_requests(&sandbox);
        sandbox.fault(Operation::Any, Fault::answer(429, "slow down").with_header("retry-after", "0"), 9);
        let request = session.request(Method::PUT, path).unwrap();
        let request = request.json(&serde_json::json!({ "oldPassword": PASSWORD }));
        assert_eq!(session.send(request).await.unwrap().status(), 429);
        assert_eq!(platform_requests(&sandbox), before + 1, "{path}");
    }
}

#[tokio::test]
async fn a_custom_client_with_retries_sends_the_reset_once() {
    let (sandbox, _) = sandbox().await;
    let client = client_of(&sandbox).http_client(|http| {
        let eager = reqwest::retry::for_host("127.0.0.1").max_retries_per_request(2);
        http.retry(eager.classify_fn(|attempt| {
            if attempt.status().is_some_and(|status| status.as_u16() == 503) {
                attempt.retryable()
            } else {
                attempt.success()
            }
        }))
    });
    let session = client.build().unwrap().start_session(credentials()).await.unwrap();
    let before = platform_requests(&sandbox);
    sandbox.fault(Operation::Reset, Fault::answer_after(503, "processed all the same"), 9);
    session.reset_password(PASSWORD).await.unwrap_err();
    assert_eq!(platform_requests(&sandbox), before + 1);
}

#[tokio::test]
async fn the_error_of_a_broken_connection_says_that_the_request_may_have_been_processed() {
    for fault in [Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Reset, fault.clone(), 1);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert!(matches!(error, Error::Interrupted { .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("may have processed"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_ends_at_its_timeout() {
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
    assert!(error.is_timeout() && error.is_retryable(), "no request went to the platform: {error:?}");
    assert!(error.to_string().contains("not sent") || error.to_string().contains("nothing was sent"), "{error}");
    assert!(started.elapsed() < limit + Duration::from_secs(1));
    assert_eq!(platform_requests(&sandbox), 0);
}

#[tokio::test(start_paused = true)]
async fn a_request_may_have_its_own_timeout() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(3600)), 1);
    let request = session.request(Method::POST, ECHO).unwrap().timeout(Duration::from_secs(5));
    let started = Instant::now();
    let error = session.send(request).await.unwrap_err();
    assert!(error.is_timeout(), "{error:?}");
    assert!((Duration::from_secs(5)..Duration::from_secs(6)).contains(&started.elapsed()));
}

#[tokio::test(start_paused = true)]
async fn a_timeout_of_a_custom_client_is_a_timeout_error() {
    let (sandbox, _) = sandbox().await;
    let client = client_of(&sandbox).http_client(|http| http.timeout(Duration::from_secs(3)));
    let thingspace = client.build().unwrap();
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_secs(3600)), 1);
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert!(error.is_timeout() && error.to_string().contains("may have processed"), "{error:?}");
}

#[tokio::test]
async fn a_failed_token_request_is_not_an_error_of_the_operation() {
    for fault in [Fault::CloseAfter, Fault::answer(502, "<html>"), Fault::answer(200, "{}"), Fault::gateway("900906")] {
        let (sandbox, _) = sandbox().await;
        let thingspace = client_of(&sandbox).retry_policy(RetryPolicy::none()).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        let before = platform_requests(&sandbox);
        sandbox.revoke_access_tokens();
        session.reset_password(PASSWORD).await.unwrap_err();
        sandbox.fault(Operation::Token, fault.clone(), 1);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert!(matches!(error, Error::AccessToken { .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("the request was not sent"), "{error}");
        assert_eq!(platform_requests(&sandbox), before + 1, "requests other than the one that the gateway rejected");
    }
}

#[tokio::test]
async fn an_unreadable_reset_response_is_kept() {
    for (status, body) in
        [(202, r#"{"newPassword":"Wh0a1545a84d"}"#), (200, "\u{feff}{\"newPassword\":\"Wh0a1545a84d\"}")]
    {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Reset, Fault::answer(status, body), 1);
        let error = session.reset_password(PASSWORD).await.unwrap_err();
        assert_eq!(error.body().unwrap().expose_secret(), body);
        assert!(!crate::support::shown(&error).contains("Wh0a1545a84d"), "{error:?}");
    }
}

#[tokio::test]
async fn a_hundred_megabytes_are_an_error_and_are_not_read() {
    let (sandbox, _) = sandbox().await;
    for status in [200, 400, 503] {
        let thingspace =
            client_of(&sandbox).response_limit(64 * 1024).retry_policy(RetryPolicy::none()).build().unwrap();
        sandbox.fault(Operation::Login, Fault::answer(status, " ".repeat(100 * 1024 * 1024)), 1);
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{status}: {error:?}");
        assert!(error.to_string().contains("65536 bytes"), "{error}");
    }
}

#[tokio::test]
async fn send_streams_a_success_of_any_size_and_buffers_an_error_response() {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).response_limit(1024).retry_policy(RetryPolicy::none()).build().unwrap();
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
async fn a_request_with_a_lost_response_takes_effect_on_the_platform() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    session.reset_password(PASSWORD).await.unwrap_err();
    assert_eq!(sandbox.counters().resets_processed, 1);
    assert_ne!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
}
