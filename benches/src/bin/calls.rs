//! Makes calls as standard input requests, and prints their duration.
//!
//! The line `facade send 100` requests 100 calls of `send` by this crate in sequence, and `hand start 20` requests 20
//! logins written by hand. The result is a line of JSON with the total time in nanoseconds.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

use std::io::{self, Write as _};

use thingspace_bench::{
    Result,
    facade::Facade,
    hand::Hand,
    meter::{Meter, Taken, runtime},
};

fn main() -> Result {
    runtime()?.block_on(listen())
}

async fn listen() -> Result {
    let (facade, mut hand) = (Facade::ready().await?, Hand::ready().await?);
    for line in io::stdin().lines() {
        let line = line?;
        let mut words = line.split(' ');
        let (who, what) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let calls = words.next().ok_or("the number of calls is missing")?.parse()?;
        let taken = match (who, what) {
            ("facade", "start") => start(&facade, calls).await?,
            ("facade", "send") => send(&facade, calls).await?,
            ("hand", "start") => start_by_hand(&hand, calls).await?,
            ("hand", "send") => send_by_hand(&mut hand, calls).await?,
            _ => return Err(format!("unknown line `{line}`").into()),
        };
        println!("{}", serde_json::to_string(&taken)?);
        io::stdout().flush()?;
    }
    Ok(())
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

async fn send(facade: &Facade, calls: u32) -> Result<Taken> {
    // Renews the session, because other logins have ended it.
    facade.send().await?;
    let meter = Meter::of_process();
    for _ in 0..calls {
        facade.send().await?;
    }
    Ok(meter.taken())
}

async fn send_by_hand(hand: &mut Hand, calls: u32) -> Result<Taken> {
    hand.log_in().await?;
    hand.send().await?;
    let meter = Meter::of_process();
    for _ in 0..calls {
        hand.send().await?;
    }
    Ok(meter.taken())
}
