//! What can be kept of an answer that is no success: status, headers, code and message, whatever its shape.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{
    Error, ErrorCode,
    shape::{Shape, Speaker},
};
use crate::Secret;

/// The longest message or code that is kept, in characters: errors end up in logs.
const LONGEST: usize = 500;

/// What an answer said that is no success.
#[derive(Clone)]
pub struct Refusal {
    status: StatusCode,
    headers: HeaderMap,
    code: Option<ErrorCode>,
    message: Option<String>,
    pub(super) retryable: bool,
    pub(super) body: Option<Secret>,
    /// What to do about it.
    advice: &'static str,
}

impl Refusal {
    /// The HTTP status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The headers. `Debug` and `Display` leave them out.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The name of the error.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.code.as_ref()
    }

    /// The error in words, for people: one line of at most 500 characters, or nothing where it repeats a secret
    /// that was sent with the request. `Debug` and `Display` leave it out.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.message.as_deref()
    }

    /// See [`Error::is_retryable`].
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        Self { status, headers, code: None, message: None, retryable: false, body: None, advice: "" }
    }

    /// Of a login, whose credentials are not tried again.
    pub(crate) fn of_a_login(&mut self) {
        self.advice = "; these credentials are not tried again: check the username and the password";
    }

    /// Keeps the body of a success that cannot be read.
    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        self.body = Some(Secret::from(String::from_utf8_lossy(body).into_owned()));
        self
    }

    /// Makes the typed error of a JSON body: the gateway's, the platform's or the authorization server's. Words that
    /// repeat one of `secrets` are left out. Any other shape is the platform's if `documented` has the property that
    /// tells it.
    pub(crate) fn read(mut self, body: &Value, secrets: &[&str], documented: &[&str]) -> Error {
        let shape = Shape::of(body);
        let code = shape.code().and_then(|code| text(code, secrets)).filter(|code| is_code(code));
        self.code = code.map(|code| ErrorCode::from(code.as_str()));
        self.message = shape.words().find_map(|words| text(words, secrets));
        match (shape.speaker, &self.code) {
            (_, None) => Error::unexpected("it says that something is wrong, but gives no error code", self),
            (Speaker::Gateway, _) => Error::Gateway(Box::new(self)),
            (Speaker::Platform, _) => Error::Platform(Box::new(self)),
            (Speaker::Authorization, _) => Error::Oauth(Box::new(self)),
            (Speaker::Other(name), _) if documented.contains(&name) => Error::Platform(Box::new(self)),
            (Speaker::Other(_), _) => Error::unexpected("it is an error of a shape that is not documented", self),
        }
    }
}

/// A string or a number (the gateway sends both) as one short printable line without secrets.
fn text(value: &Value, secrets: &[&str]) -> Option<String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret)) {
        return None;
    }
    let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
    let line: String = text.trim().chars().map(printable).take(LONGEST).collect();
    (!line.is_empty()).then_some(line)
}

/// Whether it is a name, which is printed, and no sentence, which may repeat anything.
fn is_code(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'))
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "status {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(formatter, ", {code}")?;
        }
        formatter.write_str(self.advice)
    }
}

impl fmt::Debug for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Refusal")
            .field("status", &self.status)
            .field("code", &self.code)
            .field("retryable", &self.retryable)
            .finish_non_exhaustive()
    }
}
