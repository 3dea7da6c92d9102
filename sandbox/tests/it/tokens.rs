//! Access tokens.

use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use thingspace_sandbox::{Account, Sandbox};

use crate::support::{Answer, Caller, REVOKE, TOKEN};

const MINUTE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn a_repeated_request_returns_the_same_token_and_states_a_whole_hour() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.advance(59 * MINUTE);

    let again = caller.token().await;

    assert_eq!(again.status, StatusCode::OK);
    let expected = json!({ "access_token": caller.access_token, "token_type": "Bearer", "expires_in": 3600 });
    assert_eq!(again.body, expected);
    assert_eq!(again.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn a_token_expires_an_hour_after_its_first_issue_despite_repeated_requests() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    for _ in 0..3 {
        sandbox.advance(19 * MINUTE);
        assert_eq!(caller.token().await.text("access_token"), caller.access_token);
        assert_eq!(caller.echo().await.status, StatusCode::OK);
    }
    sandbox.advance(3 * MINUTE);

    assert_eq!(caller.echo().await.fault_code(), "900901");

    let dead = caller.access_token.clone();
    caller.renew_access_token().await;
    assert_ne!(caller.access_token, dead);
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_revoked_token_is_invalid_and_the_next_one_is_new() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut caller = Caller::in_session(&sandbox).await;
    let revoked = caller.access_token.clone();

    assert_eq!(caller.oauth(REVOKE, &[("token", &revoked)]).await.status, StatusCode::OK);

    assert_eq!(caller.echo().await.fault_code(), "900901");
    caller.renew_access_token().await;
    assert_ne!(caller.access_token, revoked);
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn revoking_an_unknown_token_succeeds_and_revoking_the_token_of_another_client_fails() {
    let other = Account::new("other-key", "other-secret", "trillian", "h2g2");
    let sandbox = Sandbox::builder().account(other).start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let revoke = |token: &str| {
        let request = caller.http.post(caller.url(REVOKE)).basic_auth("other-key", Some("other-secret"));
        Answer::to(request.form(&[("token", token)]))
    };

    assert_eq!(revoke("unknown").await.status, StatusCode::OK);
    expect_error(&revoke(&caller.access_token).await, StatusCode::BAD_REQUEST, "invalid_request");

    assert_eq!(caller.token().await.text("access_token"), caller.access_token);
}

#[tokio::test]
async fn a_test_can_revoke_all_tokens_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.revoke_access_tokens();
    assert_eq!(caller.echo().await.fault_code(), "900901");
}

#[tokio::test]
async fn the_response_states_the_requested_scope() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let form = [("grant_type", "client_credentials"), ("scope", "ts.read ts.write")];
    assert_eq!(caller.oauth(TOKEN, &form).await.text("scope"), "ts.read ts.write");
}

#[tokio::test]
async fn an_invalid_token_request_is_rejected_with_the_error_that_oauth_defines() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let forms: [(&[(&str, &str)], &str); 7] = [
        (&[], "invalid_request"),
        (&[("grant_type", "")], "invalid_request"),
        (&[("grant_type", "password")], "unsupported_grant_type"),
        (&[("grant_type", "client_credentials"), ("grant_type", "client_credentials")], "invalid_request"),
        (&[("grant_type", "client_credentials"), ("client_secret", "x")], "invalid_request"),
        (&[("grant_type", "client_credentials"), ("scope", " two  spaces")], "invalid_scope"),
        (&[("grant_type", "client_credentials"), ("scope", "a\"b")], "invalid_scope"),
    ];
    for (form, error) in forms {
        expect_error(&caller.oauth(TOKEN, form).await, StatusCode::BAD_REQUEST, error);
    }

    let post = || caller.http.post(caller.url(TOKEN)).basic_auth("sandbox-key", Some("sandbox-secret"));
    let form = "application/x-www-form-urlencoded";
    let wrong = [
        post().json(&json!({ "grant_type": "client_credentials" })),
        post().body("grant_type=client_credentials"),
        post().header("content-type", form).body("grant_type=client_credentials&a=%zz"),
        post().header("content-type", form).body(vec![b'a'; 2 << 20]),
    ];
    for request in wrong {
        expect_error(&Answer::to(request).await, StatusCode::BAD_REQUEST, "invalid_request");
    }
    let get = Answer::to(caller.http.get(caller.url(TOKEN))).await;
    expect_error(&get, StatusCode::METHOD_NOT_ALLOWED, "invalid_request");
    assert_eq!(get.header("allow"), Some("POST"));
    assert_eq!(sandbox.counters().access_tokens, 1, "the caller's own");
}

#[tokio::test]
async fn only_the_right_key_with_the_right_secret_gets_a_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let post = || caller.http.post(caller.url(TOKEN)).form(&[("grant_type", "client_credentials")]);
    let wrong = [
        post(),
        post().basic_auth("sandbox-key", Some("wrong")),
        post().basic_auth("unknown", Some("sandbox-secret")),
        post().bearer_auth("sandbox-key"),
        post().header("authorization", "Basic !!!"),
        post().header("authorization", "Basic"),
    ];
    for request in wrong {
        let answer = Answer::to(request).await;
        expect_error(&answer, StatusCode::UNAUTHORIZED, "invalid_client");
        assert!(answer.header("www-authenticate").unwrap().starts_with("Basic "));
    }
    let twice = post().basic_auth("sandbox-key", Some("sandbox-secret")).header("authorization", "Basic x");
    expect_error(&Answer::to(twice).await, StatusCode::BAD_REQUEST, "invalid_request");
}

#[tokio::test]
async fn a_secret_is_sent_without_form_encoding() {
    let awkward = Account::new("k%2B+", "s:e%c&r=t", "trillian", "h2g2");
    let sandbox = Sandbox::builder().account(awkward.clone()).start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    let request = caller.request(Method::POST, TOKEN).form(&[("grant_type", "client_credentials")]);
    let mut request = request.build().unwrap();
    request.headers_mut().remove("authorization");
    let raw = reqwest::RequestBuilder::from_parts(caller.http.clone(), request);
    assert_eq!(Answer::to(raw.basic_auth(awkward.key, Some(awkward.secret))).await.status, StatusCode::OK);
}

fn expect_error(answer: &Answer, status: StatusCode, error: &str) {
    assert_eq!(answer.status, status, "{answer:?}");
    let fields = answer.body.as_object().unwrap();
    assert_eq!(fields.len(), 2, "{answer:?}");
    assert_eq!(fields["error"], error, "{answer:?}");
    assert!(fields["error_description"].as_str().is_some_and(|words| !words.is_empty()));
    assert_ne!(answer.body, Value::Null);
}
