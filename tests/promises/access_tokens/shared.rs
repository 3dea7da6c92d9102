//! The access token of a fleet, kept in the store.

use std::time::Duration;

use futures_util::future::join_all;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    AccessToken, Error, FileStore, MemoryStore, Session, ThingSpace, ThingSpaceBuilder,
    store::{Account, Sealed, SessionStore, Version},
};
use tokio::time::Instant;

use super::{ask, granted};
use crate::{
    support::{ECHO, calls_until, client_of, credentials, pass, token_requests, until},
    troubled_stores::{Trouble, Troubled},
};

fn replica(sandbox: &Sandbox, store: &(impl SessionStore + Clone + 'static)) -> ThingSpaceBuilder {
    client_of(sandbox).store(store.clone()).share_access_token(true)
}

fn fleet(sandbox: &Sandbox, store: &(impl SessionStore + Clone + 'static)) -> Vec<ThingSpace> {
    (0..8).map(|_| replica(sandbox, store).build().unwrap()).collect()
}

/// Where the token is kept.
fn place(sandbox: &Sandbox) -> Account {
    Account::new(sandbox.base_url().trim_end_matches('/'), "sandbox-key:", "")
}

async fn stored(sandbox: &Sandbox, store: &impl SessionStore) -> String {
    let value = store.load(&place(sandbox)).await.unwrap().value;
    value.map_or_else(String::new, |value| String::from_utf8_lossy(value.bytes()).into_owned())
}

/// Waits until this is in the store.
async fn holds(sandbox: &Sandbox, store: &impl SessionStore, text: &str) {
    let look = async || stored(sandbox, store).await.contains(text).then_some(());
    calls_until(Duration::from_millis(1), look).await;
}

/// Waits until the store has the token that the platform grants.
async fn is_stored(sandbox: &Sandbox, store: &impl SessionStore) -> String {
    let token = granted(sandbox).await;
    holds(sandbox, store, &token).await;
    token
}

async fn all_ask(fleet: &[ThingSpace]) {
    for token in join_all(fleet.iter().map(ThingSpace::access_token)).await {
        token.unwrap();
    }
}

async fn sessions(fleet: &[ThingSpace]) -> Vec<Session> {
    let starts = join_all(fleet.iter().map(|replica| replica.start_session(credentials()))).await;
    starts.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(start_paused = true)]
async fn replicas_that_start_together_buy_one_token() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(2)), 8);
    all_ask(&fleet(&sandbox, &store)).await;
    assert_eq!(token_requests(&sandbox), 1);
}

#[tokio::test]
async fn without_the_request_for_it_nothing_is_stored() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    client_of(&sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await.unwrap();
    assert_eq!(stored(&sandbox, &store).await, "");
}

#[tokio::test]
async fn a_replica_that_comes_later_knows_the_tokens_end() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    replica(&sandbox, &store).build().unwrap().access_token().await.unwrap();
    is_stored(&sandbox, &store).await;
    let before = token_requests(&sandbox);
    pass(Duration::from_secs(50 * 60)).await;
    let late = replica(&sandbox, &store).build().unwrap();
    assert!(late.access_token().await.unwrap().time_left().unwrap() <= Duration::from_secs(600));
    let session = late.start_session(credentials()).await.unwrap();
    assert_eq!(token_requests(&sandbox), before);
    // Alone it would take the token for one of an hour, as the platform says each time.
    pass(Duration::from_secs(11 * 60)).await;
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!(sandbox.counters().gateway_faults, 0);
}

#[tokio::test]
async fn a_replica_that_comes_in_the_last_minute_takes_the_same_token_for_no_longer_than_it_lives() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let first = replica(&sandbox, &store).build().unwrap().access_token().await.unwrap();
    pass(Duration::from_secs(3600 - 50)).await;
    let late = replica(&sandbox, &store).build().unwrap().access_token().await.unwrap();
    assert_eq!((first.expose_secret(), token_requests(&sandbox)), (late.expose_secret(), 2));
    assert!(late.time_left().unwrap() <= Duration::from_secs(50), "{late:?}");
}

#[tokio::test]
async fn an_hour_costs_a_fleet_one_early_request_and_one_at_the_end() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let fleet = fleet(&sandbox, &store);
    all_ask(&fleet).await;
    assert_eq!(token_requests(&sandbox), 1);
    is_stored(&sandbox, &store).await; // which is a request of the test
    pass(Duration::from_secs(3600 - 50)).await;
    for replica in &fleet {
        replica.access_token().await.unwrap();
        holds(&sandbox, &store, "\"is_last\":true").await;
    }
    all_ask(&fleet).await;
    assert_eq!(token_requests(&sandbox), 3);
    pass(Duration::from_secs(51)).await;
    all_ask(&fleet).await;
    assert_eq!(token_requests(&sandbox), 4);
}

#[tokio::test]
async fn a_refused_token_is_replaced_once_for_the_fleet() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let sessions = sessions(&fleet(&sandbox, &store)).await;
    let old = is_stored(&sandbox, &store).await;
    let before = token_requests(&sandbox);
    sandbox.revoke_access_tokens();
    assert!(join_all(sessions.iter().map(ask)).await.into_iter().all(|status| status.unwrap() == 200));
    assert_eq!(token_requests(&sandbox), before + 1);
    let new = is_stored(&sandbox, &store).await;
    assert!(old != new && !stored(&sandbox, &store).await.contains(&old));
}

#[tokio::test]
async fn a_late_refusal_takes_the_newer_token_and_leaves_it_there() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let sessions = sessions(&fleet(&sandbox, &store)).await;
    is_stored(&sandbox, &store).await;
    sandbox.revoke_access_tokens();
    ask(&sessions[0]).await.unwrap();
    let new = is_stored(&sandbox, &store).await;
    let (before, value) = (token_requests(&sandbox), stored(&sandbox, &store).await);
    for session in &sessions[1..] {
        assert_eq!(ask(session).await.unwrap(), 200);
    }
    assert_eq!(token_requests(&sandbox), before);
    assert_eq!(stored(&sandbox, &store).await, value);
    let last = sandbox.requests().into_iter().rfind(|request| request.path.ends_with(ECHO)).unwrap();
    assert_eq!(last.header("authorization"), Some(format!("Bearer {new}").as_str()));
}

#[tokio::test(start_paused = true)]
async fn no_trouble_of_the_store_keeps_a_replica_from_a_token() {
    use Trouble::{AllSwapsFail, LoadsHang, LoadsPanic, SecondSwapsFail, SwapsHang};
    for trouble in [LoadsHang, LoadsPanic, SwapsHang, AllSwapsFail, SecondSwapsFail] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        store.set(trouble);
        let replica = replica(&sandbox, &store).timeout(Duration::from_secs(8)).build().unwrap();
        let start = Instant::now();
        let token = replica.access_token().await;
        assert_eq!(token.unwrap().expose_secret(), granted(&sandbox).await, "{trouble:?}");
        assert!(start.elapsed() < Duration::from_secs(3), "{trouble:?}: {:?}", start.elapsed());
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_replaced() {
    let line = r#"{"token":"line\nbreak","until":null,"is_last":false}"#;
    for value in ["", "{", "[]", line, r#"{"token":5}"#, r#"{"token":null,"until":99999999999999,"is_last":false}"#] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
        store.compare_and_swap(&place(&sandbox), None, Version::random(), value.as_bytes()).await.unwrap();
        replica(&sandbox, &store).build().unwrap().access_token().await.unwrap();
        is_stored(&sandbox, &store).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_replica_that_gets_no_token_keeps_no_other_waiting_for_long() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let [first, second] = [(); 2].map(|()| replica(&sandbox, &store).build().unwrap());
    // It fails: the claim is released.
    sandbox.fault(Operation::Token, Fault::json(401, &serde_json::json!({ "error": "invalid_client" })), 1);
    first.access_token().await.unwrap_err();
    let start = Instant::now();
    second.access_token().await.unwrap();
    assert!(start.elapsed() < Duration::from_secs(1), "{:?}", start.elapsed());

    // It hangs: the claim expires.
    let store = MemoryStore::new();
    let [first, second] = [(); 2].map(|()| replica(&sandbox, &store).build().unwrap());
    sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(50)), 1);
    let before = token_requests(&sandbox);
    let hanging = tokio::spawn(async move { first.access_token().await });
    until(|| token_requests(&sandbox) > before).await;
    let start = Instant::now();
    second.access_token().await.unwrap();
    assert!(start.elapsed() <= Duration::from_secs(6), "{:?}", start.elapsed());
    hanging.await.unwrap().unwrap();
}

#[tokio::test]
async fn a_sealed_store_seals_the_token_and_other_scopes_have_another() {
    let (sandbox, inner) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let sealed = || client_of(&sandbox).store(Sealed::new(inner.clone(), [7; 32])).share_access_token(true);
    let token = sealed().build().unwrap().access_token().await.unwrap();
    holds(&sandbox, &Sealed::new(inner.clone(), [7; 32]), token.expose_secret()).await;
    assert!(!stored(&sandbox, &inner).await.contains(token.expose_secret()));
    sealed().build().unwrap().access_token().await.unwrap();
    assert_eq!(token_requests(&sandbox), 1);
    sealed().scopes(["ts.account.wo"]).build().unwrap().access_token().await.unwrap();
    assert_eq!(token_requests(&sandbox), 2);
    // With another key the stored token cannot be read, and it stays.
    let wrong = client_of(&sandbox).store(Sealed::new(inner.clone(), [8; 32])).share_access_token(true);
    wrong.build().unwrap().access_token().await.unwrap();
    assert_eq!(token_requests(&sandbox), 3);
    holds(&sandbox, &Sealed::new(inner, [7; 32]), token.expose_secret()).await;
}

#[tokio::test]
async fn a_file_keeps_it_across_restarts() {
    let (sandbox, directory) = (Sandbox::start().await.unwrap(), tempfile::tempdir().unwrap());
    let store = FileStore::new(directory.path().join("session.json"));
    for _ in 0..3 {
        let session = replica(&sandbox, &store).build().unwrap().start_session(credentials()).await.unwrap();
        ask(&session).await.unwrap();
    }
    assert_eq!((token_requests(&sandbox), sandbox.counters().logins_succeeded), (1, 1));
}

#[test]
fn sharing_needs_an_api_key() {
    let own = ThingSpace::builder().access_token(AccessToken::new("own")).share_access_token(true);
    let error = own.build().unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
    assert!(error.to_string().contains(".api_key("), "{error}");
}

/// The store's clock may be wrong, or the record damaged. The platform grants the same token again.
#[tokio::test]
async fn an_end_that_the_platform_contradicts_does_not_make_every_call_buy_a_token() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let token = granted(&sandbox).await;
    let wrong = format!(r#"{{"token":"{token}","until":0,"is_last":true}}"#);
    let place = place(&sandbox);
    assert!(store.compare_and_swap(&place, None, Version::random(), wrong.as_bytes()).await.unwrap());
    let before = token_requests(&sandbox);
    let replica = replica(&sandbox, &store).build().unwrap();
    for _ in 0..10 {
        assert_eq!(replica.access_token().await.unwrap().expose_secret(), token);
    }
    assert_eq!(token_requests(&sandbox), before + 1);
}
