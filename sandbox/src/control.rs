//! The controls of the sandbox over HTTP, under `/_sandbox/`. They give programs in other languages what
//! [`Sandbox`](crate::Sandbox) gives a test in Rust.
//!
//! They need no credentials, so a sandbox listens on a loopback address by default.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::rejection::{BytesRejection, PathRejection};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post, put};
use axum::{Json, Router};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::faults::{Fault, Operation, Planned};
use crate::platform::{Platform, User};
use crate::traffic::Reception;

/// The controls, which the error for an unknown control lists.
const ENDPOINTS: [&str; 12] = [
    "GET /_sandbox/counters",
    "GET /_sandbox/requests",
    "POST /_sandbox/clock",
    "GET /_sandbox/faults",
    "POST /_sandbox/faults",
    "DELETE /_sandbox/faults",
    "POST /_sandbox/reset",
    "POST /_sandbox/revoke-access-tokens",
    "GET /_sandbox/accounts/{username}",
    "PUT /_sandbox/accounts/{username}/password",
    "POST /_sandbox/accounts/{username}/unlock",
    "POST /_sandbox/accounts/{username}/expire-session",
];

type Shared = State<Arc<Platform>>;
type Username = Result<Path<String>, PathRejection>;
type Body = Result<Bytes, BytesRejection>;

/// The routes of the controls. The server adds those of the platform.
pub(crate) fn router(platform: Arc<Platform>) -> Router<Reception> {
    let controls = Router::new()
        .route("/", get(endpoints))
        .route("/counters", get(counters))
        .route("/requests", get(requests))
        .route("/clock", post(clock))
        .route("/faults", get(faults).post(plan_fault).delete(clear_faults))
        .route("/reset", post(reset))
        .route("/revoke-access-tokens", post(revoke_access_tokens))
        .route("/accounts/{username}", get(account))
        .route("/accounts/{username}/password", put(password))
        .route("/accounts/{username}/unlock", post(unlock))
        .route("/accounts/{username}/expire-session", post(expire_session))
        .method_not_allowed_fallback(async || Misuse::unknown_control(StatusCode::METHOD_NOT_ALLOWED))
        .fallback(async || Misuse::unknown_control(StatusCode::NOT_FOUND))
        .with_state(platform);
    // A nested router does not match its root with a trailing slash, so the platform would receive that request.
    Router::new().nest("/_sandbox", controls).route("/_sandbox/", get(endpoints))
}

async fn endpoints() -> Json<Value> {
    Json(json!({ "endpoints": ENDPOINTS }))
}

async fn counters(State(platform): Shared) -> Response {
    let counters = platform.lock().counters.clone();
    Json(counters).into_response()
}

async fn requests(State(platform): Shared) -> Response {
    let requests = platform.lock().log.to_vec();
    Json(requests).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

async fn clock(State(platform): Shared, body: Body) -> Result<Json<Value>, Misuse> {
    let advance: Advance = parse(body, r#"{"advance_seconds": 1200}"#)?;
    platform.lock().clock.advance(Duration::from_secs(advance.advance_seconds));
    Ok(done())
}

async fn faults(State(platform): Shared) -> Response {
    let planned = platform.lock().faults.to_vec();
    Json(planned).into_response()
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Order {
    operation: Operation,
    fault: Fault,
    #[serde(default = "once")]
    times: u32,
}

async fn plan_fault(State(platform): Shared, body: Body) -> Result<Json<Value>, Misuse> {
    let example = r#"{"operation": "login", "fault": {"kind": "close-after"}, "times": 1}"#;
    let Order { operation, fault, times } = parse(body, example)?;
    platform.lock().faults.plan(Planned { operation, fault, times });
    Ok(done())
}

fn once() -> u32 {
    1
}

async fn clear_faults(State(platform): Shared) -> Json<Value> {
    platform.lock().faults.clear();
    done()
}

async fn reset(State(platform): Shared) -> Json<Value> {
    platform.reset();
    done()
}

async fn revoke_access_tokens(State(platform): Shared) -> Json<Value> {
    platform.lock().revoke_access_tokens();
    done()
}

async fn account(State(platform): Shared, username: Username) -> Result<Json<Value>, Misuse> {
    on_account(&platform, username, |username, user| {
        json!({
            "username": username,
            "password": user.password,
            "strikes": user.strikes,
            "locked": user.locked,
        })
    })
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewPassword {
    password: String,
}

async fn password(State(platform): Shared, username: Username, body: Body) -> Result<Json<Value>, Misuse> {
    let NewPassword { password } = parse(body, r#"{"password": "grflbk"}"#)?;
    on_account(&platform, username, |_, user| {
        user.password = password;
        ok()
    })
}

async fn unlock(State(platform): Shared, username: Username) -> Result<Json<Value>, Misuse> {
    on_account(&platform, username, |_, user| {
        user.unlock();
        ok()
    })
}

async fn expire_session(State(platform): Shared, username: Username) -> Result<Json<Value>, Misuse> {
    on_account(&platform, username, |_, user| {
        user.expire_session();
        ok()
    })
}

fn on_account(
    platform: &Platform,
    username: Username,
    change: impl FnOnce(&str, &mut User) -> Value,
) -> Result<Json<Value>, Misuse> {
    let Path(username) = username.map_err(|_| Misuse::bad("the username has to be UTF-8, percent-encoded"))?;
    let mut state = platform.lock();
    let user = state.user_mut(&username).ok_or_else(Misuse::no_such_account)?;
    Ok(Json(change(&username, user)))
}

fn parse<T: DeserializeOwned>(body: Body, example: &str) -> Result<T, Misuse> {
    let body = body.map_err(|_| Misuse::bad("the body did not arrive, or is larger than 2 MB"))?;
    serde_json::from_slice(&body).map_err(|error| Misuse::bad(format_args!("{error}; send JSON such as {example}")))
}

fn done() -> Json<Value> {
    Json(ok())
}

fn ok() -> Value {
    json!({ "ok": true })
}

/// The error response to an invalid control request. It states the next step.
#[derive(Debug)]
struct Misuse {
    status: StatusCode,
    error: String,
}

impl Misuse {
    fn bad(error: impl fmt::Display) -> Misuse {
        Misuse { status: StatusCode::BAD_REQUEST, error: error.to_string() }
    }

    fn no_such_account() -> Misuse {
        let error = "no account has this username; the built-in one is zbeeblebrox".to_owned();
        Misuse { status: StatusCode::NOT_FOUND, error }
    }

    fn unknown_control(status: StatusCode) -> Misuse {
        Misuse { status, error: format!("not a control of the sandbox; the controls are: {}", ENDPOINTS.join(", ")) }
    }
}

impl IntoResponse for Misuse {
    fn into_response(self) -> Response {
        (self.status, Json(json!({ "error": self.error }))).into_response()
    }
}
