//! Makes calls when it is told to, and says how long they took.
//!
//! A line `facade send 100` on standard input is 100 calls of `send` by this crate, one after the other; `hand start 20`
//! is 20 logins written by hand. The answer is a line of JSON: how many nanoseconds they took, all together.
#![allow(clippy::print_stdout, reason = "that is how it answers")]

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
        let calls = words.next().ok_or("how many calls?")?.parse()?;
        let taken = match (who, what) {
            ("facade", "start") => start(&facade, calls).await?,
            ("facade", "send") => send(&facade, calls).await?,
            ("hand", "start") => start_by_hand(&hand, calls).await?,
            ("hand", "send") => send_by_hand(&mut hand, calls).await?,
            _ => return Err(format!("`{line}` is not understood").into()),
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
    // Others have logged in meanwhile: the session is renewed here.
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
