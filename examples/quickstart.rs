//! Starts a session, uses it twice, resets the password and ends it, telling each step.
//!
//! Runs against a sandbox of its own, unless `THINGSPACE_BASE_URL` (with `THINGSPACE_KEY`, `THINGSPACE_SECRET`,
//! `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`) names another platform. Mind that it resets the password there,
//! to one that nobody is told: use it on a platform that is made for trying out.

#![allow(clippy::print_stdout, reason = "telling is what an example is for")]

use std::error::Error;

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, Session, ThingSpace};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    // The sandbox stops when it is dropped, so it is held to the end.
    let (thingspace, credentials, _sandbox) = platform().await?;

    let session = thingspace.start_session(credentials.clone()).await?;
    println!("A session has started for {}.", credentials.username());

    let devices = ask(&session, Method::POST, "/m2m/v1/devices/actions/list", json!({ "maxNumberOfDevices": 10 }));
    println!("First request, with both tokens: {}", devices.await?);
    let callbacks = ask(&session, Method::GET, "/m2m/v1/callbacks/0000123456-00001", Value::Null);
    println!("Second request, same session: {}", callbacks.await?);

    let new = session.reset_password(credentials.password().clone()).await?;
    println!(
        "The password has been reset. The new one has {} characters; the old one is dead.",
        new.expose_secret().len()
    );

    session.end().await?;
    println!("The session has ended.");
    Ok(())
}

/// The platform that the environment names, or a sandbox in this process.
async fn platform() -> Result<(ThingSpace, Credentials, Option<Sandbox>), Box<dyn Error>> {
    if std::env::var_os("THINGSPACE_BASE_URL").is_some() {
        let thingspace = ThingSpace::from_env()?;
        println!("The platform is {}.", thingspace.base_url());
        return Ok((thingspace, Credentials::from_env()?, None));
    }
    let sandbox = Sandbox::start().await?;
    println!("The platform is a sandbox at {}.", sandbox.base_url());
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    Ok((thingspace, Credentials::new("zbeeblebrox", "IMgr8"), Some(sandbox)))
}

/// One request and, in a few words, its answer.
async fn ask(session: &Session, method: Method, path: &str, body: Value) -> Result<String, Box<dyn Error>> {
    let name = format!("{method} {path}");
    let mut request = session.request(method, path)?;
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = session.send(request).await?.error_for_status()?;
    Ok(format!("{name} answered {}.", answer.status()))
}
