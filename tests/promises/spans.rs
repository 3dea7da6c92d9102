//! Each call has one span with exactly the documented fields.

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation};

use crate::support::{ECHO, PASSWORD, USERNAME, session};
use crate::told::{self, Fields};

fn of(operation: &str) -> Fields {
    let calls: Vec<_> = told::calls().into_iter().filter(|call| call["thingspace.operation"] == operation).collect();
    let [call] = &calls[..] else { panic!("{operation}: {calls:?}") };
    call.clone()
}

#[tokio::test(start_paused = true)]
async fn each_call_is_one_span_with_the_fields_of_an_http_client() {
    told::listen();
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::answer(503, ""), 2);
    let request = session.request(Method::GET, &format!("{ECHO}?password={PASSWORD}")).unwrap();
    session.send(request).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.reset_password(PASSWORD).await.unwrap_err();

    let login = of("start_connectivity_management_session");
    let names: Vec<&str> = login.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "http.request.method",
            "http.response.status_code",
            "otel.kind",
            "otel.name",
            "server.address",
            "server.port",
            "thingspace.operation",
            "url.full",
            "url.template",
        ]
    );
    assert_eq!((&*login["otel.kind"], &*login["otel.name"]), ("client", "POST /m2m/v1/session/login"));
    assert_eq!((&*login["http.request.method"], &*login["http.response.status_code"]), ("POST", "200"));
    assert_eq!(login["url.template"], "/m2m/v1/session/login");
    assert_eq!(login["url.full"], format!("{}/m2m/v1/session/login", sandbox.base_url()));
    assert_eq!(format!("{}:{}", login["server.address"], login["server.port"]), sandbox.address().to_string());

    let sent = of("send");
    assert_eq!(sent["url.full"], format!("{}{ECHO}", sandbox.base_url()), "without the query");
    assert_eq!((&*sent["otel.name"], &*sent["http.request.resend_count"]), ("GET", "2"));
    assert!(!sent.contains_key("url.template") && !sent.contains_key("error.type"), "{sent:?}");

    assert_eq!(of("access_token")["url.template"], "/ts/v1/oauth2/token");
    let reset = of("reset_connectivity_management_password");
    assert_eq!(reset["error.type"], "interrupted");
    assert!(!reset.contains_key("http.response.status_code"), "there was no answer: {reset:?}");
}

#[tokio::test(start_paused = true)]
async fn a_returned_error_response_has_its_status_in_the_span() {
    told::listen();
    let (sandbox, _thingspace, session) = session().await;
    sandbox.fault(Operation::Other, Fault::answer(404, ""), 1);
    session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
    let sent = of("send");
    assert_eq!((&*sent["error.type"], &*sent["http.response.status_code"]), ("404", "404"));
    assert_eq!(sent["otel.status_code"], "ERROR");
}

#[tokio::test(start_paused = true)]
async fn an_unsent_call_does_not_have_the_status_of_its_token_request() {
    told::listen();
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::refused("X.INPUT_INVALID.Password"), 1);
    session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
    let sent = of("send");
    assert_eq!(sent["error.type"], "session");
    assert!(!sent.contains_key("http.response.status_code"), "{sent:?}");
}

#[tokio::test(start_paused = true)]
async fn a_span_has_no_credentials_of_a_url_and_no_custom_method() {
    told::listen();
    let (sandbox, _thingspace, session) = session().await;
    let url = format!("{}{ECHO}", sandbox.base_url()).replace("http://", "http://me:hush@");
    let request = reqwest::Request::new(Method::from_bytes(b"HUSH").unwrap(), url.parse().unwrap());
    session.send(reqwest::RequestBuilder::from_parts(reqwest::Client::new(), request)).await.unwrap();
    let sent = of("send");
    assert_eq!(sent["url.full"], format!("{}{ECHO}", sandbox.base_url()));
    assert_eq!((&*sent["http.request.method"], &*sent["otel.name"]), ("_OTHER", "_OTHER"));
}
