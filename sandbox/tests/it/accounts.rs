//! The lockout and the reset of a password.

use reqwest::StatusCode;
use thingspace_sandbox::Sandbox;

use crate::support::{Caller, INVALID, LOCKED, LOGIN_FAILED, PASSWORD, USERNAME};

#[tokio::test]
async fn the_fifth_failed_login_in_a_row_locks_the_account_until_it_is_unlocked() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    for strikes in 1..=5 {
        assert!(!sandbox.is_locked(USERNAME));
        assert_eq!(caller.log_in(USERNAME, "wrong").await.error_code(), LOGIN_FAILED);
        assert_eq!(sandbox.strikes(USERNAME), strikes);
    }
    assert!(sandbox.is_locked(USERNAME));
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.error_code(), LOCKED);
    assert_eq!(caller.log_in(USERNAME, "wrong").await.error_code(), LOCKED);
    let counters = sandbox.counters();
    assert_eq!((counters.logins_attempted, counters.logins_failed, counters.logins_succeeded), (7, 7, 0));

    sandbox.unlock(USERNAME);

    assert_eq!((sandbox.is_locked(USERNAME), sandbox.strikes(USERNAME)), (false, 0));
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_successful_login_clears_the_count_of_failures() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    for _ in 0..3 {
        for _ in 0..4 {
            caller.log_in(USERNAME, "wrong").await;
        }
        assert_eq!(caller.log_in(USERNAME, PASSWORD).await.status, StatusCode::OK);
        assert_eq!(sandbox.strikes(USERNAME), 0);
    }
}

#[tokio::test]
async fn an_unknown_username_gets_the_same_response_and_counts_for_no_account() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    for _ in 0..6 {
        assert_eq!(caller.log_in("ZBeeblebrox", PASSWORD).await.error_code(), LOGIN_FAILED);
    }
    assert_eq!((sandbox.strikes(USERNAME), sandbox.strikes("ZBeeblebrox")), (0, 0));
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_lock_does_not_end_the_current_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    for _ in 0..5 {
        caller.log_in(USERNAME, "wrong").await;
    }
    assert!(sandbox.is_locked(USERNAME));
    assert_eq!(caller.echo().await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_reset_returns_a_random_password_that_is_valid_at_once_and_keeps_the_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;

    let new = caller.reset(PASSWORD).await.text("newPassword");

    assert_eq!(new.len(), 12);
    assert!(new.chars().all(|letter| letter.is_ascii_alphanumeric()));
    assert_eq!(sandbox.password(USERNAME), Some(new.clone()));
    assert_eq!(caller.echo().await.status, StatusCode::OK);
    let newer = caller.reset(&new).await.text("newPassword");
    assert_ne!(newer, new);
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.error_code(), LOGIN_FAILED);
    assert_eq!(caller.log_in(USERNAME, &newer).await.status, StatusCode::OK);
    let counters = sandbox.counters();
    assert_eq!((counters.resets_attempted, counters.resets_processed), (2, 2));
}

#[tokio::test]
async fn a_repeated_reset_is_rejected_and_changes_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::in_session(&sandbox).await;
    let new = caller.reset(PASSWORD).await.text("newPassword");

    let again = caller.reset(PASSWORD).await.error_code();

    assert_eq!(again, "UnifiedWebService.REQUEST_FAILED.OldPasswordIncorrect");
    assert_eq!(sandbox.password(USERNAME), Some(new));
    assert_eq!(sandbox.strikes(USERNAME), 0, "only failed logins count");
    let counters = sandbox.counters();
    assert_eq!((counters.resets_attempted, counters.resets_processed), (2, 1));
}

#[tokio::test]
async fn a_reset_without_a_session_changes_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    assert_eq!(caller.reset(PASSWORD).await.error_code(), INVALID);
    assert_eq!(sandbox.password(USERNAME).as_deref(), Some(PASSWORD));
}

#[tokio::test]
async fn a_password_that_the_test_sets_is_valid_at_once() {
    let sandbox = Sandbox::start().await.unwrap();
    let caller = Caller::of(&sandbox).await;
    sandbox.set_password(USERNAME, "grflbk");
    assert_eq!(caller.log_in(USERNAME, PASSWORD).await.error_code(), LOGIN_FAILED);
    assert_eq!(caller.log_in(USERNAME, "grflbk").await.status, StatusCode::OK);
    assert_eq!(sandbox.password("nobody"), None);
}
