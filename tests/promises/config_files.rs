//! A configuration that was written down is that of the builder; a slip is an error that names the field and quotes nothing.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Config, RetryPolicy, ThingSpace};
use tokio::time::Instant;

use crate::support::{ECHO, arrived, credentials, full, shown, token_requests, until};

/// All that can be written down.
fn all(sandbox: &Sandbox, store: &std::path::Path) -> Value {
    json!({
        "base_url": sandbox.base_url(),
        "api_key": { "key": "sandbox-key", "secret": "sandbox-secret" },
        "access_token": "refused-at-once",
        "share_access_token": true,
        "scopes": ["one", "two"],
        "allow_origins": ["http://127.0.0.1:9"],
        "timeout_ms": 20_000,
        "connect_timeout_ms": 3000,
        "clock_skew_ms": 60_000,
        "retry_policy": { "max_retries": 1, "backoff_ms": 10 },
        "response_limit": 4096,
        "user_agent": "fleet/7",
        "store": store,
        "tls_backend": "rustls",
        "allow_plain_http": true,
    })
}

/// A network that swallows packets is played by a listener whose queue is full.
#[cfg(all(target_os = "linux", feature = "rustls-no-provider"))]
#[tokio::test(start_paused = true)]
async fn each_field_does_what_its_method_does() {
    let (sandbox, directory) = (Sandbox::start().await.unwrap(), tempfile::tempdir().unwrap());
    let store = directory.path().join("session.json");
    let config: Config = serde_json::from_value(all(&sandbox, &store)).unwrap();
    let session =
        ThingSpace::builder().config(config.clone()).build().unwrap().start_session(credentials()).await.unwrap();
    let request = sandbox.requests().into_iter().find(|request| request.path.ends_with("/token")).unwrap();
    assert!(String::from_utf8_lossy(&request.body).contains("scope=one+two"));
    assert_eq!(request.header("user-agent"), Some("fleet/7"));
    assert!(sandbox.requests().iter().any(|request| request.header("authorization") == Some("Bearer refused-at-once")));
    let accounts = || serde_json::from_slice::<Value>(&std::fs::read(&store).unwrap()).unwrap()["accounts"].clone();
    until(|| accounts().as_object().unwrap().len() == 2).await; // the session's, and that of the access token

    sandbox.fault(Operation::Other, Fault::answer(503, ""), 9);
    session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
    assert_eq!(arrived(&sandbox, ECHO), 2, "one retry");
    sandbox.clear_faults();
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(100)), 1);
    let started = Instant::now();
    session.send(session.request(Method::POST, ECHO).unwrap()).await.unwrap_err();
    assert_eq!(started.elapsed().as_secs(), 20);

    sandbox.clear_faults();
    sandbox.fault(Operation::Reset, Fault::answer(200, "x".repeat(5000)), 1);
    let error = session.reset_password("IMgr8").await.unwrap_err();
    assert!(error.to_string().contains("4096 bytes"), "{error}");

    let elsewhere = reqwest::Client::new().get("http://127.0.0.1:9/");
    assert!(session.send(elsewhere).await.unwrap_err().is_connect(), "an origin that is allowed");
    let (listener, _first) = full("127.0.0.1:0".parse().unwrap());
    let slow = format!("http://{}/api", listener.local_addr().unwrap());
    let client = ThingSpace::builder().config(config).base_url(slow).retry_policy(RetryPolicy::none()).build().unwrap();
    let started = Instant::now();
    assert!(client.start_session(credentials()).await.unwrap_err().is_connect());
    assert_eq!(started.elapsed().as_secs(), 3);

    let plain = json!({ "base_url": "http://x.example", "access_token": "t", "allow_plain_http": false });
    let plain: Config = serde_json::from_value(plain).unwrap();
    assert!(ThingSpace::builder().config(plain.clone()).build().unwrap_err().to_string().contains("https://"));
    ThingSpace::builder().config(plain).allow_plain_http().build().unwrap();
    let mock: Config = serde_json::from_value(json!({ "environment": "mock", "access_token": "t" })).unwrap();
    let mock = ThingSpace::builder().config(mock).build().unwrap();
    assert_eq!(mock.base_url().as_str(), "https://mock.thingspace.verizon.com/api");
}

/// An access token of the sandbox lasts an hour.
#[tokio::test]
async fn what_is_left_out_stays_as_it_is() {
    let sandbox = Sandbox::start().await.unwrap();
    let builder = crate::support::client_of(&sandbox).config(serde_json::from_str("{}").unwrap());
    builder.build().unwrap().start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), 1);
}

const HIDDEN: &str = "314159265358979";

#[test]
fn an_error_names_the_field_and_quotes_no_value_of_it() {
    let fields = all_names();
    for field in &fields {
        for wrong in [json!(format!("-{HIDDEN}")), json!([{ "x": HIDDEN }]), json!({ "x": HIDDEN }), json!(-3.5)] {
            let wrong = json!({ field.as_str(): wrong });
            let is_text = ["user_agent", "store", "access_token"].contains(&field.as_str());
            for format in [json_error(&wrong), yaml_error(&wrong)] {
                let Some(error) = format else {
                    assert!(is_text && (wrong[field].is_string() || wrong[field].is_number()), "{wrong} was taken");
                    continue;
                };
                assert!(error.contains(&format!("`{field}`")), "{error}");
                assert!(!error.contains(&HIDDEN[..8]), "{error}");
            }
        }
    }
    let both = json_error(&json!({ "environment": "mock", "base_url": "https://x.example" })).unwrap();
    assert!(both.contains("`environment` and `base_url`"), "{both}");
    for (field, url) in [("base_url", json!("x.example/api")), ("allow_origins", json!(["https://u:p@x.example"]))] {
        let error = json_error(&json!({ field: url })).unwrap();
        assert!(error.contains(&format!("`{field}`: the URL ")) && !error.contains("x.example"), "{error}");
    }
    let nested = json_error(&json!({ "retry_policy": { "backoff_ms": HIDDEN } })).unwrap();
    assert!(nested.contains("`retry_policy`: `backoff_ms` has to be"), "{nested}");
    let secret = json_error(&json!({ "api_key": { "key": "k", "secret": 314_159_265_358_979_u64 } })).unwrap();
    assert!(secret.contains("`api_key`: `secret`") && !secret.contains(&HIDDEN[..8]), "{secret}");
    for whole in [json!(HIDDEN), json!([HIDDEN])] {
        assert!(json_error(&whole).is_some_and(|error| !error.contains(&HIDDEN[..8])), "{whole}");
    }
    assert!(json_error(&json!({ "timeout": 5 })).unwrap().contains("`timeout`"));
}

fn all_names() -> Vec<String> {
    let names = "base_url api_key access_token share_access_token scopes allow_origins timeout_ms connect_timeout_ms clock_skew_ms retry_policy \
                 response_limit user_agent store tls_backend allow_plain_http environment";
    names.split_whitespace().map(str::to_owned).collect()
}

fn json_error(value: &Value) -> Option<String> {
    let errors = [
        serde_json::from_str::<Config>(&value.to_string()).err(),
        serde_json::from_value::<Config>(value.clone()).err(),
    ];
    let [Some(first), Some(second)] = errors else { return None };
    Some(shown(&first) + &shown(&second))
}

fn yaml_error(value: &Value) -> Option<String> {
    let error = serde_saphyr::from_str::<Config>(&value.to_string()).err()?;
    // Beside what it says it shows the line; that is its own doing.
    Some(error.without_snippet().to_string())
}

#[test]
fn a_configuration_prints_none_of_its_secrets() {
    let config: Config =
        serde_json::from_value(json!({ "access_token": HIDDEN, "api_key": { "key": "k", "secret": HIDDEN } })).unwrap();
    let builder = ThingSpace::builder().config(config.clone());
    let printed = format!("{config:?} {config:#?} {builder:?} {:?}", builder.clone());
    assert!(!printed.contains(HIDDEN) && printed.contains("Config { .. }"), "{printed}");
}
