//! Limits every wait in a test, by real time or by a number of calls. On a paused clock a timeout never expires while
//! calls return at once, because that clock advances only when all tasks are idle.
//!
//! Tests loop with `until` and `calls_until`. A watchdog ends all other waits: it knows each thread that used
//! `support`, and ends the program when a test runs too long.

use std::{
    collections::HashMap,
    env,
    io::Write as _,
    panic::Location,
    process,
    sync::{LazyLock, Mutex, MutexGuard, PoisonError},
    thread::{self, ThreadId},
    time::{Duration, Instant},
};

/// Time limit of one test.
const ONE_TEST: Duration = Duration::from_secs(300);
/// The part of that limit for one wait. The crowds need a tenth of it on a busy machine.
const ONE_WAIT: f64 = 0.4;
/// Maximum number of calls in one wait.
const MOST_CALLS: u32 = 1000;
/// A shorter limit in milliseconds, for the tests below.
const SHORTER: &str = "THINGSPACE_TEST_PATIENCE";

type Running = HashMap<ThreadId, (String, Instant)>;

/// The running tests with their start times.
static RUNNING: LazyLock<Mutex<Running>> = LazyLock::new(|| {
    thread::spawn(end_what_takes_too_long);
    Mutex::default()
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Dropped with its thread at the end of its test.
struct Watched;

impl Drop for Watched {
    fn drop(&mut self) {
        running().remove(&thread::current().id());
    }
}

thread_local! {
    static WATCHED: Watched = {
        begin();
        Watched
    };
}

fn begin() {
    let thread = thread::current();
    let test = thread.name().unwrap_or("a thread without a name").to_owned();
    running().insert(thread.id(), (test, Instant::now()));
}

/// Registers this test with the watchdog. The helpers in `support` call it.
pub(crate) fn watch() {
    WATCHED.with(|_| ());
}

/// Restarts the time of this test: for a test whose number of repetitions the environment sets, and for one that runs
/// cargo.
pub(crate) fn watch_anew() {
    watch();
    begin();
}

fn limit() -> Duration {
    env::var(SHORTER).map_or(ONE_TEST, |shorter| Duration::from_millis(shorter.parse().unwrap()))
}

fn end_what_takes_too_long() {
    let limit = limit();
    loop {
        thread::sleep(limit / 50);
        let late = running().values().find(|(_, since)| since.elapsed() > limit).map(|(test, _)| test.clone());
        if let Some(test) = late {
            // Not `eprintln!`, which libtest buffers until the test ends.
            let _ = writeln!(std::io::stderr(), "\n{test}: over {limit:?}, so something in it waits without an end");
            process::exit(101);
        }
    }
}

/// Lets other tasks run until the condition holds.
#[track_caller]
pub(crate) fn until(mut happened: impl FnMut() -> bool) -> impl Future<Output = ()> {
    let place = Location::caller();
    watch();
    async move {
        let (begin, limit) = (Instant::now(), limit().mul_f64(ONE_WAIT));
        while !happened() {
            assert!(begin.elapsed() < limit, "{place}: not within {limit:?}");
            tokio::task::yield_now().await;
        }
    }
}

/// Repeats a call until it returns `Some`. Advances the test's clock by `pause` between two calls: a paused clock does
/// not advance otherwise if each call returns at once.
#[track_caller]
pub(crate) fn calls_until<T>(pause: Duration, mut call: impl AsyncFnMut() -> Option<T>) -> impl Future<Output = T> {
    let place = Location::caller();
    watch();
    async move {
        for _ in 0..MOST_CALLS {
            if let Some(found) = call().await {
                return found;
            }
            tokio::time::sleep(pause).await;
        }
        panic!("{place}: not after {MOST_CALLS} calls");
    }
}

mod ends {
    use std::{future::pending, time::Duration};

    use thingspace_session::Credentials;

    use super::{SHORTER, calls_until, until};
    use crate::support::{alone, sandbox};

    const WAITS: &str = "THINGSPACE_TEST_WAITS";

    /// Runs in the child process of the test below; otherwise does nothing.
    #[tokio::test(start_paused = true)]
    async fn a_wait_without_end() {
        let Ok(kind) = std::env::var(WAITS) else { return };
        let (_sandbox, thingspace) = sandbox().await;
        let fails = async || thingspace.start_session(Credentials::new("", "")).await.unwrap_err();
        match kind.as_str() {
            "turns" => until(|| false).await,
            "calls" => {
                let never = async || {
                    fails().await;
                    None::<()>
                };
                calls_until(Duration::from_secs(1), never).await;
            }
            "virtual time" => {
                let for_ever = async {
                    loop {
                        fails().await;
                    }
                };
                tokio::time::timeout(Duration::from_secs(1), for_ever).await.unwrap();
            }
            "nothing" => pending().await,
            "a thread" => loop {
                std::thread::park();
            },
            _ => unreachable!(),
        }
    }

    #[test]
    fn a_wait_ends_with_any_clock_of_the_test() {
        let watchdog = "patience::ends::a_wait_without_end: over 1s";
        for (kind, said) in [
            ("turns", "not within 400ms"),
            ("calls", "not after 1000 calls"),
            ("virtual time", watchdog),
            ("nothing", watchdog),
            ("a thread", watchdog),
        ] {
            let mut child = alone("patience::ends::a_wait_without_end");
            let output = child.env(WAITS, kind).env(SHORTER, "1000").output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            let says = |line: &str| line.ends_with(said) || line.starts_with(said);
            // The message names the place or the test of the wait.
            let is_named = |line: &str| line.contains(file!()) || line.contains("patience::ends::a_wait_without_end");
            let is_said = printed.lines().any(|line| says(line) && is_named(line));
            assert!(output.status.code() == Some(101) && is_said, "{kind}: {printed}");
        }
    }
}
