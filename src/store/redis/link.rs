//! The way to the server: one connection for everything, made when it is needed and made again when it is lost.

use std::{
    collections::{HashMap, HashSet},
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use redis::{
    AsyncConnectionConfig, Client, ErrorKind, FromRedisValue, IntoConnectionInfo as _, ProtocolVersion, PushInfo,
    PushKind, RedisError, RedisResult, ScriptInvocation, ServerErrorKind, Value, aio::MultiplexedConnection,
};
use tokio::{
    sync::{Notify, futures::OwnedNotified},
    time::{sleep, timeout},
};

use crate::store::StoreError;

/// How long a connection may take to come about, and an answer to come.
const ANSWER: Duration = Duration::from_secs(2);
/// How long a server that is away is waited for before that is told.
const PATIENCE: Duration = Duration::from_secs(6);
/// The pause after the first failure; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// What to do about a key that cannot be understood.
const ADVICE: &str = "it holds the count of failed logins, so nobody logs in without it; make sure that the password \
                      holds and no login is failing, then remove the key, and the count begins anew";

pub(super) struct Link {
    client: Client,
    line: tokio::sync::Mutex<Line>,
    changes: Arc<Changes>,
}

/// The connection, and what is heard on it.
#[derive(Default)]
struct Line {
    connection: Option<MultiplexedConnection>,
    /// Which connection it is: who has seen one fail does not drop the next.
    number: u64,
    channels: HashSet<String>,
}

/// Who waits for a message, by channel.
#[derive(Default)]
struct Changes(Mutex<HashMap<String, Arc<Notify>>>);

impl Link {
    pub(super) fn new(url: &str) -> RedisResult<Self> {
        let info = url.into_connection_info()?;
        // Messages come on the connection of the commands, so that there is but one to lose.
        let settings = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        let client = Client::open(info.set_redis_settings(settings))?;
        Ok(Self { client, line: tokio::sync::Mutex::default(), changes: Arc::default() })
    }

    /// Where the server is, without what it takes to be let in.
    pub(super) fn address(&self) -> String {
        let info = self.client.get_connection_info();
        format!("{}/{}", info.addr(), info.redis_settings().db())
    }

    /// Runs a script, over and over while the server is away: each comes to the same, however often it is run.
    pub(super) async fn run<T: FromRedisValue>(
        &self,
        key: &str,
        script: &ScriptInvocation<'_>,
    ) -> Result<T, StoreError> {
        let mut last = None;
        let tries = async {
            let mut pause = SHORTEST_PAUSE;
            loop {
                match self.once(script).await {
                    Err(error) if is_passing(&error) => last = Some(error),
                    outcome => break outcome,
                }
                // By chance between a half and the whole, so that those who lost it at once do not return at once.
                sleep(pause.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
                pause = LONGEST_PAUSE.min(pause * 2);
            }
        };
        let outcome = timeout(PATIENCE, tries).await;
        let value = match (outcome, last) {
            (Ok(outcome), _) => outcome.map_err(|error| self.trouble(key, &error))?,
            (Err(_), Some(error)) => return Err(self.trouble(key, &error)),
            (Err(_), None) => return Err(self.unavailable(format!("no answer within {PATIENCE:?}"))),
        };
        redis::from_redis_value(value).map_err(|_| self.damaged(key, "its answer is not what was asked for"))
    }

    async fn once(&self, script: &ScriptInvocation<'_>) -> RedisResult<Value> {
        let (mut connection, number) = self.connection().await?;
        let outcome = script.invoke_async(&mut connection).await;
        self.heed(number, &outcome).await;
        outcome
    }

    async fn connection(&self) -> RedisResult<(MultiplexedConnection, u64)> {
        let mut line = self.line.lock().await;
        if let Some(connection) = &line.connection {
            return Ok((connection.clone(), line.number));
        }
        let changes = self.changes.clone();
        let config = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(ANSWER))
            .set_response_timeout(Some(ANSWER))
            .set_push_sender(move |push: PushInfo| {
                changes.told(&push);
                Ok::<_, Infallible>(())
            });
        let connection = self.client.get_multiplexed_async_connection_with_config(&config).await?;
        *line = Line { connection: Some(connection.clone()), number: line.number + 1, channels: HashSet::new() };
        Ok((connection, line.number))
    }

    /// Drops a connection that has failed.
    async fn heed<T>(&self, number: u64, outcome: &RedisResult<T>) {
        if outcome.as_ref().is_err_and(is_passing) {
            let mut line = self.line.lock().await;
            if line.number == number {
                line.connection = None;
            }
        }
    }

    /// The next message on a channel, from here on. Whether it is heard is up to `listen`.
    pub(super) fn next(&self, channel: &str) -> OwnedNotified {
        self.changes.of(channel).notified_owned()
    }

    /// Sees to it that what is said on a channel is heard.
    pub(super) async fn listen(&self, channel: &str) -> bool {
        let Ok((mut connection, number)) = self.connection().await else { return false };
        if self.line.lock().await.channels.contains(channel) {
            return true;
        }
        let outcome = connection.subscribe(channel).await;
        self.heed(number, &outcome).await;
        let mut line = self.line.lock().await;
        let is_heard = outcome.is_ok() && line.number == number;
        if is_heard {
            line.channels.insert(channel.to_owned());
        }
        is_heard
    }

    pub(super) fn damaged(&self, key: &str, problem: &str) -> StoreError {
        let place = format!("{key} on {}", self.address());
        StoreError::Damaged { place, problem: format!("{problem}; {ADVICE}") }
    }

    pub(super) fn unavailable(&self, problem: String) -> StoreError {
        StoreError::Unavailable { place: format!("Redis on {}", self.address()), problem }
    }

    /// What the server says is told by its code alone: the rest may quote what it was sent.
    fn trouble(&self, key: &str, error: &RedisError) -> StoreError {
        if error.code() == Some("FOREIGN") {
            return self.damaged(key, "it holds what this version of thingspace-session has not written");
        }
        let problem = match (error.code(), error.kind()) {
            (Some(code), _) => format!("it answers {code}"),
            (None, ErrorKind::Io) => error.to_string(),
            (None, _) => error.category().to_owned(),
        };
        self.unavailable(problem)
    }
}

impl Changes {
    fn of(&self, channel: &str) -> Arc<Notify> {
        let mut changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        changes.entry(channel.to_owned()).or_default().clone()
    }

    fn told(&self, push: &PushInfo) {
        let changes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match (&push.kind, push.data.first()) {
            (PushKind::Message, Some(Value::BulkString(channel))) => {
                let waiting = std::str::from_utf8(channel).ok().and_then(|channel| changes.get(channel));
                if let Some(waiting) = waiting {
                    waiting.notify_waiters();
                }
            }
            // What is said from here on is missed.
            (PushKind::Disconnection, _) => changes.values().for_each(|waiting| waiting.notify_waiters()),
            _ => {}
        }
    }
}

/// Whether the server is away, or is not yet or no more the one to ask.
fn is_passing(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    matches!(
        error.kind(),
        ErrorKind::Io
            | ErrorKind::Parse
            | ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly | TryAgain)
    )
}
