//! Starts a session, sends a request and ends the session, in a program without an async runtime.
//!
//! Runs against a sandbox of its own, unless `THINGSPACE_BASE_URL` (with `THINGSPACE_KEY`, `THINGSPACE_SECRET`,
//! `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`) names another platform.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::{env, error::Error};

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, blocking::ThingSpace};

fn main() {
    if let Err(error) = run() {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

fn run() -> Result<(), Box<dyn Error>> {
    if env::var_os("THINGSPACE_BASE_URL").is_some() {
        return tour(&ThingSpace::from_env()?, Credentials::from_env()?);
    }
    // Only the sandbox needs a runtime.
    let runtime = tokio::runtime::Runtime::new()?;
    let sandbox = runtime.block_on(Sandbox::start())?;
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build_blocking()?;
    tour(&thingspace, Credentials::new("zbeeblebrox", "IMgr8"))
}

fn tour(thingspace: &ThingSpace, user: Credentials) -> Result<(), Box<dyn Error>> {
    let session = thingspace.start_session(user)?;
    println!("A session has started at {}.", thingspace.base_url());
    let request =
        session.request(Method::POST, "/m2m/v1/devices/actions/list")?.json(&json!({"maxNumberOfDevices": 5}));
    let answer = session.send(request)?;
    println!("A request was answered with {}.", answer.status());
    let _: Value = answer.error_for_status()?.json()?;
    session.end()?;
    println!("The session has ended.");
    Ok(())
}
