//! A replica of the fleet of `cargo xtask torn`. Its workers send requests through one session, and it records every
//! event in a history.
//!
//! ```text
//! replica --name h1-0 --history FILE --vault FILE --deployed FILE --sentinels redis://HOST:26379,… [--replicas 1]
//!         [--tasks 80] [--pause 4000] [--timeout 6]
//! ```
//!
//! `THINGSPACE_*` variables configure the platform and the account. The password comes from the file `--deployed` if
//! it exists, else from the vault. The replica reads orders from the standard input, one a line: `rotate`, `recover`,
//! `adopt PASSWORD`, `stop`. It exits when its standard input closes.

#![allow(clippy::print_stderr, reason = "an example prints its errors")]

mod recording;

use std::{
    collections::BTreeMap, env, error::Error as StdError, io::BufRead as _, path::PathBuf, process::ExitCode,
    time::Duration,
};

use recording::{Recording, RecordingVault, Spans};
use reqwest::Method;
use serde_json::json;
use thingspace_sandbox::history::{History, mark, now};
use thingspace_session::{
    Credentials, CredentialsProvider, Error, FileVault, Session, ThingSpace, ThingSpaceBuilder,
    rotation::{PasswordVault as _, VaultState},
};
use thingspace_session_redis::RedisStore;
use tokio::{
    sync::mpsc,
    time::{sleep, timeout},
};

/// The pause before the next attempt to get a session or to recover a rotation.
const PAUSE: Duration = Duration::from_millis(500);
const PATH: &str = "/m2m/v1/devices/actions/list";

type Outcome<T> = Result<T, Box<dyn StdError + Send + Sync>>;

struct Replica {
    thingspace: ThingSpace,
    session: Session,
    vault: RecordingVault,
    history: History,
}

#[tokio::main(worker_threads = 2)]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Outcome<()> {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let options: BTreeMap<_, _> = arguments.chunks(2).filter_map(|pair| Some((pair.first()?, pair.get(1)?))).collect();
    let option = |name: &str| options.get(&name.to_owned()).map(|value| value.as_str());
    let required = |name: &str| option(name).ok_or_else(|| format!("the option {name} is missing"));
    let number = |name: &str, usual: u64| option(name).map_or(Ok(usual), str::parse);

    let history = History::open(required("--history")?.as_ref(), required("--name")?)?;
    Spans::install(history.clone())?;
    let store = RedisStore::sentinel("redis://mymaster/0", required("--sentinels")?.split(','))?
        .replicated_to(u32::try_from(number("--replicas", 0)?)?)?;
    let vault = RecordingVault { inner: FileVault::new(required("--vault")?), history: history.clone() };
    let limit = Duration::from_secs(number("--timeout", 6)?);
    let thingspace = ThingSpaceBuilder::from_env()?
        .store(Recording::new(store, history.clone()))
        .user_agent(required("--name")?)
        .timeout(limit)
        .allow_plain_http()
        .build()?;
    let credentials = provider(&vault, required("--deployed")?.into(), Credentials::from_env()?);
    let mut orders = orders();
    history.note(json!({ "what": "started", "deadline": u64::try_from(limit.as_micros())? }));
    let session = loop {
        match thingspace.start_session(credentials.clone()).await {
            Ok(session) => break session,
            Err(error) => history.note(json!({ "what": "no-session", "kind": error.kind() })),
        }
        match timeout(PAUSE, orders.recv()).await {
            Ok(Some(order)) if order != "stop" => {}
            Ok(_) => return Ok(()),
            Err(_) => {}
        }
    };
    let pause = Duration::from_millis(number("--pause", 4000)?);
    let workers: Vec<_> =
        (0..number("--tasks", 80)?).map(|_| tokio::spawn(work(session.clone(), history.clone(), pause))).collect();
    let replica = Replica { thingspace, session, vault, history };
    while let Some(order) = orders.recv().await {
        match order.split_once(' ') {
            None if order == "rotate" => replica.rotate().await,
            None if order == "recover" => replica.recover().await,
            Some(("adopt", password)) => replica.adopt(password).await?,
            _ => break,
        }
    }
    workers.iter().for_each(tokio::task::JoinHandle::abort);
    replica.vault.note("vault-at-end", &replica.vault.inner.load().await?);
    Ok(())
}

/// Reads orders from the standard input until it closes.
fn orders() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Provides the deployed password, else that of the vault, else that of the environment.
fn provider(vault: &RecordingVault, deployed: PathBuf, first: Credentials) -> impl CredentialsProvider + Clone + use<> {
    let vault = vault.clone();
    move || {
        let (vault, deployed, first) = (vault.clone(), deployed.clone(), first.clone());
        async move {
            match std::fs::read_to_string(deployed) {
                Ok(password) => Ok(Credentials::new(first.username(), password)),
                Err(_) => match vault.inner.load().await? {
                    VaultState::Empty => Ok(first),
                    _ => vault.inner.credentials().await,
                },
            }
        }
    }
}

async fn work(session: Session, history: History, pause: Duration) {
    loop {
        // A random pause keeps the workers from sending in step.
        sleep(pause.mul_f64(fastrand::f64() * 2.0)).await;
        let from = now();
        let outcome = match session.request(Method::GET, PATH) {
            Ok(request) => session.send(request).await,
            Err(error) => Err(error),
        };
        history.note(match outcome {
            Ok(answer) if answer.status().is_success() => json!({ "what": "request", "from": from, "outcome": "ok" }),
            Ok(answer) => json!({ "what": "request", "from": from, "outcome": answer.status().as_str() }),
            Err(error) => {
                json!({ "what": "request", "from": from, "outcome": kind(&error), "error": error.to_string() })
            }
        });
    }
}

/// The kind of the root cause.
fn kind(error: &Error) -> &'static str {
    match error {
        Error::Session { source } | Error::AccessToken { source } => kind(source),
        error => error.kind(),
    }
}

impl Replica {
    async fn rotate(&self) {
        let rotated = loop {
            match self.session.rotate_password(&self.vault).await {
                Err(Error::SessionRenewed) => {}
                rotated => break rotated,
            }
        };
        let event = match rotated {
            Ok(()) => json!({ "what": "rotated", "outcome": "ok" }),
            Err(Error::PasswordNotSaved { password, .. }) => {
                json!({ "what": "rotated", "outcome": "password_not_saved", "password": mark(password.expose_secret()) })
            }
            Err(error) => json!({ "what": "rotated", "outcome": error.kind(), "error": error.to_string() }),
        };
        self.history.note(event);
    }

    /// Retries until the outcome of the rotation is known.
    async fn recover(&self) {
        loop {
            let recovered = self.thingspace.recover_rotation(&self.vault).await;
            let outcome = recovered.as_ref().map_or_else(|error| error.kind().to_owned(), |found| format!("{found:?}"));
            self.history.note(json!({ "what": "recovered", "outcome": outcome }));
            if recovered.is_ok() {
                return;
            }
            sleep(PAUSE).await;
        }
    }

    /// Stores the password that an operator has set after a rotation lost the new one.
    async fn adopt(&self, password: &str) -> Outcome<()> {
        let state = self.vault.inner.load().await?;
        if let VaultState::Pending(pending) = &state {
            let new = VaultState::Current(Credentials::new(pending.old.username(), password));
            thingspace_session::rotation::PasswordVault::compare_and_swap(&self.vault, &state, &new).await?;
        }
        Ok(())
    }
}
