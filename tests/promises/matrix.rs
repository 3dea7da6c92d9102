//! Every call meets every fault, once and permanently. Each call ends in time, with an error that states the known
//! outcome. The crate reports a lost password, logs no secret, keeps the account open, and works again after the fault.
//!
//! The test runs in its own process, because it searches the complete log of the process for secrets.
//!
//! A listener with a full queue simulates a network that drops packets, which is possible only on Linux.

use std::{
    collections::BTreeSet,
    io::Write as _,
    sync::LazyLock,
    time::{Duration, Instant as WallClock},
};

use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, FileVault, Session, ThingSpace,
    rotation::{PasswordVault, Recovery, VaultState},
};
use tokio::time::Instant;

use crate::{
    leaks::{self, Log},
    support::{ECHO, PASSWORD, USERNAME, alone, arrived, client_of, credentials, full, passed, shown},
};

const TIMEOUT: Duration = Duration::from_secs(30);
/// The deadline of a call.
const DEADLINE: Duration = Duration::from_secs(31);
const PERSISTENT: u32 = 10_000;

/// Built once, because one of them is large.
static TROUBLES: LazyLock<Vec<(&str, Trouble)>> = LazyLock::new(troubles);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Call {
    Start,
    Get,
    Post,
    Reset,
    Rotate,
    End,
}

impl Call {
    const ALL: [Self; 6] = [Self::Start, Self::Get, Self::Post, Self::Reset, Self::Rotate, Self::End];

    fn operation(self) -> Operation {
        match self {
            Self::Start => Operation::Login,
            Self::Get | Self::Post => Operation::Other,
            Self::Reset | Self::Rotate => Operation::Reset,
            Self::End => Operation::Logout,
        }
    }
}

#[derive(Clone, Debug)]
enum Trouble {
    /// No process listens on the port.
    Refused,
    /// The network drops the packets of a connection.
    Swallowed,
    Suffers(Fault),
}

fn troubles() -> Vec<(&'static str, Trouble)> {
    let nothing = json!({ "sessionToken": null, "newPassword": null });
    let refused = |code: &str| Fault::refused(&format!("UnifiedWebService.{code}"));
    let faults = [
        ("close before", Fault::CloseBefore),
        ("close after", Fault::CloseAfter),
        ("truncate", Fault::Truncate),
        ("drip", Fault::Drip { interval: Duration::from_secs(1) }),
        ("stall", Fault::Delay(Duration::from_secs(120))),
        ("500", Fault::answer(500, "")),
        ("502 html", Fault::answer(502, "<html>").with_header("server", "proxy")),
        ("502 after", Fault::answer_after(502, "<html>")),
        ("503", Fault::answer(503, "busy")),
        ("429", Fault::answer(429, "").with_header("retry-after", "5")),
        ("200 empty", Fault::answer(200, "")),
        ("200 other json", Fault::json(200, &json!([1, { "sessionToken": 7, "newPassword": [] }]))),
        ("200 null", Fault::json(200, &nothing)),
        ("200 nothing, but processed", Fault::answer_after(200, "{}")),
        ("200 huge", Fault::answer(200, " ".repeat(100 * 1024 * 1024))),
        ("900901", Fault::gateway("900901")),
        ("900902", Fault::gateway("900902")),
        ("session expired", refused("REQUEST_FAILED.SessionToken.Expired")),
        ("session format", refused("REQUEST_FAILED.SessionToken.Format")),
        ("session invalid", refused("INPUT_INVALID.SessionToken.Invalid")),
        ("401", Fault::answer(401, "")),
        ("403", Fault::answer(403, "")),
    ];
    let faults = faults.map(|(name, fault)| (name, Trouble::Suffers(fault)));
    let mut troubles = vec![("connection refused", Trouble::Refused)];
    if cfg!(target_os = "linux") {
        troubles.push(("connect timeout", Trouble::Swallowed));
    }
    troubles.into_iter().chain(faults).collect()
}

struct Cell {
    name: String,
    call: Call,
    sandbox: Option<Sandbox>,
    thingspace: ThingSpace,
    session: Option<Session>,
    directory: TempDir,
    calls: usize,
    secrets: BTreeSet<String>,
    log: Log,
}

impl Cell {
    async fn new(call: Call, name: String, log: Log) -> Self {
        let sandbox = Sandbox::start().await.unwrap();
        // No trust store, because reading it takes most of the time here. The client logs every byte.
        let client = client_of(&sandbox).http_client(|http| http.tls_certs_only([]).connection_verbose(true));
        let client = client.timeout(TIMEOUT).response_limit(64 * 1024);
        let thingspace = client.build().unwrap();
        let session = match call {
            Call::Start => None,
            _ => Some(thingspace.start_session(credentials()).await.unwrap()),
        };
        Self {
            name,
            call,
            sandbox: Some(sandbox),
            thingspace,
            session,
            directory: tempfile::tempdir().unwrap(),
            calls: 0,
            secrets: BTreeSet::new(),
            log,
        }
    }

    fn sandbox(&self) -> &Sandbox {
        self.sandbox.as_ref().unwrap()
    }

    fn vault(&self) -> FileVault {
        FileVault::new(self.directory.path().join("password.json"))
    }

    /// All secrets of the cell.
    async fn run(mut self, trouble: &Trouble, times: u32) -> BTreeSet<String> {
        match trouble {
            Trouble::Suffers(fault) => {
                self.sandbox().fault(self.call.operation(), fault.clone(), times);
                self.calls(if times == 1 { 1 } else { 4 }).await;
            }
            Trouble::Refused | Trouble::Swallowed => {
                let address = self.sandbox().address();
                self.learn();
                self.sandbox = None;
                // Closes the remaining connections.
                tokio::time::sleep(Duration::from_millis(1)).await;
                let swallows = matches!(trouble, Trouble::Swallowed).then(|| full(address));
                self.calls(2).await;
                drop(swallows);
                self.sandbox = Some(Sandbox::builder().listen(address).start().await.unwrap());
            }
        }
        self.recover().await;
        self.learn();
        self.secrets
    }

    fn learn(&mut self) {
        self.secrets.extend(self.sandbox.iter().flat_map(leaks::secrets_of));
    }

    async fn calls(&mut self, number: u32) {
        for _ in 0..number {
            let started = Instant::now();
            self.calls += 1;
            let outcome = self.make().await;
            let (name, took) = (&self.name, started.elapsed());
            assert!(took <= DEADLINE, "{name}: it took {took:?}: {outcome:?}");
            self.learn();
            self.judge(outcome).await;
        }
    }

    async fn make(&mut self) -> Result<Option<String>, Error> {
        let session = || self.session.clone().unwrap();
        let ask = async |method| session().send(session().request(method, ECHO).unwrap()).await;
        match self.call {
            Call::Start => self.session = Some(self.thingspace.start_session(credentials()).await?),
            // A response is not an error of this crate. The caller limits the time for its body.
            Call::Get => drop(ask(Method::GET).await?),
            Call::Post => drop(ask(Method::POST).await?),
            Call::Reset => return Ok(Some(session().reset_password(PASSWORD).await?.expose_secret().to_owned())),
            Call::Rotate => session().rotate_password(&self.vault()).await?,
            Call::End => session().end().await?,
        }
        Ok(None)
    }

    async fn judge(&mut self, outcome: Result<Option<String>, Error>) {
        let name = &self.name;
        if let Err(error) = &outcome {
            assert!(is_helpful(error), "{name}: {error}");
            // Logged like an application would, to be searched with the rest.
            writeln!(self.log, "{}", shown(error)).unwrap();
        }
        let Some(sandbox) = &self.sandbox else { return };
        assert!(sandbox.strikes(USERNAME) <= 2 && !sandbox.is_locked(USERNAME), "{name}");
        let resets = sandbox.counters().resets_processed;
        assert!(resets <= 1, "{name}: {resets} resets");
        assert!(arrived(sandbox, "/actions/reset") <= self.calls, "{name}: one call has sent two resets");
        let holds = sandbox.password(USERNAME).unwrap();
        if holds != PASSWORD {
            let is_known = match &outcome {
                Ok(given) => given.as_deref() == Some(&holds) || self.kept().await.as_deref() == Some(&holds),
                Err(Error::PasswordNotSaved { password, .. }) => password.expose_secret() == holds,
                Err(error) => error.body().is_some_and(|body| body.expose_secret().contains(&holds)),
            };
            let is_told = outcome.as_ref().is_err_and(|error| match self.call {
                Call::Rotate => matches!(error, Error::ResetOutcomeUnknown { .. } | Error::RotationPending { .. }),
                _ => is_unknown(error),
            });
            assert!(is_known || is_told, "{name}: the new password is lost: {outcome:?}");
        }
    }

    async fn kept(&self) -> Option<String> {
        match self.vault().load().await.unwrap() {
            VaultState::Current(kept) => Some(kept.password().expose_secret().to_owned()),
            _ => None,
        }
    }

    /// After the fault, an operator with the password follows the advice of the errors, and everything works.
    async fn recover(&self) {
        let (name, sandbox, vault) = (&self.name, self.sandbox(), self.vault());
        let mut log = self.log.clone();
        sandbox.clear_faults();
        tokio::time::sleep(Duration::from_secs(6 * 60)).await;
        let password = sandbox.password(USERNAME).unwrap();
        let holds = Credentials::new(USERNAME, password.as_str());
        if self.call == Call::Rotate && self.kept().await.as_deref() != Some(&password) {
            let recovery = self.thingspace.recover_rotation(&vault).await;
            match recovery.unwrap_or_else(|error| panic!("{name}: not recovered: {error:?}")) {
                Recovery::NewPasswordLost if password != PASSWORD => {
                    let pending = vault.load().await.unwrap();
                    let current = VaultState::Current(holds.clone());
                    assert!(vault.compare_and_swap(&pending, &current).await.unwrap(), "{name}");
                }
                Recovery::NewPasswordLost => panic!("{name}: no password was lost"),
                _ => assert_eq!(password, PASSWORD, "{name}: the password is lost"),
            }
        }
        for round in 0..2 {
            let mut started = self.thingspace.start_session(holds.clone()).await;
            if let Err(error @ Error::LoginSuspended(_)) = &started {
                writeln!(log, "{}", shown(error)).unwrap();
                self.thingspace.reset_login_guard(USERNAME).await.unwrap();
                started = self.thingspace.start_session(holds.clone()).await;
            }
            let session = started.unwrap_or_else(|error| panic!("{name}, round {round}: {error:?}"));
            let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await;
            assert_eq!(answer.unwrap().status(), 200, "{name}, round {round}");
            if self.call == Call::Rotate {
                session
                    .rotate_password(&vault)
                    .await
                    .unwrap_or_else(|error| panic!("{name}, round {round}: {error:?}"));
                let holds = sandbox.password(USERNAME);
                assert_eq!(self.kept().await, holds, "{name}");
                session.end().await.unwrap();
                self.thingspace.start_session(vault).await.unwrap();
                break;
            }
            session.end().await.unwrap();
        }
        assert!(!sandbox.is_locked(USERNAME) && sandbox.strikes(USERNAME) == 0, "{name}");
    }
}

/// Whether the error of a bare reset says that the current password is unknown.
fn is_unknown(error: &Error) -> bool {
    matches!(error, Error::Timeout { sent: true, .. } | Error::Interrupted { .. } | Error::UnexpectedResponse { .. })
        || error.status().is_some_and(|status| status.is_server_error())
        // The platform rejects a second reset with the superseded password.
        || matches!(error, Error::Platform(_))
}

fn is_helpful(error: &Error) -> bool {
    let text = error.to_string();
    let known = ["not sent", "nothing was sent", "may have", "refused", "unexpected answer", "not processed"];
    let advice = ["recover_rotation", "reset_login_guard", "call again", "start a new one", "check the"];
    known.iter().chain(&advice).any(|part| text.contains(part))
}

/// Set in the process that makes the calls.
const PLAYS: &str = "THINGSPACE_TEST_MATRIX";

#[test]
fn every_call_survives_every_trouble_and_logs_no_secret() {
    let printed = passed(alone("matrix::every_call_meets_every_trouble").env(PLAYS, "1"));
    assert!(printed.contains(" cells in "), "{printed}");
    printed.lines().filter(|line| line.contains(" cells in ")).for_each(|line| println!("{line}"));
}

#[tokio::test(start_paused = true)]
async fn every_call_meets_every_trouble() {
    if std::env::var_os(PLAYS).is_none() {
        return; // only the test above gives this one a process, and a log, of its own
    }
    let log = Log::keep();
    everything_is_kept(&log).await;
    let (started, mut cells, mut logged, mut failed) = (WallClock::now(), 0, 0, Vec::new());
    for (trouble_name, trouble) in &*TROUBLES {
        for call in Call::ALL {
            let series: &[u32] = if matches!(trouble, Trouble::Suffers(_)) { &[1, PERSISTENT] } else { &[1] };
            for &times in series {
                let name = format!("{call:?}, {trouble_name}, {times} times");
                let cell = Cell::new(call, name.clone(), log.clone()).await;
                // In its own task, so that a failed cell does not hide the others.
                let outcome = tokio::spawn(cell.run(trouble, times)).await;
                let text = log.take();
                let leak = outcome.as_ref().ok().and_then(|secrets| leaks::find(&text, secrets));
                failed.extend((outcome.is_err() || leak.is_some()).then_some((name, leak)));
                logged += text.len();
                cells += 1;
            }
        }
    }
    println!("{cells} cells in {:?}, {logged} bytes of logs", started.elapsed());
    assert!(failed.is_empty() && cells >= 240, "{failed:#?}");
}

/// The log has the events of this crate and of its dependencies, and the bytes of a verbose client. A success logs no
/// warning.
async fn everything_is_kept(log: &Log) {
    let sandbox = Sandbox::start().await.unwrap();
    let thingspace = client_of(&sandbox).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    let own = reqwest::Client::builder().no_proxy().tls_certs_only([]).connection_verbose(true).build().unwrap();
    own.post(format!("{}/m2m/v1/x", sandbox.base_url())).body("said-by-the-caller").send().await.unwrap();
    let text = log.take();
    for expected in ["TRACE", "thingspace.call", "hyper_util", "reqwest::connect", "said-by-the-caller"] {
        assert!(text.contains(expected), "the log lacks {expected}");
    }
    assert!(!text.contains("WARN"), "{text}");
}
