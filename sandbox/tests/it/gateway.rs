//! The gateway in front of the platform.

use reqwest::{Method, StatusCode};
use thingspace_sandbox::Sandbox;

use crate::contract;
use crate::support::{Answer, Caller, ECHO, LOGIN, LOGOUT, RESET};

#[tokio::test]
async fn the_gateway_rejects_requests_without_an_access_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    caller.access_token.clear();
    for (method, path) in operations() {
        let answer = caller.send(method, path, |request| request).await;
        assert_eq!((answer.status, answer.fault_code()), (StatusCode::UNAUTHORIZED, "900902"));
    }
    let answer = caller.send(Method::POST, ECHO, |request| request.basic_auth("a", Some("b"))).await;
    assert_eq!(answer.fault_code(), "900902");
    let counters = sandbox.counters();
    assert_eq!((counters.gateway_faults, counters.logins_attempted, counters.resets_attempted), (5, 1, 0));
}

#[tokio::test]
async fn the_gateway_rejects_requests_with_an_invalid_access_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    caller.access_token = "made-up".to_owned();
    for (method, path) in operations() {
        let answer = caller.send(method, path, |request| request).await;
        assert_eq!((answer.status, answer.fault_code()), (StatusCode::UNAUTHORIZED, "900901"));
    }
}

#[tokio::test]
async fn an_unknown_path_is_no_matching_resource() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let root = sandbox.base_url().trim_end_matches("/api");
    for path in ["/", "/api", "/api/", "/api/m2m", "/api/ts/v1/oauth2", "/m2m/v1/session/login"] {
        let answer = Answer::to(caller.http.post(format!("{root}{path}"))).await;
        assert_eq!((answer.status, answer.fault_code()), (StatusCode::BAD_REQUEST, "900906"), "{path}");
        contract::fault_shape(&answer.body).unwrap();
    }
}

#[tokio::test]
async fn fault_codes_are_numbers_if_the_sandbox_is_configured_so() {
    let sandbox = Sandbox::builder().numeric_fault_codes(true).start().await.unwrap();
    let mut caller = Caller::of(&sandbox).await;
    caller.access_token.clear();
    let answer = caller.echo().await;
    assert_eq!(answer.body["fault"]["code"], 900_902);
    contract::fault_shape(&answer.body).unwrap();
}

#[tokio::test]
async fn the_checks_are_gateway_then_session_then_body() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::of(&sandbox).await;
    let nonsense = |request: reqwest::RequestBuilder| request.body("nonsense");
    caller.session_token = "nonsense".to_owned();

    let session = caller.send(Method::PUT, RESET, nonsense).await;
    assert!(session.error_code().contains(".SessionToken."));

    caller.start_session().await;
    let body = caller.send(Method::PUT, RESET, nonsense).await;
    assert!(!body.error_code().contains(".SessionToken."));

    caller.session_token = "nonsense".to_owned();
    caller.access_token = "nonsense".to_owned();
    assert_eq!(caller.send(Method::PUT, RESET, nonsense).await.fault_code(), "900901");
}

#[tokio::test]
async fn an_unsupported_method_is_405_and_names_the_supported_method() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    for (right, path) in operations().into_iter().filter(|(_, path)| *path != ECHO) {
        for method in [Method::GET, Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            if method == right {
                continue;
            }
            let answer = caller.send(method, path, |request| request).await;
            assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
            assert_eq!(answer.header("allow"), Some(right.as_str()));
        }
    }
}

fn operations() -> [(Method, &'static str); 4] {
    [(Method::POST, LOGIN), (Method::POST, LOGOUT), (Method::PUT, RESET), (Method::POST, ECHO)]
}
