//! A rotation saves the new password in the vault, or returns it to the caller if the vault fails.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, FileVault, MemoryStore,
    rotation::{PasswordVault, Recovery, VaultState},
};
use tokio::time::{sleep, timeout};

use crate::support::{
    ECHO, PASSWORD, USERNAME, arrived, calls_until, client_of, credentials, record, sandbox, session, shown, until,
};
use crate::vaults::{BEGIN, Brittle, COMMIT, PROVE, STEPS, Trouble, kept, vault};

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
    // The vault is a provider, and the session uses the new credentials.
    sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    session.end().await.unwrap();
    thingspace.start_session(vault).await.unwrap();
    assert_eq!(sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn a_vault_that_cannot_write_is_detected_before_the_reset() {
    let (sandbox, _thingspace, session) = session().await;
    let vault = FileVault::new("/nowhere/at/all/password.json");
    let error = session.rotate_password(&vault).await.unwrap_err();
    assert!(matches!(error, Error::Vault(_)), "{error:?}");
    assert!(error.to_string().contains("nothing was reset"), "{error}");
    assert_eq!(sandbox.counters().resets_attempted, 0);
}

#[tokio::test]
async fn a_vault_proves_that_it_can_write_and_leaves_no_trace() {
    let directory = tempfile::tempdir().unwrap();
    let empty = VaultState::Empty;
    assert!(vault(&directory).compare_and_swap(&empty, &empty).await.unwrap());
    let names: Vec<_> = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["password.json.lock"]);
    // The name of the lock file fits; that of the temporary file is too long.
    let long = FileVault::new(directory.path().join("x".repeat(240)));
    long.compare_and_swap(&empty, &empty).await.unwrap_err();
}

#[tokio::test]
async fn a_vault_that_fails_or_panics_at_any_step_loses_no_password() {
    for (step, trouble) in (1..=STEPS).flat_map(|step| [(step, Trouble::Fails), (step, Trouble::Panics)]) {
        let (sandbox, _thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        let brittle = Brittle::new(vault(&directory), step, trouble);
        let outcome = session.rotate_password(&brittle).await;
        let holds = sandbox.password(USERNAME).unwrap();
        // A swap with a lost result has taken effect.
        if matches!(trouble, Trouble::Fails) && [BEGIN + 1, COMMIT + 1].contains(&step) {
            outcome.unwrap();
            assert_eq!(kept(&vault(&directory)).await.as_deref(), Some(holds.as_str()), "{step}");
            assert_eq!(sandbox.counters().resets_attempted, 1, "{step}");
            continue;
        }
        let error = outcome.unwrap_err();
        if step < COMMIT {
            assert!(matches!(error, Error::Vault(_)), "{step}: {error:?}");
            assert_eq!((holds.as_str(), sandbox.counters().resets_attempted), (PASSWORD, 0), "{step}");
        } else {
            let Error::PasswordNotSaved { password, .. } = &error else { panic!("{step}: {error:?}") };
            assert_eq!(password.expose_secret(), holds, "{step}");
            assert!(!shown(&error).contains(&holds), "{error:?}");
        }
        // The session has the new password as well, and no claim blocks a login.
        sandbox.expire_session(USERNAME);
        assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_vault_of_another_user_is_not_written_to() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let other = VaultState::Current(Credentials::new("marvin", PASSWORD));
    assert!(vault.compare_and_swap(&VaultState::Empty, &other).await.unwrap());
    let error = session.rotate_password(&vault).await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert_eq!(sandbox.counters().resets_attempted, 0);
    assert_eq!(vault.load().await.unwrap(), other);
}

#[tokio::test]
async fn a_rejected_reset_leaves_the_old_password_in_the_vault() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    let error = session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert_eq!(kept(&vault(&directory)).await.as_deref(), Some(PASSWORD));
    session.rotate_password(&vault(&directory)).await.unwrap();
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
    calls_until(Duration::from_millis(10), async || kept(&vault).await).await;
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

#[tokio::test(start_paused = true)]
async fn a_vault_that_never_answers_does_not_keep_the_new_password_from_the_caller() {
    for step in [PROVE, BEGIN, COMMIT, STEPS] {
        let (sandbox, _thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        let brittle = Brittle::new(vault(&directory), step, Trouble::Takes(Duration::from_secs(1 << 30)));
        let outcome = timeout(Duration::from_secs(60), session.rotate_password(&brittle)).await.unwrap();
        if step < COMMIT {
            assert!(matches!(outcome, Err(Error::Vault(_))), "{step}: {outcome:?}");
            assert_eq!(sandbox.counters().resets_attempted, 0);
        } else {
            assert!(matches!(outcome, Err(Error::PasswordNotSaved { .. })), "{step}: {outcome:?}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn two_rotations_on_one_vault_never_overwrite_a_new_password_with_an_old_one() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let session = async || client_of(&sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await;
    let (first, second) = (session().await.unwrap(), session().await.unwrap());
    // The second rotation loads the vault, and is then slow.
    let slow = Brittle::new(vault.clone(), PROVE, Trouble::Takes(Duration::from_secs(5)));
    let second = tokio::spawn(async move { second.rotate_password(&slow).await });
    sleep(Duration::from_secs(1)).await;
    first.rotate_password(&vault).await.unwrap();
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
    second.await.unwrap().unwrap();
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
    assert_eq!(sandbox.counters().resets_processed, 2);
    // Each claim was for the password that it superseded, so no process sends either of them again.
    let record = record(&sandbox, &store).await;
    let attempts = record["record"]["history"]["attempts"].as_object().unwrap().values();
    let superseded = attempts.filter(|attempt| attempt["outcome"] == "superseded");
    let superseded: BTreeSet<_> = superseded.map(|attempt| attempt["credentials"].to_string()).collect();
    assert_eq!(superseded.len(), 2, "{record}");
}

#[tokio::test]
async fn a_vault_may_be_chosen_at_run_time() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let chosen: Arc<dyn PasswordVault> = Arc::new(vault(&directory));
    session.rotate_password(&chosen).await.unwrap();
    assert_eq!(thingspace.recover_rotation(&chosen).await.unwrap(), Recovery::NothingPending);
    assert_eq!(kept(&vault(&directory)).await, sandbox.password(USERNAME));
}

#[tokio::test]
async fn a_provider_that_panics_fails_the_rotation_before_the_reset() {
    let (sandbox, thingspace) = sandbox().await;
    let asked = AtomicU32::new(0);
    let source = move || {
        // Two calls start the session.
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(number < 2, "a bug in the provider");
            Ok(credentials())
        }
    };
    let session = thingspace.start_session(source).await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    let error = session.rotate_password(&vault).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsProvider(_)) && !error.is_retryable(), "{error:?}");
    assert_eq!(sandbox.counters().resets_attempted, 0);
}

#[tokio::test]
async fn a_session_that_died_unnoticed_is_renewed_from_the_vault_that_is_to_be_rotated() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    session.rotate_password(&vault).await.unwrap();
    session.end().await.unwrap();
    let session = thingspace.start_session(vault.clone()).await.unwrap();
    sandbox.expire_session(USERNAME);
    let error = session.rotate_password(&vault).await.unwrap_err();
    assert!(matches!(error, Error::SessionRenewed), "{error:?}");
    session.rotate_password(&vault).await.unwrap();
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
}

#[tokio::test(start_paused = true)]
async fn a_vault_timeout_is_retryable_and_its_panic_or_error_is_not() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    for trouble in [Trouble::Panics, Trouble::Fails, Trouble::Takes(Duration::from_secs(60))] {
        let brittle = Brittle::new(vault(&directory), PROVE, trouble);
        let error = session.rotate_password(&brittle).await.unwrap_err();
        assert!(matches!(error, Error::Vault(_)), "{error:?}");
        assert_eq!(error.is_retryable(), matches!(trouble, Trouble::Takes(_)), "{}", shown(&error));
        assert_eq!(sandbox.counters().resets_attempted, 0);
        if error.is_retryable() {
            session.rotate_password(&brittle).await.expect("calling again helps");
        }
    }
}

#[tokio::test]
async fn a_rejected_reset_is_reported_even_if_the_rollback_fails() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    let brittle = Brittle::new(vault(&directory), COMMIT, Trouble::Fails);
    let error = session.rotate_password(&brittle).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    assert!(matches!(session.rotate_password(&brittle).await, Err(Error::RotationPending { .. })));
    assert_eq!(thingspace.recover_rotation(&brittle).await.unwrap(), Recovery::OldPasswordValid);
}

#[tokio::test(start_paused = true)]
async fn no_process_sends_the_old_password_while_a_slow_vault_saves_the_new_one() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let session = async || client_of(&sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await;
    let (one, other) = (session().await.unwrap(), session().await.unwrap());
    sandbox.fault(Operation::Reset, Fault::Delay(Duration::from_secs(59)), 1);
    let slow = Brittle::new(vault(&directory), COMMIT, Trouble::Takes(Duration::from_secs(24)));
    let rotation = tokio::spawn(async move { one.rotate_password(&slow).await });
    sleep(Duration::from_secs(70)).await;
    sandbox.expire_session(USERNAME);
    other.send(other.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
    rotation.await.unwrap().unwrap();
    assert_eq!(sandbox.counters().logins_failed, 0);
}

#[tokio::test(start_paused = true)]
async fn no_process_logs_in_before_the_reset_even_with_a_slow_vault() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let session = async || client_of(&sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await;
    let (one, other) = (session().await.unwrap(), session().await.unwrap());
    let slow = Brittle::at_each_step(vault(&directory), Trouble::Takes(Duration::from_secs(12)));
    let rotation = tokio::spawn(async move { one.rotate_password(&slow).await });
    // Two steps of 24 seconds each come before the claim, and two under it.
    sleep(Duration::from_secs(50)).await;
    other.invalidate(&other.token().await.unwrap());
    other.token().await.unwrap_err();
    rotation.await.unwrap().unwrap();
    assert_eq!((sandbox.counters().logins_succeeded, sandbox.counters().logins_failed), (1, 0));
}
