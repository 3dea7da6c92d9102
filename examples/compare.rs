//! What this crate does in the situations of `docs/comparison.md`: a line of JSON for each.
//! `xtask/interop/compare.py` does the same with Verizon's Python SDK.
//!
//! Each situation has a sandbox of its own, in this process.

#![allow(clippy::print_stdout, reason = "the output is read by `cargo xtask compare`")]

use std::time::Duration;

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{ApiKey, Credentials, RetryPolicy, Session, ThingSpace};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const KEY: &str = "sandbox-key";
const SECRET: &str = "sandbox-secret";
const USERNAME: &str = "zbeeblebrox";
const PASSWORD: &str = "IMgr8";
const LIST: &str = "/m2m/v1/devices/actions/list";
const RESET: &str = "/password/actions/reset";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result {
    show("dead_session", dead_session().await?);
    show("same_wrong_password", wrong_passwords(|_| "wrong".to_owned()).await?);
    show("other_wrong_passwords", wrong_passwords(|attempt| format!("wrong-{attempt}")).await?);
    show("lost_reset", lost_reset().await?);
    show("failing_reset", failing_reset().await?);
    show("crowd", crowd().await?);
    show("old_access_token", old_access_token().await?);
    show("rejected_access_token", rejected_access_token().await?);
    show("failing_token_endpoint", failing_token_endpoint().await?);
    show("printed", printed());
    show("redirect", redirect().await?);
    show("web_page", web_page().await?);
    Ok(())
}

fn show(situation: &str, seen: impl Into<String>) {
    println!("{}", serde_json::json!([situation, seen.into()]));
}

fn client(sandbox: &Sandbox) -> Result<ThingSpace> {
    let policy = RetryPolicy::new(2).backoff(Duration::from_millis(10));
    let builder = ThingSpace::builder().api_key(ApiKey::new(KEY, SECRET)).retry_policy(policy);
    Ok(builder.base_url(sandbox.base_url()).build()?)
}

fn credentials(password: &str) -> Credentials {
    Credentials::new(USERNAME, password)
}

/// A session that has made a call.
async fn started(sandbox: &Sandbox) -> Result<Session> {
    let session = client(sandbox)?.start_session(credentials(PASSWORD)).await?;
    devices(&session).await;
    Ok(session)
}

async fn devices(session: &Session) -> String {
    let sent = async { session.send(session.request(Method::POST, LIST)?).await };
    match sent.await {
        Ok(response) if response.status().is_success() => "success".to_owned(),
        Ok(response) => format!("status {}", response.status()),
        Err(error) => format!("{}: {error}", error.kind()),
    }
}

fn count(sandbox: &Sandbox, path: &str) -> usize {
    sandbox.requests().iter().filter(|request| request.path.ends_with(path)).count()
}

async fn dead_session() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    sandbox.expire_session(USERNAME);
    Ok(devices(&session).await)
}

async fn wrong_passwords(password: impl Fn(u32) -> String) -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let thingspace = client(&sandbox)?;
    for attempt in 0..6 {
        drop(thingspace.start_session(credentials(&password(attempt))).await);
    }
    Ok(format!("{} logins sent", sandbox.counters().logins_attempted).replace("1 logins", "1 login"))
}

async fn lost_reset() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    let seen = session.reset_password(PASSWORD).await;
    let processed = seen.as_ref().is_err_and(thingspace_session::Error::may_have_been_processed);
    let kind = seen.err().map_or("success", |error| error.kind());
    let whether = if processed { ", which may have been processed" } else { "" };
    Ok(format!("{} sent; {kind}{whether}", count(&sandbox, RESET)))
}

async fn failing_reset() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    sandbox.fault(Operation::Reset, Fault::answer_after(503, "busy"), 5);
    drop(session.reset_password(PASSWORD).await);
    Ok(format!("{} sent", count(&sandbox, RESET)))
}

async fn crowd() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let thingspace = client(&sandbox)?;
    sandbox.fault(Operation::Token, Fault::Delay(Duration::from_millis(200)), 10);
    let starts = (0..10).map(|_| thingspace.start_session(credentials(PASSWORD)));
    futures_util::future::join_all(starts).await;
    let requests = sandbox.counters().token_requests;
    Ok(if requests == 1 { "1 token request" } else { "more than one token request" }.to_owned())
}

async fn old_access_token() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    let before = sandbox.counters().token_requests;
    tokio::time::pause();
    for _ in 0..4 {
        tokio::time::advance(Duration::from_secs((3600 - 30) / 4)).await;
        devices(&session).await;
    }
    tokio::time::resume();
    Ok(if sandbox.counters().token_requests > before { "renewed" } else { "not renewed" }.to_owned())
}

async fn rejected_access_token() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    sandbox.revoke_access_tokens();
    Ok(devices(&session).await)
}

async fn failing_token_endpoint() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    sandbox.fault(Operation::Token, Fault::answer(503, "busy"), 9);
    let seen = client(&sandbox)?.start_session(credentials(PASSWORD)).await;
    Ok(seen.err().map_or("success".to_owned(), |error| format!("{}: {error}", error.kind())))
}

fn printed() -> &'static str {
    let values = (ApiKey::new(KEY, SECRET), credentials(PASSWORD));
    let text = format!("{values:?} {values:#?}");
    if [SECRET, PASSWORD].iter().any(|secret| text.contains(secret)) { "shown" } else { "redacted" }
}

async fn redirect() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    let place = format!("{}/m2m/v1/elsewhere", sandbox.base_url());
    sandbox.fault(Operation::Other, Fault::answer(307, "").with_header("location", place), 1);
    devices(&session).await;
    Ok(if count(&sandbox, "/elsewhere") == 0 { "not followed" } else { "followed" }.to_owned())
}

async fn web_page() -> Result<String> {
    let sandbox = Sandbox::start().await?;
    let session = started(&sandbox).await?;
    sandbox.fault(
        Operation::Logout,
        Fault::answer(200, "<html>Log in</html>").with_header("content-type", "text/html"),
        1,
    );
    Ok(session.end().await.err().map_or("success".to_owned(), |error| format!("{}: {error}", error.kind())))
}
