//! The three operations on sessions, and the echo for all other paths.
//!
//! These requests have passed the gateway. Like the platform, the checks follow the order method, session token, body.

use axum::Json;
use axum::http::{HeaderName, Method, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::call::{Call, Single};
use crate::error_response::ErrorResponse;
use crate::history::mark;
use crate::platform::Platform;

const SESSION_TOKEN: HeaderName = HeaderName::from_static("vz-m2m-token");
/// The session token's header on another host, for operations other than the three.
const NEIGHBOURING: HeaderName = HeaderName::from_static("sessiontoken");
/// The length of a UUID in the form that the platform issues, in characters.
const UUID_LENGTH: usize = 36;

/// `POST /api/m2m/v1/session/login`
pub(crate) fn login(platform: &Platform, call: &Call) -> Response {
    if call.method != Method::POST {
        return ErrorResponse::method_not_allowed("POST");
    }
    platform.lock().counters.logins_attempted += 1;
    let answer = start(platform, call);
    note(
        platform,
        call,
        "login",
        &answer,
        |body| json!({ "password": text(body, "password").map(mark), "username": text(body, "username") }),
    );
    answer.into_response()
}

/// `POST /api/m2m/v1/session/logout`
pub(crate) fn logout(platform: &Platform, call: &Call) -> Response {
    if call.method != Method::POST {
        return ErrorResponse::method_not_allowed("POST");
    }
    let answer = end(platform, call);
    note(platform, call, "logout", &answer, |_| json!({}));
    answer.into_response()
}

/// `PUT /api/m2m/v1/session/password/actions/reset`
pub(crate) fn reset(platform: &Platform, call: &Call) -> Response {
    if call.method != Method::PUT {
        return ErrorResponse::method_not_allowed("PUT");
    }
    platform.lock().counters.resets_attempted += 1;
    let answer = replace_password(platform, call);
    note(platform, call, "reset", &answer, |body| json!({ "old": text(body, "oldPassword").map(mark) }));
    answer.into_response()
}

/// Any other path of the platform: returns the request, if it carries a valid session token.
pub(crate) fn other(platform: &Platform, call: &Call) -> Response {
    let answer = echo(platform, call);
    note(platform, call, "request", &answer, |_| json!({}));
    answer.into_response()
}

fn start(platform: &Platform, call: &Call) -> Result<Json<Value>, ErrorResponse> {
    let body = object(call)?;
    let username = text(&body, "username").ok_or(ErrorResponse::USERNAME)?;
    let password = text(&body, "password").ok_or(ErrorResponse::PASSWORD)?;
    let token = platform.lock().log_in(username, password)?;
    Ok(Json(json!({ "sessionToken": token })))
}

fn end(platform: &Platform, call: &Call) -> Result<Json<Value>, ErrorResponse> {
    let token = session_token(call)?;
    let mut state = platform.lock();
    let user = state.use_session(token)?;
    if call.oversized {
        return Err(ErrorResponse::BODY_TOO_LARGE);
    }
    user.end_session();
    state.counters.logouts += 1;
    Ok(Json(json!({ "sessionToken": token })))
}

fn replace_password(platform: &Platform, call: &Call) -> Result<Json<Value>, ErrorResponse> {
    let token = session_token(call)?;
    let mut state = platform.lock();
    let user = state.use_session(token)?;
    let body = object(call)?;
    let old = text(&body, "oldPassword").ok_or(ErrorResponse::OLD_PASSWORD)?;
    let new = user.reset_password(old)?;
    state.counters.resets_processed += 1;
    Ok(Json(json!({ "newPassword": new })))
}

fn echo(platform: &Platform, call: &Call) -> Result<Json<Value>, ErrorResponse> {
    let is_neighbouring = matches!(call.single(SESSION_TOKEN), Single::Missing);
    let token = if is_neighbouring { token_in(call, NEIGHBOURING) } else { session_token(call) }?;
    let mut state = platform.lock();
    state.use_session(token)?;
    if call.oversized {
        return Err(ErrorResponse::BODY_TOO_LARGE);
    }
    state.counters.other_requests += 1;
    Ok(Json(echoed(call)))
}

/// The request as a JSON object.
pub(crate) fn echoed(call: &Call) -> Value {
    let mut answer = Map::new();
    answer.insert("method".to_owned(), json!(call.method.as_str()));
    answer.insert("path".to_owned(), json!(call.path));
    if !call.query.is_empty() {
        answer.insert("query".to_owned(), json!(call.query));
    }
    answer.insert("body".to_owned(), body_as_json(&call.body));
    Value::Object(answer)
}

/// Adds the request, its sender and its result to the history.
fn note(
    platform: &Platform,
    call: &Call,
    what: &str,
    answer: &Result<Json<Value>, ErrorResponse>,
    asked: impl FnOnce(&Map<String, Value>) -> Value,
) {
    let Some(history) = &platform.history else { return };
    let mut event = asked(&object(call).unwrap_or_default());
    let given = |name: &str| answer.as_ref().ok().and_then(|body| body.get(name)?.as_str()).map(mark);
    let header = |name| call.headers.get(name).and_then(|value| value.to_str().ok());
    let session = given("sessionToken").or_else(|| header(SESSION_TOKEN).map(mark));
    let more = [
        ("what", json!(what)),
        ("by", json!(header(header::USER_AGENT))),
        ("ok", json!(answer.is_ok())),
        ("session", json!(session)),
        ("new", json!(given("newPassword"))),
    ];
    if let Some(event) = event.as_object_mut() {
        event.extend(
            more.into_iter().filter(|(_, value)| !value.is_null()).map(|(name, value)| (name.to_owned(), value)),
        );
    }
    history.note(event);
}

fn session_token(call: &Call) -> Result<&str, ErrorResponse> {
    token_in(call, SESSION_TOKEN)
}

fn token_in(call: &Call, header: HeaderName) -> Result<&str, ErrorResponse> {
    match call.single(header) {
        Single::Missing => Err(ErrorResponse::SESSION_INVALID),
        Single::Value(token) if token.len() == UUID_LENGTH && Uuid::try_parse(token).is_ok() => Ok(token),
        Single::Value(_) | Single::Unusable => Err(ErrorResponse::SESSION_FORMAT),
    }
}

/// The session token without a check, for the simulator.
pub(crate) fn any_token(call: &Call) -> &str {
    match call.single(SESSION_TOKEN) {
        Single::Value(token) => token,
        Single::Missing | Single::Unusable => "",
    }
}

fn object(call: &Call) -> Result<Map<String, Value>, ErrorResponse> {
    if call.oversized {
        return Err(ErrorResponse::BODY_TOO_LARGE);
    }
    if call.body.is_empty() {
        return Err(ErrorResponse::BODY_MISSING);
    }
    if call.media_type() != "application/json" {
        return Err(ErrorResponse::CONTENT_TYPE);
    }
    serde_json::from_slice(&call.body).map_err(|_| ErrorResponse::BODY_MALFORMED)
}

fn text<'a>(body: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    body.get(name)?.as_str()
}

fn body_as_json(body: &[u8]) -> Value {
    if body.is_empty() {
        return Value::Null;
    }
    serde_json::from_slice(body).unwrap_or_else(|_| json!(String::from_utf8_lossy(body)))
}
