//! Measures the resident memory of this process: `memory requests 1000000` sends so many requests through one session,
//! `memory sessions 10000` starts so many sessions of different users and then sends a request through each.
//!
//! A line of JSON tells the memory at each checkpoint.
#![allow(clippy::print_stdout, reason = "the program prints its result")]

use std::{
    env,
    fs::read_to_string,
    io::{BufRead as _, BufReader, Write as _, stdout},
    process::{Child, Command, Stdio},
};

use futures_util::future::try_join_all;
use reqwest::Method;
use serde_json::json;
use thingspace_bench::{
    Result,
    facade::{builder, credentials},
    requests::{LIST, Query},
};
use thingspace_sandbox::Sandbox;
use thingspace_session::{AccessToken, Credentials, Session, ThingSpace};

/// How many tasks send at a time.
const TASKS: usize = 16;
/// Where the memory is measured, in percent. The first one is the base of the growth.
const CHECKPOINTS: [usize; 3] = [10, 50, 100];
/// The access token of a platform that accepts any user.
const ANY_USER: &str = "any-user";

#[tokio::main]
async fn main() -> Result {
    let mut arguments = env::args().skip(1);
    let what = arguments.next().ok_or("`requests`, `sessions` or `platform` is missing")?;
    if what == "platform" {
        return platform().await;
    }
    let number = arguments.next().ok_or("the number is missing")?.parse()?;
    match what.as_str() {
        "requests" => requests(number).await,
        "sessions" => sessions(number).await,
        _ => Err(format!("unknown word `{what}`").into()),
    }
}

async fn requests(number: usize) -> Result {
    let session = builder()?.build()?.start_session(credentials()).await?;
    let mut sent = 0;
    for checkpoint in CHECKPOINTS {
        let tasks = (number * checkpoint / 100 - sent) / TASKS;
        try_join_all((0..TASKS).map(|_| tokio::spawn(send(session.clone(), tasks))))
            .await?
            .into_iter()
            .collect::<Result>()?;
        sent += tasks * TASKS;
        tell(&format!("{sent} requests"))?;
    }
    Ok(())
}

async fn sessions(number: usize) -> Result {
    let platform = Platform::start()?;
    let thingspace = ThingSpace::builder().access_token(AccessToken::new(ANY_USER)).base_url(&platform.base_url);
    let thingspace = thingspace.build()?;
    let mut sessions = Vec::with_capacity(number);
    tell("0 sessions")?;
    for checkpoint in CHECKPOINTS {
        while sessions.len() < number * checkpoint / 100 {
            let user = Credentials::new(format!("user-{}", sessions.len()), "IMgr8");
            sessions.push(thingspace.start_session(user).await?);
        }
        tell(&format!("{} sessions", sessions.len()))?;
    }
    for round in ["a request through each", "a second request through each"] {
        for session in &sessions {
            send(session.clone(), 1).await?;
        }
        tell(round)?;
    }
    Ok(())
}

async fn send(session: Session, times: usize) -> Result {
    for _ in 0..times {
        let request = session.request(Method::POST, LIST)?.json(&Query::of_all());
        session.send(request).await?.error_for_status()?.bytes().await?;
    }
    Ok(())
}

fn tell(at: &str) -> Result {
    let status = read_to_string("/proc/self/status")?;
    let kib =
        |name: &str| status.lines().find_map(|line| line.strip_prefix(name)?.split_whitespace().nth(1)?.parse().ok());
    let now: u64 = kib("VmRSS").ok_or("the system tells no resident memory")?;
    let peak: u64 = kib("VmHWM").ok_or("the system tells no peak of the memory")?;
    println!("{}", json!({ "at": at, "kib": now, "peak": peak }));
    Ok(stdout().flush()?)
}

/// A platform in a process of its own, so that its memory does not count.
struct Platform {
    process: Child,
    base_url: String,
}

impl Platform {
    fn start() -> Result<Self> {
        let mut command = Command::new(env::current_exe()?);
        let mut process = command.arg("platform").stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let mut base_url = String::new();
        BufReader::new(process.stdout.take().ok_or("the platform has no output")?).read_line(&mut base_url)?;
        Ok(Self { process, base_url: base_url.trim().to_owned() })
    }
}

impl Drop for Platform {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs until its standard input ends.
async fn platform() -> Result {
    let sandbox = Sandbox::builder().simulator(ANY_USER).start().await?;
    println!("{}", sandbox.base_url());
    stdout().flush()?;
    tokio::task::spawn_blocking(|| std::io::stdin().lines().for_each(drop)).await?;
    Ok(())
}
