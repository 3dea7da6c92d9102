//! Every request carries the caller's headers and the trace context. They cannot read or replace a token.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::{
    error::OTelSdkResult,
    propagation::TraceContextPropagator,
    trace::{SdkTracerProvider, SpanData, SpanExporter},
};
use reqwest::{
    Method,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{AccessToken, Credentials, Error, ThingSpace};
use tracing::Instrument as _;
use tracing_subscriber::{layer::SubscriberExt as _, util::SubscriberInitExt as _};

use crate::{
    leaks,
    support::{ECHO, PASSWORD, USERNAME, alone, arrived, client_of, credentials, passed, shown},
};

const ID: HeaderName = HeaderName::from_static("x-correlation-id");

/// A client whose requests are numbered, and what the function has found in the map.
fn numbered(sandbox: &Sandbox) -> (ThingSpace, Arc<Mutex<Vec<HeaderMap>>>) {
    let (count, found) = (AtomicUsize::new(0), Arc::<Mutex<Vec<HeaderMap>>>::default());
    let seen = found.clone();
    let client = client_of(sandbox).headers(move |headers| {
        seen.lock().unwrap().push(headers.clone());
        headers.insert(ID, HeaderValue::from(count.fetch_add(1, Ordering::Relaxed)));
        headers.append("x-many", HeaderValue::from_static("a"));
        headers.append("x-many", HeaderValue::from_static("b"));
    });
    (client.build().unwrap(), found)
}

#[tokio::test(start_paused = true)]
async fn every_request_has_the_headers_and_the_function_sees_no_token() {
    let sandbox = Sandbox::start().await.unwrap();
    let (thingspace, found) = numbered(&sandbox);
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Other, Fault::answer(503, ""), 2);
    let request = session.request(Method::GET, ECHO).unwrap().bearer_auth("mine");
    session.send(request).await.unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    session.end().await.unwrap();

    let requests = sandbox.requests();
    let ids: Vec<_> = requests.iter().map(|request| request.header(ID.as_str()).unwrap_or("none")).collect();
    assert_eq!(ids, ["0", "1", "2", "2", "2", "3", "4"], "token, login, one request three times, reset, logout");
    assert!(requests.iter().all(|request| request.headers.iter().filter(|(name, _)| name == "x-many").count() == 2));
    assert!(
        requests.iter().all(|request| request.header("authorization").is_some_and(|value| !value.contains("mine")))
    );
    assert!(found.lock().unwrap().iter().all(HeaderMap::is_empty));
}

#[tokio::test(start_paused = true)]
async fn a_request_keeps_its_own_headers() {
    let sandbox = Sandbox::start().await.unwrap();
    let (thingspace, _) = numbered(&sandbox);
    let session = thingspace.start_session(credentials()).await.unwrap();
    session.send(session.request(Method::GET, ECHO).unwrap().header(ID, "its own")).await.unwrap();
    let last = sandbox.requests().pop().unwrap();
    assert_eq!((last.header(ID.as_str()), last.header("x-many")), (Some("its own"), Some("a")));
}

/// The error of a call whose function does this, and of a session that begins so.
async fn refused(fill: impl Fn(&mut HeaderMap) + Clone + Send + Sync + 'static) -> String {
    let sandbox = Sandbox::start().await.unwrap();
    let error =
        client_of(&sandbox).headers(fill.clone()).build().unwrap().start_session(credentials()).await.unwrap_err();
    assert_eq!(sandbox.requests().len(), 0);
    client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
    let (path, before) = ("/m2m/v1/session/login", sandbox.requests().len());
    let ready = AccessToken::new(granted(&sandbox));
    let client = ThingSpace::builder().access_token(ready).base_url(sandbox.base_url()).headers(fill).build().unwrap();
    let login = client.start_session(credentials()).await.unwrap_err();
    assert_eq!((sandbox.requests().len(), arrived(&sandbox, path)), (before, 1));
    assert!(matches!(login, Error::Configuration { .. }) && !login.may_have_been_processed(), "{login:?}");
    let status = client.account_status(USERNAME).await.unwrap();
    assert!(status.suspensions.is_empty() && status.failures_in_a_row == 0, "{status:?}");
    assert!(!error.may_have_been_processed() && !error.is_retryable(), "{error:?}");
    shown(&error)
}

/// The access token that the sandbox has granted.
fn granted(sandbox: &Sandbox) -> String {
    let last = sandbox.requests().pop().unwrap();
    last.header("authorization").unwrap().trim_start_matches("Bearer ").to_owned()
}

#[tokio::test(start_paused = true)]
async fn a_header_that_the_crate_sets_is_rejected_and_nothing_is_sent() {
    for name in [
        "authorization",
        "vz-m2m-token",
        "proxy-authorization",
        "host",
        "content-length",
        "transfer-encoding",
        "connection",
        "upgrade",
        "te",
        "trailer",
        "expect",
        "accept-encoding",
    ] {
        let error = refused(move |headers| drop(headers.insert(name, HeaderValue::from_static("of-my-own")))).await;
        assert!(error.contains(name) && !error.contains("of-my-own"), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_function_that_panics_stops_its_call_and_nothing_is_sent() {
    let error = refused(|_| panic!("of-my-own")).await;
    assert!(error.contains("panicked") && !error.contains("of-my-own"), "{error}");
    let (sandbox, calls) = (Sandbox::start().await.unwrap(), AtomicUsize::new(0));
    let client =
        client_of(&sandbox).headers(move |_| assert!(calls.fetch_add(1, Ordering::Relaxed) > 0)).build().unwrap();
    client.start_session(credentials()).await.unwrap_err();
    client.start_session(credentials()).await.unwrap();
}

/// Set where the test below has a process, and with it a subscriber, of its own.
const ALONE: &str = "THINGSPACE_TEST_TRACE";

#[test]
fn one_trace_leads_from_the_caller_to_every_request_and_holds_no_secret() {
    passed(alone("own_headers::the_trace_of_a_process_of_its_own").env(ALONE, "1"));
}

#[derive(Clone, Debug, Default)]
struct Exported(Arc<Mutex<Vec<SpanData>>>);

impl SpanExporter for Exported {
    async fn export(&self, spans: Vec<SpanData>) -> OTelSdkResult {
        self.0.lock().unwrap().extend(spans);
        Ok(())
    }
}

#[tokio::test(start_paused = true)]
async fn the_trace_of_a_process_of_its_own() {
    if std::env::var_os(ALONE).is_none() {
        return;
    }
    let exported = Exported::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(exported.clone()).build();
    opentelemetry::global::set_text_map_propagator(TraceContextPropagator::new());
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let level = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::registry().with(level).with(layer).init();

    let sandbox = Sandbox::start().await.unwrap();
    let call = async {
        let session = client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
        sandbox.fault(Operation::Other, Fault::answer(503, ""), 1);
        session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
        session.reset_password(PASSWORD).await.unwrap();
        let own = session.request(Method::GET, ECHO).unwrap().header("traceparent", "of its own");
        session.send(own).await.unwrap();
        session.end().await.unwrap();
    };
    call.instrument(tracing::info_span!("caller")).await;
    let own = client_of(&sandbox).headers(|headers| drop(headers.remove("traceparent"))).build().unwrap();
    own.start_session(Credentials::new(USERNAME, sandbox.password(USERNAME).unwrap())).await.unwrap();

    let spans = exported.0.lock().unwrap();
    let caller = spans.iter().find(|span| span.name == "caller").unwrap();
    let trace = caller.span_context.trace_id().to_string();
    let requests = sandbox.requests();
    let contexts: Vec<_> = requests.iter().map(|request| request.header("traceparent").unwrap_or("none")).collect();
    assert_eq!(contexts.len(), 9, "{contexts:?}");
    for (at, context) in contexts.iter().enumerate() {
        match (at, *context) {
            (5, context) => assert_eq!(context, "of its own"),
            (7.., context) => assert_eq!(context, "none", "taken out by the caller"),
            (_, context) => {
                let [version, of, span, flags] = context.split('-').collect::<Vec<_>>()[..] else {
                    panic!("{context}")
                };
                assert_eq!((version, of, flags), ("00", &*trace, "01"));
                let sent = spans.iter().find(|data| data.span_context.span_id().to_string() == span);
                assert_eq!(sent.unwrap().attributes.iter().filter(|field| field.key.as_str() == "url.full").count(), 1);
            }
        }
    }
    assert_eq!(contexts[2], contexts[3], "a retry belongs to the same span");
    assert_eq!(leaks::find(&format!("{spans:?}"), &leaks::secrets_of(&sandbox)), None);
}
