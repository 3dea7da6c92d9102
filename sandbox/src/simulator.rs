//! Verizon's simulator: a test access token that does not expire, any session token, any username and password.

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::json;
use uuid::Uuid;

use crate::call::{Call, Place};
use crate::platform::{Platform, random_password};
use crate::{gateway, sessions};

/// The simulator's response, if the request carries the test access token.
pub(crate) fn answer(platform: &Platform, call: &Call) -> Option<Response> {
    let test_token = platform.simulator.as_deref()?;
    if gateway::bearer(call).ok()? != test_token {
        return None;
    }
    Some(match call.place() {
        Place::Login => Json(json!({ "sessionToken": Uuid::new_v4().to_string() })).into_response(),
        Place::Logout => Json(json!({ "sessionToken": sessions::any_token(call) })).into_response(),
        Place::Reset => Json(json!({ "newPassword": random_password() })).into_response(),
        _ => Json(sessions::echoed(call)).into_response(),
    })
}
