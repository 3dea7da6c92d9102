//! Sessions: touched and forgotten by their identity, without a lease.

use super::{LONG, Pair, account, at, committed, granted, loaded, numbered, refused, token, told};
use crate::{
    Credentials,
    store::{Account, Lease, Record},
};

/// A record with session 5 and a guard that has something to remember, and the lease under which it was committed.
async fn stored(pair: &Pair, account: &Account) -> (Lease, Record) {
    let (lease, mut record) = granted(&*pair.one, account, LONG).await;
    let fingerprint = record.guard.fingerprint(&Credentials::new("zbeeblebrox", "IMgr8"));
    record.guard.permit(&fingerprint, at(0));
    let record = numbered(record, 5);
    committed(&*pair.one, account, &lease, &record, "the holder").await;
    (lease, record)
}

pub(super) async fn a_touch_moves_the_time_of_use_forward_only(pair: Pair) {
    let account = account();
    let (lease, record) = stored(&pair, &account).await;
    told(pair.one.release(&account, lease).await);

    for (time, holds) in [(4, 5), (5, 5), (8, 8), (7, 8), (9, 9)] {
        told(pair.other.touch(&account, &token(5), at(time)).await);
        let found = loaded(&*pair.one, &account).await;
        assert_eq!(
            found.used_at(),
            Some(at(holds)),
            "guarantee 5: a touch moves the time of use forward, to the nanosecond, and never back",
        );
        let expected = record.clone().with_session(token(5), at(holds));
        assert_eq!(found, expected, "guarantee 5: a touch changed more than the time of use");
    }
}

pub(super) async fn forgetting_drops_the_session_alone(pair: Pair) {
    let account = account();
    let (lease, record) = stored(&pair, &account).await;
    told(pair.one.release(&account, lease).await);

    told(pair.other.forget(&account, &token(5)).await);
    let found = loaded(&*pair.one, &account).await;
    assert_eq!(found.session(), None, "guarantee 5: a session that was forgotten is still there");
    assert_eq!(found.guard, record.guard, "guarantee 5: forgetting a session changed more than that");
    told(pair.other.forget(&account, &token(5)).await);
    told(pair.other.touch(&account, &token(5), at(9)).await);
    let after = loaded(&*pair.one, &account).await;
    assert_eq!(after, found, "guarantee 5: a session that was forgotten has come back");
}

pub(super) async fn a_newer_session_is_never_touched_nor_forgotten(pair: Pair) {
    let account = account();
    let (_, record) = stored(&pair, &account).await;
    for (store, _) in pair.both_ways() {
        for old in [token(4), token(6), token(50)] {
            told(store.touch(&account, &old, at(100)).await);
            assert_eq!(
                loaded(store, &account).await,
                record,
                "guarantee 5: touching an old session touched a newer one"
            );
            told(store.forget(&account, &old).await);
            assert_eq!(
                loaded(store, &account).await,
                record,
                "guarantee 5: forgetting an old session dropped a newer one"
            );
        }
    }
}

pub(super) async fn touching_and_forgetting_do_not_disturb_a_lease(pair: Pair) {
    let account = account();
    let (lease, record) = stored(&pair, &account).await;
    told(pair.other.touch(&account, &token(5), at(8)).await);
    refused(&*pair.other, &account, "the session was touched while the right is held").await;
    committed(&*pair.one, &account, &lease, &record, "the holder, after a touch,").await;
    let found = loaded(&*pair.other, &account).await;
    assert_eq!(found, record, "guarantee 5: a commit after a touch does not replace the record as a whole");

    told(pair.other.forget(&account, &token(5)).await);
    refused(&*pair.other, &account, "the session was forgotten while the right is held").await;
    let next = numbered(record, 6);
    committed(&*pair.one, &account, &lease, &next, "the holder, after the session was forgotten,").await;
    let found = loaded(&*pair.other, &account).await;
    assert_eq!(found, next, "guarantee 5: a commit after a session was forgotten does not replace the record");
}
