//! The store on a Redis server: the suite, and what is special to it.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};

use reqwest::Method;
use thingspace_sandbox::Sandbox;
use thingspace_session::{
    ApiKey, Credentials, Error, RedisStore, ThingSpace,
    store::{
        SessionStore, StoreError,
        testing::{Handles, conformance},
    },
};
use tokio::{
    io::copy_bidirectional,
    net::{TcpListener, TcpStream},
};

use crate::{
    server::{PORT, Server, until},
    support::{LONG, account, number, numbered, read, write},
};

const KEY: [u8; 32] = [7; 32];
const SOON: Duration = Duration::from_secs(5);

/// The suite, each check under a prefix of its own.
async fn suite(options: &[&str], make: impl Fn(RedisStore) -> RedisStore) {
    let Some(server) = Server::start(options) else { return };
    let count = AtomicU32::new(0);
    conformance(|| async {
        let prefix = format!("check-{}", count.fetch_add(1, Ordering::SeqCst));
        let handle = || make(server.store()).prefix(&prefix);
        let handles: Handles = (Arc::new(handle()), Arc::new(handle()));
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
    suite(&["--appendonly", "yes", "--appendfsync", "always"], |store| store.sealed(KEY)).await;
}

#[tokio::test]
async fn nothing_in_redis_names_the_user_and_nothing_is_kept_for_ever() {
    let Some(server) = Server::start(&[]) else { return };
    write(&server.store(), 1).await;
    let key = server.key();
    assert_eq!(key, format!("thingspace:{{{}}}", account().id()));
    let days = server.ask::<i64>(&["TTL", &key]) / (24 * 60 * 60);
    assert!((89..=90).contains(&days), "{days}");
    let fields = server.ask::<Vec<String>>(&["HGETALL", &key]).join(" ");
    assert!(fields.contains("token-1") && !fields.contains("zbeeblebrox") && !fields.contains("the-api-key"));
}

#[tokio::test]
async fn who_reads_a_sealed_store_holds_no_session() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store().sealed(KEY);
    write(&store, 1).await;
    assert_eq!(read(&store).await, 1);
    let fields: Vec<Vec<u8>> = server.ask(&["HGETALL", &server.key()]);
    assert!(fields.iter().all(|field| !field.windows(7).any(|part| part == b"token-1")));
    for other in [server.store(), server.store().sealed([8; 32])] {
        damaged(&other.load(&account()).await.unwrap_err(), &server.key());
        damaged(&other.acquire(&account(), LONG).await.unwrap_err(), &server.key());
    }
    assert!(store.acquire(&account(), LONG).await.unwrap().is_some(), "who could not read it has kept the right");
}

/// The error names the key and quotes nothing.
fn damaged(error: &StoreError, key: &str) {
    let text = error.to_string();
    assert!(matches!(error, StoreError::Damaged { .. }) && text.contains(key), "{text}");
    assert!(!text.contains("token-1") && !text.contains("secret"), "{text}");
}

#[tokio::test]
async fn what_is_damaged_or_foreign_is_never_a_fresh_start() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let key = server.key();
    let damages: [&[&str]; 8] = [
        &["HSET", &key, "version", "2"],
        &["HSET", &key, "guard", "plain:{\"secret\":1}"],
        &["HSET", &key, "guard", "secret"],
        &["HDEL", &key, "guard"],
        &["HSET", &key, "session", "plain:\"token-2\""],
        &["HDEL", &key, "used"],
        &["HSET", &key, "later", "secret"],
        &["SET", &key, "secret"],
    ];
    for damage in damages {
        server.ask::<()>(damage);
        damaged(&store.load(&account()).await.unwrap_err(), &key);
        damaged(&store.acquire(&account(), LONG).await.unwrap_err(), &key);
        server.ask::<()>(&["DEL", &key]);
        write(&store, 1).await;
    }
}

#[tokio::test]
async fn scripts_that_the_server_has_forgotten_are_told_to_it_again() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    for value in 1..=3 {
        write(&store, value).await;
        server.ask::<()>(&["SCRIPT", "FLUSH"]);
        assert_eq!(read(&store).await, value);
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_used_again_and_one_that_stays_away_is_told_in_time() {
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
async fn a_holder_from_before_a_loss_of_data_overwrites_nothing() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let (old, record) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    server.ask::<()>(&["FLUSHALL"]);
    assert!(!store.commit(&account(), &old, &numbered(record.clone(), 1)).await.unwrap(), "nobody has the right");
    let (new, _) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    assert!(new.fence() > old.fence());
    assert!(!store.commit(&account(), &old, &numbered(record.clone(), 1)).await.unwrap(), "somebody else has it");
    assert!(store.commit(&account(), &new, &numbered(record, 2)).await.unwrap());
    assert_eq!(read(&store).await, 2);
}

#[tokio::test]
async fn who_waits_is_told_at_once_and_by_nobody_s_asking() {
    let Some(server) = Server::start(&[]) else { return };
    let (holder, waiter) = (server.store(), server.store());
    let (lease, record) = holder.acquire(&account(), LONG).await.unwrap().unwrap();
    let waiting = tokio::spawn(async move {
        waiter.changed(&account(), SOON).await;
        (Instant::now(), waiter)
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    let commands = || -> u64 {
        let info: String = server.ask(&["INFO", "stats"]);
        info.lines().find_map(|line| line.strip_prefix("total_commands_processed:")).unwrap().parse().unwrap()
    };
    let before = commands();
    tokio::time::sleep(Duration::from_millis(500)).await;
    // What asks for the number makes a connection for it.
    assert!(commands() - before <= 4, "{}", commands() - before);
    assert!(!waiting.is_finished(), "it waits, and does not look now and again");
    assert!(holder.commit(&account(), &lease, &numbered(record, 1)).await.unwrap());
    let told = Instant::now();
    let (heard, waiter) = waiting.await.unwrap();
    assert!(heard.saturating_duration_since(told) < Duration::from_millis(100));
    assert_eq!(number(&waiter.load(&account()).await.unwrap()), 1);
}

/// The command of the page that makes a user with the rights that it takes.
pub(crate) fn user_of_the_page() -> Vec<&'static str> {
    let mut blocks = include_str!("../../docs/fleet.md").split("```text\n");
    let user = blocks.find(|block| block.starts_with("ACL SETUSER")).unwrap();
    user.split("```").next().unwrap().split_whitespace().collect()
}

#[tokio::test]
async fn who_waits_on_a_connection_that_was_given_up_is_to_look_again() {
    let Some(server) = Server::start(&[]) else { return };
    let (holder, waiter) = (server.store(), server.store());
    let (_lease, _) = holder.acquire(&account(), LONG).await.unwrap().unwrap();
    let waiting = tokio::spawn({
        let waiter = waiter.clone();
        async move { waiter.changed(&account(), LONG).await }
    });
    tokio::time::sleep(Duration::from_millis(300)).await;
    server.signal("STOP");
    let asking = tokio::spawn(async move { waiter.load(&account()).await.map(|record| number(&record)) });
    tokio::time::sleep(Duration::from_secs(3)).await;
    server.signal("CONT");
    assert_eq!(asking.await.unwrap().unwrap(), 0);
    tokio::time::timeout(SOON, waiting).await.expect("it waits for what it cannot hear").unwrap();
}

#[tokio::test]
async fn a_user_with_few_rights_is_enough_and_one_without_is_told() {
    let Some(server) = Server::start(&[]) else { return };
    server.ask::<()>(&user_of_the_page());
    let url = server.url();
    let fleet = RedisStore::new(format!("{url}?user=fleet&pass=PASSWORD")).unwrap();
    write(&fleet, 1).await;
    fleet.touch(&account(), &"token-1".into(), SystemTime::now()).await.unwrap();
    let (lease, record) = fleet.acquire(&account(), LONG).await.unwrap().unwrap();
    let waiter = fleet.clone();
    let waiting = tokio::spawn(async move { waiter.changed(&account(), SOON).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(!waiting.is_finished(), "it does not hear what is said, and looks now and again");
    let told = Instant::now();
    assert!(fleet.commit(&account(), &lease, &numbered(record, 2)).await.unwrap());
    waiting.await.unwrap();
    assert!(told.elapsed() < Duration::from_secs(1), "{:?}", told.elapsed());
    fleet.forget(&account(), &"token-2".into()).await.unwrap();
    fleet.release(&account(), lease).await.unwrap();
    let fleet = fleet.prefix("another");
    let error = fleet.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
    let wrong = RedisStore::new(format!("{url}?user=fleet&pass=wrong-one")).unwrap();
    let begin = Instant::now();
    let error = wrong.load(&account()).await.unwrap_err().to_string();
    assert!(!error.contains("wrong-one") && !format!("{wrong:?}").contains("wrong-one"), "{error}");
    assert!(begin.elapsed() < SOON, "what does not pass is waited for");
}

#[tokio::test]
async fn a_time_of_use_is_kept_to_the_nanosecond() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    let now = SystemTime::now();
    let record = record.with_session("token-1".into(), now);
    assert!(store.commit(&account(), &lease, &record).await.unwrap());
    assert_eq!(store.load(&account()).await.unwrap(), record);
    let later = now + Duration::from_nanos(100);
    store.touch(&account(), &"token-1".into(), later).await.unwrap();
    assert_eq!(store.load(&account()).await.unwrap().used_at(), Some(later));
}

#[tokio::test]
async fn a_commit_that_comes_after_a_later_one_is_not_made_and_one_that_comes_twice_is_made_once() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    assert!(store.commit(&account(), &lease, &numbered(record.clone(), 1)).await.unwrap());
    let key = server.key();
    // As if this very commit had come already, and its answer had been lost.
    server.ask::<()>(&["HINCRBY", &key, "written", "1"]);
    assert!(store.commit(&account(), &lease, &numbered(record.clone(), 2)).await.unwrap());
    assert_eq!(read(&store).await, 1);
    server.ask::<()>(&["HINCRBY", &key, "written", "5"]);
    assert!(!store.commit(&account(), &lease, &numbered(record, 3)).await.unwrap());
    assert_eq!(read(&store).await, 1);
}

#[tokio::test]
async fn the_commits_of_a_lease_are_numbered_anew_so_that_a_copy_of_a_process_is_not_taken_for_it() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    // As if the copy had made as many commits, or more.
    for ahead in ["1", "5"] {
        server.ask::<()>(&["HINCRBY", &server.key(), "written", ahead]);
        write(&store, 2).await;
        assert_eq!(read(&store).await, 2);
    }
}

#[tokio::test]
async fn a_grant_that_was_not_heard_of_keeps_nobody_out() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    server.signal("STOP");
    let error = store.acquire(&account(), LONG).await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }), "{error}");
    server.signal("CONT");
    until("the grant", || server.ask::<i64>(&["HEXISTS", &server.key(), "term"]) == 1);
    assert!(server.store().acquire(&account(), LONG).await.unwrap().is_none(), "somebody has it");
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().expect("it is this one's");
    assert!(store.commit(&account(), &lease, &numbered(record, 2)).await.unwrap());
    store.release(&account(), lease).await.unwrap();
    write(&server.store(), 3).await;
}

#[tokio::test]
async fn a_grant_that_comes_after_its_release_is_nobody_s() {
    const ACQUIRE: &str =
        concat!(include_str!("../../src/store/redis/prelude.lua"), include_str!("../../src/store/redis/acquire.lua"));
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    let (key, script) = (server.key(), redis::Script::new(ACQUIRE).get_hash().to_owned());
    let holder: String = server.ask(&["HGET", &key, "holder"]);
    assert!(store.commit(&account(), &lease, &numbered(record, 1)).await.unwrap());
    store.release(&account(), lease).await.unwrap();
    // As if it had been sent twice, the first time over a connection that was lost.
    server.ask::<redis::Value>(&["EVALSHA", &script, "1", &key, &holder, "60000000", "60000"]);
    write(&server.store(), 2).await;
    assert_eq!(read(&store).await, 2);
}

#[tokio::test]
async fn a_commit_that_nobody_may_be_told_of_is_not_made() {
    let Some(server) = Server::start(&[]) else { return };
    let store = server.store();
    write(&store, 1).await;
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().unwrap();
    server.ask::<()>(&["ACL", "SETUSER", "default", "resetchannels"]);
    for _ in 0..2 {
        store.commit(&account(), &lease, &numbered(record.clone(), 2)).await.unwrap_err();
        store.forget(&account(), &"token-1".into()).await.unwrap_err();
        assert_eq!(read(&store).await, 1);
    }
    server.ask::<()>(&["ACL", "SETUSER", "default", "allchannels"]);
    assert!(store.commit(&account(), &lease, &numbered(record, 2)).await.unwrap());
    assert_eq!(read(&store).await, 2);
}

#[tokio::test]
async fn without_redis_a_session_goes_on_nobody_logs_in_and_all_is_well_when_it_is_back() {
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

#[tokio::test]
async fn a_connection_that_has_gone_silent_is_left_however_little_time_calls_have() {
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
        // Nobody hears of its end.
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
    panic!("it is never left");
}
