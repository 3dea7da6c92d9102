//! Counts the instructions of a call, which runs on one thread, with callgrind. `cargo xtask bench` starts
//! `gungraun-runner`, which runs callgrind.
//!
//! The count leaves out the sandbox, which is another process, and the operating system.
#![allow(missing_docs, reason = "gungraun's macros")]
#![allow(clippy::unwrap_used, reason = "a failed call ends the benchmark")]

use std::pin::pin;

use gungraun::{Callgrind, EntryPoint, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use thingspace_bench::{
    counted::CALLS,
    facade::Facade,
    hand::Hand,
    meter::{counted, runtime},
};
use tokio::runtime::Runtime;

/// The number of calls before the counted ones.
const WARMING: u32 = 20;

struct Ready<T>(Runtime, T);

fn facade() -> Ready<Facade> {
    let runtime = runtime().unwrap();
    let facade = runtime.block_on(async {
        let facade = Facade::ready().await.unwrap();
        for _ in 0..WARMING {
            facade.start().await.unwrap().end().await.unwrap();
        }
        for _ in 0..WARMING {
            facade.send().await.unwrap();
        }
        facade
    });
    Ready(runtime, facade)
}

fn hand() -> Ready<Hand> {
    let runtime = runtime().unwrap();
    let hand = runtime.block_on(async {
        let mut hand = Hand::ready().await.unwrap();
        for _ in 0..WARMING {
            hand.end(&hand.start().await.unwrap()).await.unwrap();
        }
        hand.log_in().await.unwrap();
        for _ in 0..WARMING {
            hand.send().await.unwrap();
        }
        hand
    });
    Ready(runtime, hand)
}

#[library_benchmark(setup = facade)]
fn start_facade(Ready(runtime, facade): Ready<Facade>) {
    for _ in 0..CALLS {
        let session = counted(&runtime, pin!(facade.start())).unwrap();
        runtime.block_on(session.end()).unwrap();
    }
}

#[library_benchmark(setup = hand)]
fn start_hand(Ready(runtime, hand): Ready<Hand>) {
    for _ in 0..CALLS {
        let session = counted(&runtime, pin!(hand.start())).unwrap();
        runtime.block_on(hand.end(&session)).unwrap();
    }
}

#[library_benchmark(setup = facade)]
fn send_facade(Ready(runtime, facade): Ready<Facade>) {
    for _ in 0..CALLS {
        counted(&runtime, pin!(facade.send())).unwrap();
    }
}

#[library_benchmark(setup = hand)]
fn send_hand(Ready(runtime, hand): Ready<Hand>) {
    for _ in 0..CALLS {
        counted(&runtime, pin!(hand.send())).unwrap();
    }
}

library_benchmark_group!(name = calls; benchmarks = start_facade, start_hand, send_facade, send_hand);

main!(
    config = LibraryBenchmarkConfig::default()
        .pass_through_env("THINGSPACE_BASE_URL")
        .tool(Callgrind::default().entry_point(EntryPoint::Custom("*meter::counted*".to_owned())));
    library_benchmark_groups = calls
);
