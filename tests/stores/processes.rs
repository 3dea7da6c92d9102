//! Real processes share a file. The test binary starts itself, and kills the processes that it started.

use std::{
    env, fs,
    io::{BufRead as _, BufReader, Read as _, Write as _},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use thingspace_session::store::{FileStore, SessionStore as _};

use crate::support::{Scratch, account, number, read, swap, version, write};

/// The variable that holds the path of the file for a process that a test starts.
const PATH: &str = "STORES_TEST_PATH";
/// The variable that holds the number of swaps that a process makes.
const COUNT: &str = "STORES_TEST_COUNT";
const PROCESSES: usize = 8;
const EACH: u64 = 25;
const KILLS: u32 = 50;
/// How long a process waits for its turn at most. Far longer than all processes need together.
const PATIENCE: Duration = Duration::from_secs(40);

/// Starts this binary to count up by `count`.
fn start(scratch: &Scratch, count: u64) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["--exact", "processes::a_started_process_counts_up", "--nocapture", "--test-threads=1"])
        .env(PATH, scratch.path())
        .env(COUNT, count.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// The body of the processes that the tests start. It does nothing in an ordinary run.
#[tokio::test]
async fn a_started_process_counts_up() {
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
        let next = tokio::time::timeout(PATIENCE, turn).await.expect("the process never gets its turn");
        // Printed only after the swap, so that the file is never behind the output.
        writeln!(std::io::stdout(), "\nDONE {next}").unwrap();
    }
}

/// The number in a line that a process wrote.
fn done(line: &str) -> Option<u64> {
    line.strip_prefix("DONE ")?.parse().ok()
}

#[tokio::test]
async fn processes_that_count_up_by_swaps_lose_nothing() {
    let scratch = Scratch::new();
    let processes: Vec<_> = (0..PROCESSES).map(|_| start(&scratch, EACH)).collect();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(read(&scratch.store).await, EACH * PROCESSES as u64);
    assert_eq!(scratch.names(), ["thingspace.json", "thingspace.json.lock"]);
}

#[tokio::test]
async fn a_process_that_is_killed_at_any_moment_leaves_a_whole_file() {
    let scratch = Scratch::new();
    let mut last = 0;
    let mut unfinished = 0;
    for kill in 0..KILLS {
        let mut process = start(&scratch, u64::MAX);
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let mut confirmed = 0;
        // One in four is killed as it starts, the others as they write.
        while kill % 4 != 0 && confirmed == 0 {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "the process ended before it was killed");
            confirmed = done(line.trim_end()).unwrap_or_default();
        }
        thread::sleep(Duration::from_micros(fastrand::u64(..30_000)));
        process.kill().unwrap();
        process.wait().unwrap();
        let mut rest = String::new();
        output.read_to_string(&mut rest).unwrap();
        // The last line may end in the middle of its number.
        let whole = rest.rsplit_once('\n').map_or("", |(whole, _)| whole);
        confirmed = whole.lines().filter_map(done).fold(confirmed, u64::max);

        let found = read(&scratch.store).await;
        assert!(found >= last.max(confirmed), "kill {kill}: {confirmed} was confirmed, and {found} is in the file");
        assert!(confirmed == 0 || found <= confirmed + 1, "kill {kill}: {found} is in the file, not {confirmed}");
        last = found;
        unfinished += scratch.names().iter().filter(|name| name.contains(".tmp")).count();
    }
    // The test proves something only if it kills some processes while they write.
    assert!(unfinished > 0, "no process was killed in the middle of a write");

    let begin = Instant::now();
    write(&scratch.store, last + 1).await;
    assert!(begin.elapsed() < Duration::from_secs(5), "a killed process keeps the lock");
    assert_eq!(read(&scratch.store).await, last + 1);
    assert_eq!(scratch.names(), ["thingspace.json", "thingspace.json.lock"], "files of killed processes are left");
    assert!(fs::read(scratch.path()).unwrap().ends_with(b"}"));
}
