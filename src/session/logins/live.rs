//! The session in use: its token, and for how long nobody has used it.

use std::time::Duration;

use http::HeaderValue;
use tokio::time::Instant;

use crate::{Error, SessionToken, transport::secret_header};

/// How long a session lives without use: the platform's figure.
pub(super) const IDLE: Duration = Duration::from_secs(20 * 60);
/// How often the store is told that the session is in use.
const TOUCH: Duration = Duration::from_secs(60);

/// A session that has a token, be it alive or not.
pub(super) struct Live {
    pub(super) header: HeaderValue,
    pub(super) token: SessionToken,
    used: Instant,
    touched: Instant,
    /// Whether the platform has taken it at least once.
    pub(super) is_accepted: bool,
}

impl Live {
    pub(super) fn new(token: SessionToken, unused: Duration) -> Result<Self, Error> {
        let header = secret_header(token.expose_secret())
            .map_err(|_| Error::configuration("the stored session token holds characters that no header takes"))?;
        let now = Instant::now();
        let used = now.checked_sub(unused).unwrap_or(now);
        Ok(Self { header, token, used, touched: used, is_accepted: false })
    }

    /// Notes a use; says whether it is time to tell the store of it.
    pub(super) fn is_to_be_told(&mut self, now: Instant) -> bool {
        self.used = now;
        let is_due = now >= self.touched + TOUCH;
        if is_due {
            self.touched = now;
        }
        is_due
    }

    /// Whether it is known to be dead.
    pub(super) fn is_idle(&self, now: Instant) -> bool {
        now >= self.used + IDLE
    }
}
