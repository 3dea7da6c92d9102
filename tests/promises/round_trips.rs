//! The cost of a shared session: calls of the store, and logins while the record changes.

use std::{
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, MemoryStore, RetryPolicy, Session, ThingSpace,
    store::{Account, SessionStore, Snapshot, StoreFuture, Version},
};
use tokio::time::sleep;

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, client_of, credentials};

/// A store that counts its calls.
#[derive(Clone, Debug, Default)]
struct Counting {
    inner: MemoryStore,
    calls: Arc<[AtomicU32; 3]>,
}

impl Counting {
    fn count(&self, call: usize) {
        self.calls[call].fetch_add(1, Ordering::SeqCst);
    }

    /// Loads, swaps and waits since the last call, after all tasks are idle.
    async fn calls(&self) -> [u32; 3] {
        sleep(Duration::from_secs(1)).await;
        [0, 1, 2].map(|call: usize| self.calls[call].swap(0, Ordering::SeqCst))
    }
}

impl SessionStore for Counting {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        self.count(0);
        self.inner.load(account)
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        self.count(1);
        self.inner.compare_and_swap(account, expected, new, bytes)
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        seen: Option<Version>,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.count(2);
        self.inner.changed(account, seen, patience)
    }
}

async fn sandbox() -> (Sandbox, Counting, ThingSpace) {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Counting::default());
    let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
    (sandbox, store, thingspace)
}

async fn ask(session: &Session) {
    let answer = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
    assert_eq!(answer.status(), 200);
}

#[tokio::test(start_paused = true)]
async fn a_login_always_takes_three_round_trips() {
    let (sandbox, store, thingspace) = sandbox().await;
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(store.calls().await, [1, 2, 0]);
    sandbox.expire_session(USERNAME);
    ask(&session).await;
    assert_eq!(store.calls().await, [1, 2, 0]);
    sleep(Duration::from_secs(20 * 60)).await;
    ask(&session).await;
    assert_eq!(store.calls().await, [1, 2, 0]);
    assert_eq!(sandbox.counters().logins_succeeded, 3);
}

#[tokio::test(start_paused = true)]
async fn a_failed_login_takes_three_round_trips_and_a_suspended_one_takes_one() {
    let (sandbox, store, thingspace) = sandbox().await;
    let wrong = Credentials::new(USERNAME, format!("not {PASSWORD}"));
    thingspace.start_session(wrong.clone()).await.unwrap_err();
    assert_eq!(store.calls().await, [1, 2, 0]);
    let error = thingspace.start_session(wrong).await.unwrap_err();
    assert!(matches!(error, Error::LoginSuspended(_)), "{error:?}");
    assert_eq!(store.calls().await, [1, 0, 0]);
    assert_eq!(sandbox.counters().logins_failed, 1);
}

#[tokio::test(start_paused = true)]
async fn a_stored_session_takes_one_round_trip() {
    let (sandbox, store, thingspace) = sandbox().await;
    let _session = thingspace.start_session(credentials()).await.unwrap();
    store.calls().await;
    let other = client_of(&sandbox).store(store.clone()).build().unwrap();
    ask(&other.start_session(credentials()).await.unwrap()).await;
    assert_eq!(store.calls().await, [1, 0, 0]);
    assert_eq!(sandbox.counters().logins_succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn the_use_of_a_session_takes_two_round_trips_a_minute_and_requests_take_none() {
    let (_sandbox, store, thingspace) = sandbox().await;
    let session = thingspace.start_session(credentials()).await.unwrap();
    store.calls().await;
    for minute in 0..3 {
        // Twenty requests within less than a minute.
        for _ in 0..20 {
            ask(&session).await;
            sleep(Duration::from_secs(1)).await;
        }
        let expected = if minute == 0 { [0, 0, 0] } else { [1, 1, 0] };
        assert_eq!(store.calls().await, expected, "minute {minute}");
        sleep(Duration::from_secs(40)).await;
    }
}

/// While another process logs in, a process looks at the record when it changes.
#[tokio::test(start_paused = true)]
async fn a_process_waiting_for_another_login_reloads_when_the_record_changes() {
    let (sandbox, store, first) = sandbox().await;
    let own = Counting { inner: store.inner.clone(), ..Counting::default() };
    let second = client_of(&sandbox).store(own.clone()).build().unwrap();
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_millis(900)), 1);
    let login = tokio::spawn(async move { first.start_session(credentials()).await });
    sleep(Duration::from_millis(100)).await;
    second.start_session(credentials()).await.unwrap();
    login.await.unwrap().unwrap();
    assert_eq!((store.calls().await, own.calls().await), ([1, 2, 0], [2, 0, 1]));
}

#[tokio::test(start_paused = true)]
async fn a_login_during_a_change_of_the_record_is_not_repeated_or_logged_out() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let client = || client_of(&sandbox).retry_policy(RetryPolicy::none()).store(store.clone()).build().unwrap();
    let thingspace = client();
    thingspace.start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
    sandbox.fault(Operation::Login, Fault::Delay(Duration::from_secs(1)), 1);
    let operator = async {
        sleep(Duration::from_millis(500)).await;
        client().reset_login_guard(USERNAME).await
    };
    let (session, reset) = tokio::join!(thingspace.start_session(credentials()), operator);
    reset.unwrap();
    let session = session.unwrap();
    let response = session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!((arrived(&sandbox, "/session/login"), arrived(&sandbox, "/session/logout")), (2, 0));
}
