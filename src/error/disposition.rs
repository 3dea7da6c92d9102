//! Classifies a failed request: for retries, for the login guard, and for callers that must not repeat a side effect.

use http::StatusCode;

use super::{Error, ErrorCode};
use crate::generated::Retry;

/// How far a failed request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Disposition {
    /// The platform has decided. Sending the request again changes nothing.
    Final,
    /// No connection was established.
    NotSent,
    /// The platform has certainly not processed it: the gateway or the platform throttles.
    NotProcessed,
    /// The platform may have processed it; the failure may pass.
    Indeterminate,
    /// The gateway rejected the access token.
    InvalidToken,
    /// The error code says that the session is dead.
    SessionExpired,
    /// An ambiguous rejection: the session may be the reason.
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

    /// Whether the crate may send an operation again with the same tokens.
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
    /// The disposition, as far as the error shows it.
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

    /// Whether the platform has answered: neither the gateway nor a failing server.
    pub(crate) fn is_answered(&self) -> bool {
        !matches!(self, Self::Gateway(_)) && self.status().is_some_and(|status| status.as_u16() < 500)
    }

    /// Whether the platform itself has rejected the request. A proxy or the gateway may answer instead of the platform, so
    /// only a documented error code proves it.
    pub(crate) fn is_rejection(&self) -> bool {
        matches!(self, Self::Platform(response) if response.is_documented) && self.disposition() == Disposition::Final
    }

    /// Whether the platform has certainly not done what the request asks for.
    pub(crate) fn is_unprocessed(&self) -> bool {
        self.is_rejection() || !self.may_have_been_processed()
    }
}

/// Whether a response shows that the platform has not processed the request. With 429 the platform or the gateway
/// throttles. The gateway rejects by its own rules with a code 900xxx, and with a status below 500 and any code but
/// 101xxx: with those it has stopped waiting for the platform.
pub(crate) fn is_unread(status: StatusCode, fault: Option<&str>) -> bool {
    match fault {
        Some(code) => code.starts_with("900") || !status.is_server_error() && !code.starts_with("101"),
        None => status == StatusCode::TOO_MANY_REQUESTS,
    }
}
