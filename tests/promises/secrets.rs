//! The crate prints no secret.
//!
//! One test runs another one in a child process, with backtraces and a subscriber that records everything at `TRACE`.
//! It searches the output for every secret that went over the wire.

mod kept;

use std::{collections::BTreeSet, fmt::Debug, fs, io, panic, path::Path, time::Duration};

use reqwest::{
    Method,
    header::{HeaderMap, HeaderValue},
};
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccessToken, ApiKey, Config, Credentials, Error, FileVault, RetryPolicy, Secret, ThingSpace, api,
};

use crate::{
    leaks,
    support::{ECHO, PASSWORD, USERNAME, alone, api_key, client_of, credentials, passed, session, shown},
};

/// File for the secrets of the child process; unset in the test's own process.
const LIST: &str = "THINGSPACE_TEST_SECRETS";

#[test]
fn no_secret_is_printed_or_logged() {
    let list = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("secrets-{}.json", std::process::id()));
    let mut inner = alone("secrets::every_path_is_provoked_and_everything_is_printed");
    let printed = passed(inner.env(LIST, &list).env("RUST_BACKTRACE", "1"));

    // The output has logs of this crate and of its dependencies, errors, and a panic with a backtrace.
    for expected in ["thingspace.call", "TRACE", "hyper_util", "[redacted]", "stack backtrace", "provoked:"] {
        assert!(printed.contains(expected), "the output lacks {expected}");
    }
    let secrets: Vec<String> = serde_json::from_slice(&fs::read(&list).unwrap()).unwrap();
    fs::remove_file(&list).unwrap();
    assert!(secrets.len() >= 12, "too few secrets went over the wire: {}", secrets.len());
    assert_eq!(leaks::find(&printed, &secrets), None);
}

/// Prints a value in every form.
fn print(value: &dyn Debug) {
    println!("provoked: {value:?} {value:#?}");
}

fn print_error(error: Error) {
    println!("provoked: {} {:#}", shown(&error), error);
    print_panic(error);
}

/// Prints the panic of an `unwrap`, with a backtrace.
fn print_panic(error: impl Debug + Send + 'static) {
    let panicked = panic::catch_unwind(panic::AssertUnwindSafe(move || panic!("unwrapped: {error:?}")));
    assert!(panicked.is_err());
}

fn print_api_error<E: Debug + Send + 'static>(error: api::Error<E>)
where
    api::Error<E>: std::error::Error,
{
    println!("provoked: {} {error:#}", shown(&error));
    print_error(error.into());
}

#[tokio::test(start_paused = true)]
async fn every_path_is_provoked_and_everything_is_printed() {
    let Some(list) = std::env::var_os(LIST) else {
        return; // only the test above gives this one a process, and a log, of its own
    };
    leaks::record(io::stdout);
    let mut secrets = BTreeSet::new();

    print_types();
    for (index, fault) in faults().into_iter().enumerate() {
        let sandbox = Sandbox::start().await.unwrap();
        provoke(&sandbox, &fault, index).await;
        secrets.extend(leaks::secrets_of(&sandbox));
        secrets.extend(kept::rotations(&fault).await);
    }
    // Only here it goes along, so that a code can repeat it.
    let repeats = Fault::json(400, &json!({ "errorCode": GATEWAY, "errorMessage": GATEWAY }));
    provoke(&Sandbox::start().await.unwrap(), &repeats, 1).await;
    secrets.extend(kept::vaults().await);
    secrets.extend(kept::stores().await);
    secrets.extend(kept::handed_out().await);
    kept::sources().await;
    secrets.extend([GIVEN_OUT, WRONG, GATEWAY].map(str::to_owned));
    fs::write(list, serde_json::to_vec(&secrets).unwrap()).unwrap();
}

const GIVEN_OUT: &str = "Wh0a1545a84d-given-out";
const WRONG: &str = "Never-The-Password";
const GATEWAY: &str = "Key-Of-The-Gateway";

/// Responses that quote the request, or hold a secret in the wrong place.
fn faults() -> Vec<Fault> {
    let echo = |text: &str| format!("{text} IMgr8 sandbox-secret {GIVEN_OUT} {WRONG} {GATEWAY}");
    let mut faults = vec![Fault::CloseBefore, Fault::CloseAfter, Fault::Truncate];
    for status in [200, 201, 302, 400, 401, 403, 429, 500, 503] {
        faults.extend([
            Fault::answer(status, echo("plain")),
            Fault::answer(status, echo("<html>")).with_header("content-type", "text/html"),
            Fault::json(status, &json!(echo("bare"))),
            Fault::json(status, &json!({ "errorCode": "A.B", "errorMessage": echo("message") })),
            Fault::json(status, &json!({ "errorCode": echo("code"), "cause": [echo("cause")] })),
            Fault::json(status, &json!({ "fault": { "code": "900906", "description": echo("fault") } })),
            Fault::json(status, &json!({ "error": "invalid_client", "error_description": echo("oauth") })),
            Fault::json(status, &json!({ "sessionToken": [GIVEN_OUT], "newPassword": { "x": GIVEN_OUT } })),
            Fault::json(status, &json!({ "access_token": { "x": GIVEN_OUT } })),
            Fault::answer(status, "").with_header("location", format!("http://127.0.0.1/?{GIVEN_OUT}")),
        ]);
    }
    let sessions = Fault::json(200, &json!({ "sessionToken": GIVEN_OUT, "newPassword": GIVEN_OUT }));
    faults.extend([Fault::gateway("900901"), Fault::gateway("900902"), sessions]);
    faults.push(Fault::json(200, &json!({ "access_token": GIVEN_OUT, "expires_in": 60 })));
    faults
}

async fn provoke(sandbox: &Sandbox, fault: &Fault, index: usize) {
    // Each has its own store, so that one outcome does not suspend the next login. The timeout is short, because the
    // crate retries a login that did not reach the platform until the deadline. Verbose logging and the referer are on
    // in this configuration; the crate turns them off.
    let http = |http: reqwest::ClientBuilder| http.tls_certs_only([]).connection_verbose(true).referer(true);
    let key = |headers: &mut HeaderMap| {
        let mut key = HeaderValue::from_static(GATEWAY);
        key.set_sensitive(true);
        headers.insert("x-gateway-key", key);
    };
    let client = || {
        client_of(sandbox)
            .headers(key)
            .http_client(http)
            .retry_policy(RetryPolicy::none())
            .timeout(Duration::from_millis(300))
    };
    let (fresh, thingspace) = (|| client().build().unwrap(), client().build().unwrap());
    let meet = |operation| {
        sandbox.clear_faults();
        sandbox.fault(operation, fault.clone(), 3);
    };

    meet(Operation::Token);
    print_result(fresh().start_session(credentials()).await);
    meet(Operation::Login);
    print_result(fresh().start_session(credentials()).await);
    let body = api::types::LogInRequest::builder().username(USERNAME).password(PASSWORD);
    match thingspace.api().start_connectivity_management_session().body(body).send().await {
        Ok(answer) => print(&answer),
        Err(error) => print_api_error(error),
    }
    sandbox.clear_faults();
    print_result(thingspace.start_session(Credentials::new(USERNAME, WRONG)).await);
    print_result(thingspace.start_session(Credentials::new(USERNAME, WRONG)).await);

    let session = fresh().start_session(credentials()).await.unwrap();
    print(&(&session, session.token().await, thingspace.base_url()));
    meet(Operation::Other);
    let request = session.request(Method::POST, &format!("{ECHO}?password={PASSWORD}")).unwrap().bearer_auth("mine");
    // The response is reqwest's type, which prints the caller's URL.
    print_result(session.send(request.json(&json!({ "password": PASSWORD }))).await.map(|answer| answer.status()));
    let elsewhere = reqwest::Client::new().get(format!("https://x.example/?password={PASSWORD}"));
    print_result(session.send(elsewhere).await.map(|answer| answer.status()));
    meet(Operation::Reset);
    print_result(session.reset_password(PASSWORD).await);
    let body = api::types::SessionResetPasswordRequest::builder().old_password(WRONG);
    match session.api().reset_connectivity_management_password().body(body).send().await {
        Ok(answer) => print(&answer),
        Err(error) => print_api_error(error),
    }
    sandbox.clear_faults();
    if index == 0 {
        print_result(session.reset_password(PASSWORD).await);
    }
    meet(Operation::Logout);
    match session.api().end_connectivity_management_session().send().await {
        Ok(answer) => print(&answer),
        Err(error) => print_api_error(error),
    }
    print_result(session.end().await);
}

fn print_result<T: Debug>(result: Result<T, Error>) {
    match result {
        Ok(value) => print(&value),
        Err(error) => print_error(error),
    }
}

/// Prints every type that holds a secret.
fn print_types() {
    let token = AccessToken::new(GIVEN_OUT);
    let own = ThingSpace::builder().base_url("https://x.example").access_token(token.clone());
    print(&(&token, api_key(), credentials(), Secret::from(PASSWORD), &own, own_client(&token)));
    print(&(api::types::LogInRequest { username: USERNAME.to_owned(), password: Secret::from(PASSWORD) },));
    print(&api::types::LogInRequest::builder().username(USERNAME).password(PASSWORD));
    print(&api::types::LogInResult { session_token: Some(Secret::from(GIVEN_OUT)) });
    print(&api::types::SessionResetPasswordResult { new_password: Some(Secret::from(GIVEN_OUT)) });
    print(&serde_json::from_value::<Secret>(json!(5)).unwrap_err());
    print(&ApiKey::new("key", "sandbox-secret"));
    let config = json!({ "access_token": GIVEN_OUT, "api_key": { "key": "k", "secret": GIVEN_OUT } });
    let config: Config = serde_json::from_value(config).unwrap();
    print(&(
        &config,
        ThingSpace::builder().config(config.clone()),
        ThingSpace::builder().config(config.clone()).build(),
    ));
    print(&serde_json::from_value::<Config>(json!({ "timeout_ms": GIVEN_OUT, "user_agent": GIVEN_OUT })).map(drop));
    print(&serde_json::from_value::<Config>(json!({ "api_key": GIVEN_OUT })).map(drop));
}

fn own_client(token: &AccessToken) -> (ThingSpace, api::Client) {
    let client = ThingSpace::builder().base_url("https://x.example").access_token(token.clone()).build().unwrap();
    let api = client.api().clone();
    (client, api)
}

#[tokio::test]
async fn types_with_secrets_print_only_their_address_or_path() {
    let (_sandbox, thingspace, session) = session().await;
    let (url, vault) = (thingspace.base_url().as_str(), FileVault::new("/nowhere/password.json"));
    assert_eq!(format!("{thingspace:?}"), format!("ThingSpace {{ base_url: {url:?}, .. }}"));
    assert_eq!(format!("{session:?}"), format!("Session {{ base_url: {url:?}, .. }}"));
    assert_eq!(format!("{vault:?}"), format!("FileVault {{ path: {:?}, .. }}", vault.path()));
}

#[test]
fn a_secret_is_read_only_by_an_explicit_call() {
    let secret = Secret::from(PASSWORD.to_owned());
    assert_eq!(secret.expose_secret(), PASSWORD);
    assert_eq!(format!("{secret:?} {secret:#?}"), "[redacted] [redacted]");
    assert_eq!(serde_json::to_string(&secret).unwrap(), "\"IMgr8\"", "this is how it gets into a request");
    let schema = serde_json::to_value(schemars::schema_for!(api::types::LogInRequest)).unwrap();
    assert_eq!(schema["properties"]["password"]["format"], "password");
}
