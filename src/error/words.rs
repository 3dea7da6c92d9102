//! The parts of the error texts that depend on the error: reasons, dates and next steps.

use std::{error::Error as StdError, fmt, sync::Arc};

use http::StatusCode;

use super::{Disposition, Error, ErrorCode, ErrorResponse, cause};
use crate::generated::operations::Environment;
use crate::guard::{Suspension, SuspensionReason, date};
use crate::store::StoreError;

impl fmt::Display for SuspensionReason {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rejected { code: Some(code) } => write!(formatter, "the platform refused these credentials ({code})"),
            Self::Rejected { code: None } => formatter.write_str(
                "the platform, or a proxy before it, refused a login with these credentials without an error code",
            ),
            Self::UnknownOutcome => formatter.write_str(
                "two logins in a row with these credentials, which are not verified, had an unknown outcome",
            ),
            Self::FailureLimit => {
                formatter.write_str("four logins in a row have failed or may have, and the fifth locks the account")
            }
            Self::Superseded => formatter.write_str("a reset has replaced the password of these credentials"),
        }
    }
}

impl fmt::Display for Suspension {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.reason, date(self.since))
    }
}

pub(super) fn suspended(suspension: &Suspension) -> String {
    let again = match suspension.reason {
        SuspensionReason::FailureLimit => {
            "make sure that the credentials are right, because the platform's own count continues, then call \
             ThingSpace::reset_login_guard"
        }
        SuspensionReason::Superseded => "supply the new password",
        _ => {
            "supply other credentials, or make sure that these are right, because the platform's own count continues, \
             then call ThingSpace::reset_login_guard"
        }
    };
    format!("logging in is suspended to keep the account from being locked: {suspension}; {again}")
}

pub(super) fn unknown(sent: bool) -> &'static str {
    if sent {
        "; the platform may have processed the request"
    } else {
        "; the request was waiting for a session or an access token, and the platform has not processed it"
    }
}

/// Whether the outcome of a login is unknown. The login guard delays or stops the next one, so a caller may call again.
pub(super) fn is_paced(error: &Error) -> bool {
    error.first_cause().disposition() == Disposition::Indeterminate
}

/// The failure of a login or a token request, whose own outcome does not matter to the caller's request.
pub(super) fn before_it(error: &Error, is_paced: bool) -> String {
    let again = match () {
        () if error.is_retryable() => "; call again",
        () if is_paced => "; call again, the login guard decides when the next login is sent",
        () => "",
    };
    match error {
        Error::Timeout { after, .. } => format!("no answer within {after:?}{again}"),
        Error::Interrupted { .. } => format!("the connection broke before the answer was complete{again}"),
        other if is_paced && !error.is_retryable() => format!("{other}{again}"),
        other => other.to_string(),
    }
}

/// The text of a [`StoreError`] or of a wrong configuration. Any other text may hold a secret, and errors are logged.
pub(super) fn of_this_crate(source: &Arc<dyn StdError + Send + Sync>) -> String {
    let text = match source.downcast_ref::<Error>() {
        Some(error @ Error::Configuration { .. }) => Some(error.to_string()),
        _ => source.downcast_ref::<StoreError>().map(ToString::to_string),
    };
    text.map_or_else(|| "; its own error is the source of this one".to_owned(), |text| format!(": {text}"))
}

pub(super) fn no_connection(source: &reqwest::Error) -> String {
    let cause = if source.is_timeout() { "timed out".to_owned() } else { cause(source) };
    format!("no connection ({cause}): check the network, the proxy, the base URL and the trust in its certificate")
}

/// An error of the token endpoint, and what to check: by the codes of RFC 6749, section 5.2.
pub(super) fn oauth(response: &ErrorResponse) -> String {
    let status = response.status;
    let advice = match response.code.as_ref().map(ErrorCode::as_str) {
        _ if response.is_retryable || status.is_server_error() => "call again",
        Some("invalid_client" | "unauthorized_client" | "invalid_grant") => "check the API key and its secret",
        Some("invalid_scope") => "check the scopes",
        _ if status == StatusCode::UNAUTHORIZED => "check the API key and its secret",
        _ => "check the base URL, which the token endpoint is below, and the API key",
    };
    format!("the token endpoint refused the request: {response}; {advice}")
}

/// The next step if the server does not know the path, unless the problem names it already.
pub(super) fn nowhere(problem: &str, response: &ErrorResponse) -> String {
    if !response.is_nowhere || problem.contains("base URL") {
        return String::new();
    }
    format!("; check the base URL, such as {}, and the path", Environment::default().base_url())
}
