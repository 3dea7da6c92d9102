//! The three operations, through the facade and through the generated client.

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_session::{Credentials, Error, api};

use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials, platform_requests, sandbox, session};

#[tokio::test]
async fn a_session_is_started_used_reset_and_ended() {
    let (sandbox, thingspace, session) = session().await;

    let request = session.request(Method::POST, ECHO).unwrap().json(&json!({ "max": 10 }));
    let echo: Value = session.send(request).await.unwrap().json().await.unwrap();
    assert_eq!(echo["method"], "POST");
    assert_eq!(echo["path"], format!("/api{ECHO}"));
    assert_eq!(echo["body"], json!({ "max": 10 }));

    let new = session.reset_password(PASSWORD).await.unwrap();
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(new.expose_secret()));
    session.end().await.unwrap();

    let session = thingspace.start_session(Credentials::new(USERNAME, new)).await.unwrap();
    session.end().await.unwrap();
    let counters = sandbox.counters();
    assert_eq!((counters.logins_succeeded, counters.logins_failed), (2, 0));
    assert_eq!((counters.resets_processed, counters.logouts), (1, 2));
}

#[tokio::test]
async fn the_generated_clients_answers_have_status_and_headers() {
    let (sandbox, thingspace) = sandbox().await;
    let body = api::types::LogInRequest::builder().username(USERNAME).password(PASSWORD);
    let answer = thingspace.api().start_connectivity_management_session().body(body).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    assert_eq!(answer.headers()["content-type"], "application/json");
    assert!(answer.session_token.is_some());

    let session = client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
    // The error has its cause as a source, for callers that print the chain.
    let body = api::types::SessionResetPasswordRequest::builder().old_password("wrong");
    let refused = session.api().reset_connectivity_management_password().body(body).send().await.unwrap_err();
    assert!(format!("{refused:#}").contains("REQUEST_FAILED.OldPasswordIncorrect"), "{refused:#}");
    assert!(matches!(Error::from(refused), Error::Platform(_)));
}

#[tokio::test]
async fn every_error_of_the_generated_client_becomes_the_facades() {
    async fn ends(thingspace: &thingspace_session::ThingSpace) -> Result<(), Error> {
        thingspace.api().start_connectivity_management_session().send().await?;
        Ok(())
    }
    async fn logs_in(thingspace: &thingspace_session::ThingSpace) -> Result<(), Error> {
        let body = api::types::LogInRequest::builder().username(USERNAME).password("wrong");
        thingspace.api().start_connectivity_management_session().body(body).send().await?;
        Ok(())
    }
    let (_sandbox, thingspace) = sandbox().await;
    assert!(matches!(ends(&thingspace).await.unwrap_err(), Error::InvalidRequest { .. }));
    let error = logs_in(&thingspace).await.unwrap_err();
    assert_eq!(error.status().unwrap(), 400);
    assert!(error.headers().unwrap().contains_key("content-type"));
    assert_eq!(*error.code().unwrap(), "REQUEST_FAILED.LoginFailed");
}

#[tokio::test]
async fn an_operation_that_needs_a_session_fails_without_one() {
    let (sandbox, thingspace) = sandbox().await;
    let error = thingspace.api().end_connectivity_management_session().send().await.unwrap_err();
    let error = Error::from(error);
    assert!(matches!(error, Error::InvalidRequest { .. }), "{error:?}");
    assert!(error.to_string().contains("Session::api()"), "{error}");
    assert_eq!(platform_requests(&sandbox), 0);
}

#[tokio::test]
async fn a_wrong_password_is_sent_once_with_a_clear_error() {
    let (sandbox, thingspace) = sandbox().await;
    let error = thingspace.start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert!(!error.is_retryable() && !error.is_session_expired());
    assert_eq!(sandbox.strikes(USERNAME), 1);
}

#[tokio::test]
async fn an_ended_session_is_ended_for_all_its_clones_and_nothing_more_is_sent() {
    let (sandbox, _thingspace, session) = session().await;
    let clone = session.clone();
    session.end().await.unwrap();
    let before = platform_requests(&sandbox);

    assert!(matches!(clone.token().await, Err(Error::SessionEnded)));
    let request = clone.request(Method::GET, ECHO).unwrap();
    assert!(matches!(clone.send(request).await, Err(Error::SessionEnded)));
    assert!(matches!(clone.reset_password(PASSWORD).await, Err(Error::SessionEnded)));
    assert!(matches!(clone.end().await, Err(Error::SessionEnded)));
    assert_eq!(platform_requests(&sandbox), before);
}

#[tokio::test]
async fn ending_a_dead_session_is_success() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.advance(std::time::Duration::from_secs(21 * 60));
    session.end().await.unwrap();
}

#[tokio::test]
async fn a_session_that_could_not_be_ended_goes_on() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(thingspace_sandbox::Operation::Logout, thingspace_sandbox::Fault::answer(501, "no"), 1);
    session.clone().end().await.unwrap_err();
    let request = session.request(Method::GET, ECHO).unwrap();
    assert_eq!(session.send(request).await.unwrap().status(), 200);
    session.end().await.unwrap();
}

#[tokio::test]
async fn send_returns_the_platforms_response_of_any_status() {
    let (sandbox, _thingspace, session) = session().await;
    let teapot = thingspace_sandbox::Fault::answer(418, "short and stout").with_header("x-kept", "yes");
    sandbox.fault(thingspace_sandbox::Operation::Other, teapot, 1);
    let request = session.request(Method::POST, ECHO).unwrap();
    let url = request.try_clone().unwrap().build().unwrap().url().clone();
    let answer = session.send(request).await.unwrap();
    assert_eq!((answer.status().as_u16(), answer.headers()["x-kept"].to_str().unwrap()), (418, "yes"));
    assert_eq!(*answer.url(), url);
    assert_eq!(answer.text().await.unwrap(), "short and stout");
}

#[tokio::test]
async fn send_takes_a_request_begun_with_any_client_and_a_body_that_streams() {
    let (sandbox, _thingspace, session) = session().await;
    let chunks = futures_util::stream::iter(["a", "b", "c"].map(Ok::<_, std::io::Error>));
    let request =
        reqwest::Client::new().post(format!("{}{ECHO}", sandbox.base_url())).body(reqwest::Body::wrap_stream(chunks));
    let echo: Value = session.send(request).await.unwrap().json().await.unwrap();
    assert_eq!(echo["body"], "abc");
}

#[tokio::test]
async fn the_calls_can_be_spawned() {
    let (_sandbox, thingspace) = sandbox().await;
    let task = tokio::spawn(async move {
        let session = thingspace.start_session(credentials()).await?;
        session.send(session.request(Method::GET, ECHO)?).await?;
        session.end().await
    });
    task.await.unwrap().unwrap();
}
