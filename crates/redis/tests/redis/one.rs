//! The store on a single Redis server: the suite, and tests of this store.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{
    ApiKey, Credentials, Error, ThingSpace,
    store::{
        Account, Sealed, SessionStore, StoreError, Version,
        testing::{Handles, conformance},
    },
};
use thingspace_session_redis::RedisStore;
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    server::{PORT, Server, until},
    support::{LONG, account, number, numbered, read, swap, try_swap, version, write},
};

const KEY: [u8; 32] = [7; 32];
const SOON: Duration = Duration::from_secs(5);

/// The suite, with its own prefix for each check.
async fn suite<S: SessionStore + 'static>(options: &[&str], make: impl Fn(RedisStore) -> S) {
    let Some(server) = Server::start(options) else { return };
    let count = AtomicU32::new(0);
    conformance(|| async {
        let prefix = format!("check-{}", count.fetch_add(1, Ordering::SeqCst));
        let handle = || Arc::new(make(server.store().prefix(&prefix)));
        let handles: Handles = (handle(), handle());
        handles
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_keeps_every_guarantee() {
    suite(&[], |store| store).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn redis_keeps_every_guarantee_with_a_log_and_a_seal() {
    suite(&["--appendonly", "yes", "--appendfsync", "always"], |store| Sealed::new(store, KEY)).await;
}

#[tokio::test]
async fn no_key_in_redis_names_the_user_and_every_key_expires() {
    let Some(server) = Server::start(&[]) else { return };
    write(&server.store(), 1).await;
    let key = server.key();
    assert_eq!(key, format!("thingspace:{{{}}}", account().id()));
    server.ask::<()>(&["EXPIRE", &key, "100"]);
    write(&server.store(), 2).await;
    let days = server.ask::<i64>(&["TTL", &key]) / (24 * 60 * 60);
    assert!((89..=90).contains(&days), "{days}");
    let stored: String = server.ask(&["GET", &key]);
    assert!(stored.ends_with(":token-2") && !stored.contains("zbeeblebrox") && !stored.contains("the-api-key"));
}

#[tokio::test]
async fn a_sealed_store_reveals_no_session() {
    let Some(server) = Server::start(&[]) else { return };
    let store = Sealed::new(server.store(), KEY);
    write(&store, 1).await;
    assert_eq!(read(&store).await, 1);
    let stored: Vec<u8> = server.ask(&["GET", &server.key()]);
    assert!(!stored.windows(7).any(|part| part == b"token-1"));
    let error = Sealed::new(server.store(), [8; 32]).load(&account()).await.unwrap_err();
    damaged(&error, &account().id());
}

/// The error of the store, which must name the key and quote nothing.
fn damaged(error: &StoreError, key: &str) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Damaged { .. }) && text.contains(key), "{text}");
    assert!(!text.contains("token-1") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_damaged_or_foreign_value_is_never_a_fresh_start() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let key = server.key();
    let digits = "0".repeat(32);
    let damages: [&[&str]; 9] = [
        &["SET", &key, ""],
        &["SET", &key, "secret"],
        &["SET", &key, &digits],
        &["SET", &key, &format!("{digits};secret")],
        &["SET", &key, &format!("{}:secret", "g".repeat(32))],
        &["SET", &key, &format!("{}:secret", "ä".repeat(16))],
        &["HSET", &key, "version", "1", "guard", "secret"],
        &["RPUSH", &key, "secret"],
        &["SADD", &key, "secret"],
    ];
    for damage in damages {
        server.ask::<()>(&["DEL", &key]);
        server.ask::<()>(damage);
        damaged(&store.load(&account()).await.unwrap_err(), &key);
        let before: Vec<u8> = server.ask(&["DUMP", &key]);
        for expected in [None, Some(Version::random())] {
            // The swap only compares versions. The load after it returns the error.
            match try_swap(&store, expected, 2).await {
                Ok(is_stored) => assert!(!is_stored, "{damage:?}"),
                Err(error) => damaged(&error, &key),
            }
        }
        assert!(before == server.ask::<Vec<u8>>(&["DUMP", &key]), "{damage:?}");
    }
}

#[tokio::test]
async fn the_store_loads_scripts_again_that_the_server_has_lost() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    for value in 1..=3 {
        write(&store, value).await;
        server.ask::<()>(&["SCRIPT", "FLUSH"]);
        assert_eq!(read(&store).await, value);
    }
}

#[tokio::test]
async fn the_store_uses_a_server_again_after_its_return_and_an_absent_server_is_an_error_in_time() {
    let Some(mut server) = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let store = server.store();
    write(&store, 1).await;
    server.kill();
    let begin = Instant::now();
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    assert!(begin.elapsed() < Duration::from_secs(8), "{:?}", begin.elapsed());

    let asking = store.clone();
    let waiting = tokio::spawn(async move { read(&asking).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.resume();
    assert_eq!(waiting.await.unwrap(), 1);
}

#[tokio::test]
async fn a_swap_from_before_a_loss_of_data_overwrites_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let old = version(&store.load(&account()).await.unwrap());
    server.ask::<()>(&["FLUSHALL"]);
    assert!(!swap(&store, old, 2).await, "the server has no value");
    assert!(swap(&server.store(), None, 3).await);
    assert!(!swap(&store, old, 2).await, "the server has a new value");
    assert_eq!(read(&store).await, 3);
}

#[tokio::test]
async fn a_swap_wakes_a_waiting_task_at_once_without_polling() {
    let Some(server) = Server::start(&[]) else { return };
    let (writer, waiter) = (server.store(), server.store());
    let waiting = tokio::spawn(async move {
        waiter.changed(&account(), None, SOON).await;
        (Instant::now(), waiter)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let commands = || -> u64 {
        let info: String = server.ask(&["INFO", "stats"]);
        info.lines().find_map(|line| line.strip_prefix("total_commands_processed:")).unwrap().parse().unwrap()
    };
    let before = commands();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // The query for the number opens a connection itself.
    assert!(commands() - before <= 4, "{}", commands() - before);
    assert!(!waiting.is_finished(), "the task polls instead of waiting");
    assert!(swap(&writer, None, 1).await);
    let begin = Instant::now();
    let (heard, waiter) = waiting.await.unwrap();
    assert!(heard.saturating_duration_since(begin) < Duration::from_millis(100));
    assert_eq!(read(&waiter).await, 1);
}

#[tokio::test]
async fn a_swap_of_another_account_wakes_no_waiting_task() {
    let Some(server) = Server::start(&[]) else { return };
    let (store, another) = (server.store(), Account::new("https://thingspace.example", "the-api-key", "another"));
    let waiter = store.clone();
    let waiting = tokio::spawn(async move { waiter.changed(&account(), None, SOON).await });
    let waiter = (store.clone(), another.clone());
    let hearing = tokio::spawn(async move { waiter.0.changed(&waiter.1, None, SOON).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(store.compare_and_swap(&another, None, Version::random(), b"").await.unwrap());
    hearing.await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(!waiting.is_finished());
    assert!(swap(&store, None, 1).await);
    waiting.await.unwrap();
}

/// The command of the page docs/fleet.md that creates a user with the required rights.
pub(crate) fn user_of_the_page() -> Vec<&'static str> {
    let mut blocks = include_str!("../../docs/fleet.md").split("```text\n");
    let user = blocks.find(|block| block.starts_with("ACL SETUSER")).unwrap();
    user.split("```").next().unwrap().split_whitespace().collect()
}

#[tokio::test]
async fn a_waiting_task_loads_again_after_its_connection_was_dropped() {
    let Some(server) = Server::start(&[]) else { return };
    let (writer, waiter) = (server.store(), server.store());
    let waiting = tokio::spawn({
        let waiter = waiter.clone();
        async move { waiter.changed(&account(), None, LONG).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("STOP");
    let asking = tokio::spawn(async move { waiter.load(&account()).await.map(|found| number(&found)) });
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal("CONT");
    assert_eq!(asking.await.unwrap().unwrap(), 0);
    assert!(!waiting.is_finished(), "nothing has changed");
    assert!(swap(&writer, None, 1).await);
    tokio::time::timeout(SOON, waiting).await.expect("the task waits for a message that cannot arrive").unwrap();
}

#[tokio::test]
async fn a_user_with_the_documented_rights_suffices_and_a_missing_right_is_an_error() {
    let Some(server) = Server::start(&[]) else { return };
    server.ask::<()>(&user_of_the_page());
    let url = server.url();
    let fleet = RedisStore::new(format!("{url}?user=fleet&pass=PASSWORD")).unwrap();
    write(&fleet, 1).await;
    let seen = version(&fleet.load(&account()).await.unwrap());
    let waiter = fleet.clone();
    let waiting = tokio::spawn(async move { waiter.changed(&account(), seen, SOON).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "the task receives no messages and polls");
    let begin = Instant::now();
    assert!(swap(&fleet, seen, 2).await);
    waiting.await.unwrap();
    assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
    let fleet = fleet.prefix("another");
    let error = fleet.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    let wrong = RedisStore::new(format!("{url}?user=fleet&pass=wrong-one")).unwrap();
    let begin = Instant::now();
    let error = wrong.load(&account()).await.unwrap_err().to_string();
    assert!(!error.contains("wrong-one") && !format!("{wrong:?}").contains("wrong-one"), "{error}");
    assert!(begin.elapsed() < SOON, "the store waits for a permanent error");
}

#[tokio::test]
async fn a_user_without_the_right_to_subscribe_polls() {
    let Some(server) = Server::start(&[]) else { return };
    server.ask::<()>(&["ACL", "SETUSER", "deaf", "on", ">PASSWORD", "+@all", "-subscribe", "~*", "&*"]);
    let deaf = RedisStore::new(format!("{}?user=deaf&pass=PASSWORD", server.url())).unwrap();
    let waiter = deaf.clone();
    let waiting = tokio::spawn(async move { waiter.changed(&account(), None, LONG).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished());
    assert!(swap(&deaf, None, 1).await);
    tokio::time::timeout(SOON, waiting).await.expect("the task waits for a message that cannot arrive").unwrap();
}

#[tokio::test]
async fn a_swap_whose_response_was_lost_is_made_once() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let (found, new, bytes) = (version(&store.load(&account()).await.unwrap()), Version::random(), numbered(2));
    server.signal("STOP");
    let error = store.compare_and_swap(&account(), found, new, &bytes).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    server.signal("CONT");
    until("the swap", || server.ask::<String>(&["GET", &server.key()]).ends_with(":token-2"));
    assert!(!swap(&server.store(), found, 3).await, "another version is stored");
    assert!(store.compare_and_swap(&account(), found, new, &bytes).await.unwrap(), "it is stored");
    assert!(swap(&server.store(), Some(new), 3).await);
    assert!(!store.compare_and_swap(&account(), found, new, &bytes).await.unwrap());
    assert_eq!(read(&store).await, 3);
}

#[tokio::test]
async fn a_swap_without_the_right_to_publish_is_not_made() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let found = version(&store.load(&account()).await.unwrap());
    server.ask::<()>(&["ACL", "SETUSER", "default", "resetchannels"]);
    for _ in 0..2 {
        try_swap(&store, found, 2).await.unwrap_err();
        assert_eq!(read(&store).await, 1);
    }
    server.ask::<()>(&["ACL", "SETUSER", "default", "allchannels"]);
    assert!(swap(&store, found, 2).await);
    assert_eq!(read(&store).await, 2);
}

#[tokio::test]
async fn the_store_drops_a_silent_connection_even_if_its_calls_are_short() {
    let Some(server) = Server::start(&["--bind", "127.0.0.1", "--port", PORT]) else { return };
    let door = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (address, behind) = (door.local_addr().unwrap(), server.address());
    let (silence, mut silent) = tokio::sync::oneshot::channel::<()>();
    tokio::spawn(async move {
        let (mut first, _) = door.accept().await.unwrap();
        let mut way = TcpStream::connect(&behind).await.unwrap();
        tokio::select! {
            _ = copy_bidirectional(&mut first, &mut way) => {}
            _ = &mut silent => {}
        }
        // The test does not observe its end.
        loop {
            let (mut next, _) = door.accept().await.unwrap();
            let mut way = TcpStream::connect(&behind).await.unwrap();
            tokio::spawn(async move { copy_bidirectional(&mut next, &mut way).await });
        }
    });
    let store = RedisStore::new(format!("redis://{address}")).unwrap();
    write(&store, 1).await;
    silence.send(()).unwrap();
    for _ in 0..6 {
        if tokio::time::timeout(Duration::from_secs(1), store.load(&account())).await.is_ok() {
            return assert_eq!(read(&store).await, 1);
        }
    }
    panic!("the store never drops the connection");
}

#[tokio::test]
async fn without_redis_a_session_continues_without_a_login_and_the_store_recovers_when_it_returns() {
    let Some(mut server) = Server::start(&["--appendonly", "yes", "--appendfsync", "always"]) else { return };
    let (sandbox, url) = (Sandbox::start().await.unwrap(), server.url());
    let platform = || {
        let builder = ThingSpace::builder().api_key(ApiKey::new("sandbox-key", "sandbox-secret"));
        builder.base_url(sandbox.base_url()).store(RedisStore::new(&url).unwrap()).build().unwrap()
    };
    let user = || Credentials::new("zbeeblebrox", "IMgr8");
    let session = platform().start_session(user()).await.unwrap();
    let send = || async { session.send(session.request(Method::GET, "/m2m/v1/devices").unwrap()).await };
    assert_eq!(send().await.unwrap().status(), 200);
    server.kill();
    assert_eq!(send().await.unwrap().status(), 200);
    let thingspace = platform();
    let error = thingspace.start_session(user()).await.unwrap_err();
    assert!(matches!(error, Error::Store(StoreError::Unavailable { .. })) && error.is_retryable(), "{error}");
    assert_eq!(sandbox.counters().logins_attempted, 1);
    server.resume();
    thingspace.start_session(user()).await.unwrap();
    assert_eq!(send().await.unwrap().status(), 200);
    assert_eq!(sandbox.counters().logins_attempted, 1);
}
