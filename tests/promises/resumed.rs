//! The session of another program, resumed by its token.

use std::time::Duration;

use futures_util::future::join_all;
use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{Credentials, Error, MemoryStore, Session, ThingSpace, store::SessionStore};

use crate::{
    support::{ECHO, USERNAME, account, arrived, calls_until, client_of, credentials, edit, pass, record, session},
    troubled_stores::{Trouble, Troubled},
};

async fn ask(session: &Session) -> u16 {
    session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status().as_u16()
}

/// What another program is doing, and the token of its session.
async fn other() -> (Sandbox, Session, String) {
    let (sandbox, _, other) = session().await;
    let token = other.token().await.unwrap().expose_secret().to_owned();
    (sandbox, other, token)
}

fn client(sandbox: &Sandbox, store: &(impl SessionStore + Clone + 'static)) -> ThingSpace {
    client_of(sandbox).store(store.clone()).build().unwrap()
}

fn logins(sandbox: &Sandbox) -> (u64, u64) {
    let counters = sandbox.counters();
    (counters.logins_succeeded, counters.logins_failed)
}

/// The token in the record.
async fn recorded(sandbox: &Sandbox, store: &MemoryStore) -> String {
    if store.load(&account(sandbox)).await.unwrap().value.is_none() {
        return String::new();
    }
    record(sandbox, store).await["record"]["session"]["token"].as_str().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn no_login_is_made_and_the_other_programs_session_goes_on() {
    let (sandbox, other, token) = other().await;
    let before = arrived(&sandbox, "");
    let resumed = client(&sandbox, &MemoryStore::new()).resume_session(credentials(), token.as_str()).await.unwrap();
    assert_eq!(arrived(&sandbox, ""), before, "nothing is sent to resume a session");
    assert_eq!(resumed.token().await.unwrap().expose_secret(), token);
    assert_eq!((ask(&resumed).await, ask(&other).await), (200, 200));
    assert_eq!(logins(&sandbox), (1, 0));
}

#[tokio::test]
async fn a_dead_one_leads_to_one_login_for_all_callers() {
    let (sandbox, _other, token) = other().await;
    let resumed = client(&sandbox, &MemoryStore::new()).resume_session(credentials(), token).await.unwrap();
    sandbox.expire_session(USERNAME);
    assert!(join_all((0..20).map(|_| ask(&resumed))).await.into_iter().all(|status| status == 200));
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn the_login_guard_stands_before_that_login() {
    let (sandbox, _other, token) = other().await;
    let thingspace = client(&sandbox, &MemoryStore::new());
    let wrong = || Credentials::new(USERNAME, "wrong");
    sandbox.expire_session(USERNAME);
    for _ in 0..3 {
        let resumed = thingspace.resume_session(wrong(), token.as_str()).await.unwrap();
        let error = resumed.send(resumed.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
        assert!(matches!(error, Error::Session { .. } | Error::LoginSuspended(_)), "{error:?}");
    }
    assert_eq!(sandbox.strikes(USERNAME), 1);
}

#[tokio::test]
async fn once_the_platform_has_accepted_it_the_store_has_it() {
    let (sandbox, _other, token) = other().await;
    let store = MemoryStore::new();
    // A session that the other program's login has ended is there, or none.
    for _ in 0..2 {
        let resumed = client(&sandbox, &store).resume_session(credentials(), token.as_str()).await.unwrap();
        assert_eq!(ask(&resumed).await, 200);
        let look = async || (recorded(&sandbox, &store).await == token).then_some(());
        calls_until(Duration::from_millis(1), look).await;
        assert_eq!(ask(&client(&sandbox, &store).start_session(credentials()).await.unwrap()).await, 200);
        assert_eq!(logins(&sandbox), (1, 0));
        edit(&sandbox, &store, |record| record["record"]["session"]["token"] = "dead".into()).await;
    }
}

#[tokio::test]
async fn an_old_token_costs_the_stored_session_nothing() {
    let (sandbox, other, old) = other().await;
    other.end().await.unwrap();
    let store = MemoryStore::new();
    let stored = client(&sandbox, &store).start_session(credentials()).await.unwrap().token().await.unwrap();
    // As a program does that is started again and again with what it was given once.
    for _ in 0..3 {
        let resumed = client(&sandbox, &store).resume_session(credentials(), old.as_str()).await.unwrap();
        assert_eq!(ask(&resumed).await, 200);
        assert_eq!(resumed.token().await.unwrap(), stored);
        assert_eq!(recorded(&sandbox, &store).await, stored.expose_secret());
    }
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test]
async fn an_old_token_and_a_dead_session_in_the_store_lead_to_one_login_in_the_same_call() {
    let (sandbox, other, old) = other().await;
    other.end().await.unwrap();
    let store = MemoryStore::new();
    client(&sandbox, &store).start_session(credentials()).await.unwrap();
    sandbox.expire_session(USERNAME);
    let resumed = client(&sandbox, &store).resume_session(credentials(), old).await.unwrap();
    assert_eq!(ask(&resumed).await, 200);
    assert_eq!(logins(&sandbox), (3, 0));
}

#[tokio::test]
async fn unused_for_twenty_minutes_it_is_not_sent() {
    let (sandbox, _other, token) = other().await;
    let resumed = client(&sandbox, &MemoryStore::new()).resume_session(credentials(), token.as_str()).await.unwrap();
    pass(Duration::from_secs(21 * 60)).await;
    assert_eq!(ask(&resumed).await, 200);
    let sent = sandbox.requests().into_iter().filter(|request| request.header("vz-m2m-token") == Some(&token));
    assert_eq!((sent.count(), logins(&sandbox)), (0, (2, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_store_in_trouble_keeps_no_request_from_being_sent() {
    for trouble in [Trouble::LoadsHang, Trouble::LoadsPanic, Trouble::AllSwapsFail] {
        let ((sandbox, _other, token), store) = (other().await, Troubled::default());
        store.set(trouble);
        let resumed = client(&sandbox, &store).resume_session(credentials(), token).await.unwrap();
        assert_eq!((ask(&resumed).await, ask(&resumed).await), (200, 200), "{trouble:?}");
        assert_eq!(logins(&sandbox), (1, 0));
    }
}

#[tokio::test]
async fn a_token_that_is_none_is_told_as_such_and_not_quoted() {
    let (sandbox, _other, _) = other().await;
    let before = arrived(&sandbox, "");
    for token in ["", "line\nbreak"] {
        let resumed = client(&sandbox, &MemoryStore::new()).resume_session(credentials(), token).await;
        let error = resumed.unwrap_err();
        assert!(matches!(error, Error::Configuration { .. }), "{error:?}");
        assert!(!error.to_string().contains("break"), "{error}");
    }
    assert_eq!(arrived(&sandbox, ""), before);
}
