//! The way to the server: one connection for everything, made when it is needed and made again when it is lost.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use redis::{ErrorKind, FromRedisValue, RedisError, RedisResult, ScriptInvocation, ServerErrorKind, Value};
use tokio::{
    sync::futures::OwnedNotified,
    time::{Instant, sleep, timeout},
};

use super::{
    changes::Changes,
    source::{ANSWER, Connection, Source},
    trouble,
};
use crate::store::StoreError;

/// How long a server that is away is waited for before that is told.
const PATIENCE: Duration = Duration::from_secs(6);
/// The pause after the first failure; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_millis(800);
/// What to do about a key that cannot be understood.
const ADVICE: &str = "it holds the count of failed logins, so nobody logs in without it; if no replica can read it, make \
                      sure that the account is not locked and the password holds, then remove this hash from the server \
                      (DEL) and call reset_login_guard";

pub(super) struct Link {
    address: String,
    source: Source,
    line: Mutex<Line>,
    changes: Arc<Changes>,
}

#[derive(Default)]
struct Line {
    connection: Option<Connection>,
    /// Which connection it is: who has seen one fail does not drop the next.
    number: u64,
    /// When it was first asked since it last answered: who gives up before an answer is late drops nothing.
    asked: Option<Instant>,
}

impl Link {
    /// The way to what this finds, with where that is.
    pub(super) fn to(find: impl FnOnce(&Arc<Changes>) -> RedisResult<(Source, String)>) -> RedisResult<Self> {
        let changes = Arc::default();
        let (source, address) = find(&changes)?;
        Ok(Self { address, source, line: Mutex::default(), changes })
    }

    /// Where the server is, without what it takes to be let in.
    pub(super) fn address(&self) -> &str {
        &self.address
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
                    Err(error) if is_passing(&error) && !self.is_lasting(&error) => last = Some(error),
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
        self.leave_if_silent();
        let (mut connection, number) = self.connection().await?;
        self.line().asked.get_or_insert_with(Instant::now);
        let outcome = connection.run(script).await;
        self.line().asked = None;
        self.heed(&connection, number, &outcome);
        outcome
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ready(&self) -> Option<(Connection, u64)> {
        let line = self.line();
        line.connection.clone().map(|connection| (connection, line.number))
    }

    async fn connection(&self) -> RedisResult<(Connection, u64)> {
        if let Some(ready) = self.ready() {
            return Ok(ready);
        }
        // Without a lock: whoever connects may stand still for ever, on a runtime that nobody drives.
        let connection = self.source.connect(&self.changes).await?;
        let mut line = self.line();
        // Another one may have been made meanwhile.
        let Some(made) = line.connection.clone() else {
            line.connection = Some(connection.clone());
            line.number += 1;
            return Ok((connection, line.number));
        };
        Ok((made, line.number))
    }

    /// Drops a connection that has failed.
    fn heed<T>(&self, connection: &Connection, number: u64, outcome: &RedisResult<T>) {
        if outcome.as_ref().is_err_and(|error| connection.is_lost(error)) {
            let mut line = self.line();
            if line.number == number {
                self.leave(&mut line);
            }
        }
    }

    /// Drops a connection that has not answered anybody for longer than an answer may take.
    fn leave_if_silent(&self) {
        let mut line = self.line();
        if line.asked.is_some_and(|asked| asked.elapsed() > ANSWER * 3 / 2) {
            self.leave(&mut line);
        }
    }

    fn leave(&self, line: &mut Line) {
        line.connection = None;
        line.asked = None;
        self.changes.lose();
    }

    /// The next message on a channel, from here on. Whether it is heard is up to `listen`.
    pub(super) fn next(&self, channel: &str) -> OwnedNotified {
        self.changes.next(channel)
    }

    /// Sees to it that what is said on a channel is heard.
    pub(super) async fn listen(&self, channel: &str) {
        let Ok((mut connection, number)) = self.connection().await else { return };
        if self.hears(channel) {
            return;
        }
        let losses = self.changes.losses();
        let outcome = connection.subscribe(channel).await;
        self.heed(&connection, number, &outcome);
        if outcome.is_ok() {
            self.changes.hear(channel, losses);
        }
    }

    /// Whether what is said on a channel is heard, as far as is known.
    pub(super) fn hears(&self, channel: &str) -> bool {
        self.changes.hears(channel)
    }

    pub(super) fn damaged(&self, key: &str, problem: &str) -> StoreError {
        let place = format!("{key} on {}", self.address());
        StoreError::Damaged { place, problem: format!("{problem}; {ADVICE}") }
    }

    pub(super) fn unavailable(&self, problem: String) -> StoreError {
        StoreError::Unavailable { place: format!("Redis on {}", self.address()), problem }
    }

    pub(super) fn misconfigured(&self, problem: String) -> StoreError {
        StoreError::Misconfigured { place: format!("Redis on {}", self.address()), problem }
    }

    fn trouble(&self, key: &str, error: &RedisError) -> StoreError {
        if error.code() == Some("FOREIGN") {
            return self.damaged(key, "it holds what this version of thingspace-session has not written");
        }
        let what = trouble::what(error);
        match trouble::cure(error, self.source.is_cluster()) {
            Some(cure) => self.misconfigured(format!("{what}; {cure}")),
            None => self.unavailable(format!("{what}{}", trouble::hint(error))),
        }
    }

    /// Whether it is not worth while to wait for the server. What cannot be read may be the end of a connection, so that
    /// is tried again.
    fn is_lasting(&self, error: &RedisError) -> bool {
        error.kind() != ErrorKind::Parse && trouble::cure(error, self.source.is_cluster()).is_some()
    }
}

/// Whether the server is away, or is not yet or no more the one to ask.
pub(super) fn is_passing(error: &RedisError) -> bool {
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
