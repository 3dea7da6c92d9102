//! The right to log in: one has it at a time, for a time, and who had it cannot undo what the next one did.

use tokio::time::{Instant, sleep};

use super::{
    LONG, Pair, SHORT, TOLERANCE, account, committed, granted, granted_in_turn, loaded, number, numbered, refused,
    same, told,
};
use crate::store::{Account, Lease, Record, SessionStore};

pub(super) async fn the_right_is_exclusive_until_it_is_released(pair: Pair) {
    let account = account();
    for (holder, waiter) in pair.both_ways() {
        let (lease, record) = granted(holder, &account, LONG).await;
        refused(waiter, &account, "one handle holds the right").await;
        refused(holder, &account, "the same handle holds the right").await;
        committed(holder, &account, &lease, &numbered(record, 1), "the holder").await;
        refused(waiter, &account, "the holder has committed, but not released").await;

        told(holder.release(&account, lease).await);
        let (lease, _) = granted(waiter, &account, LONG).await;
        refused(holder, &account, "the right has passed on to another").await;
        told(waiter.release(&account, lease).await);
    }
}

pub(super) async fn the_right_expires_but_not_early(pair: Pair) {
    let account = account();
    for (holder, waiter) in pair.both_ways() {
        let begin = Instant::now();
        let (_dead, _) = granted(holder, &account, SHORT).await;
        let (lease, _) = granted_in_turn(waiter, &account).await;
        let passed = begin.elapsed();
        assert!(passed + TOLERANCE >= SHORT, "guarantee 2: a lease of {SHORT:?} was over after {passed:?}");
        told(waiter.release(&account, lease).await);
    }
}

pub(super) async fn fences_grow(pair: Pair) {
    let account = account();
    let mut fences = Vec::new();
    for (is_committed, is_released) in [(false, true), (true, true), (false, false), (true, false)] {
        for (store, _) in pair.both_ways() {
            let grant = granted_in_turn(store, &account).await;
            fences.push(grant.0.fence());
            told(store.release(&account, grant.0).await);

            let (lease, record) = granted(store, &account, SHORT).await;
            fences.push(lease.fence());
            if is_committed {
                committed(store, &account, &lease, &numbered(record, 1), "the holder").await;
            }
            if is_released {
                told(store.release(&account, lease).await);
            }
        }
    }
    assert!(
        fences.iter().is_sorted_by(|before, after| before < after),
        "guarantee 3: fences have to grow, whether leases are released or expire, and these did not: {fences:?}",
    );
}

/// One whose lease has expired, and one who has been granted the next.
async fn stalled_and_successor(pair: &Pair, account: &Account) -> (Lease, Lease, Record) {
    let (stalled, record) = granted(&*pair.one, account, SHORT).await;
    committed(&*pair.one, account, &stalled, &numbered(record, 1), "the holder").await;
    let (successor, record) = granted_in_turn(&*pair.other, account).await;
    (stalled, successor, record)
}

async fn must_not_commit(store: &dyn SessionStore, account: &Account, lease: &Lease, who: &str) {
    let before = loaded(store, account).await;
    let done = told(store.commit(account, lease, &numbered(Record::default(), 666)).await);
    assert!(!done, "guarantee 3: {who} committed");
    let changed = loaded(store, account).await != before;
    assert!(!changed, "guarantee 3: the commit of {who} said `false`, and changed the record");
}

pub(super) async fn who_stalled_cannot_overwrite_the_successor(pair: Pair) {
    let account = account();
    let (stalled, successor, record) = stalled_and_successor(&pair, &account).await;
    must_not_commit(&*pair.one, &account, &stalled, "one who stalled, before its successor did,").await;
    committed(&*pair.other, &account, &successor, &numbered(record, 2), "the successor").await;
    must_not_commit(&*pair.one, &account, &stalled, "one who stalled, after its successor did,").await;
    told(pair.other.release(&account, successor).await);
    must_not_commit(&*pair.one, &account, &stalled, "one who stalled, after its successor released the right,").await;
    assert_eq!(number(&loaded(&*pair.one, &account).await), 2, "guarantee 4: the successor's commit is lost");
}

pub(super) async fn an_expired_lease_without_a_successor_may_commit(pair: Pair) {
    let account = account();
    let (lease, record) = granted(&*pair.one, &account, SHORT).await;
    sleep(SHORT * 2).await;
    committed(&*pair.one, &account, &lease, &numbered(record, 1), "one who stalled, but has no successor,").await;
    assert_eq!(number(&loaded(&*pair.other, &account).await), 1, "guarantee 4: a commit is not seen");
    let (_, record) = granted(&*pair.other, &account, LONG).await;
    assert_eq!(number(&record), 1, "guarantee 4: a late commit is lost on the successor");
}

pub(super) async fn a_released_lease_may_not_commit(pair: Pair) {
    let account = account();
    let (lease, record) = granted(&*pair.one, &account, LONG).await;
    committed(&*pair.one, &account, &lease, &numbered(record, 1), "the holder").await;
    let released = same(&lease);
    told(pair.one.release(&account, lease).await);
    for (store, _) in pair.both_ways() {
        must_not_commit(store, &account, &released, "one who released the right").await;
    }
}

pub(super) async fn a_lease_that_was_never_granted_may_not_commit(pair: Pair) {
    let account = account();
    must_not_commit(&*pair.one, &account, &Lease::new(0), "a lease with fence 0, on a fresh account,").await;
    must_not_commit(&*pair.one, &account, &Lease::new(1), "a lease with fence 1, on a fresh account,").await;
    let (lease, _) = granted(&*pair.one, &account, LONG).await;
    let next = Lease::new(lease.fence() + 1);
    must_not_commit(&*pair.other, &account, &next, "a lease with a fence that was not granted yet").await;
}

pub(super) async fn an_old_lease_releases_nothing(pair: Pair) {
    let account = account();
    let (stalled, successor, record) = stalled_and_successor(&pair, &account).await;
    told(pair.one.release(&account, stalled).await);
    refused(&*pair.one, &account, "an old lease was released, the latest was not").await;
    committed(
        &*pair.other,
        &account,
        &successor,
        &numbered(record, 2),
        "the successor of a lease that was released late",
    )
    .await;
}
