//! The suite that every session store has to pass: ours do, and one that breaks a guarantee does not.

use std::{
    future::ready,
    sync::{Arc, Mutex},
};

use thingspace_session::{
    FileStore, MemoryStore,
    store::testing::{Handles, conformance},
};

use crate::faulty::{Fault, Faulty};

async fn memory() -> Handles {
    let store = MemoryStore::new();
    (Arc::new(store.clone()), Arc::new(store))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_memory_store_keeps_every_guarantee() {
    conformance(memory).await;
}

#[tokio::test(start_paused = true)]
async fn the_memory_store_keeps_every_guarantee_in_virtual_time() {
    conformance(memory).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_file_store_keeps_every_guarantee() {
    let directories = Mutex::new(Vec::new());
    conformance(|| async {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("thingspace.json");
        directories.lock().unwrap().push(directory);
        let handles: Handles = (Arc::new(FileStore::new(&path)), Arc::new(FileStore::new(path)));
        handles
    })
    .await;
}

/// What the suite says of a store; `None` if it finds nothing wrong.
async fn finding(fault: Fault) -> Option<String> {
    let suite = tokio::spawn(conformance(move || ready(Faulty::handles(fault))));
    let panic = suite.await.err()?.into_panic();
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    Some(text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default())
}

#[tokio::test(start_paused = true)]
async fn the_suite_names_the_guarantee_that_a_store_breaks() {
    assert_eq!(finding(Fault::None).await, None);
    let mut wrong = Vec::new();
    for (fault, expected) in [
        (Fault::Filled, "guarantee 1: a fresh account is not empty"),
        (Fault::Torn, "guarantee 1: a record is a mixture"),
        (Fault::ReadsWait, "guarantee 1: a read waits"),
        (Fault::Unshared, "guarantee 4: a commit is not seen"),
        (Fault::Forgetful, "guarantee 4: a commit is not seen"),
        (Fault::StaleGrant, "guarantee 4: the next lease comes with another record"),
        (Fault::TwoHolders, "guarantee 2: one handle holds the right, but another lease"),
        (Fault::EndsOnCommit, "guarantee 2: the holder has committed, but not released, but another lease"),
        (Fault::NeverReleased, "guarantee 2: nobody has the right to log in"),
        (Fault::NeverExpires, "guarantee 2: a lease of 100ms still keeps the others out"),
        (Fault::ExpiresEarly, "guarantee 2: a lease of 100ms was over after"),
        (Fault::OneFence, "guarantee 3: fences have to grow"),
        (Fault::AnyoneCommits, "guarantee 3: one who stalled, before its successor did, committed"),
        (Fault::ExpiredRefused, "guarantee 3: one who stalled, but has no successor, may commit"),
        (Fault::ReleasedCommits, "guarantee 3: one who released the right committed"),
        (Fault::FutureCommits, "guarantee 3: a lease with fence 1, on a fresh account, committed"),
        (Fault::RefusesAloud, "said `false`, and changed the record"),
        (Fault::AnyoneReleases, "guarantee 2: an old lease was released, the latest was not, but another"),
        (Fault::TouchesNot, "guarantee 5: a touch moves the time of use forward"),
        (Fault::TouchesBack, "guarantee 5: a touch moves the time of use forward"),
        (Fault::TouchesAny, "guarantee 5: touching an old session touched a newer one"),
        (Fault::TouchEndsLease, "guarantee 2: the session was touched while the right is held"),
        (Fault::ForgetsNot, "guarantee 5: a session that was forgotten is still there"),
        (Fault::ForgetsAll, "guarantee 5: forgetting a session changed more"),
        (Fault::ForgetsAny, "guarantee 5: forgetting an old session dropped a newer one"),
        (Fault::OneAccount, "guarantee 7: the lease of one account keeps out another"),
        (Fault::OneRecord, "guarantee 7: the record of one account is seen on another"),
        (Fault::RacyGrant, "guarantees 2 and 3: of many who held the right"),
        (Fault::Deaf, "`changed` did not return within"),
        (Fault::Patient, "`changed` did not return after the patience"),
        (Fault::LateDrop, "guarantee 4: a commit that was dropped came after a later one"),
        (Fault::KeepsDropped, "guarantee 2: a lease of 100ms still keeps the others out"),
        (Fault::Failing, "guarantee 6: nothing is wrong with the store, but it says"),
    ] {
        let found = finding(fault).await;
        if !found.as_ref().is_some_and(|found| found.contains(expected)) {
            wrong.push((fault, found));
        }
    }
    assert!(wrong.is_empty(), "not found, or found as something else: {wrong:#?}");
}
