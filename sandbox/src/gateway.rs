//! The gateway in front of the platform. It checks the access token only.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use crate::call::{Call, Single};
use crate::platform::Platform;

/// An error response of the gateway.
#[derive(Debug)]
pub(crate) struct GatewayFault {
    code: u32,
    pub(crate) status: StatusCode,
    message: &'static str,
    description: &'static str,
}

pub(crate) const INVALID_CREDENTIALS: GatewayFault = GatewayFault {
    code: 900_901,
    status: StatusCode::UNAUTHORIZED,
    message: "Invalid Credentials",
    description: "Access failure: the access token is unknown, expired or revoked.",
};

const MISSING_CREDENTIALS: GatewayFault = GatewayFault {
    code: 900_902,
    status: StatusCode::UNAUTHORIZED,
    message: "Missing Credentials",
    description: "The request needs the header Authorization: Bearer with an access token.",
};

pub(crate) const NO_SUCH_RESOURCE: GatewayFault = GatewayFault {
    code: 900_906,
    status: StatusCode::BAD_REQUEST,
    message: "No matching resource found in the API for the given request",
    description: "The gateway does not know the path.",
};

const THROTTLED: GatewayFault = GatewayFault {
    code: 900_800,
    status: StatusCode::TOO_MANY_REQUESTS,
    message: "Message throttled out",
    description: "The quota of requests is used up.",
};

impl GatewayFault {
    /// A documented fault by its code.
    pub(crate) fn by_code(code: &str) -> Option<GatewayFault> {
        [INVALID_CREDENTIALS, MISSING_CREDENTIALS, NO_SUCH_RESOURCE, THROTTLED]
            .into_iter()
            .find(|fault| fault.code.to_string() == code)
    }

    /// The response's body. The real gateway has sent the code as a string and as a number.
    pub(crate) fn body(&self, numeric: bool) -> Value {
        let code = if numeric { json!(self.code) } else { json!(self.code.to_string()) };
        json!({ "fault": { "code": code, "message": self.message, "description": self.description } })
    }
}

/// Checks the access token of a request to the platform.
pub(crate) fn check(platform: &Platform, call: &Call) -> Result<(), GatewayFault> {
    let token = bearer(call)?;
    if platform.lock().accepts_access_token(token) { Ok(()) } else { Err(INVALID_CREDENTIALS) }
}

/// The error response that the gateway sends instead of the platform.
pub(crate) fn refuse(platform: &Platform, fault: &GatewayFault) -> Response {
    platform.lock().counters.gateway_faults += 1;
    let mut response = (fault.status, Json(fault.body(platform.numeric_fault_codes))).into_response();
    if fault.status == StatusCode::UNAUTHORIZED {
        let challenge = HeaderValue::from_static("Bearer realm=\"ThingSpace sandbox\"");
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}

pub(crate) fn bearer(call: &Call) -> Result<&str, GatewayFault> {
    match call.single(header::AUTHORIZATION) {
        Single::Missing => Err(MISSING_CREDENTIALS),
        Single::Unusable => Err(INVALID_CREDENTIALS),
        Single::Value(value) => match value.split_once(' ') {
            Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Ok(token.trim()),
            // Credentials of another scheme count as a missing access token.
            _ => Err(MISSING_CREDENTIALS),
        },
    }
}
