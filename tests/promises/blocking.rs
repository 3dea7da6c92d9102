//! The blocking API: where callers may use it, and how it reads bodies.

use std::io::Read as _;

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error,
    blocking::{Response, Session, ThingSpace},
};

use crate::support::{ECHO, PASSWORD, USERNAME, client_of, credentials, platform_requests, runtimes, shown};
use crate::vaults::vault;

const _: () = {
    const fn may_go_to_any_thread<T: Send + Sync>() {}
    may_go_to_any_thread::<ThingSpace>();
    may_go_to_any_thread::<Session>();
    may_go_to_any_thread::<Response>();
};

fn session_of(sandbox: &Sandbox) -> (ThingSpace, Session) {
    let thingspace = client_of(sandbox).build_blocking().unwrap();
    let session = thingspace.start_session(credentials()).unwrap();
    (thingspace, session)
}

/// A sandbox on its own runtime, and a session started outside of it.
fn started() -> (tokio::runtime::Runtime, Sandbox, ThingSpace, Session) {
    let [runtime, _] = runtimes();
    let sandbox = runtime.block_on(Sandbox::start()).unwrap();
    let (thingspace, session) = session_of(&sandbox);
    (runtime, sandbox, thingspace, session)
}

fn is_told_where_it_was_called<T: std::fmt::Debug>(outcome: Result<T, Error>) {
    let error = outcome.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(error.to_string().contains("spawn_blocking"), "{error}");
}

/// Makes each call of the API inside a task.
fn call_everything(thingspace: &ThingSpace, session: Session, responses: [Response; 4]) {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    is_told_where_it_was_called(thingspace.start_session(credentials()));
    is_told_where_it_was_called(thingspace.access_token());
    is_told_where_it_was_called(thingspace.resume_session(credentials(), "token"));
    is_told_where_it_was_called(thingspace.reset_login_guard(USERNAME));
    is_told_where_it_was_called(thingspace.account_status(USERNAME));
    is_told_where_it_was_called(thingspace.recover_rotation(&vault));
    is_told_where_it_was_called(session.send(session.request(Method::GET, ECHO).unwrap()));
    is_told_where_it_was_called(session.execute(session.request(Method::GET, ECHO).unwrap().build().unwrap()));
    is_told_where_it_was_called(session.token());
    is_told_where_it_was_called(session.reset_password(PASSWORD));
    is_told_where_it_was_called(session.rotate_password(&vault));
    is_told_where_it_was_called(session.call(session.api().end_connectivity_management_session().send()));
    is_told_where_it_was_called(thingspace.call(session.api().end_connectivity_management_session().send()));
    let [bytes, text, json, mut read] = responses;
    is_told_where_it_was_called(bytes.bytes());
    is_told_where_it_was_called(text.text());
    is_told_where_it_was_called(json.json::<serde_json::Value>());
    let error = read.read(&mut [0; 8]).unwrap_err();
    is_told_where_it_was_called(Err::<(), _>(
        error.into_inner().unwrap().downcast::<Error>().map(|error| *error).unwrap(),
    ));
    is_told_where_it_was_called(session.end());
}

#[test]
fn in_async_code_each_blocking_call_fails_with_advice_and_sends_nothing() {
    let [_, current_thread] = runtimes();
    for driver in [runtimes()[0].handle(), current_thread.handle()] {
        let (runtime, sandbox, thingspace, session) = started();
        let responses = || [(); 4].map(|()| session.send(session.request(Method::GET, ECHO).unwrap()).unwrap());
        let (there, here) = (responses(), responses());
        let before = platform_requests(&sandbox);
        driver.block_on(async { call_everything(&thingspace, session.clone(), there) });
        // Also in a task with its own session.
        let task = {
            let (thingspace, session) = (thingspace.clone(), session.clone());
            runtime.spawn(async move { call_everything(&thingspace, session, here) })
        };
        runtime.block_on(task).unwrap();
        assert_eq!(platform_requests(&sandbox), before);
        session.end().unwrap();
    }
}

#[test]
fn calls_work_where_tokio_allows_blocking() {
    let (runtime, sandbox, _thingspace, session) = started();
    let ask = |session: &Session| session.send(session.request(Method::GET, ECHO).unwrap()).unwrap().status();
    let clone = session.clone();
    runtime.block_on(async { tokio::task::spawn_blocking(move || ask(&clone)).await.unwrap() });
    let [outer, _] = runtimes();
    let clone = session.clone();
    outer.block_on(outer.spawn(async move { tokio::task::block_in_place(|| ask(&clone)) })).unwrap();
    let _entered = runtime.enter();
    assert_eq!(ask(&session), 200);
    drop(sandbox);
}

#[test]
fn a_blocking_call_inside_a_provider_is_an_error_and_no_deadlock() {
    let (_runtime, sandbox, thingspace, session) = started();
    // The provider runs on the client's thread, which a blocking call must not block.
    let source = move || {
        let outcome = session.token();
        async move { outcome.map(|_| Credentials::new(USERNAME, PASSWORD)).map_err(Into::into) }
    };
    let other = client_of(&sandbox).build_blocking().unwrap();
    let error = other.start_session(source).unwrap_err();
    assert!(matches!(error, Error::CredentialsProvider(_)), "{error:?}");
    assert!(shown(&error).contains("spawn_blocking"), "{error:?}");
    drop(thingspace);
}

#[test]
fn a_blocking_call_inside_another_is_an_error_and_no_deadlock() {
    let (_runtime, _sandbox, _thingspace, session) = started();
    let nested = session.call(async { Ok::<_, Error>(session.token()) }).unwrap();
    is_told_where_it_was_called(nested);
}

#[test]
fn the_last_handle_may_be_dropped_in_async_code() {
    let (runtime, sandbox, thingspace, session) = started();
    let response = session.send(session.request(Method::GET, ECHO).unwrap()).unwrap();
    runtime.block_on(async move { drop((thingspace, session, response)) });
    drop(sandbox);
}

#[test]
fn a_body_is_read_whole_or_in_pieces() {
    let (_runtime, sandbox, _thingspace, session) = started();
    let long = "0123456789".repeat(100_000);
    sandbox.fault(Operation::Other, Fault::answer(200, long.clone()), 4);
    let send = || session.send(session.request(Method::GET, ECHO).unwrap()).unwrap();
    assert_eq!(send().text().unwrap(), long);
    assert_eq!(send().bytes().unwrap(), long.as_bytes());
    let mut pieces = String::new();
    send().read_to_string(&mut pieces).unwrap();
    assert_eq!(pieces, long);
    let error = send().json::<u8>().unwrap_err();
    assert!(matches!(error, Error::UnexpectedResponse { .. }), "{error:?}");
}

#[test]
fn a_truncated_body_is_an_error_in_every_way_of_reading() {
    let (_runtime, sandbox, _thingspace, session) = started();
    sandbox.fault(Operation::Other, Fault::Truncate, 2);
    let send = || session.send(session.request(Method::GET, ECHO).unwrap()).unwrap();
    assert!(matches!(send().bytes().unwrap_err(), Error::Interrupted { .. }));
    let error = send().read_to_end(&mut Vec::new()).unwrap_err();
    assert!(error.get_ref().unwrap().is::<Error>(), "{error:?}");
}

#[test]
fn a_response_becomes_an_error_by_its_status_and_prints_nothing_else() {
    let (_runtime, sandbox, _thingspace, session) = started();
    sandbox.fault(Operation::Other, Fault::answer(404, "none"), 1);
    let request = session.request(Method::GET, ECHO).unwrap().query(&[("token", "hush")]);
    let response = session.send(request).unwrap();
    assert_eq!(format!("{response:?}"), "Response { status: 404, .. }");
    let error = response.error_for_status().unwrap_err();
    assert_eq!(error.status().unwrap(), 404);
    assert!(!shown(&error).contains("hush"), "{error}");
}
