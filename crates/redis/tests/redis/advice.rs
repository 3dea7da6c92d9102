//! If the operator has to act, an error of the Redis store is not retryable and states the next step.

use std::time::{Duration, Instant};

use thingspace_session::{
    Error,
    store::{SessionStore as _, StoreError},
};
use thingspace_session_redis::RedisStore;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use crate::{
    server::{PORT, Server},
    support::{account, try_swap},
};

/// The error of an unusable store, which must come without a wait and show no secret.
async fn advice(store: &RedisStore) -> String {
    let begin = Instant::now();
    let error = store.load(&account()).await.unwrap_err();
    assert!(begin.elapsed() < Duration::from_secs(5), "the store waits for a permanent error: {error:?}");
    text_of(error)
}

fn text_of(error: StoreError) -> String {
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    let text = format!("{error} {error:?}");
    assert!(!text.contains("the-secret"), "{text}");
    assert!(!Error::from(error).is_retryable(), "{text}");
    text
}

/// A server that gives the same response to every command.
async fn answering(answer: &'static str) -> RedisStore {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut heard = [0; 4096];
                while let Ok(length @ 1..) = stream.read(&mut heard).await {
                    let commands =
                        String::from_utf8_lossy(&heard[..length]).lines().filter(|line| line.starts_with('*')).count();
                    if stream.write_all(answer.repeat(commands).as_bytes()).await.is_err() {
                        return;
                    }
                }
            });
        }
    });
    RedisStore::new(format!("redis://user:the-secret@{address}/0")).unwrap()
}

#[tokio::test]
async fn the_error_for_a_wrong_user_or_password_is_to_check_it() {
    let Some(server) = Server::start(&["--requirepass", "right"]) else { return };
    for query in ["", "?pass=the-secret", "?user=nobody&pass=the-secret"] {
        let text = advice(&RedisStore::new(format!("{}{query}", server.url())).unwrap()).await;
        assert!(text.contains("check user and password in the URL"), "{query}: {text}");
    }
}

#[tokio::test]
async fn the_error_for_a_missing_right_is_to_grant_it() {
    let Some(server) = Server::start(&[]) else { return };
    for (name, rights) in [
        ("none", &["+hello"][..]),
        ("keys", &["+@all", "~other:*", "&*"]),
        ("scripts", &["+@all", "-evalsha", "-eval", "~*"]),
    ] {
        server.ask::<()>(&[&["ACL", "SETUSER", name, "on", ">the-secret"], rights].concat());
        let store = RedisStore::new(format!("{}?user={name}&pass=the-secret", server.url())).unwrap();
        let text = advice(&store).await;
        assert!(text.contains("rights that docs/fleet.md lists"), "{name}: {text}");
    }
    // Another test covers the error of `changed`.
    server.ask::<()>(&["ACL", "SETUSER", "mute", "on", ">the-secret", "+@all", "~*", "resetchannels"]);
    let store = RedisStore::new(format!("{}?user=mute&pass=the-secret", server.url())).unwrap();
    assert!(store.load(&account()).await.unwrap().value.is_none());
    let text = text_of(try_swap(&store, None, 1).await.unwrap_err());
    assert!(text.contains("rights that docs/fleet.md lists"), "{text}");
}

#[tokio::test]
async fn the_error_for_a_missing_database_is_to_check_its_number() {
    let Some(server) = Server::start(&["--databases", "2"]) else { return };
    let text = advice(&RedisStore::new(format!("{}?db=7", server.url())).unwrap()).await;
    assert!(text.contains("number of the database"), "{text}");
}

#[tokio::test]
async fn an_error_tells_a_single_server_from_a_cluster() {
    let Some(server) = Server::start(&["--bind", "127.0.0.1", "--port", PORT]) else { return };
    let cluster = RedisStore::cluster([format!("redis://{}", server.address())]).unwrap();
    let text = advice(&cluster).await;
    assert!(text.contains("use RedisStore::new"), "{text}");
    let text = advice(&answering("-MOVED 3999 127.0.0.1:6381\r\n").await).await;
    assert!(text.contains("use RedisStore::cluster"), "{text}");
}

#[tokio::test]
async fn a_cluster_that_rejects_the_password_gives_the_error_of_a_single_server() {
    let options = ["--bind", "127.0.0.1", "--port", PORT, "--requirepass", "right"];
    let Some(server) = Server::start(&options) else { return };
    for user in ["", ":the-secret@", "nobody:the-secret@"] {
        let text = advice(&RedisStore::cluster([format!("redis://{user}{}", server.address())]).unwrap()).await;
        assert!(text.contains("check user and password in the URL"), "{user}: {text}");
    }
}

#[tokio::test]
async fn the_error_for_an_old_or_protected_server_states_the_next_step() {
    for (answer, expected) in [
        ("-ERR unknown command `HELLO`, with args beginning with: `3`, `AUTH`, `the-secret`\r\n", "version 7.0"),
        ("-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'the-secret'\r\n", "version 7.0"),
        ("-NOPROTO unsupported protocol version\r\n", "version 7.0"),
        ("-DENIED Redis is running in protected mode\r\n", "protected mode"),
    ] {
        let text = advice(&answering(answer).await).await;
        assert!(text.contains(expected), "{answer}: {text}");
    }
}

#[tokio::test]
async fn the_error_does_not_quote_an_old_server_of_a_cluster() {
    let answer = "-ERR unknown command 'HELLO', with args beginning with: '3' 'AUTH' 'the-secret'\r\n";
    let store = answering(answer).await;
    let debugged = format!("{store:?}");
    let address = debugged.split('"').nth(1).unwrap().trim_end_matches("/0").to_owned();
    let text = advice(&RedisStore::cluster([format!("redis://user:the-secret@{address}")]).unwrap()).await;
    assert!(text.contains("version 7.0"), "{text}");
}

#[tokio::test]
async fn too_many_clients_and_missing_memory_are_temporary_errors() {
    for answer in
        ["-ERR max number of clients reached\r\n", "-OOM command not allowed when used memory > 'maxmemory'.\r\n"]
    {
        let error = answering(answer).await.load(&account()).await.unwrap_err();
        assert!(matches!(&error, StoreError::Unavailable { .. }), "{error:?}");
        assert!(Error::from(error).is_retryable());
    }
}

#[tokio::test]
async fn a_server_with_another_protocol_is_an_error() {
    let store = answering("HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n").await;
    let text = text_of(store.load(&account()).await.unwrap_err());
    assert!(text.contains("check the address"), "{text}");
}

#[tokio::test]
async fn an_invalid_path_of_a_socket_is_an_error() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, "").unwrap();
    for path in [file.join("redis.sock"), directory.path().join("x".repeat(200))] {
        let text = advice(&RedisStore::new(format!("redis+unix://{}", path.display())).unwrap()).await;
        assert!(text.contains("path of the socket"), "{text}");
    }
}
