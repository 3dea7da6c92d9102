//! A session store of [`thingspace_session`] for many machines. A fleet shares one session and one count of failed
//! logins on a server that speaks Redis. The page [`fleet`] describes how to run a fleet.
//!
//! The crate has one type, [`RedisStore`]. `thingspace_session::store` has the trait that it implements, and `Sealed`,
//! which encrypts its values (feature `sealed` of that crate).
//!
//! # Features
//!
//! - `rustls` (default): `rediss://`, with the operating system's trust store. Its cryptography is aws-lc, unless the program
//!   has installed another provider.
//! - `rustls-no-provider`: the same without aws-lc. The program installs a provider before it makes a store.

// Each operation is one script that the server runs atomically. `source` finds the server, `link` keeps the connection,
// `trouble` explains errors.

mod link;
mod source;
mod trouble;

use std::time::{Duration, UNIX_EPOCH};
use std::{fmt, pin::Pin, str::FromStr as _, sync::Arc};

use link::Link;
use redis::{RedisResult, Script};
use source::Source;
use thingspace_session::Error;
use thingspace_session::store::{Account, SessionStore, Snapshot, StoreError, StoreFuture, Value, Version};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

/// How long the server keeps a value after its last swap, in milliseconds: 90 days.
const KEPT: u64 = 90 * 24 * 60 * 60 * 1000;
/// The poll interval of `changed` if messages do not arrive.
const PAUSE: Duration = Duration::from_millis(50);
/// The number of digits of a version.
const DIGITS: usize = 32;

/// Keeps values on a Redis server, from version 7.0 on (or Valkey, or another server that speaks its protocol), for all
/// machines with the same server and prefix: [one server](Self::new), the server that [sentinels](Self::sentinel) name,
/// or a [cluster](Self::cluster). Clones share one connection.
///
/// **The server holds session tokens**, in the clear unless the store is [sealed](thingspace_session::store::Sealed). The username, the
/// password and the API key are not in it: [`Account::id`] names an account. Each account is one string,
/// `<prefix>:{<id>}`, which expires 90 days after its last swap. The server has to keep it: set
/// `maxmemory-policy noeviction` and `appendonly yes`. If the server loses its data, the fleet logs in once more and the
/// count of failed logins is lost.
///
/// ```no_run
/// use thingspace_session::store::Sealed;
/// use thingspace_session_redis::RedisStore;
///
/// # fn key_of_the_fleet() -> [u8; 32] { [7; 32] }
/// # fn main() -> Result<(), thingspace_session::Error> {
/// let store = RedisStore::new("redis://fleet:secret@redis.internal:6379/0")?;
/// let store = Sealed::new(store, key_of_the_fleet());
/// # Ok(())
/// # }
/// ```
///
/// # When something is wrong
///
/// If the server is unreachable, an operation waits six seconds for it and then returns [`StoreError::Unavailable`]. A
/// problem that the operator has to solve, such as a wrong password, is [`StoreError::Misconfigured`]. A value that
/// cannot be read is [`StoreError::Damaged`], never a fresh start. The page [`fleet`] describes each failure.
///
/// # Details
///
/// The store uses the clock of the server. The server sends a message at each swap, so `changed` returns at once.
#[derive(Clone)]
pub struct RedisStore {
    link: Arc<Link>,
    load: Arc<Script>,
    swap: Arc<Script>,
    prefix: Arc<str>,
    replicas: u32,
}

impl RedisStore {
    /// The store on the server at `redis://`, `rediss://` or `redis+unix://`. The URL may have a user, a password and
    /// the number of a database. The URL of a socket is
    /// `redis+unix:///PATH?user=USER&pass=PASSWORD&db=0`. The first operation connects.
    ///
    /// `rediss://` is TLS by rustls, with the trust store of the operating system. It needs the feature `rustls`, or
    /// `rustls-no-provider` and a provider of cryptography. If several providers are compiled, the program has to install
    /// one.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the URL has another form, or TLS is not available.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::on(Source::one(url.as_ref()))
    }

    /// The store on the server that sentinels know by a name. The name stands in the URL in place of the host, as in
    /// `redis://USER:PASSWORD@mymaster/0`. The store asks the sentinels where the server is at each connection. A failover
    /// may lose swaps: see [`replicated_to`](Self::replicated_to).
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if a URL has another form, or no sentinel is given.
    pub fn sentinel<T: AsRef<str>>(
        url: impl AsRef<str>,
        sentinels: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        Self::on(Source::named(url.as_ref(), sentinels))
    }

    /// The store on a cluster that has these nodes, among others. At least one of them must be reachable when the store
    /// connects.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if a URL has another form, no URL is given, or they differ in more than the address.
    pub fn cluster<T: AsRef<str>>(urls: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        Self::on(Source::cluster(urls))
    }

    fn on(found: RedisResult<(Source, String)>) -> Result<Self, Error> {
        let (source, address) = found.map_err(|error| {
            let text = error.to_string();
            // The rest is the name of the error's kind.
            let problem = text.rsplit_once(" - ").map_or(&*text, |(problem, _)| problem).to_owned();
            Error::Configuration { problem }
        })?;
        let [load, swap] = [include_str!("load.lua"), include_str!("swap.lua")].map(Script::new).map(Arc::new);
        Ok(Self { link: Arc::new(Link::new(source, address)), load, swap, prefix: "thingspace".into(), replicas: 0 })
    }

    /// Replaces `thingspace` at the beginning of all keys and channels. All replicas need the same prefix.
    #[must_use]
    pub fn prefix(mut self, prefix: impl AsRef<str>) -> Self {
        self.prefix = prefix.as_ref().into();
        self
    }

    /// Makes every swap wait until so many replicas of the server have it. Otherwise an isolated server continues to
    /// accept swaps, and a failover loses them. Two processes may then log in at the same time, and failed logins are
    /// forgotten. With three servers, one on each host, 1 lets the fleet log in while one of them is away, and with 2 no
    /// failover loses a swap: see [`fleet`].
    ///
    /// If fewer replicas confirm a swap, the store retries it and then returns [`StoreError::Unavailable`]. The user
    /// needs the right `+wait`.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] on a cluster, whose client cannot wait for replicas.
    pub fn replicated_to(mut self, replicas: u32) -> Result<Self, Error> {
        if self.link.is_cluster() {
            let problem = "a cluster cannot wait for replicas: leave replicated_to out, or use sentinels".to_owned();
            return Err(Error::Configuration { problem });
        }
        self.replicas = replicas;
        Ok(self)
    }

    /// The braces keep a key and its channel on one node of a cluster.
    fn key(&self, account: &Account) -> String {
        format!("{}:{{{}}}", self.prefix, account.id())
    }

    async fn snapshot(&self, key: &str) -> Result<Snapshot, StoreError> {
        let answer = self.link.run(key, &self.load.key(key), 0).await?;
        let (stored, (seconds, micros)): (Option<Vec<u8>>, (u64, u64)) = answer;
        let damaged = || self.link.damaged(key, "this version of thingspace-session has not written it");
        let value = stored.map(|stored| parse(&Zeroizing::new(stored)).ok_or_else(damaged)).transpose()?;
        let since = Duration::from_secs(seconds).saturating_add(Duration::from_micros(micros));
        Ok(Snapshot { now: UNIX_EPOCH.checked_add(since).ok_or_else(damaged)?, value })
    }
}

/// Reads `<version>:<bytes>`.
fn parse(stored: &[u8]) -> Option<Value> {
    let (version, rest) = stored.split_at_checked(DIGITS)?;
    let version = Version::from_str(std::str::from_utf8(version).ok()?).ok()?;
    Some(Value::new(version, rest.strip_prefix(b":")?))
}

impl SessionStore for RedisStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move { self.snapshot(&self.key(account)).await })
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let (key, expected) = (self.key(account), expected.map(|version| version.to_string()));
            let mut script = self.swap.key(&key);
            script.arg(expected.unwrap_or_default()).arg(new.to_string()).arg(bytes).arg(KEPT).arg(self.replicas);
            self.link.run(&key, &script, self.replicas).await
        })
    }

    /// Returns at once when any process swaps in another version.
    fn changed<'a>(
        &'a self,
        account: &'a Account,
        seen: Option<Version>,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let key = self.key(account);
        let channel = format!("{key}:changed");
        Box::pin(async move {
            let is_same = |found: Snapshot| found.value.map(|value| value.version) == seen;
            let change = async {
                loop {
                    // Subscribes before it loads, so that it misses no message in between.
                    let message = self.link.message();
                    let is_heard = self.link.listen(&channel).await;
                    if !self.snapshot(&key).await.is_ok_and(is_same) {
                        return;
                    }
                    if is_heard { message.await } else { sleep(PAUSE).await }
                }
            };
            let _ = timeout(patience, change).await;
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("address", &self.link.address)
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .finish_non_exhaustive()
    }
}

#[cfg(any(doc, doctest))]
#[doc = include_str!("../docs/fleet.md")]
pub mod fleet {}

/// Compiles the program of the README.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
