//! Sessions from the store.

use crate::support::{USERNAME, client_of, credentials, edit, pass, record};
use std::time::Duration;
use thingspace_sandbox::Sandbox;
use thingspace_session::MemoryStore;
use tokio::time::sleep;

use super::{SECOND, ask, logins};

#[tokio::test]
async fn a_client_that_starts_finds_the_stored_session_and_does_not_log_in() {
    let sandbox = Sandbox::start().await.unwrap();
    let store = MemoryStore::default();
    for _ in 0..3 {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        assert_eq!(ask(&session).await.unwrap(), 200);
    }
    assert_eq!(logins(&sandbox), (1, 0));
}

#[tokio::test]
async fn a_stored_session_that_was_idle_for_twenty_minutes_is_not_used() {
    let sandbox = Sandbox::start().await.unwrap();
    let store = MemoryStore::default();
    let start = async || {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let first = start().await;
    pass(Duration::from_secs(19 * 60)).await;
    ask(&first).await.unwrap();
    pass(Duration::from_secs(10 * 60)).await;
    start().await;
    assert_eq!(logins(&sandbox), (1, 0), "the store has its use nineteen minutes later");
    pass(Duration::from_secs(21 * 60)).await;
    start().await;
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_store_records_the_use_of_a_session_once_a_minute_and_not_its_load() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let used = async || {
        sleep(SECOND).await;
        record(&sandbox, &store).await["record"]["session"]["used_at"].as_u64().unwrap()
    };
    let start = async || {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let session = start().await;
    let first = used().await;
    sleep(50 * SECOND).await;
    ask(&session).await.unwrap();
    assert_eq!(used().await, first);
    sleep(10 * SECOND).await;
    start().await;
    assert_eq!(used().await, first);
    ask(&session).await.unwrap();
    assert!(used().await > first + 60_000);
}

#[tokio::test]
async fn clients_that_share_a_store_share_the_renewed_session() {
    let sandbox = Sandbox::start().await.unwrap();
    let store = MemoryStore::default();
    let mut sessions = Vec::new();
    for _ in 0..8 {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        sessions.push(thingspace.start_session(credentials()).await.unwrap());
    }
    for round in 2..5 {
        sandbox.expire_session(USERNAME);
        let answers = futures_util::future::join_all(sessions.iter().map(ask)).await;
        assert!(answers.into_iter().all(|answer| answer.unwrap() == 200));
        assert_eq!(logins(&sandbox), (round, 0));
    }
}

#[tokio::test]
async fn a_session_that_was_found_and_used_is_found_again() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    // Like a cron job: start, one request, exit.
    for _ in 0..4 {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        let session = thingspace.start_session(credentials()).await.unwrap();
        assert_eq!(ask(&session).await.unwrap(), 200);
        drop(session);
        tokio::task::yield_now().await;
        pass(Duration::from_secs(11 * 60)).await;
    }
    assert_eq!(logins(&sandbox), (1, 0), "the session was never idle for twenty minutes");
}

#[tokio::test(start_paused = true)]
async fn a_stored_token_that_is_invalid_in_a_header_is_ignored() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
    thingspace.start_session(credentials()).await.unwrap();
    edit(&sandbox, &store, |record| record["record"]["session"]["token"] = "line\nbreak".into()).await;
    let thingspace = client_of(&sandbox).store(store).build().unwrap();
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(ask(&session).await.unwrap(), 200);
}
