//! Real processes share a file: this test binary starts itself, and kills what it started.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use thingspace_session::store::{FileStore, SessionStore as _};

use crate::support::{Shelf, account, number, read, swap, version, write};

/// Tells a process that it was started by a test, with the path of the file.
const PATH: &str = "STORES_TEST_PATH";
/// How far a process is to count up.
const COUNT: &str = "STORES_TEST_COUNT";
const PROCESSES: usize = 8;
const EACH: u64 = 25;
const KILLS: u32 = 50;
/// How long one waits for its turn at most; far more than all of them need together.
const PATIENCE: Duration = Duration::from_secs(40);

/// Starts this binary to count up by `count`.
fn start(shelf: &Shelf, count: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::what_is_started_counts_up", "--nocapture", "--test-threads=1"])
        .env(PATH, shelf.path())
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The body of the processes that the tests start; otherwise it does nothing.
#[tokio::test]
async fn what_is_started_counts_up() {
    let (Ok(path), Ok(count)) = (env::var(PATH), env::var(COUNT)) else { return };
    let store = FileStore::new(path);
    let count: u64 = count.parse().unwrap();
    for _ in 0..count {
        let turn = async {
            loop {
                let found = store.load(&account()).await.unwrap();
                let next = number(&found) + 1;
                if swap(&store, version(&found), next).await {
                    return next;
                }
            }
        };
        let next = tokio::time::timeout(PATIENCE, turn).await.expect("it is never its turn");
        // Said only when it is done: the file must not fall behind.
        writeln!(std::io::stdout(), "\nDONE {next}").unwrap();
    }
}

/// The number in a line that a process wrote.
fn done(line: &str) -> Option<u64> {
    line.strip_prefix("DONE ")?.parse().ok()
}

#[tokio::test]
async fn processes_that_count_up_by_swaps_lose_nothing() {
    let shelf = Shelf::new();
    let processes: Vec<_> = (0..PROCESSES).map(|_| start(&shelf, EACH)).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(read(&shelf.store).await, EACH * PROCESSES as u64);
    assert_eq!(shelf.names(), ["thingspace.json", "thingspace.json.lock"]);
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_leaves_a_whole_file() {
    let shelf = Shelf::new();
    let mut last = 0;
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let mut process = start(&shelf, u64::MAX);
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut told = 0;
        // One in four is killed as it starts, the others as they write.
        while kill % 4 != 0 && told == 0 {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "ended by itself");
            told = done(line.trim_end()).unwrap_or_default();
        }
        thread::sleep(Duration::from_micros(fastrand::u64(..30_000)));
        process.kill().unwrap();
        process.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        // The last line may have been cut off in the middle of its number.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        told = whole.lines().filter_map(done).fold(told, u64::max);

        let found = read(&shelf.store).await;
        assert!(found >= last.max(told), "kill {kill}: {told} was confirmed, and {found} is in the file");
        assert!(told == 0 || found <= told + 1, "kill {kill}: {found} came from nowhere after {told}");
        last = found;
        unfinished += shelf.names().iter().filter(|name| name.contains(".tmp")).count();
    }
    // At least some have to be hit while they write, or this proves nothing.
    assert!(unfinished > 0, "no process was killed in the middle of a write");

    let begin = Instant::now();
    write(&shelf.store, last + 1).await;
    assert!(begin.elapsed() < Duration::from_secs(5), "a process that was killed keeps the lock");
    assert_eq!(read(&shelf.store).await, last + 1);
    assert_eq!(shelf.names(), ["thingspace.json", "thingspace.json.lock"], "what the killed left is still there");
    assert!(fs::read(shelf.path()).unwrap().ends_with(b"}"));
}
