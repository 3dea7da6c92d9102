//! Starting and stopping.

use std::fs;
use std::io::ErrorKind;
use std::net::TcpStream;
use std::path::Path;
use std::time::Duration;

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use thingspace_sandbox::history::{History, mark};
use thingspace_sandbox::{Account, Fault, Operation, Sandbox};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::support::{Caller, ECHO, PASSWORD, RESET, until};

#[tokio::test]
async fn a_dropped_sandbox_has_closed_its_port_by_the_time_drop_returns() {
    let sandbox = Sandbox::start().await.unwrap();
    let address = sandbox.address();
    drop(TcpStream::connect(address).unwrap());
    drop(sandbox);
    assert_eq!(TcpStream::connect(address).unwrap_err().kind(), ErrorKind::ConnectionRefused);
}

#[tokio::test]
async fn a_dropped_sandbox_closes_its_open_connections() {
    let sandbox = Sandbox::start().await.unwrap();
    let mut connection = tokio::net::TcpStream::connect(sandbox.address()).await.unwrap();
    connection.write_all(b"GET /_sandbox/counters HTTP/1.1\r\nhost: sandbox\r\n\r\n").await.unwrap();
    assert!(connection.read(&mut [0; 4096]).await.unwrap() > 0);
    let rest = tokio::spawn(async move { connection.read(&mut [0; 4096]).await });

    drop(sandbox);

    until(|| rest.is_finished()).await;
    assert_eq!(rest.await.unwrap().unwrap(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_dropped_sandbox_leaves_no_task_even_for_a_delayed_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    sandbox.fault(Operation::Other, Fault::Delay(Duration::from_secs(3600)), 1);
    let request = tokio::spawn(caller.request(Method::GET, ECHO).send());
    until(|| sandbox.counters().requests == 3).await;

    drop((sandbox, caller));

    until(|| request.is_finished()).await;
    assert!(request.await.unwrap().is_err());
    let runtime = tokio::runtime::Handle::current();
    until(|| runtime.metrics().num_alive_tasks() == 0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sandbox_serves_many_callers_on_many_threads() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let requests: Vec<_> = (0..50).map(|_| tokio::spawn(caller.request(Method::GET, ECHO).send())).collect();
    for request in requests {
        assert_eq!(request.await.unwrap().unwrap().status(), StatusCode::OK);
    }
    assert_eq!(sandbox.counters().other_requests, 50);
}

#[tokio::test]
async fn sandboxes_are_independent_of_each_other() {
    let (one, other) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
    let mut caller = Caller::in_session(&one).await;
    assert_eq!(other.counters().requests, 0);
    caller.base_url = other.base_url().to_owned();
    assert_eq!(caller.echo().await.fault_code(), "900901");
}

#[tokio::test]
async fn a_sandbox_rejects_an_address_that_other_hosts_can_reach() {
    let refused = Sandbox::builder().listen("0.0.0.0:0".parse().unwrap()).start().await.unwrap_err();
    assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    assert!(refused.to_string().contains("not a loopback address"));
}

#[tokio::test]
async fn an_exposed_sandbox_listens_on_an_address_that_other_hosts_reach() {
    let sandbox = Sandbox::builder().listen("0.0.0.0:0".parse().unwrap()).exposed().start().await.unwrap();
    assert!(sandbox.address().ip().is_unspecified());
}

#[tokio::test]
async fn a_history_has_logins_resets_and_requests_and_no_secret() {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("history");
    fs::create_dir_all(&directory).unwrap();
    let path = directory.join("sandbox.jsonl");
    let _ = fs::remove_file(&path);
    let history = History::open(&path, "sandbox").unwrap();
    let sandbox = Sandbox::builder().history(history).start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    caller.echo().await;
    let reset = caller.request(Method::PUT, RESET).json(&json!({ "oldPassword": PASSWORD })).send().await.unwrap();
    let new = reset.json::<Value>().await.unwrap()["newPassword"].as_str().unwrap().to_owned();
    let text = fs::read_to_string(path).unwrap();
    let events: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let whats: Vec<_> = events.iter().map(|event| event["what"].as_str().unwrap()).collect();
    assert_eq!(whats, ["login", "request", "reset"]);
    assert_eq!(events[0]["password"], events[2]["old"]);
    assert_eq!(events[0]["session"], events[1]["session"]);
    assert_eq!(events[2]["new"], mark(&new));
    assert!(events.is_sorted_by_key(|event| event["t"].as_u64().unwrap()));
    for secret in [PASSWORD, &new, &caller.session_token, &caller.access_token] {
        assert!(!text.contains(secret), "{text}");
    }
}

#[tokio::test]
async fn a_sandbox_with_conflicting_accounts_does_not_start() {
    let same_user = Account::new("k", "s", "zbeeblebrox", "other");
    let same_key = Account::new("sandbox-key", "other", "trillian", "h2g2");
    for account in [same_user, same_key] {
        let refused = Sandbox::builder().account(account).start().await.unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::InvalidInput);
    }
}

#[tokio::test]
async fn the_counters_count_each_kind_of_request() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    caller.token().await;
    caller.oauth("/ts/v1/oauth2/token", &[]).await;
    caller.echo().await;
    caller.log_out().await;
    let counters = sandbox.counters();
    assert_eq!((counters.connections, counters.requests), (1, 6));
    assert_eq!((counters.token_requests, counters.access_tokens, counters.gateway_faults), (3, 2, 0));
    assert_eq!((counters.logins_attempted, counters.logins_succeeded, counters.logins_failed), (1, 1, 0));
    assert_eq!((counters.other_requests, counters.logouts), (1, 1));
    sandbox.reset();
    assert_eq!(sandbox.counters().requests, 0);
}
