//! The platform's error codes, compared as Verizon advises.

use std::{
    fmt,
    hash::{Hash, Hasher},
};

/// The code of an error, such as `UnifiedWebService.REQUEST_FAILED.AccountNotFound`, `900901` or `invalid_client`.
///
/// Compares without the leading service name, which varies, as Verizon's documentation of error codes advises.
///
/// ```
/// use thingspace_session::ErrorCode;
///
/// let code = ErrorCode::from("UnifiedWebService.REQUEST_FAILED.AccountNotFound");
/// assert_eq!(code, "REQUEST_FAILED.AccountNotFound");
/// assert_eq!(code, ErrorCode::from("M2MService.REQUEST_FAILED.AccountNotFound"));
/// assert_eq!(code.service(), Some("UnifiedWebService"));
/// ```
#[derive(Clone, Debug)]
pub struct ErrorCode(pub(super) String);

impl From<&str> for ErrorCode {
    fn from(code: &str) -> Self {
        Self(code.to_owned())
    }
}

impl ErrorCode {
    /// The code as the platform wrote it.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The code without the service name.
    #[must_use]
    pub fn reason(&self) -> &str {
        reason(&self.0)
    }

    /// The leading service name, if there is one: a first segment without an underscore, unlike `REQUEST_FAILED`.
    #[must_use]
    pub fn service(&self) -> Option<&str> {
        self.0.strip_suffix(self.reason())?.strip_suffix('.')
    }

    /// Whether the session token is dead: expired, ended, replaced or malformed.
    ///
    /// ```
    /// # use thingspace_session::ErrorCode;
    /// let code = ErrorCode::from("UnifiedWebService.REQUEST_FAILED.SessionToken.Expired");
    /// assert!(code.is_session_expired());
    /// ```
    #[must_use]
    pub fn is_session_expired(&self) -> bool {
        self.reason().split('.').any(|segment| segment == "SessionToken")
    }
}

fn reason(code: &str) -> &str {
    code.split_once('.').filter(|(service, _)| !service.contains('_')).map_or(code, |(_, reason)| reason)
}

impl fmt::Display for ErrorCode {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

impl PartialEq for ErrorCode {
    fn eq(&self, other: &Self) -> bool {
        self.reason() == other.reason()
    }
}

impl Eq for ErrorCode {}

impl Hash for ErrorCode {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.reason().hash(state);
    }
}

impl PartialEq<&str> for ErrorCode {
    fn eq(&self, other: &&str) -> bool {
        self.reason() == reason(other)
    }
}
