//! What the errors of reqwest and of the generated client mean, and how a typed error travels through them.

use std::{error::Error as StdError, sync::Arc};

use http::{HeaderMap, StatusCode};

use super::{Error, ErrorResponse};
use crate::generated::client as api;

impl Error {
    /// What it means for a request that a session could not be had. What cannot be mistaken for an answer to the
    /// request itself stays as it is.
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

    /// The same of an access token.
    pub(crate) fn without_access(self) -> Self {
        Self::AccessToken { source: Box::new(self) }
    }

    /// What a [`reqwest::Error`] means. Its URL is dropped: the query may hold what must not be printed.
    ///
    /// A typed error travels inside one through the generated client, whose hook may return no other.
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

/// The innermost source, which says most.
pub(crate) fn cause(error: &reqwest::Error) -> String {
    sources(error).last().map(ToString::to_string).unwrap_or_default()
}

/// The error and its sources in one line.
pub(super) fn chain(error: &reqwest::Error) -> String {
    let mut said: Vec<_> = sources(error).map(ToString::to_string).collect();
    // Some repeat their source.
    said.dedup_by(|source, error| error.ends_with(source.as_str()));
    said.join(": ")
}

/// Whether the certificate of the server was refused: asking again does not change that. native-tls does not say why a
/// handshake has failed.
#[cfg(feature = "rustls-no-provider")]
pub(crate) fn is_mistrusted(error: &reqwest::Error) -> bool {
    let found = error.source().and_then(tls_error);
    matches!(found, Some(rustls::Error::InvalidCertificate(_)))
}

#[cfg(not(feature = "rustls-no-provider"))]
pub(crate) fn is_mistrusted(_: &reqwest::Error) -> bool {
    false
}

/// The error of rustls inside.
#[cfg(feature = "rustls-no-provider")]
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // What an I/O error was made of is not its source.
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
            // The bytes may hold a secret, and the reason may quote them.
            api::Error::InvalidResponsePayload(_, reason) => Self::unexpected(
                format!("its body does not read as documented, at column {}", reason.column()),
                ErrorResponse::new(StatusCode::OK, HeaderMap::new()),
            ),
            // The transport hands no error response on: it was made elsewhere.
            api::Error::ErrorResponse(_) | api::Error::UnexpectedResponse(_) => {
                let status = error.status().unwrap_or_default();
                Self::unexpected("it is an error that was not judged", ErrorResponse::new(status, HeaderMap::new()))
            }
        }
    }
}
