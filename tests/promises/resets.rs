//! A bare reset returns the new password to its caller even if the store fails, and supersedes the old one.

use std::{
    future::pending,
    panic::resume_unwind,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Error, MemoryStore, Session,
    store::{Account, SessionStore, Snapshot, StoreError, StoreFuture, Version},
};
use tokio::time::{Instant, sleep, timeout};

use crate::support::{ECHO, PASSWORD, USERNAME, arrived, client_of, credentials, runtimes, session, until};

/// The behaviour of the next swaps.
#[derive(Clone, Copy, Debug, Default)]
enum Swaps {
    #[default]
    Work,
    Hang,
    Panic,
    /// This number of swaps fails.
    Fail(u32),
}

/// A store whose swaps fail on request.
#[derive(Clone, Debug, Default)]
struct Troubled {
    inner: MemoryStore,
    swaps: Arc<Mutex<Swaps>>,
    is_first: Arc<AtomicBool>,
}

impl Troubled {
    fn set(&self, swaps: Swaps) {
        *self.swaps.lock().unwrap() = swaps;
    }

    /// Applies after the first swap, which takes the claim.
    fn set_after_the_first(&self, swaps: Swaps) {
        self.set(swaps);
        self.is_first.store(true, Ordering::SeqCst);
    }

    fn next(&self) -> Swaps {
        if self.is_first.swap(false, Ordering::SeqCst) {
            return Swaps::Work;
        }
        let mut swaps = self.swaps.lock().unwrap();
        match *swaps {
            Swaps::Fail(0) => Swaps::Work,
            Swaps::Fail(left) => std::mem::replace(&mut swaps, Swaps::Fail(left - 1)),
            other => other,
        }
    }
}

impl SessionStore for Troubled {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        self.inner.load(account)
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            match self.next() {
                Swaps::Work => self.inner.compare_and_swap(account, expected, new, bytes).await,
                Swaps::Hang => pending().await,
                Swaps::Panic => resume_unwind(Box::new("the store's own code has a bug")),
                Swaps::Fail(_) => {
                    let (place, problem) = ("the store".to_owned(), "no space left on device".to_owned());
                    Err(StoreError::Unavailable { place, problem })
                }
            }
        })
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        seen: Option<Version>,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        self.inner.changed(account, seen, patience)
    }
}

async fn start(sandbox: &Sandbox, store: &Troubled) -> Session {
    client_of(sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await.unwrap()
}

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO).unwrap()).await?.status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_panics_or_fails_after_a_reset_does_not_keep_the_new_password_from_the_caller() {
    for swaps in [Swaps::Hang, Swaps::Panic, Swaps::Fail(u32::MAX)] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let session = start(&sandbox, &store).await;
        store.set_after_the_first(swaps);
        let outcome = timeout(Duration::from_secs(60), session.reset_password(PASSWORD)).await.unwrap();
        let new = outcome.unwrap_or_else(|error| panic!("{swaps:?}: {error:?}"));
        assert_eq!(Some(new.expose_secret().to_owned()), sandbox.password(USERNAME));
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_a_while_after_a_reset_records_it_later() {
    for failures in [1, 30, 100] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let (session, other) = (start(&sandbox, &store).await, start(&sandbox, &store).await);
        store.set_after_the_first(Swaps::Fail(failures));
        session.reset_password(PASSWORD).await.unwrap();
        sleep(Duration::from_secs(60)).await;
        sandbox.expire_session(USERNAME);
        let error = ask(&other).await.unwrap_err();
        assert!(
            matches!(error, Error::LoginSuspended(_) | Error::LoginInProgress { .. } | Error::Store(_)),
            "{error:?}"
        );
        assert_eq!(sandbox.counters().logins_failed, 0, "{failures}: a login with the old password");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_whose_caller_gives_up_runs_to_its_end_and_blocks_no_login() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let (session, other) = (start(&sandbox, &store).await, start(&sandbox, &store).await);
    sandbox.fault(Operation::Reset, Fault::Delay(Duration::from_secs(30)), 1);
    timeout(Duration::from_secs(1), session.reset_password(PASSWORD)).await.unwrap_err();
    sandbox.expire_session(USERNAME);
    // The platform rejects the reset, because its session is dead. The old password stays valid.
    assert_eq!(ask(&other).await.unwrap(), 200);
    assert_eq!((sandbox.counters().resets_processed, sandbox.counters().logins_failed), (0, 0));
}

#[test]
fn a_reset_whose_runtime_is_shut_down_has_an_unknown_outcome() {
    let [stays, ends] = runtimes();
    let (sandbox, _thingspace, session) = stays.block_on(session());
    sandbox.fault(Operation::Reset, Fault::Delay(Duration::from_secs(3600)), 1);
    let mut reset = Box::pin(session.reset_password(PASSWORD));
    ends.block_on(async {
        tokio::select! {
            outcome = &mut reset => panic!("too early: {outcome:?}"),
            () = until(|| arrived(&sandbox, "/actions/reset") == 1) => {}
        }
    });
    ends.shutdown_background();
    let error = stays.block_on(reset).unwrap_err();
    assert!(matches!(error, Error::ResetOutcomeUnknown { .. }), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_cancelled_reset_of_the_guard_blocks_no_login() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let client = client_of(&sandbox).store(store.clone()).build().unwrap();
    let session = start(&sandbox, &store).await;
    sandbox.expire_session(USERNAME);
    for polls in 0..8 {
        let mut reset = Box::pin(client.reset_login_guard(USERNAME));
        for _ in 0..polls {
            tokio::select! {
                biased;
                _ = &mut reset => break,
                () = tokio::task::yield_now() => {}
            }
        }
    }
    let started = Instant::now();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_reset_takes_at_most_twice_the_time_of_a_call() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let session = start(&sandbox, &store).await;
    // The session is dead. Both its renewal and the reset are slow.
    sandbox.expire_session(USERNAME);
    let _ = timeout(Duration::from_millis(1), ask(&session)).await;
    for operation in [Operation::Login, Operation::Reset] {
        sandbox.fault(operation, Fault::Delay(Duration::from_secs(59)), 1000);
    }
    for _ in 0..3 {
        let started = Instant::now();
        let outcome = session.reset_password(PASSWORD).await;
        assert!(started.elapsed() <= Duration::from_secs(121), "{:?}: {outcome:?}", started.elapsed());
    }
}

#[tokio::test]
async fn the_last_response_has_status_and_headers_of_the_login_the_reset_and_the_logout() {
    let (sandbox, _) = crate::support::sandbox().await;
    let thingspace = client_of(&sandbox).build().unwrap();
    let answer = |operation: Operation, status: u16, body: serde_json::Value| {
        let fault = Fault::json(status, &body).with_header("x-request-id", format!("{operation:?}"));
        sandbox.fault(operation, fault, 1);
    };
    let token = "11111111-2222-3333-4444-555555555555";
    answer(Operation::Login, 200, serde_json::json!({ "sessionToken": token }));
    let session = thingspace.start_session(credentials()).await.unwrap();
    let seen = || session.last_response().unwrap().headers()["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(seen(), "Login");
    answer(Operation::Reset, 200, serde_json::json!({ "newPassword": "h2g2" }));
    session.reset_password(PASSWORD).await.unwrap();
    assert_eq!(seen(), "Reset");
    answer(Operation::Logout, 400, serde_json::json!({ "errorCode": "X.Y", "errorMessage": "No." }));
    let error = session.clone().end().await.unwrap_err();
    assert_eq!(seen(), "Reset", "an error response is in the error");
    assert!(error.body().unwrap().expose_secret().contains("No."));
    answer(Operation::Logout, 200, serde_json::json!({ "sessionToken": token }));
    session.clone().end().await.unwrap();
    assert_eq!(seen(), "Logout");
    assert_eq!(session.last_response().unwrap().status(), 200);
}

#[tokio::test]
async fn a_session_from_the_store_has_no_last_response() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let start = async || client_of(&sandbox).store(store.clone()).build().unwrap().start_session(credentials()).await;
    assert!(start().await.unwrap().last_response().is_some());
    assert!(start().await.unwrap().last_response().is_none());
}
