//! Many tasks share one session and send requests through it; ends with one line of JSON.
//!
//! ```text
//! cargo run --example soak -- --tasks 100 --requests 1000 --path /m2m/v1/devices/actions/list --store memory
//! ```
//!
//! The platform and the account are those of the `THINGSPACE_*` variables; without `THINGSPACE_BASE_URL` a sandbox of
//! its own, whose sessions expire after as many requests as `--requests-per-session` says. `--store` takes `memory`, `file:PATH` or the URL of a Redis server. With `--seconds` the tasks send until that
//! time is over, with `--pause` they wait that many milliseconds between two requests, on average. `--vault` is a vault to take the
//! password from, as soon as it holds one; `--rotate yes` replaces the password half-way. Prints no secret, and exits
//! with 1 if a request failed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling is what an example is for")]

use std::{
    collections::BTreeMap,
    env,
    error::Error,
    ffi::OsString,
    process::ExitCode,
    time::{Duration, Instant},
};

use reqwest::Method;
use serde_json::json;
use thingspace_sandbox::Sandbox;
use thingspace_session::{
    ApiKey, Credentials, CredentialsProvider as _, FileStore, FileVault, Session, ThingSpace, ThingSpaceBuilder,
    rotation::{PasswordVault as _, VaultState},
};
use thingspace_session_redis::RedisStore;

const USAGE: &str = "usage: soak [--tasks N] [--requests M | --seconds S] [--pause MILLISECONDS] [--path PATH] \
                     [--store memory|file:PATH|redis://HOST:PORT] [--timeout SECONDS] [--vault PATH [--rotate yes]] \
                     [--requests-per-session N]";

struct Options {
    tasks: usize,
    load: Load,
    store: Option<String>,
    timeout: Option<Duration>,
    vault: Option<FileVault>,
    rotate: bool,
    requests_per_session: Option<u64>,
}

/// What one task sends.
#[derive(Clone)]
struct Load {
    path: String,
    requests: usize,
    time: Option<Duration>,
    pause: Duration,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Options, String> {
    let path = "/m2m/v1/devices/actions/list".to_owned();
    let load = Load { path, requests: 100, time: None, pause: Duration::ZERO };
    let mut options =
        Options { tasks: 10, load, store: None, timeout: None, vault: None, rotate: false, requests_per_session: None };
    let arguments = env::args_os().skip(1).map(OsString::into_string).collect::<Result<Vec<_>, _>>();
    let mut arguments = arguments.map_err(|_| USAGE)?.into_iter();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || value.parse::<usize>().map_err(|_| format!("{option} takes a number, not {value}; {USAGE}"));
        match option.as_str() {
            "--tasks" => options.tasks = number()?,
            "--requests" => options.load.requests = number()?,
            "--seconds" => options.load.time = Some(Duration::from_secs(number()? as u64)),
            "--pause" => options.load.pause = Duration::from_millis(number()? as u64),
            "--timeout" => options.timeout = Some(Duration::from_secs(number()? as u64)),
            "--path" => options.load.path = value,
            "--store" => options.store = Some(value),
            "--vault" => options.vault = Some(FileVault::new(value)),
            "--requests-per-session" => options.requests_per_session = Some(number()? as u64),
            "--rotate" if value == "yes" => options.rotate = true,
            _ => return Err(USAGE.to_owned()),
        }
    }
    if options.requests_per_session.is_some() && env::var_os("THINGSPACE_BASE_URL").is_some() {
        return Err(format!("--requests-per-session is for the sandbox: unset THINGSPACE_BASE_URL; {USAGE}"));
    }
    if options.rotate && options.vault.is_none() {
        return Err(format!("--rotate wants a --vault to keep the new password in; {USAGE}"));
    }
    Ok(options)
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let options = options()?;
    let (builder, credentials, _sandbox) = platform(options.requests_per_session).await?;
    let builder = with_store(builder, options.store.as_deref().unwrap_or("memory"))?;
    let builder = if let Some(timeout) = options.timeout { builder.timeout(timeout) } else { builder };
    let counts = Counts::default();
    let _guard = counts.clone().install();
    let started = Instant::now();
    let thingspace = builder.build()?;
    let session = match &options.vault {
        Some(vault) => thingspace.start_session(source(vault.clone(), credentials)).await?,
        None => thingspace.start_session(credentials).await?,
    };

    let tasks: Vec<_> = (0..options.tasks).map(|_| tokio::spawn(send(session.clone(), options.load.clone()))).collect();
    if let (true, Some(vault)) = (options.rotate, &options.vault) {
        tokio::time::sleep(options.load.time.unwrap_or_default() / 2).await;
        rotate(&session, vault).await?;
    }
    let (mut times, mut failed) = (Vec::new(), BTreeMap::<String, usize>::new());
    for task in tasks {
        for (outcome, micros) in task.await? {
            times.push(micros);
            if let Err(kind) = outcome {
                *failed.entry(kind).or_default() += 1;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    times.sort_unstable();
    let at = |share: usize| times.get(times.len().saturating_sub(1) * share / 100).copied().unwrap_or_default();
    let lost: usize = failed.values().sum();
    println!(
        "{}",
        json!({
            "requests": times.len(), "ok": times.len() - lost, "failed": failed,
            "logins": counts.of("start_connectivity_management_session"),
            "access_token_fetches": counts.of("access_token"),
            "p50_us": at(50), "p99_us": at(99), "max_us": at(100), "seconds": seconds,
        })
    );
    Ok(lost == 0)
}

fn with_store(builder: ThingSpaceBuilder, store: &str) -> Result<ThingSpaceBuilder, Box<dyn Error>> {
    match store.split_once(':') {
        None if store == "memory" => Ok(builder),
        Some(("file", path)) => Ok(builder.store(FileStore::new(path))),
        Some(("redis" | "rediss" | "redis+unix", _)) => Ok(builder.store(RedisStore::new(store)?)),
        // It is not quoted: a URL may hold a password.
        _ => Err(format!("--store takes memory, file:PATH or redis://HOST:PORT; {USAGE}").into()),
    }
}

/// The vault's password once it has one, and until then that of the environment.
fn source(vault: FileVault, first: Credentials) -> impl thingspace_session::CredentialsProvider {
    move || {
        let (vault, first) = (vault.clone(), first.clone());
        async move {
            match vault.load().await? {
                VaultState::Empty => Ok(first),
                _ => vault.credentials().await,
            }
        }
    }
}

/// A session that is found dead is renewed, and nothing was reset.
async fn rotate(session: &Session, vault: &FileVault) -> Result<(), thingspace_session::Error> {
    loop {
        match session.rotate_password(vault).await {
            Err(thingspace_session::Error::SessionRenewed) => {}
            outcome => return outcome,
        }
    }
}

async fn send(session: Session, load: Load) -> Vec<(Result<(), String>, u128)> {
    let mut outcomes = Vec::new();
    let begin = Instant::now();
    let is_over = |sent| load.time.map_or(sent >= load.requests, |time| begin.elapsed() >= time);
    while !is_over(outcomes.len()) {
        // By chance up to twice as long, so that the tasks do not march in step.
        tokio::time::sleep(load.pause.mul_f64(fastrand::f64() * 2.0)).await;
        let started = Instant::now();
        let outcome = match session.request(Method::GET, &load.path) {
            Ok(request) => match session.send(request).await {
                Ok(answer) if answer.status().is_success() => Ok(()),
                Ok(answer) => Err(answer.status().as_u16().to_string()),
                Err(error) => Err(error.kind().to_owned()),
            },
            Err(error) => Err(error.kind().to_owned()),
        };
        outcomes.push((outcome, started.elapsed().as_micros()));
    }
    outcomes
}

async fn platform(
    requests_per_session: Option<u64>,
) -> Result<(ThingSpaceBuilder, Credentials, Option<Sandbox>), Box<dyn Error>> {
    if env::var_os("THINGSPACE_BASE_URL").is_some() {
        return Ok((ThingSpaceBuilder::from_env()?, Credentials::from_env()?, None));
    }
    let sandbox = Sandbox::builder();
    let sandbox = match requests_per_session {
        Some(requests) => sandbox.requests_per_session(requests),
        None => sandbox,
    };
    let sandbox = sandbox.start().await?;
    let builder = ThingSpace::builder().api_key(ApiKey::new("sandbox-key", "sandbox-secret"));
    Ok((builder.base_url(sandbox.base_url()), Credentials::new("zbeeblebrox", "IMgr8"), Some(sandbox)))
}

/// How many calls there were of each operation, by the spans that tell of them.
#[derive(Clone, Default)]
struct Counts(std::sync::Arc<std::sync::Mutex<BTreeMap<String, usize>>>);

impl Counts {
    fn install(self) -> Result<(), tracing::subscriber::SetGlobalDefaultError> {
        use tracing_subscriber::layer::SubscriberExt as _;
        tracing::subscriber::set_global_default(tracing_subscriber::registry().with(self))
    }

    fn of(&self, operation: &str) -> usize {
        self.0.lock().map(|counts| counts.get(operation).copied().unwrap_or_default()).unwrap_or_default()
    }
}

impl<S: tracing::Subscriber> tracing_subscriber::Layer<S> for Counts {
    fn on_new_span(
        &self,
        attributes: &tracing::span::Attributes<'_>,
        _: &tracing::span::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        struct Name(String);
        impl tracing::field::Visit for Name {
            fn record_str(&mut self, field: &tracing::field::Field, value: &str) {
                if field.name() == "thingspace.operation" {
                    value.clone_into(&mut self.0);
                }
            }

            fn record_debug(&mut self, _: &tracing::field::Field, _: &dyn std::fmt::Debug) {}
        }
        let mut name = Name(String::new());
        attributes.record(&mut name);
        if let Ok(mut counts) = self.0.lock() {
            *counts.entry(name.0).or_default() += 1;
        }
    }
}
