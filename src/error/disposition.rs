//! How far a failed request came: the one reading of it, for retries, for the login guard and for callers that must not do
//! a thing twice.

use http::StatusCode;

use super::{Error, ErrorCode};
use crate::generated::Retry;

/// How far a request certainly came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// The result stands.
    Final,
    /// No connection was established.
    NotSent,
    /// The platform has certainly not processed it: the gateway or the platform throttles.
    NotProcessed,
    /// The platform may have processed it; the failure may pass.
    Indeterminate,
    /// The gateway refused the access token.
    InvalidToken,
    /// The platform calls the session dead.
    SessionExpired,
    /// The platform refused it, and the session may be the reason.
    Unauthorized,
}

impl Disposition {
    /// Its name in events.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Final => "final",
            Self::NotSent => "not_sent",
            Self::NotProcessed => "not_processed",
            Self::Indeterminate => "indeterminate",
            Self::InvalidToken => "invalid_token",
            Self::SessionExpired => "session_expired",
            Self::Unauthorized => "unauthorized",
        }
    }

    /// Whether an operation may be sent again as it was. With a new token is another matter.
    pub(crate) fn permits(self, retry: Retry) -> bool {
        match self {
            Self::Final | Self::InvalidToken | Self::SessionExpired | Self::Unauthorized => false,
            Self::NotSent => true,
            Self::NotProcessed => retry != Retry::IfNotSent,
            Self::Indeterminate => retry == Retry::Always,
        }
    }
}

impl Error {
    /// How far the request came, as far as the error tells.
    pub(crate) fn disposition(&self) -> Disposition {
        let (response, is_fault) = match self {
            Self::Gateway(response) => (response, true),
            Self::Platform(response) | Self::Oauth(response) | Self::UnexpectedResponse { response, .. } => {
                (response, false)
            }
            Self::Timeout { sent: true, .. }
            | Self::Interrupted { .. }
            | Self::ResetOutcomeUnknown { .. }
            | Self::PasswordNotSaved { .. }
            | Self::AlreadySent { .. } => return Disposition::Indeterminate,
            _ => return Disposition::NotSent,
        };
        let fault = response.code.as_ref().filter(|_| is_fault).map(ErrorCode::as_str);
        match response.status.as_u16() {
            _ if is_unread(response.status, fault) => Disposition::NotProcessed,
            400..=407 | 409..=499 if !is_fault => Disposition::Final,
            _ => Disposition::Indeterminate,
        }
    }

    /// Whether the platform answered, and no server in trouble or in its place.
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self, Self::Gateway(_)) && self.status().is_some_and(|status| status.as_u16() < 500)
    }

    /// Whether the platform itself has refused what it was asked for. What stands before it may answer for it, and
    /// without its error code that proves nothing.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Platform(response) if response.is_documented) && self.disposition() == Disposition::Final
    }

    /// Whether it is certain that what was asked for was not done.
    pub(crate) fn is_unprocessed(&self) -> bool {
        self.is_rejection() || !self.may_have_been_processed()
    }
}

/// Whether an answer says that the platform has not seen the request. With 429 it or the gateway throttles. The gateway
/// refuses by its own rules with the codes 900xxx, and with any other code and a status below 500, but for 101xxx: then
/// it has given up on the platform's answer.
pub(crate) fn is_unread(status: StatusCode, fault: Option<&str>) -> bool {
    match fault {
        Some(code) => code.starts_with("900") || !status.is_server_error() && !code.starts_with("101"),
        None => status == StatusCode::TOO_MANY_REQUESTS,
    }
}
