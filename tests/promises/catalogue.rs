//! A spec of 25 operations like those of the platform: each one compiles and arrives as it is described, without a
//! change under `src/`.
//!
//! `tests/fixtures/growth.yaml` is the spec, `tests/fixtures/growth_caller.rs` a program that calls each operation.

mod calls;

use std::{fs, path::Path};

use serde_json::Value;
use thingspace_sandbox::{Operation, Recorded, Sandbox};

use crate::package::Package;
use calls::Call;

/// Has a copy of this package, with that spec, make the calls.
fn run(base_url: &str) -> (Vec<String>, String) {
    let fixtures = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let read = |name: &str| fs::read_to_string(fixtures.join(name)).unwrap();
    let package = Package::copy("catalogue");
    // What a date-time in the spec asks for.
    package.depend("chrono = { version = \"0.4\", default-features = false, features = [\"serde\"] }");
    package.enable("schemars", "chrono04");
    package.write("openapi.yaml", &read("growth.yaml"));
    package.write("examples/caller.rs", &read("growth_caller.rs"));
    let output = package.cargo(&["run", "--quiet", "--example", "caller"], ("BASE_URL", base_url));
    let errors = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{errors}");
    (String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect(), errors)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_five_operations_arrive_as_the_spec_describes_them() {
    let sandbox = Sandbox::start().await.unwrap();
    let base_url = sandbox.base_url().to_owned();
    let calls = calls::all();
    for call in calls.iter().filter(|call| !call.arrives.is_empty()) {
        sandbox.fault(Operation::Other, call.answer.clone(), 1);
    }
    let (said, errors) = tokio::task::spawn_blocking(move || run(&base_url)).await.unwrap();
    assert_eq!(errors, "", "no warning");

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
    assert_eq!(sandbox.counters().logouts, 1, "these were the tokens that hold");
}

fn is_of_a_session(request: &Recorded) -> bool {
    ["/oauth2/token", "/session/login"].iter().any(|path| request.path.ends_with(path))
}

/// A line with its JSON, in which the order of properties says nothing, apart.
fn parsed(line: &str) -> (String, Option<Value>) {
    let end = line.match_indices(' ').nth(1).map_or(line.len(), |(index, _)| index);
    match serde_json::from_str(&line[end..]) {
        Ok(json) => (line[..end].to_owned(), Some(json)),
        Err(_) => (line.to_owned(), None),
    }
}
