//! Tests that only concern the store in memory.

use std::{sync::Arc, time::Duration};

use thingspace_session::store::{MemoryStore, SessionStore, Version};
use tokio::time::Instant;

use crate::support::{LONG, account, numbered, read, swap, version, write};

#[tokio::test]
async fn clones_share_values_and_other_stores_do_not() {
    let store = MemoryStore::new();
    write(&store, 7).await;
    assert_eq!(read(&store.clone()).await, 7);
    assert_eq!(read(&MemoryStore::default()).await, 0);
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_the_clock_of_the_runtime() {
    let store = MemoryStore::new();
    let before = store.load(&account()).await.unwrap().now;
    for passed in [Duration::from_millis(1), Duration::from_secs(3600)] {
        let begin = store.load(&account()).await.unwrap().now;
        tokio::time::advance(passed).await;
        assert_eq!(store.clone().load(&account()).await.unwrap().now, begin + passed);
    }
    assert!(before.elapsed().is_ok(), "the clock starts at the system time");
}

/// How long a wait of ten minutes lasts if the event happens a minute after its start.
async fn waited<F: Future>(store: &dyn SessionStore, seen: Option<Version>, event: F) -> Duration {
    let (begin, account) = (Instant::now(), account());
    let wait = store.changed(&account, seen, Duration::from_secs(600));
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
    let store = MemoryStore::new();
    let (minute, long) = (Duration::from_secs(60), Duration::from_secs(600));
    assert_eq!(waited(&store, None, swap(&store, None, 1)).await, minute);

    let seen = version(&store.load(&account()).await.unwrap());
    assert_eq!(waited(&store, seen, async {}).await, long, "nothing happened");
    assert_eq!(waited(&store, seen, swap(&store, None, 2)).await, long, "the swap failed");
    let (account, bytes) = (account(), numbered(1));
    let again = store.compare_and_swap(&account, None, seen.unwrap(), &bytes);
    assert_eq!(waited(&store, seen, again).await, long, "the swap was sent again");
    assert_eq!(waited(&store, seen, swap(&store, seen, 2)).await, minute);
    assert_eq!(waited(&store, seen, async {}).await, Duration::ZERO, "it happened before");
}

#[tokio::test(start_paused = true)]
async fn a_boxed_store_waits_like_the_store_itself() {
    let store: Arc<dyn SessionStore> = Arc::new(MemoryStore::new());
    let begin = Instant::now();
    Arc::new(store).changed(&account(), None, LONG).await;
    assert_eq!(begin.elapsed(), LONG);
}

#[tokio::test(start_paused = true)]
async fn a_change_between_the_call_and_the_first_poll_is_not_missed() {
    let (store, account) = (MemoryStore::new(), account());
    let begin = Instant::now();
    let wait = store.changed(&account, None, LONG);
    assert!(swap(&store, None, 1).await);
    wait.await;
    assert_eq!(begin.elapsed(), Duration::ZERO);
}

#[tokio::test]
async fn debug_prints_no_values() {
    let store = MemoryStore::new();
    write(&store, 7).await;
    assert_eq!(format!("{store:?}"), "MemoryStore { .. }");
    let found = format!("{:?}", store.load(&account()).await.unwrap());
    assert!(!found.contains("token-7") && !found.contains("116, 111"), "{found}");
}
