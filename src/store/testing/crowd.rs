//! Many at a time, some of whom give up or fall asleep.

use std::{sync::Arc, time::Duration};

use futures_util::future::{join_all, ready, select};
use tokio::{
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use super::{
    LONG, Pair, SHORT, SOON, account, at, broken, committed, granted, granted_in_turn, granted_in_turn_for, loaded,
    number, numbered, token, told,
};
use crate::store::{Account, Record, SessionStore, StoreFuture};

const TASKS: u64 = 50;

pub(super) async fn no_update_of_many_tasks_is_lost(pair: Pair) {
    let outcomes = crowd(&pair, LONG, |_| Duration::ZERO).await;
    assert!(
        outcomes.iter().all(|committed| *committed),
        "guarantees 2 and 3: of many who held the right one after another, one was refused its commit: two held it",
    );
    let found = number(&loaded(&*pair.one, &account()).await);
    assert_eq!(found, TASKS, "guarantees 2 and 4: {TASKS} tasks counted up by one under a lease, and came to {found}");
}

pub(super) async fn what_a_commit_confirms_is_kept_even_if_holders_stall(pair: Pair) {
    let time = SHORT / 4;
    let outcomes = crowd(&pair, time, |task| if task % 4 == 0 { time * 2 } else { Duration::ZERO }).await;
    let confirmed = outcomes.into_iter().map(u64::from).sum::<u64>();
    let found = number(&loaded(&*pair.one, &account()).await);
    assert_eq!(found, confirmed, "guarantee 3: {confirmed} commits were confirmed, and {found} are in the record");
}

/// Lets each of many tasks count up by one, under a lease with this time, and stall for a while before it commits.
/// Whether each commit was confirmed.
async fn crowd(pair: &Pair, time: Duration, stall: impl Fn(u64) -> Duration) -> Vec<bool> {
    let tasks = (0..TASKS).map(|task| {
        let store = if task % 2 == 0 { pair.one.clone() } else { pair.other.clone() };
        tokio::spawn(count_up(store, time, stall(task)))
    });
    let outcomes = join_all(tasks).await.into_iter();
    outcomes
        .map(|outcome| outcome.unwrap_or_else(|error| broken(format_args!("one of many tasks failed: {error}"))))
        .collect()
}

async fn count_up(store: Arc<dyn SessionStore>, time: Duration, stall: Duration) -> bool {
    let account = account();
    let (lease, record) = loop {
        match told(store.acquire(&account, time).await) {
            Some(grant) => break grant,
            None => store.changed(&account, SHORT).await,
        }
    };
    // Even who is quick gives others the chance to get in between.
    if stall.is_zero() {
        yield_now().await;
    } else {
        sleep(stall).await;
    }
    let next = number(&record) + 1;
    let is_committed = told(store.commit(&account, &lease, &numbered(record, next)).await);
    told(store.release(&account, lease).await);
    is_committed
}

pub(super) async fn a_wait_ends_with_patience_and_soon_after_a_change(pair: Pair) {
    let account = account();
    for patience in [Duration::ZERO, SHORT] {
        let ended = timeout(patience + SOON, pair.one.changed(&account, patience)).await;
        assert!(ended.is_ok(), "`changed` did not return after the patience of {patience:?}");
    }
    let (lease, record) = granted(&*pair.one, &account, LONG).await;
    wait_for(&pair, &account, "a commit", pair.one.commit(&account, &lease, &numbered(record, 1))).await;
    wait_for(&pair, &account, "a session was forgotten", pair.one.forget(&account, &token(1))).await;
    wait_for(&pair, &account, "a release", pair.one.release(&account, lease)).await;
}

/// Waits with one handle while the other makes a change.
async fn wait_for<T>(pair: &Pair, account: &Account, what: &str, change: StoreFuture<'_, T>) {
    let (store, waiting) = (pair.other.clone(), account.clone());
    let wait = tokio::spawn(async move {
        store.changed(&waiting, LONG).await;
    });
    sleep(SHORT / 4).await;
    told(change.await);
    let begin = Instant::now();
    let ended = timeout(SOON, wait).await;
    assert!(matches!(ended, Ok(Ok(()))), "`changed` did not return within {:?} after {what}", begin.elapsed());
}

/// Begins something and gives it up.
async fn drop_half_way<T>(future: StoreFuture<'_, T>) {
    select(future, ready(())).await;
}

pub(super) async fn a_dropped_future_leaves_a_consistent_record(pair: Pair) {
    let account = account();
    let (lease, record) = granted(&*pair.one, &account, LONG).await;
    for round in 0..10 {
        let (before, dropped, after) = (round * 3 + 1, round * 3 + 2, round * 3 + 3);
        committed(&*pair.one, &account, &lease, &numbered(record.clone(), before), "the holder").await;
        drop_half_way(pair.one.commit(&account, &lease, &numbered(record.clone(), dropped))).await;
        drop_half_way(pair.other.touch(&account, &token(before), at(before))).await;
        let found = number(&loaded(&*pair.other, &account).await);
        assert!(found == before || found == dropped, "after a commit was dropped, record {found} is none of the two");

        committed(&*pair.one, &account, &lease, &numbered(record.clone(), after), "the holder").await;
        drop_half_way(pair.other.forget(&account, &token(dropped))).await;
        drop_half_way(pair.other.load(&account)).await;
        sleep(Duration::from_millis(5)).await;
        let found = number(&loaded(&*pair.other, &account).await);
        assert_eq!(found, after, "guarantee 4: a commit that was dropped came after a later one, and undid it");
    }
}

pub(super) async fn a_dropped_future_does_not_keep_the_right(pair: Pair) {
    let account = account();
    for (dropping, store) in pair.both_ways() {
        drop_half_way(dropping.acquire(&account, SHORT)).await;
        let (lease, _) = granted_in_turn(store, &account).await;
        told(store.release(&account, lease).await);

        let (lease, record) = granted_in_turn(dropping, &account).await;
        assert_eq!(record, Record::default(), "a future that was dropped wrote something");
        told(dropping.release(&account, lease).await);
        let (lease, _) = granted_in_turn_for(dropping, &account, SHORT).await;
        drop_half_way(dropping.release(&account, lease)).await;
        let (lease, _) = granted_in_turn(store, &account).await;
        told(store.release(&account, lease).await);
    }
}
