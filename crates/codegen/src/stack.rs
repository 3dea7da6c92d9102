//! Room for going down into a document step by step, however little of it the caller has: a main thread has one
//! megabyte on some systems.

use std::{io, thread};

/// As much is reserved; what is not used takes no memory.
const STACK: usize = 256 << 20;

/// Does something on a stack of its own. The inner result holds the panic, if there is one.
pub(crate) fn deep<T: Send>(work: impl FnOnce() -> T + Send) -> io::Result<thread::Result<T>> {
    thread::scope(|scope| {
        let thread = thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work);
        thread.map(thread::ScopedJoinHandle::join)
    })
}
