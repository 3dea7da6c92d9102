//! A store that waits for replicas of the server: a failover loses no swap that it has confirmed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use thingspace_session::{
    Error,
    store::{
        SessionStore as _, StoreError, Version,
        testing::{Handles, conformance},
    },
};
use thingspace_session_redis::RedisStore;
use tokio::time::timeout;

use crate::{
    one::user_of_the_page,
    server::{PORT, Server, until},
    support::{account, numbered, read, version, write},
};

struct Pair {
    primary: Server,
    replica: Server,
}

impl Pair {
    fn start() -> Option<Self> {
        let user = user_of_the_page();
        let options = [&["--bind", "127.0.0.1", "--port", PORT, "--user"], &user[2..], &["+wait"]].concat();
        let primary = Server::start(&options)?;
        let port = primary.port.to_string();
        let replica = Server::start(&[&options[..], &["--replicaof", "127.0.0.1", &port]].concat())?;
        until("a replica", || replica.says(&["INFO", "replication"], "master_link_status:up"));
        Some(Self { primary, replica })
    }

    fn store(&self) -> RedisStore {
        let url = format!("redis://fleet:PASSWORD@{}", self.primary.address());
        RedisStore::new(url).unwrap().replicated_to(1).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_replicated_store_keeps_every_guarantee() {
    let Some(pair) = Pair::start() else { return };
    let count = AtomicU32::new(0);
    conformance(|| async {
        let prefix = format!("thingspace:{}", count.fetch_add(1, Ordering::SeqCst));
        let handles: Handles = (Arc::new(pair.store().prefix(&prefix)), Arc::new(pair.store().prefix(&prefix)));
        handles
    })
    .await;
}

#[tokio::test]
async fn a_swap_that_no_replica_has_is_not_confirmed_even_if_it_is_sent_again() {
    let Some(pair) = Pair::start() else { return };
    let store = pair.store();
    write(&store, 1).await;
    let seen = version(&store.load(&account()).await.unwrap());
    pair.replica.signal("STOP");
    let (new, bytes) = (Version::random(), numbered(2));
    let error = store.compare_and_swap(&account(), seen, new, &bytes).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }) && error.to_string().contains("NOREPLICAS"), "{error}");
    // Another connection finds the swap on the server, but no replica has it.
    let again = pair.store();
    assert!(again.compare_and_swap(&account(), seen, new, &bytes).await.is_err());
    pair.replica.signal("CONT");
    assert!(pair.store().compare_and_swap(&account(), seen, new, &bytes).await.unwrap());
    assert_eq!(read(&store).await, 2);
}

#[tokio::test]
async fn a_replica_that_replaces_the_server_has_every_confirmed_swap() {
    let Some(mut pair) = Pair::start() else { return };
    let store = pair.store();
    write(&store, 1).await;
    pair.replica.signal("STOP");
    let writing = tokio::spawn(async move { write(&store, 2).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!writing.is_finished(), "the swap returned before a replica had it");
    pair.replica.signal("CONT");
    writing.await.unwrap();
    pair.primary.kill();
    assert!(pair.replica.ask::<String>(&["GET", &pair.replica.key()]).ends_with("token-2"));
}

#[tokio::test]
async fn a_conflicting_swap_waits_for_no_replica() {
    let Some(pair) = Pair::start() else { return };
    let store = pair.store();
    write(&store, 1).await;
    pair.replica.signal("STOP");
    let (account, bytes) = (account(), numbered(2));
    let swapped = store.compare_and_swap(&account, None, Version::random(), &bytes);
    let swapped = timeout(Duration::from_millis(900), swapped).await;
    pair.replica.signal("CONT");
    assert!(!swapped.expect("the swap waits for a replica").unwrap());
}

#[test]
fn waiting_for_replicas_of_a_cluster_is_an_error() {
    let store = RedisStore::cluster(["redis://127.0.0.1"]).unwrap();
    let error = store.replicated_to(1).unwrap_err();
    assert!(matches!(&error, Error::Configuration { problem } if problem.contains("sentinels")), "{error}");
}
