//! A session in use: its token, and its last use. Every request reads it without a lock.

use std::{
    sync::atomic::{AtomicBool, AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::cache::{CachedToken, Freshness};
use crate::{Error, SessionToken, transport::TokenHeader};

/// The time without use after which a session is dead: 20 minutes, Verizon's figure.
pub(super) const IDLE: Duration = Duration::from_secs(20 * 60);
/// The interval in which the store records that a session is used.
const TOUCH: Duration = Duration::from_secs(60);
/// The precision of a noted use: with few writes, threads on other cores seldom reload the cache line.
const GRAIN: Duration = Duration::from_secs(1);

/// A session in use.
pub(super) struct LiveSession {
    pub(super) header: TokenHeader,
    pub(super) token: SessionToken,
    /// The last use before this process took it from the store. The times below are milliseconds from then on.
    start: Instant,
    used: AtomicU64,
    touched: AtomicU64,
    /// Whether the platform has accepted it at least once.
    is_accepted: AtomicBool,
    /// Whether another program has started it.
    pub(super) is_resumed: bool,
}

impl LiveSession {
    pub(super) fn new(token: SessionToken, unused: Duration) -> Result<Self, Error> {
        let header = TokenHeader::new(token.expose_secret())
            .map_err(|_| Error::configuration("the session token holds characters that no header takes"))?;
        let now = Instant::now();
        let (used, touched, is_accepted, is_resumed) = Default::default();
        let start = now.checked_sub(unused).unwrap_or(now);
        Ok(Self { header, token, start, used, touched, is_accepted, is_resumed })
    }

    /// The time since this process has had it.
    pub(super) fn known_for(&self) -> Duration {
        self.start.elapsed()
    }

    fn age(&self, now: Instant) -> u64 {
        in_millis(now.saturating_duration_since(self.start))
    }

    pub(super) fn is_idle(&self, now: Instant) -> bool {
        self.age(now) >= self.used.load(Ordering::Relaxed) + in_millis(IDLE)
    }

    pub(super) fn is_accepted(&self) -> bool {
        self.is_accepted.load(Ordering::Relaxed)
    }

    /// Notes that the platform has accepted it. Returns whether that is the first time.
    pub(super) fn accept(&self) -> bool {
        !self.is_accepted() && !self.is_accepted.swap(true, Ordering::Relaxed)
    }

    /// Notes a use. Returns whether it is time to record it.
    pub(super) fn note_use(&self, now: Instant) -> bool {
        let now = self.age(now);
        if now < self.used.load(Ordering::Relaxed) + in_millis(GRAIN) {
            return false;
        }
        self.used.store(now, Ordering::Relaxed);
        let touched = self.touched.load(Ordering::Relaxed);
        now >= touched + in_millis(TOUCH)
            && self.touched.compare_exchange(touched, now, Ordering::Relaxed, Ordering::Relaxed).is_ok()
    }
}

fn in_millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

impl CachedToken for LiveSession {
    fn header(&self) -> &TokenHeader {
        &self.header
    }

    fn freshness(&self, now: Instant) -> Freshness {
        if self.is_idle(now) { Freshness::Expired } else { Freshness::Fresh }
    }
}
