//! The session in use: its token, and for how long nobody has used it.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use crate::{Error, SessionToken, transport::TokenHeader};

/// How long a session lives without use: the platform's figure.
pub(super) const IDLE: Duration = Duration::from_secs(20 * 60);
/// How often the store is told that the session is in use.
const TOUCH: Duration = Duration::from_secs(60);

/// How exactly a use is noted. What is written seldom, those who read it on other cores need not fetch anew each time.
const GRAIN: Duration = Duration::from_secs(1);

/// A session that has a token, be it alive or not. Read by every request, without a lock.
pub(super) struct Live {
    pub(super) header: TokenHeader,
    pub(super) token: SessionToken,
    /// When it was last used before it was taken up; the times below are milliseconds from there.
    start: Instant,
    used: AtomicU64,
    touched: AtomicU64,
    /// Whether the platform has taken it at least once.
    is_accepted: AtomicBool,
}

/// A moment in the life of one session.
#[derive(Clone, Copy)]
pub(super) struct Moment(u64);

impl Live {
    pub(super) fn new(token: SessionToken, unused: Duration) -> Result<Self, Error> {
        let header = TokenHeader::new(token.expose_secret())
            .map_err(|_| Error::configuration("the stored session token holds characters that no header takes"))?;
        let now = Instant::now();
        let start = now.checked_sub(unused).unwrap_or(now);
        let (used, touched, is_accepted) = Default::default();
        Ok(Self { header, token, start, used, touched, is_accepted })
    }

    /// Notes a use; says whether it is time to tell the store of it.
    pub(super) fn is_to_be_told(&self, Moment(now): Moment) -> bool {
        if now < self.used.load(Ordering::Relaxed) + in_millis(GRAIN) {
            return false;
        }
        self.used.store(now, Ordering::Relaxed);
        let touched = self.touched.load(Ordering::Relaxed);
        now >= touched + in_millis(TOUCH)
            && self.touched.compare_exchange(touched, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }

    /// Whether it is known to be dead.
    pub(super) fn is_idle(&self, Moment(now): Moment) -> bool {
        now >= self.used.load(Ordering::Relaxed) + in_millis(IDLE)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted.load(Ordering::Relaxed)
    }

    /// Notes that the platform has taken it; says whether that is news.
    pub(super) fn accept(&self) -> bool {
        !self.is_accepted() && !self.is_accepted.swap(true, Ordering::Relaxed)
    }

    pub(super) fn at(&self, now: Instant) -> Moment {
        Moment(in_millis(now.saturating_duration_since(self.start)))
    }
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}
