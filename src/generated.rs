//! The client and the table of operations that `build.rs` generates from `openapi.yaml`, and the types of that table.

use std::borrow::Cow;

use http::HeaderName;
use percent_encoding::percent_decode;
use serde::de::DeserializeOwned;

/// The client that progenitor generates from `openapi.yaml`: one method for each operation, one type for each model.
///
/// [`Session::api`](crate::Session::api) and [`ThingSpace::api`](crate::ThingSpace::api) return it with their tokens. A
/// success is a [`ResponseValue`](client::ResponseValue), which has the status and the headers beside the value.
///
/// Every error is a [`client::Error::CommunicationError`] with an [`Error`](crate::Error) inside, which has the platform's
/// code, status and headers, and prints no body. `?` and `Error::from` extract it. The error type in a signature names the
/// documented shapes; the crate reads code and message of all of them.
///
/// ```
/// # use thingspace_session::{Error, Session, api::types::SessionResetPasswordRequest};
/// async fn reset(session: &Session) -> Result<(), Error> {
///     let body = SessionResetPasswordRequest::builder().old_password("grflbk");
///     let reset = session.api().reset_connectivity_management_password().body(body);
///     let response = reset.send().await?;
///     println!("{} {:?}", response.status(), response.new_password); // prints no password
///     Ok(())
/// }
/// ```
#[allow(
    missing_docs,
    missing_debug_implementations,
    unreachable_pub,
    rust_2018_idioms,
    nonstandard_style,
    unused_comparisons,
    clippy::all,
    clippy::pedantic,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    rustdoc::all,
    reason = "generated"
)]
pub mod client {
    #[cfg(feature = "codegen")]
    include!(concat!(env!("OUT_DIR"), "/client.rs"));
    #[cfg(not(feature = "codegen"))]
    include!("../generated/client.rs");
}

/// The table of the facts about operations that progenitor leaves out.
pub(crate) mod operations {
    use super::client::types;
    use super::{Body, Operation, Retry, Success, fits};

    #[cfg(feature = "codegen")]
    include!(concat!(env!("OUT_DIR"), "/operations.rs"));
    #[cfg(not(feature = "codegen"))]
    include!("../generated/operations.rs");
}

/// One operation, for the transport.
#[derive(Debug)]
pub(crate) struct Operation {
    /// Its name in the generated client and in spans.
    pub(crate) id: &'static str,
    /// The HTTP method, in capitals.
    pub(crate) method: &'static str,
    /// The path below the base URL, with its parameters in braces.
    pub(crate) path: &'static str,
    /// Whether it carries the access token.
    pub(crate) access_token: bool,
    /// The index in `SESSION_HEADERS` of the header with the session token, if the operation needs one.
    pub(crate) session_header: Option<usize>,
    /// When the crate may send it again.
    pub(crate) retry: Retry,
    /// Whether a success ends the session.
    pub(crate) ends_session: bool,
    /// The secret properties of its request body.
    pub(crate) secrets: &'static [&'static str],
    /// The documented successes.
    pub(crate) success: Success,
    /// The properties of its documented errors.
    pub(crate) errors: &'static [&'static str],
}

impl Operation {
    /// The header with the session token, if the operation needs one.
    pub(crate) fn session_header(&self) -> Option<&'static HeaderName> {
        operations::SESSION_HEADERS.get(self.session_header?)
    }

    /// The operation with this name in the generated client.
    pub(crate) fn by_id(id: &str) -> Option<&'static Self> {
        let operations = operations::OPERATIONS;
        operations.binary_search_by(|operation| operation.id.cmp(id)).ok().and_then(|index| operations.get(index))
    }

    /// The operation with this method and this path below the base URL.
    pub(crate) fn by_request(method: &str, path: &str) -> Option<&'static Self> {
        operations::OPERATIONS.iter().find(|operation| operation.method == method && operation.is_at(path))
    }

    /// Whether this path below the base URL is that of the operation, also for a lenient server. A parameter that is empty,
    /// or that a URL parser reads as `..` or as several segments, makes it another path.
    pub(crate) fn is_at(&self, path: &str) -> bool {
        if path == self.path {
            return true;
        }
        // From the end, where paths differ most.
        let (mut template, mut found) = (segments(self.path).rev(), segments(path).rev());
        loop {
            match (template.next(), found.next()) {
                (None, None) => return true,
                (Some(part), Some(given)) if part.contains(&b'{') || part == given => {}
                _ => return false,
            }
        }
    }
}

/// The segments of a path, decoded, in lower case, without parameters (`;…`) and without the empty ones.
fn segments(path: &str) -> impl DoubleEndedIterator<Item = Cow<'_, [u8]>> {
    path.as_bytes().split(|byte| *byte == b'/').filter_map(|segment| {
        // The fast path, for nearly all segments: this runs for every request.
        let is_plain = segment.iter().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9'));
        let segment = if is_plain {
            Cow::Borrowed(segment)
        } else {
            let segment = segment.split(|byte| *byte == b';').next()?;
            Cow::Owned(percent_decode(segment).decode_utf8_lossy().to_lowercase().into_bytes())
        };
        (!segment.is_empty()).then_some(segment)
    })
}

/// When the crate may send a request again: for [`Session::send_with`](crate::Session::send_with), and `x-retry` in
/// `openapi.yaml`. The [`RetryPolicy`](crate::RetryPolicy) sets how often, and after which pause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// After any passing failure. For requests that do no harm if the platform processes them twice, such as reads.
    Always,
    /// Only if the platform certainly has not processed the request: there was no connection, or the gateway rejected it.
    IfNotProcessed,
    /// Only if no connection was established. If the session is dead, the crate renews it and the call returns
    /// [`Error::SessionRenewed`](crate::Error::SessionRenewed).
    IfNotSent,
}

impl Retry {
    /// The stricter of the two, which sends fewer requests again.
    pub(crate) fn stricter(self, other: Self) -> Self {
        match (self, other) {
            (Self::IfNotSent, _) | (_, Self::IfNotSent) => Self::IfNotSent,
            (Self::IfNotProcessed, _) | (_, Self::IfNotProcessed) => Self::IfNotProcessed,
            (Self::Always, Self::Always) => Self::Always,
        }
    }
}

/// The documented successes: the first and the last status of each range, and the body.
#[derive(Debug)]
pub(crate) struct Success {
    pub(crate) statuses: &'static [(u16, u16)],
    pub(crate) body: Body,
}

impl Success {
    pub(crate) fn documents(&self, status: u16) -> bool {
        is_among(self.statuses, status)
    }
}

/// Whether a status is in one of these ranges.
pub(crate) fn is_among(ranges: &[(u16, u16)], status: u16) -> bool {
    ranges.iter().any(|(first, last)| (*first..=*last).contains(&status))
}

/// How the generated client reads a body.
#[derive(Debug)]
#[allow(dead_code, reason = "which of them occur depends on openapi.yaml")]
pub(crate) enum Body {
    /// As JSON of a type. The function tries to read it.
    Json(fn(&[u8]) -> serde_json::Result<()>),
    /// As JSON of a type. With one of these statuses there is no body, which reads as `null`.
    JsonOrNone(fn(&[u8]) -> serde_json::Result<()>, &'static [(u16, u16)]),
    /// As a stream of bytes.
    Stream,
    /// Not at all.
    Ignored,
}

/// Whether a body is JSON of the type `T`.
pub(crate) fn fits<T: DeserializeOwned>(body: &[u8]) -> serde_json::Result<()> {
    serde_json::from_slice::<T>(body).map(drop)
}
