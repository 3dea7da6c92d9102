//! What the transport asks of a cache of tokens. Made above it, so that no import runs upwards.

use std::{future::Future, pin::Pin};

use http::HeaderValue;
use tokio::time::Instant;

use crate::{Error, error::Disposition};

/// Supplies the tokens of one kind.
pub(crate) trait TokenSource: Send + Sync {
    /// The header value of the cached token, if it holds now. Waits for nothing.
    fn cached(&self, now: Instant) -> Option<HeaderValue>;

    /// The header value of a token that holds now.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send + '_>>;

    /// Drops this token from the cache; a newer one stays. Returns whether the request is worth sending again: there is
    /// a newer token, or fetching one does not flood the platform. With [`Disposition::Unauthorized`] the token may be the
    /// reason for the rejection, otherwise it is.
    fn invalidate(&self, token: &HeaderValue, rejection: Disposition) -> bool;

    /// Waits for a moment after [`invalidate`](Self::invalidate) has advised against sending again, because another
    /// request's answer that speaks for the token may have been overtaken, or another process may have logged in. Returns
    /// the advice after that.
    fn reconsider<'a>(&'a self, _token: &'a HeaderValue) -> Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        Box::pin(std::future::ready(false))
    }

    /// The platform has accepted this token.
    fn confirm(&self, _token: &HeaderValue) {}

    /// Why the last attempt to get a token failed, while the next one is under way.
    fn failure(&self) -> Option<Error> {
        None
    }

    /// A caller has ended the session of this token.
    fn ended(&self, _token: &HeaderValue) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }
}
