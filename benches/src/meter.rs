//! Two clocks: wall-clock time, and the processor time of this process.

use std::{
    ops::AddAssign,
    pin::Pin,
    time::{Duration, Instant},
};

use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use tokio::runtime::Runtime;

/// A measured time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Taken {
    /// The wall-clock time.
    pub wall: u64,
    /// The processor time.
    pub cpu: u64,
}

impl AddAssign for Taken {
    fn add_assign(&mut self, other: Self) {
        self.wall += other.wall;
        self.cpu += other.cpu;
    }
}

/// A running measurement.
#[derive(Clone, Copy, Debug)]
pub struct Meter {
    wall: Instant,
    cpu: Duration,
    clock: ClockId,
}

impl Meter {
    /// Starts a measurement of this process.
    #[must_use]
    pub fn of_process() -> Self {
        Self::of(ClockId::ProcessCPUTime)
    }

    /// Starts a measurement of this thread.
    #[must_use]
    pub fn of_thread() -> Self {
        Self::of(ClockId::ThreadCPUTime)
    }

    fn of(clock: ClockId) -> Self {
        Self { cpu: read(clock), wall: Instant::now(), clock }
    }

    /// The time since the start.
    #[must_use]
    pub fn taken(self) -> Taken {
        let wall = nanos(self.wall.elapsed());
        Taken { wall, cpu: nanos(read(self.clock).saturating_sub(self.cpu)) }
    }
}

/// Runs counted work. The counter of instructions finds this function by its name. The caller pins the work, because
/// moving it here would be counted.
#[inline(never)]
pub fn counted<T>(runtime: &Runtime, work: Pin<&mut impl Future<Output = T>>) -> T {
    runtime.block_on(work)
}

/// A runtime with one thread, so that the whole call runs on it.
///
/// # Errors
///
/// If the runtime cannot be built.
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
