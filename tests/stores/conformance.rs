//! The suite for session stores: the stores of this crate pass it, and a store that breaks a guarantee fails it.

use std::{
    future::ready,
    sync::{Arc, Mutex},
    time::UNIX_EPOCH,
};

use tempfile::TempDir;
use thingspace_session::store::{
    FileStore, MemoryStore, Sealed,
    testing::{Handles, conformance},
};
use tokio::time::Instant;

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

#[tokio::test]
async fn a_sealed_store_keeps_every_guarantee() {
    conformance(|| async {
        let store = MemoryStore::new();
        let sealed = || Arc::new(Sealed::new(store.clone(), [7; 32]));
        let handles: Handles = (sealed(), sealed());
        handles
    })
    .await;
}

/// Two handles to one file, in its own directory.
fn files(directories: &Mutex<Vec<TempDir>>, make: impl Fn(FileStore) -> FileStore) -> Handles {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("thingspace.json");
    directories.lock().unwrap().push(directory);
    (Arc::new(make(FileStore::new(&path))), Arc::new(make(FileStore::new(path))))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_file_store_keeps_every_guarantee() {
    let directories = Mutex::default();
    conformance(|| ready(files(&directories, |store| store))).await;
}

#[tokio::test(start_paused = true)]
async fn the_file_store_keeps_every_guarantee_in_virtual_time() {
    let (directories, begin) = (Mutex::default(), Instant::now());
    let virtually = |store: FileStore| store.with_clock(move || UNIX_EPOCH + begin.elapsed());
    conformance(|| ready(files(&directories, virtually))).await;
}

/// The guarantee that the suite finds broken; `None` if the store passes.
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
        (Fault::Filled, "guarantee 1: a fresh account has a value"),
        (Fault::Failing, "guarantee 1: the store works, but returns an error"),
        (Fault::Short, "guarantee 1: a loaded value differs from the one that was swapped in"),
        (Fault::DropsEmpty, "guarantee 1: a loaded value differs from the one that was swapped in"),
        (Fault::Text, "guarantee 1: a loaded value differs from the one that was swapped in"),
        (Fault::Unshared, "guarantee 1: a loaded value differs from the one that was swapped in"),
        (Fault::Forgetful, "guarantee 1: a loaded value differs from the one that was swapped in"),
        (Fault::OneAccount, "guarantee 1: the value of one account is seen on another"),
        (Fault::Torn, "guarantee 1: a value is a part of one, or a mixture of two"),
        (Fault::Stale, "guarantee 1: after value"),
        (Fault::NoneIsAny, "guarantee 2: the stored version was not expected, but the swap returned true"),
        (Fault::AnyIsNone, "guarantee 2: the stored version was not expected, but the swap returned true"),
        (Fault::Overwrites, "guarantee 2: a swap returned false, but changed the value"),
        (Fault::ComparesNot, "guarantee 2: the stored version was not expected, but the swap returned true"),
        (Fault::TakesOlder, "guarantee 2: an older version was expected, but the swap returned true"),
        (Fault::Refuses, "guarantee 2: the stored version was expected, but the swap returned false"),
        (Fault::Racy, "guarantee 2: 50 tasks counted up by one swap each"),
        (Fault::DeniesAgain, "guarantee 3: a swap was sent again, and returned false"),
        (Fault::RemembersAll, "guarantee 3: a swap came after a later one"),
        (Fault::StandsStill, "guarantee 4: `now` advanced by 0ns"),
        (Fault::TwoClocks, "guarantee 4: `now` advanced by"),
        (Fault::Seconds, "guarantee 4: `now` advanced by"),
        (Fault::Deaf, "`changed` did not return after a swap"),
        (Fault::OnlyNext, "`changed` did not return, though another version than `seen` was stored before"),
        (Fault::Patient, "`changed` did not return after its patience"),
        (Fault::LateDrop, "a dropped swap came after a later one"),
        (Fault::Hangs, "not finished after 60s, so the store hangs"),
    ] {
        let found = finding(fault).await;
        if !found.as_ref().is_some_and(|found| found.contains(expected)) {
            wrong.push((fault, found));
        }
    }
    assert!(wrong.is_empty(), "the suite did not find these, or named another guarantee: {wrong:#?}");
}
