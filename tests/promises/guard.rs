//! The account stays open: at most two failed logins for a set of credentials, and no outage that needs a person.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, MemoryStore, Retries, Session, SuspensionReason, ThingSpace,
    store::{Account, SessionStore as _},
};
use tokio::time::Instant;

use crate::support::{ECHO, USERNAME, client_of, credentials, pass, shown};

const RIGHT: &str = "IMgr8";

struct Bench {
    sandbox: Sandbox,
    store: MemoryStore,
}

impl Bench {
    async fn new() -> Self {
        Self { sandbox: Sandbox::start().await.unwrap(), store: MemoryStore::default() }
    }

    /// A process that starts: it shares the store and nothing else.
    fn process(&self) -> ThingSpace {
        client_of(&self.sandbox).retries(Retries::none()).store(self.store.clone()).build().unwrap()
    }

    /// One that repeats what has not reached the platform.
    fn patient(&self) -> ThingSpace {
        client_of(&self.sandbox).store(self.store.clone()).build().unwrap()
    }

    async fn start(&self, password: &str) -> Result<Session, Error> {
        self.process().start_session(Credentials::new(USERNAME, password)).await
    }

    fn attempts(&self) -> usize {
        crate::support::arrived(&self.sandbox, "/session/login")
    }

    /// What the store keeps of the count.
    async fn count(&self) -> Value {
        let account = Account::new(self.sandbox.base_url().trim_end_matches('/'), "sandbox-key", USERNAME);
        serde_json::to_value(self.store.load(&account).await.unwrap()).unwrap()["guard"].clone()
    }
}

fn suspension(error: &Error) -> SuspensionReason {
    let Error::LoginSuspended(suspension) = error else { panic!("{error:?}") };
    suspension.reason.clone()
}

#[tokio::test]
async fn a_refused_password_is_tried_once_however_often_a_process_is_started() {
    let bench = Bench::new().await;
    let error = bench.start("wrong").await.unwrap_err();
    assert!(matches!(error, Error::Platform(_)), "{error:?}");
    for _ in 0..20 {
        let error = bench.start("wrong").await.unwrap_err();
        let SuspensionReason::Refused { code: Some(code) } = suspension(&error) else { panic!("{error:?}") };
        assert!(code.ends_with("LoginFailed"));
        assert!(
            error.to_string().contains("other credentials") && error.to_string().contains("rearm_logins"),
            "{error}"
        );
        assert!(!error.is_retryable() && !shown(&error).contains("wrong\""));
    }
    assert_eq!((bench.attempts(), bench.sandbox.strikes(USERNAME)), (1, 1));
}

#[tokio::test]
async fn other_credentials_re_arm_and_so_does_an_explicit_call() {
    let bench = Bench::new().await;
    bench.start("wrong").await.unwrap_err();
    bench.start(RIGHT).await.unwrap().end().await.unwrap();
    // The wrong ones are still known to be wrong.
    suspension(&bench.start("wrong").await.unwrap_err());
    bench.sandbox.set_password(USERNAME, "wrong");
    suspension(&bench.start("wrong").await.unwrap_err());
    bench.process().rearm_logins(USERNAME).await.unwrap();
    bench.start("wrong").await.unwrap();
}

#[tokio::test]
async fn a_login_of_unknown_outcome_is_tried_twice_where_the_credentials_have_never_worked() {
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
async fn an_outage_heals_by_itself_where_the_credentials_have_worked() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1000);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let before = bench.attempts();
    let mut errors = 0;
    for _ in 0..60 {
        // An hour of a minute each.
        errors += u32::from(ask().await.is_err());
        tokio::time::sleep(Duration::from_secs(60)).await;
    }
    let tries = bench.attempts() - before;
    assert_eq!(errors, 60);
    assert!((12..=40).contains(&tries), "it backs off to five minutes, jittered: {tries} tries in an hour");
    bench.sandbox.clear_faults();
    tokio::time::sleep(Duration::from_secs(301)).await;
    assert_eq!(ask().await.unwrap().status(), 200);
    assert_eq!(bench.sandbox.strikes(USERNAME), 0);
}

#[tokio::test(start_paused = true)]
async fn the_wait_after_a_login_without_an_answer_differs_by_chance() {
    let mut waits = BTreeSet::new();
    for _ in 0..20 {
        let bench = Bench::new().await;
        let session = bench.start(RIGHT).await.unwrap();
        bench.sandbox.expire_session(USERNAME);
        bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1);
        let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
        ask().await.unwrap_err();
        let started = Instant::now();
        assert_eq!(ask().await.unwrap().status(), 200);
        let wait = started.elapsed().as_millis();
        assert!((500..1010).contains(&wait), "a second, of which chance takes up to a half: {wait} ms");
        waits.insert(wait);
    }
    assert!(waits.len() > 5, "{waits:?}");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_reach_the_platform_counts_nothing_and_is_repeated() {
    for fault in [Fault::gateway("900800"), Fault::answer(429, "").with_header("retry-after", "3")] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, fault.clone(), 4);
        let credentials = Credentials::new(USERNAME, "never-worked");
        bench.patient().start_session(credentials).await.unwrap_err();
        assert_eq!(bench.attempts(), 5, "{fault:?}: repeated until the platform itself refused");
        assert_eq!(bench.sandbox.strikes(USERNAME), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn what_did_not_reach_the_platform_is_no_strike() {
    let bench = Bench::new().await;
    for number in 0..3 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    bench.sandbox.fault(Operation::Login, Fault::gateway("900800"), 6);
    for _ in 0..6 {
        let error = bench.start("never-worked").await.unwrap_err();
        assert!(!matches!(error, Error::LoginSuspended(_)), "{error:?}");
    }
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_explicit_call_ends_the_wait_after_an_outage_for_everybody() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer(503, ""), 1000);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    loop {
        match ask().await.unwrap_err() {
            Error::LoginDelayed { wait } if wait > Duration::from_secs(100) => break,
            _ => tokio::time::sleep(Duration::from_secs(10)).await,
        }
    }
    bench.sandbox.clear_faults();
    bench.process().rearm_logins(USERNAME).await.unwrap();
    let started = Instant::now();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_repeats_a_login_is_sent_once() {
    let bench = Bench::new().await;
    bench.sandbox.fault(Operation::Login, Fault::answer(429, ""), 4);
    let error = bench.start(RIGHT).await.unwrap_err();
    assert_eq!((error.status().unwrap().as_u16(), bench.attempts()), (429, 1), "{error:?}");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_without_a_code_is_a_refusal_whatever_its_body() {
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
        assert!(matches!(reason, SuspensionReason::Refused { .. }), "{body}: {reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_success_without_a_session_counts_where_the_credentials_have_worked() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    bench.sandbox.set_password(USERNAME, "changed-elsewhere");
    bench.sandbox.expire_session(USERNAME);
    bench.sandbox.fault(Operation::Login, Fault::answer_after(200, r#"{"errorMessage":"no"}"#), 1000);
    for _ in 0..30 {
        session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap_err();
        tokio::time::sleep(Duration::from_secs(300)).await;
    }
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::OneTryLeft);
    assert!(!bench.sandbox.is_locked(USERNAME));
}

#[tokio::test(start_paused = true)]
async fn a_gateway_that_refuses_counts_nothing_and_one_that_gives_up_waiting_does() {
    for (fault, counts) in [
        (Fault::gateway("900906"), false),
        (Fault::json(404, &json!({ "fault": { "code": "404", "message": "No matching resource" } })), false),
        (Fault::json(504, &json!({ "fault": { "code": "101504", "message": "Send timeout" } })), true),
        (Fault::json(404, &json!({ "fault": { "code": "101503", "message": "Connection lost" } })), true),
        (Fault::json(500, &json!({ "fault": { "code": "303001", "message": "Runtime error" } })), true),
    ] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, fault.clone(), 1000);
        for _ in 0..3 {
            bench.start("maybe").await.unwrap_err();
        }
        assert_eq!(bench.attempts(), if counts { 2 } else { 3 }, "{fault:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_suspended_login_sends_nothing_and_is_told_at_once() {
    let bench = Bench::new().await;
    bench.start("wrong").await.unwrap_err();
    bench.sandbox.fault(Operation::Token, Fault::Delay(Duration::from_secs(40)), 1);
    let (before, started) = (bench.sandbox.requests().len(), tokio::time::Instant::now());
    suspension(&bench.start("wrong").await.unwrap_err());
    assert_eq!(bench.sandbox.requests().len(), before);
    assert!(started.elapsed() < Duration::from_secs(1), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_suspension_says_since_when_it_is_one() {
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
    assert_eq!((&unknown.reason, &last.reason), (&SuspensionReason::UnknownOutcome, &SuspensionReason::OneTryLeft));
    tokio::time::sleep(hour).await;
    assert_eq!((of("maybe").await, of("another").await), (unknown, last));
}

#[tokio::test(start_paused = true)]
async fn trouble_on_the_way_to_an_access_token_counts_nothing() {
    let bench = Bench::new().await;
    for fault in [
        Fault::CloseAfter,
        Fault::answer(500, ""),
        Fault::answer(200, "{}"),
        Fault::answer(401, r#"{"error":"invalid_client"}"#),
    ] {
        for _ in 0..5 {
            bench.sandbox.fault(Operation::Token, fault.clone(), 1);
            let error = bench.process_limited().start_session(credentials()).await.unwrap_err();
            assert!(!matches!(error, Error::LoginSuspended(_)) && !error.may_have_been_processed(), "{error:?}");
        }
    }
    bench.start(RIGHT).await.unwrap();
}

impl Bench {
    /// A process whose calls end before anything is repeated.
    fn process_limited(&self) -> ThingSpace {
        let client = client_of(&self.sandbox).retries(Retries::none()).timeout(Duration::from_millis(400));
        client.store(self.store.clone()).build().unwrap()
    }
}

#[tokio::test]
async fn the_fifth_strike_is_never_dealt_whatever_credentials_are_tried() {
    let bench = Bench::new().await;
    for number in 0..20 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    assert_eq!(bench.sandbox.strikes(USERNAME), 4);
    assert!(!bench.sandbox.is_locked(USERNAME));
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::OneTryLeft);
    bench.process().rearm_logins(USERNAME).await.unwrap();
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test]
async fn the_fifth_strike_is_not_dealt_by_credentials_that_have_worked_either() {
    let bench = Bench::new().await;
    bench.start(RIGHT).await.unwrap().end().await.unwrap();
    for number in 0..4 {
        bench.start(&format!("wrong-{number}")).await.unwrap_err();
    }
    bench.sandbox.set_password(USERNAME, "changed-elsewhere");
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::OneTryLeft);
    assert!(!bench.sandbox.is_locked(USERNAME));
}

#[tokio::test]
async fn the_source_is_asked_at_each_login_so_a_password_changed_elsewhere_is_taken_up() {
    let bench = Bench::new().await;
    let vault = Arc::new(Mutex::new(RIGHT.to_owned()));
    let source = {
        let vault = vault.clone();
        move || {
            let password = vault.lock().unwrap().clone();
            async move { Ok(Credentials::new(USERNAME, password)) }
        }
    };
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
async fn after_a_reset_no_login_is_tried_with_the_old_password_by_anybody() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    let other = bench.start(RIGHT).await.unwrap();
    let new = session.reset_password(RIGHT).await.unwrap();
    pass(Duration::from_secs(21 * 60)).await;
    let ask = async |session: &Session| session.send(session.request(Method::GET, ECHO).unwrap()).await;
    // Another process, whose source still gives the old one, is told; the session that made the reset knows the new.
    assert_eq!(suspension(&ask(&other).await.unwrap_err()), SuspensionReason::Retired);
    assert_eq!(suspension(&bench.start(RIGHT).await.unwrap_err()), SuspensionReason::Retired);
    assert_eq!(ask(&session).await.unwrap().status(), 200);
    assert_eq!(ask(&other).await.unwrap().status(), 200, "it finds the session that was started");
    bench.start(new.expose_secret()).await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn each_of_several_resets_retires_the_password_that_it_has_replaced() {
    let bench = Bench::new().await;
    let session = bench.start(RIGHT).await.unwrap();
    let second = session.reset_password(RIGHT).await.unwrap();
    let third = session.reset_password(second.clone()).await.unwrap();
    session.end().await.unwrap();
    for old in [RIGHT, second.expose_secret()] {
        assert_eq!(suspension(&bench.start(old).await.unwrap_err()), SuspensionReason::Retired);
    }
    bench.start(third.expose_secret()).await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test]
async fn what_is_kept_of_a_password_differs_from_store_to_store() {
    let (one, other) = (Bench::new().await, Bench::new().await);
    for bench in [&one, &other] {
        bench.start(RIGHT).await.unwrap();
    }
    let (one, other) = (one.count().await["proven"].clone(), other.count().await["proven"].clone());
    assert!(one.is_array() && other.is_array(), "{one} {other}");
    assert_ne!(one, other);
}

#[tokio::test]
async fn the_count_takes_no_more_room_however_many_passwords_are_refused_or_replaced() {
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

#[tokio::test]
async fn after_a_reset_a_source_that_gives_yet_another_password_is_followed() {
    let bench = Bench::new().await;
    let vault = Arc::new(Mutex::new(RIGHT.to_owned()));
    let source = {
        let vault = vault.clone();
        move || {
            let password = vault.lock().unwrap().clone();
            async move { Ok(Credentials::new(USERNAME, password)) }
        }
    };
    let session = bench.process().start_session(source).await.unwrap();
    session.reset_password(RIGHT).await.unwrap();
    bench.sandbox.set_password(USERNAME, "changed");
    *vault.lock().unwrap() = "changed".to_owned();
    bench.sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    assert_eq!(bench.sandbox.counters().logins_failed, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_of_any_length_that_is_asked_for_is_an_error_and_no_panic() {
    for wait in ["9223372036854775807", "18446744073709551615", "600"] {
        let bench = Bench::new().await;
        bench.sandbox.fault(Operation::Login, Fault::answer(429, "").with_header("retry-after", wait), 100);
        let error = bench.patient().start_session(credentials()).await.unwrap_err();
        assert_eq!((error.status().unwrap().as_u16(), bench.attempts()), (429, 1), "{wait}: {error:?}");
        bench.sandbox.clear_faults();
        bench.start(RIGHT).await.unwrap();
    }
}

#[tokio::test]
async fn a_timeout_without_end_is_a_timeout() {
    let bench = Bench::new().await;
    let client = || client_of(&bench.sandbox).timeout(Duration::MAX).build().unwrap();
    let session = client().start_session(credentials()).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    assert_eq!(session.send(session.request(Method::GET, ECHO).unwrap()).await.unwrap().status(), 200);
    session.reset_password(RIGHT).await.unwrap();
    client().rearm_logins(USERNAME).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_never_answers_keeps_nobody_waiting_for_ever() {
    let bench = Bench::new().await;
    let error = bench.process().start_session(std::future::pending).await.unwrap_err();
    assert!(matches!(error, Error::CredentialSource(_)), "{error:?}");
    bench.start(RIGHT).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_source_that_panics_keeps_nobody_out() {
    let bench = Bench::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let source = move || {
        let number = asked.fetch_add(1, Ordering::SeqCst);
        async move {
            assert!(number != 2, "the source's own code has a bug");
            Ok(credentials())
        }
    };
    let session = bench.process().start_session(source).await.unwrap();
    bench.sandbox.expire_session(USERNAME);
    let ask = async || session.send(session.request(Method::GET, ECHO).unwrap()).await;
    let error = ask().await.unwrap_err();
    assert!(matches!(error, Error::CredentialSource(_)), "{error:?}");
    let started = tokio::time::Instant::now();
    assert_eq!(ask().await.unwrap().status(), 200);
    assert!(started.elapsed() < Duration::from_secs(5), "it took {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_source_that_takes_its_time_does_not_lead_to_two_logins_at_a_time() {
    let bench = Bench::new().await;
    let asked = Arc::new(AtomicUsize::new(0));
    let slow = move || {
        // At once when the session is started, 50 s at the login after that: less than it is allowed.
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
    while ask(&other).await.is_err() {}
    tokio::time::sleep(Duration::from_secs(100)).await;
    let _ = first.await.unwrap();
    assert_eq!(bench.sandbox.counters().logins_succeeded, 2, "one session has died, and one login does");
}

#[tokio::test]
async fn a_failing_source_is_told_as_such_and_nothing_is_sent() {
    let bench = Bench::new().await;
    let error = bench.process().start_session(|| async { Err("the vault is sealed".into()) }).await.unwrap_err();
    assert!(matches!(error, Error::CredentialSource(_)), "{error:?}");
    assert_eq!(bench.attempts(), 0);
}
