//! A failing session store hangs no call, is reported as the cause, and locks no account.

mod store;

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use reqwest::Method;
use serde_json::{Value, json};
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, MemoryStore, RetryPolicy, Session, SuspensionReason, ThingSpace,
    store::{SessionStore, StoreError},
};
use tokio::time::{Instant, sleep, timeout};

pub(crate) use store::{Trouble, Troubled};

use crate::{
    support::{ECHO, PASSWORD, USERNAME, arrived, claims, client_of, credentials, edit},
    told::{consequences, events, listen},
};

const SECOND: Duration = Duration::from_secs(1);
const HOUR: Duration = Duration::from_secs(3600);

fn on(sandbox: &Sandbox, store: &(impl SessionStore + Clone + 'static)) -> ThingSpace {
    client_of(sandbox).retry_policy(RetryPolicy::none()).store(store.clone()).build().unwrap()
}

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO).unwrap()).await?.status().as_u16())
}

#[tokio::test(start_paused = true)]
async fn a_store_that_never_answers_hangs_no_call() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let thingspace = on(&sandbox, &store);
    let session = thingspace.start_session(credentials()).await.unwrap();
    store.set(Trouble::LoadsHang);
    sandbox.expire_session(USERNAME);
    let Error::Store(_) = ask(&session).await.unwrap_err() else { panic!("not the store") };
    let Error::Store(_) = timeout(HOUR, session.token()).await.unwrap().unwrap_err() else { panic!("not the store") };
    let outcome = timeout(HOUR, session.reset_password(PASSWORD)).await.unwrap();
    assert!(matches!(outcome, Err(Error::Store(_))), "{outcome:?}");
    store.set(Trouble::None);
    thingspace.start_session(Credentials::new("other", "wrong")).await.unwrap_err();
    store.set(Trouble::SwapsHang);
    let outcome = timeout(HOUR, thingspace.reset_login_guard("other")).await.unwrap();
    assert!(matches!(outcome, Err(Error::Store(_))), "{outcome:?}");
    store.set(Trouble::None);
    assert_eq!(ask(&session).await.unwrap(), 200, "the store works again");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_or_panics_is_a_store_error() {
    for trouble in [Trouble::LoadsHang, Trouble::LoadsPanic, Trouble::SwapsHang] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        store.set(trouble);
        let error = on(&sandbox, &store).start_session(credentials()).await.unwrap_err();
        // A panic is not retryable, because a bug stays until it is fixed.
        if trouble == Trouble::LoadsPanic {
            assert!(matches!(error, Error::Store(StoreError::Misconfigured { .. })), "{error:?}");
        } else {
            assert!(matches!(error, Error::Store(StoreError::Unavailable { .. })), "{trouble:?}: {error:?}");
        }
        assert_eq!(error.is_retryable(), trouble != Trouble::LoadsPanic, "{error:?}");
        assert_eq!(arrived(&sandbox, "/session/login"), 0, "{trouble:?}: nothing is sent that is not counted");
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_a_store_error_within_the_shortest_timeout() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::LoadsHang);
    let client = client_of(&sandbox).store(store).timeout(SECOND);
    let started = Instant::now();
    let error = client.build().unwrap().start_session(credentials()).await.unwrap_err();
    assert!(matches!(error, Error::Store(_)) && started.elapsed() < SECOND, "{error:?} after {:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_the_store_could_not_record_is_remembered() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    sandbox.set_password(USERNAME, "changed-elsewhere");
    sandbox.expire_session(USERNAME);
    store.set(Trouble::SecondSwapsFail);
    for _ in 0..30 {
        ask(&session).await.unwrap_err();
        sleep(300 * SECOND).await;
    }
    assert_eq!(sandbox.strikes(USERNAME), 1);
    // Other processes see the rejection as soon as the store has it.
    let Error::LoginSuspended(suspension) = on(&sandbox, &store).start_session(credentials()).await.unwrap_err() else {
        panic!("not suspended")
    };
    assert!(matches!(suspension.reason, SuspensionReason::Rejected { .. }), "{suspension:?}");
}

#[tokio::test(start_paused = true)]
async fn a_failure_is_not_removed_twice_after_an_unconfirmed_swap() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let start = async |password: &str| {
        let credentials = Credentials::new(USERNAME, password);
        on(&sandbox, &store).start_session(credentials).await.unwrap_err();
    };
    for wrong in ["wrong-1", "wrong-2", "wrong-3"] {
        start(wrong).await;
    }
    store.set(Trouble::SecondSwapsAreDenied);
    sandbox.fault(Operation::Login, Fault::gateway("900800"), 1);
    start("never-sent").await;
    store.set(Trouble::None);
    sleep(SECOND).await;
    for wrong in ["wrong-4", "wrong-5", "wrong-6"] {
        start(wrong).await;
    }
    assert_eq!((sandbox.strikes(USERNAME), sandbox.is_locked(USERNAME)), (4, false));
}

#[tokio::test(start_paused = true)]
async fn a_login_without_a_recorded_end_delays_other_processes_for_a_moment() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::answer(503, ""), 1);
    store.set(Trouble::SecondSwapsFail);
    ask(&session).await.unwrap_err();
    store.set(Trouble::None);
    let started = Instant::now();
    on(&sandbox, &store).start_session(credentials()).await.unwrap();
    let waited = started.elapsed();
    assert!((SECOND / 4..SECOND).contains(&waited), "{waited:?}");
}

#[tokio::test(start_paused = true)]
async fn a_rejection_of_an_overtaken_process_counts_towards_the_limit() {
    let (sandbox, inner) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let troubled = Troubled { inner: inner.clone(), ..Troubled::default() };
    let one = on(&sandbox, &troubled).start_session(credentials()).await.unwrap();
    let other = on(&sandbox, &inner).start_session(credentials()).await.unwrap();
    sandbox.set_password(USERNAME, "changed-elsewhere");
    sandbox.expire_session(USERNAME);
    troubled.set(Trouble::ClaimsEndEarly);
    sandbox.fault(Operation::Login, Fault::Delay(30 * SECOND), 1);
    let overtaken = tokio::spawn(async move { ask(&one).await });
    sleep(10 * SECOND).await;
    ask(&other).await.unwrap_err();
    overtaken.await.unwrap().unwrap_err();
    sleep(SECOND).await;
    assert_eq!(sandbox.strikes(USERNAME), 2);
    for number in 0..4 {
        let wrong = Credentials::new(USERNAME, format!("wrong-{number}"));
        on(&sandbox, &inner).start_session(wrong).await.unwrap_err();
    }
    assert_eq!(sandbox.strikes(USERNAME), 4);
}

#[tokio::test(start_paused = true)]
async fn a_rejection_recorded_late_is_recorded_once() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let thingspace = on(&sandbox, &store);
    let session = thingspace.start_session(credentials()).await.unwrap();
    sandbox.set_password(USERNAME, "changed-by-mistake");
    sandbox.expire_session(USERNAME);
    store.set(Trouble::SecondSwapsFail);
    ask(&session).await.unwrap_err();
    store.set(Trouble::None);
    sleep(SECOND).await;
    sandbox.set_password(USERNAME, PASSWORD);
    thingspace.reset_login_guard(USERNAME).await.unwrap();
    assert_eq!(ask(&session).await.unwrap(), 200);
}

#[tokio::test(start_paused = true)]
async fn an_overtaken_process_ends_its_own_session_and_uses_the_newer_one() {
    let (sandbox, inner) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let troubled = Troubled { inner: inner.clone(), ..Troubled::default() };
    let one = on(&sandbox, &troubled).start_session(credentials()).await.unwrap();
    let other = on(&sandbox, &inner).start_session(credentials()).await.unwrap();
    sandbox.expire_session(USERNAME);
    troubled.set(Trouble::ClaimsEndEarly);
    sandbox.fault(Operation::Login, Fault::Delay(30 * SECOND), 1);
    let overtaken = tokio::spawn({
        let one = one.clone();
        async move { ask(&one).await }
    });
    sleep(10 * SECOND).await;
    assert_eq!(ask(&other).await.unwrap(), 200);
    overtaken.await.unwrap().unwrap();
    assert_eq!(one.token().await.unwrap(), other.token().await.unwrap());
    assert_eq!(arrived(&sandbox, "/session/logout"), 1);
}

#[tokio::test(start_paused = true)]
async fn a_repeatedly_overtaken_process_gives_up_at_the_deadline() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::SwapsComeTooLate);
    let error = on(&sandbox, &store).start_session(credentials()).await.unwrap_err();
    assert!(matches!(error, Error::LoginInProgress { .. }), "{error:?}");
    sleep(60 * SECOND).await;
    let tries = store.swaps.load(Ordering::SeqCst);
    sleep(HOUR).await;
    assert_eq!((store.swaps.load(Ordering::SeqCst), arrived(&sandbox, "/session/login")), (tries, 0));
}

/// On a paused clock a busy loop never ends.
#[tokio::test(start_paused = true)]
async fn a_fast_store_causes_no_busy_loop() {
    for trouble in [Trouble::WaitsEndAtOnce, Trouble::RecordsChange] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
        session.invalidate(&session.token().await.unwrap());
        store.set(trouble);
        let before = store.loads.load(Ordering::SeqCst);
        let error = session.token().await.unwrap_err();
        assert!(matches!(error, Error::LoginInProgress { .. }), "{trouble:?}: {error:?}");
        let loads = store.loads.load(Ordering::SeqCst) - before;
        assert!(loads < 10_000, "{trouble:?}: {loads}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_reset_that_may_outlast_its_claim_is_not_sent() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    store.set(Trouble::SwapsTakeTime);
    let error = session.reset_password(PASSWORD).await.unwrap_err();
    assert!(matches!(error, Error::LoginInProgress { .. }), "{error:?}");
    assert_eq!(sandbox.counters().resets_attempted, 0);
    store.set(Trouble::None);
    session.reset_password(PASSWORD).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_released_before_the_call_returns() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::ReleasesTakeTime);
    let is_free = async || claims(&sandbox, &store.inner).await == 0;
    let thingspace = on(&sandbox, &store);
    let session = thingspace.start_session(credentials()).await.unwrap();
    assert!(is_free().await, "after a login");
    thingspace.reset_login_guard(USERNAME).await.unwrap();
    assert!(is_free().await, "after an explicit call");
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    session.reset_password(PASSWORD).await.unwrap_err();
    assert!(is_free().await, "after a reset that was refused");
    session.reset_password(PASSWORD).await.unwrap();
    assert!(is_free().await, "after a reset");
}

#[tokio::test(start_paused = true)]
async fn a_claim_is_released_even_if_its_caller_is_cancelled() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    store.set(Trouble::ReleasesTakeLong);
    sandbox.fault(Operation::Reset, Fault::refused("UnifiedWebService.REQUEST_FAILED.Whatever"), 1);
    let started = Instant::now();
    session.reset_password(PASSWORD).await.unwrap_err();
    assert!(started.elapsed() < 10 * SECOND, "{:?}", started.elapsed());
    sleep(15 * SECOND).await;
    assert_eq!(claims(&sandbox, &store.inner).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_was_set_back_does_not_block_logins() {
    let (sandbox, inner) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    let ahead = Troubled { inner: inner.clone(), ahead: 3600, ..Troubled::default() };
    let session = on(&sandbox, &ahead).start_session(credentials()).await.unwrap();
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::answer(503, ""), 1);
    ask(&session).await.unwrap_err();
    on(&sandbox, &inner).start_session(credentials()).await.unwrap();
}

#[tokio::test]
async fn a_store_can_be_chosen_at_run_time() {
    let sandbox = Sandbox::start().await.unwrap();
    let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new());
    for _ in 0..2 {
        let thingspace = client_of(&sandbox).store(store.clone()).build().unwrap();
        assert_eq!(ask(&thingspace.start_session(credentials()).await.unwrap()).await.unwrap(), 200);
    }
    assert_eq!(sandbox.counters().logins_succeeded, 1);
}

#[tokio::test(start_paused = true)]
async fn a_record_with_unknown_parts_is_damage_and_never_quoted() {
    const HIDDEN: &str = "5f1c0a2b-hidden";
    let changes: [fn(&mut Value); 9] = [
        |record| record["another_count"] = json!(3),
        |record| record["format"] = json!(2),
        |record| record["record"]["another_count"] = json!(3),
        |record| record["record"]["history"]["another_count"] = json!(3),
        |record| record["record"]["session"]["token"] = json!([HIDDEN]),
        |record| record["record"]["session"]["used_at"] = json!(HIDDEN),
        |record| record["record"]["history"]["last_success"]["credentials"] = json!(HIDDEN),
        |record| record["record"]["history"]["attempts"][HIDDEN] = json!({}),
        |record| *record = json!(HIDDEN),
    ];
    for (number, change) in changes.into_iter().enumerate() {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
        on(&sandbox, &store).start_session(credentials()).await.unwrap();
        edit(&sandbox, &store, change).await;
        let error = on(&sandbox, &store).start_session(credentials()).await.unwrap_err();
        assert!(matches!(error, Error::Store(StoreError::Damaged { .. })), "{number}: {error:?}");
        assert!(!format!("{error} {error:?}").contains(&HIDDEN[..8]), "{number}: {error:?}");
        assert!(error.to_string().contains("MemoryStore"), "{number}: {error}");
        assert_eq!(arrived(&sandbox, "/session/login"), 1, "{number}: nothing is sent without the count");
    }
}

/// A full disk: reads succeed, writes fail.
#[tokio::test(start_paused = true)]
async fn a_store_that_fails_for_an_hour_is_retried_by_one_task() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let thingspace = on(&sandbox, &store);
    store.set(Trouble::AllSwapsFail);
    for _ in 0..200 {
        thingspace.start_session(credentials()).await.unwrap_err();
    }
    store.set(Trouble::AllSwapsFail);
    sleep(HOUR).await;
    let swaps = store.swaps.load(Ordering::SeqCst);
    assert!((1..=400).contains(&swaps), "swaps in an hour: {swaps}");
    store.set(Trouble::None);
    thingspace.start_session(credentials()).await.unwrap();
    assert_eq!(claims(&sandbox, &store.inner).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_is_logged_once_for_each_consequence() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let thingspace = on(&sandbox, &store);
    store.set(Trouble::AllSwapsFail);
    listen();
    thingspace.start_session(credentials()).await.unwrap_err();
    sleep(HOUR).await;
    let (events, _) = events();
    let of_the_store = events.iter().filter(|event| event.contains("store.failed")).count();
    assert_eq!(of_the_store, 2, "one event for the login, one for the unrecorded attempts: {events:?}");
}

#[tokio::test(start_paused = true)]
async fn a_swap_without_a_response_is_sent_again() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::FirstAnswersAreLost);
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert_eq!((arrived(&sandbox, "/session/login"), claims(&sandbox, &store.inner).await), (1, 0));
}

/// A process that exits after the error must not lose a rejection. Other outcomes do not delay the caller.
#[tokio::test(start_paused = true)]
async fn a_rejection_waits_half_the_timeout_for_a_store_that_fails() {
    for (fault, expected) in [(None, 30 * SECOND), (Some(Fault::CloseBefore), Duration::ZERO)] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let thingspace =
            client_of(&sandbox).retry_policy(RetryPolicy::none()).timeout(60 * SECOND).store(store.clone());
        let thingspace = thingspace.build().unwrap();
        store.set(Trouble::ReleasesFail);
        for fault in fault.iter().cloned() {
            sandbox.fault(Operation::Login, fault, 1);
        }
        let started = Instant::now();
        thingspace.start_session(Credentials::new(USERNAME, "wrong")).await.unwrap_err();
        assert!(started.elapsed().abs_diff(expected) < SECOND, "{fault:?}: {:?}", started.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn a_session_that_the_store_records_late_stays_in_use() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::ReleasesTakeLong);
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    let token = session.token().await.unwrap();
    sleep(60 * SECOND).await;
    assert_eq!(session.token().await.unwrap(), token);
    assert_eq!(ask(&session).await.unwrap(), 200);
    on(&sandbox, &store).start_session(credentials()).await.unwrap();
    assert_eq!((arrived(&sandbox, "/session/login"), arrived(&sandbox, "/session/logout")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn each_outcome_that_the_store_does_not_record_is_logged_with_its_consequence() {
    for (fault, password, said) in [
        (None, PASSWORD, "the new session is not recorded"),
        (None, "wrong", "a failed login is not recorded yet"),
        (Some(Fault::CloseBefore), PASSWORD, "a failed login is not recorded yet"),
        (Some(Fault::gateway("900800")), PASSWORD, "the claim is not released yet; it expires"),
    ] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        store.set(Trouble::ReleasesFail);
        for fault in fault.iter().cloned() {
            sandbox.fault(Operation::Login, fault, 1);
        }
        listen();
        drop(on(&sandbox, &store).start_session(Credentials::new(USERNAME, password)).await);
        assert_eq!(consequences(), [said], "{fault:?}");
    }
}
