//! Invalid bodies, and the record of requests.

use reqwest::{Method, RequestBuilder, StatusCode};
use thingspace_sandbox::Sandbox;

use crate::support::{Answer, Caller, LOGIN, PASSWORD, RESET, TOKEN, USERNAME};

const MIB: usize = 1 << 20;

#[tokio::test]
async fn a_malformed_body_is_rejected_does_not_count_and_is_not_quoted() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let cases = [
        (r"", "RequestBody.Missing"),
        (r#""Swordfish""#, "RequestBody.Malformed"),
        (r#"{"username":"zbeeblebrox","password":"Swordfish"#, "RequestBody.Malformed"),
        (r#"["zbeeblebrox","Swordfish"]"#, "RequestBody.Malformed"),
        (r#"{"password":"Swordfish"}"#, "Username.Invalid"),
        (r#"{"username":null,"password":"Swordfish"}"#, "Username.Invalid"),
        (r#"{"username":["zbeeblebrox"],"password":"Swordfish"}"#, "Username.Invalid"),
        (r#"{"username":"zbeeblebrox"}"#, "Password.Invalid"),
        (r#"{"username":"zbeeblebrox","password":5}"#, "Password.Invalid"),
    ];
    for (body, code) in cases {
        let answer = caller.send(Method::POST, LOGIN, json(body)).await;
        assert_eq!(answer.error_code(), format!("UnifiedWebService.INPUT_INVALID.{code}"), "{body}");
        assert!(!answer.body.to_string().contains("Swordfish"));
    }
    let deep = "[".repeat(100_000);
    assert!(caller.send(Method::POST, LOGIN, json(&deep)).await.error_code().ends_with("Malformed"));
    let binary = caller.send(Method::POST, LOGIN, |request| json("")(request).body(vec![0xff; 9])).await;
    assert!(binary.error_code().ends_with("Malformed"));

    let counters = sandbox.counters();
    assert_eq!((counters.logins_attempted, counters.logins_failed, sandbox.strikes(USERNAME)), (11, 0, 0));
}

#[tokio::test]
async fn a_body_of_another_type_is_rejected() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let body = format!(r#"{{"username":"{USERNAME}","password":"{PASSWORD}"}}"#);
    let send = |content_type: Option<&'static str>| {
        let body = body.clone();
        caller.send(Method::POST, LOGIN, move |request| match content_type {
            Some(content_type) => request.header("content-type", content_type).body(body),
            None => request.body(body),
        })
    };
    for content_type in [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("")] {
        assert!(send(content_type).await.error_code().ends_with("ContentType.Unsupported"));
    }
    assert_eq!(send(Some("Application/JSON; charset=utf-8")).await.status, StatusCode::OK);
}

#[tokio::test]
async fn an_unknown_field_is_ignored() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let body = format!(r#"{{"username":"{USERNAME}","password":"{PASSWORD}","extra":1}}"#);
    assert_eq!(caller.send(Method::POST, LOGIN, json(&body)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_without_a_usable_old_password_is_rejected() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    for (body, code) in
        [("", "RequestBody.Missing"), ("{}", "OldPassword.Invalid"), (r#"{"oldPassword":1}"#, "OldPassword.Invalid")]
    {
        assert!(caller.send(Method::PUT, RESET, json(body)).await.error_code().ends_with(code));
    }
}

#[tokio::test]
async fn an_oversized_body_is_rejected_and_the_connection_stays_open() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let large = "x".repeat(3 * MIB);
    for (method, path) in [(Method::POST, LOGIN), (Method::PUT, RESET), (Method::POST, "/m2m/v1/x")] {
        let answer = caller.send(method, path, json(&large)).await;
        assert!(answer.error_code().ends_with("RequestBody.TooLarge"));
    }
    let counters = sandbox.counters();
    assert_eq!((counters.connections, counters.other_requests), (1, 0));
    assert_eq!(sandbox.requests().last().unwrap().body.len(), MIB);
}

#[tokio::test]
async fn a_body_of_exactly_the_limit_is_accepted() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let answer = caller.send(Method::POST, "/m2m/v1/x", json(&"x".repeat(MIB))).await;
    assert_eq!(answer.status, StatusCode::OK);
}

#[tokio::test]
async fn requests_are_recorded_as_they_arrived() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let request = caller.request(Method::POST, "/m2m/v1/a%20b?q=%41").header("X-First", "1").header("X-Second", "2");
    Answer::to(request.body("body")).await;

    let requests = sandbox.requests();

    assert_eq!(requests.len(), 2);
    assert_eq!(requests[0].path, format!("/api{TOKEN}"));
    let recorded = &requests[1];
    assert_eq!((recorded.method.as_str(), recorded.path.as_str()), ("POST", "/api/m2m/v1/a%20b"));
    assert_eq!((recorded.query.as_str(), recorded.body.as_slice()), ("q=%41", b"body".as_slice()));
    assert_eq!(recorded.header("authorization"), Some(format!("Bearer {}", caller.access_token).as_str()));
    let position = |name: &str| recorded.headers.iter().position(|(known, _)| known == name).unwrap();
    assert!(position("authorization") < position("x-first") && position("x-first") < position("x-second"));
}

#[tokio::test]
async fn recorded_requests_do_not_print_their_secrets() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let printed = format!("{:?} {sandbox:?}", sandbox.requests());
    for secret in [PASSWORD, &caller.access_token, &caller.session_token, "sandbox-secret"] {
        assert!(!printed.contains(secret), "{printed}");
    }
}

fn json(body: &str) -> impl FnOnce(RequestBuilder) -> RequestBuilder + use<> {
    let body = body.to_owned();
    move |request| request.header("content-type", "application/json").body(body)
}
