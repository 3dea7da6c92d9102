//! Processes that share a store: only one logs in at a time, and a loss of data in the store locks no account.

mod lost;

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use reqwest::Method;
use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, MemoryStore, RetryPolicy, Session, SuspensionReason, ThingSpace, store::SessionStore,
};
use tokio::time::{Instant, sleep};

use crate::{
    support::{ECHO, PASSWORD, USERNAME, calls_until, client_of, credentials, put, record},
    troubled_stores::{Trouble, Troubled},
};

const SECOND: Duration = Duration::from_secs(1);

fn on(sandbox: &Sandbox, store: &(impl SessionStore + Clone + 'static)) -> ThingSpace {
    client_of(sandbox).retry_policy(RetryPolicy::none()).store(store.clone()).build().unwrap()
}

async fn ask(session: &Session) -> Result<u16, Error> {
    Ok(session.send(session.request(Method::GET, ECHO).unwrap()).await?.status().as_u16())
}

fn wrong() -> Credentials {
    Credentials::new(USERNAME, "wrong")
}

fn counted(sandbox: &Sandbox) -> (u64, u64) {
    let counters = sandbox.counters();
    (counters.logins_succeeded, counters.logins_failed)
}

fn suspension(error: Error) -> SuspensionReason {
    let Error::LoginSuspended(suspension) = error else { panic!("not suspended: {error:?}") };
    suspension.reason
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_the_store_fails_to_record_for_an_hour_is_recorded_later_without_harm() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, second] = [(); 2].map(|()| on(&sandbox, &store));
    store.set(Trouble::LaterSwapsFail);
    first.start_session(wrong()).await.unwrap_err();
    sleep(3600 * SECOND).await;
    store.set(Trouble::None);
    sleep(120 * SECOND).await;
    let error = second.start_session(wrong()).await.unwrap_err();
    assert!(matches!(suspension(error), SuspensionReason::Rejected { .. }));
    assert_eq!(counted(&sandbox), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_rejection_recorded_late_does_not_suspend_credentials_verified_since() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, second] = [(); 2].map(|()| on(&sandbox, &store));
    store.set(Trouble::LaterSwapsFail);
    sandbox.fault(Operation::Login, Fault::refused("UnifiedWebService.REQUEST_FAILED.InvalidPassword"), 1);
    first.start_session(credentials()).await.unwrap_err();
    // The claim expires, which is a login of unknown outcome to other processes. They make the second login.
    sleep(70 * SECOND).await;
    on(&sandbox, &store.inner).start_session(credentials()).await.unwrap();
    store.set(Trouble::None);
    sleep(120 * SECOND).await;
    for (process, logins) in [(second, 2), (first, 3)] {
        sandbox.expire_session(USERNAME);
        assert_eq!(ask(&process.start_session(credentials()).await.unwrap()).await.unwrap(), 200);
        assert_eq!(counted(&sandbox), (logins, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_process_waiting_for_another_login_gets_its_session_at_once_despite_clock_skew() {
    for ahead in [0, 10] {
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let fast = Troubled { ahead, ..store.clone() };
        let [first, second] = [
            on(&sandbox, &fast).start_session(credentials()).await.unwrap(),
            on(&sandbox, &store).start_session(credentials()).await.unwrap(),
        ];
        for session in [&first, &second] {
            ask(session).await.unwrap();
        }
        sandbox.expire_session(USERNAME);
        sandbox.fault(Operation::Login, Fault::Delay(3 * SECOND), 1);
        let logging_in = tokio::spawn(async move { ask(&first).await });
        sleep(SECOND).await;
        let begin = Instant::now();
        assert_eq!(ask(&second).await.unwrap(), 200);
        assert!(begin.elapsed() < Duration::from_millis(2100), "{ahead}: {:?}", begin.elapsed());
        assert_eq!(logging_in.await.unwrap().unwrap(), 200);
        assert_eq!(counted(&sandbox), (2, 0));
    }
}

/// The process remembers the claim of that login, which the store no longer has.
#[tokio::test(start_paused = true)]
async fn a_process_that_stopped_waiting_for_a_login_ignores_it_after_two_later_successes() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let first = on(&sandbox, &store);
    let impatient =
        client_of(&sandbox).retry_policy(RetryPolicy::none()).timeout(2 * SECOND).store(store.clone()).build().unwrap();
    sandbox.fault(Operation::Login, Fault::Delay(5 * SECOND), 1);
    let logging_in = tokio::spawn(async move { first.start_session(credentials()).await });
    sleep(SECOND).await;
    impatient.start_session(credentials()).await.unwrap_err();
    let first = logging_in.await.unwrap().unwrap();
    for _ in 0..2 {
        ask(&first).await.unwrap();
        sandbox.expire_session(USERNAME);
    }
    ask(&first).await.unwrap();
    let impatient = impatient.start_session(credentials()).await.unwrap();
    ask(&impatient).await.unwrap();
    sandbox.expire_session(USERNAME);
    assert_eq!(ask(&impatient).await.unwrap(), 200);
    assert_eq!(counted(&sandbox), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn a_process_waits_while_another_makes_the_last_allowed_login() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, second] = [(); 2].map(|()| on(&sandbox, &store));
    sandbox.fault(Operation::Login, Fault::CloseBefore, 1);
    first.start_session(credentials()).await.unwrap_err();
    sandbox.fault(Operation::Login, Fault::Delay(5 * SECOND), 1);
    let last = tokio::spawn(async move { first.start_session(credentials()).await });
    sleep(SECOND).await;
    let session = second.start_session(credentials()).await.unwrap();
    assert_eq!(ask(&session).await.unwrap(), 200);
    last.await.unwrap().unwrap();
    assert_eq!(counted(&sandbox).0, 1);
}

#[tokio::test(start_paused = true)]
async fn no_process_waits_after_the_last_allowed_login_failed() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, second] = [(); 2].map(|()| on(&sandbox, &store));
    sandbox.fault(Operation::Login, Fault::CloseBefore, 2);
    for _ in 0..2 {
        first.start_session(credentials()).await.unwrap_err();
    }
    let begin = Instant::now();
    let error = second.start_session(credentials()).await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::UnknownOutcome);
    assert!(begin.elapsed() < SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_call_that_is_not_permitted_does_not_make_processes_end_each_others_sessions() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    sandbox.fault(Operation::Other, Fault::answer(403, ""), 1000);
    let mut sessions = Vec::new();
    for _ in 0..12 {
        sessions.push(on(&sandbox, &store).start_session(credentials()).await.unwrap());
        for session in &sessions {
            assert_eq!(ask(session).await.unwrap(), 403);
        }
        sleep(3 * SECOND).await;
    }
    assert_eq!(counted(&sandbox), (2, 0), "logins and failures");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_on_release_does_not_delay_the_session() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::ReleasesTakeLong);
    let begin = Instant::now();
    on(&sandbox, &store).start_session(credentials()).await.unwrap();
    assert!(begin.elapsed() < 3 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_rejection_recorded_late_does_not_undo_a_guard_reset() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, other] = [on(&sandbox, &store), on(&sandbox, &store.inner)];
    store.set(Trouble::LaterSwapsFail);
    sandbox.fault(Operation::Login, Fault::refused("UnifiedWebService.REQUEST_FAILED.InvalidPassword"), 1);
    first.start_session(credentials()).await.unwrap_err();
    sleep(70 * SECOND).await;
    other.reset_login_guard(USERNAME).await.unwrap();
    sleep(SECOND).await;
    sandbox.fault(Operation::Login, Fault::CloseBefore, 1);
    other.start_session(credentials()).await.unwrap_err();
    store.set(Trouble::None);
    sleep(120 * SECOND).await;
    other.start_session(credentials()).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_backoff_of_one_process_holds_for_all() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let first = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    let second = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    for session in [&first, &second] {
        ask(session).await.unwrap();
    }
    sandbox.expire_session(USERNAME);
    sandbox.fault(Operation::Login, Fault::CloseBefore, 1);
    ask(&first).await.unwrap_err();
    let begin = Instant::now();
    calls_until(SECOND, async || ask(&second).await.ok()).await;
    assert!(begin.elapsed() < 10 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_process_that_finds_all_attempts_used_writes_nothing() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let processes: Vec<_> = (0..12).map(|_| on(&sandbox, &store)).collect();
    sandbox.fault(Operation::Login, Fault::CloseBefore, 2);
    for process in &processes[..2] {
        process.start_session(credentials()).await.unwrap_err();
    }
    store.set(Trouble::None);
    for process in &processes {
        for _ in 0..10 {
            let error = process.start_session(credentials()).await.unwrap_err();
            assert_eq!(suspension(error), SuspensionReason::UnknownOutcome);
        }
    }
    assert_eq!(store.swaps.load(Ordering::SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn a_password_superseded_under_a_slow_clock_stays_superseded_after_the_store_loses_it() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let slow = Troubled { ahead: -3600, ..store.clone() };
    let (first, other) = (on(&sandbox, &slow), on(&sandbox, &store));
    let session = other.start_session(credentials()).await.unwrap();
    let before = record(&sandbox, &store.inner).await;
    assert!(before["record"]["session"].is_object());
    let resetting = first.start_session(credentials()).await.unwrap();
    resetting.reset_password(PASSWORD).await.unwrap();
    sandbox.expire_session(USERNAME);
    drop(session);
    // The process loads the record once, before the store loses it.
    let error = async { ask(&other.start_session(credentials()).await?).await }.await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::Superseded);
    put(&sandbox, &store.inner, &serde_json::to_vec(&before).unwrap()).await;
    let error = async { ask(&other.start_session(credentials()).await?).await }.await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::Superseded);
    assert_eq!(counted(&sandbox).1, 0);
}

#[tokio::test(start_paused = true)]
async fn a_process_polls_less_often_the_longer_the_backoff() {
    // Pauses are random. One time in eight the last pause is longer than a call's timeout, and calls return at once.
    for seed in 0..20 {
        fastrand::seed(seed);
        let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
        let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
        assert_eq!(ask(&session).await.unwrap(), 200);
        sandbox.expire_session(USERNAME);
        sandbox.fault(Operation::Login, Fault::CloseBefore, 1000);
        let begin = Instant::now();
        let minute = async || {
            ask(&session).await.unwrap_err();
            (begin.elapsed() >= 60 * SECOND).then_some(())
        };
        calls_until(SECOND, minute).await;
        let loads = store.loads.load(Ordering::SeqCst);
        assert!(loads < 400, "{seed}: {loads}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_claim_whose_release_failed_is_released_as_soon_as_the_store_works() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::ReleasesFail);
    let session = on(&sandbox, &store).start_session(credentials()).await.unwrap();
    sleep(10 * SECOND).await;
    store.set(Trouble::None);
    sleep(10 * SECOND).await;
    sandbox.expire_session(USERNAME);
    let begin = Instant::now();
    assert_eq!(ask(&session).await.unwrap(), 200);
    assert!(begin.elapsed() < SECOND, "{:?}", begin.elapsed());
}

/// A process that waits for another login calls its provider before and after the wait.
#[tokio::test(start_paused = true)]
async fn a_waiting_process_calls_its_provider_again_only_after_the_record_changed() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), MemoryStore::new());
    sandbox.fault(Operation::Login, Fault::Delay(20 * SECOND), 1);
    let first = on(&sandbox, &store);
    let first = tokio::spawn(async move { first.start_session(wrong()).await.map(drop) });
    sleep(SECOND).await;
    let asked = Arc::new(AtomicUsize::new(0));
    let provider = {
        let (asked, begin) = (asked.clone(), Instant::now());
        move || {
            asked.fetch_add(1, Ordering::SeqCst);
            let is_late = begin.elapsed() > 10 * SECOND;
            async move { Ok(if is_late { credentials() } else { wrong() }) }
        }
    };
    let second = on(&sandbox, &store);
    let second = tokio::spawn(async move { second.start_session(provider).await });
    sleep(10 * SECOND).await;
    let before = asked.load(Ordering::SeqCst);
    assert!((1..=2).contains(&before), "for the username, and for the login: {before}");
    first.await.unwrap().unwrap_err();
    assert_eq!(ask(&second.await.unwrap().unwrap()).await.unwrap(), 200);
    assert_eq!((asked.load(Ordering::SeqCst), counted(&sandbox)), (before + 1, (1, 1)));
}
