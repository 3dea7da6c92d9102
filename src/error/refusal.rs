//! What can be kept of an answer that is no success: status, headers, code and message, whatever its shape.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use super::{
    Error, ErrorCode,
    shape::{Form, Shape},
};
use crate::Secret;

/// The gateway's code for a path that it does not know.
const NO_SUCH_RESOURCE: &str = "900906";
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
    /// Whether the document describes the form: then nobody but the platform answers like this.
    is_documented: bool,
    /// Whether nothing answers to the path that the request was for.
    is_nowhere: bool,
}

/// Who answered. What an answer means depends on it, and not on the form of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sender {
    /// The token endpoint (RFC 6749, section 3.2).
    TokenEndpoint,
    /// An operation of the platform.
    Platform,
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
        Self {
            status,
            headers,
            code: None,
            message: None,
            retryable: false,
            body: None,
            advice: "",
            is_documented: false,
            is_nowhere: status == StatusCode::NOT_FOUND,
        }
    }

    /// Whether nothing answers to the path that the request was for: the base URL may be wrong.
    pub(super) fn is_nowhere(&self) -> bool {
        self.is_nowhere
    }

    /// See [`Refusal::is_documented`].
    pub(super) fn is_documented(&self) -> bool {
        self.is_documented
    }

    /// Of a login, whose credentials are not tried again, but for a process that starts anew with the default store.
    pub(crate) fn of_a_login(&mut self, has_default_store: bool) {
        self.advice = if has_default_store {
            "; these credentials are not tried again: check the username and the password. The next start of the process \
             does try them, and five failures in a row lock the account: keep the count in a FileStore"
        } else {
            "; these credentials are not tried again: check the username and the password"
        };
    }

    /// Keeps the body of a success that cannot be read.
    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        self.body = Some(Secret::from(String::from_utf8_lossy(body).into_owned()));
        self
    }

    /// Makes the typed error of a JSON body. A message that repeats one of `secrets` is left out.
    ///
    /// The gateway answers for both senders and has a form of its own. Everything else belongs to the sender: an error of
    /// the token endpoint is OAuth's. An error of an operation is the platform's if it has the platform's form, an
    /// `error`, or one of the `documented` properties; any other form is unexpected.
    pub(crate) fn read(mut self, body: &Value, secrets: &[&str], sender: Sender, documented: &[&str]) -> Error {
        let shape = Shape::of(body);
        let code = shape.code().and_then(|code| text(code, secrets)).filter(|code| is_code(code));
        self.code = code.map(|code| ErrorCode::from(code.as_str()));
        self.message = shape.words().find_map(|words| text(words, secrets));
        self.is_nowhere = match self.code.as_ref().map(ErrorCode::as_str) {
            None => self.is_nowhere,
            Some(NO_SUCH_RESOURCE) => shape.form == Form::Fault,
            // What asks for an access token is not the token endpoint.
            Some(_) => shape.form == Form::Fault && sender == Sender::TokenEndpoint && self.status.as_u16() == 401,
        };
        self.is_documented = match shape.form {
            Form::Fault => false,
            Form::ErrorCode => true,
            Form::Error => documented.contains(&"error"),
            Form::Other(name) => documented.contains(&name),
        };
        match (shape.form, sender) {
            _ if self.code.is_none() => {
                Error::unexpected("it says that something is wrong, but gives no error code", self)
            }
            (Form::Fault, _) => Error::Gateway(Box::new(self)),
            (_, Sender::TokenEndpoint) => Error::Oauth(Box::new(self)),
            (Form::ErrorCode | Form::Error, Sender::Platform) => Error::Platform(Box::new(self)),
            _ if self.is_documented => Error::Platform(Box::new(self)),
            _ => Error::unexpected("it is an error of a form that is not documented", self),
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
