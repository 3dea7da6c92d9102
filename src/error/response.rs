//! What can be kept of an answer that is no success: status, headers, code and message, whatever its shape.

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
/// The longest message or code that is kept, in characters: errors end up in logs.
const LONGEST: usize = 500;
/// The names that a code goes by where it is neither `errorCode` nor `error`.
const CODES: [&str; 4] = ["code", "errorCode", "error_code", "responseCode"];
/// The names that the words go by, the ones that say most first.
const WORDS: [&str; 8] =
    ["errorMessage", "error_description", "description", "message", "detail", "responseMessage", "title", "cause"];

/// What an answer said that is no success.
#[derive(Clone)]
#[non_exhaustive]
pub struct ErrorResponse {
    /// The HTTP status.
    pub status: StatusCode,
    /// The headers. `Debug` and `Display` leave them out.
    pub headers: HeaderMap,
    /// The name of the error.
    pub code: Option<ErrorCode>,
    /// The error in words, for people: one line of at most 500 characters, or nothing where it repeats a secret
    /// that was sent with the request. `Debug` and `Display` leave it out.
    pub message: Option<String>,
    /// See [`Error::is_retryable`].
    pub is_retryable: bool,
    pub(super) body: Option<Secret>,
    /// What to do about it.
    advice: &'static str,
    /// Whether the document describes the form: then only the platform answers like this.
    pub(super) is_documented: bool,
    /// Whether nothing answers to the path that the request was for: the base URL may be wrong.
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

    /// Of a login, whose credentials are not tried again, but for a process that starts anew with the default store.
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

    /// Makes the typed error of a JSON body. A message that repeats one of `secrets` is left out.
    ///
    /// The gateway answers for every operation and has a form of its own. Everything else belongs to the operation: an
    /// error of the token endpoint is OAuth's. Any other is the platform's if it has the platform's form, an `error`, or
    /// one of the properties that are documented for the operation; any other form is unexpected.
    pub(crate) fn read(mut self, shape: &Shape<'_>, secrets: &[Zeroizing<String>], operation: &Operation) -> Error {
        let (is_fault, is_token_endpoint) = (shape.property == FAULT, operation.path == TOKEN_PATH);
        self.code = shape.code.and_then(|code| line(code, secrets)).filter(|code| is_code(code)).map(ErrorCode);
        self.message = shape.words().find_map(|words| line(words, secrets));
        match self.code.as_ref().map(ErrorCode::as_str) {
            None => {}
            Some(NO_SUCH_RESOURCE) => self.is_nowhere = is_fault,
            // What asks for an access token is not the token endpoint.
            Some(_) => self.is_nowhere = is_fault && is_token_endpoint && self.status == StatusCode::UNAUTHORIZED,
        }
        self.is_documented = !is_fault && (shape.property == ERROR_CODE || operation.errors.contains(&shape.property));
        match () {
            () if self.code.is_none() && shape.code().is_some_and(|ErrorCode(code)| is_code(&code)) => {
                Error::unexpected("its error code contains a secret of the request and is not shown", self)
            }
            () if self.code.is_none() => {
                Error::unexpected("it says that something is wrong, but gives no error code", self)
            }
            () if is_fault => Error::Gateway(Box::new(self)),
            () if is_token_endpoint => Error::Oauth(Box::new(self)),
            () if self.is_documented || shape.is_oauth => Error::Platform(Box::new(self)),
            () => Error::unexpected("it is an error of a form that is not documented", self),
        }
    }
}

/// The gateway's form: `{"fault": {"code", "message", "description"}}`.
const FAULT: &str = "fault";
/// The platform's documented form: `{"errorCode", "errorMessage"}`.
const ERROR_CODE: &str = "errorCode";

/// Where an error response has its code and its message: each service on the platform's hosts has a shape of its own.
pub(crate) struct Shape<'a> {
    /// The property that it is recognised by.
    property: &'a str,
    /// Whether it is `{"error": "…"}`: OAuth's form (RFC 6749, section 5.2), which services of the platform use as well.
    is_oauth: bool,
    /// The object that says it, which may be inside another.
    said: &'a Value,
    /// What stands where the code belongs.
    code: Option<&'a Value>,
}

impl<'a> Shape<'a> {
    pub(crate) fn of(body: &'a Value) -> Self {
        let (fault, error) = (body.get(FAULT).filter(|fault| !fault.is_null()), body.get("error"));
        let is_oauth = fault.is_none() && body.get(ERROR_CODE).is_none() && error.is_some_and(Value::is_string);
        let (property, said, code) = match (fault, body.get(ERROR_CODE)) {
            (Some(fault), _) => (FAULT, fault, fault.get("code")),
            (None, Some(code)) => (ERROR_CODE, body, Some(code)),
            _ if is_oauth => ("error", body, error),
            _ => {
                let places = [("error", error), ("errors", body.pointer("/errors/0")), ("", Some(body))];
                let mut places = places.into_iter().filter_map(|(name, said)| Some((name, said?)));
                let coded = places.clone().find_map(|(name, said)| {
                    let (key, code) = CODES.iter().find_map(|key| Some((*key, said.get(key)?)))?;
                    Some((if name.is_empty() { key } else { name }, said, Some(code)))
                });
                let worded = || places.find(|(_, said)| said.is_object()).map(|(_, said)| ("", said, None));
                coded.or_else(worded).unwrap_or(("", body, None))
            }
        };
        Self { property, is_oauth, said, code }
    }

    /// The code as it is written. The gateway sends numbers, too.
    pub(crate) fn code(&self) -> Option<ErrorCode> {
        self.code.and_then(text).map(ErrorCode)
    }

    pub(crate) fn is_fault(&self) -> bool {
        self.property == FAULT
    }

    /// Whether the platform itself has written it.
    pub(crate) fn is_platforms(&self) -> bool {
        self.property == ERROR_CODE
    }

    /// What may be said in words, the best first.
    pub(crate) fn words(&self) -> impl Iterator<Item = &'a Value> {
        let said = self.said;
        WORDS.iter().filter_map(|name| said.get(name))
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

/// The same as one short printable line without secrets.
fn line(value: &Value, secrets: &[Zeroizing<String>]) -> Option<String> {
    let text = text(value)?;
    if secrets.iter().any(|secret| !secret.is_empty() && text.contains(secret.as_str())) {
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

impl fmt::Display for ErrorResponse {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "status {}", self.status.as_u16())?;
        if let Some(code) = &self.code {
            write!(formatter, ", {code}")?;
        }
        formatter.write_str(self.advice)
    }
}
