//! What an answer means: taken, refused, or worth another try; read in bounded memory.

use std::time::{Duration, SystemTime};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use bytes::Bytes;
use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use reqwest::{Body as HttpBody, Response, ResponseBuilderExt as _};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::{Disposition, Retries, Sent};
use crate::{
    Error, ErrorCode, Refusal,
    error::{Form, Sender, Shape, is_mistrusted},
    generated::{
        Body, Operation, Repeat, Success,
        operations::{SESSION_HEADER, TOKEN_PATH},
    },
};

/// How an answer is returned.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum ResponseKind {
    /// As `openapi.yaml` describes it: any other answer is a typed error.
    Typed,
    /// As it is, whatever its status.
    Raw,
}

/// An operation of which nothing is known but that it carries both tokens.
pub(crate) const ANY: Operation = Operation {
    id: "any",
    method: "",
    path: "",
    access_token: true,
    session_token: true,
    repeat: Repeat::IfUnsent,
    ends_session: false,
    secrets: &[],
    success: Success { statuses: &[], body: Body::Stream },
    errors: &[],
};

/// What one attempt came to.
pub(super) struct Outcome {
    pub(super) result: Result<Response, Error>,
    pub(super) disposition: Disposition,
    /// How long the other side asks to wait.
    pub(super) wait: Option<Duration>,
    /// Whether the platform has accepted the tokens.
    pub(super) accepted: bool,
}

impl Outcome {
    /// Of a success, or of an answer that is not looked into.
    fn settled(result: Result<Response, Error>, status: StatusCode) -> Self {
        Self { result, disposition: Disposition::Final, wait: None, accepted: status.is_success() }
    }

    /// There was no answer, or it broke off, so long after the attempt began.
    pub(super) fn failed(error: reqwest::Error, after: Duration) -> Self {
        let disposition = match () {
            // A certificate that was refused is refused again.
            () if error.is_connect() && is_mistrusted(&error) => Disposition::Final,
            () if error.is_connect() => Disposition::NotSent,
            () if error.is_builder() => Disposition::Final,
            () => Disposition::Indeterminate,
        };
        let error = if error.is_timeout() && disposition == Disposition::Indeterminate {
            Error::Timeout { after, sent: true, retryable: false }
        } else {
            Error::from_reqwest(error)
        };
        Self { result: Err(error), disposition, wait: None, accepted: false }
    }
}

/// Everything that the judgement of an answer rests on.
pub(super) struct Judge<'a> {
    pub(super) operation: &'a Operation,
    pub(super) sent: Sent<'a>,
    pub(super) limit: usize,
    /// When the attempt began.
    pub(super) started: Instant,
    pub(super) retries: &'a Retries,
}

impl Judge<'_> {
    /// Holds the answer against the operation's description.
    pub(super) async fn judge(&self, mut response: Response) -> Outcome {
        let (status, described) = (response.status(), &self.operation.success);
        if status.is_success() && described.documents(status.as_u16()) && !matches!(described.body, Body::Json(_)) {
            return Outcome::settled(Ok(response), status);
        }
        let body = match read(&mut response, self.limit).await {
            Ok(body) => body,
            Err(Unread::Broken(error)) => return Outcome::failed(error, self.started.elapsed()),
            Err(Unread::TooLong(_)) => {
                let problem = format!("its body is longer than the {} bytes allowed", self.limit);
                return self.unexpected(&response, problem);
            }
        };
        if status.is_success() {
            match &described.body {
                Body::Json(fits) if described.documents(status.as_u16()) => match fits(&body) {
                    Ok(()) => Outcome::settled(Ok(rebuilt(response, whole(body))), status),
                    // The reason may quote the body.
                    Err(_) => Self::unread(&response, &body, misfit(response.headers(), &body)),
                },
                _ => Self::unread(&response, &body, "its status is not documented".to_owned()),
            }
        } else {
            self.refused(&response, &body)
        }
    }

    /// Lets a success pass untouched; reads an error so that the gateway's can be told, and hands it back whole.
    pub(super) async fn hand_back(&self, mut response: Response) -> Outcome {
        let status = response.status();
        if !status.is_client_error() && !status.is_server_error() {
            return Outcome::settled(Ok(response), status);
        }
        match read(&mut response, self.limit).await {
            Ok(body) => {
                let (disposition, accepted) = self.disposition(status, serde_json::from_slice(&body).ok().as_ref());
                let wait = retry_after(response.headers());
                Outcome { result: Ok(rebuilt(response, whole(body))), disposition, wait, accepted }
            }
            // Too long to be one of the platform's errors: the caller gets it all the same.
            Err(Unread::TooLong(start)) => {
                let (parts, rest) = split(response);
                let rest = Response::from(http::Response::new(rest)).bytes_stream();
                let body = stream::iter([Ok(whole(start))]).chain(rest.map_err(reqwest::Error::without_url));
                Outcome::settled(Ok(http::Response::from_parts(parts, HttpBody::wrap_stream(body)).into()), status)
            }
            Err(Unread::Broken(error)) => Outcome::failed(error, self.started.elapsed()),
        }
    }

    /// The typed error that an error answer is.
    fn refused(&self, response: &Response, body: &[u8]) -> Outcome {
        let status = response.status();
        let special = match status.as_u16() {
            300..400 => Some("it is a redirect, which is not followed with credentials: check the base URL"),
            407 => Some("the proxy demands credentials: check the proxy"),
            _ => None,
        };
        if let Some(problem) = special {
            return self.unexpected(response, problem.to_owned());
        }
        let Ok(value) = serde_json::from_slice::<Value>(body) else {
            return self.unexpected(response, misfit(response.headers(), body));
        };
        let secrets = self.secrets();
        let secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
        let refusal = Refusal::new(status, response.headers().clone());
        let sender = if self.operation.path == TOKEN_PATH { Sender::TokenEndpoint } else { Sender::Platform };
        let (disposition, accepted) = self.disposition(status, Some(&value));
        Outcome {
            result: Err(refusal.read(&value, &secrets, sender, self.operation.errors)),
            disposition,
            wait: retry_after(response.headers()),
            accepted,
        }
    }

    fn unexpected(&self, response: &Response, problem: String) -> Outcome {
        let refusal = Refusal::new(response.status(), response.headers().clone());
        let (disposition, accepted) = self.disposition(response.status(), None);
        let wait = retry_after(response.headers());
        Outcome { result: Err(Error::unexpected(problem, refusal)), disposition, wait, accepted }
    }

    /// A success that cannot be taken for one. Its body may be all that is left of what was asked for.
    fn unread(response: &Response, body: &[u8], problem: String) -> Outcome {
        let refusal = Refusal::new(response.status(), response.headers().clone()).with_body(body);
        Outcome::settled(Err(Error::unexpected(problem, refusal)), response.status())
    }

    /// How far the request came, and whether the platform has accepted its tokens.
    ///
    /// With 900901 and 900902 the gateway refuses the access token, with 9008xx it throttles: the platform has not seen the
    /// request. Any other fault may be about the platform's own answer, or its silence. An error response says that the
    /// tokens were accepted if its code does: with `REQUEST_FAILED` the platform has tried to do what it was asked for.
    fn disposition(&self, status: StatusCode, body: Option<&Value>) -> (Disposition, bool) {
        let is_fault = body.is_some_and(|body| body.get("fault").is_some_and(|fault| !fault.is_null()));
        let fault = body.and_then(|body| body.get("fault")?.get("code"));
        let fault = fault.map(|code| code.as_str().map_or_else(|| code.to_string(), str::to_owned));
        let shape = body.map(Shape::of);
        let code = shape.as_ref().and_then(|shape| shape.code()?.as_str()).map(ErrorCode::from);
        let is_session = self.operation.session_token && !is_fault;
        let is_ambiguous =
            || status.is_client_error() && shape.as_ref().is_some_and(|shape| is_ambiguous(shape, code.as_ref()));
        let disposition = match fault.as_deref() {
            Some("900901" | "900902") => Disposition::InvalidToken,
            Some(code) if code.starts_with("9008") && self.retries.cover(status) => Disposition::NotProcessed,
            None if is_session && code.as_ref().is_some_and(ErrorCode::is_session_expired) => {
                Disposition::SessionExpired
            }
            None if is_session && matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) => {
                Disposition::Unauthorized
            }
            None if status == StatusCode::TOO_MANY_REQUESTS => Disposition::NotProcessed,
            _ if self.retries.cover(status) => Disposition::Indeterminate,
            // A 408 says nothing of what the platform has processed, whatever its words are.
            None if is_session && status != StatusCode::REQUEST_TIMEOUT && is_ambiguous() => Disposition::Unauthorized,
            _ => Disposition::Final,
        };
        let is_tried = |code: &ErrorCode| code.reason().split('.').next() == Some("REQUEST_FAILED");
        let is_platform = shape.as_ref().is_some_and(|shape| shape.form == Form::ErrorCode);
        (disposition, is_platform && code.as_ref().is_some_and(is_tried))
    }

    /// The secrets that went with the request: an answer that repeats one is not handed on in words.
    fn secrets(&self) -> Vec<Zeroizing<String>> {
        let mut secrets = Vec::new();
        for name in [&header::AUTHORIZATION, &SESSION_HEADER] {
            let Some(value) = self.sent.headers.and_then(|headers| headers.get(name)) else { continue };
            let text = value.to_str().unwrap_or_default();
            let token = text.split_once(' ').map_or(text, |(_, token)| token);
            secrets.push(Zeroizing::new(token.to_owned()));
            secrets.extend(secret_of_pair(token));
        }
        let body = self
            .sent
            .request
            .and_then(|request| request.body()?.as_bytes())
            .filter(|_| !self.operation.secrets.is_empty());
        if let Some(Ok(body)) = body.map(serde_json::from_slice::<Value>) {
            collect(&body, self.operation.secrets, &mut secrets);
        }
        secrets
    }
}

fn secret_of_pair(encoded: &str) -> Option<Zeroizing<String>> {
    let pair = Zeroizing::new(String::from_utf8(BASE64_STANDARD.decode(encoded).ok()?).ok()?);
    pair.split_once(':').map(|(_, secret)| Zeroizing::new(secret.to_owned()))
}

fn collect(value: &Value, names: &[&str], secrets: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::Object(map) => map.iter().for_each(|(name, inner)| match inner {
            _ if names.contains(&name.as_str()) => texts(inner, secrets),
            _ => collect(inner, names, secrets),
        }),
        Value::Array(items) => items.iter().for_each(|inner| collect(inner, names, secrets)),
        _ => {}
    }
}

/// Every text in a value: a secret property may be a list or a map of secrets.
fn texts(value: &Value, secrets: &mut Vec<Zeroizing<String>>) {
    match value {
        Value::String(text) => secrets.push(Zeroizing::new(text.clone())),
        Value::Object(map) => map.values().for_each(|inner| texts(inner, secrets)),
        Value::Array(items) => items.iter().for_each(|inner| texts(inner, secrets)),
        _ => {}
    }
}

/// Whether an error response may be about the session. Some services name no `SessionToken`: Device Location answers
/// `INVALID_PARAMETER` and "UWS verification failure (The Session has expired.)", Cloud Connector answers `unauthorized`.
/// Nothing but the message tells such an answer from another, and messages are not promised: it is worth one login in an
/// interval and no more.
fn is_ambiguous(shape: &Shape<'_>, code: Option<&ErrorCode>) -> bool {
    const ENDED: [&str; 10] = [
        "expired",
        "invalid",
        "not valid",
        "no longer",
        "timed out",
        "ended",
        "terminated",
        "not found",
        "log in again",
        "verification failure",
    ];
    const CODES: [&str; 6] = [
        "session expired",
        "session invalid",
        "session ended",
        "session terminated",
        "session timeout",
        "session timed out",
    ];
    // As words, so that a parameter such as sessionType is none of them.
    const NAMES: [&str; 3] = ["session", "sessiontoken", "session_token"];
    // Of one part of a sentence, so that "see the session log" is not about the session.
    let says = |part: &str| {
        let mut words = part.split(|letter: char| !letter.is_ascii_alphanumeric() && !matches!(letter, '_' | '-'));
        words.any(|word| NAMES.contains(&word) || word == SESSION_HEADER.as_str())
            && ENDED.iter().any(|end| part.contains(end))
    };
    let code = code.map(ErrorCode::as_str).unwrap_or_default();
    let spelt = spelt(code);
    code.eq_ignore_ascii_case("unauthorized")
        || CODES.iter().any(|code| spelt.contains(code))
        || shape
            .words()
            .filter_map(Value::as_str)
            .any(|text| text.to_ascii_lowercase().split([',', ';', '.']).any(says))
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

/// Why a body does not read as documented, without a word of it.
fn misfit(headers: &HeaderMap, body: &[u8]) -> String {
    let media_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let is_html =
        media_type.to_ascii_lowercase().starts_with(b"text/html") || body.trim_ascii_start().starts_with(b"<");
    let problem = if body.is_empty() {
        "its body is empty"
    } else if is_html {
        "its body is a web page, as proxies and captive portals answer: check the base URL and the proxy"
    } else if serde_json::from_slice::<IgnoredAny>(body).is_err() {
        "its body is not JSON"
    } else {
        "its body is JSON, but not as documented"
    };
    problem.to_owned()
}

enum Unread {
    /// More than allowed; what was read until then.
    TooLong(Zeroizing<Vec<u8>>),
    Broken(reqwest::Error),
}

/// The body, if it is at most `limit` bytes long.
async fn read(response: &mut Response, limit: usize) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let mut body = Zeroizing::new(Vec::new());
    while let Some(chunk) = response.chunk().await.map_err(Unread::Broken)? {
        body.extend_from_slice(&chunk);
        if body.len() > limit {
            return Err(Unread::TooLong(body));
        }
    }
    Ok(body)
}

/// The bytes of a body, erased with their last copy.
fn whole(body: Zeroizing<Vec<u8>>) -> Bytes {
    Bytes::from_owner(body)
}

/// The response with its body, which has been read, back in place.
fn rebuilt(response: Response, body: Bytes) -> Response {
    http::Response::from_parts(split(response).0, body).into()
}

/// The head of a response, which goes on knowing its URL, and the body.
fn split(response: Response) -> (http::response::Parts, HttpBody) {
    let marked = http::Response::builder().url(response.url().clone()).body(());
    let (mut parts, body) = http::Response::<HttpBody>::from(response).into_parts();
    if let Ok(marked) = marked {
        parts.extensions.extend(marked.into_parts().0.extensions);
    }
    (parts, body)
}

/// `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = value.parse() {
        return Some(Duration::from_secs(seconds));
    }
    let date = httpdate::parse_http_date(value).ok()?;
    Some(date.duration_since(SystemTime::now()).unwrap_or_default())
}
