//! The end of every wait in a test. It is in real time or after so many calls: on a paused clock a timeout never expires
//! while calls return at once, because that clock moves only when nothing else is left to do.
//!
//! `until` and `calls_until` are the loops of the tests. A watchdog ends all other waits. It knows each thread that has
//! used `support`, and ends the program when a test has run for too long.

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

/// How long one test runs.
const ONE_TEST: Duration = Duration::from_secs(300);
/// Which part of it a test waits for one thing. The crowds need a tenth of that on a busy machine.
const ONE_WAIT: f64 = 0.4;
/// How many calls a test makes while it waits for what calls come to.
const MOST_CALLS: u32 = 1000;
/// How long one test runs instead, in milliseconds: the tests below are not to take as long.
const SHORTER: &str = "THINGSPACE_TEST_PATIENCE";

type Running = HashMap<ThreadId, (String, Instant)>;

/// The tests that are running, and since when.
static RUNNING: LazyLock<Mutex<Running>> = LazyLock::new(|| {
    thread::spawn(end_what_takes_too_long);
    Mutex::default()
});

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Is dropped with its thread, which is when its test is over.
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

/// Has the watchdog know this test. What tests begin with calls it.
pub(crate) fn watch() {
    WATCHED.with(|_| ());
}

/// Begins the time of this test again: for a test that repeats what has an end as often as the environment asks for,
/// and for one that has cargo compile.
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
            // Not `eprintln!`, which libtest keeps until the test is over.
            let _ = writeln!(std::io::stderr(), "\n{test}: over {limit:?}, so something in it waits without an end");
            process::exit(101);
        }
    }
}

/// Lets other tasks run until something has happened.
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

/// Calls until a call returns something. The test's clock moves by `pause` between two calls: a paused one moves only
/// there if each call returns at once.
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

    /// The child of the test below; otherwise it does nothing.
    #[tokio::test(start_paused = true)]
    async fn what_waits_for_ever() {
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
    fn a_wait_ends_whatever_the_clock_of_the_test_does() {
        let watchdog = "patience::ends::what_waits_for_ever: over 1s";
        for (kind, said) in [
            ("turns", "not within 400ms"),
            ("calls", "not after 1000 calls"),
            ("virtual time", watchdog),
            ("nothing", watchdog),
            ("a thread", watchdog),
        ] {
            let mut child = alone("patience::ends::what_waits_for_ever");
            let output = child.env(WAITS, kind).env(SHORTER, "1000").output().unwrap();
            let printed = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
            let says = |line: &str| line.ends_with(said) || line.starts_with(said);
            // Which wait it is: its place, or its test.
            let is_named = |line: &str| line.contains(file!()) || line.contains("patience::ends::what_waits_for_ever");
            let is_said = printed.lines().any(|line| says(line) && is_named(line));
            assert!(output.status.code() == Some(101) && is_said, "{kind}: {printed}");
        }
    }
}
