//! Stores that lose data, or are restored from a backup.

use std::{fs, path::PathBuf};

use tempfile::TempDir;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, FileStore, SuspensionReason, ThingSpace};

use super::{ask, counted, on, suspension, wrong};
use crate::support::{PASSWORD, USERNAME, credentials};

/// A file that all processes of a test share. The test deletes or restores it.
struct Shared {
    sandbox: Sandbox,
    _directory: TempDir,
    path: PathBuf,
}

impl Shared {
    async fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("thingspace.json");
        Self { sandbox: Sandbox::start().await.unwrap(), _directory: directory, path }
    }

    fn process(&self) -> ThingSpace {
        on(&self.sandbox, &FileStore::new(&self.path))
    }
}

#[tokio::test]
async fn a_store_that_loses_all_data_repeatedly_costs_one_failed_login() {
    let shared = Shared::new().await;
    let process = shared.process();
    let error = process.start_session(wrong()).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    for _ in 0..5 {
        fs::remove_file(&shared.path).unwrap();
        let error = process.start_session(wrong()).await.unwrap_err();
        assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
        // A new process begins with an empty record.
        shared.process().start_session(credentials()).await.unwrap().end().await.unwrap();
        let error = process.start_session(wrong()).await.unwrap_err();
        assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
        assert_eq!(counted(&shared.sandbox).1, 1);
    }
}

#[tokio::test]
async fn a_store_restored_from_before_a_rejection_costs_no_second_one() {
    let shared = Shared::new().await;
    let process = shared.process();
    let session = process.start_session(credentials()).await.unwrap();
    let before = fs::read(&shared.path).unwrap();
    shared.sandbox.expire_session(USERNAME);
    drop(session);
    let stale = process.start_session(wrong()).await.unwrap();
    for _ in 0..3 {
        ask(&stale).await.unwrap_err();
        assert_eq!(counted(&shared.sandbox).1, 1);
        fs::write(&shared.path, &before).unwrap();
    }
    process.reset_login_guard(USERNAME).await.unwrap();
    ask(&stale).await.unwrap_err();
    assert_eq!(counted(&shared.sandbox).1, 2, "after the operator reset the guard");
}

#[tokio::test]
async fn a_guard_reset_holds_after_the_store_lost_all_data() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(wrong()).await.unwrap_err();
    fs::remove_file(&shared.path).unwrap();
    process.reset_login_guard(USERNAME).await.unwrap();
    process.start_session(wrong()).await.unwrap_err();
    assert_eq!(counted(&shared.sandbox).1, 2);
    let error = process.start_session(wrong()).await.unwrap_err();
    assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
}

#[tokio::test]
async fn a_guard_reset_holds_if_the_store_loses_it_at_once() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(wrong()).await.unwrap_err();
    process.reset_login_guard(USERNAME).await.unwrap();
    fs::remove_file(&shared.path).unwrap();
    let error = process.start_session(wrong()).await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
}

#[tokio::test]
async fn a_process_remembers_each_user_separately() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(wrong()).await.unwrap_err();
    fs::remove_file(&shared.path).unwrap();
    process.start_session(Credentials::new("marvin", "wrong")).await.unwrap_err();
    let error = process.start_session(wrong()).await.unwrap_err();
    assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
}

#[tokio::test]
async fn a_superseded_password_is_not_sent_after_the_store_lost_the_record() {
    let shared = Shared::new().await;
    let process = shared.process();
    let session = process.start_session(credentials()).await.unwrap();
    let before = fs::read(&shared.path).unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    shared.sandbox.expire_session(USERNAME);
    for put_back in [true, false] {
        let outcome = if put_back { fs::write(&shared.path, &before) } else { fs::remove_file(&shared.path) };
        outcome.unwrap();
        // The restored session is dead.
        let outcome = async { ask(&process.start_session(credentials()).await?).await };
        assert_eq!(suspension(outcome.await.unwrap_err()), SuspensionReason::Superseded);
        assert_eq!(counted(&shared.sandbox), (1, 0));
    }
}

#[tokio::test]
async fn a_restored_old_session_costs_one_login_and_no_failed_request() {
    let shared = Shared::new().await;
    let session = shared.process().start_session(credentials()).await.unwrap();
    assert_eq!(ask(&session).await.unwrap(), 200);
    let older = fs::read(&shared.path).unwrap();
    for logins in 2..5 {
        shared.sandbox.expire_session(USERNAME);
        fs::write(&shared.path, &older).unwrap();
        assert_eq!(ask(&session).await.unwrap(), 200);
        assert_eq!(counted(&shared.sandbox), (logins, 0));
    }
}

#[tokio::test]
async fn a_restored_store_does_not_lower_the_failure_count() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(credentials()).await.unwrap().end().await.unwrap();
    let before = fs::read(&shared.path).unwrap();
    for number in 0..4 {
        process.start_session(Credentials::new(USERNAME, format!("wrong {number}"))).await.unwrap_err();
        fs::write(&shared.path, &before).unwrap();
    }
    let error = process.start_session(Credentials::new(USERNAME, "wrong 4")).await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::FailureLimit);
    assert_eq!(shared.sandbox.strikes(USERNAME), 4);
    // Until the operator resets the guard.
    process.reset_login_guard(USERNAME).await.unwrap();
    process.start_session(credentials()).await.unwrap();
}

#[tokio::test]
async fn a_restored_old_success_does_not_reset_later_failures() {
    let shared = Shared::new().await;
    let process = shared.process();
    let wrong = |number| Credentials::new(USERNAME, format!("wrong {number}"));
    shared.process().start_session(credentials()).await.unwrap().end().await.unwrap();
    let before = fs::read(&shared.path).unwrap();
    fs::remove_file(&shared.path).unwrap();
    for number in 0..3 {
        process.start_session(wrong(number)).await.unwrap_err();
    }
    for number in 3..6 {
        fs::write(&shared.path, &before).unwrap();
        process.start_session(wrong(number)).await.unwrap_err();
    }
    assert_eq!(shared.sandbox.strikes(USERNAME), 4);
}

#[tokio::test]
async fn a_login_of_unknown_outcome_still_counts_after_the_store_lost_it() {
    let shared = Shared::new().await;
    let process = shared.process();
    shared.sandbox.fault(Operation::Login, Fault::CloseAfter, 100);
    for lost in 0..4 {
        for _ in 0..2 {
            process.start_session(wrong()).await.unwrap_err();
        }
        assert_eq!(shared.sandbox.strikes(USERNAME), 2, "{lost}");
        fs::remove_file(&shared.path).unwrap();
    }
}

#[tokio::test]
async fn a_new_process_learns_lost_attempts_from_one_that_remembers_them() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(wrong()).await.unwrap_err();
    for _ in 0..5 {
        fs::remove_file(&shared.path).unwrap();
        process.start_session(wrong()).await.unwrap_err();
        let error = shared.process().start_session(wrong()).await.unwrap_err();
        assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
    }
    assert_eq!(counted(&shared.sandbox), (0, 1));
}

#[tokio::test]
async fn a_superseded_password_is_remembered_after_repeated_losses() {
    let shared = Shared::new().await;
    let process = shared.process();
    let session = process.start_session(credentials()).await.unwrap();
    let new = session.reset_password(PASSWORD).await.unwrap();
    for _ in 0..6 {
        fs::remove_file(&shared.path).unwrap();
        shared.sandbox.expire_session(USERNAME);
        // A new process begins with an empty record, and the others merge theirs into it.
        let new = Credentials::new(USERNAME, new.expose_secret());
        let other = shared.process().start_session(new).await.unwrap();
        assert_eq!(ask(&other).await.unwrap(), 200);
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    fs::remove_file(&shared.path).unwrap();
    let error = process.start_session(credentials()).await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::Superseded);
    assert_eq!(counted(&shared.sandbox).1, 0);
}

#[tokio::test]
async fn a_reset_restores_what_the_store_lost() {
    let shared = Shared::new().await;
    let process = shared.process();
    process.start_session(wrong()).await.unwrap_err();
    let session = process.start_session(credentials()).await.unwrap();
    fs::remove_file(&shared.path).unwrap();
    session.reset_password(PASSWORD).await.unwrap();
    let error = shared.process().start_session(wrong()).await.unwrap_err();
    assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
    assert_eq!(counted(&shared.sandbox), (1, 1));
}
