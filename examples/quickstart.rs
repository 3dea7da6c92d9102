//! Starts a session, uses it twice, resets the password and ends the session. Prints each step.
//!
//! Runs against a sandbox of its own, unless `THINGSPACE_BASE_URL` (with `THINGSPACE_KEY`, `THINGSPACE_SECRET`,
//! `THINGSPACE_USERNAME` and `THINGSPACE_PASSWORD`) names another platform. There, the example writes the new password
//! to the file that `THINGSPACE_PASSWORD_FILE` names, by default a new one in `thingspace` below `$XDG_STATE_HOME` or
//! `~/.local/state`. It keeps the session in the same folder, or in the file that `THINGSPACE_STORE` names, so that a
//! start after a wrong password sends no login. It writes no secret into a git checkout.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "an example prints what it does")]

use std::{
    env,
    error::Error,
    fs::{self, File, OpenOptions},
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, FileStore, Session, ThingSpace, ThingSpaceBuilder};

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("It ended here: {error}");
            let mut next = error.source();
            while let Some(source) = next {
                eprintln!("  because: {source}");
                next = source.source();
            }
            ExitCode::FAILURE
        }
    }
}

pub(crate) async fn run() -> Result<(), Box<dyn Error>> {
    if env::var_os("THINGSPACE_BASE_URL").is_some() { on_platform().await } else { on_sandbox().await }
}

async fn on_sandbox() -> Result<(), Box<dyn Error>> {
    let sandbox = Sandbox::start().await?;
    println!("The platform is a sandbox at {}.", sandbox.base_url());
    let api_key = ApiKey::new("sandbox-key", "sandbox-secret");
    let thingspace = ThingSpace::builder().api_key(api_key).base_url(sandbox.base_url()).build()?;
    tour(&thingspace, Credentials::new("zbeeblebrox", "IMgr8"), None).await
}

async fn on_platform() -> Result<(), Box<dyn Error>> {
    let (builder, credentials) = (ThingSpaceBuilder::from_env()?, Credentials::from_env()?);
    let builder = if env::var_os("THINGSPACE_STORE").is_some() {
        builder
    } else {
        builder.store(FileStore::new(state_folder()?.join("session.json")))
    };
    let path = if let Some(path) = env::var_os("THINGSPACE_PASSWORD_FILE") {
        path.into()
    } else {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        state_folder()?.join(format!("new-password-{now}"))
    };
    let path = outside_of_checkouts(&path)?;
    let thingspace = builder.build()?;
    println!("The platform is {}.", thingspace.base_url());
    tour(&thingspace, credentials, Some(path)).await
}

/// The folder for the state of this user's programs. Creates a missing folder, which only its owner can read.
fn state_folder() -> Result<PathBuf, String> {
    let named = env::var_os("XDG_STATE_HOME").map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = named.or_else(|| env::home_dir().map(|home| home.join(".local/state")));
    let folder = folder.ok_or("there is no home folder to keep the new password in; set THINGSPACE_PASSWORD_FILE")?;
    let folder = folder.join("thingspace");
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&folder).map_err(|error| format!("{} cannot be created: {error}", folder.display()))?;
    Ok(folder)
}

/// The absolute path. Rejects a path in a git checkout, where the file could be committed by accident.
fn outside_of_checkouts(path: &Path) -> Result<PathBuf, String> {
    let cannot = |error| format!("{} cannot be used for the new password: {error}", path.display());
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let folder = folder.canonicalize().map_err(cannot)?;
    if let Some(checkout) = folder.ancestors().find(|folder| folder.join(".git").exists()) {
        let (path, checkout) = (path.display(), checkout.display());
        return Err(format!(
            "{path} lies in the git checkout {checkout}, so nothing was sent; name a file elsewhere for the new password"
        ));
    }
    Ok(folder.join(path.file_name().unwrap_or_default()))
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

    // Reserves a file first, because the platform returns the new password only once.
    let place = keep.map(Place::new).transpose()?;
    let new = match session.reset_password(user.password().clone()).await {
        Ok(new) => new,
        Err(error) => {
            // A response that the crate cannot read may still hold the password.
            if let (Some(place), Some(body)) =
                (place, error.body().filter(|_| error.status().is_some_and(|status| status.is_success())))
            {
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

/// Sends a request and returns a short description of the response.
async fn ask(session: &Session, method: Method, path: &str, body: Value) -> Result<String, Box<dyn Error>> {
    let name = format!("{method} {path}");
    let mut request = session.request(method, path)?;
    if !body.is_null() {
        request = request.json(&body);
    }
    let answer = session.send(request).await?.error_for_status()?;
    Ok(format!("{name} answered {}.", answer.status()))
}

/// A new file that only its owner can read. It is removed if it stays empty.
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
