//! What can go wrong, in one type that says what to do about it.
//!
//! Keeps the promise that nothing secret is printed: an error never holds a body, a request header or a URL, and
//! prints no response header.

mod code;
mod convert;
mod disposition;
mod kind;
mod response;
mod words;

use std::{
    error::Error as StdError,
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::{HeaderMap, StatusCode};

pub use code::ErrorCode;
pub(crate) use convert::{cause, is_mistrusted};
pub(crate) use disposition::{Disposition, is_unread};
pub use response::ErrorResponse;
pub(crate) use response::Shape;
use words::{before_it, no_connection, nowhere, oauth, suspended, unknown};

use crate::{
    Password, Secret,
    guard::{Suspension, date},
    store::StoreError,
};

/// Why a call did not succeed.
///
/// | group | variants | what to do |
/// |---|---|---|
/// | call again | `SessionRenewed`, `LoginBackoff`, `LoginInProgress`, `Connect` | [`is_retryable`](Self::is_retryable) is true, except for an untrusted certificate: call again after a pause |
/// | act first | `Configuration`, `InvalidRequest`, `LoginSuspended`, `Oauth`, `CredentialsProvider`, `TokenProvider`, `Store`, `Vault`, `PasswordNotSaved`, `ResetOutcomeUnknown`, `RotationPending`, `SessionEnded`, `AlreadySent` | an operator or a maintainer changes something; [`StoreError::Unavailable`] passes by itself |
/// | decide | `Platform`, `Gateway`, `Timeout`, `Interrupted`, `UnexpectedResponse` | look at [`code`](Self::code) and [`may_have_been_processed`](Self::may_have_been_processed) |
///
/// `Session` and `AccessToken` belong to the group of their source.
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session) -> Result<(), Error> {
/// match session.reset_password("grflbk").await {
///     Ok(new) => keep(new),
///     Err(error) if error.is_retryable() => println!("nothing was reset, call again: {error}"),
///     Err(error) if error.code().is_some_and(|code| *code == "REQUEST_FAILED.AccountNotFound") => println!("which account?"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// # fn keep(_: thingspace_session::Password) {}
/// ```
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Something about the configuration has to change before anything can be sent.
    #[error("{problem}")]
    Configuration {
        /// What, and how.
        problem: String,
    },

    /// The request cannot be sent as it is: it cannot be built, it would take the tokens to another origin, or its
    /// operation needs a session and was called without one. Nothing was sent.
    #[error("the request cannot be sent: {problem}")]
    InvalidRequest {
        /// Why, and what to do.
        problem: String,
    },

    /// The session had died and has been renewed, but the request could not be sent a second time: its body is a
    /// stream, or it is one that is never repeated. The platform has not processed it. Send it again.
    #[error("the session had died and has been renewed; the request was not processed: send it again")]
    SessionRenewed,

    /// No session could be had. The request was not sent.
    #[error("there is no session, so the request was not sent: {}", before_it(.source))]
    Session {
        /// Why. Status, code and headers of this error are those of the source.
        source: Box<Error>,
    },

    /// No login is made, to keep the account from being locked. Nothing was sent.
    #[error("{}", suspended(.0))]
    LoginSuspended(Suspension),

    /// The last login came to an end that says nothing of the credentials, such as no answer or a status 5xx, so the
    /// next try waits. Nothing was sent.
    #[error(
        "the outcome of the last login is unknown, and the next one waits for {} s: call again then",
        .wait.as_secs_f64().ceil()
    )]
    LoginBackoff {
        /// How long it waits.
        wait: Duration,
    },

    /// A login or a reset is under way, here or in another process that shares the session store, and has not finished
    /// in time. The request was not sent.
    #[error(
        "a login is under way, here or elsewhere, and has not finished within {after:?}; the request was not sent: call \
         again"
    )]
    LoginInProgress {
        /// How long this call has waited.
        after: Duration,
    },

    /// The credentials provider failed. Nothing was sent. It is retryable if the source is
    /// [`StoreError::Unavailable`], as from a [`FileVault`](crate::FileVault), or if it has not answered in time.
    // What it said is foreign text, and may hold a secret: it is not in this one, which is logged.
    #[error("the credentials provider failed; its own error is the source of this one")]
    CredentialsProvider(#[source] Arc<dyn StdError + Send + Sync>),

    /// The session store failed. Only [`StoreError::Unavailable`] is retryable.
    #[error("the session store failed: {0}")]
    Store(#[from] StoreError),

    /// The vault failed. From a rotation: before the reset was sent, so the old password holds. It is retryable if the
    /// vault returned [`StoreError::Unavailable`], or has not answered in time.
    #[error(
        "the password vault failed, and nothing was reset because of that; what it said is the source of this error"
    )]
    Vault(#[source] Arc<dyn StdError + Send + Sync>),

    /// The password was reset, and the vault could not keep the new one. **This error holds the only copy**: keep it
    /// by other means, now.
    #[error("the password was reset, but the vault could not keep the new one: take it out of this error and keep it")]
    PasswordNotSaved {
        /// The password that holds from now on.
        password: Password,
        /// What the vault says.
        #[source]
        source: Arc<dyn StdError + Send + Sync>,
    },

    /// The reset was sent, and it is not known whether the platform has processed it. If there was an answer that could not be read,
    /// [`Error::body`] has it, and the new password may be in it: keep it.
    #[error(
        "it is unknown whether the password was reset ({source}): call ThingSpace::recover_rotation, which finds out with \
         one login"
    )]
    ResetOutcomeUnknown {
        /// Why.
        source: Box<Error>,
    },

    /// An earlier rotation was interrupted. Nothing was sent.
    #[error(
        "a rotation that began {} was interrupted: call ThingSpace::recover_rotation before another is begun",
        date(*.since)
    )]
    RotationPending {
        /// When it began.
        since: SystemTime,
    },

    /// A login or a password reset was sent before in the same call, by a middleware that repeats it, and is not sent
    /// again. What became of it was said the first time.
    #[error(
        "a middleware repeats {operation}, which was sent before in this call and is not sent again: exclude it from the \
         middleware's retries"
    )]
    AlreadySent {
        /// Which operation.
        operation: String,
    },

    /// The session was ended, here or through a clone. Nothing was sent.
    #[error("this session was ended: start a new one with ThingSpace::start_session")]
    SessionEnded,

    /// The platform refused the request.
    #[error("the platform refused the request: {0}")]
    Platform(Box<ErrorResponse>),

    /// The gateway answered in the platform's place. With the codes 900xxx, and with a status below 500, the platform
    /// has not seen the request; otherwise it may have, as with 101504, where the gateway gave up waiting for it.
    #[error("the gateway refused the request: {}{}", .0, nowhere("", .0))]
    Gateway(Box<ErrorResponse>),

    /// The token endpoint refused the API key, or what was asked of it (RFC 6749, section 5.2).
    #[error("{}", oauth(.0))]
    Oauth(Box<ErrorResponse>),

    /// No access token could be had. The request was not sent.
    #[error("there is no access token, so the request was not sent: {}", before_it(.source))]
    AccessToken {
        /// Why. Status, code and headers of this error are those of the source.
        source: Box<Error>,
    },

    /// The token provider of one's own failed.
    #[error("the access token provider failed")]
    TokenProvider(#[source] Arc<dyn StdError + Send + Sync>),

    /// An answer that is none of those that the platform documents.
    #[error("unexpected answer: {problem} ({response}){}", nowhere(.problem, .response))]
    UnexpectedResponse {
        /// What is wrong with it.
        problem: String,
        /// What could be read of it.
        response: Box<ErrorResponse>,
    },

    /// No connection came about. The platform has not seen the request.
    #[error("{}; nothing was sent", no_connection(.0))]
    Connect(#[source] Arc<reqwest::Error>),

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
        source: Arc<reqwest::Error>,
        /// See [`Error::is_retryable`].
        retryable: bool,
    },
}

impl Error {
    /// The platform's, the gateway's or the authorization server's own name for the error.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.response()?.code.as_ref()
    }

    /// The error in the platform's words, for people. Never parse it. Neither `Display` nor `Debug` shows it: it
    /// may repeat a secret.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.response()?.message.as_deref()
    }

    /// The HTTP status, if there was an answer.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// The headers of the answer, if there was one.
    #[must_use]
    pub fn headers(&self) -> Option<&HeaderMap> {
        self.response().map(|response| &response.headers)
    }

    /// Whether the platform says that the session token is dead: expired, ended, replaced or malformed.
    #[must_use]
    pub fn is_session_expired(&self) -> bool {
        match self {
            Self::Platform(response) | Self::UnexpectedResponse { response, .. } => {
                response.code.as_ref().is_some_and(ErrorCode::is_session_expired)
            }
            _ => false,
        }
    }

    /// Whether making the same call again may succeed and can do no harm.
    ///
    /// An operation that must not be processed twice is retryable only where it certainly was not processed at all.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self.first_cause() {
            Self::Connect(source) => !is_mistrusted(source),
            Self::SessionRenewed | Self::LoginBackoff { .. } | Self::LoginInProgress { .. } => true,
            Self::Store(error) => error.is_passing(),
            Self::Vault(source) | Self::CredentialsProvider(source) => {
                source.downcast_ref().is_some_and(StoreError::is_passing)
            }
            Self::Timeout { retryable, .. } | Self::Interrupted { retryable, .. } => *retryable,
            error => error.response().is_some_and(|response| response.is_retryable),
        }
    }

    /// Whether the platform may have processed the request: it was sent, and nothing says that it was refused unread.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        !matches!(self.disposition(), Disposition::NotSent | Disposition::NotProcessed)
    }

    /// The name of its kind, which stays the same: for logs and counters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        kind::kind(self)
    }

    /// Whether the call ran out of time.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.first_cause(), Self::Timeout { .. })
    }

    /// Whether no connection came about.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.first_cause(), Self::Connect(_))
    }

    /// What kept the call from a session or an access token, if that is why it failed.
    fn first_cause(&self) -> &Self {
        match self {
            Self::AccessToken { source } | Self::Session { source } => source.first_cause(),
            error => error,
        }
    }

    /// The body of the response, as text: an error response, or a success that does not match `openapi.yaml`. `None` if
    /// there was no response, or if its body is longer than the limit. It may hold a new password, so it is a [`Secret`]
    /// that neither `Debug` nor `Display` prints.
    #[must_use]
    pub fn body(&self) -> Option<&Secret> {
        self.response()?.body.as_ref()
    }

    fn response(&self) -> Option<&ErrorResponse> {
        match self.first_cause() {
            Self::ResetOutcomeUnknown { source } => source.response(),
            Self::Platform(response)
            | Self::Gateway(response)
            | Self::Oauth(response)
            | Self::UnexpectedResponse { response, .. } => Some(response),
            _ => None,
        }
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::Configuration { problem: problem.into() }
    }

    pub(crate) fn unexpected(problem: impl Into<String>, response: ErrorResponse) -> Self {
        Self::UnexpectedResponse { problem: problem.into(), response: Box::new(response) }
    }

    /// States whether repeating is worth while and safe, which only the transport knows.
    pub(crate) fn with_retryable(mut self, answer: bool) -> Self {
        match &mut self {
            Self::Timeout { retryable, .. } | Self::Interrupted { retryable, .. } => *retryable = answer,
            Self::Platform(response)
            | Self::Gateway(response)
            | Self::Oauth(response)
            | Self::UnexpectedResponse { response, .. } => response.is_retryable = answer,
            _ => {}
        }
        self
    }
}
