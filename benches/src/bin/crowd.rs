//! Measures how long many tasks with a dead session take until all have a response.
//!
//! The sandbox delays the login, as a distant platform does. Other rounds measure the requests alone, with a live
//! session. The tasks share a few connections, only to save file descriptors.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

#[path = "../../../tests/promises/crowds/door.rs"]
mod door;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use door::Door;
use reqwest::Method;
use serde_json::json;
use thingspace_bench::{
    Result,
    control::Control,
    facade::{builder, credentials},
    requests::LIST,
};
use thingspace_session::Session;
use tokio::sync::Semaphore;

const CONNECTIONS: usize = 200;
/// The delay of a login.
const HELD: Duration = Duration::from_millis(300);
/// The timeout, long enough for tasks that wait for the connection of another task.
const PATIENCE: Duration = Duration::from_secs(3600);

#[tokio::main]
async fn main() -> Result {
    let mut arguments = std::env::args().skip(1);
    let tasks = arguments.next().ok_or("the number of tasks is missing")?.parse()?;
    let rounds: u32 = arguments.next().ok_or("the number of rounds is missing")?.parse()?;
    let (control, door) = (Control::new()?, Door(Arc::new(Semaphore::new(CONNECTIONS))));
    let client = builder()?
        .timeout(PATIENCE)
        .http_client(|http| http.connector_layer(door).pool_idle_timeout(None).connect_timeout(PATIENCE));
    let session = client.build()?.start_session(credentials()).await?;
    ask(&session, tasks, 1).await?;
    for _ in 0..rounds {
        println!("{}", round(&control, &session, tasks).await?);
    }
    Ok(())
}

/// One login alone, the requests alone, and both together.
async fn round(control: &Control, session: &Session, tasks: usize) -> Result<serde_json::Value> {
    let login = login(control).await?;
    // The other login has ended the session.
    ask(session, 1, 1).await?;
    let (_, requests) = ask(session, tasks, 2).await?;
    control.expire_session().await?;
    let before = control.counters().await?;
    control.hold_next_login(HELD).await?;
    let (first, dead) = ask(session, tasks, 1).await?;
    let after = control.counters().await?;
    Ok(json!({
        "login": login.as_secs_f64(), "requests": requests.as_secs_f64(), "first": first.as_secs_f64(), "dead": dead.as_secs_f64(),
        "logins": after.logins_succeeded - before.logins_succeeded,
        "answered": after.other_requests - before.other_requests,
    }))
}

/// The time of one login.
async fn login(control: &Control) -> Result<Duration> {
    let thingspace = builder()?.build()?;
    thingspace.start_session(credentials()).await?.end().await?;
    control.hold_next_login(HELD).await?;
    let started = Instant::now();
    thingspace.start_session(credentials()).await?;
    Ok(started.elapsed())
}

/// The time until one task has its responses, and until each task has so many.
async fn ask(session: &Session, tasks: usize, times: u32) -> Result<(Duration, Duration)> {
    let started = Instant::now();
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task(session.clone(), times))).collect();
    let mut first = Duration::MAX;
    for task in tasks {
        first = first.min(task.await??.duration_since(started));
    }
    Ok((first, started.elapsed()))
}

/// When it had its last response.
async fn task(session: Session, times: u32) -> Result<Instant> {
    for _ in 0..times {
        let answer = session.send(session.request(Method::GET, LIST)?).await?;
        answer.error_for_status()?.bytes().await?;
    }
    Ok(Instant::now())
}
