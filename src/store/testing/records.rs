//! Records: read and written as a whole, one for each account.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::Duration,
};

use futures_util::future::join;
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};

use super::{
    LONG, Pair, SOON, account, at, broken, committed, granted, loaded, number, numbered, refused, token, told,
};
use crate::{
    Credentials,
    store::{Account, Record},
};

pub(super) async fn an_account_that_was_never_written_has_the_default_record(pair: Pair) {
    for (store, _) in pair.both_ways() {
        assert_eq!(loaded(store, &account()).await, Record::default(), "guarantee 1: a fresh account is not empty");
    }
    let (lease, record) = granted(&*pair.one, &account(), LONG).await;
    assert_eq!(record, Record::default(), "guarantee 1: the lease of a fresh account comes with something");
    told(pair.one.release(&account(), lease).await);
    assert_eq!(
        loaded(&*pair.other, &account()).await,
        Record::default(),
        "guarantee 1: a lease alone changed the record"
    );
}

pub(super) async fn a_commit_is_seen_by_everybody_as_a_whole(pair: Pair) {
    for (index, (writer, reader)) in (0u64..).zip(pair.both_ways()) {
        let (lease, mut record) = granted(writer, &account(), LONG).await;
        let fingerprint = record.guard.fingerprint(&Credentials::new("zbeeblebrox", format!("IMgr{index}")));
        record.guard.prove(fingerprint, at(1));
        let record = numbered(record, index + 1);
        committed(writer, &account(), &lease, &record, "the holder").await;

        for store in [reader, writer] {
            assert_eq!(loaded(store, &account()).await, record, "guarantee 4: a commit is not seen as it was made");
        }
        told(writer.release(&account(), lease).await);
        assert_eq!(loaded(reader, &account()).await, record, "guarantee 4: releasing the right changed the record");
        let (lease, found) = granted(reader, &account(), LONG).await;
        assert_eq!(found, record, "guarantee 4: the next lease comes with another record than was committed");
        told(reader.release(&account(), lease).await);
    }
}

pub(super) async fn a_read_is_whole_and_waits_for_nobody(pair: Pair) {
    let account = account();
    let (lease, record) = granted(&*pair.one, &account, LONG).await;
    let is_done = AtomicBool::new(false);
    let write = async {
        for next in 1..=100 {
            committed(&*pair.one, &account, &lease, &numbered(record.clone(), next), "the holder").await;
            yield_now().await;
        }
        is_done.store(true, Ordering::Relaxed);
    };
    let read = async {
        let mut last = 0;
        for reads in 0u64.. {
            if is_done.load(Ordering::Relaxed) {
                break;
            }
            let load = timeout(SOON, loaded(&*pair.other, &account)).await;
            let Ok(record) = load else { broken("guarantee 1: a read waits for the holder of the right to log in") };
            let found = number(&record);
            assert!(found >= last, "guarantee 1: after commit {last}, a read went back to {found}");
            last = found;
            // Now and then the clock may run, should it be a virtual one.
            if reads % 8 == 7 { sleep(Duration::from_millis(1)).await } else { yield_now().await }
        }
    };
    join(write, read).await;
    assert_eq!(number(&loaded(&*pair.other, &account).await), 100, "guarantee 4: the last commit is not seen");
}

pub(super) async fn accounts_do_not_meet(pair: Pair) {
    let accounts = [
        account(),
        Account::new("https://other.example", "key", "zbeeblebrox"),
        Account::new("https://thingspace.example", "other", "zbeeblebrox"),
        Account::new("https://thingspace.example", "key", "other"),
        // The same letters, cut elsewhere.
        Account::new("https://thingspace.examplekey", "", "zbeeblebrox"),
        Account::new("https://thingspace.example", "keyz", "beeblebrox"),
        Account::new("https://thingspace.example", "key", "Zbeeblebrox"),
    ];
    let mut leases = Vec::new();
    for (index, account) in (1u64..).zip(&accounts) {
        let grant = told(pair.one.acquire(account, LONG).await);
        let Some((lease, record)) = grant else { broken("guarantee 7: the lease of one account keeps out another") };
        assert_eq!(record, Record::default(), "guarantee 7: the record of one account is seen on another");
        committed(&*pair.one, account, &lease, &numbered(record, index), "the holder").await;
        leases.push(lease);
    }
    let Some((first, others)) = accounts.split_first() else { return };
    told(pair.other.forget(first, &token(1)).await);
    told(pair.other.release(first, leases.remove(0)).await);
    for (index, account) in (2u64..).zip(others) {
        // The session of another account: there is no such one here.
        told(pair.other.forget(account, &token(1)).await);
        told(pair.other.touch(account, &token(1), super::at(1000)).await);
        let found = number(&loaded(&*pair.other, account).await);
        assert_eq!(found, index, "guarantee 7: what happened to one account is seen on another");
        refused(&*pair.other, account, "the right to log in to one account was released, that to another is held")
            .await;
    }
}
