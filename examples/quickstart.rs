//! Starts a session, uses it twice, resets the password and ends it, telling each step.
//!
//! Runs against a sandbox of its own, unless `THINGSPACE_BASE_URL` (with `THINGSPACE_KEY`, `THINGSPACE_SECRET`,
//! `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`) names another platform. There, the new password is kept in the
//! file that `THINGSPACE_PASSWORD_FILE` names, by default `thingspace-new-password`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling is what an example is for")]

use std::{
    env,
    error::Error,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
};

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, Session, ThingSpace};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let outcome = if env::var_os("THINGSPACE_BASE_URL").is_some() { on_platform().await } else { on_sandbox().await };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("It ended here: {error}.");
            let mut next = error.source();
            while let Some(source) = next {
                eprintln!("  because: {source}");
                next = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

async fn on_sandbox() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    println!("The platform is a sandbox at {}.", sandbox.base_url());
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    tour(&thingspace, Credentials::new("zbeeblebrox", "IMgr8"), None).await
}

async fn on_platform() -> Result<(), Box<dyn Error>> {
    let (thingspace, credentials) = (ThingSpace::from_env()?, Credentials::from_env()?);
    println!("The platform is {}.", thingspace.base_url());
    let path = env::var_os("THINGSPACE_PASSWORD_FILE").unwrap_or_else(|| "thingspace-new-password".into());
    tour(&thingspace, credentials, Some(path.into())).await
}

async fn tour(thingspace: &ThingSpace, user: Credentials, keep: Option<PathBuf>) -> Result<(), Box<dyn Error>> {
    let session = thingspace.start_session(user.clone()).await?;
    println!("A session has started for {}.", user.username());
    let outcome = use_it(&session, &user, keep.as_deref()).await;
    let ended = session.end().await;
    outcome?;
    ended?;
    println!("The session has ended.");
    Ok(())
}

async fn use_it(session: &Session, user: &Credentials, keep: Option<&Path>) -> Result<(), Box<dyn Error>> {
    let devices = ask(session, Method::POST, "/m2m/v1/devices/actions/list", json!({ "maxNumberOfDevices": 10 }));
    println!("First request, with both tokens: {}", devices.await?);
    let callbacks = ask(session, Method::GET, "/m2m/v1/callbacks/0000123456-00001", Value::Null);
    println!("Second request, same session: {}", callbacks.await?);

    // A place for the new password before it exists: it is said once.
    let place = keep.map(Place::new).transpose()?;
    let new = match session.reset_password(user.password().clone()).await {
        Ok(new) => new,
        Err(error) => {
            // An answer that could not be read may hold it all the same.
            if let (Some(place), Some(body)) = (place, error.body()) {
                eprintln!("What the reset was answered with is kept in {}.", place.keep(body.expose_secret())?);
            }
            return Err(error.into());
        }
    };
    println!("The password has been reset: the new one has {} characters.", new.expose_secret().len());
    if let Some(place) = place {
        println!("It is kept in {}.", place.keep(new.expose_secret())?);
    }
    Ok(())
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

/// A new file that only its owner can read; removed again if nothing is kept in it.
struct Place<'a> {
    path: &'a Path,
    file: File,
    is_kept: bool,
}

impl<'a> Place<'a> {
    fn new(path: &'a Path) -> Result<Self, String> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(path).map_err(|error| {
            let path = path.display();
            format!("{path} cannot be created for the new password ({error}), so nothing was reset; name another file")
        })?;
        Ok(Self { path, file, is_kept: false })
    }

    fn keep(mut self, text: &str) -> std::io::Result<std::path::Display<'a>> {
        self.is_kept = true;
        writeln!(self.file, "{text}")?;
        self.file.sync_all()?;
        Ok(self.path.display())
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            let _ = fs::remove_file(self.path);
        }
    }
}
