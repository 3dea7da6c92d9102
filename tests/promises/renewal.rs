//! A session lives for months: the crate renews it once for all callers, and never in a loop.

mod again;
mod ended;
mod stored;

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, Session};
use tokio::time::sleep;

use crate::support::{
    ECHO, PASSWORD, USERNAME, client_of, credentials, pass, platform_requests, runtimes, session, until,
};

const SECOND: Duration = Duration::from_secs(1);

fn get(session: &Session) -> RequestBuilder {
    session.request(Method::GET, ECHO).unwrap()
}

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(get(session)).await?.status().as_u16())
}

fn logins(sandbox: &Sandbox) -> (u64, u64) {
    let counters = sandbox.counters();
    (counters.logins_succeeded, counters.logins_failed)
}

#[tokio::test]
async fn a_session_that_the_platform_calls_dead_is_renewed_and_the_request_repeated_once() {
    for code in [
        "REQUEST_FAILED.SessionToken.Expired",
        "REQUEST_FAILED.SessionToken.Format",
        "INPUT_INVALID.SessionToken.Invalid",
    ] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Other, Fault::refused(&format!("UnifiedWebService.{code}")), 1);
        let request = session.request(Method::POST, ECHO).unwrap().json(&7);
        let echo: Value = session.send(request).await.unwrap().json().await.unwrap();
        assert_eq!(echo["body"], 7, "{code}");
        assert_eq!((logins(&sandbox), platform_requests(&sandbox)), ((2, 0), 4), "{code}");
    }
}

#[tokio::test]
async fn a_session_that_is_dead_again_at_once_is_not_renewed_a_second_time() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::refused("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired"), 9);
    assert_eq!(ask(&session).await.unwrap(), 400);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn a_session_in_use_lives_on_and_one_unused_for_twenty_minutes_costs_no_request() {
    let (sandbox, _thingspace, session) = session().await;
    for _ in 0..5 {
        pass(Duration::from_secs(19 * 60)).await;
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    assert_eq!(logins(&sandbox), (1, 0));
    let before = platform_requests(&sandbox);
    pass(Duration::from_secs(20 * 60)).await;
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!((logins(&sandbox), platform_requests(&sandbox) - before), ((2, 0), 2), "one login and the request");
}

#[tokio::test]
async fn a_call_that_is_not_permitted_causes_one_login_a_minute_and_gets_the_response() {
    for status in [401, 403] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Other, Fault::answer(status, ""), 1000);
        for _ in 0..20 {
            assert_eq!(ask(&session).await.unwrap(), status);
        }
        assert_eq!(logins(&sandbox), (2, 0), "{status}");
        pass(Duration::from_secs(61)).await;
        assert_eq!(ask(&session).await.unwrap(), status);
        assert_eq!(logins(&sandbox), (3, 0), "{status}");
    }
}

#[tokio::test]
async fn a_session_rejected_soon_after_its_login_is_replaced() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::answer(401, ""), 1);
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn a_stream_is_sent_once_and_the_error_says_that_the_session_has_been_renewed() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    let stream = || futures_util::stream::iter(["once"].map(Ok::<_, std::io::Error>));
    let request = || session.request(Method::POST, ECHO).unwrap().body(reqwest::Body::wrap_stream(stream()));
    let error = session.send(request()).await.unwrap_err();
    assert!(matches!(error, Error::SessionRenewed) && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("send it again"), "{error}");
    assert_eq!(session.send(request()).await.unwrap().status(), 200);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn a_reset_that_met_a_dead_session_was_not_processed_and_can_be_made_again() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    let error = session.reset_password(PASSWORD).await.unwrap_err();
    assert!(matches!(error, Error::SessionRenewed), "{error:?}");
    session.reset_password(PASSWORD).await.unwrap();
    assert_eq!(sandbox.counters().resets_processed, 1);
}

#[tokio::test]
async fn the_generated_client_renews_as_well() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    session.api().end_connectivity_management_session().send().await.unwrap();
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn cancelling_a_caller_does_not_cancel_or_repeat_the_shared_login() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    // The first caller is cancelled while the login waits for its response.
    let login = sandbox.counters().requests;
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_millis(50)), 1);
    let mut first = Box::pin(ask(&session));
    tokio::select! {
        biased;
        answer = &mut first => panic!("too early: {answer:?}"),
        () = until(|| sandbox.counters().requests >= login + 2) => {}
    }
    drop(first);
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[test]
fn a_runtime_that_is_shut_down_does_not_cancel_the_login_for_callers_in_another() {
    let [stays, ends] = runtimes();
    let asked = Arc::new(AtomicU32::new(0));
    let source = {
        let asked = asked.clone();
        move || {
            // Two calls start the session; the third one runs on the runtime that ends.
            let number = asked.fetch_add(1, Ordering::SeqCst);
            async move { if number == 2 { std::future::pending().await } else { Ok(credentials()) } }
        }
    };
    let (sandbox, session) = stays.block_on(async {
        let sandbox = Sandbox::start().await.unwrap();
        let session = client_of(&sandbox).build().unwrap().start_session(source).await.unwrap();
        (sandbox, session)
    });
    sandbox.expire_session(USERNAME);
    ends.block_on(async {
        tokio::select! {
            answer = ask(&session) => panic!("too early: {answer:?}"),
            () = until(|| asked.load(Ordering::SeqCst) == 3) => {}
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
async fn a_task_that_saw_an_old_token_die_does_not_discard_a_newer_one() {
    let (sandbox, _thingspace, session) = session().await;
    // A slow request carries the old token. The crate renews the session before the platform rejects it.
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_millis(30)), 1);
    let before = sandbox.counters().requests;
    let slow = tokio::spawn({
        let session = session.clone();
        async move { ask(&session).await }
    });
    until(|| sandbox.counters().requests > before).await;
    sandbox.expire_session(USERNAME);
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(slow.await.unwrap().unwrap(), 200);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn a_platform_that_calls_every_session_dead_gets_one_login_a_minute() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::refused("UnifiedWebService.INPUT_INVALID.SessionToken.Invalid"), 10_000);
    for _ in 0..20 {
        assert_eq!(ask(&session).await.unwrap(), 400);
    }
    assert_eq!(logins(&sandbox), (2, 0));
    sleep(61 * SECOND).await;
    assert_eq!(ask(&session).await.unwrap(), 400);
    assert_eq!(logins(&sandbox), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_dies_unused_is_renewed_if_one_was_accepted_since_the_last_renewal() {
    let (sandbox, _thingspace, session) = session().await;
    let dead = Fault::refused("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired");
    sandbox.fault(Operation::Other, dead.clone(), 1);
    assert_eq!(ask(&session).await.unwrap(), 200, "the platform accepts the second session");
    sandbox.fault(Operation::Other, dead, 3);
    assert_eq!(ask(&session).await.unwrap(), 400, "the second session dies, and the third one before its first use");
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_may_take_the_full_time_of_a_call() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Operation::Login, Fault::Delay(58 * SECOND), 1);
    let thingspace = client_of(&sandbox).timeout(60 * SECOND).build().unwrap();
    assert_eq!(ask(&thingspace.start_session(credentials()).await.unwrap()).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_reset_blocks_no_login() {
    let (sandbox, thingspace, session) = session().await;
    let other = thingspace.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::Delay(3600 * SECOND), 1);
    tokio::time::timeout(SECOND, session.reset_password(PASSWORD)).await.unwrap_err();
    sandbox.expire_session(USERNAME);
    assert_eq!(ask(&other).await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_failed_connection_is_retried_until_the_deadline() {
    let sandbox = Sandbox::start().await.unwrap();
    let client = client_of(&sandbox).timeout(60 * SECOND);
    let address = sandbox.address();
    drop(sandbox);
    sleep(Duration::from_millis(1)).await;
    // The platform listens again after ten seconds.
    let back = tokio::spawn(async move {
        sleep(10 * SECOND).await;
        Sandbox::builder().listen(address).start().await.unwrap()
    });
    client.build().unwrap().start_session(credentials()).await.unwrap();
    drop(back);
}

#[test]
fn a_renewal_on_a_runtime_that_is_shut_down_is_an_error_and_no_deadlock() {
    let [stays, ends] = runtimes();
    let sandbox = stays.block_on(Sandbox::start()).unwrap();
    let asked = AtomicU32::new(0);
    let source = move || {
        let is_away = asked.fetch_add(1, Ordering::SeqCst) == 2;
        async move { if is_away { Err("away".into()) } else { Ok(credentials()) } }
    };
    let session = stays.block_on(client_of(&sandbox).build().unwrap().start_session(source)).unwrap();
    // The session is dead and not yet renewed.
    sandbox.expire_session(USERNAME);
    stays.block_on(ask(&session)).unwrap_err();

    let handle = ends.handle().clone();
    ends.shutdown_background();
    let error = handle.block_on(session.token()).unwrap_err();
    assert!(error.to_string().contains("shut down"), "{error}");
    stays.block_on(session.token()).unwrap();
}
