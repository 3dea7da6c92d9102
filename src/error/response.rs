//! An error response: status, headers, code and message, whatever its shape.

use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::Value;
use zeroize::Zeroizing;

use super::{Error, ErrorCode};
use crate::{
    Secret,
    generated::{Operation, operations::TOKEN_PATH},
};

/// The gateway's code for a path that it does not know.
const NO_SUCH_RESOURCE: &str = "900906";
/// The maximum length of a message or a code, in characters: errors go to logs.
const LONGEST: usize = 500;
/// The properties that hold a code, if it is neither `errorCode` nor `error` of the body.
const CODES: [&str; 4] = ["code", "errorCode", "error_code", "responseCode"];
/// The properties that hold a message, those with the most detail first.
const MESSAGES: [&str; 8] =
    ["errorMessage", "error_description", "description", "message", "detail", "responseMessage", "title", "cause"];

/// A response that is no success.
#[derive(Clone)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers. `Debug` and `Display` leave them out.
    pub headers: HeaderMap,
    /// The code of the error.
    pub code: Option<ErrorCode>,
    /// The message, for an operator: one line of at most 500 characters. `None` if it repeats a secret of the request.
    /// `Debug` and `Display` leave it out.
    pub message: Option<String>,
    /// See [`Error::is_retryable`].
    pub is_retryable: bool,
    pub(super) body: Option<Secret>,
    /// The next step.
    advice: &'static str,
    /// Whether the document describes the form. Then the platform itself has answered.
    pub(super) is_documented: bool,
    /// Whether the server does not know the path of the request. The base URL may be wrong.
    pub(super) is_nowhere: bool,
}

debug!(
    ErrorResponse,
    |this| "ErrorResponse {{ status: {:?}, code: {:?}, retryable: {}, .. }}",
    this.status,
    this.code,
    this.is_retryable
);

impl ErrorResponse {
    pub(crate) fn new(status: StatusCode, headers: HeaderMap) -> Self {
        let (code, message, body) = (None, None, None);
        let is_nowhere = status == StatusCode::NOT_FOUND;
        Self { status, headers, code, message, body, is_retryable: false, advice: "", is_documented: false, is_nowhere }
    }

    /// Marks the response to a login. The crate does not send these credentials again; with the default store, the next
    /// process does.
    pub(crate) fn of_a_login(&mut self, has_default_store: bool) {
        self.advice = if has_default_store {
            "; these credentials are not tried again: check the username and the password. The next start of the process \
             does try them, and five failures in a row lock the account: keep the count in a FileStore"
        } else {
            "; these credentials are not tried again: check the username and the password"
        };
    }

    /// Keeps the body for [`Error::body`].
    pub(crate) fn with_body(mut self, body: &[u8]) -> Self {
        self.body = Some(Secret::from(String::from_utf8_lossy(body).into_owned()));
        self
    }

    /// Reads a JSON body into a typed error. Leaves out a message that repeats one of `secrets`.
    ///
    /// The gateway has a form of its own, whatever the operation. Other errors of the token endpoint are OAuth's. Other
    /// errors are the platform's if they have the platform's form, an `error`, or a property that the document has for the
    /// operation. Any other form is unexpected.
    pub(crate) fn read(mut self, shape: &Shape<'_>, secrets: &[Zeroizing<String>], operation: &Operation) -> Error {
        let (is_fault, is_token_endpoint) = (shape.property == FAULT, operation.path == TOKEN_PATH);
        self.code = shape.code.and_then(|code| line(code, secrets)).filter(|code| is_code(code)).map(ErrorCode);
        self.message = shape.messages().find_map(|message| line(message, secrets));
        match self.code.as_ref().map(ErrorCode::as_str) {
            None => {}
            Some(NO_SUCH_RESOURCE) => self.is_nowhere = is_fault,
            // Elsewhere a 401 rejects the access token, and the path is right.
            Some(_) => self.is_nowhere = is_fault && is_token_endpoint && self.status == StatusCode::UNAUTHORIZED,
        }
        self.is_documented = !is_fault && (shape.property == ERROR_CODE || operation.errors.contains(&shape.property));
        match () {
            () if self.code.is_none() && shape.code().is_some_and(|ErrorCode(code)| is_code(&code)) => {
                Error::unexpected("its error code contains a secret of the request and is not shown", self)
            }
            () if self.code.is_none() => Error::unexpected("it is an error with no error code", self),
            () if is_fault => Error::Gateway(Box::new(self)),
            () if is_token_endpoint => Error::Oauth(Box::new(self)),
            () if self.is_documented || shape.is_oauth => Error::Platform(Box::new(self)),
            () => Error::unexpected("it is an error in a form that openapi.yaml does not have", self),
        }
    }
}

/// The gateway's form: `{"fault": {"code", "message", "description"}}`.
const FAULT: &str = "fault";
/// The platform's documented form: `{"errorCode", "errorMessage"}`.
const ERROR_CODE: &str = "errorCode";

/// Where an error response has its code and its message. Each service on the platform's hosts has a shape of its own.
pub(crate) struct Shape<'a> {
    /// The property that identifies the shape.
    property: &'a str,
    /// Whether it is `{"error": "…"}`: OAuth's form (RFC 6749, section 5.2), which services of the platform use as well.
    is_oauth: bool,
    /// The object with the message, which may be inside another.
    details: &'a Value,
    /// The value in the place of the code.
    code: Option<&'a Value>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(body: &'a Value) -> Self {
        let (fault, error) = (body.get(FAULT).filter(|fault| !fault.is_null()), body.get("error"));
        let is_oauth = fault.is_none() && body.get(ERROR_CODE).is_none() && error.is_some_and(Value::is_string);
        let (property, details, code) = match (fault, body.get(ERROR_CODE)) {
            (Some(fault), _) => (FAULT, fault, fault.get("code")),
            (None, Some(code)) => (ERROR_CODE, body, Some(code)),
            _ if is_oauth => ("error", body, error),
            _ => {
                let places = [("error", error), ("errors", body.pointer("/errors/0")), ("", Some(body))];
                let mut places = places.into_iter().filter_map(|(name, details)| Some((name, details?)));
                let coded = places.clone().find_map(|(name, details)| {
                    let (key, code) = CODES.iter().find_map(|key| Some((*key, details.get(key)?)))?;
                    Some((if name.is_empty() { key } else { name }, details, Some(code)))
                });
                let worded = || places.find(|(_, details)| details.is_object()).map(|(_, details)| ("", details, None));
                coded.or_else(worded).unwrap_or(("", body, None))
            }
        };
        Self { property, is_oauth, details, code }
    }

    /// The code as text. The gateway sends numbers, too.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        self.code.and_then(text).map(ErrorCode)
    }

    pub(crate) fn is_fault(&self) -> bool {
        self.property == FAULT
    }

    /// Whether the platform itself has sent it.
    pub(crate) fn is_platforms(&self) -> bool {
        self.property == ERROR_CODE
    }

    /// The messages, those with the most detail first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &'a Value> {
        let details = self.details;
        MESSAGES.iter().filter_map(|name| details.get(name))
    }
}

/// A string or a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The text as one short printable line; `None` if it repeats a secret.
fn line(value: &Value, secrets: &[Zeroizing<String>]) -> Option<String> {
    let text = text(value)?;
    if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
        return None;
    }
    let printable = |letter: char| if letter.is_control() { ' ' } else { letter };
    let line: String = text.trim().chars().map(printable).take(LONGEST).collect();
    (!line.is_empty()).then_some(line)
}

/// Whether the text looks like a name. The crate prints codes, and a sentence may repeat a secret.
fn is_code(text: &str) -> bool {
    text.chars().all(|letter| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '_' | '-'))
}

impl fmt::Display for ErrorResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "status {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(formatter, ", {code}")?;
        }
        formatter.write_str(self.advice)
    }
}
