//! One connection to the server for all calls. The first call opens it, and a call after its loss opens a new one.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{io, time::Duration};

use backon::{ExponentialBuilder, Retryable as _};
use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation, ServerErrorKind, Value};
use thingspace_session::store::StoreError;
use tokio::sync::{Notify, futures::Notified};
use tokio::time::{Instant, sleep, timeout};

use crate::source::{ANSWER, Connection, Source};
use crate::trouble;

/// How long a call waits for an unreachable server.
const PATIENCE: Duration = Duration::from_secs(6);
/// The pauses between attempts. Random jitter up to the double keeps replicas from reconnecting at the same time.
const PAUSES: ExponentialBuilder = ExponentialBuilder::new()
    .with_min_delay(Duration::from_millis(25))
    .with_max_delay(Duration::from_millis(400))
    .without_max_times()
    .with_jitter();
/// The next step if a value cannot be read.
const ADVICE: &str = "it holds the count of failed logins, so no login is sent without it; if no replica can read it, make \
                      sure that the account is not locked and the password holds, then remove this key from the server \
                      (DEL) and call reset_login_guard";

pub(crate) struct Link {
    /// The address of the server, without user and password.
    pub(crate) address: String,
    source: Source,
    line: Mutex<Line>,
    messages: Arc<Notify>,
}

#[derive(Default)]
struct Line {
    connection: Option<Connection>,
    /// The number of the connection, so that a call on a failed connection does not drop the next one.
    number: u64,
    /// The start of the oldest call without a response. A response to any call resets it.
    asked: Option<Instant>,
}

impl Link {
    pub(crate) fn new(source: Source, address: String) -> Self {
        Self { address, source, line: Mutex::default(), messages: Arc::default() }
    }

    pub(crate) fn is_cluster(&self) -> bool {
        matches!(self.source, Source::Cluster(_))
    }

    /// Runs a script until the server responds and so many replicas have its write. The script must be idempotent,
    /// because it may run several times.
    pub(crate) async fn run<T: FromRedisValue>(
        &self,
        key: &str,
        script: &ScriptInvocation<'_>,
        replicas: u32,
    ) -> Result<T, StoreError> {
        let mut last = None;
        let attempts = (|| self.once(script, replicas)).retry(PAUSES).sleep(sleep);
        // A parse error may mean that the connection has ended.
        let is_lasting = |error: &RedisError| error.kind() != ErrorKind::Parse && self.cure(error).is_some();
        let attempts = attempts.when(|error| is_passing(error) && !is_lasting(error));
        let outcome = timeout(PATIENCE, attempts.notify(|error, _| last = Some(error.clone()))).await;
        let outcome =
            outcome.unwrap_or_else(|_| Err(last.unwrap_or_else(|| io::Error::from(io::ErrorKind::TimedOut).into())));
        let value = outcome.map_err(|error| self.trouble(key, &error))?;
        redis::from_redis_value(value).map_err(|_| self.damaged(key, "its answer has an unexpected form"))
    }

    async fn once(&self, script: &ScriptInvocation<'_>, replicas: u32) -> RedisResult<Value> {
        self.leave_if_silent();
        let (mut connection, number) = self.connection().await?;
        self.line().asked.get_or_insert_with(Instant::now);
        let outcome = connection.run(script, replicas).await;
        self.line().asked = None;
        self.heed(&connection, number, &outcome);
        outcome
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn connection(&self) -> RedisResult<(Connection, u64)> {
        let ready = |line: &Line| line.connection.clone().map(|connection| (connection, line.number));
        if let Some(ready) = ready(&self.line()) {
            return Ok(ready);
        }
        // Holds no lock, because connecting never ends on a runtime that no thread drives.
        let connection = self.source.connect(&self.messages).await?;
        let mut line = self.line();
        // Another task may have opened one meanwhile.
        if let Some(ready) = ready(&line) {
            return Ok(ready);
        }
        line.number += 1;
        line.connection = Some(connection.clone());
        Ok((connection, line.number))
    }

    /// Drops a failed connection.
    fn heed<T>(&self, connection: &Connection, number: u64, outcome: &RedisResult<T>) {
        let mut line = self.line();
        if line.number == number && outcome.as_ref().is_err_and(|error| connection.is_lost(error)) {
            self.leave(&mut line);
        }
    }

    /// Drops a connection that has been silent for longer than a response may take. Its callers may have cancelled all
    /// calls before they timed out.
    fn leave_if_silent(&self) {
        let mut line = self.line();
        if line.asked.is_some_and(|asked| asked.elapsed() > ANSWER * 3 / 2) {
            self.leave(&mut line);
        }
    }

    fn leave(&self, line: &mut Line) {
        (line.connection, line.asked) = (None, None);
        // Messages sent before the next connection subscribes are lost.
        self.messages.notify_waiters();
    }

    /// The next message on any channel, or the loss of messages, from now on.
    pub(crate) fn message(&self) -> Notified<'_> {
        self.messages.notified()
    }

    /// Subscribes to a channel. Returns whether its messages arrive.
    pub(crate) async fn listen(&self, channel: &str) -> bool {
        let Ok((mut connection, number)) = self.connection().await else { return false };
        let outcome = connection.subscribe(channel).await;
        self.heed(&connection, number, &outcome);
        outcome.is_ok()
    }

    pub(crate) fn damaged(&self, key: &str, problem: &str) -> StoreError {
        StoreError::Damaged { place: format!("{key} on {}", self.address), problem: format!("{problem}; {ADVICE}") }
    }

    fn cure(&self, error: &RedisError) -> Option<&'static str> {
        trouble::cure(error, self.is_cluster())
    }

    fn trouble(&self, key: &str, error: &RedisError) -> StoreError {
        if error.code() == Some("WRONGTYPE") {
            return self.damaged(key, "it is not a string, so this crate has not written it");
        }
        let (what, place) = (trouble::what(error), format!("Redis on {}", self.address));
        match self.cure(error) {
            Some(cure) => StoreError::Misconfigured { place, problem: format!("{what}; {cure}") },
            None => StoreError::Unavailable { place, problem: format!("{what}{}", trouble::hint(error)) },
        }
    }
}

/// Whether the server is unreachable, or is not the primary at the moment.
pub(crate) fn is_passing(error: &RedisError) -> bool {
    use ServerErrorKind::{BusyLoading, ClusterDown, MasterDown, ReadOnly, TryAgain};
    let is_passing = matches!(
        error.kind(),
        ErrorKind::ClusterConnectionNotFound
            | ErrorKind::Io
            | ErrorKind::MasterNameNotFoundBySentinel
            | ErrorKind::Parse
            | ErrorKind::Server(BusyLoading | ClusterDown | MasterDown | ReadOnly | TryAgain)
    );
    is_passing || error.code() == Some("NOREPLICAS")
}
