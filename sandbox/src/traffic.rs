//! Records a request to the platform, applies the fault that is due, and processes the request.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::{StreamExt as _, stream};
use tokio::sync::watch;

use crate::call::{Call, Place};
use crate::faults::Fault;
use crate::platform::Platform;
use crate::record::Recorded;
use crate::{gateway, oauth, sessions, simulator};

/// The state that the handler of a request needs.
#[derive(Clone, Debug)]
pub(crate) struct Reception {
    pub(crate) platform: Arc<Platform>,
    /// Changes, or closes, when the sandbox stops.
    pub(crate) stop: watch::Receiver<()>,
}

/// Marks a response that the server does not send. It closes the connection instead.
#[derive(Clone, Debug)]
pub(crate) struct HangUp;

pub(crate) async fn receive(State(reception): State<Reception>, request: Request) -> Response {
    let Ok(call) = Call::read(request).await else {
        return hang_up();
    };
    let fault = {
        let mut state = reception.platform.lock();
        state.counters.requests += 1;
        state.log.push(Recorded::of(&call));
        state.faults.next(call.place().operation())
    };
    match fault {
        Some(fault) => apply(fault, reception, call).await,
        None => process(&reception.platform, &call),
    }
}

/// Processes a request as the platform does. It never waits, so a request is processed completely or not at all.
fn process(platform: &Platform, call: &Call) -> Response {
    match call.place() {
        Place::Token => return oauth::token(platform, call),
        Place::Revoke => return oauth::revoke(platform, call),
        Place::Nowhere => return gateway::refuse(platform, &gateway::NO_SUCH_RESOURCE),
        Place::Login | Place::Logout | Place::Reset | Place::Other => {}
    }
    if let Some(answer) = simulator::answer(platform, call) {
        return answer;
    }
    if let Err(fault) = gateway::check(platform, call) {
        return gateway::refuse(platform, &fault);
    }
    match call.place() {
        Place::Login => sessions::login(platform, call),
        Place::Logout => sessions::logout(platform, call),
        Place::Reset => sessions::reset(platform, call),
        _ => sessions::other(platform, call),
    }
}

async fn apply(fault: Fault, reception: Reception, call: Call) -> Response {
    let process = || process(&reception.platform, &call);
    match fault {
        Fault::Delay(time) => delayed(time, reception, call).await,
        Fault::Answer { status, headers, body } => injected(status, &headers, body),
        Fault::CloseBefore => hang_up(),
        Fault::CloseAfter => {
            process();
            hang_up()
        }
        Fault::Truncate => truncated(process()).await,
        Fault::AnswerAfter { status, headers, body } => {
            process();
            injected(status, &headers, body)
        }
        Fault::Drip { interval } => dripping(process(), interval).await,
    }
}

/// Processes a request later, in its own task, because the connection's task ends when the caller disconnects.
async fn delayed(time: Duration, mut reception: Reception, call: Call) -> Response {
    let task = tokio::spawn(async move {
        tokio::select! {
            biased;
            _ = reception.stop.changed() => hang_up(),
            () = tokio::time::sleep(time) => process(&reception.platform, &call),
        }
    });
    task.await.unwrap_or_else(|_| hang_up())
}

fn injected(status: u16, headers: &[(String, String)], body: Vec<u8>) -> Response {
    // `Fault::check` has rejected a status or header that cannot be sent.
    let mut response = (StatusCode::from_u16(status).unwrap_or_default(), body).into_response();
    let convert =
        |(name, value): &(String, String)| Some((HeaderName::try_from(name).ok()?, HeaderValue::try_from(value).ok()?));
    // Removes the content type that axum guessed.
    *response.headers_mut() = HeaderMap::new();
    for (name, value) in headers.iter().filter_map(convert) {
        response.headers_mut().append(name, value);
    }
    response
}

fn hang_up() -> Response {
    let mut response = Response::default();
    response.extensions_mut().insert(HangUp);
    response
}

async fn truncated(response: Response) -> Response {
    let (mut response, body) = split(response).await;
    if body.is_empty() {
        return hang_up();
    }
    let half = body.slice(..body.len() / 2);
    let lost = stream::once(async {
        // Lets the connection send its buffer before the error discards it.
        tokio::task::yield_now().await;
        Err(io::Error::from(io::ErrorKind::ConnectionAborted))
    });
    *response.body_mut() = Body::from_stream(stream::iter([Ok(half)]).chain(lost));
    response
}

async fn dripping(response: Response, interval: Duration) -> Response {
    let (mut response, body) = split(response).await;
    let drops = stream::unfold(body, move |mut rest| async move {
        if rest.is_empty() {
            return None;
        }
        tokio::time::sleep(interval).await;
        let byte = rest.split_to(1);
        Some((Ok::<_, io::Error>(byte), rest))
    });
    *response.body_mut() = Body::from_stream(drops);
    response
}

/// Splits a response into its head, which still states the length of the body, and the body.
async fn split(response: Response) -> (Response, Bytes) {
    let (mut head, body) = response.into_parts();
    // The responses of the sandbox are small and in memory, so reading needs no limit.
    let body = to_bytes(body, usize::MAX).await.unwrap_or_default();
    head.headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    (Response::from_parts(head, Body::empty()), body)
}
