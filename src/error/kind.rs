//! The stable name of an error's variant, and its `Debug`, with dates and causes as text.

use std::fmt;

use super::{Error, convert::chain};
use crate::guard::date;

/// The variant and its fields. The causes of a broken connection are text, because their `Debug` is a tree of types.
impl fmt::Debug for Error {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fields: &[(&str, &dyn fmt::Debug)] = match self {
            Self::SessionRenewed | Self::SessionEnded => &[],
            Self::Configuration { problem } | Self::InvalidRequest { problem } => &[("problem", problem)],
            Self::Session { source } | Self::AccessToken { source } | Self::ResetOutcomeUnknown { source } => {
                &[("source", source)]
            }
            Self::LoginSuspended(suspension) => &[("suspension", suspension)],
            Self::LoginBackoff { wait } => &[("wait", wait)],
            Self::LoginInProgress { after } => &[("after", after)],
            Self::CredentialsProvider(source) | Self::Vault(source) | Self::TokenProvider(source) => {
                &[("source", source)]
            }
            Self::Store(source) => &[("source", source)],
            Self::PasswordNotSaved { password, source } => &[("password", password), ("source", source)],
            Self::RotationPending { since } => &[("since", &format_args!("{}", date(*since)))],
            Self::AlreadySent { operation } => &[("operation", operation)],
            Self::Platform(response) | Self::Gateway(response) | Self::Oauth(response) => &[("response", response)],
            Self::UnexpectedResponse { problem, response } => &[("problem", problem), ("response", response)],
            Self::Connect(source) => &[("source", &format_args!("{}", chain(source)))],
            Self::Timeout { after, sent, retryable } => &[("after", after), ("sent", sent), ("retryable", retryable)],
            Self::Interrupted { source, retryable } => {
                &[("source", &format_args!("{}", chain(source))), ("retryable", retryable)]
            }
        };
        // The name of the variant: `login_suspended` is `LoginSuspended`.
        let capital = |word: &str| word[..1].to_uppercase() + &word[1..];
        let mut shown = formatter.debug_struct(&kind(self).split('_').map(capital).collect::<String>());
        for (name, value) in fields {
            shown.field(name, value);
        }
        shown.finish()
    }
}

/// The name of the kind of an error.
pub(super) fn kind(error: &Error) -> &'static str {
    match error {
        Error::Configuration { .. } => "configuration",
        Error::InvalidRequest { .. } => "invalid_request",
        Error::SessionRenewed => "session_renewed",
        Error::Session { .. } => "session",
        Error::LoginSuspended(_) => "login_suspended",
        Error::LoginBackoff { .. } => "login_backoff",
        Error::LoginInProgress { .. } => "login_in_progress",
        Error::CredentialsProvider(_) => "credentials_provider",
        Error::Store(_) => "store",
        Error::Vault(_) => "vault",
        Error::PasswordNotSaved { .. } => "password_not_saved",
        Error::ResetOutcomeUnknown { .. } => "reset_outcome_unknown",
        Error::RotationPending { .. } => "rotation_pending",
        Error::AlreadySent { .. } => "already_sent",
        Error::SessionEnded => "session_ended",
        Error::Platform(_) => "platform",
        Error::Gateway(_) => "gateway",
        Error::Oauth(_) => "oauth",
        Error::AccessToken { .. } => "access_token",
        Error::TokenProvider(_) => "token_provider",
        Error::UnexpectedResponse { .. } => "unexpected_response",
        Error::Connect(_) => "connect",
        Error::Timeout { .. } => "timeout",
        Error::Interrupted { .. } => "interrupted",
    }
}
