//! A request to the platform. The sandbox reads it completely before it handles it.
//!
//! A fault decides whether this request is processed, and tests compare the recorded request.

use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, Method, header};
use futures_util::StreamExt as _;

use crate::faults::Operation;

/// The largest body that the sandbox accepts, in bytes.
const BODY_LIMIT: usize = 1024 * 1024;

/// How much of an oversized body the sandbox reads, in bytes. If it responded while the caller still sends, the
/// operating system would reset the connection, and the caller would not see the response.
const READ_LIMIT: usize = 16 * BODY_LIMIT;

/// The request did not arrive completely, or its body is longer than [`READ_LIMIT`].
#[derive(Debug)]
pub(crate) struct Incomplete;

#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    /// The body, up to [`BODY_LIMIT`].
    pub(crate) body: Bytes,
    /// Whether the body is longer than [`BODY_LIMIT`].
    pub(crate) oversized: bool,
}

impl Call {
    pub(crate) async fn read(request: Request) -> Result<Call, Incomplete> {
        let (head, body) = request.into_parts();
        let (body, oversized) = read_body(body).await?;
        Ok(Call {
            method: head.method,
            path: head.uri.path().to_owned(),
            query: head.uri.query().unwrap_or_default().to_owned(),
            headers: head.headers,
            body,
            oversized,
        })
    }

    pub(crate) fn place(&self) -> Place {
        Place::of(&self.path)
    }

    /// The media type of the body, in lower case and without parameters; empty if the header is missing.
    pub(crate) fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }

    /// The value of a header that a request may carry once.
    pub(crate) fn single(&self, name: HeaderName) -> Single<'_> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next(), values.next()) {
            (None, _) => Single::Missing,
            (Some(value), None) => value.to_str().map_or(Single::Unusable, Single::Value),
            (Some(_), Some(_)) => Single::Unusable,
        }
    }
}

/// A header that a request may carry once. A value that a proxy and a server could read differently is unusable.
pub(crate) enum Single<'a> {
    Missing,
    Unusable,
    Value(&'a str),
}

/// The endpoint of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Token,
    Revoke,
    Login,
    Logout,
    Reset,
    /// Any other Connectivity Management path.
    Other,
    /// A path that the gateway does not know.
    Nowhere,
}

impl Place {
    fn of(path: &str) -> Place {
        match path {
            "/api/ts/v1/oauth2/token" => Place::Token,
            "/api/ts/v1/oauth2/revoke" => Place::Revoke,
            "/api/m2m/v1/session/login" => Place::Login,
            "/api/m2m/v1/session/logout" => Place::Logout,
            "/api/m2m/v1/session/password/actions/reset" => Place::Reset,
            other if other.starts_with("/api/m2m/") => Place::Other,
            _ => Place::Nowhere,
        }
    }

    pub(crate) fn operation(self) -> Operation {
        match self {
            Place::Token => Operation::Token,
            Place::Login => Operation::Login,
            Place::Logout => Operation::Logout,
            Place::Reset => Operation::Reset,
            Place::Revoke | Place::Other | Place::Nowhere => Operation::Other,
        }
    }
}

async fn read_body(body: Body) -> Result<(Bytes, bool), Incomplete> {
    let mut chunks = body.into_data_stream();
    let mut kept = Vec::new();
    let mut read = 0_usize;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk.map_err(|_| Incomplete)?;
        read = read.saturating_add(chunk.len());
        if read > READ_LIMIT {
            return Err(Incomplete);
        }
        let room = BODY_LIMIT.saturating_sub(kept.len());
        kept.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
    }
    Ok((kept.into(), read > BODY_LIMIT))
}
