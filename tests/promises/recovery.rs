//! The recovery of an interrupted rotation returns the true state.

use reqwest::Method;
use serde_json::json;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, FileStore, MemoryStore, Session, rotation::Recovery};
use tokio::time::{Duration, sleep, timeout};

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, claims, client_of, credentials, session, until};
use crate::vaults::{Brittle, COMMIT, Trouble, kept, vault};

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO).unwrap()).await?.status().as_u16())
}

#[tokio::test]
async fn a_lost_response_is_recovered_with_one_login() {
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
        assert!(matches!(error, Error::ResetOutcomeUnknown { .. }), "{fault:?}: {error:?}");
        assert!(error.to_string().contains("recover_rotation"), "{error}");
        let error = session.rotate_password(&vault).await.unwrap_err();
        assert!(matches!(error, Error::RotationPending { .. }), "{error:?}");

        let expected = if is_lost { Recovery::NewPasswordLost } else { Recovery::OldPasswordValid };
        let logins = arrived(&sandbox, "/session/login");
        assert_eq!(thingspace.recover_rotation(&vault).await.unwrap(), expected, "{fault:?}");
        assert_eq!(arrived(&sandbox, "/session/login"), logins + 1);
        let again = if is_lost { Recovery::NewPasswordLost } else { Recovery::NothingPending };
        assert_eq!(thingspace.recover_rotation(&vault).await.unwrap(), again, "{fault:?}");
        assert_eq!(arrived(&sandbox, "/session/login"), logins + 1, "asking again costs no login");
        assert_eq!(sandbox.strikes(USERNAME), u32::from(is_lost));
        if !is_lost {
            // That login has ended the session. The rotation reports it, and that no password was reset.
            assert!(matches!(session.rotate_password(&vault).await, Err(Error::SessionRenewed)), "{fault:?}");
            session.rotate_password(&vault).await.unwrap();
            assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
        }
    }
}

#[tokio::test]
async fn a_rotation_in_progress_elsewhere_is_not_called_lost() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    sandbox.fault(Operation::Reset, Fault::Delay(std::time::Duration::from_millis(50)), 1);
    let rotating = tokio::spawn({
        let (session, vault) = (session.clone(), vault.clone());
        async move { session.rotate_password(&vault).await }
    });
    until(|| arrived(&sandbox, "/actions/reset") == 1).await;
    assert_eq!(thingspace.recover_rotation(&vault).await.unwrap(), Recovery::NothingPending);
    rotating.await.unwrap().unwrap();
    assert_eq!(kept(&vault).await, sandbox.password(USERNAME));
    assert_eq!(sandbox.strikes(USERNAME), 0);
}

#[tokio::test]
async fn a_process_that_shares_the_store_finds_an_interrupted_rotation() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let client = || {
        let store = FileStore::new(directory.path().join("sessions.json"));
        crate::support::client_of(&sandbox).store(store).build().unwrap()
    };
    let session = client().start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert_eq!(client().recover_rotation(&vault(&directory)).await.unwrap(), Recovery::NewPasswordLost);
    // The live session goes on. After it has died, no process causes a second failed login.
    assert_eq!(ask(&client().start_session(credentials()).await.unwrap()).await.unwrap(), 200);
    sandbox.expire_session(USERNAME);
    for _ in 0..3 {
        let outcome = match client().start_session(credentials()).await {
            Ok(found) => ask(&found).await.map(drop),
            Err(error) => Err(error),
        };
        assert!(matches!(outcome, Err(Error::LoginSuspended(_))), "{outcome:?}");
    }
    assert_eq!(sandbox.strikes(USERNAME), 1);
}

#[tokio::test]
async fn a_password_returned_to_the_caller_is_reported_as_lost_without_a_login() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let brittle = Brittle::new(vault(&directory), COMMIT, Trouble::Fails);
    let error = session.rotate_password(&brittle).await.unwrap_err();
    assert!(matches!(error, Error::PasswordNotSaved { .. }), "{error:?}");
    assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::NewPasswordLost);
    assert_eq!((arrived(&sandbox, "/session/login"), sandbox.strikes(USERNAME)), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn a_login_that_was_throttled_does_not_prove_a_password_dead() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    let throttled = json!({ "errorCode": "UnifiedWebService.REQUEST_FAILED.TooManyRequests", "errorMessage": "later" });
    sandbox.fault(Operation::Login, Fault::json(429, &throttled), 1000);
    thingspace.recover_rotation(&vault(&directory)).await.unwrap_err();
    sandbox.clear_faults();
    assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::OldPasswordValid);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_before_the_rotation_does_not_prove_a_password_dead() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let client = || client_of(&sandbox).store(store.clone()).build().unwrap();
    let next = || Credentials::new(USERNAME, "next");
    // Used before Verizon has set it, and so rejected once.
    client().start_session(next()).await.unwrap_err();
    client().start_session(credentials()).await.unwrap();
    sandbox.set_password(USERNAME, "next");
    let session = client().start_session(next()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    sleep(Duration::from_secs(600)).await;
    let error = session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::ResetOutcomeUnknown { .. }), "{error:?}");
    let error = client().recover_rotation(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::LoginSuspended(_)), "{error:?}");
    client().reset_login_guard(USERNAME).await.unwrap();
    assert_eq!(client().recover_rotation(&vault(&directory)).await.unwrap(), Recovery::OldPasswordValid);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_locked_for_a_while_does_not_make_a_password_lost() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    // Meanwhile another client locks the account.
    for _ in 0..5 {
        let login = thingspace.api().start_connectivity_management_session();
        let wrong = thingspace_session::Secret::from("wrong");
        login.body_map(|body| body.username(USERNAME).password(wrong)).send().await.unwrap_err();
    }
    for _ in 0..2 {
        thingspace.recover_rotation(&vault(&directory)).await.unwrap_err();
    }
    sandbox.unlock(USERNAME);
    thingspace.reset_login_guard(USERNAME).await.unwrap();
    assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::OldPasswordValid);
}

#[tokio::test]
async fn a_request_that_took_the_platform_too_long_may_have_reset_the_password() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let late = json!({ "errorCode": "UnifiedWebService.REQUEST_FAILED.Timeout", "errorMessage": "backend" });
    let answer = Fault::answer_after(408, late.to_string()).with_header("content-type", "application/json");
    sandbox.fault(Operation::Reset, answer, 1);
    let error = session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::ResetOutcomeUnknown { .. }), "{error:?}");
    assert_eq!(kept(&vault(&directory)).await, None);
    assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::NewPasswordLost);
}

#[tokio::test]
async fn the_error_of_an_undocumented_reset_response_holds_its_body() {
    let (sandbox, _thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let answer = Fault::answer_after(200, r#"{"password":"Wh0a1545a84d"}"#);
    sandbox.fault(Operation::Reset, answer.with_header("content-type", "application/json"), 2);
    let error = session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert!(matches!(error, Error::ResetOutcomeUnknown { .. }), "{error:?}");
    assert!(error.body().unwrap().expose_secret().contains("Wh0a1545a84d"), "{error:?}");
    assert!(!crate::support::shown(&error).contains("Wh0a1545a84d"), "{error:?}");
    let holds = sandbox.password(USERNAME).unwrap();
    let error = session.reset_password(holds.as_str()).await.unwrap_err();
    assert!(error.body().unwrap().expose_secret().contains("Wh0a1545a84d"), "{error:?}");
}

#[tokio::test]
async fn a_login_that_proves_a_password_dead_leaves_the_session_that_is_alive() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let client = || client_of(&sandbox).store(store.clone()).build().unwrap();
    let session = client().start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseAfter, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    assert_eq!(client().recover_rotation(&vault(&directory)).await.unwrap(), Recovery::NewPasswordLost);
    let found = client().start_session(credentials()).await.unwrap();
    assert_eq!(ask(&found).await.unwrap(), 200);
    assert_eq!(sandbox.counters().logins_succeeded, 1);
}

#[tokio::test]
async fn a_rotation_that_ends_while_it_is_recovered_costs_no_login() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    sandbox.fault(Operation::Reset, Fault::Delay(Duration::from_millis(50)), 1);
    let rotating = tokio::spawn({
        let (session, vault) = (session.clone(), vault.clone());
        async move { session.rotate_password(&vault).await }
    });
    until(|| arrived(&sandbox, "/actions/reset") == 1).await;
    assert_eq!(thingspace.recover_rotation(&vault).await.unwrap(), Recovery::NothingPending);
    rotating.await.unwrap().unwrap();
    assert_eq!(arrived(&sandbox, "/session/login"), 1);
    assert_eq!(ask(&session).await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_after_a_rollback_keeps_no_claim() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    let slow = Brittle::new(vault(&directory), COMMIT, Trouble::Takes(Duration::from_secs(5)));
    let rotating = tokio::spawn(async move { session.rotate_password(&slow).await });
    sleep(Duration::from_secs(1)).await;
    let recovery = thingspace.recover_rotation(&vault(&directory)).await.unwrap();
    assert_eq!((recovery, arrived(&sandbox, "/session/login")), (Recovery::NothingPending, 1));
    rotating.await.unwrap().unwrap_err();
    assert_eq!(claims(&sandbox, &store).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_whose_caller_gives_up_runs_to_its_end() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let directory = tempfile::tempdir().unwrap();
    let client = || client_of(&sandbox).store(store.clone()).build().unwrap();
    let session = client().start_session(credentials()).await.unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_secs(30)), 1);
    let (dropped, file) = (client(), vault(&directory));
    timeout(Duration::from_secs(1), dropped.recover_rotation(&file)).await.unwrap_err();
    // The next caller waits for the claim, and finds the rotation recovered.
    assert_eq!(client().recover_rotation(&file).await.unwrap(), Recovery::NothingPending);
    assert_eq!(kept(&file).await.as_deref(), Some(PASSWORD));
    assert_eq!(arrived(&sandbox, "/session/login"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_recovery_may_take_the_full_time_of_the_vault_and_of_a_call() {
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_secs(58)), 1);
    let slow = Brittle::at_each_step(vault(&directory), Trouble::Takes(Duration::from_secs(12)));
    assert_eq!(thingspace.recover_rotation(&slow).await.unwrap(), Recovery::OldPasswordValid);
}
