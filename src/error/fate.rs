//! What became of a request that failed: the one reading of it, for the login guard and for whatever else must not
//! do a thing twice.

use http::StatusCode;

use super::{Error, ErrorCode};

/// What became of a request that failed, as far as its error tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It certainly was not processed: it did not reach the platform, or was throttled.
    Unreached,
    /// The platform has answered that it will not do it.
    Refused,
    /// It may have been processed.
    Unknown {
        /// Whether there was an answer, other than that of a server in trouble.
        is_answered: bool,
    },
}

impl Error {
    pub(crate) fn fate(&self) -> Fate {
        let (refusal, is_fault) = match self {
            Self::Gateway(refusal) => (refusal, true),
            Self::Platform(refusal) | Self::Oauth(refusal) | Self::UnexpectedResponse { refusal, .. } => {
                (refusal, false)
            }
            Self::Timeout { sent: true, .. }
            | Self::Interrupted { .. }
            | Self::ResetOutcomeUnknown { .. }
            | Self::PasswordNotSaved { .. }
            | Self::AlreadySent { .. } => return Fate::Unknown { is_answered: false },
            _ => return Fate::Unreached,
        };
        let fault = refusal.code().filter(|_| is_fault).map(ErrorCode::as_str);
        match refusal.status().as_u16() {
            _ if is_unread(refusal.status(), fault) => Fate::Unreached,
            400..=407 | 409..=499 if !is_fault => Fate::Refused,
            status => Fate::Unknown { is_answered: status < 500 && !is_fault },
        }
    }

    /// Whether the platform itself has refused what it was asked for. What stands before it may answer for it, and
    /// without its error code that proves nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Platform(refusal) if refusal.is_documented) && self.fate() == Fate::Refused
    }

    /// Whether it is certain that what was asked for was not done.
    pub(crate) fn is_unprocessed(&self) -> bool {
        self.is_refusal() || self.fate() == Fate::Unreached
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
