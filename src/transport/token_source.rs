//! The interface through which the transport asks for tokens. `auth`, which imports the transport, implements it.

use std::{future::Future, pin::Pin};

use http::HeaderValue;
use tokio::time::Instant;

use crate::{Error, error::Disposition};

/// Supplies the tokens of one kind.
pub(crate) trait TokenSource: Send + Sync {
    /// The header value of the cached token, if it is valid now. Does not wait.
    fn cached(&self, now: Instant) -> Option<HeaderValue>;

    /// The header value of a valid token, which the source may have to fetch.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send + '_>>;

    /// Drops this token from the cache; a newer one stays. Returns whether to send the request again: there is a newer
    /// token, or fetching one does not flood the platform. With [`Disposition::Unauthorized`] the token may be the reason
    /// for the rejection; with any other disposition it is.
    fn invalidate(&self, token: &HeaderValue, rejection: Disposition) -> bool;

    /// Waits for a moment after [`invalidate`](Self::invalidate) has returned false, and decides again: a response that
    /// confirms the token may be late, or another process may have logged in.
    fn reconsider<'a>(&'a self, _token: &'a HeaderValue) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(false))
    }

    /// Records that the platform has accepted this token.
    fn confirm(&self, _token: &HeaderValue) {}

    /// Why the last attempt to get a token failed, while the next one is under way.
    fn failure(&self) -> Option<Error> {
        None
    }

    /// Records that a caller has ended the session of this token.
    fn ended(&self, _token: &HeaderValue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
