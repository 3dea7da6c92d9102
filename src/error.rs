//! What can go wrong, in one type that says what to do about it.
//!
//! Keeps the promise that nothing secret is printed: an error never holds a body, a request header or a URL, and
//! prints no response header.

mod code;
mod refusal;

use std::{
    error::Error as StdError,
    fmt,
    sync::{Mutex, PoisonError},
    time::Duration,
};

use http::{HeaderMap, StatusCode};

pub use code::ErrorCode;
pub use refusal::Refusal;

use crate::generated::client as api;

/// Why a call did not succeed.
///
/// The variants say who spoke; the methods answer the questions that callers ask, whoever it was.
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session) -> Result<(), Error> {
/// match session.reset_password("grflbk").await {
///     Ok(new) => keep(new),
///     Err(error) if error.is_session_expired() => println!("start a session and try again"),
///     Err(error) if error.code().is_some_and(|code| *code == "INPUT_INVALID.OldPassword") => println!("wrong password"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// # fn keep(_: thingspace_session::Password) {}
/// ```
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something about the configuration has to change before anything can be sent.
    #[error("{problem}")]
    Configuration {
        /// What, and how.
        problem: String,
    },

    /// The request cannot be made of what it was given.
    #[error("the request cannot be built: {problem}")]
    InvalidRequest {
        /// Why.
        problem: String,
    },

    /// The request would have taken the tokens elsewhere. Nothing was sent.
    #[error(
        "refused to send ThingSpace tokens to {origin}: use a URL below the configured base URL, or name this origin \
         with ThingSpaceBuilder::allow_origin"
    )]
    ForeignOrigin {
        /// Scheme, host and port of the request.
        origin: String,
    },

    /// The operation needs a session and was called without one. Nothing was sent.
    #[error("{operation} needs a session: start one and call it through Session::api()")]
    SessionRequired {
        /// Which operation.
        operation: String,
    },

    /// The session was ended, here or through a clone. Nothing was sent.
    #[error("this session was ended: start a new one with ThingSpace::start_session")]
    SessionEnded,

    /// The platform refused the request.
    #[error("the platform refused the request: {0}")]
    Platform(Box<Refusal>),

    /// The gateway refused the request; the platform has not seen it.
    #[error("the gateway refused the request before the platform saw it: {0}")]
    Gateway(Box<Refusal>),

    /// No access token is to be had for this API key. Nothing was sent to the platform.
    #[error("no access token was granted: {0}; check the API key and its secret")]
    Oauth(Box<Refusal>),

    /// The token provider of one's own failed. Nothing was sent to the platform.
    #[error("the access token provider failed")]
    TokenProvider(#[source] Box<dyn StdError + Send + Sync>),

    /// An answer that is none of those that the platform documents.
    #[error("unexpected answer: {problem} ({refusal})")]
    UnexpectedResponse {
        /// What is wrong with it.
        problem: String,
        /// What could be read of it.
        refusal: Box<Refusal>,
    },

    /// No connection came about. The platform has not seen the request.
    #[error("no connection to the platform: check the network, the proxy and the base URL; nothing was sent")]
    Connect(#[source] reqwest::Error),

    /// The time for the call was over before the answer was there.
    #[error("no answer within {after:?}{}", unknown(*.sent))]
    Timeout {
        /// The time that the call had.
        after: Duration,
        /// Whether the platform may have processed the request.
        sent: bool,
        /// See [`Error::is_retryable`].
        retryable: bool,
    },

    /// The connection broke after the request had been sent, or while the answer was read.
    #[error("the connection broke before the answer was complete{}", unknown(true))]
    Interrupted {
        /// What broke it.
        #[source]
        source: reqwest::Error,
        /// See [`Error::is_retryable`].
        retryable: bool,
    },
}

fn unknown(sent: bool) -> &'static str {
    if sent { "; the platform may have processed the request" } else { "; nothing was sent" }
}

impl Error {
    /// The platform's, the gateway's or the authorization server's own name for the error.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.refusal()?.code()
    }

    /// The error in the platform's words, for people. Never parse it. Neither `Display` nor `Debug` shows it: nobody
    /// can promise that it repeats no secret.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.refusal()?.message()
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.refusal().map(Refusal::status)
    }

    /// The headers of the answer, if there was one.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.refusal().map(Refusal::headers)
    }

    /// Whether the platform says that the session token is dead: expired, ended, replaced or malformed.
    #[must_use]
    pub fn is_session_expired(&self) -> bool {
        matches!(self, Self::Platform(refusal) if refusal.code().is_some_and(ErrorCode::is_session_token))
    }

    /// Whether making the same call again may succeed and can do no harm.
    ///
    /// An operation that must not be processed twice is retryable only where it certainly was not processed at all.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(_) => true,
            Self::Timeout { retryable, .. } | Self::Interrupted { retryable, .. } => *retryable,
            _ => self.refusal().is_some_and(Refusal::is_retryable),
        }
    }

    /// Whether the call ran out of time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self, Self::Timeout { .. })
    }

    /// Whether no connection came about.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self, Self::Connect(_))
    }

    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Platform(refusal)
            | Self::Gateway(refusal)
            | Self::Oauth(refusal)
            | Self::UnexpectedResponse { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::Configuration { problem: problem.into() }
    }

    pub(crate) fn unexpected(problem: impl Into<String>, refusal: Refusal) -> Self {
        Self::UnexpectedResponse { problem: problem.into(), refusal: Box::new(refusal) }
    }

    /// States whether repeating is worth while and safe, which only the transport knows.
    pub(crate) fn with_retryable(mut self, answer: bool) -> Self {
        match &mut self {
            Self::Timeout { retryable, .. } | Self::Interrupted { retryable, .. } => *retryable = answer,
            Self::Platform(refusal)
            | Self::Gateway(refusal)
            | Self::Oauth(refusal)
            | Self::UnexpectedResponse { refusal, .. } => refusal.retryable = answer,
            _ => {}
        }
        self
    }
}

impl Error {
    /// What a [`reqwest::Error`] means. Its URL is dropped: the query may hold what must not be printed.
    pub(crate) fn from_reqwest(error: reqwest::Error) -> Self {
        if let Some(carried) = Carrier::find(&error) {
            return carried;
        }
        let source = error.without_url();
        if source.is_connect() {
            Self::Connect(source)
        } else if source.is_builder() {
            Self::InvalidRequest { problem: cause(&source).to_string() }
        } else {
            Self::Interrupted { source, retryable: false }
        }
    }
}

/// The innermost source, which says most.
fn cause<'a>(mut error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

impl<E> From<api::Error<E>> for Error {
    fn from(error: api::Error<E>) -> Self {
        match error {
            api::Error::InvalidRequest(problem) | api::Error::Custom(problem) => Self::InvalidRequest { problem },
            api::Error::CommunicationError(error)
            | api::Error::InvalidUpgrade(error)
            | api::Error::ResponseBodyError(error) => Self::from_reqwest(error),
            // The bytes may hold a secret, and the reason may quote them.
            api::Error::InvalidResponsePayload(_, reason) => Self::unexpected(
                format!("its body does not read as documented, at column {}", reason.column()),
                Refusal::new(StatusCode::OK, HeaderMap::new()),
            ),
            // The transport hands no error answer on; these are here for one that was made elsewhere.
            api::Error::ErrorResponse(answer) => Self::unexpected(
                "it is an error that was not judged",
                Refusal::new(answer.status(), answer.headers().clone()),
            ),
            api::Error::UnexpectedResponse(answer) => Self::unexpected(
                "its status is not documented",
                Refusal::new(answer.status(), answer.headers().clone()),
            ),
        }
    }
}

/// A typed error on its way through [`reqwest::Error`], the only error that the generated client's hook may return.
#[derive(Debug)]
pub(crate) struct Carrier(Mutex<Option<Error>>);

impl Carrier {
    pub(crate) fn new(error: Error) -> Self {
        Self(Mutex::new(Some(error)))
    }

    /// The typed error inside, if there is one; it can be had once.
    fn find(error: &(dyn StdError + 'static)) -> Option<Error> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(carrier) = error.downcast_ref::<Self>() {
                return carrier.0.lock().unwrap_or_else(PoisonError::into_inner).take();
            }
            next = error.source();
        }
        None
    }
}

impl fmt::Display for Carrier {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &*self.0.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(error) => error.fmt(formatter),
            None => formatter.write_str("the error was taken out"),
        }
    }
}

impl StdError for Carrier {}
