//! Runs recursive code on a large stack: a main thread has one megabyte on some systems.

use std::{io, thread};

/// The reserved size. Unused stack takes no memory.
const STACK: usize = 256 << 20;

/// Runs `work` on its own stack. The inner result holds the panic, if `work` panics.
pub(crate) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<thread::Result<T>> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.map(thread::ScopedJoinHandle::join)
    })
}
