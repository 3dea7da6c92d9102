//! A session inside of third-party clients: as a middleware and as a layer.

use std::{
    error::Error as StdError,
    future::{Ready, ready},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
};

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Body, Method, Request, Response, Url};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Recorded, Sandbox};
use thingspace_session::{Error, Session, SessionService};
use tower_layer::Layer as _;
use tower_service::Service;

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, client_of, credentials, platform_requests, session};

type BoxError = Box<dyn StdError + Send + Sync>;

const RESET: &str = "/m2m/v1/session/password/actions/reset";

const _: () = {
    const fn is_a_client<T: Clone + Send + Sync>() {}
    is_a_client::<SessionService<reqwest::Client>>();
};

/// A client that follows redirects, which is the default.
fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

/// The ways to use a session inside of such a client.
#[derive(Clone, Copy, Debug)]
enum Way {
    Middleware,
    Layer,
}

const WAYS: [Way; 2] = [Way::Middleware, Way::Layer];

impl Way {
    /// Sends a request through a client with this session, in a task, as a server would.
    async fn send(self, session: &Session, request: Request) -> Result<Response, BoxError> {
        let session = session.clone();
        let task = async move {
            match self {
                Self::Middleware => {
                    let client = ClientBuilder::new(client()).with(session).build();
                    client.execute(request).await.map_err(|error| match error {
                        reqwest_middleware::Error::Middleware(error) => error.downcast::<Error>().unwrap().into(),
                        reqwest_middleware::Error::Reqwest(error) => error.into(),
                    })
                }
                Self::Layer => session.layer(client()).call(request).await,
            }
        };
        tokio::spawn(task).await.unwrap()
    }
}

/// This crate's error inside of the client's error.
fn ours(error: BoxError) -> Error {
    *error.downcast().unwrap()
}

fn get(base_url: &str) -> Request {
    Request::new(Method::GET, Url::parse(&format!("{base_url}{ECHO}")).unwrap())
}

fn post(session: &Session, path: &str, body: &Value) -> Request {
    session.request(Method::POST, path).unwrap().json(body).build().unwrap()
}

fn reset(session: &Session) -> Request {
    let mut request = post(session, RESET, &json!({ "oldPassword": PASSWORD }));
    *request.method_mut() = Method::PUT;
    request
}

const TOKENS: [&str; 2] = ["authorization", "vz-m2m-token"];

fn has_a_token(request: &Recorded) -> bool {
    TOKENS.iter().any(|name| request.header(name).is_some())
}

#[tokio::test]
async fn a_request_to_the_platform_gets_both_tokens() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        let answer = way.send(&session, post(&session, ECHO, &json!(7))).await.unwrap();
        assert_eq!(answer.json::<Value>().await.unwrap()["body"], 7, "{way:?}");
        let [.., arrived] = &sandbox.requests()[..] else { panic!("{way:?}") };
        assert!(arrived.header("authorization").is_some() && arrived.header("vz-m2m-token").is_some(), "{way:?}");
    }
}

#[tokio::test]
async fn a_response_of_any_status_is_returned() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.fault(Operation::Other, Fault::answer(404, "none"), 1);
        let answer = way.send(&session, get(sandbox.base_url())).await.unwrap();
        assert_eq!((answer.status().as_u16(), answer.text().await.unwrap()), (404, "none".to_owned()), "{way:?}");
    }
}

#[tokio::test]
async fn a_dead_session_is_renewed_and_the_request_repeated() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.expire_session(USERNAME);
        assert_eq!(way.send(&session, get(sandbox.base_url())).await.unwrap().status(), 200, "{way:?}");
        assert_eq!(sandbox.counters().logins_succeeded, 2, "{way:?}");
    }
}

#[tokio::test]
async fn a_request_to_another_origin_carries_no_token() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        let (elsewhere, before) = (Sandbox::start().await.unwrap(), sandbox.requests().len());
        let port = sandbox.address().port();
        elsewhere.fault(Operation::Other, Fault::answer(200, "yours"), 1);
        let mut request = get(elsewhere.base_url());
        request.headers_mut().insert("x-own", "1".parse().unwrap());
        assert_eq!(way.send(&session, request).await.unwrap().text().await.unwrap(), "yours", "{way:?}");
        // Another name of the platform's address is another origin.
        way.send(&session, get(&format!("http://localhost:{port}/api"))).await.unwrap();
        let (here, there) = (sandbox.requests(), elsewhere.requests());
        assert_eq!((there.len(), there[0].header("x-own")), (1, Some("1")), "{way:?}");
        assert_eq!(here.len(), before + 1, "{way:?}");
        assert!(!there.iter().chain(&here[before..]).any(has_a_token), "{way:?}");
    }
}

#[tokio::test]
async fn a_redirect_of_the_platform_is_not_followed_and_one_to_the_platform_carries_no_token() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        let elsewhere = Sandbox::start().await.unwrap();
        let to =
            |sandbox: &Sandbox| Fault::answer(307, "").with_header("location", format!("{}{ECHO}", sandbox.base_url()));
        sandbox.fault(Operation::Other, to(&elsewhere), 1);
        assert_eq!(way.send(&session, get(sandbox.base_url())).await.unwrap().status(), 307, "{way:?}");
        assert_eq!(elsewhere.counters().connections, 0, "{way:?}");

        elsewhere.fault(Operation::Other, to(&sandbox), 1);
        let answer = way.send(&session, get(elsewhere.base_url())).await.unwrap();
        assert_eq!(answer.url().port(), Some(sandbox.address().port()), "{way:?}: it was followed");
        let [.., arrived] = &sandbox.requests()[..] else { panic!("{way:?}") };
        assert!(!has_a_token(arrived), "{way:?}: {arrived:?}");
    }
}

#[tokio::test]
async fn an_allowed_origin_gets_tokens() {
    for way in WAYS {
        let (sandbox, other) = (Sandbox::start().await.unwrap(), Sandbox::start().await.unwrap());
        let thingspace = client_of(&sandbox).allow_origin(format!("http://{}", other.address())).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        way.send(&session, get(other.base_url())).await.unwrap();
        let arrived = &other.requests()[0];
        assert!(TOKENS.iter().all(|name| arrived.header(name).is_some()), "{way:?}: {arrived:?}");
    }
}

#[tokio::test]
async fn a_request_without_a_response_is_an_error_of_this_crate() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        session.clone().end().await.unwrap();
        let before = platform_requests(&sandbox);
        let error = ours(way.send(&session, get(sandbox.base_url())).await.unwrap_err());
        assert!(matches!(error, Error::SessionEnded), "{way:?}: {error:?}");
        assert_eq!(platform_requests(&sandbox), before, "{way:?}");
    }
}

#[tokio::test]
async fn a_stream_is_sent_once() {
    for way in WAYS {
        let (sandbox, _thingspace, session) = session().await;
        sandbox.expire_session(USERNAME);
        let request = || {
            let mut request = post(&session, ECHO, &Value::Null);
            let pieces = futures_util::stream::iter(["once"].map(Ok::<_, std::io::Error>));
            *request.body_mut() = Some(Body::wrap_stream(pieces));
            request
        };
        let error = ours(way.send(&session, request()).await.unwrap_err());
        assert!(matches!(error, Error::SessionRenewed), "{way:?}: {error:?}");
        assert_eq!(arrived(&sandbox, ECHO), 1, "{way:?}");
        assert_eq!(way.send(&session, request()).await.unwrap().status(), 200, "{way:?}");
    }
}

/// A middleware that repeats every request without reading the response.
struct Eager;

#[async_trait]
impl Middleware for Eager {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        for _ in 0..3 {
            let _ = next.clone().run(request.try_clone().unwrap(), extensions).await;
        }
        next.run(request, extensions).await
    }
}

/// Sends a request through a client whose outer middleware repeats every request.
async fn eagerly(session: &Session, request: Request) -> Result<Response, Error> {
    let client = ClientBuilder::new(client()).with(Eager).with(session.clone()).build();
    client.execute(request).await.map_err(|error| match error {
        reqwest_middleware::Error::Middleware(error) => error.downcast().unwrap(),
        error @ reqwest_middleware::Error::Reqwest(_) => panic!("{error}"),
    })
}

#[tokio::test]
async fn a_middleware_that_repeats_everything_sends_a_reset_and_a_login_once() {
    for fault in [None, Some(Fault::answer(503, "")), Some(Fault::CloseAfter)] {
        let (sandbox, _thingspace, session) = session().await;
        fault.clone().into_iter().for_each(|fault| sandbox.fault(Operation::Any, fault, 9));
        let error = eagerly(&session, reset(&session)).await.unwrap_err();
        assert!(matches!(error, Error::AlreadySent { .. }), "{fault:?}: {error:?}");
        assert!(error.may_have_been_processed() && !error.is_retryable(), "{fault:?}");
        assert_eq!(arrived(&sandbox, RESET), 1, "{fault:?}");

        let before = arrived(&sandbox, "/session/login");
        let login = post(&session, "/m2m/v1/session/login", &json!({ "username": USERNAME, "password": "wrong" }));
        eagerly(&session, login).await.unwrap_err();
        assert_eq!(arrived(&sandbox, "/session/login") - before, 1, "{fault:?}");
    }
}

#[tokio::test]
async fn a_middleware_may_repeat_other_requests_and_a_reset_that_was_not_processed() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    // The first meets the dead session, the second is the reset, and the crate rejects the third.
    eagerly(&session, reset(&session)).await.unwrap_err();
    assert_eq!((arrived(&sandbox, RESET), sandbox.counters().resets_processed), (2, 1));
    eagerly(&session, post(&session, ECHO, &json!(7))).await.unwrap();
    assert_eq!(arrived(&sandbox, ECHO), 4);
}

/// A service that is ready at the second poll, counts its calls, and panics if it is called before it is ready.
#[derive(Default)]
struct Strict {
    looks: usize,
    calls: Arc<AtomicUsize>,
}

impl Clone for Strict {
    /// As in tower's contract: a clone is not ready because the original is.
    fn clone(&self) -> Self {
        Self { looks: 0, calls: self.calls.clone() }
    }
}

impl Service<Request> for Strict {
    type Response = Response;
    type Error = std::io::Error;
    type Future = Ready<Result<Response, std::io::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.looks += 1;
        context.waker().wake_by_ref();
        if self.looks > 1 { Poll::Ready(Ok(())) } else { Poll::Pending }
    }

    fn call(&mut self, _: Request) -> Self::Future {
        assert!(std::mem::take(&mut self.looks) > 1, "it was called before it was ready");
        self.calls.fetch_add(1, Ordering::Relaxed);
        ready(Ok(http::Response::new("inner").into()))
    }
}

#[tokio::test]
async fn the_inner_service_is_called_only_when_ready_and_not_for_the_platform() {
    let (sandbox, _thingspace, session) = session().await;
    let strict = Strict::default();
    let mut service = session.layer(strict.clone());
    for _ in 0..3 {
        std::future::poll_fn(|context| service.poll_ready(context)).await.unwrap();
        let answer = service.call(get("https://elsewhere.example")).await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "inner");
    }
    assert_eq!(service.call(get(sandbox.base_url())).await.unwrap().status(), 200);
    assert_eq!(strict.calls.load(Ordering::Relaxed), 3);
}
