//! What became of a request that failed: the one reading of it, for the login guard and for whatever else must not
//! do a thing twice.

use super::{Error, ErrorCode, Refusal};

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
        if !self.may_have_been_processed() {
            return Fate::Unreached;
        }
        let is_gateway = matches!(self, Self::Gateway(_));
        match self.status().map(|status| status.as_u16()) {
            Some(429) => Fate::Unreached,
            Some(400..=407 | 409..=499) if !is_gateway => Fate::Refused,
            Some(..500) => Fate::Unknown { is_answered: !is_gateway },
            _ => Fate::Unknown { is_answered: false },
        }
    }

    /// Whether the platform itself has refused what it was asked for. What stands before it may answer for it, and
    /// without its error code that proves nothing.
    pub(crate) fn is_refusal(&self) -> bool {
        matches!(self, Self::Platform(refusal) if refusal.is_documented()) && self.fate() == Fate::Refused
    }

    /// Whether it is certain that what was asked for was not done.
    pub(crate) fn is_unprocessed(&self) -> bool {
        self.is_refusal() || self.fate() == Fate::Unreached
    }
}

/// Whether the gateway may have passed on what it answers with a fault. With 900xxx it refuses by its own rules, and
/// with another code and a status below 500 as well; with 101xxx it has given up on the platform's answer.
pub(super) fn is_passed_on(fault: &Refusal) -> bool {
    let code = fault.code().map(ErrorCode::as_str).unwrap_or_default();
    !code.starts_with("900") && (fault.status().is_server_error() || code.starts_with("101"))
}
