//! A store for many machines: all of a fleet share one session and one count, on a server that speaks Redis.
//!
//! Each transition is one script that the server runs as a whole (`redis/scripts.rs`); the way there is `link`, what is
//! kept of an account `entry`, what hides it `seal`.

mod changes;
mod entry;
mod link;
mod scripts;
mod seal;
mod source;
mod trouble;
mod unheard;

use std::{
    fmt,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

use changes::Changes;
use entry::{Entry, Fields};
use link::Link;
use redis::{RedisResult, ScriptInvocation};
use scripts::Scripts;
use seal::Seal;
use source::Source;
use tokio::time::timeout;
use unheard::Unheard;
use zeroize::Zeroizing;

use super::{Account, Lease, Record, SessionStore, StoreError, StoreFuture};
use crate::{Error, SessionToken};

/// For how many milliseconds an account is kept after the last change: 90 days.
const KEPT: u64 = 90 * 24 * 60 * 60 * 1000;
/// The longest lease: a day.
const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);
/// When to look again if nobody has the right to log in.
const PAUSE: Duration = Duration::from_millis(50);

/// Keeps records on a Redis server, from version 7.0 on (or Valkey, or what else speaks its protocol), for all machines
/// that are given the same server and prefix: [one](Self::new), the one that [sentinels](Self::sentinel) name, or a
/// [cluster](Self::cluster). Clones share one connection.
///
/// **The server holds session tokens**, in the clear unless there is a [key](Self::sealed). The username, the password
/// and the API key are not in it: an account goes by [`Account::id`], credentials by a salted hash. Each account is one
/// hash, `<prefix>:{<id>}`, which goes 90 days after it was last changed. The server has to keep what it was given:
/// `maxmemory-policy noeviction`, and `appendonly yes`. One that forgets costs a login, and the count of failed ones.
///
/// ```no_run
/// use thingspace_session::{ApiKey, RedisStore, ThingSpace};
///
/// # fn main() -> Result<(), thingspace_session::Error> {
/// let store = RedisStore::new("redis://fleet:secret@redis.internal:6379/0")?.sealed([7; 32]);
/// let thingspace = ThingSpace::builder().api_key(ApiKey::from_env()?).store(store).build()?;
/// # Ok(())
/// # }
/// ```
///
/// # When something is wrong
///
/// While the server is away, who has a session goes on with it, and nobody logs in: after six seconds that is
/// [`StoreError::Unavailable`], which may be repeated. What the operator has to change, such as a wrong password, is
/// [`StoreError::Misconfigured`]. What cannot be understood is [`StoreError::Damaged`], never a fresh start. The page [`fleet`](crate::fleet) says what each failure looks like.
///
/// # Details
///
/// Leases are measured by the clock of the server. Fences come from that clock, too, so that a server that has lost its
/// data does not grant one twice, and a commit needs the very lease that the server knows: one of before the loss is
/// refused. Who waits for a session is told of it by a message.
#[derive(Clone)]
pub struct RedisStore {
    link: Arc<Link>,
    scripts: Arc<Scripts>,
    prefix: Arc<str>,
    seal: Arc<Seal>,
    writer: Arc<Writer>,
    unheard: Arc<Unheard>,
}

/// Numbers the commits of a store and its clones.
struct Writer {
    name: String,
    number: AtomicU64,
}

impl RedisStore {
    /// The store on the server at `redis://`, `rediss://` or `redis+unix://`, with user and password, if there are any,
    /// and the number of the database; of a socket as `redis+unix:///PATH?user=USER&pass=PASSWORD&db=0`. Nothing is
    /// connected before it is used.
    ///
    /// `rediss://` is TLS by rustls, with the trust store of the operating system; it needs the feature `rustls`, or
    /// `rustls-no-provider` and a provider of cryptography. Where several are compiled the program has to install one.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the URL is none of these, or there is no TLS for it.
    pub fn new(url: impl AsRef<str>) -> Result<Self, Error> {
        Self::on(|_| Source::one(url.as_ref()))
    }

    /// The store on the server that sentinels know by the name which stands in the URL in place of the host, as in
    /// `redis://USER:PASSWORD@mymaster/0`. They are asked where it is now, and asked again when it is another.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if a URL is none, or no sentinel is given.
    pub fn sentinel<T: AsRef<str>>(
        url: impl AsRef<str>,
        sentinels: impl IntoIterator<Item = T>,
    ) -> Result<Self, Error> {
        Self::on(|_| Source::named(url.as_ref(), sentinels))
    }

    /// The store on a cluster, of which these are some of the nodes: one of them has to be there when a connection is
    /// made.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if a URL is none, or there is none at all, or they differ in more than the address.
    pub fn cluster<T: AsRef<str>>(urls: impl IntoIterator<Item = T>) -> Result<Self, Error> {
        Self::on(|changes| Source::cluster(urls, changes))
    }

    fn on(find: impl FnOnce(&Arc<Changes>) -> RedisResult<(Source, String)>) -> Result<Self, Error> {
        let link = Link::to(find).map_err(|error| {
            let text = error.to_string();
            // After it comes the name that its kind has in code.
            Error::configuration(text.rsplit_once(" - ").map_or(&*text, |(problem, _)| problem))
        })?;
        let writer = Writer { name: chance()?, number: AtomicU64::new(0) };
        Ok(Self {
            link: Arc::new(link),
            scripts: Arc::new(Scripts::new()),
            prefix: "thingspace".into(),
            seal: Arc::new(Seal::none()),
            writer: Arc::new(writer),
            unheard: Arc::default(),
        })
    }

    /// What the names of all keys and channels begin with, in place of `thingspace`. All replicas need the same one.
    #[must_use]
    pub fn prefix(mut self, prefix: impl AsRef<str>) -> Self {
        self.prefix = prefix.as_ref().into();
        self
    }

    /// Seals sessions and counts with this key, which has to come from a source of randomness: who reads the server
    /// reads neither, and who changes it is found out. All replicas need the same key, from the beginning.
    #[must_use]
    pub fn sealed(mut self, key: [u8; 32]) -> Self {
        self.seal = Arc::new(Seal::with(&Zeroizing::new(key)));
        self
    }

    /// The braces are for a cluster: key and channel of an account belong together.
    fn key(&self, account: &Account) -> String {
        format!("{}:{{{}}}", self.prefix, account.id())
    }

    fn channel(&self, account: &Account) -> String {
        format!("{}:changed", self.key(account))
    }

    fn record(&self, key: &str, fields: &Fields) -> Result<Record, StoreError> {
        entry::record(fields, key, &self.seal).map_err(|problem| self.link.damaged(key, &problem))
    }

    async fn run_silently(&self, key: &str, script: &ScriptInvocation<'_>) -> Result<(), StoreError> {
        self.link.run::<u8>(key, script).await.map(drop)
    }

    async fn give_back(&self, account: &Account, fence: u64) -> Result<(), StoreError> {
        let key = self.key(account);
        let mut script = self.scripts.release.key(&key);
        self.run_silently(&key, script.arg(fence).arg(self.channel(account))).await
    }

    /// The right to log in and the record, as the server grants it.
    async fn grant(&self, account: &Account, time: Duration) -> Result<Option<(Lease, Record)>, StoreError> {
        let (key, term) = (self.key(account), time.min(LONGEST).as_nanos().div_ceil(1000));
        let term = u64::try_from(term).unwrap_or(u64::MAX);
        let misconfigured = |error: Error| self.link.misconfigured(error.to_string());
        let asking = self.unheard.ask(&key, || chance().map_err(misconfigured))?;
        let mut script = self.scripts.acquire.key(&key);
        let granted = self.link.run(&key, script.arg(&asking.name).arg(term).arg(KEPT)).await?;
        asking.answered();
        let Some((fence, fields)): Option<(u64, Fields)> = granted else { return Ok(None) };
        match self.record(&key, &fields) {
            Ok(record) => Ok(Some((Lease::new(fence), record))),
            Err(error) => {
                // What cannot be read keeps nobody waiting.
                let _ = self.give_back(account, fence).await;
                Err(error)
            }
        }
    }

    async fn write(&self, account: &Account, fence: u64, record: &Record) -> Result<bool, StoreError> {
        let key = self.key(account);
        let entry = Entry::new(record, &key, &self.seal).map_err(|problem| self.link.misconfigured(problem))?;
        let number = self.writer.number.fetch_add(1, Ordering::SeqCst) + 1;
        let mut script = self.scripts.commit.key(&key);
        script.arg(fence).arg(&self.writer.name).arg(number).arg(KEPT).arg(self.channel(account)).arg(entry.guard);
        if let Some((session, id, used)) = entry.session {
            script.arg(session).arg(id).arg(used);
        }
        Ok(self.link.run::<u8>(&key, &script).await? == 1)
    }

    /// For how long the right to log in is still taken.
    async fn left(&self, account: &Account) -> Result<Duration, StoreError> {
        let key = self.key(account);
        self.link.run(&key, &self.scripts.left.key(&key)).await.map(Duration::from_millis)
    }
}

impl SessionStore for RedisStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        Box::pin(async move {
            let key = self.key(account);
            let fields = self.link.run(&key, &self.scripts.load.key(&key)).await?;
            self.record(&key, &fields)
        })
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        Box::pin(self.grant(account, time))
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        Box::pin(self.write(account, lease.fence(), record))
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move { self.give_back(account, lease.fence()).await })
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let (key, Some(used)) = (self.key(account), entry::digits(at)) else { return Ok(()) };
            let mut script = self.scripts.touch.key(&key);
            self.run_silently(&key, script.arg(entry::identity(&key, token)).arg(used).arg(KEPT)).await
        })
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            let key = self.key(account);
            let mut script = self.scripts.forget.key(&key);
            self.run_silently(&key, script.arg(entry::identity(&key, token)).arg(self.channel(account))).await
        })
    }

    /// Returns at once when a record is committed, a session is forgotten, or the right to log in is released or
    /// expires, wherever.
    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let channel = self.channel(account);
        // From before the look on, so that what happens in between is not missed.
        let change = self.link.next(&channel);
        Box::pin(async move {
            let look = async {
                self.link.listen(&channel).await;
                let left = self.left(account).await.unwrap_or_default();
                // The connection may have been lost meanwhile.
                let wait = if left.is_zero() || !self.link.hears(&channel) { PAUSE } else { left };
                let _ = timeout(wait, change).await;
            };
            let _ = timeout(patience, look).await;
        })
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("RedisStore")
            .field("address", &self.link.address())
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

/// A name that nobody else has.
fn chance() -> Result<String, Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|error| Error::configuration(format!("there is no source of randomness: {error}")))?;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}
