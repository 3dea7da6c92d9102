//! Processes that share a store: they keep out of each other's way, and what the store forgets costs no account.

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
async fn a_refusal_that_the_store_would_not_take_for_an_hour_is_told_in_the_end_and_to_nobody_s_harm() {
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
async fn a_refusal_that_is_told_late_says_nothing_of_credentials_that_have_worked_since() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let [first, second] = [(); 2].map(|()| on(&sandbox, &store));
    store.set(Trouble::LaterSwapsFail);
    sandbox.fault(Operation::Login, Fault::refused("UnifiedWebService.REQUEST_FAILED.InvalidPassword"), 1);
    first.start_session(credentials()).await.unwrap_err();
    // The claim expires. To others it is a login of unknown outcome. They make the second.
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
async fn who_waits_while_another_logs_in_has_its_session_at_once_whatever_the_clocks_say() {
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

/// It remembers the claim of that login, and the store has dropped it.
#[tokio::test(start_paused = true)]
async fn who_gave_up_waiting_for_a_login_does_not_wait_for_it_once_two_later_ones_have_succeeded() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    let first = on(&sandbox, &store);
    let hasty =
        client_of(&sandbox).retry_policy(RetryPolicy::none()).timeout(2 * SECOND).store(store.clone()).build().unwrap();
    sandbox.fault(Operation::Login, Fault::Delay(5 * SECOND), 1);
    let logging_in = tokio::spawn(async move { first.start_session(credentials()).await });
    sleep(SECOND).await;
    hasty.start_session(credentials()).await.unwrap_err();
    let first = logging_in.await.unwrap().unwrap();
    for _ in 0..2 {
        ask(&first).await.unwrap();
        sandbox.expire_session(USERNAME);
    }
    ask(&first).await.unwrap();
    let hasty = hasty.start_session(credentials()).await.unwrap();
    ask(&hasty).await.unwrap();
    sandbox.expire_session(USERNAME);
    assert_eq!(ask(&hasty).await.unwrap(), 200);
    assert_eq!(counted(&sandbox), (4, 0));
}

#[tokio::test(start_paused = true)]
async fn who_comes_while_the_last_try_that_is_allowed_is_under_way_waits_for_it() {
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
async fn once_the_last_try_that_is_allowed_has_come_to_nothing_nobody_waits() {
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
async fn a_caller_without_rights_does_not_have_each_process_throw_the_others_out() {
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
    assert_eq!(counted(&sandbox), (2, 0), "one of them was tried");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_when_the_right_is_given_back_keeps_nobody_from_the_session() {
    let (sandbox, store) = (Sandbox::start().await.unwrap(), Troubled::default());
    store.set(Trouble::ReleasesTakeLong);
    let begin = Instant::now();
    on(&sandbox, &store).start_session(credentials()).await.unwrap();
    assert!(begin.elapsed() < 3 * SECOND, "{:?}", begin.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_that_is_told_late_does_not_undo_what_a_person_has_said_since() {
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
async fn a_pause_that_one_process_has_drawn_holds_for_the_others() {
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
async fn who_is_told_that_the_last_try_was_made_writes_nothing() {
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
async fn a_password_that_a_slow_clock_has_replaced_is_not_tried_again_where_that_is_lost() {
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
    // It looks once while the store knows of it.
    let error = async { ask(&other.start_session(credentials()).await?).await }.await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::Superseded);
    put(&sandbox, &store.inner, &serde_json::to_vec(&before).unwrap()).await;
    let error = async { ask(&other.start_session(credentials()).await?).await }.await.unwrap_err();
    assert_eq!(suspension(error), SuspensionReason::Superseded);
    assert_eq!(counted(&sandbox).1, 0);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_the_next_try_looks_the_more_seldom_the_longer_that_is() {
    // The pauses are drawn. In one case of eight the last one is longer than a call may be, and calls return at once.
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
async fn a_right_that_could_not_be_given_back_is_given_back_as_soon_as_it_can_be() {
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

/// It waits for the login of another process, and asks its provider for credentials before that and after.
#[tokio::test(start_paused = true)]
async fn who_waits_for_a_login_asks_its_provider_again_only_once_the_record_has_changed() {
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
