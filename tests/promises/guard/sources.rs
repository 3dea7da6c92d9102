//! Providers of credentials: each login calls the provider and uses changed credentials.

use crate::support::{ECHO, USERNAME, calls_until, credentials, pass};
use reqwest::Method;
use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};
use thingspace_sandbox::{Fault, Operation};
use thingspace_session::{Credentials, CredentialsProvider, Error, Session, SuspensionReason};

use super::{Bench, RIGHT, suspension};

/// A shared password, first the right one, and a provider that returns its current value.
fn vault() -> (Arc<Mutex<String>>, impl CredentialsProvider + 'static) {
    let vault = Arc::new(Mutex::new(RIGHT.to_owned()));
    let source = {
        let vault = vault.clone();
        move || std::future::ready(Ok(Credentials::new(USERNAME, vault.lock().unwrap().clone())))
    };
    (vault, source)
}

#[tokio::test]
async fn each_login_calls_the_provider_and_uses_a_changed_password() {
    let bench = Bench::new().await;
    let (vault, source) = vault();
    let session = bench.process().start_session(source).await.unwrap();
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    bench.sandbox.set_password(USERNAME, "changed");
    pass(Duration::from_secs(21 * 60)).await;
    let Error::Session { source } = ask().await.unwrap_err() else { panic!("not about the session") };
    assert!(matches!(*source, Error::Platform(_)), "{source:?}");
    suspension(&ask().await.unwrap_err());
    *vault.lock().unwrap() = "changed".to_owned();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert_eq!(bench.sandbox.counters().logins_failed, 1);
}

#[tokio::test]
async fn after_a_reset_no_process_sends_the_old_password() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    let other = bench.start(RIGHT).await.unwrap();
    let new = session.reset_password(RIGHT).await.unwrap();
    pass(Duration::from_secs(21 * 60)).await;
    let ask = async |session: &Session| session.send(session.request(Method::GET, ECHO).unwrap()).await;
    // The provider of another process still returns the old one: an error. The session of the reset knows the new one.
    assert_eq!(suspension(&ask(&other).await.unwrap_err()), SuspensionReason::Superseded);
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::Superseded);
    assert_eq!(ask(&session).await.unwrap().status(), 200);
    assert_eq!(ask(&other).await.unwrap().status(), 200, "it uses the session from the store");
    bench.start(new.expose_secret()).await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn each_of_several_resets_supersedes_its_old_password() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    let second = session.reset_password(RIGHT).await.unwrap();
    let third = session.reset_password(second.clone()).await.unwrap();
    session.end().await.unwrap();
    for old in [RIGHT, second.expose_secret()] {
        assert_eq!(suspension(&bench.start(old).await.unwrap_err()), SuspensionReason::Superseded);
    }
    bench.start(third.expose_secret()).await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn after_a_reset_a_third_password_of_the_provider_is_used() {
    let bench = Bench::new().await;
    let (vault, source) = vault();
    let session = bench.process().start_session(source).await.unwrap();
    session.reset_password(RIGHT).await.unwrap();
    bench.sandbox.set_password(USERNAME, "changed");
    *vault.lock().unwrap() = "changed".to_owned();
    bench.sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_hangs_does_not_block_calls_forever() {
    let bench = Bench::new().await;
    let error = bench.process().start_session(std::future::pending).await.unwrap_err();
    assert!(matches!(error, Error::CredentialsProvider(_)), "{error:?}");
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_panics_blocks_no_later_login() {
    let bench = Bench::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let source = move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(number != 2, "a bug in the provider");
            Ok(credentials())
        }
    };
    let session = bench.process().start_session(source).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let error = ask().await.unwrap_err();
    assert!(matches!(error, Error::CredentialsProvider(_)), "{error:?}");
    let started = tokio::time::Instant::now();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_slow_provider_does_not_cause_two_logins_at_a_time() {
    let bench = Bench::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let slow = move || {
        // Immediately at the start of the session; 50 s at the next login, which is within the limit.
        let wait = if asked.fetch_add(1, Ordering::SeqCst) < 2 { 0 } else { 50 };
        async move {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            Ok(credentials())
        }
    };
    let one = bench.process().start_session(slow).await.unwrap();
    let other = bench.start(RIGHT).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::Delay(Duration::from_secs(30)), 1);
    let ask = async |session: &Session| session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let first = tokio::spawn(async move { ask(&one).await.map(drop) });
    tokio::time::sleep(Duration::from_secs(1)).await;
    calls_until(Duration::from_secs(1), async || ask(&other).await.ok()).await;
    tokio::time::sleep(Duration::from_secs(100)).await;
    let _ = first.await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_succeeded, 2, "one login for one dead session");
}

#[tokio::test]
async fn a_failing_provider_is_an_error_and_nothing_is_sent() {
    let bench = Bench::new().await;
    let error = bench.process().start_session(|| async { Err("the vault is sealed".into()) }).await.unwrap_err();
    let Error::CredentialsProvider(source) = &error else { panic!("{error:?}") };
    assert_eq!(source.to_string(), "the vault is sealed");
    assert!(!error.to_string().contains("sealed"), "what it says may be a secret, and this is logged: {error}");
    assert_eq!(bench.attempts(), 0);
}
