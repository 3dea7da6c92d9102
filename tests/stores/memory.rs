//! What is special to the store in memory.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use thingspace_session::{
    MemoryStore,
    store::{Record, SessionStore},
};
use tokio::time::Instant;

use crate::support::{LONG, account, numbered, read, write};

#[tokio::test]
async fn clones_share_and_others_do_not() {
    let store = MemoryStore::new();
    write(&store, 7).await;
    assert_eq!(read(&store.clone()).await, 7);
    assert_eq!(read(&MemoryStore::default()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn a_lease_lasts_to_its_end_in_virtual_time() {
    let (store, account) = (MemoryStore::new(), account());
    let grant = store.acquire(&account, Duration::from_secs(3600)).await.unwrap();
    assert!(grant.is_some());
    tokio::time::advance(Duration::from_millis(3_599_999)).await;
    assert!(store.acquire(&account, LONG).await.unwrap().is_none());
    tokio::time::advance(Duration::from_millis(1)).await;
    assert!(store.acquire(&account, LONG).await.unwrap().is_some());
}

#[tokio::test(start_paused = true)]
async fn a_lease_without_end_and_one_without_length_are_leases() {
    let (store, account) = (MemoryStore::new(), account());
    let (lease, _) = store.acquire(&account, Duration::ZERO).await.unwrap().unwrap();
    let (later, _) = store.acquire(&account, Duration::MAX).await.unwrap().unwrap();
    assert!(later.fence() > lease.fence());
    tokio::time::advance(Duration::from_secs(60 * 60 * 24 * 30)).await;
    assert!(store.acquire(&account, LONG).await.unwrap().is_none());
}

/// How long a wait of ten minutes lasts if this happens a minute after it began.
async fn waited<F: Future>(store: &MemoryStore, event: F) -> Duration {
    let (begin, account) = (Instant::now(), account());
    let wait = store.changed(&account, Duration::from_secs(600));
    let event = async {
        tokio::time::sleep(Duration::from_secs(60)).await;
        event.await;
    };
    let end = async {
        wait.await;
        begin.elapsed()
    };
    futures_util::future::join(end, event).await.0
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_at_the_moment_of_a_change() {
    let (store, account) = (MemoryStore::new(), account());
    let minute = Duration::from_secs(60);
    let long = Duration::from_secs(6000);
    let (lease, record) = store.acquire(&account, long).await.unwrap().unwrap();
    let record = numbered(record, 1);
    let token = "token-1".into();

    assert_eq!(waited(&store, store.commit(&account, &lease, &record)).await, minute);
    assert_eq!(waited(&store, store.forget(&account, &token)).await, minute);
    assert_eq!(waited(&store, store.release(&account, lease)).await, minute);
    let nothing = async {};
    assert_eq!(
        waited(&store, nothing).await,
        Duration::from_millis(50),
        "the right is free: its end may have been missed"
    );
    let (_lease, _) = store.acquire(&account, minute * 2).await.unwrap().unwrap();
    let nothing = async { store.touch(&account, &token, SystemTime::now()).await.unwrap() };
    assert_eq!(waited(&store, nothing).await, minute * 2, "the end of the lease");
}

#[tokio::test(start_paused = true)]
async fn a_store_that_is_chosen_at_run_time_waits_as_it_does_otherwise() {
    let (store, account): (Arc<dyn SessionStore>, _) = (Arc::new(MemoryStore::new()), account());
    let (_lease, _) = store.acquire(&account, LONG).await.unwrap().unwrap();
    let begin = Instant::now();
    store.changed(&account, LONG).await;
    assert_eq!(begin.elapsed(), LONG);
}

#[tokio::test(start_paused = true)]
async fn a_change_between_asking_to_wait_and_waiting_is_not_missed() {
    let (store, account) = (MemoryStore::new(), account());
    let (lease, _) = store.acquire(&account, Duration::from_secs(6000)).await.unwrap().unwrap();
    let begin = Instant::now();
    let wait = store.changed(&account, Duration::from_secs(600));
    assert!(store.commit(&account, &lease, &Record::default()).await.unwrap());
    wait.await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn debug_tells_nothing() {
    let store = MemoryStore::new();
    write(&store, 7).await;
    assert_eq!(format!("{store:?}"), "MemoryStore { .. }");
}
