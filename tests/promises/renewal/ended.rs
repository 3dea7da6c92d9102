//! The crate does not renew an ended session.

use crate::support::{USERNAME, arrived, calls_until, client_of, credentials, session};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Error, MemoryStore};
use tokio::time::sleep;

use super::{SECOND, ask, logins};

#[tokio::test]
async fn an_ended_session_is_not_started_anew() {
    let (sandbox, thingspace, session) = session().await;
    let clone = session.clone();
    session.end().await.unwrap();
    for _ in 0..3 {
        assert!(matches!(ask(&clone).await, Err(Error::SessionEnded)));
    }
    assert_eq!(logins(&sandbox), (1, 0));
    // A caller can start another session.
    let next = thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(ask(&next).await.unwrap(), 200);
    assert_eq!(logins(&sandbox), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn no_login_is_made_after_a_session_was_ended() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::answer(429, "").with_header("retry-after", "5"), 1);
    let clone = session.clone();
    let call = tokio::spawn(async move { ask(&clone).await });
    sleep(SECOND).await;
    let before = arrived(&sandbox, "/session/login");
    session.end().await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SessionEnded), "{error:?}");
    sleep(60 * SECOND).await;
    assert_eq!(arrived(&sandbox, "/session/login"), before);
}

#[tokio::test(start_paused = true)]
async fn a_login_that_finishes_after_its_session_ended_leaves_no_session() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let start = async || {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let session = start().await;
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::Delay(10 * SECOND), 1);
    let clone = session.clone();
    let call = tokio::spawn(async move { ask(&clone).await });
    sleep(SECOND).await;
    session.end().await.unwrap();
    let error = call.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::SessionEnded), "{error:?}");
    sleep(SECOND).await;
    assert_eq!(arrived(&sandbox, "/session/logout"), 1);
    start().await;
    assert_eq!(logins(&sandbox), (3, 0), "the store does not have its session");
}

#[tokio::test(start_paused = true)]
async fn ending_a_session_that_is_known_to_be_dead_wastes_no_request() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let start = async || {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        thingspace.start_session(credentials()).await.unwrap()
    };
    let (one, other, last) = (start().await, start().await, start().await);
    sleep(15 * 60 * SECOND).await;
    ask(&other).await.unwrap();
    sleep(10 * 60 * SECOND).await;
    one.end().await.unwrap();
    assert_eq!(arrived(&sandbox, "/session/logout"), 1, "another process has used it");
    last.end().await.unwrap();
    assert_eq!(arrived(&sandbox, "/session/logout"), 1);
}

#[tokio::test]
async fn ending_a_session_that_has_died_unnoticed_is_one_request() {
    let (sandbox, _thingspace, session) = session().await;
    sandbox.expire_session(USERNAME);
    session.end().await.unwrap();
    assert_eq!((arrived(&sandbox, "/session/logout"), logins(&sandbox)), (1, (1, 0)));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_is_started_while_another_is_being_ended_is_ended_as_well() {
    let (sandbox, thingspace, session) = session().await;
    sandbox.fault(Operation::Logout, Fault::Drip { interval: SECOND / 10 }, 1);
    let (clone, end) = (session.clone(), tokio::spawn(session.end()));
    calls_until(SECOND / 10, async || (sandbox.counters().logouts == 1).then_some(())).await;
    // The response is still in transit, and the session is dead for its users.
    assert_eq!(ask(&clone).await.unwrap(), 200);
    end.await.unwrap().unwrap();
    assert!(matches!(ask(&clone).await, Err(Error::SessionEnded)));
    assert_eq!(sandbox.counters().logouts, 2);
    thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(logins(&sandbox), (3, 0), "the store does not have the session started meanwhile");
}
