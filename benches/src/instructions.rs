//! Counts the instructions of a call, which runs on one thread, with callgrind. `cargo xtask bench` starts
//! `gungraun-runner`, which runs callgrind.
//!
//! The count leaves out the sandbox, which is another process, and the operating system.
#![allow(missing_docs, reason = "gungraun's macros")]
#![allow(clippy::unwrap_used, reason = "a failed call ends the benchmark")]

use std::pin::pin;

use gungraun::{Callgrind, Dhat, EntryPoint, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main};
use thingspace_bench::{
    counted::CALLS,
    facade::{self, Facade},
    hand::{self, Hand},
    meter::{counted, runtime},
    plain::Plain,
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

fn api() -> Ready<Facade> {
    let Ready(runtime, facade) = facade();
    for _ in 0..WARMING {
        runtime.block_on(facade.call()).unwrap();
    }
    Ready(runtime, facade)
}

fn plain() -> Ready<Plain> {
    let runtime = runtime().unwrap();
    let plain = runtime.block_on(async {
        let plain = Plain::ready(&Hand::ready().await.unwrap()).await.unwrap();
        for _ in 0..WARMING {
            plain.call().await.unwrap();
        }
        plain
    });
    Ready(runtime, plain)
}

#[library_benchmark(setup = api)]
fn api_facade(Ready(runtime, facade): Ready<Facade>) {
    for _ in 0..CALLS {
        counted(&runtime, pin!(facade.call())).unwrap();
    }
}

#[library_benchmark(setup = plain)]
fn api_hand(Ready(runtime, plain): Ready<Plain>) {
    for _ in 0..CALLS {
        counted(&runtime, pin!(plain.call())).unwrap();
    }
}

// A blocking call runs on several threads, so the whole process is counted: with the calls and without them.
#[library_benchmark]
#[bench::without(0)]
#[bench::with(CALLS)]
fn blocking_facade(calls: u32) {
    let blocking = facade::Blocking::ready().unwrap();
    for _ in 0..WARMING + calls {
        blocking.send().unwrap();
    }
}

#[library_benchmark]
#[bench::without(0)]
#[bench::with(CALLS)]
fn blocking_hand(calls: u32) {
    let hand = runtime().unwrap().block_on(Hand::ready()).unwrap();
    let blocking = hand::Blocking::ready(hand).unwrap();
    for _ in 0..WARMING + calls {
        blocking.send().unwrap();
    }
}

library_benchmark_group!(
    name = calls;
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::default().entry_point(EntryPoint::Custom("*meter::counted*".to_owned())));
    benchmarks = start_facade, start_hand, send_facade, send_hand, api_facade, api_hand
);

library_benchmark_group!(
    name = blocking;
    config = LibraryBenchmarkConfig::default()
        .tool(Callgrind::default().entry_point(EntryPoint::None))
        .tool(Dhat::default().entry_point(EntryPoint::None));
    benchmarks = blocking_facade, blocking_hand
);

main!(
    config = LibraryBenchmarkConfig::default().pass_through_env("THINGSPACE_BASE_URL");
    library_benchmark_groups = calls, blocking
);
