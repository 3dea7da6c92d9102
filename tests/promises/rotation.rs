//! A new password is never dropped: it is in the vault, in the caller's hands, or said plainly to be lost.

use std::{
    env,
    io::{BufRead as _, BufReader, Write as _},
    path::Path,
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    ApiKey, Credentials, Error, FileStore, FileVault, Password, ThingSpace,
    rotation::{PasswordVault, Resolution, VaultFuture, VaultState},
};

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, credentials, session, shown, until};

fn vault(directory: &tempfile::TempDir) -> FileVault {
    FileVault::new(directory.path().join("password.json"))
}

async fn kept(vault: &FileVault) -> Option<String> {
    match vault.state().await.unwrap() {
        VaultState::Settled(credentials) => Some(credentials.password().expose_secret().to_owned()),
        _ => None,
    }
}

#[tokio::test]
async fn a_rotation_leaves_the_new_password_in_the_vault_and_the_session_alive() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    for round in 1..=3 {
        session.rotate_password(&vault).await.unwrap();
        assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
        assert_eq!(sandbox.counters().resets_processed, round);
    }
    // The vault is a source, and the session's own credentials have followed.
    sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    session.end().await.unwrap();
    thingspace.start_session(vault).await.unwrap();
    assert_eq!(sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn a_vault_that_cannot_write_is_found_out_before_anything_is_reset() {
    let (sandbox, _thingspace, session) = session().await;
    let vault = FileVault::new("/nowhere/at/all/password.json");
    let error = session.rotate_password(&vault).await.unwrap_err();
    assert!(matches!(error, Error::Vault(_)), "{error:?}");
    assert!(error.to_string().contains("nothing was reset"), "{error}");
    assert_eq!(sandbox.counters().resets_attempted, 0);
}

/// A vault that fails, or stops for ever, at one step.
#[derive(Clone)]
struct Brittle {
    inner: FileVault,
    step: Arc<AtomicU32>,
    fails_at: u32,
    stops_at: u32,
}

impl Brittle {
    fn new(inner: FileVault, fails_at: u32, stops_at: u32) -> Self {
        Self { inner, step: Arc::default(), fails_at, stops_at }
    }

    fn guarded<'a, T: Send + 'a>(&'a self, work: VaultFuture<'a, T>) -> VaultFuture<'a, T> {
        Box::pin(async move {
            self.pass().await?;
            let outcome = work.await?;
            self.pass().await?;
            Ok(outcome)
        })
    }

    async fn pass(&self) -> Result<(), String> {
        let step = self.step.fetch_add(1, Ordering::SeqCst) + 1;
        if step == self.fails_at {
            return Err(format!("failed at step {step}"));
        }
        if step == self.stops_at {
            println!("stopped");
            std::io::stdout().flush().unwrap();
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

impl PasswordVault for Brittle {
    fn state(&self) -> VaultFuture<'_, VaultState> {
        self.guarded(self.inner.state())
    }

    fn check(&self) -> VaultFuture<'_, ()> {
        self.guarded(self.inner.check())
    }

    fn begin<'a>(&'a self, old: &'a Credentials) -> VaultFuture<'a, ()> {
        self.guarded(self.inner.begin(old))
    }

    fn keep<'a>(&'a self, new: &'a Password) -> VaultFuture<'a, ()> {
        self.guarded(self.inner.keep(new))
    }

    fn abandon(&self) -> VaultFuture<'_, ()> {
        self.guarded(self.inner.abandon())
    }
}

#[tokio::test]
async fn a_vault_that_fails_at_any_step_loses_no_password() {
    for step in 1..=8 {
        let (sandbox, _thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        let brittle = Brittle::new(vault(&directory), step, 0);
        let error = session.rotate_password(&brittle).await.unwrap_err();
        let holds = sandbox.password(USERNAME).unwrap();
        if step <= 6 {
            assert!(matches!(error, Error::Vault(_)), "{step}: {error:?}");
            assert_eq!((holds.as_str(), sandbox.counters().resets_attempted), (PASSWORD, 0), "{step}");
        } else {
            let Error::PasswordNotKept { password, .. } = &error else { panic!("{step}: {error:?}") };
            assert_eq!(password.expose_secret(), holds, "{step}");
            assert!(!shown(&error).contains(&holds), "{error:?}");
            // The session knows it as well.
            sandbox.expire_session(USERNAME);
            assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
        }
    }
}

#[tokio::test]
async fn a_refused_reset_leaves_the_old_password_in_the_vault() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    let error = session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert_eq!(kept(&vault(&directory)).await.as_deref(), Some(PASSWORD));
    session.rotate_password(&vault(&directory)).await.unwrap();
}

#[tokio::test]
async fn an_answer_that_never_came_is_resolved_with_one_login() {
    for (fault, is_lost) in [
        (Fault::CloseBefore, false),
        (Fault::CloseAfter, true),
        (Fault::answer(500, ""), false),
        (Fault::answer_after(502, "<html>"), true),
        (Fault::Truncate, true),
        (Fault::answer_after(200, "{}"), true),
    ] {
        let (sandbox, thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        let vault = vault(&directory);
        sandbox.fault(Operation::Reset, fault.clone(), 1);
        let error = session.rotate_password(&vault).await.unwrap_err();
        assert!(matches!(error, Error::PasswordUnknown { .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("resolve_rotation"), "{error}");
        let error = session.rotate_password(&vault).await.unwrap_err();
        assert!(matches!(error, Error::RotationUnresolved { .. }), "{error:?}");

        let expected = if is_lost { Resolution::Lost } else { Resolution::OldHolds };
        let logins = arrived(&sandbox, "/session/login");
        assert_eq!(thingspace.resolve_rotation(&vault).await.unwrap(), expected, "{fault:?}");
        assert_eq!(arrived(&sandbox, "/session/login"), logins + 1);
        let again = if is_lost { Resolution::Lost } else { Resolution::Nothing };
        assert_eq!(thingspace.resolve_rotation(&vault).await.unwrap(), again, "{fault:?}");
        assert_eq!(arrived(&sandbox, "/session/login"), logins + 1, "asking again costs no login");
        assert_eq!(sandbox.strikes(USERNAME), u32::from(is_lost));
        if !is_lost {
            // That login has put an end to the session, which is found out and told: nothing was reset.
            assert!(matches!(session.rotate_password(&vault).await, Err(Error::SessionRenewed)), "{fault:?}");
            session.rotate_password(&vault).await.unwrap();
            assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
        }
    }
}

#[tokio::test]
async fn a_rotation_that_is_under_way_elsewhere_is_not_called_lost() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    sandbox.fault(Operation::Reset, Fault::Delay(std::time::Duration::from_millis(50)), 1);
    let rotating = tokio::spawn({
        let (session, vault) = (session.clone(), vault.clone());
        async move { session.rotate_password(&vault).await }
    });
    until(|| arrived(&sandbox, "/actions/reset") == 1).await;
    assert_eq!(thingspace.resolve_rotation(&vault).await.unwrap(), Resolution::Nothing);
    rotating.await.unwrap().unwrap();
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
    assert_eq!(sandbox.strikes(USERNAME), 0);
}

#[tokio::test]
async fn a_rotation_whose_caller_gives_up_runs_to_its_end() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    {
        let mut rotation = Box::pin(session.rotate_password(&vault));
        until(|| {
            let waker = futures_util::task::noop_waker();
            let polled = rotation.as_mut().poll(&mut std::task::Context::from_waker(&waker));
            assert!(polled.is_pending());
            arrived(&sandbox, "/actions/reset") == 1
        })
        .await;
    }
    loop {
        if kept(&vault).await.is_some() {
            break;
        }
    }
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
}

#[tokio::test]
async fn a_vault_that_is_damaged_or_open_to_others_is_an_error_that_names_the_file() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password.json");
    session.rotate_password(&vault(&directory)).await.unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in 0..whole.len() {
        std::fs::write(&path, &whole[..length]).unwrap();
        let error = shown(&session.rotate_password(&vault(&directory)).await.unwrap_err());
        assert!(error.contains("password.json") && error.contains("damaged"), "{length}: {error}");
        assert!(!error.contains(&sandbox.password(USERNAME).unwrap()), "{error}");
    }
    std::fs::write(&path, &whole).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let error = shown(&session.rotate_password(&vault(&directory)).await.unwrap_err());
        assert!(error.contains("chmod 600"), "{error}");
    }
    assert_eq!(sandbox.counters().resets_processed, 1);
}

/// At which step a process of this test stops and waits to be killed; unset in an ordinary run.
const STOPS_AT: &str = "THINGSPACE_TEST_STOPS_AT";

#[tokio::test]
async fn one_rotation() {
    let Ok(stops_at) = env::var(STOPS_AT) else { return };
    let thingspace = ThingSpace::builder()
        .api_key(ApiKey::from_env().unwrap())
        .base_url(env::var("THINGSPACE_BASE_URL").unwrap())
        .build()
        .unwrap();
    let vault = FileVault::new(env::var("THINGSPACE_TEST_VAULT").unwrap());
    let session = thingspace.start_session(credentials()).await.unwrap();
    let _ = session.rotate_password(&Brittle::new(vault, 0, stops_at.parse().unwrap())).await;
    println!("stopped");
}

/// Starts a rotation in a process of its own and kills it: at a step, or once so many requests have arrived.
async fn kill(sandbox: &Sandbox, vault: &Path, stops_at: u32, requests: Option<usize>, spins: u32) {
    let mut child = Command::new(env::current_exe().unwrap())
        .args(["--exact", "rotation::one_rotation", "--nocapture"])
        .env(STOPS_AT, stops_at.to_string())
        .env("THINGSPACE_TEST_VAULT", vault)
        .env("THINGSPACE_BASE_URL", sandbox.base_url())
        .env("THINGSPACE_KEY", "sandbox-key")
        .env("THINGSPACE_SECRET", "sandbox-secret")
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    if let Some(requests) = requests {
        until(|| arrived(sandbox, "") >= requests).await;
        for _ in 0..spins {
            tokio::task::yield_now().await;
        }
    } else {
        let output = child.stdout.take().unwrap();
        let lines = tokio::task::spawn_blocking(move || {
            BufReader::new(output).lines().map_while(Result::ok).find(|line| line.contains("stopped"))
        });
        assert!(lines.await.unwrap().is_some());
    }
    child.kill().unwrap();
    child.wait().unwrap();
}

/// What is known after a crash, by the vault alone and one run of the resolution.
async fn nothing_is_lost_unsaid(sandbox: &Sandbox, path: &Path, how: &str) -> &'static str {
    let vault = FileVault::new(path);
    let before = match vault.state().await.unwrap() {
        VaultState::Empty => "empty",
        VaultState::Settled(_) => "settled",
        _ => "begun",
    };
    let thingspace = crate::support::client_of(sandbox).build().unwrap();
    let resolution = thingspace.resolve_rotation(&vault).await.unwrap();
    // Not before: the reset may still have been on its way. The login has put an end to that, with its session.
    let holds = sandbox.password(USERNAME).unwrap();
    match (before, resolution, kept(&vault).await) {
        ("empty", Resolution::Nothing, None) => assert_eq!(holds, PASSWORD, "{how}"),
        ("settled", Resolution::Nothing, kept) | ("begun", Resolution::OldHolds, kept) => {
            assert_eq!(kept, Some(holds), "{how}");
        }
        ("begun", Resolution::Lost, None) => {
            assert_ne!(holds, PASSWORD, "{how}: it is said to be lost and is not");
            assert_eq!(sandbox.strikes(USERNAME), 1, "{how}");
            return "lost";
        }
        other => panic!("{how}: {other:?}"),
    }
    before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rotation_killed_at_any_step_never_leaves_a_password_that_nobody_knows_unsaid() {
    let mut seen = std::collections::BTreeMap::new();
    for run in 0..200u32 {
        let sandbox = Sandbox::start().await.unwrap();
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("password.json");
        // A token, a login and the reset: after the third request the password may have been reset.
        let (stops_at, requests, how) = match run % 4 {
            0 => (run / 4 % 9 + 1, None, format!("step {}", run / 4 % 9 + 1)),
            1 => (0, Some(2), format!("{run} turns after the login")),
            _ => (0, Some(3), format!("{run} turns after the reset")),
        };
        kill(&sandbox, &path, stops_at, requests, run * 7 % 300).await;
        *seen.entry(nothing_is_lost_unsaid(&sandbox, &path, &how).await).or_insert(0) += 1;
    }
    println!("after 200 kills: {seen:?}");
    for state in ["empty", "begun", "lost", "settled"] {
        assert!(seen.contains_key(state), "no kill has led to {state}: {seen:?}");
    }
}

#[tokio::test]
async fn a_rotation_that_was_interrupted_elsewhere_is_found_by_who_shares_the_store() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let client = || {
        let store = FileStore::new(directory.path().join("sessions.json"));
        crate::support::client_of(&sandbox).store(store).build().unwrap()
    };
    let session = client().start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert_eq!(client().resolve_rotation(&vault(&directory)).await.unwrap(), Resolution::Lost);
    // Nobody else deals a second strike with it, and the session that is alive goes on.
    sandbox.expire_session(USERNAME);
    for _ in 0..3 {
        assert!(matches!(client().start_session(credentials()).await, Err(Error::LoginSuspended(_))));
    }
    assert_eq!(sandbox.strikes(USERNAME), 1);
}
