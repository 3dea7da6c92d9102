//! Conversions of the errors of reqwest and of the generated client, which may carry a typed error.

use std::{error::Error as StdError, sync::Arc};

use http::{HeaderMap, StatusCode};

use super::{Error, ErrorResponse};
use crate::generated::client as api;

impl Error {
    /// The error of a request whose login failed. Wraps an error that a caller could take for the request's own.
    pub(crate) fn without_session(self) -> Self {
        match self {
            Self::Platform(_)
            | Self::Gateway(_)
            | Self::UnexpectedResponse { .. }
            | Self::Connect(_)
            | Self::Timeout { .. }
            | Self::Interrupted { .. } => Self::Session { source: Box::new(self) },
            other => other,
        }
    }

    /// The error of a request for which there is no access token.
    pub(crate) fn without_access(self) -> Self {
        Self::AccessToken { source: Box::new(self) }
    }

    /// Converts an error of reqwest. Drops its URL, because the query may hold a secret.
    ///
    /// The hook of the generated client returns errors of reqwest only, so such an error may carry a typed one.
    pub(crate) fn from_reqwest(error: reqwest::Error) -> Self {
        if let Some(carried) = sources(&error).find_map(<dyn StdError>::downcast_ref::<Self>) {
            return carried.clone();
        }
        let source = error.without_url();
        if source.is_connect() {
            Self::Connect(Arc::new(source))
        } else if source.is_builder() {
            Self::InvalidRequest { problem: cause(&source) }
        } else {
            Self::Interrupted { source: Arc::new(source), retryable: false }
        }
    }
}

/// An error and its sources.
fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |&error| error.source())
}

/// The innermost source, which has the most detail.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    sources(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The error and its sources in one line.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut texts: Vec<_> = sources(error).map(ToString::to_string).collect();
    // Some texts end with that of their source.
    texts.dedup_by(|source, error| error.ends_with(source.as_str()));
    texts.join(": ")
}

/// Whether the server's certificate is untrusted, which a retry does not change. native-tls gives no reason for a failed
/// handshake.
#[cfg(feature = "rustls-no-provider")]
pub(crate) fn is_untrusted(error: &reqwest::Error) -> bool {
    let found = error.source().and_then(tls_error);
    matches!(found, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(feature = "rustls-no-provider"))]
pub(crate) fn is_untrusted(_: &reqwest::Error) -> bool {
    false
}

/// The error of rustls among the sources.
#[cfg(feature = "rustls-no-provider")]
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // The inner error of an I/O error is not its source.
        next = match error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

impl<E> From<api::Error<E>> for Error {
    fn from(error: api::Error<E>) -> Self {
        match error {
            api::Error::InvalidRequest(problem) | api::Error::Custom(problem) => Self::InvalidRequest { problem },
            api::Error::CommunicationError(error)
            | api::Error::InvalidUpgrade(error)
            | api::Error::ResponseBodyError(error) => Self::from_reqwest(error),
            // The bytes may hold a secret, and the text of the reason may quote them.
            api::Error::InvalidResponsePayload(_, reason) => Self::unexpected(
                format!("its body does not read as documented, at column {}", reason.column()),
                ErrorResponse::new(StatusCode::OK, HeaderMap::new()),
            ),
            // The transport converts every error response itself, so this one comes from other code.
            api::Error::ErrorResponse(_) | api::Error::UnexpectedResponse(_) => {
                let status = error.status().unwrap_or_default();
                Self::unexpected(
                    "it is an error response that the crate has not read",
                    ErrorResponse::new(status, HeaderMap::new()),
                )
            }
        }
    }
}
