//! The error responses of the platform: `ConnectivityManagementResult`.
//!
//! Every message is a constant. A message built from the request could reveal a password.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error response of the platform: status 400, with a code and a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ErrorResponse {
    code: &'static str,
    message: &'static str,
}

impl ErrorResponse {
    const fn new(code: &'static str, message: &'static str) -> ErrorResponse {
        ErrorResponse { code, message }
    }

    // The platform documents these three codes.
    pub(crate) const SESSION_EXPIRED: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired", "The session token has expired.");
    pub(crate) const SESSION_INVALID: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.SessionToken.Invalid",
        "The session token is missing, or belongs to no session.",
    );
    pub(crate) const SESSION_FORMAT: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.REQUEST_FAILED.SessionToken.Format", "The session token is not a UUID.");

    // The platform does not document its codes for the following errors. These codes are the sandbox's own.
    pub(crate) const LOGIN_FAILED: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.REQUEST_FAILED.LoginFailed", "The username or the password is wrong.");
    pub(crate) const ACCOUNT_LOCKED: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.REQUEST_FAILED.AccountLocked",
        "The account is locked after five failed logins in a row.",
    );
    pub(crate) const OLD_PASSWORD_WRONG: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.REQUEST_FAILED.OldPasswordIncorrect", "The old password is wrong.");
    pub(crate) const BODY_MISSING: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.INPUT_INVALID.RequestBody.Missing", "The request has no body.");
    pub(crate) const BODY_TOO_LARGE: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.INPUT_INVALID.RequestBody.TooLarge", "The body is larger than 1 MiB.");
    pub(crate) const BODY_MALFORMED: ErrorResponse =
        ErrorResponse::new("UnifiedWebService.INPUT_INVALID.RequestBody.Malformed", "The body is not a JSON object.");
    pub(crate) const CONTENT_TYPE: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.ContentType.Unsupported",
        "The body has to be application/json.",
    );
    pub(crate) const USERNAME: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.Username.Invalid",
        "The username is missing or not a string.",
    );
    pub(crate) const PASSWORD: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.Password.Invalid",
        "The password is missing or not a string.",
    );
    pub(crate) const OLD_PASSWORD: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.OldPassword.Invalid",
        "The old password is missing or not a string.",
    );
    const METHOD: ErrorResponse = ErrorResponse::new(
        "UnifiedWebService.INPUT_INVALID.Method.NotAllowed",
        "The path does not support this method.",
    );

    /// The response 405 to a method that the path does not support. Its header `Allow` names the supported method.
    pub(crate) fn method_not_allowed(allowed: &'static str) -> Response {
        let mut response = (StatusCode::METHOD_NOT_ALLOWED, ErrorResponse::METHOD.body()).into_response();
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allowed));
        response
    }

    fn body(self) -> Json<serde_json::Value> {
        Json(json!({ "errorCode": self.code, "errorMessage": self.message }))
    }
}

impl IntoResponse for ErrorResponse {
    fn into_response(self) -> Response {
        (StatusCode::BAD_REQUEST, self.body()).into_response()
    }
}
