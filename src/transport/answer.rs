//! Reads a response in bounded memory, and classifies it.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, StatusCode, header};
use reqwest::{Body as HttpBody, Request, Response, ResponseBuilderExt as _};
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{RetryPolicy, misfit::misfit};
use crate::{
    Error, ErrorCode, ErrorResponse,
    error::{Disposition, Shape, is_unread, is_untrusted},
    generated::{Body, Operation, Retry, Success, is_among, operations::SESSION_HEADERS},
};

/// How the crate returns a response.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// As `openapi.yaml` describes it. Any other response is a typed error.
    Typed,
    /// Unchanged, whatever its status.
    Raw,
}

/// An operation that the document does not describe. It carries both tokens.
pub(crate) const ANY: Operation = Operation {
    id: "any",
    method: "",
    path: "",
    access_token: true,
    session_header: Some(0),
    retry: Retry::IfNotSent,
    ends_session: false,
    secrets: &[],
    success: Success { statuses: &[], body: Body::Stream },
    errors: &[],
};

/// The outcome of one attempt.
pub(super) struct Outcome {
    pub(super) result: Result<Response, Error>,
    pub(super) disposition: Disposition,
    /// The pause that the response asks for.
    pub(super) wait: Option<Duration>,
    /// Whether the platform has accepted the tokens.
    pub(super) accepted: bool,
}

impl Outcome {
    /// The time of the attempt has expired. The request may have been sent.
    pub(super) fn cut_off(limit: Duration) -> Self {
        let error = Error::Timeout { after: limit, sent: true, retryable: false };
        Self { result: Err(error), disposition: Disposition::Indeterminate, wait: None, accepted: false }
    }
}

/// Classifies the responses to one request.
pub(super) struct Classifier<'a> {
    pub(super) operation: &'a Operation,
    /// The request, unless its body is a stream.
    pub(super) request: Option<&'a Request>,
    pub(super) kind: ResponseKind,
    pub(super) limit: usize,
    /// When the attempt began.
    pub(super) started: Instant,
    pub(super) retry_policy: &'a RetryPolicy,
}

impl Classifier<'_> {
    /// Passes on a response that needs no reading, and reads any other.
    pub(super) async fn classify(&self, response: reqwest::Result<Response>) -> Outcome {
        let mut response = match response {
            Ok(response) => response,
            Err(error) => return self.failed(error),
        };
        let status = response.status();
        let is_final = match self.kind {
            ResponseKind::Typed => {
                let is_read = matches!(self.operation.success.body, Body::Json(_) | Body::JsonOrNone(..));
                self.is_documented(status) && !is_read
            }
            ResponseKind::Raw => !status.is_client_error() && !status.is_server_error(),
        };
        let passed = |result, accepted| Outcome { result, disposition: Disposition::Final, wait: None, accepted };
        if is_final {
            return passed(Ok(response), status.is_success());
        }
        let (body, is_whole) = match read(&mut response, self.limit).await {
            Ok(read) => read,
            Err(error) => return self.failed(error),
        };
        if self.kind == ResponseKind::Raw && !is_whole {
            // Too long for an error of the platform. The caller gets it nevertheless.
            let (parts, rest) = split(response);
            let rest = Response::from(http::Response::new(rest)).bytes_stream();
            let body = stream::iter([Ok(Bytes::from_owner(body))]).chain(rest.map_err(reqwest::Error::without_url));
            return passed(Ok(http::Response::from_parts(parts, HttpBody::wrap_stream(body)).into()), false);
        }
        let is_read = is_whole && !status.is_success();
        let value = is_read.then(|| serde_json::from_slice::<Value>(&body).ok()).flatten();
        let shape = value.as_ref().map(Shape::of);
        let (disposition, accepted) = self.disposition(status, shape.as_ref());
        let wait = retry_after(response.headers());
        let result = match self.kind {
            ResponseKind::Typed => self.typed(response, body, is_whole, shape.as_ref()),
            ResponseKind::Raw => Ok(rebuilt(response, body)),
        };
        Outcome { result, disposition, wait, accepted }
    }

    /// The outcome without a complete response.
    fn failed(&self, error: reqwest::Error) -> Outcome {
        let disposition = match () {
            // A retry does not change an untrusted certificate.
            () if error.is_builder() || error.is_connect() && is_untrusted(&error) => Disposition::Final,
            () if error.is_connect() => Disposition::NotSent,
            () => Disposition::Indeterminate,
        };
        let error = if error.is_timeout() && disposition == Disposition::Indeterminate {
            Error::Timeout { after: self.started.elapsed(), sent: true, retryable: false }
        } else {
            Error::from_reqwest(error)
        };
        Outcome { result: Err(error), disposition, wait: None, accepted: false }
    }

    fn is_documented(&self, status: StatusCode) -> bool {
        status.is_success() && self.operation.success.documents(status.as_u16())
    }

    /// Compares the response with the operation's description.
    fn typed(
        &self,
        response: Response,
        body: Zeroizing<Vec<u8>>,
        is_whole: bool,
        shape: Option<&Shape<'_>>,
    ) -> Result<Response, Error> {
        let status = response.status();
        if is_whole && status.is_success() {
            match &self.operation.success.body {
                Body::JsonOrNone(_, empty) if is_among(empty, status.as_u16()) => {
                    return Ok(rebuilt(response, Zeroizing::new(b"null".to_vec())));
                }
                Body::Json(fits) | Body::JsonOrNone(fits, _) if self.is_documented(status) && fits(&body).is_ok() => {
                    return Ok(rebuilt(response, body));
                }
                _ => {}
            }
        }
        let error = ErrorResponse::new(status, response.headers().clone());
        // It may be the only copy of a new password, or have the only reason.
        let error = if is_whole { error.with_body(&body) } else { error };
        let problem = match status.as_u16() {
            _ if !is_whole => format!("its body is longer than the {} bytes allowed", self.limit).into(),
            200..300 if self.is_documented(status) => {
                let error = match &self.operation.success.body {
                    Body::Json(fits) | Body::JsonOrNone(fits, _) => fits(&body).err(),
                    _ => None,
                };
                misfit(response.headers(), &body, error.as_ref())
            }
            200..300 => "its status is not documented".into(),
            300..400 => "it is a redirect, which is not followed with credentials: check the base URL".into(),
            407 => "the proxy demands credentials: check the proxy".into(),
            _ => match shape {
                Some(shape) => return Err(error.read(shape, &self.secrets(), self.operation)),
                None => misfit(response.headers(), &body, None),
            },
        };
        Err(Error::unexpected(problem, error))
    }

    /// The disposition, and whether the platform has accepted the tokens.
    ///
    /// With 900901 and 900902 the gateway rejects the access token. With a code `REQUEST_FAILED` the platform has accepted
    /// the tokens, because it has tried to process the request.
    fn disposition(&self, status: StatusCode, shape: Option<&Shape<'_>>) -> (Disposition, bool) {
        let code = shape.and_then(Shape::code);
        let is_fault = shape.is_some_and(Shape::is_fault);
        let fault = code.as_ref().filter(|_| is_fault).map(ErrorCode::as_str);
        let is_covered = self.retry_policy.covers(status);
        let is_session = self.operation.session_header.is_some() && !is_fault;
        let is_expired = code.as_ref().is_some_and(ErrorCode::is_session_expired);
        let disposition = match (fault, status.as_u16()) {
            (_, 200..300) => return (Disposition::Final, true),
            (Some("900901" | "900902"), _) => Disposition::InvalidToken,
            _ if is_session && is_expired => Disposition::SessionExpired,
            (_, 401 | 403) if is_session => Disposition::Unauthorized,
            _ if is_covered && is_unread(status, fault) => Disposition::NotProcessed,
            _ if is_covered => Disposition::Indeterminate,
            // A 408 does not show what the platform has processed, whatever its message is.
            (_, 408) => Disposition::Final,
            (_, 400..500) if is_session && shape.is_some_and(is_ambiguous) => Disposition::Unauthorized,
            _ => Disposition::Final,
        };
        let is_accepted = |code: ErrorCode| code.reason().split('.').next() == Some("REQUEST_FAILED");
        (disposition, shape.is_some_and(Shape::is_platforms) && code.is_some_and(is_accepted))
    }

    /// The secrets of the request. The crate leaves out a message that repeats one of them.
    fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut secrets = Vec::new();
        let Some(request) = self.request else { return secrets };
        // Also headers of the caller's that are marked as secret.
        for (name, value) in request.headers() {
            let is_token = *name == header::AUTHORIZATION || self.operation.session_header() == Some(name);
            if !value.is_sensitive() && !is_token {
                continue;
            }
            let text = value.to_str().unwrap_or_default();
            let token = text.split_once(' ').map_or(text, |(_, token)| token);
            secrets.push(Zeroizing::new(token.to_owned()));
            secrets.extend(secret_of_pair(token));
        }
        let body = request.body().and_then(HttpBody::as_bytes).filter(|_| !self.operation.secrets.is_empty());
        if let Some(Ok(body)) = body.map(serde_json::from_slice::<Value>) {
            collect(&body, Some(self.operation.secrets), &mut secrets);
        }
        secrets
    }
}

/// The secret of Basic authentication.
fn secret_of_pair(encoded: &str) -> Option<Zeroizing<String>> {
    let pair = Zeroizing::new(String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?);
    pair.split_once(':').map(|(_, secret)| Zeroizing::new(secret.to_owned()))
}

/// Collects every string in the properties of these names, or in the whole value: a secret may be a list or a map of
/// secrets.
fn collect(value: &Value, names: Option<&[&str]>, secrets: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) if names.is_none() => secrets.push(Zeroizing::new(text.clone())),
        Value::Object(map) => map.iter().for_each(|(name, inner)| {
            collect(inner, names.filter(|names| !names.contains(&name.as_str())), secrets);
        }),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, names, secrets)),
        _ => {}
    }
}

/// Whether an error response may be about the session. Some services have no code with `SessionToken`: Device Location
/// answers `INVALID_PARAMETER` and "UWS verification failure (The Session has expired.)", Cloud Connector answers
/// `unauthorized`. Only the message distinguishes such a response, and Verizon does not promise its wording. So it leads
/// to one login in an interval at most.
fn is_ambiguous(shape: &Shape<'_>) -> bool {
    const ENDED: [&str; 11] = [
        "expired",
        "invalid",
        "not valid",
        "no longer",
        "timed out",
        "timeout",
        "ended",
        "terminated",
        "not found",
        "log in again",
        "verification failure",
    ];
    // Whole words, so that a parameter such as sessionType does not match.
    const NAMES: [&str; 3] = ["session", "sessiontoken", "session_token"];
    // In one part of a sentence, so that "see the session log" does not match.
    let is_about_the_session = |part: &str| {
        let mut words = part.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-'));
        words.any(|word| NAMES.contains(&word) || SESSION_HEADERS.iter().any(|header| word == header.as_str()))
            && ENDED.iter().any(|end| part.contains(end))
    };
    let code = shape.code().as_ref().map(|code| spelt(code.as_str())).unwrap_or_default();
    code == "unauthorized"
        || code.split("session ").skip(1).any(|then| ENDED.iter().any(|end| then.starts_with(end)))
        || shape
            .messages()
            .filter_map(Value::as_str)
            .any(|text| text.to_ascii_lowercase().split([',', ';', '.']).any(is_about_the_session))
}

/// A code such as `REQUEST_FAILED.SessionExpired`, as words.
fn spelt(code: &str) -> String {
    let mut words = String::new();
    for letter in code.chars() {
        if letter.is_ascii_uppercase() && words.ends_with(|last: char| last.is_ascii_lowercase()) {
            words.push(' ');
        }
        words.push(if letter.is_ascii_alphanumeric() { letter } else { ' ' });
    }
    words.to_ascii_lowercase()
}

/// Reads the body up to `limit` bytes. Returns it, and whether it is whole.
async fn read(response: &mut Response, limit: usize) -> reqwest::Result<(Zeroizing<Vec<u8>>, bool)> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Ok((body, false));
        }
    }
    Ok((body, true))
}

/// The response with the body that was read. The body is erased with its last copy.
fn rebuilt(response: Response, body: Zeroizing<Vec<u8>>) -> Response {
    http::Response::from_parts(split(response).0, Bytes::from_owner(body)).into()
}

/// The head of a response, with its URL, and the body.
fn split(response: Response) -> (http::response::Parts, HttpBody) {
    let marked = http::Response::builder().url(response.url().clone()).body(());
    let (mut parts, body) = http::Response::<HttpBody>::from(response).into_parts();
    if let Ok(marked) = marked {
        parts.extensions.extend(marked.into_parts().0.extensions);
    }
    (parts, body)
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
