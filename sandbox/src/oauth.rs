//! Access tokens: OAuth 2.0 client credentials (RFC 6749), with two deviations of the platform.
//!
//! The platform does not form-encode the key and the secret, which the RFC requires. A repeated request returns the
//! same token, and the response always states a lifetime of one hour.

use axum::Json;
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;

use crate::call::{Call, Single};
use crate::platform::{ACCESS_TOKEN_LIFE, Platform};

/// `POST /api/ts/v1/oauth2/token`
pub(crate) fn token(platform: &Platform, call: &Call) -> Response {
    platform.lock().counters.token_requests += 1;
    not_stored(issue(platform, call).unwrap_or_else(IntoResponse::into_response))
}

/// `POST /api/ts/v1/oauth2/revoke`
pub(crate) fn revoke(platform: &Platform, call: &Call) -> Response {
    not_stored(withdraw(platform, call).unwrap_or_else(IntoResponse::into_response))
}

fn issue(platform: &Platform, call: &Call) -> Result<Response, OauthError> {
    let key = authenticate(platform, call)?;
    let form = Form::of(call)?;
    match form.value("grant_type")? {
        Some("client_credentials") => {}
        Some(_) => return Err(UNSUPPORTED_GRANT),
        None => return Err(invalid("grant_type is missing")),
    }
    let scope = form.value("scope")?;
    if scope.is_some_and(|scope| !is_scope(scope)) {
        return Err(INVALID_SCOPE);
    }

    let mut state = platform.lock();
    let access_token = state.access_token(&key).ok_or(INVALID_CLIENT)?;
    state.counters.access_tokens += 1;
    let mut body = json!({
        "access_token": access_token,
        "token_type": "Bearer",
        // The platform always states the whole hour, even if less of it is left.
        "expires_in": ACCESS_TOKEN_LIFE.as_secs(),
    });
    if let (Some(scope), Some(fields)) = (scope, body.as_object_mut()) {
        fields.insert("scope".to_owned(), json!(scope));
    }
    Ok(Json(body).into_response())
}

fn withdraw(platform: &Platform, call: &Call) -> Result<Response, OauthError> {
    let key = authenticate(platform, call)?;
    let form = Form::of(call)?;
    let token = form.value("token")?.ok_or(invalid("token is missing"))?;
    let mut state = platform.lock();
    // Revoking an unknown or expired token succeeds (RFC 7009, section 2.2).
    if state.owner_of_access_token(token).is_some_and(|owner| owner != key) {
        return Err(invalid("the token was issued to another client"));
    }
    state.revoke_access_token(token);
    Ok(StatusCode::OK.into_response())
}

/// Checks the secret of the caller and returns its API key.
fn authenticate(platform: &Platform, call: &Call) -> Result<String, OauthError> {
    if call.method != Method::POST {
        return Err(METHOD_NOT_ALLOWED);
    }
    let value = match call.single(header::AUTHORIZATION) {
        Single::Missing => return Err(INVALID_CLIENT),
        Single::Unusable => return Err(invalid("the header Authorization is unreadable or came twice")),
        Single::Value(value) => value,
    };
    let (key, secret) = basic(value).ok_or(INVALID_CLIENT)?;
    if platform.lock().knows_application(&key, &secret) { Ok(key) } else { Err(INVALID_CLIENT) }
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (key, secret) = decoded.split_once(':')?;
    Some((key.to_owned(), secret.to_owned()))
}

/// The parameters of a request, read as strictly as RFC 6749 (section 3.2) requires.
struct Form(Vec<(String, String)>);

impl Form {
    fn of(call: &Call) -> Result<Form, OauthError> {
        if call.media_type() != "application/x-www-form-urlencoded" {
            return Err(invalid("the body has to be application/x-www-form-urlencoded"));
        }
        if call.oversized {
            return Err(invalid("the body is larger than 1 MiB"));
        }
        if !is_form(&call.body) {
            return Err(invalid("the body is not form-encoded"));
        }
        let form = Form(form_urlencoded::parse(&call.body).into_owned().collect());
        if form.value("client_secret")?.is_some() {
            return Err(invalid("the client authenticates in two ways at once"));
        }
        Ok(form)
    }

    /// A parameter by its name. An empty parameter counts as missing; a repeated one is an error.
    fn value(&self, name: &str) -> Result<Option<&str>, OauthError> {
        let mut values = self.0.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str());
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(invalid("a parameter came twice")),
            (value, None) => Ok(value.filter(|value| !value.is_empty())),
        }
    }
}

/// Whether every percent sign starts an escape. The parser accepts other ones, which would hide a caller's error.
fn is_form(body: &[u8]) -> bool {
    body.is_ascii()
        && body
            .split(|byte| *byte == b'%')
            .skip(1)
            .all(|rest| rest.first_chunk::<2>().is_some_and(|digits| digits.iter().all(u8::is_ascii_hexdigit)))
}

/// RFC 6749, section 3.3: words of printable characters, one space between them.
fn is_scope(scope: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_graphic() && byte != b'"' && byte != b'\\';
    scope.split(' ').all(|word| !word.is_empty() && word.bytes().all(allowed))
}

/// An error response of OAuth (RFC 6749, section 5.2).
#[derive(Debug)]
struct OauthError {
    status: StatusCode,
    error: &'static str,
    description: &'static str,
}

const INVALID_CLIENT: OauthError = OauthError {
    status: StatusCode::UNAUTHORIZED,
    error: "invalid_client",
    description: "the header Authorization: Basic has to hold an API key and its secret",
};

const UNSUPPORTED_GRANT: OauthError = OauthError {
    status: StatusCode::BAD_REQUEST,
    error: "unsupported_grant_type",
    description: "grant_type has to be client_credentials",
};

const INVALID_SCOPE: OauthError = OauthError {
    status: StatusCode::BAD_REQUEST,
    error: "invalid_scope",
    description: "scope has to be words with one space between them",
};

const METHOD_NOT_ALLOWED: OauthError = OauthError {
    status: StatusCode::METHOD_NOT_ALLOWED,
    error: "invalid_request",
    description: "the endpoint supports POST only",
};

const fn invalid(description: &'static str) -> OauthError {
    OauthError { status: StatusCode::BAD_REQUEST, error: "invalid_request", description }
}

impl IntoResponse for OauthError {
    fn into_response(self) -> Response {
        let body = Json(json!({ "error": self.error, "error_description": self.description }));
        let mut response = (self.status, body).into_response();
        let header = match self.status {
            StatusCode::UNAUTHORIZED => Some((header::WWW_AUTHENTICATE, "Basic realm=\"ThingSpace sandbox\"")),
            StatusCode::METHOD_NOT_ALLOWED => Some((header::ALLOW, "POST")),
            _ => None,
        };
        if let Some((name, value)) = header {
            response.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        response
    }
}

/// Forbids caches to store a response that may hold a token (RFC 6749, section 5.1).
fn not_stored(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}
