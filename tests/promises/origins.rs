//! The crate sends tokens only to the platform.

use reqwest::{Method, redirect};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, ThingSpace};

use crate::support::{ECHO, alone, api_key, client_of, credentials, passed, platform_requests, session};

#[tokio::test]
async fn send_refuses_every_other_origin_and_sends_nothing() {
    let (sandbox, _thingspace, session) = session().await;
    let elsewhere = Sandbox::start().await.unwrap();
    let port = sandbox.address().port();
    for url in [
        format!("{}{ECHO}", elsewhere.base_url()),
        format!("https://127.0.0.1:{port}/api{ECHO}"),
        format!("http://localhost:{port}/api{ECHO}"),
        format!("http://127.0.0.1.evil.example:{port}/api{ECHO}"),
        format!("http://127.0.0.1:{port}@{}/api{ECHO}", elsewhere.address()),
        "https://thingspace.verizon.com/api/m2m/v1/x?secret=IMgr8".to_owned(),
    ] {
        let error = session.send(reqwest::Client::new().get(&url)).await.unwrap_err();
        assert!(matches!(error, Error::InvalidRequest { .. }), "{url}: {error:?}");
        assert!(error.to_string().contains("allow_origin") && !error.to_string().contains("IMgr8"), "{error}");
    }
    assert_eq!((platform_requests(&elsewhere), platform_requests(&sandbox)), (0, 1));
}

#[tokio::test]
async fn an_allowed_origin_gets_both_tokens() {
    let (sandbox, other) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
    let thingspace = client_of(&sandbox).allow_origin(format!("http://{}", other.address())).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    let request = reqwest::Client::new().get(format!("{}{ECHO}", other.base_url()));
    // The other sandbox does not know the tokens, but received them.
    session.send(request).await.unwrap();
    let arrived = other.requests();
    assert!(arrived[0].header("authorization").is_some() && arrived[0].header("vz-m2m-token").is_some());
}

#[tokio::test]
async fn no_redirect_is_followed_even_by_a_client_configured_to() {
    let (sandbox, elsewhere) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
    let eager = client_of(&sandbox).http_client(|http| http.redirect(redirect::Policy::limited(10)));
    for thingspace in [client_of(&sandbox).build().unwrap(), eager.build().unwrap()] {
        let session = thingspace.start_session(credentials()).await.unwrap();
        for status in [301, 302, 303, 307, 308] {
            let moved = Fault::answer(status, "").with_header("location", format!("{}{ECHO}", elsewhere.base_url()));
            sandbox.fault(Operation::Any, moved, 2);
            let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
            assert_eq!(answer.status().as_u16(), status);
            let error = session.reset_password("IMgr8").await.unwrap_err();
            assert!(error.to_string().contains("redirect"), "{error}");
        }
    }
    assert_eq!(elsewhere.counters().connections, 0);
}

/// The inner half of the next test: a call in a process whose environment names a proxy.
#[tokio::test]
async fn a_call_in_a_process_with_a_proxy() {
    let (_sandbox, _thingspace, session) = session().await;
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
}

#[test]
fn a_proxy_of_the_environment_gets_no_loopback_requests() {
    let proxy = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    proxy.set_nonblocking(true).unwrap();
    let address = format!("http://{}", proxy.local_addr().unwrap());
    let mut call = alone("origins::a_call_in_a_process_with_a_proxy");
    passed(call.env("HTTP_PROXY", &address).env("http_proxy", &address));
    assert!(proxy.accept().is_err(), "the proxy got a connection");
}

#[test]
fn plain_http_is_rejected_except_to_loopback_or_where_allowed() {
    let build = |url: &str| ThingSpace::builder().api_key(api_key()).base_url(url).build();
    for url in [
        "http://thingspace.verizon.com/api",
        "http://10.0.0.1/api",
        "http://localhost.example/api",
        "http://evil-localhost/api",
        "http://0.0.0.0/",
    ] {
        let error = build(url).unwrap_err();
        assert!(error.to_string().contains("https://"), "{url}: {error}");
    }
    for url in [
        "http://127.0.0.1:1/api",
        "http://127.8.8.8/api",
        "http://[::1]/api",
        "http://localhost:8080/api",
        "https://x.example/api/",
    ] {
        build(url).unwrap();
    }
    let builder = || ThingSpace::builder().api_key(api_key()).base_url("https://x.example");
    builder().base_url("http://lab.example/api").allow_plain_http().build().unwrap();
    builder().allow_origin("http://lab.example").build().unwrap_err();
    // A proxy of the environment could read it.
    builder().allow_origin("http://127.0.0.1:9").build().unwrap_err();
    builder().allow_origin("https://x.example/a/path").build().unwrap_err();
}

#[tokio::test]
async fn an_invalid_path_is_rejected() {
    let (_sandbox, _thingspace, session) = session().await;
    for path in ["", "m2m/v1/x", "@evil.example/x", ":9/x"] {
        assert!(matches!(session.request(Method::GET, path), Err(Error::InvalidRequest { .. })), "{path}");
    }
    let request = session.request(Method::GET, "//evil.example/x").unwrap();
    assert_eq!(request.build().unwrap().url().host_str(), Some("127.0.0.1"));
}
