//! A rotation, or the recovery from one, that is killed at any moment reports every password that is lost.

use std::{
    collections::BTreeMap,
    env,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::Value;
use tempfile::TempDir;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    ApiKey, FileStore, FileVault, ThingSpace, ThingSpaceBuilder,
    rotation::{PasswordVault, Recovery, VaultState},
};

use crate::support::{PASSWORD, USERNAME, alone, arrived, client_of, credentials, passed, until};
use crate::vaults::{Brittle, STEPS, Trouble, kept};

#[path = "../../examples/rotate_password.rs"]
#[allow(dead_code, reason = "its `main` is the example's own")]
mod example;

/// The action of a child process; unset in the test's own process.
const ROLE: &str = "THINGSPACE_TEST_ROLE";
/// The step at which the child stops and waits for the kill.
const STOPS_AT: &str = "THINGSPACE_TEST_STOPS_AT";

/// The longest time that other processes wait after a kill: a minute for a reset, 25 s for the next step of the vault,
/// and 5 s in reserve.
const LONGEST_CLAIM: Duration = Duration::from_secs(60 + 25 + 5);

/// Runs in a child process, which the environment configures.
#[tokio::test]
async fn one_process() {
    let Ok(role) = env::var(ROLE) else { return };
    let path = PathBuf::from(env::var("THINGSPACE_TEST_VAULT").unwrap());
    if role == "example" {
        let arguments = ["--vault".into(), path.into_os_string()];
        match example::run(arguments.into_iter()).await {
            Ok(()) => println!("it went well"),
            Err(error) => println!("it failed: {error}"),
        }
        return;
    }
    let builder = ThingSpace::builder().api_key(ApiKey::from_env().unwrap());
    let builder = builder.base_url(env::var("THINGSPACE_BASE_URL").unwrap());
    let thingspace = with_store(builder, &path, env::var("THINGSPACE_TEST_STORE").is_ok()).build().unwrap();
    let stops_at = env::var(STOPS_AT).unwrap().parse().unwrap();
    let vault = Brittle::new(FileVault::new(path), stops_at, Trouble::Stops);
    if role == "rotate" {
        let session = thingspace.start_session(credentials()).await.unwrap();
        let _ = session.rotate_password(&vault).await;
    } else {
        let _ = thingspace.recover_rotation(&vault).await;
    }
    println!("stopped");
}

fn with_store(builder: ThingSpaceBuilder, vault: &Path, is_file: bool) -> ThingSpaceBuilder {
    if is_file { builder.store(FileStore::new(store_of(vault))) } else { builder }
}

fn store_of(vault: &Path) -> PathBuf {
    let mut name = vault.as_os_str().to_owned();
    name.push(".sessions");
    name.into()
}

/// A sandbox, and the directory of a process to kill.
struct Scene {
    sandbox: Sandbox,
    _directory: TempDir,
    vault: PathBuf,
    is_file: bool,
}

impl Scene {
    async fn new(is_file: bool) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let vault = directory.path().join("password.json");
        Self { sandbox: Sandbox::start().await.unwrap(), _directory: directory, vault, is_file }
    }

    fn client(&self) -> ThingSpace {
        with_store(client_of(&self.sandbox), &self.vault, self.is_file).build().unwrap()
    }

    fn process(&self, role: &str, stops_at: u32) -> Command {
        let mut command = alone("rotation_killed::one_process");
        command.env(ROLE, role).env(STOPS_AT, stops_at.to_string()).env("THINGSPACE_TEST_VAULT", &self.vault);
        if self.is_file {
            command.env("THINGSPACE_TEST_STORE", "file");
        }
        command.env("THINGSPACE_BASE_URL", self.sandbox.base_url());
        command.env("THINGSPACE_KEY", "sandbox-key").env("THINGSPACE_SECRET", "sandbox-secret");
        command.env("THINGSPACE_USERNAME", USERNAME).env("THINGSPACE_PASSWORD", PASSWORD);
        command
    }

    /// Starts a process and kills it at a step, or a number of turns after a number of requests.
    async fn kill(&self, role: &str, stops_at: u32, moment: Option<(usize, u32)>) {
        let before = arrived(&self.sandbox, "");
        let mut process = self.process(role, stops_at);
        let mut child = process.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        if let Some((requests, turns)) = moment {
            until(|| arrived(&self.sandbox, "") >= before + requests || child.try_wait().unwrap().is_some()).await;
            for _ in 0..turns {
                tokio::task::yield_now().await;
            }
        } else {
            assert!(says(&mut child, "stopped").await);
        }
        let _ = child.kill();
        child.wait().unwrap();
        self.pass();
    }

    /// Waits until the claim of a dead process has expired.
    fn pass(&self) {
        let path = store_of(&self.vault);
        let Ok(text) = std::fs::read(&path) else { return };
        let mut document: Value = serde_json::from_slice(&text).unwrap();
        for entry in document["accounts"].as_object_mut().unwrap().values_mut() {
            let bytes = BASE64_STANDARD.decode(entry["value"].as_str().unwrap()).unwrap();
            let mut record: Value = serde_json::from_slice(&bytes).unwrap();
            record["record"]["backoff"] = Value::Null;
            for attempt in record["record"]["history"]["attempts"].as_object_mut().unwrap().values_mut() {
                let since_1970 = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis();
                let left = u128::from(attempt["claimed_until"].as_u64().unwrap()).saturating_sub(since_1970);
                assert!(left <= LONGEST_CLAIM.as_millis(), "other processes wait for {left} ms");
                attempt["is_over"] = true.into();
            }
            entry["value"] = BASE64_STANDARD.encode(record.to_string()).into();
        }
        std::fs::write(&path, document.to_string()).unwrap();
    }

    /// Checks the state after a crash, from the vault and one run of the recovery.
    async fn assert_no_silent_loss(&self, most_strikes: u32, how: &str) -> &'static str {
        let vault = FileVault::new(&self.vault);
        let before = match vault.load().await.unwrap() {
            VaultState::Empty => "empty",
            VaultState::Current(_) => "current",
            VaultState::Pending(_) => "pending",
        };
        let recovery = self.client().recover_rotation(&vault).await;
        let recovery = recovery.unwrap_or_else(|error| panic!("{how}: {error:?}"));
        // Not earlier, because the reset may still have been in transit. The login ends that with its session.
        let holds = self.sandbox.password(USERNAME).unwrap();
        assert!(self.sandbox.counters().resets_processed <= 1, "{how}");
        match (before, recovery, kept(&vault).await) {
            ("empty", Recovery::NothingPending, None) => assert_eq!(holds, PASSWORD, "{how}"),
            ("current", Recovery::NothingPending, kept) | ("pending", Recovery::OldPasswordValid, kept) => {
                assert_eq!(kept, Some(holds), "{how}");
            }
            ("pending", Recovery::NewPasswordLost, None) => {
                assert_ne!(holds, PASSWORD, "{how}: reported as lost, but valid");
                let strikes = self.sandbox.strikes(USERNAME);
                assert!(strikes <= most_strikes, "{how}: {strikes} failed logins");
                return "lost";
            }
            other => panic!("{how}: {other:?}"),
        }
        before
    }
}

/// Waits until a process prints this or ends.
async fn says(child: &mut Child, part: &'static str) -> bool {
    let output = child.stdout.take().unwrap();
    let says = move || BufReader::new(output).lines().map_while(Result::ok).any(|line| line.contains(part));
    tokio::task::spawn_blocking(says).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_at_any_step_or_moment() {
    let mut seen = BTreeMap::new();
    for run in 0..120u32 {
        let scene = Scene::new(run % 2 == 0).await;
        // A token, a login and the reset: after the third request the password may have been reset.
        let step = run / 8 % (STEPS + 1) + 1;
        let (stops_at, moment, how) = match run / 2 % 4 {
            0 => (step, None, format!("step {step}")),
            1 => (0, Some((2, run * 7 % 300)), format!("{run} turns after the login")),
            _ => (0, Some((3, run * 7 % 300)), format!("{run} turns after the reset")),
        };
        scene.kill("rotate", stops_at, moment).await;
        *seen.entry(scene.assert_no_silent_loss(1, &how).await).or_insert(0) += 1;
    }
    println!("after 120 kills: {seen:?}");
    for state in ["empty", "pending", "lost", "current"] {
        assert!(seen.contains_key(state), "no kill led to {state}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recovery_killed_at_any_step_or_moment() {
    let mut seen = BTreeMap::new();
    for run in 0..60u32 {
        let scene = Scene::new(run % 2 == 0).await;
        let fault = if run / 2 % 2 == 0 { Fault::CloseBefore } else { Fault::CloseAfter };
        scene.sandbox.fault(Operation::Reset, fault, 1);
        let session = scene.client().start_session(credentials()).await.unwrap();
        session.rotate_password(&FileVault::new(&scene.vault)).await.unwrap_err();
        // The recovery calls the vault three times, and sends two requests: for a token, and the login.
        let step = run / 8 % 6 + 1;
        let (stops_at, moment, how) = match run / 4 % 2 {
            0 => (step, None, format!("step {step}")),
            _ => (0, Some((2, run * 7 % 300)), format!("{run} turns after the login")),
        };
        scene.kill("recover", stops_at, moment).await;
        // The platform may have rejected the killed login, and the store may lack that outcome.
        *seen.entry(scene.assert_no_silent_loss(2, &how).await).or_insert(0) += 1;
    }
    println!("after 60 kills: {seen:?}");
    for state in ["pending", "lost", "current"] {
        assert!(seen.contains_key(state), "no kill led to {state}: {seen:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_killed_at_any_moment_explains_it_on_the_next_run() {
    let mut seen = BTreeMap::new();
    for run in 0..20u32 {
        let scene = Scene::new(true).await;
        scene.kill("example", 0, Some((run as usize % 4 + 1, run * 7 % 300))).await;
        let mut again = scene.process("example", 0);
        let said = tokio::task::spawn_blocking(move || passed(&mut again)).await.unwrap();
        let (holds, kept) = (scene.sandbox.password(USERNAME), kept(&FileVault::new(&scene.vault)).await);
        if said.contains("it went well") {
            assert_eq!(kept, holds, "{run}: {said}");
            *seen.entry("replaced").or_insert(0) += 1;
        } else {
            assert!(
                said.contains("never arrived and is lost") && said.contains("Have Verizon set another"),
                "{run}: {said}"
            );
            assert_ne!(holds.as_deref(), Some(PASSWORD), "{run}: {said}");
            *seen.entry("lost").or_insert(0) += 1;
        }
    }
    println!("after 20 kills: {seen:?}");
}
