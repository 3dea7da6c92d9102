//! The memory of this process during an outage of a day, on virtual time. `cargo xtask bench` runs this test by itself.

use std::{fs::read_to_string, time::Duration};

use futures_util::future::join_all;
use reqwest::Method;
use serde_json::json;
use tokio::time::{Instant, sleep_until};

use crate::support::{ECHO, session};

const TASKS: u64 = 10;
const MINUTES: u64 = 24 * 60;
/// Where the memory is measured, in percent of the day.
const CHECKPOINTS: [u64; 3] = [10, 50, 100];
/// How much it may grow after the first checkpoint, in KiB.
const GROWTH: u64 = 1024;

fn resident(name: &str) -> u64 {
    let status = read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

#[tokio::test(start_paused = true)]
#[ignore = "it measures the memory of its process and has to run by itself: cargo xtask bench --memory"]
async fn an_outage_of_a_day_takes_no_more_memory_than_its_beginning() {
    let (sandbox, _thingspace, session) = session().await;
    drop(sandbox);
    let (start, mut failed, mut sizes) = (Instant::now(), 0, Vec::new());
    for minute in 1..=MINUTES {
        let calls = (0..TASKS).map(|_| async { session.send(session.request(Method::GET, ECHO).unwrap()).await });
        failed += join_all(calls).await.into_iter().filter(Result::is_err).count();
        sleep_until(start + Duration::from_secs(60 * minute)).await;
        if CHECKPOINTS.iter().any(|percent| percent * MINUTES == 100 * minute) {
            let (at, kib) = (format!("{failed} failed calls in {minute} minutes"), resident("VmRSS"));
            println!("\n{}", json!({ "at": at, "kib": kib, "peak": resident("VmHWM") }));
            sizes.push(kib);
        }
    }
    assert_eq!(failed, usize::try_from(TASKS * MINUTES).unwrap());
    assert!(sizes[2] <= sizes[0] + GROWTH, "{sizes:?} KiB");
}
