//! The store on several servers: with sentinels, and on a cluster.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use thingspace_session::{
    Error,
    store::{
        SessionStore as _, Version,
        testing::{Handles, conformance},
    },
};
use thingspace_session_redis::RedisStore;
use tokio::task::JoinHandle;

use crate::{
    one::user_of_the_page,
    server::{PORT, Server, until},
    support::{account, number, read, swap, version, write},
};

const NAME: &str = "mymaster";
/// How long a test waits for a change.
const PATIENCE: Duration = Duration::from_secs(20);

/// The number in the store, as soon as the store is available.
async fn read_at_last(store: &RedisStore) -> u64 {
    let begin = Instant::now();
    loop {
        match store.load(&account()).await {
            Ok(found) => break number(&found),
            Err(error) => assert!(begin.elapsed() < Duration::from_secs(30), "{error}"),
        }
    }
}

/// Starts a task that waits for a change, and returns when the task waits. While servers change roles, the wait may end
/// early.
async fn waiting(store: &RedisStore, seen: Option<Version>) -> JoinHandle<Instant> {
    for _ in 0..20 {
        let store = store.clone();
        let waiting = tokio::spawn(async move {
            store.changed(&account(), seen, PATIENCE).await;
            Instant::now()
        });
        tokio::time::sleep(Duration::from_millis(300)).await;
        if !waiting.is_finished() {
            return waiting;
        }
    }
    panic!("the wait ended without a change");
}

/// A swap wakes the waiting task, through any of the servers.
async fn a_swap_is_heard(writer: &RedisStore, waiter: &RedisStore, value: u64) {
    let seen = version(&writer.load(&account()).await.unwrap());
    let waiting = waiting(waiter, seen).await;
    assert!(swap(writer, seen, value).await);
    let swapped = Instant::now();
    let passed = waiting.await.unwrap().saturating_duration_since(swapped);
    assert!(passed < Duration::from_millis(500), "{value}: {passed:?}");
    assert_eq!(read(waiter).await, value);
}

fn is_synchronous(replica: &Server) -> bool {
    replica.says(&["INFO", "replication"], "master_link_status:up")
}

/// Options for a server with the user and the rights of docs/fleet.md.
fn with_a_user<'a>(options: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
    [options, &["--user"], &user_of_the_page()[2..], more].concat()
}

struct Sentinel {
    servers: [Server; 2],
    sentinel: Server,
}

impl Sentinel {
    fn start() -> Option<Self> {
        let options = with_a_user(&["--bind", "127.0.0.1", "--port", PORT], &["+role"]);
        let first = Server::start(&options)?;
        let port = first.port.to_string();
        let second = Server::start(&[&options[..], &["--replicaof", "127.0.0.1", &port]].concat())?;
        until("a replica", || is_synchronous(&second));
        let sentinel = Server::start(&["--sentinel", "--bind", "127.0.0.1", "--port", PORT])?;
        sentinel.ask::<()>(&["SENTINEL", "MONITOR", NAME, "127.0.0.1", &port, "1"]);
        for (option, value) in [("down-after-milliseconds", "300"), ("failover-timeout", "2000")] {
            sentinel.ask::<()>(&["SENTINEL", "SET", NAME, option, value]);
        }
        let all = Self { servers: [first, second], sentinel };
        all.know_each_other();
        Some(all)
    }

    /// Waits until the sentinel knows the replica, because only then it can promote the replica.
    fn know_each_other(&self) {
        until("a sentinel that knows both", || {
            self.sentinel.says(&["INFO", "sentinel"], "status=ok")
                && self.sentinel.says(&["INFO", "sentinel"], "slaves=1")
        });
    }

    fn store(&self) -> RedisStore {
        // The store skips a sentinel that it cannot reach.
        let sentinels = ["redis://127.0.0.1:1".to_owned(), format!("redis://{}", self.sentinel.address())];
        RedisStore::sentinel(format!("redis://fleet:PASSWORD@{NAME}/0"), sentinels).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_follows_the_server_that_sentinels_name() {
    let Some(mut all) = Sentinel::start() else { return };
    let (store, other) = (all.store(), all.store());
    write(&store, 1).await;
    assert!(all.servers[0].says(&["CLIENT", "LIST"], "user=fleet"));
    a_swap_is_heard(&store, &other, 2).await;
    assert_eq!(all.servers[0].ask::<i64>(&["WAIT", "1", "10000"]), 1);

    // The server dies, and the replica replaces it.
    all.servers[0].kill();
    assert_eq!(read_at_last(&store).await, 2);
    assert_eq!(read_at_last(&other).await, 2);
    a_swap_is_heard(&store, &other, 3).await;

    // The old server returns, and replaces the other one, which is alive.
    all.servers[0].resume();
    all.servers[0].ask::<()>(&["REPLICAOF", "127.0.0.1", &all.servers[1].port.to_string()]);
    until("the old one as a replica", || is_synchronous(&all.servers[0]));
    until("a failover", || all.sentinel.try_ask::<()>(&["SENTINEL", "FAILOVER", NAME]).is_ok());
    // Until the other server learns of its new role, it accepts commits that are lost.
    let roles = ["role:master", "role:slave"];
    until("the old order", || (0..2).all(|at| all.servers[at].says(&["INFO", "replication"], roles[at])));
    assert_eq!([read_at_last(&store).await, read_at_last(&other).await], [3, 3]);
    a_swap_is_heard(&store, &other, 4).await;
    assert!(all.servers[0].ask::<String>(&["GET", &all.servers[0].key()]).contains("token-4"));
}

#[tokio::test]
async fn a_name_that_no_sentinel_knows_is_an_error() {
    let Some(sentinel) = Server::start(&["--sentinel", "--bind", "127.0.0.1", "--port", PORT]) else { return };
    let sentinels = [format!("redis://{}", sentinel.address())];
    let store = RedisStore::sentinel("redis://fleet:secret@another", &sentinels).unwrap();
    let error = store.load(&account()).await.unwrap_err().to_string();
    assert!(error.contains("another") && error.contains(&sentinels[0]["redis://".len()..]), "{error}");
    assert!(error.contains("not found") && !error.contains("secret"), "{error}");
}

struct Cluster {
    /// Two nodes that share all keys, and a replica of the first.
    nodes: [Server; 3],
}

impl Cluster {
    fn start() -> Option<Self> {
        let options = "--bind 127.0.0.1 --port PORT --cluster-enabled yes --cluster-port BUS --appendonly yes";
        let options = with_a_user(&options.split(' ').collect::<Vec<_>>(), &["+cluster|slots", "+asking"]);
        let nodes = [Server::start(&options)?, Server::start(&options)?, Server::start(&options)?];
        let [first, second, third] = &nodes;
        first.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", "0", "8191"]);
        second.ask::<()>(&["CLUSTER", "ADDSLOTSRANGE", "8192", "16383"]);
        for other in [second, third] {
            let [port, bus] = [other.port, other.bus].map(|port| port.to_string());
            first.ask::<()>(&["CLUSTER", "MEET", "127.0.0.1", &port, &bus]);
        }
        let is_whole = |node: &Server| {
            node.says(&["CLUSTER", "INFO"], "cluster_state:ok")
                && node.says(&["CLUSTER", "INFO"], "cluster_known_nodes:3")
        };
        until("a cluster", || nodes.iter().all(is_whole));
        third.ask::<()>(&["CLUSTER", "REPLICATE", &first.ask::<String>(&["CLUSTER", "MYID"])]);
        until("a replica", || is_synchronous(third));
        Some(Self { nodes })
    }

    /// A store whose only key is on the first node.
    fn store(&self) -> RedisStore {
        let prefix = (0..1000).map(|number| format!("thingspace:{number}")).find(|prefix| {
            let key = format!("{prefix}:{{{}}}", account().id());
            self.nodes[0].ask::<u32>(&["CLUSTER", "KEYSLOT", &key]) < 8192
        });
        self.any().prefix(prefix.unwrap())
    }

    fn any(&self) -> RedisStore {
        RedisStore::cluster(self.nodes.iter().map(|node| format!("redis://fleet:PASSWORD@{}", node.address()))).unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_cluster_keeps_every_guarantee() {
    let Some(cluster) = Cluster::start() else { return };
    let count = AtomicU32::new(0);
    conformance(|| async {
        let prefix = format!("thingspace:{}", count.fetch_add(1, Ordering::SeqCst));
        let handles: Handles = (Arc::new(cluster.any().prefix(&prefix)), Arc::new(cluster.any().prefix(&prefix)));
        handles
    })
    .await;
    let keys = || cluster.nodes.each_ref().map(|node| node.ask::<i64>(&["DBSIZE"]));
    assert!(keys().iter().all(|keys| *keys > 0), "a node has no keys: {:?}", keys());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_store_works_after_a_replica_of_a_cluster_replaces_its_node() {
    let Some(mut cluster) = Cluster::start() else { return };
    let (store, other) = (cluster.store(), cluster.store());
    write(&store, 1).await;
    a_swap_is_heard(&store, &other, 2).await;
    let seen = version(&store.load(&account()).await.unwrap());
    let waiting = waiting(&other, seen).await;
    assert_eq!(cluster.nodes[0].ask::<i64>(&["WAIT", "1", "10000"]), 1);
    cluster.nodes[0].kill();
    cluster.nodes[2].ask::<()>(&["CLUSTER", "FAILOVER", "TAKEOVER"]);
    assert_eq!(read_at_last(&store).await, 2);
    assert!(swap(&store, seen, 3).await, "the version was lost with the server");
    waiting.await.unwrap();
    assert_eq!(read_at_last(&other).await, 3);
    a_swap_is_heard(&store, &other, 4).await;
}

#[test]
fn a_connection_on_an_idle_runtime_blocks_no_other_connection() {
    let (Some(cluster), Some(server)) = (Cluster::start(), Server::start(&[])) else { return };
    for store in [server.store(), cluster.any()] {
        let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let [still, driven] = [runtime(), runtime()];
        still.block_on(store.load(&account())).unwrap();
        let _ = driven.block_on(store.load(&account()));
        driven.block_on(store.load(&account())).unwrap();
        drop(still);
    }
}

#[test]
fn an_invalid_url_is_an_error_that_quotes_nothing() {
    const NONE: [&str; 0] = [];
    let errors = [
        RedisStore::new("secret"),
        RedisStore::new("redis://user:secret@"),
        RedisStore::sentinel("redis://user:secret@mymaster", NONE),
        RedisStore::sentinel("redis+unix:///secret", ["redis://127.0.0.1"]),
        RedisStore::sentinel("redis://mymaster", ["secret"]),
        RedisStore::cluster(NONE),
        RedisStore::cluster(["redis://user:secret@a", "redis://user:another@b"]),
        RedisStore::cluster(["redis+unix:///secret"]),
        RedisStore::cluster(["redis://user:secret@a/3"]),
        #[cfg(not(feature = "rustls-no-provider"))]
        RedisStore::new("rediss://redis.internal"),
    ];
    for outcome in errors {
        let error = outcome.unwrap_err();
        let text = error.to_string();
        assert!(
            matches!(error, Error::Configuration { .. }) && !text.contains("secret") && !text.contains("another"),
            "{text}"
        );
    }
}
