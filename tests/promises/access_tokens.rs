//! All calls share one access token. The crate renews it before it expires and when the gateway rejects it.

mod elsewhere;
mod kept;
mod shared;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{AccessToken, Error, RetryPolicy, Session, ThingSpace};
use tokio::time::{Instant, advance};

use crate::support::{
    ECHO, PASSWORD, client_of, credentials, on_the_way, pass, platform_requests, runtimes, sandbox, session,
    token_requests, until,
};

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO)?).await?.status().as_u16())
}

/// Requests a token from the sandbox.
async fn granted(sandbox: &Sandbox) -> String {
    let request = reqwest::Client::new()
        .post(format!("{}/ts/v1/oauth2/token", sandbox.base_url()))
        .basic_auth("sandbox-key", Some("sandbox-secret"))
        .form(&[("grant_type", "client_credentials")]);
    let answer: serde_json::Value = request.send().await.unwrap().json().await.unwrap();
    answer["access_token"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn a_thousand_calls_buy_one_access_token() {
    let (sandbox, _thingspace, session) = session().await;
    let calls = (0..1000).map(|_| ask(&session));
    let answers = futures_util::future::join_all(calls).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 200));
    assert_eq!(token_requests(&sandbox), 1);
}

#[tokio::test]
async fn the_first_calls_of_a_fresh_client_share_one_access_token() {
    let (sandbox, thingspace) = sandbox().await;
    let starts = (0..50).map(|_| thingspace.start_session(credentials()));
    for outcome in futures_util::future::join_all(starts).await {
        outcome.unwrap();
    }
    assert_eq!(token_requests(&sandbox), 1);
}

#[tokio::test]
async fn a_token_is_renewed_before_it_expires_and_no_request_is_wasted_on_an_old_one() {
    let (sandbox, _thingspace, session) = session().await;
    for _ in 0..5 {
        pass(Duration::from_secs(15 * 60)).await;
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    let counters = sandbox.counters();
    assert_eq!((token_requests(&sandbox), counters.gateway_faults), (2, 0));
}

#[tokio::test]
async fn a_token_that_is_granted_again_is_not_requested_on_every_call() {
    let (sandbox, _thingspace, session) = session().await;
    for _ in 0..3 {
        pass(Duration::from_secs(19 * 60)).await;
        ask(&session).await.unwrap();
    }
    // Fifty seconds before it expires, the platform grants the same token again with a lifetime of an hour.
    pass(Duration::from_secs(3600 - 3 * 19 * 60 - 50)).await;
    for _ in 0..10 {
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    until(|| token_requests(&sandbox) == 2).await;
    for _ in 0..10 {
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    assert_eq!(token_requests(&sandbox), 2);
    // The first known expiry holds: the crate requests the next token in time.
    pass(Duration::from_secs(51)).await;
    assert_eq!(ask(&session).await.unwrap(), 200);
    let counters = sandbox.counters();
    assert_eq!((token_requests(&sandbox), counters.gateway_faults), (3, 0));
}

#[tokio::test]
async fn a_token_that_expires_early_is_renewed_when_the_gateway_rejects_it() {
    let (sandbox, first) = sandbox().await;
    first.start_session(credentials()).await.unwrap();
    // Fifty minutes later the platform grants another process the same token for "an hour".
    pass(Duration::from_secs(50 * 60)).await;
    let second = client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
    pass(Duration::from_secs(11 * 60)).await;
    assert_eq!(ask(&second).await.unwrap(), 200);
    assert_eq!(sandbox.counters().gateway_faults, 1);
}

#[tokio::test]
async fn concurrent_calls_renew_a_revoked_token_once() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.revoke_access_tokens();
    let answers = futures_util::future::join_all((0..100).map(|_| ask(&session))).await;
    assert!(answers.into_iter().all(|answer| answer.unwrap() == 200));
    assert_eq!(token_requests(&sandbox), 2);
}

#[tokio::test]
async fn a_rejection_after_the_renewal_is_returned() {
    for (code, numeric) in [("900901", false), ("900902", true)] {
        let sandbox = Sandbox::builder().numeric_fault_codes(numeric).start().await.unwrap();
        let thingspace = client_of(&sandbox).build().unwrap();
        sandbox.fault(Operation::Login, Fault::gateway(code), 10);
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert!(matches!(error, Error::Gateway(_)), "{error:?}");
        assert_eq!(*error.code().unwrap(), code);
        assert_eq!(error.status().unwrap(), 401);
        assert_eq!((token_requests(&sandbox), platform_requests(&sandbox)), (2, 2));
        assert_eq!(sandbox.counters().logins_attempted, 0);
    }
}

#[tokio::test]
async fn a_numeric_fault_code_is_understood() {
    let sandbox = Sandbox::builder().numeric_fault_codes(true).start().await.unwrap();
    let thingspace = client_of(&sandbox).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.revoke_access_tokens();
    assert_eq!(ask(&session).await.unwrap(), 200);
}

#[tokio::test]
async fn a_reset_that_the_gateway_rejected_is_not_sent_again_and_the_next_one_has_a_new_token() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.revoke_access_tokens();
    let error = session.reset_password(PASSWORD).await.unwrap_err();
    assert!(matches!(error, Error::Gateway(_)), "{error:?}");
    assert!(error.is_retryable(), "the platform did not process it");
    session.reset_password(PASSWORD).await.unwrap();
    assert_eq!(sandbox.counters().resets_processed, 1);
}

#[tokio::test]
async fn a_stream_is_not_sent_again_and_the_caller_gets_the_response() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.revoke_access_tokens();
    let stream = || futures_util::stream::iter(["once"].map(Ok::<_, std::io::Error>));
    let request = || session.request(Method::POST, ECHO).unwrap().body(reqwest::Body::wrap_stream(stream()));
    assert_eq!(session.send(request()).await.unwrap().status(), 401);
    assert_eq!(session.send(request()).await.unwrap().status(), 200);
}

/// A session whose access token has fifty seconds left.
async fn nearly_expired() -> (Sandbox, Session) {
    let (sandbox, _thingspace, session) = session().await;
    for _ in 0..3 {
        pass(Duration::from_secs(19 * 60)).await;
        ask(&session).await.unwrap();
    }
    pass(Duration::from_secs(3600 - 3 * 19 * 60 - 50)).await;
    (sandbox, session)
}

#[tokio::test]
async fn a_failed_renewal_fails_no_call_while_the_token_is_valid() {
    let (sandbox, session) = nearly_expired().await;
    sandbox.fault(Operation::Token, Fault::answer(401, r#"{"error":"invalid_client"}"#), 9);
    assert_eq!(ask(&session).await.unwrap(), 200);
    until(|| token_requests(&sandbox) == 2).await;
    for _ in 0..20 {
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    assert_eq!(token_requests(&sandbox), 2, "the next renewal waits");
}

#[tokio::test]
async fn a_renewal_that_hangs_delays_no_call_while_the_token_is_valid() {
    let (sandbox, session) = nearly_expired().await;
    sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(3600)), 9);
    for _ in 0..20 {
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    until(|| token_requests(&sandbox) == 2).await;
}

#[tokio::test]
async fn the_clock_skew_can_be_set() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).clock_skew(Duration::from_secs(45 * 60)).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    pass(Duration::from_secs(14 * 60)).await;
    ask(&session).await.unwrap();
    assert_eq!(token_requests(&sandbox), 1);
    pass(Duration::from_secs(60)).await;
    ask(&session).await.unwrap();
    until(|| token_requests(&sandbox) == 2).await;
}

#[tokio::test]
async fn a_failed_renewal_takes_one_request_and_fails_all_waiting_calls() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = thingspace_session::ApiKey::new("sandbox-key", "not-the-secret");
    let thingspace = client_of(&sandbox).api_key(wrong).build().unwrap();
    let calls = (0..200).map(|_| thingspace.start_session(credentials()));
    for outcome in futures_util::future::join_all(calls).await {
        assert!(matches!(on_the_way(outcome.unwrap_err()), Error::Oauth(_)));
    }
    assert_eq!(token_requests(&sandbox), 1);
}

#[tokio::test]
async fn a_cancelled_call_does_not_cancel_the_shared_renewal() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.revoke_access_tokens();
    {
        let mut cancelled = Box::pin(ask(&session));
        until(|| {
            let waker = futures_util::task::noop_waker();
            let _ = cancelled.as_mut().poll(&mut std::task::Context::from_waker(&waker));
            token_requests(&sandbox) == 2
        })
        .await;
    }
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(token_requests(&sandbox), 2);
}

#[test]
fn a_runtime_that_is_shut_down_does_not_cancel_the_renewal_for_callers_in_another() {
    let [stays, ends] = runtimes();
    let asked = Arc::new(AtomicU32::new(0));
    let (sandbox, session) = stays.block_on(async {
        let sandbox = Sandbox::start().await.unwrap();
        let (token, asked) = (granted(&sandbox).await, asked.clone());
        let provider = move || {
            let (token, number) = (token.clone(), asked.fetch_add(1, Ordering::Relaxed));
            // The second call runs on the runtime that ends.
            async move { if number == 1 { std::future::pending().await } else { Ok(AccessToken::new(token)) } }
        };
        let thingspace = ThingSpace::builder().base_url(sandbox.base_url()).access_token_provider(provider);
        let session = thingspace.build().unwrap().start_session(credentials()).await.unwrap();
        (sandbox, session)
    });
    sandbox.fault(Operation::Other, Fault::gateway("900901"), 1);
    ends.block_on(async {
        tokio::select! {
            answer = ask(&session) => panic!("too early: {answer:?}"),
            () = until(|| asked.load(Ordering::Relaxed) == 2) => {}
        }
    });
    stays.block_on(async {
        let mut waits = Box::pin(ask(&session));
        assert!(futures_util::FutureExt::now_or_never(&mut waits).is_none());
        ends.shutdown_background();
        assert_eq!(waits.await.unwrap(), 200);
    });
}

#[tokio::test]
async fn a_rejected_old_token_does_not_discard_a_newer_one() {
    let (sandbox, _thingspace, session) = session().await;
    // A slow request: other calls have a new token before the gateway rejects it.
    let before = platform_requests(&sandbox);
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_millis(30)), 1);
    let slow = tokio::spawn({
        let session = session.clone();
        async move { ask(&session).await }
    });
    until(|| platform_requests(&sandbox) > before).await;
    sandbox.revoke_access_tokens();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(slow.await.unwrap().unwrap(), 200);
    assert_eq!(token_requests(&sandbox), 2);
}

#[tokio::test]
async fn an_invalid_lifetime_counts_as_unknown() {
    for life in ["0", "-1", "\"3600\"", "3600.5", "1e300", "null", "[]"] {
        let sandbox = Sandbox::start().await.unwrap();
        let thingspace = client_of(&sandbox).build().unwrap();
        let body = format!(r#"{{"access_token":"{}","expires_in":{life}}}"#, granted(&sandbox).await);
        sandbox.fault(Operation::Token, Fault::answer(200, body), 1);
        let session = thingspace.start_session(credentials()).await.unwrap();
        for _ in 0..10 {
            assert_eq!(ask(&session).await.unwrap(), 200, "{life}");
        }
        assert_eq!(token_requests(&sandbox), 2, "{life}: the test's own and the client's");
    }
}

#[tokio::test]
async fn a_token_is_used_for_its_lifetime_and_without_one_until_it_is_rejected() {
    // Renewed a minute before it expires; a shorter token is renewed when it expires.
    for (life, renewed_after) in [
        ("600", Some(540)),
        ("600.9", Some(540)),
        ("\" 600 \"", Some(540)),
        ("60", Some(60)),
        ("30", Some(30)),
        ("0", None),
        ("-600", None),
        ("\"soon\"", None),
        ("[600]", None),
    ] {
        let sandbox = Sandbox::start().await.unwrap();
        let thingspace = client_of(&sandbox).build().unwrap();
        let body = format!(r#"{{"access_token":"{}","expires_in":{life}}}"#, granted(&sandbox).await);
        sandbox.fault(Operation::Token, Fault::answer(200, body), 1);
        let session = thingspace.start_session(credentials()).await.unwrap();
        pass(Duration::from_secs(renewed_after.unwrap_or(1100) - 20)).await;
        assert_eq!(ask(&session).await.unwrap(), 200, "{life}");
        assert_eq!(token_requests(&sandbox), 2, "{life}: the test's own and the client's");
        pass(Duration::from_secs(40)).await;
        assert_eq!(ask(&session).await.unwrap(), 200, "{life}");
        // Before it expires, the crate renews it in the background.
        for _ in 0..20 {
            ask(&session).await.unwrap();
        }
        assert_eq!(token_requests(&sandbox), 2 + usize::from(renewed_after.is_some()), "{life}");
    }
}

/// The platform then grants the same token for another hour.
#[tokio::test(start_paused = true)]
async fn a_token_is_replaced_at_the_moment_it_expires() {
    for delay in [0, 1].map(Duration::from_secs) {
        let (sandbox, life) = (Sandbox::start().await.unwrap(), Duration::from_secs(600));
        let ready = AccessToken::new(granted(&sandbox).await).expires_in(life);
        let begun = Instant::now();
        let thingspace = client_of(&sandbox).access_token(ready).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        sandbox.fault(Operation::Token, Fault::Delay(delay), 1);
        advance((begun + life).duration_since(Instant::now())).await;
        for _ in 0..2 {
            assert_eq!(ask(&session).await.unwrap(), 200);
            assert!(begun.elapsed() >= life + delay, "the call used the expired token");
        }
        assert_eq!(token_requests(&sandbox), 2, "the test's own and the client's");
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_api_key_is_an_oauth_error_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let wrong = thingspace_session::ApiKey::new("sandbox-key", "not-the-secret");
    let thingspace = client_of(&sandbox).api_key(wrong).build().unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert_eq!(*error.code().unwrap(), "invalid_client");
    assert_eq!(error.status().unwrap(), 401);
    assert!(!error.is_retryable());
    assert!(matches!(on_the_way(error), Error::Oauth(_)));
    assert_eq!((token_requests(&sandbox), platform_requests(&sandbox)), (1, 0), "a request reached the platform");
}

#[tokio::test]
async fn scopes_are_requested() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).scopes(["one", "two"]).build().unwrap();
    thingspace.start_session(credentials()).await.unwrap();
    let request = sandbox.requests().into_iter().find(|request| request.path.ends_with("/token")).unwrap();
    assert_eq!(String::from_utf8(request.body).unwrap(), "grant_type=client_credentials&scope=one+two");
}

#[tokio::test(start_paused = true)]
async fn a_login_requests_an_access_token_within_max_retries() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Operation::Token, Fault::answer(503, ""), 1000);
    let thingspace = client_of(&sandbox).retry_policy(RetryPolicy::new(4)).build().unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), token_requests(&sandbox)), (503, 5), "{error:?}");
}

#[tokio::test]
async fn invalid_responses_of_the_token_endpoint_become_clear_errors() {
    for (body, words) in [
        ("", "empty"),
        ("{}", "not as documented: access_token is missing"),
        (r#"{"access_token":""}"#, "empty"),
        (r#"{"access_token":"a b\n"}"#, "characters"),
        (r#"{"access_token":"abc","token_type":"mac"}"#, "bearer"),
        ("<html>", "web page"),
    ] {
        let (sandbox, thingspace) = sandbox().await;
        sandbox.fault(Operation::Token, Fault::answer(200, body), 1);
        let error = on_the_way(thingspace.start_session(credentials()).await.unwrap_err());
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{body}: {error:?}");
        assert!(error.to_string().contains(words), "{body}: {error}");
        thingspace.start_session(credentials()).await.unwrap();
    }
}
