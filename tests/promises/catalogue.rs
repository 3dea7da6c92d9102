//! A spec of 25 operations like the platform's. Each compiles without a change under `src/`, and its requests match the
//! spec.
//!
//! `tests/fixtures/growth.yaml` is the spec, `tests/fixtures/growth_caller.rs` a program that calls each operation.

mod calls;

use serde_json::Value;
use thingspace_sandbox::{Operation, Recorded, Sandbox};

use crate::grown::grown;
use calls::Call;

#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_operations_arrive_as_the_spec_describes_them() {
    let sandbox = Sandbox::start().await.unwrap();
    let base_url = sandbox.base_url().to_owned();
    let calls = calls::all();
    for call in calls.iter().filter(|call| !call.arrives.is_empty()) {
        sandbox.fault(Operation::Other, call.answer.clone(), 1);
    }
    let run = tokio::task::spawn_blocking(move || grown().run("catalogue_caller", &base_url));
    let said = run.await.unwrap();
    let said: Vec<&str> = said.lines().collect();

    let (said, shapes) = said.split_at(said.len() - 3);
    assert_eq!(shapes, ["GatewayFault", "Throttled", "ConnectivityManagementResult"]);
    for (call, line) in calls.iter().zip(said) {
        assert_eq!(parsed(line), parsed(&call.said), "{line} | {}", call.said);
    }
    assert_eq!(said.len(), calls.len(), "{said:?}");
    assert!(!said.concat().contains("callback-secret"), "{said:?}");

    let arrived = sandbox.requests();
    let (logout, arrived) = arrived.split_last().unwrap();
    let arrived: Vec<&Recorded> = arrived.iter().filter(|request| !is_of_a_session(request)).collect();
    let calls: Vec<&Call> = calls.iter().filter(|call| !call.arrives.is_empty()).collect();
    for (call, request) in calls.iter().zip(&arrived) {
        let query = if request.query.is_empty() { String::new() } else { format!("?{}", request.query) };
        let address = call.arrives.replace(" /", " /api/").replace("{account}", calls::ACCOUNT);
        assert_eq!(format!("{} {}{query}", request.method, request.path), address);
        let body = if request.body.is_empty() { Value::Null } else { serde_json::from_slice(&request.body).unwrap() };
        assert_eq!(body, call.body, "{address}");
        assert_eq!(request.header("content-type").is_some(), !call.body.is_null(), "{address}");
        for token in ["authorization", "vz-m2m-token"] {
            assert_eq!(request.header(token).unwrap(), logout.header(token).unwrap(), "{address}: {token}");
        }
        assert_eq!(request.header("api-version"), None, "{address}");
        let id = request.method == "DELETE" && request.path.contains("/groups/");
        assert_eq!(request.header("x-request-id"), id.then_some("7"), "{address}");
    }
    assert_eq!(arrived.len(), calls.len());
    assert_eq!(sandbox.counters().logouts, 1, "the requests had valid tokens");
}

fn is_of_a_session(request: &Recorded) -> bool {
    ["/oauth2/token", "/session/login"].iter().any(|path| request.path.ends_with(path))
}

/// A line split into text and JSON, because the order of properties may differ.
fn parsed(line: &str) -> (String, Option<Value>) {
    let end = line.match_indices(' ').nth(1).map_or(line.len(), |(index, _)| index);
    match serde_json::from_str(&line[end..]) {
        Ok(json) => (line[..end].to_owned(), Some(json)),
        Err(_) => (line.to_owned(), None),
    }
}
