//! A response whose body is read by blocking calls.

use std::{
    io::{self, Read},
    sync::Arc,
};

use bytes::{Buf as _, Bytes};
use http::{HeaderMap, StatusCode};
use reqwest::Url;
use serde::de::DeserializeOwned;

use super::background::Background;
use crate::{Error, ErrorResponse};

/// The response that [`Session::send`](super::Session::send) returns, whatever its status. Read its body with
/// [`json`](Self::json) and the like, or in pieces as a [`Read`].
pub struct Response {
    inner: reqwest::Response,
    /// The part of the body that has arrived and was not read.
    rest: Bytes,
    background: Arc<Background>,
}

debug!(Response, |this| "Response {{ status: {:?}, .. }}", this.inner.status());

impl Response {
    pub(super) fn new(inner: reqwest::Response, background: Arc<Background>) -> Self {
        Self { inner, rest: Bytes::new(), background }
    }

    /// The status.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The headers.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// The URL of the request.
    #[must_use]
    pub fn url(&self) -> &Url {
        self.inner.url()
    }

    /// The length of the body in bytes, if the response states it.
    #[must_use]
    pub fn content_length(&self) -> Option<u64> {
        self.inner.content_length()
    }

    /// Turns an error response into an error, which has the status alone.
    ///
    /// # Errors
    ///
    /// If the status is 400 or above; see [`reqwest::Response::error_for_status`].
    pub fn error_for_status(self) -> Result<Self, reqwest::Error> {
        // The query of the URL may hold a secret.
        let inner = self.inner.error_for_status().map_err(reqwest::Error::without_url)?;
        Ok(Self { inner, ..self })
    }

    /// The whole body.
    ///
    /// # Errors
    ///
    /// If it does not arrive whole; [`Error::Configuration`] in async code.
    pub fn bytes(self) -> Result<Bytes, Error> {
        self.background.wait(self.inner.bytes())?.map_err(Error::from_reqwest)
    }

    /// The whole body as text.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes).
    pub fn text(self) -> Result<String, Error> {
        self.background.wait(self.inner.text())?.map_err(Error::from_reqwest)
    }

    /// The whole body, read as JSON.
    ///
    /// # Errors
    ///
    /// As [`bytes`](Self::bytes), and [`Error::UnexpectedResponse`] if the body does not match `T`.
    pub fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let (status, headers) = (self.status(), self.headers().clone());
        let body = self.bytes()?;
        let unfit = |_| {
            Error::unexpected(
                "its body does not match the type that was asked for",
                ErrorResponse::new(status, headers),
            )
        };
        serde_json::from_slice(&body).map_err(unfit)
    }
}

impl Read for Response {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() && !buffer.is_empty() {
            let piece = self.background.wait(self.inner.chunk()).map_err(io::Error::other)?;
            match piece.map_err(|error| io::Error::other(Error::from_reqwest(error)))? {
                Some(piece) => self.rest = piece,
                None => return Ok(0),
            }
        }
        let length = self.rest.len().min(buffer.len());
        let Some(part) = buffer.get_mut(..length) else { return Ok(0) };
        self.rest.copy_to_slice(part);
        Ok(length)
    }
}
