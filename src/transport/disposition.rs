//! How far a failed request came: the one reading of it that retries and renewals go by.

use crate::generated::Repeat;

/// How far a request certainly came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Disposition {
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
    pub(super) fn as_str(self) -> &'static str {
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
    pub(super) fn permits(self, repeat: Repeat) -> bool {
        match self {
            Self::Final | Self::InvalidToken | Self::SessionExpired | Self::Unauthorized => false,
            Self::NotSent => true,
            Self::NotProcessed => repeat != Repeat::IfUnsent,
            Self::Indeterminate => repeat == Repeat::Always,
        }
    }
}
