//! Makes calls on command and measures their time.
//!
//! A line such as `facade send 100` requests 100 calls of `send` by this crate in sequence, and `hand start 20` requests 20
//! logins written by hand. The result is a line of JSON with the total time in nanoseconds.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

use std::io::{self, Write as _};

use thingspace_bench::{
    Result,
    facade::{self, Facade},
    hand::{self, Hand},
    meter::{Meter, Taken, runtime},
    plain::Plain,
};
use tokio::runtime::Runtime;

fn main() -> Result {
    let runtime = runtime()?;
    let mut programs = Programs::ready(&runtime)?;
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let (who, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let calls = words.next().ok_or("the number of calls is missing")?.parse()?;
        let taken = programs.measure(&runtime, who, what, calls)?;
        println!("{}", serde_json::to_string(&taken)?);
        io::stdout().flush()?;
    }
    Ok(())
}

struct Programs {
    facade: Facade,
    hand: Hand,
    plain: Plain,
    facade_blocking: facade::Blocking,
    hand_blocking: hand::Blocking,
}

impl Programs {
    fn ready(runtime: &Runtime) -> Result<Self> {
        let (facade, hand) = (runtime.block_on(Facade::ready())?, runtime.block_on(Hand::ready())?);
        let plain = runtime.block_on(Plain::ready(&hand))?;
        let facade_blocking = facade::Blocking::ready()?;
        let hand_blocking = hand::Blocking::ready(runtime.block_on(Hand::ready())?)?;
        Ok(Self { facade, hand, plain, facade_blocking, hand_blocking })
    }

    fn measure(&mut self, runtime: &Runtime, who: &str, what: &str, calls: u32) -> Result<Taken> {
        let Self { facade, hand, plain, facade_blocking, hand_blocking } = self;
        match (who, what) {
            ("facade", "start") => runtime.block_on(start(facade, calls)),
            ("hand", "start") => runtime.block_on(start_by_hand(hand, calls)),
            // The first call renews the session, because other logins have ended it.
            ("facade", "send") => runtime.block_on(each(calls, || facade.send())),
            ("hand", "send") => runtime.block_on(async {
                hand.log_in().await?;
                each(calls, || hand.send()).await
            }),
            ("facade", "api") => runtime.block_on(each(calls, || facade.call())),
            ("hand", "api") => runtime.block_on(each(calls, || plain.call())),
            ("facade", "blocking") => each_blocking(calls, || facade_blocking.send()),
            ("hand", "blocking") => {
                runtime.block_on(hand_blocking.log_in())?;
                each_blocking(calls, || hand_blocking.send())
            }
            _ => Err(format!("unknown words `{who} {what}`").into()),
        }
    }
}

async fn start(facade: &Facade, calls: u32) -> Result<Taken> {
    let mut taken = Taken::default();
    for _ in 0..calls {
        let meter = Meter::of_process();
        let session = facade.start().await?;
        taken += meter.taken();
        session.end().await?;
    }
    Ok(taken)
}

async fn start_by_hand(hand: &Hand, calls: u32) -> Result<Taken> {
    let mut taken = Taken::default();
    for _ in 0..calls {
        let meter = Meter::of_process();
        let session = hand.start().await?;
        taken += meter.taken();
        hand.end(&session).await?;
    }
    Ok(taken)
}

/// Measures calls in sequence after a first one, which warms up.
async fn each<T>(calls: u32, call: impl AsyncFn() -> Result<T>) -> Result<Taken> {
    call().await?;
    let meter = Meter::of_process();
    for _ in 0..calls {
        call().await?;
    }
    Ok(meter.taken())
}

fn each_blocking<T>(calls: u32, call: impl Fn() -> Result<T>) -> Result<Taken> {
    call()?;
    let meter = Meter::of_process();
    for _ in 0..calls {
        call()?;
    }
    Ok(meter.taken())
}
