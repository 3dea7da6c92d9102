//! Every form of error response becomes a typed error with code, status and headers.

use std::{
    sync::Arc,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, ErrorCode, MemoryStore, RetryPolicy};

use crate::support::{client_of, credentials, edit, sandbox, session, shown};

/// The error of a login with this response.
async fn refused_with(fault: Fault) -> Error {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).retry_policy(RetryPolicy::none()).build().unwrap();
    sandbox.fault(Operation::Login, fault.with_header("x-request", "7"), 9);
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert_eq!(error.headers().unwrap()["x-request"], "7", "{error:?}");
    assert!(!error.to_string().is_empty());
    error
}

#[tokio::test]
async fn the_platforms_own_codes() {
    let body = json!({ "errorCode": "UnifiedWebService.REQUEST_FAILED.AccountNotFound", "errorMessage": "No such." });
    let error = refused_with(Fault::json(400, &body)).await;
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert_eq!(error.status().unwrap(), 400);
    assert_eq!(*error.code().unwrap(), "REQUEST_FAILED.AccountNotFound");
    assert_eq!(error.code().unwrap().service(), Some("UnifiedWebService"));
    assert_eq!(error.message(), Some("No such."));
    assert!(error.to_string().contains("REQUEST_FAILED.AccountNotFound"), "{error}");
    assert!(!shown(&error).contains("No such."), "the error prints a message from the network: {error:?}");
}

#[tokio::test]
async fn the_platforms_codes_with_a_status_that_is_not_documented() {
    let body = json!({ "errorCode": "M2M.REQUEST_FAILED.Busy", "cause": "too many" });
    let error = refused_with(Fault::json(409, &body)).await;
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert_eq!((error.status().unwrap().as_u16(), error.message()), (409, Some("too many")));
}

#[tokio::test]
async fn every_session_code_becomes_a_session_error() {
    for code in [
        "UnifiedWebService.REQUEST_FAILED.SessionToken.Expired",
        "Other.REQUEST_FAILED.SessionToken.Format",
        "INPUT_INVALID.SessionToken.Invalid",
    ] {
        let error = refused_with(Fault::json(400, &json!({ "errorCode": code }))).await;
        assert!(error.is_session_expired(), "{code}");
    }
    let other = json!({ "errorCode": "UnifiedWebService.INPUT_INVALID.SessionTokens" });
    assert!(!refused_with(Fault::json(400, &other)).await.is_session_expired());
}

#[tokio::test(start_paused = true)]
async fn the_gateways_faults() {
    for (status, code, retryable) in
        [(400, json!("900906"), false), (429, json!(900_800), true), (503, json!("900800"), true)]
    {
        let body = json!({ "fault": { "code": code, "message": "short", "description": "long" } });
        let error = refused_with(Fault::json(status, &body)).await;
        assert!(matches!(error, Error::Gateway(_)), "{error:?}");
        assert_eq!(error.code().unwrap().as_str(), code.as_str().unwrap_or("900800"));
        assert_eq!((error.status().unwrap().as_u16(), error.message()), (status, Some("long")));
        assert_eq!(error.is_retryable(), retryable, "{error}");
    }
}

#[tokio::test]
async fn oauth_errors_have_code_and_message() {
    let body = json!({ "error": "invalid_request", "error_description": "no grant" });
    let error = refused_with(Fault::json(401, &body)).await;
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert_eq!(*error.code().unwrap(), "invalid_request");
    assert_eq!(error.message(), Some("no grant"));
}

#[tokio::test]
async fn code_and_message_are_found_in_undocumented_shapes() {
    for (body, message) in [
        (json!({ "code": "Busy.Line", "message": "Too many.", "cause": "load" }), "Too many."),
        (json!({ "error_code": "Busy.Line", "detail": "Later." }), "Later."),
        (json!({ "responseCode": "Busy.Line", "responseMessage": "Later." }), "Later."),
        (json!({ "error": { "code": "Busy.Line", "message": "Inside." } }), "Inside."),
        (json!({ "errors": [{ "code": "Busy.Line", "title": "First." }, { "code": "Other" }] }), "First."),
        (json!({ "status": 409, "error": null, "code": "Busy.Line", "description": "Long." }), "Long."),
    ] {
        let error = refused_with(Fault::json(409, &body)).await;
        // The spec does not document this form for a login, so it does not count as a rejection of the credentials.
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{body}: {error:?}");
        assert_eq!(error.code().unwrap().as_str(), "Busy.Line", "{body}");
        assert_eq!((error.status().unwrap().as_u16(), error.message()), (409, Some(message)), "{body}");
        assert!(error.to_string().contains("Busy.Line"), "{error}");
        assert!(!shown(&error).contains(message), "the error prints a message from the network: {error:?}");
    }
    let expired = json!({ "code": "Other.REQUEST_FAILED.SessionToken.Expired", "message": "Over." });
    assert!(refused_with(Fault::json(400, &expired)).await.is_session_expired());
    let secret = json!({ "code": "IMgr8", "message": "not IMgr8", "detail": "no" });
    let error = refused_with(Fault::json(400, &secret)).await;
    assert_eq!((error.code(), error.message()), (None, Some("no")), "what was sent is not repeated");
}

#[tokio::test]
async fn a_message_without_a_code_is_kept() {
    let body = json!({ "type": "about:blank", "title": "Conflict", "detail": "It is taken." });
    let error = refused_with(Fault::json(409, &body)).await;
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
    assert_eq!((error.code(), error.message()), (None, Some("It is taken.")));
}

#[tokio::test]
async fn responses_that_are_not_the_platforms() {
    for (status, body, words) in [
        (502, "<html><body>Bad Gateway</body></html>", "web page"),
        (500, "", "empty"),
        (500, "Internal Server Error", "not JSON"),
        (400, r#"{"errorCode":"#, "not JSON"),
        (400, "{}", "no error code"),
        (400, r#"{"fault":"yes"}"#, "no error code"),
        (400, r#"{"errorCode":["a"]}"#, "no error code"),
        (400, "[1,2]", "no error code"),
        (302, "", "redirect"),
        (200, "<html>", "web page"),
        (200, "", "empty"),
        (200, r#"{"sessionToken""#, "not JSON"),
        (200, r#"{"sessionToken":5}"#, "not as documented"),
        (200, r#""a bare string""#, "not as documented"),
        (200, "null", "not as documented"),
        (200, r#"{"sessionToken":null}"#, "no session token"),
        (200, r#"{"sessionToken":""}"#, "no session token"),
        (200, "{}", "no session token"),
        (200, r#"{"sessionToken":"two\nlines"}"#, "characters"),
        (201, r#"{"sessionToken":"abc"}"#, "not documented"),
        (204, "", "not documented"),
    ] {
        let error = refused_with(Fault::answer(status, body)).await;
        assert!(matches!(error, Error::UnexpectedResponse { .. }), "{status} {body}: {error:?}");
        assert_eq!(error.status().unwrap().as_u16(), status, "{body}");
        assert!(error.to_string().contains(words), "{status} {body}: {error}");
        let quoted = body.get(..12).filter(|start| !start.contains("html"));
        assert!(quoted.is_none_or(|start| !shown(&error).contains(start)), "{body} is quoted: {error:?}");
    }
}

/// A password that is part of every error code is not in the text, and the text does not call the code missing.
#[tokio::test]
async fn an_error_code_that_contains_a_secret_is_said_to_be_hidden() {
    let (sandbox, thingspace) = sandbox().await;
    sandbox.fault(Operation::Login, Fault::json(400, &json!({ "errorCode": "Gate.Failed" })), 1);
    let error = thingspace.start_session(Credentials::new("zbeeblebrox", "a")).await.unwrap_err();
    assert!(error.to_string().contains("contains a secret") && error.code().is_none(), "{error}");
}

#[tokio::test]
async fn a_reset_response_without_a_password_is_an_error_with_advice() {
    for body in [r#"{"newPassword":null}"#, r#"{"newPassword":""}"#, "{}"] {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Reset, Fault::answer(200, body), 1);
        let error = session.reset_password("IMgr8").await.unwrap_err();
        assert!(error.to_string().contains("try one login"), "{error}");
        assert!(!error.is_retryable());
    }
}

#[tokio::test]
async fn a_message_that_quotes_a_sent_secret_is_dropped() {
    let secret = |text: &str| json!({ "errorCode": "A.REQUEST_FAILED.B", "errorMessage": format!("was: {text}.") });
    assert_eq!(refused_with(Fault::json(400, &secret("IMgr8"))).await.message(), None);
    assert_eq!(refused_with(Fault::json(400, &secret("nothing"))).await.message(), Some("was: nothing."));
    let code = json!({ "errorCode": "A.REQUEST_FAILED.IMgr8" });
    assert_eq!(refused_with(Fault::json(400, &code)).await.code(), None);
}

#[tokio::test]
async fn a_fault_of_null_is_ignored() {
    let body = json!({ "fault": null, "errorCode": "X.REQUEST_FAILED.SessionToken.Expired" });
    assert!(refused_with(Fault::json(400, &body)).await.is_session_expired());
}

#[tokio::test]
async fn a_message_from_the_network_becomes_one_short_line() {
    let message = format!("first\nsecond\u{1b}[31m {}", "x".repeat(5000));
    let body = json!({ "errorCode": "A.B", "errorMessage": message });
    let error = refused_with(Fault::json(400, &body)).await;
    assert!(error.message().unwrap().chars().count() <= 500);
    assert!(!error.to_string().contains(|letter: char| letter.is_control()), "{error}");
}

#[test]
fn codes_compare_without_the_service_and_hash_alike() {
    let (long, short) = (ErrorCode::from("Service.REQUEST_FAILED.X"), ErrorCode::from("REQUEST_FAILED.X"));
    assert_eq!(long, short);
    assert_eq!(std::collections::HashSet::from([long, short]).len(), 1);
    assert_ne!(ErrorCode::from("Service.REQUEST_FAILED.X"), "REQUEST_FAILED.Y");
    assert_eq!(ErrorCode::from("900901"), "900901");
    assert_eq!(ErrorCode::from("M2M.REQUEST_FAILED.X"), "REQUEST_FAILED.X");
    assert_eq!(ErrorCode::from("REQUEST_FAILED.X").service(), None);
}

#[tokio::test]
async fn a_failed_connection_is_a_connect_error() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox)
        .base_url(format!("http://{address}/api"))
        .retry_policy(RetryPolicy::none())
        .build()
        .unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert!(error.is_connect() && error.is_retryable(), "{error:?}");
    assert!(error.to_string().contains("nothing was sent"), "{error}");
    assert_eq!(error.status(), None);
}

/// The output of a program whose `main` returns the error.
fn debugged(error: &Error) -> [String; 2] {
    [format!("{error:?}"), format!("{error:#?}")]
}

#[tokio::test(start_paused = true)]
async fn debug_of_an_error_prints_dates_in_readable_form() {
    let (sandbox, _) = sandbox().await;
    let thingspace = client_of(&sandbox).build().unwrap();
    let wrong = Credentials::new(crate::support::USERNAME, "wrong");
    thingspace.start_session(wrong.clone()).await.unwrap_err();
    let suspended = thingspace.start_session(wrong).await.unwrap_err();
    let Error::LoginSuspended(suspension) = &suspended else { panic!("{suspended:?}") };
    let date = httpdate::fmt_http_date(suspension.since);
    for text in debugged(&suspended) {
        assert!(text.contains(&format!("since: {date}")) && text.contains("Rejected"), "{text}");
    }
    let since = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
    let pending = Error::RotationPending { since };
    let inside = Error::ResetOutcomeUnknown { source: Box::new(pending.clone()) };
    for text in [&suspended, &pending, &inside].into_iter().flat_map(debugged) {
        assert!(!text.contains("tv_sec"), "{text}");
    }
    for text in [&pending, &inside].into_iter().flat_map(debugged) {
        assert!(text.contains("since: Tue, 14 Nov 2023 22:13:20 GMT"), "{text}");
    }
}

#[tokio::test]
async fn debug_of_a_suspension_reports_an_impossible_time() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
    let wrong = Credentials::new(crate::support::USERNAME, "wrong");
    thingspace.start_session(wrong.clone()).await.unwrap_err();
    edit(&sandbox, &store, |record| {
        for attempt in record["record"]["history"]["attempts"].as_object_mut().unwrap().values_mut() {
            attempt["began"] = json!(u64::MAX);
        }
    })
    .await;
    let suspended = client_of(&sandbox).store(store).build().unwrap().start_session(wrong).await.unwrap_err();
    assert!(matches!(suspended, Error::LoginSuspended(_)), "{suspended:?}");
    for text in debugged(&suspended).into_iter().chain([suspended.to_string()]) {
        assert!(text.contains("at an invalid time"), "{text}");
    }
}

#[tokio::test]
async fn debug_of_a_broken_connection_prints_its_causes() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/api?secret=1", listener.local_addr().unwrap());
    drop(listener);
    let error = Error::Connect(Arc::new(reqwest::get(url).await.unwrap_err().without_url()));
    for text in debugged(&error) {
        assert!(text.contains("error sending request: ") && text.contains("Connection refused"), "{text}");
        assert!(!text.contains("kind:") && !text.contains("secret") && text.lines().count() <= 3, "{text}");
    }
    let Error::Connect(source) = error else { unreachable!() };
    for text in debugged(&Error::Interrupted { source, retryable: false }) {
        assert!(text.contains("Connection refused") && !text.contains("kind:"), "{text}");
    }
}
