//! Adds a session to a client with middlewares of its own. Its requests to the platform then carry both tokens.
//!
//! Runs against a sandbox of its own.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::error::Error;

use async_trait::async_trait;
use http::Extensions;
use reqwest::{Request, Response};
use reqwest_middleware::{ClientBuilder, Middleware, Next};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, ThingSpace};

/// A middleware of the program, which prints each request.
struct Tell;

#[async_trait]
impl Middleware for Tell {
    async fn handle(
        &self,
        request: Request,
        extensions: &mut Extensions,
        next: Next<'_>,
    ) -> reqwest_middleware::Result<Response> {
        let name = format!("{} {}", request.method(), request.url().path());
        let outcome = next.run(request, extensions).await;
        match &outcome {
            Ok(answer) => println!("{name} answered {}.", answer.status()),
            Err(reqwest_middleware::Error::Middleware(error)) => {
                let kind = error.downcast_ref().map(thingspace_session::Error::kind);
                println!("{name} failed: {}.", kind.unwrap_or("in another middleware"));
            }
            Err(_) => println!("{name} failed."),
        }
        outcome
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;

    // The session comes last, because a middleware after it would see no request to the platform.
    let client = ClientBuilder::new(reqwest::Client::new()).with(Tell).with(session.clone()).build();
    let url = format!("{}/m2m/v1/callbacks/0000123456-00001", sandbox.base_url());
    client.get(&url).send().await?.error_for_status()?;

    sandbox.expire_session("zbeeblebrox");
    println!("The platform has ended the session.");
    client.get(&url).send().await?.error_for_status()?;

    session.end().await?;
    println!("The session has ended for good.");
    match client.get(&url).send().await {
        Ok(answer) => Err(format!("it was answered {}", answer.status()).into()),
        Err(_) => Ok(()),
    }
}
