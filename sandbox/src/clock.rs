//! The sandbox's clock: tokio's, plus what a test has skipped.
//!
//! An hour-long access token and a twenty-minute idle limit are tested in microseconds by moving this clock, and
//! because it stands on tokio's, a test that pauses tokio's time moves both together.

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

    /// The time since the sandbox started. A span instead of an instant, because a span can be added to without
    /// overflowing, however far a test moves the clock.
    pub(crate) fn now(&self) -> Duration {
        self.started.elapsed().saturating_add(self.skipped)
    }

    pub(crate) fn advance(&mut self, by: Duration) {
        self.skipped = self.skipped.saturating_add(by);
    }
}
