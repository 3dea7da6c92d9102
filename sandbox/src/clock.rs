//! The sandbox's clock: tokio's clock plus the time that a test has skipped.
//!
//! Tests move this clock, so the hour of an access token and the twenty minutes of a session pass in microseconds. A
//! test that pauses tokio's time pauses this clock as well.

use std::time::Duration;

use tokio::time::Instant;

#[derive(Debug)]
pub(crate) struct Clock {
    started: Instant,
    skipped: Duration,
}

impl Clock {
    pub(crate) fn new() -> Clock {
        Clock { started: Instant::now(), skipped: Duration::ZERO }
    }

    /// The time since the sandbox started. A duration, because an instant overflows if a test moves the clock too far.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed().saturating_add(self.skipped)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.skipped = self.skipped.saturating_add(by);
    }
}
