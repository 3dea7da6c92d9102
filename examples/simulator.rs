//! Sends a first request to Verizon's simulator, which takes a test access token and any username and password.
//!
//! `THINGSPACE_ACCESS_TOKEN` is the test token from *Key Management* in the ThingSpace portal. Without it the example
//! runs on a sandbox of its own.

#![allow(clippy::print_stdout, reason = "an example shows what it receives")]

use std::{env, error::Error};

use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{AccessToken, Credentials, ThingSpace};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let token = env::var("THINGSPACE_ACCESS_TOKEN").ok();
    let sandbox = Sandbox::builder().simulator("test-token").start().await?;
    let builder = match token {
        Some(token) => ThingSpace::builder().access_token(AccessToken::new(token)),
        None => ThingSpace::builder().access_token(AccessToken::new("test-token")).base_url(sandbox.base_url()),
    };
    let session = builder.build()?.start_session(Credentials::new("any", "any")).await?;
    let request = session.request(Method::GET, "/m2m/v1/callbacks/TestAccount-1")?;
    let response = session.send(request).await?.error_for_status()?;
    println!("{}", response.text().await?);
    session.end().await?;
    Ok(())
}
