//! The error of every call. Its text says what failed, why, and the next step.
//!
//! Keeps the promise that nothing secret is printed: an error holds no request header and no URL, and prints no body and
//! no response header.

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
pub(crate) use convert::{cause, is_untrusted};
pub(crate) use disposition::{Disposition, is_unread};
pub use response::ErrorResponse;
pub(crate) use response::Shape;
use words::{before_it, is_paced, no_connection, nowhere, oauth, of_this_crate, suspended, unknown};

use crate::{
    Password, Secret,
    guard::{Suspension, date},
    store::StoreError,
};

/// Why a call failed, in three groups.
///
/// | group | variants | what to do |
/// |---|---|---|
/// | call again | `SessionRenewed`, `LoginBackoff`, `LoginInProgress`, `Connect` | [`is_retryable`](Self::is_retryable) is true, except for an untrusted certificate: call again after a pause |
/// | act first | `Configuration`, `InvalidRequest`, `LoginSuspended`, `Oauth`, `CredentialsProvider`, `TokenProvider`, `Store`, `Vault`, `PasswordNotSaved`, `ResetOutcomeUnknown`, `RotationPending`, `SessionEnded`, `AlreadySent` | an operator or a maintainer changes something; [`StoreError::Unavailable`] passes by itself |
/// | decide | `Platform`, `Gateway`, `Timeout`, `Interrupted`, `UnexpectedResponse` | look at [`code`](Self::code) and [`may_have_been_processed`](Self::may_have_been_processed) |
///
/// [`Error::group`] returns the group. `Session` and `AccessToken` are in the first group if they are retryable, and in the
/// second otherwise: a rejected login or API key needs an operator. So do an untrusted certificate and all others that
/// are in the first group and not retryable.
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session) -> Result<(), Error> {
/// match session.reset_password("grflbk").await {
///     Ok(new) => save(new),
///     Err(error) if error.is_retryable() => println!("call again: {error}"),
///     Err(error) => match error.code() {
///         Some(code) if *code == "REQUEST_FAILED.AccountNotFound" => ask_for_the_account(),
///         _ => return Err(error),
///     },
/// }
/// # Ok(())
/// # }
/// # fn save(_: thingspace_session::Password) {}
/// # fn ask_for_the_account() {}
/// ```
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The configuration is incomplete or wrong. Nothing was sent.
    #[error("{problem}")]
    Configuration {
        /// What is wrong, and what to change.
        problem: String,
    },

    /// The request cannot be built, would take the tokens to another origin, or needs a session and was called without
    /// one. Nothing was sent.
    #[error("the request cannot be sent: {problem}")]
    InvalidRequest {
        /// Why, and what to do.
        problem: String,
    },

    /// The crate has renewed a dead session, and cannot send the request a second time: its body is a stream, or it is a
    /// password reset. The platform has not processed the request. Call again.
    #[error("the session had died and has been renewed; the request was not processed: send it again")]
    SessionRenewed,

    /// The login for this request failed. The request was not sent.
    ///
    /// Retryable also if the outcome of that login is unknown: the login guard decides when the next one may be sent.
    #[error("there is no session, so the request was not sent: {}", before_it(.source, is_paced(.source)))]
    Session {
        /// Why. Status, code and headers of this error are those of the source.
        source: Box<Error>,
    },

    /// The login guard sends no login, to keep the account from being locked. Nothing was sent.
    #[error("{}", suspended(.0))]
    LoginSuspended(Suspension),

    /// The outcome of the last login is unknown, because there was no answer or a status 5xx, so the next login waits.
    /// Nothing was sent.
    #[error(
        "the outcome of the last login is unknown, and the next one waits for {} s: call again then",
        .wait.as_secs_f64().ceil()
    )]
    LoginBackoff {
        /// The time until the next login.
        wait: Duration,
    },

    /// A login or a reset is under way, here or in another process that shares the session store, and has not finished
    /// in time. The request was not sent.
    #[error(
        "a login or a reset is under way, here or elsewhere, or a process stopped during one and its claim has not \
         expired; waited {after:?}, the request was not sent: call again"
    )]
    LoginInProgress {
        /// The time that this call has waited.
        after: Duration,
    },

    /// The credentials provider failed. Nothing was sent. Retryable if the source is [`StoreError::Unavailable`], as from a
    /// [`FileVault`](crate::FileVault), or if the provider has not answered in time.
    #[error("the credentials provider failed{}", of_this_crate(.0))]
    CredentialsProvider(#[source] Arc<dyn StdError + Send + Sync>),

    /// The session store failed. Only [`StoreError::Unavailable`] is retryable.
    #[error("the session store failed: {0}")]
    Store(#[from] StoreError),

    /// The vault failed. In a rotation it failed before the reset, so the old password is valid. Retryable if the vault
    /// returned [`StoreError::Unavailable`], or has not answered in time.
    #[error("the password vault failed, so nothing was reset{}", of_this_crate(.0))]
    Vault(#[source] Arc<dyn StdError + Send + Sync>),

    /// The password was reset, and the vault did not save the new one. **This error holds the only copy**: save it now.
    #[error("the password was reset, and the vault did not save the new one: save the password of this error now")]
    PasswordNotSaved {
        /// The new password, which is valid.
        password: Password,
        /// The error of the vault.
        #[source]
        source: Arc<dyn StdError + Send + Sync>,
    },

    /// The reset was sent, and the platform may have processed it. If there was an answer that the crate cannot read,
    /// [`Error::body`] has it. It may hold the new password: save it.
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
        "a rotation that began {} was interrupted: call ThingSpace::recover_rotation before you begin another",
        date(*.since)
    )]
    RotationPending {
        /// When it began.
        since: SystemTime,
    },

    /// A middleware repeats a login or a password reset within one call. The crate sends it once; the first attempt has
    /// returned its result.
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

    /// The platform rejected the request, or the credentials.
    #[error("the platform refused the request: {0}")]
    Platform(Box<ErrorResponse>),

    /// The gateway answered instead of the platform. With a code 900xxx, or with a status below 500 and any code but
    /// 101xxx, the platform has not seen the request. Otherwise it may have, as with 101504, where the gateway stopped
    /// waiting for the platform. The codes are those of the gateway's product, WSO2 API Manager.
    #[error("the gateway refused the request: {}{}", .0, nowhere("", .0))]
    Gateway(Box<ErrorResponse>),

    /// The token endpoint rejected the API key or the scopes (RFC 6749, section 5.2).
    #[error("{}", oauth(.0))]
    Oauth(Box<ErrorResponse>),

    /// The crate could not get an access token. The request was not sent.
    #[error("there is no access token, so the request was not sent: {}", before_it(.source, false))]
    AccessToken {
        /// Why. Status, code and headers of this error are those of the source.
        source: Box<Error>,
    },

    /// Your token provider failed. Nothing was sent. Retryable if the source is [`StoreError::Unavailable`], or if the
    /// provider has not answered in time.
    #[error("the access token provider failed{}", of_this_crate(.0))]
    TokenProvider(#[source] Arc<dyn StdError + Send + Sync>),

    /// The response does not match `openapi.yaml`.
    #[error("unexpected answer: {problem} ({response}){}", nowhere(.problem, .response))]
    UnexpectedResponse {
        /// What is wrong with it.
        problem: String,
        /// The parts of it that could be read.
        response: Box<ErrorResponse>,
    },

    /// No connection was established. The platform has not seen the request.
    #[error("{}; nothing was sent", no_connection(.0))]
    Connect(#[source] Arc<reqwest::Error>),

    /// The time of the call expired before the response was complete.
    #[error("no answer within {after:?}{}", unknown(*.sent))]
    Timeout {
        /// The time that the call had.
        after: Duration,
        /// Whether the platform may have processed the request.
        sent: bool,
        /// See [`Error::is_retryable`].
        retryable: bool,
    },

    /// The connection broke after the request was sent, or while the crate read the response.
    #[error("the connection broke before the answer was complete{}", unknown(true))]
    Interrupted {
        /// What broke it.
        #[source]
        source: Arc<reqwest::Error>,
        /// See [`Error::is_retryable`].
        retryable: bool,
    },
}

/// What the caller does about an [`Error`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorGroup {
    /// The failure passes, and the same call can do no harm: call again after a pause.
    CallAgain,
    /// The call fails again until an operator or a maintainer changes something.
    ActFirst,
    /// The platform has answered, or may have processed the request: look at [`Error::code`] and
    /// [`Error::may_have_been_processed`].
    Decide,
}

impl Error {
    /// The code that the platform, the gateway or the token endpoint gives the error.
    #[must_use]
    pub fn code(&self) -> Option<&ErrorCode> {
        self.response()?.code.as_ref()
    }

    /// The platform's message, for an operator. Never parse it. It may repeat a secret, so neither `Display` nor `Debug`
    /// shows it.
    #[must_use]
    pub fn message(&self) -> Option<&str> {
        self.response()?.message.as_deref()
    }

    /// The HTTP status, if there was a response.
    #[must_use]
    pub fn status(&self) -> Option<StatusCode> {
        self.response().map(|response| response.status)
    }

    /// The headers of the response, if there was one.
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

    /// Whether the same call may succeed if it is repeated, and can do no harm.
    ///
    /// For an operation that must not be processed twice, true only if the platform has certainly not processed it.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        if matches!(self, Self::Session { source } if is_paced(source)) {
            return true;
        }
        match self.first_cause() {
            Self::Connect(source) => !is_untrusted(source),
            Self::SessionRenewed | Self::LoginBackoff { .. } | Self::LoginInProgress { .. } => true,
            Self::Store(error) => error.is_passing(),
            Self::Vault(source) | Self::CredentialsProvider(source) | Self::TokenProvider(source) => {
                source.downcast_ref().is_some_and(StoreError::is_passing)
            }
            Self::Timeout { retryable, .. } | Self::Interrupted { retryable, .. } => *retryable,
            error => error.response().is_some_and(|response| response.is_retryable),
        }
    }

    /// The group, by what the caller does next.
    #[must_use]
    pub fn group(&self) -> ErrorGroup {
        match self {
            _ if self.is_retryable() => ErrorGroup::CallAgain,
            Self::Platform(_)
            | Self::Gateway(_)
            | Self::Timeout { .. }
            | Self::Interrupted { .. }
            | Self::UnexpectedResponse { .. } => ErrorGroup::Decide,
            _ => ErrorGroup::ActFirst,
        }
    }

    /// Whether the platform may have processed the request: it was sent, and no response shows the contrary.
    #[must_use]
    pub fn may_have_been_processed(&self) -> bool {
        !matches!(self.disposition(), Disposition::NotSent | Disposition::NotProcessed)
    }

    /// A stable name of the variant, for logs and counters.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        kind::kind(self)
    }

    /// Whether the time of the call expired.
    #[must_use]
    pub fn is_timeout(&self) -> bool {
        matches!(self.first_cause(), Self::Timeout { .. })
    }

    /// Whether no connection was established.
    #[must_use]
    pub fn is_connect(&self) -> bool {
        matches!(self.first_cause(), Self::Connect(_))
    }

    /// The error of the login or the token request, if that prevented the call.
    pub(super) fn first_cause(&self) -> &Self {
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

    /// Sets whether the call is retryable, which only the transport knows.
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
