//! An operator inspects an account and lifts its suspension with the example `account`, in a separate process.

use std::{
    env,
    io::{self, BufRead, IsTerminal as _},
    path::PathBuf,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, FileStore, RetryPolicy, ThingSpace};

use crate::{
    leaks,
    support::{PASSWORD, USERNAME, alone, client_of, credentials, passed},
};

/// The variable with the arguments of the process, one a line. It is unset in an ordinary run.
const ARGUMENTS: &str = "THINGSPACE_TEST_ARGUMENTS";
/// The variable with the input on its terminal.
const TYPED: &str = "THINGSPACE_TEST_TYPED";

/// The body of the separate process, which reads its environment.
#[tokio::test]
async fn one_process() {
    let Ok(arguments) = env::var(ARGUMENTS) else { return };
    let typed = env::var(TYPED).ok();
    let mut typed = typed.as_ref().map(String::as_bytes);
    let mut input = io::stdin().lock();
    let terminal = match &mut typed {
        Some(typed) => Some(typed as &mut dyn BufRead),
        None if input.is_terminal() => Some(&mut input as &mut dyn BufRead),
        None => None,
    };
    match crate::example::run(arguments.lines().map(Into::into), terminal).await {
        Ok(()) => println!("it went well"),
        Err(error) => println!("it failed: {error}"),
    }
}

/// A sandbox, and the file in which a service keeps its record.
struct Scene {
    sandbox: Sandbox,
    _directory: TempDir,
    path: PathBuf,
}

impl Scene {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("sessions.json");
        Self { sandbox: Sandbox::start().await.unwrap(), _directory: directory, path }
    }

    /// A scene in which the platform has rejected a wrong password.
    async fn suspended() -> Self {
        let scene = Self::new().await;
        scene.service().start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
        scene
    }

    fn service(&self) -> ThingSpace {
        client_of(&self.sandbox).retry_policy(RetryPolicy::none()).store(FileStore::new(&self.path)).build().unwrap()
    }

    /// The command without a terminal, without the API key's secret and without the password.
    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = alone("account_in_a_file::one_process");
        let store = format!("file:{}", self.path.display());
        command.env(ARGUMENTS, arguments.join("\n")).env("THINGSPACE_STORE", store).stdin(Stdio::null());
        command.env("THINGSPACE_BASE_URL", self.sandbox.base_url()).env_remove("THINGSPACE_SEAL_KEY");
        command.env("THINGSPACE_KEY", "sandbox-key").env("THINGSPACE_USERNAME", USERNAME).env_remove(TYPED);
        command
    }

    async fn run(&self, arguments: &[&str]) -> String {
        printed(self.command(arguments)).await
    }

    fn stored(&self) -> Option<Vec<u8>> {
        std::fs::read(&self.path).ok()
    }
}

async fn printed(mut command: Command) -> String {
    tokio::task::spawn_blocking(move || passed(&mut command)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_shows_why_logins_are_suspended_and_no_secret_and_sends_nothing() {
    let scene = Scene::suspended().await;
    let session = scene.service().start_session(credentials()).await.unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    let (before, arrived) = (scene.stored(), scene.sandbox.requests().len());
    let out = scene.run(&["show"]).await;
    assert!(out.contains("it went well") && out.contains("session: last used"), "{out}");
    assert!(out.contains("failures in a row: 0"), "{out}");
    assert!(out.contains("suspensions: 2") && out.contains("LoginFailed"), "{out}");
    assert!(out.contains("a reset has replaced the password of these credentials") && out.contains(" GMT)"), "{out}");
    let mut secrets = leaks::secrets_of(&scene.sandbox);
    secrets.extend(["wrong".to_owned(), session.token().await.unwrap().expose_secret().to_owned()]);
    assert_eq!(leaks::find(&out, &secrets), None);
    assert_eq!((scene.stored(), scene.sandbox.requests().len()), (before, arrived), "the tool sent or changed data");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_lifts_a_suspension_only_after_confirmation() {
    let scene = Scene::new().await;
    // Four failures suspend all logins, even with the right password.
    scene.sandbox.fault(Operation::Login, Fault::answer(500, "broken"), 4);
    for password in ["wrong-1", "wrong-1", "wrong-2", "wrong-2"] {
        scene.service().start_session(Credentials::new(USERNAME, password)).await.unwrap_err();
    }
    let is_suspended = async || {
        let error = scene.service().start_session(credentials()).await.err();
        matches!(error, Some(Error::LoginSuspended(_)))
    };
    assert!(is_suspended().await);
    let before = scene.stored();

    let out = scene.run(&["reset-login-guard"]).await;
    assert!(out.contains("it failed") && out.contains("--yes"), "{out}");
    for typed in ["", "\n", "y\n", "yes\n", "ZBEEBLEBROX\n", "zbeeblebrox2\n"] {
        let mut command = scene.command(&["reset-login-guard"]);
        command.env(TYPED, typed);
        let out = printed(command).await;
        assert!(out.contains("it failed") && out.contains("nothing was changed"), "{typed:?}: {out}");
    }
    assert_eq!(scene.stored(), before);
    assert!(is_suspended().await);

    let arrived = scene.sandbox.requests().len();
    let out = scene.run(&["reset-login-guard", "--yes"]).await;
    assert!(out.contains("it went well") && out.contains("four logins in a row"), "{out}");
    assert!(out.contains("failures in a row: 0") && out.contains("suspensions: none"), "{out}");
    assert_eq!(scene.sandbox.requests().len(), arrived, "the tool sent a request");
    scene.service().start_session(credentials()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_lifts_a_suspension_when_the_username_is_typed() {
    let scene = Scene::suspended().await;
    for ending in ["\n", "\r\n"] {
        let mut command = scene.command(&["reset-login-guard"]);
        command.env(TYPED, format!("{USERNAME}{ending}"));
        let out = printed(command).await;
        assert!(out.contains("it went well") && out.contains("suspensions: none"), "{out}");
        // The session now tries the password once more.
        let error = scene.service().start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
        assert!(matches!(error, Error::Platform(_)), "{error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_reports_a_missing_record_and_creates_none() {
    let scene = Scene::new().await;
    for action in ["show", "reset-login-guard"] {
        let out = scene.run(&[action]).await;
        assert!(out.contains("it failed: the store has no record of this account"), "{out}");
    }
    assert!(scene.stored().is_none());
    scene.service().start_session(credentials()).await.unwrap();
    let before = scene.stored();
    assert!(scene.run(&["show"]).await.contains("suspensions: none"));
    let out = scene.run(&["reset-login-guard", "--yes", "--username", "marvin"]).await;
    assert!(out.contains("no record"), "{out}");
    let out = scene.run(&["reset-login-guard", "--yes", "--without-api-key"]).await;
    assert!(out.contains("no record"), "{out}");
    assert_eq!(scene.stored(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_tool_reports_wrong_arguments_and_quotes_no_password() {
    let scene = Scene::suspended().await;
    let before = scene.stored();
    for arguments in [&["--help"][..], &["-h"], &["show", "--help"], &["reset-login-guard", "--yes", "--help"]] {
        let out = scene.run(arguments).await;
        assert!(out.contains("it went well") && out.contains("--store STORE"), "{arguments:?}: {out}");
    }
    let wrong: [(&[&str], &str); _] = [
        (&[], "the first argument is"),
        (&["reset"], "the first argument is"),
        (&["show", "--yes"], "none of these"),
        (&["show", "hunter2hunter2"], "none of these"),
        (&["reset-login-guard", "--yes", "--stoer", "redis://u:hunter2hunter2@h"], "none of these"),
        (&["reset-login-guard", "--store", "--yes"], "--store takes a value"),
        (&["show", "--username"], "--username takes a value"),
        (&["show", "--store", "memory"], "in memory"),
        (&["show", "--store", "postgres://u:hunter2hunter2@h"], "file:PATH or redis://"),
        (&["show", "--store", "redis://u:hunter2hunter2@h:port"], "it failed"),
        (&["show", "--prefix", "fleet"], "for a Redis server"),
    ];
    for (arguments, expected) in wrong {
        let out = scene.run(arguments).await;
        assert!(out.contains("it failed") && out.contains(expected), "{arguments:?}: {out}");
        assert!(!out.contains("hunter2hunter2"), "{arguments:?}: {out}");
    }
    for (name, value, expected) in [
        ("THINGSPACE_USERNAME", None, "--username"),
        ("THINGSPACE_USERNAME", Some(""), "is empty"),
        ("THINGSPACE_KEY", None, "--without-api-key"),
        ("THINGSPACE_STORE", None, "the store is missing"),
    ] {
        let mut command = scene.command(&["reset-login-guard", "--yes"]);
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
        let out = printed(command).await;
        assert!(out.contains("it failed") && out.contains(expected), "{name}={value:?}: {out}");
    }
    let mut command = scene.command(&["show", "--store", "redis://127.0.0.1:9"]);
    command.env("THINGSPACE_SEAL_KEY", "hunter2hunter2");
    let out = printed(command).await;
    assert!(out.contains("THINGSPACE_SEAL_KEY is not a key") && !out.contains("hunter2hunter2"), "{out}");
    assert_eq!(scene.stored(), before);
}
