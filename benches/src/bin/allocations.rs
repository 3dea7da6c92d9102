//! Counts the allocations and the allocated bytes of a call. The whole call runs on one thread.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

use std::pin::pin;

use allocation_counter::AllocationInfo;
use serde_json::{Value, json};
use thingspace_bench::{
    Result,
    counted::CALLS,
    facade::Facade,
    hand::Hand,
    meter::{counted, runtime},
    plain::Plain,
    requests::LIST,
};
use tokio::runtime::Runtime;

fn main() -> Result {
    let runtime = runtime()?;
    let facade = runtime.block_on(Facade::ready())?;
    let starts = per_call(|| {
        let (allocations, session) = measure(|| counted(&runtime, pin!(facade.start())))?;
        runtime.block_on(session?.end())?;
        Ok(allocations)
    })?;
    runtime.block_on(facade.send())?;
    let sends = per_call(|| {
        let (allocations, answer) = measure(|| counted(&runtime, pin!(facade.send())))?;
        answer.map(|_| allocations)
    })?;
    let attaching = attaching(&runtime, &facade)?;
    let (start_by_hand, send_by_hand) = by_hand(&runtime)?;
    let api = per_call(|| {
        let (allocations, answer) = measure(|| counted(&runtime, pin!(facade.call())))?;
        answer.map(|_| allocations)
    })?;
    let plain = runtime.block_on(async { Plain::ready(&Hand::ready().await?).await })?;
    let api_by_hand = per_call(|| {
        let (allocations, answer) = measure(|| counted(&runtime, pin!(plain.call())))?;
        answer.map(|_| allocations)
    })?;
    println!(
        "{}",
        json!({ "facade start": starts, "facade send": sends, "attach": attaching,
        "hand start": start_by_hand, "hand send": send_by_hand, "facade api": api, "hand api": api_by_hand })
    );
    Ok(())
}

fn by_hand(runtime: &Runtime) -> Result<(Value, Value)> {
    let mut hand = runtime.block_on(Hand::ready())?;
    let starts = per_call(|| {
        let (allocations, session) = measure(|| counted(runtime, pin!(hand.start())))?;
        runtime.block_on(hand.end(&session?))?;
        Ok(allocations)
    })?;
    runtime.block_on(hand.log_in())?;
    let sends = per_call(|| {
        let (allocations, answer) = measure(|| counted(runtime, pin!(hand.send())))?;
        answer.map(|_| allocations)
    })?;
    Ok((starts, sends))
}

fn attaching(runtime: &Runtime, facade: &Facade) -> Result<Value> {
    let mut request = facade.session().request(reqwest::Method::GET, LIST)?.build()?;
    let now = tokio::time::Instant::now();
    per_call(|| {
        let (allocations, done) = measure(|| runtime.block_on(facade.session().attach(&mut request, now)))?;
        Ok(done.map(|()| allocations)?)
    })
}

fn measure<T>(work: impl FnOnce() -> T) -> Result<(AllocationInfo, T)> {
    let mut outcome = None;
    let allocations = allocation_counter::measure(|| outcome = Some(work()));
    Ok((allocations, outcome.ok_or("nothing was done")?))
}

/// The mean of several calls, after a first call that warms up.
fn per_call(mut call: impl FnMut() -> Result<AllocationInfo>) -> Result<Value> {
    call()?;
    let (mut count, mut bytes) = (0, 0);
    for _ in 0..CALLS {
        let allocations = call()?;
        count += allocations.count_total;
        bytes += allocations.bytes_total;
    }
    Ok(json!({ "count": mean(count)?, "bytes": mean(bytes)? }))
}

fn mean(sum: u64) -> Result<f64> {
    Ok(f64::from(u32::try_from(sum)?) / f64::from(CALLS))
}
