//! Measures how long a task needs to add both valid tokens to a request: with one task, and with many tasks on all
//! cores.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

use std::{thread::available_parallelism, time::Duration};

use serde_json::json;
use thingspace_bench::{
    Result,
    facade::{builder, credentials},
    meter::{Meter, Taken},
    requests::LIST,
};
use thingspace_session::Session;

const TASKS_PER_CORE: usize = 8;
/// How many requests a task handles before it yields.
const TURN: u32 = 10_000;
const ROUNDS: usize = 7;

fn main() -> Result {
    let turns: u32 = std::env::args().nth(1).ok_or("the number of turns is missing")?.parse()?;
    let cores = available_parallelism()?.get();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(cores).enable_all().build()?;
    let (mut one, mut many) = (Vec::new(), Vec::new());
    runtime.block_on(async {
        let session = builder()?.build()?.start_session(credentials()).await?;
        // Alternates both, so that other load on the machine affects both.
        for _ in 0..ROUNDS {
            one.push(crowd(&session, 1, turns * u32::try_from(cores)?).await?);
            many.push(crowd(&session, cores * TASKS_PER_CORE, turns.div_ceil(u32::try_from(TASKS_PER_CORE)?)).await?);
        }
        Result::Ok(())
    })?;
    println!("{}", json!({ "cores": cores, "tasks": cores * TASKS_PER_CORE, "one": one, "many": many }));
    Ok(())
}

/// The mean time of one request, in nanoseconds.
async fn crowd(session: &Session, tasks: usize, turns: u32) -> Result<Each> {
    let tasks: Vec<_> = (0..tasks).map(|_| tokio::spawn(task(session.clone(), turns))).collect();
    let (mut each, count) = (Each::default(), f64::from(u32::try_from(tasks.len())?));
    for task in tasks {
        let (taken, requests) = (task.await??, f64::from(turns) * f64::from(TURN) * count);
        each.wall += Duration::from_nanos(taken.wall).as_secs_f64() * 1e9 / requests;
        each.cpu += Duration::from_nanos(taken.cpu).as_secs_f64() * 1e9 / requests;
    }
    Ok(each)
}

/// One request's share, in nanoseconds.
#[derive(Default, serde::Serialize)]
struct Each {
    wall: f64,
    cpu: f64,
}

async fn task(session: Session, turns: u32) -> Result<Taken> {
    let mut request = session.request(reqwest::Method::GET, LIST)?.build()?;
    let mut taken = Taken::default();
    for _ in 0..turns {
        let (meter, now) = (Meter::of_thread(), tokio::time::Instant::now());
        for _ in 0..TURN {
            session.attach(&mut request, now).await?;
        }
        taken += meter.taken();
        tokio::task::yield_now().await;
    }
    Ok(taken)
}
