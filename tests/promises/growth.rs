//! A changed spec: additions work without a change under `src/`, and a build reports errors of the spec.

use thingspace_sandbox::{Fault, Operation, Sandbox};

use crate::{grown::grown, package::Package};

#[tokio::test(flavor = "multi_thread")]
async fn a_fourth_operation_needs_no_change_under_src_and_is_sent_with_both_tokens() {
    let sandbox = Sandbox::start().await.unwrap();
    let base_url = sandbox.base_url().to_owned();
    let run = tokio::task::spawn_blocking(move || grown().run("fourth_caller", &base_url));
    let said = run.await.unwrap();
    assert!(said.contains("GET /api/m2m/v1/registrations/0000123456-00001"), "{said}");
    assert!(said.contains("list_registered_callbacks needs a session"), "{said}");
    assert!(said.contains("[redacted]") && !said.contains("printed?"), "{said}");

    let arrived = sandbox.requests();
    let call = arrived.iter().find(|request| request.path.ends_with("/registrations/0000123456-00001")).unwrap();
    assert!(call.header("authorization").unwrap().starts_with("Bearer "));
    assert!(call.header("vz-m2m-token").is_some());
    assert_eq!(call.header("api-version"), None, "the platform does not know it");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_session_token_goes_into_the_header_of_the_scheme_that_the_document_names_first() {
    let sandbox = Sandbox::start().await.unwrap();
    let base_url = sandbox.base_url().to_owned();
    tokio::task::spawn_blocking(move || grown().run("fourth_caller", &base_url)).await.unwrap();
    let arrived = sandbox.requests();
    let calls: Vec<_> = arrived.iter().filter(|request| request.path.ends_with("/neighbours")).collect();
    let carried = |name: &str| calls.iter().map(|call| call.header(name).is_some()).collect::<Vec<_>>();
    // By GET, POST, PUT and DELETE of the generated client, and by hand.
    assert_eq!(carried("sessiontoken"), [true, true, false, false, true]);
    assert_eq!(carried("vz-m2m-token"), [false, false, true, true, false]);
    assert_eq!(carried("authorization"), [true; 5]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_success_without_the_body_that_another_has_is_none() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Operation::Other, Fault::answer(204, ""), 1);
    let base_url = sandbox.base_url().to_owned();
    let said = tokio::task::spawn_blocking(move || grown().run("fourth_caller", &base_url)).await.unwrap();
    let states: Vec<&str> = said.lines().filter(|line| line.starts_with("20")).collect();
    assert_eq!(states, ["204 No Content false", "200 OK true"], "{said}");
}

#[test]
fn a_client_without_credentials_handling_does_not_compile() {
    let mut package = Package::copy("broken");
    let transport = package.file("src/transport.rs");
    let bare = transport.replace("impl ClientHooks<Transport> for client::Client", "trait Nothing { async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response>; }\nimpl Nothing for client::Client");
    assert_ne!(transport, bare);
    package.write("src/transport.rs", &bare);
    let output = package.build(&["--quiet"]);
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success() && said.contains("does not implement `ClientHooks<"), "{said}");
}
