//! The account stays open: at most two failed logins for a set of credentials. An outage needs no operator.

mod outages;
mod sources;

use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{Credentials, Error, MemoryStore, RetryPolicy, Session, SuspensionReason, ThingSpace};

use crate::support::{ECHO, USERNAME, client_of, record, shown};

const RIGHT: &str = "IMgr8";

struct Bench {
    sandbox: Sandbox,
    store: MemoryStore,
}

impl Bench {
    async fn new() -> Self {
        Self { sandbox: Sandbox::start().await.unwrap(), store: MemoryStore::default() }
    }

    /// A new process, which shares only the store.
    fn process(&self) -> ThingSpace {
        client_of(&self.sandbox).retry_policy(RetryPolicy::none()).store(self.store.clone()).build().unwrap()
    }

    /// A process that retries requests that did not reach the platform.
    fn patient(&self) -> ThingSpace {
        client_of(&self.sandbox).store(self.store.clone()).build().unwrap()
    }

    async fn start(&self, password: &str) -> Result<Session, Error> {
        self.process().start_session(Credentials::new(USERNAME, password)).await
    }

    fn attempts(&self) -> usize {
        crate::support::arrived(&self.sandbox, "/session/login")
    }

    /// The attempts in the store.
    async fn count(&self) -> Value {
        record(&self.sandbox, &self.store).await["record"]["history"].clone()
    }
}

fn suspension(error: &Error) -> SuspensionReason {
    let Error::LoginSuspended(suspension) = error else { panic!("{error:?}") };
    suspension.reason.clone()
}

#[tokio::test]
async fn a_rejected_password_is_sent_once_across_restarts() {
    let bench = Bench::new().await;
    let error = bench.start("wrong").await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    for _ in 0..20 {
        let error = bench.start("wrong").await.unwrap_err();
        let SuspensionReason::Rejected { code: Some(code) } = suspension(&error) else { panic!("{error:?}") };
        assert!(code.ends_with("LoginFailed"));
        assert!(
            error.to_string().contains("other credentials") && error.to_string().contains("reset_login_guard"),
            "{error}"
        );
        assert!(!error.is_retryable() && !shown(&error).contains("wrong\""));
    }
    assert_eq!((bench.attempts(), bench.sandbox.strikes(USERNAME)), (1, 1));
}

#[tokio::test]
async fn the_first_rejection_has_advice_and_an_empty_password_is_not_sent() {
    let bench = Bench::new().await;
    let error = bench.start("wrong").await.unwrap_err().to_string();
    assert!(error.contains("not tried again") && error.contains("check the username"), "{error}");
    for (username, password) in [(USERNAME, ""), ("", RIGHT)] {
        let error = bench.process().start_session(Credentials::new(username, password)).await.unwrap_err();
        assert!(matches!(&error, Error::Configuration { problem } if problem.contains("is empty")), "{error:?}");
    }
    assert_eq!(bench.attempts(), 1);
}

#[tokio::test]
async fn other_credentials_lift_a_suspension_and_so_does_a_reset_of_the_login_guard() {
    let bench = Bench::new().await;
    bench.start("wrong").await.unwrap_err();
    bench.start(RIGHT).await.unwrap().end().await.unwrap();
    // The record still has the rejection of the wrong credentials.
    suspension(&bench.start("wrong").await.unwrap_err());
    bench.sandbox.set_password(USERNAME, "wrong");
    suspension(&bench.start("wrong").await.unwrap_err());
    bench.process().reset_login_guard(USERNAME).await.unwrap();
    bench.start("wrong").await.unwrap();
}

#[tokio::test]
async fn unverified_credentials_get_two_logins_of_unknown_outcome() {
    for fault in [
        Fault::CloseBefore,
        Fault::CloseAfter,
        Fault::answer(500, ""),
        Fault::answer(502, "<html>"),
        Fault::answer(200, "{}"),
        Fault::Truncate,
    ] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, fault.clone(), 100);
        for _ in 0..2 {
            let error = bench.start("maybe").await.unwrap_err();
            assert!(!matches!(error, Error::LoginSuspended(_)), "{fault:?}: {error:?}");
        }
        for _ in 0..10 {
            assert_eq!(suspension(&bench.start("maybe").await.unwrap_err()), SuspensionReason::UnknownOutcome);
        }
        assert_eq!(bench.attempts(), 2, "{fault:?}");
        bench.sandbox.clear_faults();
        bench.start(RIGHT).await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn a_rejection_without_a_code_counts_with_any_body() {
    for body in ["", "<html>Unauthorized</html>", r#"{"error":"Unauthorized","status":401}"#] {
        let bench = Bench::new().await;
        let session = bench.start(RIGHT).await.unwrap();
        bench.sandbox.set_password(USERNAME, "changed-elsewhere");
        bench.sandbox.expire_session(USERNAME);
        bench.sandbox.fault(Operation::Login, Fault::answer_after(401, body), 1000);
        for _ in 0..30 {
            session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
            tokio::time::sleep(Duration::from_secs(300)).await;
        }
        assert_eq!(bench.sandbox.strikes(USERNAME), 1, "{body}");
        let reason = suspension(&bench.start(RIGHT).await.unwrap_err());
        assert!(matches!(reason, SuspensionReason::Rejected { .. }), "{body}: {reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_without_a_session_counts_for_verified_credentials() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.set_password(USERNAME, "changed-elsewhere");
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer_after(200, r#"{"errorMessage":"no"}"#), 1000);
    for _ in 0..30 {
        session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::FailureLimit);
    assert!(!bench.sandbox.is_locked(USERNAME));
}

#[tokio::test(start_paused = true)]
async fn a_suspended_login_sends_nothing_and_fails_at_once() {
    let bench = Bench::new().await;
    bench.start("wrong").await.unwrap_err();
    bench.sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(40)), 1);
    let (before, started) = (bench.sandbox.requests().len(), tokio::time::Instant::now());
    suspension(&bench.start("wrong").await.unwrap_err());
    assert_eq!(bench.sandbox.requests().len(), before);
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_suspension_has_its_start_time() {
    let bench = Bench::new().await;
    let of = async |password: &str| match bench.start(password).await {
        Err(Error::LoginSuspended(suspension)) => suspension,
        other => panic!("{other:?}"),
    };
    let hour = Duration::from_secs(3600);
    let session = bench.start(RIGHT).await.unwrap();
    session.reset_password(RIGHT).await.unwrap();
    session.end().await.unwrap();
    let retired = of(RIGHT).await;
    tokio::time::sleep(hour).await;
    assert_eq!(of(RIGHT).await, retired);
    bench.sandbox.fault(Operation::Login, Fault::CloseBefore, 2);
    for password in ["maybe", "maybe", "wrong-1", "wrong-2"] {
        bench.start(password).await.unwrap_err();
    }
    let (unknown, last) = (of("maybe").await, of("another").await);
    assert_eq!((&unknown.reason, &last.reason), (&SuspensionReason::UnknownOutcome, &SuspensionReason::FailureLimit));
    tokio::time::sleep(hour).await;
    assert_eq!((of("maybe").await, of("another").await), (unknown, last));
}

impl Bench {
    /// A process whose calls end before the first retry.
    fn process_limited(&self) -> ThingSpace {
        let client = client_of(&self.sandbox).retry_policy(RetryPolicy::none()).timeout(Duration::from_millis(400));
        client.store(self.store.clone()).build().unwrap()
    }
}

#[tokio::test]
async fn no_credentials_cause_a_fifth_failed_login() {
    let bench = Bench::new().await;
    for number in 0..20 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    assert_eq!(bench.sandbox.strikes(USERNAME), 4);
    assert!(!bench.sandbox.is_locked(USERNAME));
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::FailureLimit);
    bench.process().reset_login_guard(USERNAME).await.unwrap();
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test]
async fn verified_credentials_cause_no_fifth_failed_login() {
    let bench = Bench::new().await;
    bench.start(RIGHT).await.unwrap().end().await.unwrap();
    for number in 0..4 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    bench.sandbox.set_password(USERNAME, "changed-elsewhere");
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::FailureLimit);
    assert!(!bench.sandbox.is_locked(USERNAME));
}

#[tokio::test]
async fn the_stored_fingerprint_of_a_password_differs_between_accounts() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    for bench in [&one, &other] {
        bench.start(RIGHT).await.unwrap();
    }
    let kept = async |bench: &Bench| bench.count().await["last_success"]["credentials"].as_u64().unwrap();
    assert_ne!(kept(&one).await, kept(&other).await);
}

#[tokio::test]
async fn the_size_of_a_record_is_bounded_for_any_number_of_passwords() {
    let bench = Bench::new().await;
    let (mut password, mut sizes) = (RIGHT.to_owned(), Vec::new());
    for round in 0..40 {
        for number in 0..2 {
            bench.start(&format!("wrong-{round}-{number}")).await.unwrap_err();
        }
        let session = bench.start(&password).await.unwrap();
        password = session.reset_password(password).await.unwrap().expose_secret().to_owned();
        session.end().await.unwrap();
        sizes.push(bench.count().await.to_string().len());
    }
    assert!(sizes[39] < sizes[19] + sizes[19] / 10, "{sizes:?}");
}
