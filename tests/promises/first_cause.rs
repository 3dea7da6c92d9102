//! An error names the first cause. An unreachable host is `Connect` for every waiting caller, also after a deadline.
//! The error type names the server that responded, and the text says what to check.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use reqwest::{
    Method,
    dns::{Addrs, Name, Resolve, Resolving},
};
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, Session, ThingSpaceBuilder};
use tokio::time::{Instant, sleep};

use crate::support::{ECHO, PASSWORD, client_of, credentials, full, on_the_way, sandbox, session};

const TIMEOUT: Duration = Duration::from_secs(5);
const SECOND: Duration = Duration::from_secs(1);

/// A resolver that finds no host, after a delay.
struct NoHost(Duration);

impl Resolve for NoHost {
    fn resolve(&self, _: Name) -> Resolving {
        let time = self.0;
        Box::pin(async move {
            sleep(time).await;
            Err::<Addrs, _>("failed to lookup address information: Name or service not known".into())
        })
    }
}

fn closed_port() -> SocketAddr {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

fn builder(base_url: &str) -> ThingSpaceBuilder {
    thingspace_session::ThingSpace::builder().api_key(crate::support::api_key()).base_url(base_url).timeout(TIMEOUT)
}

fn unresolved(after: Duration) -> ThingSpaceBuilder {
    builder("https://nope.invalid/api").http_client(move |http| http.dns_resolver(Arc::new(NoHost(after))))
}

fn assert_is_no_connection(error: &Error, cause: &str) {
    assert!(error.is_connect(), "{error:?}");
    assert!(error.is_retryable(), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(cause) && text.contains("check the network, the proxy, the base URL"), "{text}");
    assert!(!text.contains("may have processed") && !text.contains("login is under way"), "{text}");
}

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO).unwrap()).await?.status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn starting_on_a_closed_port_is_a_connect_error() {
    let base_url = format!("http://{}/api", closed_port());
    for _ in 0..20 {
        let thingspace = builder(&base_url).build().unwrap();
        let error = thingspace.start_session(credentials()).await.unwrap_err();
        assert_is_no_connection(&error, "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn an_unresolvable_host_is_a_connect_error_even_with_a_slow_resolver() {
    for millis in [0, 1, 300, 1000, 1200, 2000, 2400, 2600, 4900, 60_000] {
        for _ in 0..4 {
            let thingspace = unresolved(Duration::from_millis(millis)).build().unwrap();
            let begun = Instant::now();
            let error = thingspace.start_session(credentials()).await.unwrap_err();
            // The connect timeout also limits a slow resolver.
            let cause = if millis < 2500 { "failed to lookup address" } else { "timed out" };
            assert_is_no_connection(&error, cause);
            assert!(begun.elapsed() <= TIMEOUT + SECOND, "{:?}", begun.elapsed());
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_login_without_a_connection_is_a_connect_error() {
    let base_url = format!("http://{}/api", closed_port());
    for _ in 0..10 {
        let token = thingspace_session::AccessToken::new("ready");
        let thingspace = thingspace_session::ThingSpace::builder().access_token(token).base_url(&base_url);
        let error = thingspace.timeout(TIMEOUT).build().unwrap().start_session(credentials()).await.unwrap_err();
        assert_is_no_connection(&error, "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_host_that_accepts_no_connections_is_a_connect_error() {
    let (listener, _first) = full("127.0.0.1:0".parse().unwrap());
    let thingspace = builder(&format!("http://{}/api", listener.local_addr().unwrap())).build().unwrap();
    let error = thingspace.start_session(credentials()).await.unwrap_err();
    assert_is_no_connection(&error, "timed out");
}

/// One caller starts the login, others join at any time. Each has its own deadline; all share one attempt.
#[tokio::test(start_paused = true)]
async fn every_caller_that_waits_for_a_session_gets_the_cause() {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).timeout(TIMEOUT).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    drop(sandbox);
    // Both tokens are dead by then.
    tokio::time::advance(Duration::from_secs(3600)).await;
    let callers: Vec<_> = (0..40)
        .map(|number| {
            let session = session.clone();
            tokio::spawn(async move {
                sleep(number * SECOND / 4).await;
                let error = match number % 4 {
                    0 => session.token().await.map(drop),
                    1 => session.reset_password(PASSWORD).await.map(drop),
                    2 => {
                        session.api().end_connectivity_management_session().send().await.map(drop).map_err(Error::from)
                    }
                    _ => ask(&session).await.map(drop),
                };
                error.unwrap_err()
            })
        })
        .collect();
    for caller in callers {
        assert_is_no_connection(&caller.await.unwrap(), "refused");
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_cut_off_by_the_deadline_reports_the_previous_failure() {
    let (sandbox, _, session) = session().await;
    sandbox.fault(Operation::Other, Fault::CloseBefore, 1);
    sandbox.fault(Operation::Other, Fault::Delay(3600 * SECOND), 9);
    let error = ask(&session).await.unwrap_err();
    assert!(matches!(error, Error::Interrupted { .. }) && error.is_retryable(), "{error:?}");

    // The platform may have processed the last attempt, so the error must not offer a repeat.
    let request = session.request(Method::POST, ECHO).unwrap();
    let error = session.send(request).await.unwrap_err();
    assert!(error.is_timeout() && error.may_have_been_processed() && !error.is_retryable(), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn an_error_text_does_not_call_a_request_both_unsent_and_possibly_processed() {
    for operation in [Operation::Token, Operation::Login] {
        for fault in [Fault::Delay(3600 * SECOND), Fault::CloseBefore, Fault::CloseAfter] {
            let (sandbox, _, session) = session().await;
            sandbox.revoke_access_tokens();
            sandbox.expire_session(crate::support::USERNAME);
            sandbox.fault(operation, fault.clone(), 99);
            let error = ask(&session).await.unwrap_err();
            let text = error.to_string();
            assert!(!error.may_have_been_processed(), "{error:?}");
            assert!(
                text.contains("not sent") || text.contains("has not processed it"),
                "{operation:?} {fault:?}: {text}"
            );
            assert!(!text.contains("may have processed"), "{operation:?} {fault:?}: {text}");
        }
    }
}

#[tokio::test]
async fn an_error_of_the_token_endpoint_is_oauth_with_advice() {
    for (body, code, advice) in [
        (json!({ "error": "invalid_client", "error_description": "no" }), "invalid_client", "API key"),
        (json!({ "error": "unauthorized_client" }), "unauthorized_client", "API key"),
        (json!({ "error": "invalid_scope" }), "invalid_scope", "check the scopes"),
        (json!({ "error": "invalid_request" }), "invalid_request", "base URL"),
        (json!({ "errorCode": "Gate.REQUEST_FAILED.Busy", "errorMessage": "no" }), "REQUEST_FAILED.Busy", "base URL"),
        (json!({ "code": "Busy.Line", "message": "no" }), "Busy.Line", "base URL"),
    ] {
        let (sandbox, thingspace) = sandbox().await;
        sandbox.fault(Operation::Token, Fault::json(400, &body), 9);
        let error = on_the_way(thingspace.start_session(credentials()).await.unwrap_err());
        assert!(matches!(error, Error::Oauth(_)), "{error:?}");
        assert_eq!(*error.code().unwrap(), code);
        assert!(error.to_string().contains(advice), "{error}");
    }
    let (sandbox, thingspace) = sandbox().await;
    sandbox.fault(Operation::Token, Fault::gateway("900906"), 9);
    let error = on_the_way(thingspace.start_session(credentials()).await.unwrap_err());
    assert!(matches!(error, Error::Gateway(_)), "{error:?}");
}

#[tokio::test]
async fn an_error_of_an_operation_is_never_oauth() {
    for body in [
        json!({ "error": "invalid_client", "error_description": "no" }),
        json!({ "error": "unauthorized", "cause": "who are you" }),
        json!({ "error": "NotFound", "message": "no" }),
    ] {
        for status in [400, 401, 404, 500] {
            let (sandbox, _, session) = session().await;
            sandbox.fault(Operation::Reset, Fault::json(status, &body), 9);
            let error = session.reset_password(PASSWORD).await.unwrap_err();
            assert!(matches!(error, Error::Platform(_)), "{status} {body}: {error:?}");
            assert_eq!(error.code().unwrap().as_str(), body["error"].as_str().unwrap());
            assert!(!error.to_string().contains("API key"), "{error}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_wrong_base_url_is_named_in_the_error() {
    let sandbox = Sandbox::start().await.unwrap();
    for wrong in ["", "/apis", "/api/m2m", "/api/api"] {
        let base_url = format!("http://{}{wrong}", sandbox.address());
        let error = builder(&base_url).build().unwrap().start_session(credentials()).await.unwrap_err();
        let text = error.to_string();
        assert!(text.contains("check the base URL, such as https://thingspace.verizon.com/api"), "{wrong}: {text}");
        assert!(!error.is_retryable(), "{error:?}");
    }
    // Another server than the platform.
    for answer in [Fault::json(404, &json!({ "detail": "Not Found" })), Fault::answer(404, "404 page not found")] {
        sandbox.fault(Operation::Token, answer, 1);
        let error = client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap_err();
        assert!(error.to_string().contains("check the base URL"), "{error}");
    }
}

/// The failure of an hour ago is not the cause of a login without a response now.
#[tokio::test(start_paused = true)]
async fn the_cause_is_that_of_this_attempt_and_not_of_an_earlier_one() {
    let sandbox = Sandbox::start().await.unwrap();
    sandbox.fault(Operation::Token, Fault::CloseBefore, 2);
    let thingspace = client_of(&sandbox).timeout(TIMEOUT).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.expire_session(crate::support::USERNAME);
    sandbox.fault(Operation::Login, Fault::Delay(3600 * SECOND), 9);
    let error = ask(&session).await.unwrap_err();
    assert!(error.is_timeout() && !error.is_connect(), "{error:?}");
    assert!(!error.to_string().contains("access token, so"), "{error}");
}

/// Another key does not help against a failing server or a wrong address.
#[tokio::test(start_paused = true)]
async fn the_advice_on_an_error_of_the_token_endpoint_fits_its_status() {
    let busy = json!({ "error": "temporarily_unavailable" });
    for (status, body, advice) in [
        (503, &busy, "call again"),
        (500, &json!({ "error": "server_error" }), "call again"),
        (429, &busy, "call again"),
        (404, &json!({ "error": "not_found" }), "base URL"),
        (302, &json!({ "error": "moved" }), "redirect"),
        (407, &json!({}), "proxy"),
        (401, &json!({ "error": "no" }), "API key"),
    ] {
        let (sandbox, thingspace) = sandbox().await;
        sandbox.fault(Operation::Token, Fault::json(status, body), 99);
        let text = thingspace.start_session(credentials()).await.unwrap_err().to_string();
        assert!(text.contains(advice), "{status}: {text}");
        assert_eq!(text.contains("API key"), [401, 404].contains(&status), "{status}: {text}");
    }
    let (sandbox, thingspace) = sandbox().await;
    sandbox.fault(Operation::Token, Fault::answer(404, "<html>"), 99);
    let text = thingspace.start_session(credentials()).await.unwrap_err().to_string();
    assert_eq!(text.matches("check the base URL").count(), 1, "{text}");
}

/// A failure that a new token resolved is not the cause of a later timeout.
#[tokio::test(start_paused = true)]
async fn a_resolved_cause_is_not_reported() {
    for first in [Fault::refused("A.REQUEST_FAILED.SessionToken.Expired"), Fault::gateway("900901")] {
        let (sandbox, _, session) = session().await;
        sandbox.fault(Operation::Other, first, 1);
        sandbox.fault(Operation::Other, Fault::Delay(3600 * SECOND), 9);
        let error = ask(&session).await.unwrap_err();
        assert!(error.is_timeout(), "{error:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_of_the_platform_is_not_lost_to_a_short_deadline() {
    for millis in [100, 400, 700, 5000] {
        let (sandbox, _, session) = session().await;
        sandbox.fault(Operation::Other, Fault::refused("A.REQUEST_FAILED.SessionToken.Expired"), 99);
        let request = session.request(Method::GET, ECHO).unwrap().timeout(Duration::from_millis(millis));
        assert_eq!(session.send(request).await.unwrap().status(), 400, "{millis}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_cut_off_in_the_second_login_names_why_the_first_one_failed() {
    let (sandbox, _thingspace, session) = session().await;
    session.invalidate(&session.token().await.unwrap());
    sandbox.fault(Operation::Login, Fault::gateway("900800"), 1);
    sandbox.fault(Operation::Login, Fault::Delay(3600 * SECOND), 1);
    let error = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
    assert_eq!(error.status().map(|status| status.as_u16()), Some(429), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_call_cut_off_while_it_requests_an_access_token_again_names_the_first_failure() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.revoke_access_tokens();
    sandbox.fault(Operation::Other, Fault::Delay(10 * SECOND), 1);
    sandbox.fault(Operation::Token, Fault::answer(503, ""), 1);
    sandbox.fault(Operation::Token, Fault::Delay(3600 * SECOND), 1);
    let error = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
    assert_eq!(on_the_way(error).status().map(|status| status.as_u16()), Some(503));
}
