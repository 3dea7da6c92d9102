//! Two clocks: the one on the wall, and the processor time of this process.

use std::{
    ops::AddAssign,
    pin::Pin,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use tokio::runtime::Runtime;

/// A time that was taken, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Taken {
    /// On the wall.
    pub wall: u64,
    /// On the processor.
    pub cpu: u64,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// A measurement under way.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    wall: Instant,
    cpu: Duration,
    clock: ClockId,
}

impl Meter {
    /// Of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(ClockId::ProcessCPUTime)
    }

    /// Of this thread.
    #[must_use]
    pub fn of_thread() -> Self {
        Self::of(ClockId::ThreadCPUTime)
    }

    fn of(clock: ClockId) -> Self {
        Self { cpu: read(clock), wall: Instant::now(), clock }
    }

    /// What it has taken so far.
    #[must_use]
    pub fn taken(self) -> Taken {
        let wall = nanos(self.wall.elapsed());
        Taken { wall, cpu: nanos(read(self.clock).saturating_sub(self.cpu)) }
    }
}

/// Runs it where it is counted: the counter of instructions knows this function by its name. What runs is pinned
/// already, as what is awaited within a task is; to move it here would count.
#[inline(never)]
pub fn counted<T>(runtime: &Runtime, work: Pin<&mut impl Future<Output = T>>) -> T {
    runtime.block_on(work)
}

/// A runtime of one thread, so that all of a call is on it.
///
/// # Errors
///
/// If there is none to be had.
pub fn runtime() -> std::io::Result<Runtime> {
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

fn read(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(u64::try_from(time.tv_sec).unwrap_or_default(), u32::try_from(time.tv_nsec).unwrap_or_default())
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}
