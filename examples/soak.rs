//! Many tasks share one session and send requests through it; ends with one line of JSON.
//!
//! ```text
//! cargo run --example soak -- --tasks 100 --requests 1000 --path /m2m/v1/devices/actions/list --store memory
//! ```
//!
//! The platform and the account are those of the `THINGSPACE_*` variables; without `THINGSPACE_BASE_URL` a sandbox of
//! its own. `--store` takes `memory` or `file:PATH`. Prints no secret, and exits with 1 if a request failed.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "telling is what an example is for")]

use std::{collections::BTreeMap, env, error::Error, ffi::OsString, process::ExitCode, time::Instant};

use reqwest::Method;
use serde_json::json;
use thingspace_sandbox::Sandbox;
use thingspace_session::{ApiKey, Credentials, FileStore, Session, ThingSpace, ThingSpaceBuilder};

const USAGE: &str = "usage: soak [--tasks N] [--requests M] [--path PATH] [--store memory|file:PATH]";

struct Options {
    tasks: usize,
    requests: usize,
    path: String,
    store: Option<String>,
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
    let mut options =
        Options { tasks: 10, requests: 100, path: "/m2m/v1/devices/actions/list".to_owned(), store: None };
    let arguments = env::args_os().skip(1).map(OsString::into_string).collect::<Result<Vec<_>, _>>();
    let mut arguments = arguments.map_err(|_| USAGE)?.into_iter();
    while let Some(option) = arguments.next() {
        let value = arguments.next().ok_or(USAGE)?;
        let number = || value.parse().map_err(|_| format!("{option} takes a number, not {value}; {USAGE}"));
        match option.as_str() {
            "--tasks" => options.tasks = number()?,
            "--requests" => options.requests = number()?,
            "--path" => options.path = value,
            "--store" => match value.split_once(':') {
                None if value == "memory" => options.store = None,
                Some(("file", path)) => options.store = Some(path.to_owned()),
                _ => return Err(format!("--store takes memory or file:PATH, not {value}; {USAGE}")),
            },
            _ => return Err(USAGE.to_owned()),
        }
    }
    Ok(options)
}

async fn run() -> Result<bool, Box<dyn Error>> {
    let options = options()?;
    let (builder, credentials, _sandbox) = platform().await?;
    let builder = match &options.store {
        Some(path) => builder.store(FileStore::new(path)),
        None => builder,
    };
    let counts = Counts::default();
    let _guard = counts.clone().install();
    let started = Instant::now();
    let session = builder.build()?.start_session(credentials).await?;

    let tasks: Vec<_> = (0..options.tasks)
        .map(|_| tokio::spawn(send(session.clone(), options.path.clone(), options.requests)))
        .collect();
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
            "p50_us": at(50), "p99_us": at(99), "seconds": seconds,
        })
    );
    Ok(lost == 0)
}

async fn send(session: Session, path: String, requests: usize) -> Vec<(Result<(), String>, u128)> {
    let mut outcomes = Vec::new();
    for _ in 0..requests {
        let started = Instant::now();
        let outcome = match session.request(Method::GET, &path) {
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

async fn platform() -> Result<(ThingSpaceBuilder, Credentials, Option<Sandbox>), Box<dyn Error>> {
    if env::var_os("THINGSPACE_BASE_URL").is_some() {
        return Ok((ThingSpaceBuilder::from_env()?, Credentials::from_env()?, None));
    }
    let sandbox = Sandbox::start().await?;
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
