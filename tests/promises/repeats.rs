//! What is sent again, how often, and after what pause.

use std::{collections::BTreeSet, time::Duration};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{RetryPolicy, Session};
use tokio::time::Instant;

use crate::support::{
    ECHO, PASSWORD, arrived, client_of, credentials, platform_requests, sandbox, session, token_requests,
};

/// Status and number of requests of one call that meets `fault` up to `times` times.
async fn sent(method: Method, fault: Fault, times: u32) -> (u16, usize) {
    let (sandbox, _thingspace, session) = session().await;
    ask(&sandbox, &session, method, fault, times).await
}

async fn ask(sandbox: &Sandbox, session: &Session, method: Method, fault: Fault, times: u32) -> (u16, usize) {
    let before = platform_requests(sandbox);
    sandbox.fault(Operation::Other, fault, times);
    let request = session.request(method, ECHO).unwrap();
    let status = session.send(request).await.map_or(0, |answer| answer.status().as_u16());
    (status, platform_requests(sandbox) - before)
}

#[tokio::test(start_paused = true)]
async fn a_request_with_a_safe_method_is_repeated_after_a_passing_failure() {
    for status in [408, 413, 429, 500, 502, 503, 504, 521, 522, 524] {
        assert_eq!(sent(Method::GET, Fault::answer(status, ""), 2).await, (200, 3), "{status}");
    }
    assert_eq!(sent(Method::GET, Fault::CloseBefore, 2).await, (200, 3));
    assert_eq!(sent(Method::GET, Fault::CloseAfter, 2).await, (200, 3));
}

#[tokio::test(start_paused = true)]
async fn a_permanent_failure_is_returned() {
    for status in [400, 404, 409, 501, 505] {
        assert_eq!(sent(Method::GET, Fault::answer(status, ""), 1).await, (status, 1), "{status}");
    }
    assert_eq!(sent(Method::GET, Fault::answer(503, ""), 3).await, (503, 3));
}

#[tokio::test(start_paused = true)]
async fn a_request_with_any_other_method_is_repeated_only_where_the_platform_has_not_seen_it() {
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
        assert_eq!(sent(method.clone(), Fault::answer(503, ""), 1).await, (503, 1), "{method}");
        assert_eq!(sent(method.clone(), Fault::CloseAfter, 1).await, (0, 1), "{method}");
        let throttled = r#"{"fault":{"code":"900800","message":"throttled out"}}"#;
        assert_eq!(sent(method.clone(), Fault::answer(503, throttled), 2).await, (200, 3), "{method}");
        assert_eq!(sent(method.clone(), Fault::answer(429, throttled), 2).await, (200, 3), "{method}");
    }
}

#[tokio::test(start_paused = true)]
async fn logging_out_is_repeated_and_logging_in_only_when_the_gateway_was_too_busy() {
    let (sandbox, thingspace) = sandbox().await;
    sandbox.fault(Operation::Login, Fault::gateway("900800"), 2);
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(platform_requests(&sandbox), 3);
    sandbox.fault(Operation::Logout, Fault::CloseAfter, 1);
    session.end().await.unwrap();
    assert_eq!(platform_requests(&sandbox), 5);
}

#[tokio::test(start_paused = true)]
async fn a_token_request_is_repeated_after_a_passing_failure() {
    let (sandbox, thingspace) = sandbox().await;
    sandbox.fault(Operation::Token, Fault::answer(503, ""), 2);
    thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), 3);
}

#[tokio::test(start_paused = true)]
async fn pauses_grow_and_retry_after_is_honoured() {
    let (sandbox, _thingspace, session) = session().await;
    let started = Instant::now();
    assert_eq!(ask(&sandbox, &session, Method::GET, Fault::answer(503, ""), 2).await, (200, 3));
    let took = started.elapsed().as_millis();
    assert!((1500..3100).contains(&took), "half a second and a second, each up to doubled by chance: {took} ms");

    let started = Instant::now();
    let busy = Fault::answer(503, "").with_header("retry-after", "20");
    assert_eq!(ask(&sandbox, &session, Method::GET, busy, 1).await, (200, 2));
    assert!((20..22).contains(&started.elapsed().as_secs()));
}

#[tokio::test(start_paused = true)]
async fn pauses_differ_by_chance_so_that_many_clients_do_not_come_back_together() {
    let (sandbox, _thingspace, session) = session().await;
    let mut pauses = BTreeSet::new();
    for _ in 0..20 {
        let started = Instant::now();
        assert_eq!(ask(&sandbox, &session, Method::GET, Fault::answer(503, ""), 1).await, (200, 2));
        let took = started.elapsed().as_millis();
        assert!((500..1010).contains(&took), "half a second, up to doubled by chance: {took} ms");
        pauses.insert(took);
    }
    assert!(pauses.len() > 5, "{pauses:?}");
}

#[tokio::test(start_paused = true)]
async fn a_custom_client_does_not_repeat_on_its_own() {
    let sandbox = Sandbox::start().await.unwrap();
    let host = sandbox.address().ip().to_string();
    let client = client_of(&sandbox).http_client(|http| {
        let eager = reqwest::retry::for_host(host).no_budget().max_retries_per_request(5);
        http.retry(eager.classify_fn(|attempt| {
            if attempt.status().is_none_or(|status| status.is_server_error()) {
                attempt.retryable()
            } else {
                attempt.success()
            }
        }))
    });
    let session = client.build().unwrap().start_session(credentials()).await.unwrap();
    assert_eq!(ask(&sandbox, &session, Method::POST, Fault::answer(503, ""), 1).await, (503, 1));
    sandbox.fault(Operation::Reset, Fault::answer_after(503, ""), 1);
    session.reset_password(PASSWORD).await.unwrap_err();
    assert_eq!(arrived(&sandbox, "/actions/reset"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_longer_than_the_call_is_not_started() {
    for wait in ["600", "9223372036854775807", "18446744073709551615", "Fri, 31 Dec 2100 23:59:59 GMT"] {
        let (sandbox, _thingspace, session) = session().await;
        let started = Instant::now();
        let busy = Fault::answer(503, "").with_header("retry-after", wait);
        assert_eq!(ask(&sandbox, &session, Method::GET, busy, 9).await, (503, 1), "{wait}");
        assert!(started.elapsed() < Duration::from_secs(1));
    }
}

#[tokio::test(start_paused = true)]
async fn the_retry_policy_can_be_set() {
    let sandbox = Sandbox::start().await.unwrap();
    let start = async |retries| {
        let thingspace = client_of(&sandbox).retry_policy(retries).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let never = start(RetryPolicy::none()).await;
    assert_eq!(ask(&sandbox, &never, Method::GET, Fault::answer(503, ""), 1).await, (503, 1));
    let often = start(RetryPolicy::new(5).backoff(Duration::from_millis(1))).await;
    assert_eq!(ask(&sandbox, &often, Method::GET, Fault::answer(503, ""), 5).await, (200, 6));
    let special = start(RetryPolicy::default().statuses([418])).await;
    assert_eq!(ask(&sandbox, &special, Method::GET, Fault::answer(418, ""), 1).await, (200, 2));
    assert_eq!(ask(&sandbox, &special, Method::GET, Fault::answer(503, ""), 1).await, (503, 1));
}

#[tokio::test(start_paused = true)]
async fn an_invalid_retry_after_is_ignored() {
    for wait in ["-1", "soon", "", "99999999999999999999999", "Fri, 31 Dec 1999 23:59:59 GMT"] {
        let (sandbox, _thingspace, session) = session().await;
        let started = Instant::now();
        let busy = Fault::answer(503, "").with_header("retry-after", wait);
        assert_eq!(ask(&sandbox, &session, Method::GET, busy, 1).await, (200, 2), "{wait}");
        assert!(started.elapsed() < Duration::from_secs(2), "{wait}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_sent_request_is_not_called_unsent_after_an_unsent_retry() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).http_client(|http| http.pool_max_idle_per_host(0)).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Logout, Fault::CloseAfter, 1);
    let ending = tokio::spawn(session.end());
    crate::support::until(|| sandbox.counters().logouts == 1).await;
    drop(sandbox);
    let error = ending.await.unwrap().unwrap_err();
    assert!(!error.is_connect() && error.to_string().contains("may have processed"), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failed_connection_is_retried_for_every_operation_and_the_reset() {
    let sandbox = Sandbox::start().await.unwrap();
    // Without idle connections, each attempt needs a new one.
    let thingspace = client_of(&sandbox).http_client(|http| http.pool_max_idle_per_host(0)).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    // Nothing listens any more: that much is certain, so the call tries until it may no more.
    drop(sandbox);
    let started = Instant::now();
    let error = session.reset_password("IMgr8").await.unwrap_err();
    assert!(error.is_connect(), "{error:?}");
    assert!(started.elapsed() >= Duration::from_millis(1500), "two pauses lie between three attempts");
}
