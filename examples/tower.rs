//! Adds a session to a tower service. Only requests to the platform then carry both tokens.
//!
//! Runs against a sandbox of its own. A second sandbox stands for another server.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::error::Error;

use reqwest::{Method, Request, Response};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, ThingSpace};
use tower::{Service, ServiceBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() {
    if let Err(error) = run().await {
        eprintln!("error: {error}");
        std::process::exit(1);
    }
}

async fn run() -> Result<(), Box<dyn Error + Send + Sync>> {
    let (sandbox, elsewhere) = (Sandbox::start().await?, Sandbox::start().await?);
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;

    // The innermost layer.
    let client = ServiceBuilder::new()
        .map_request(|request: Request| {
            println!("{} {}", request.method(), request.url().path());
            request
        })
        .layer(session.clone())
        .service(reqwest::Client::new());

    for platform in [&sandbox, &elsewhere] {
        let url = format!("{}/m2m/v1/callbacks/0000123456-00001", platform.base_url());
        let answer = ask(client.clone(), Request::new(Method::GET, url.parse()?)).await?;
        let arrived = platform.requests().pop().ok_or("nothing arrived")?;
        let tokens = ["authorization", "vz-m2m-token"].into_iter().filter(|name| arrived.header(name).is_some());
        println!("  arrived with {} tokens, and was answered {}.", tokens.count(), answer.status());
    }
    session.end().await?;
    Ok(())
}

async fn ask<S>(mut client: S, request: Request) -> Result<Response, S::Error>
where
    S: Service<Request, Response = Response>,
{
    std::future::poll_fn(|context| client.poll_ready(context)).await?;
    client.call(request).await
}
