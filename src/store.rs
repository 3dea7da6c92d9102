//! Where a session, the guard's count and what a rotation has retired live, so that many tasks, many processes and
//! later many machines share one session and one count.
//!
//! Keeps the promises of one login at a time and of at most two failed logins per set of credentials across whatever
//! shares a store; the rules of the count are in `guard`, this is only their memory.

mod bounded;
mod file;
mod memory;
#[cfg(feature = "redis")]
mod redis;
mod shared;
#[cfg(feature = "store-testing")]
pub mod testing;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub(crate) use bounded::Bounded;
pub use file::FileStore;
pub use memory::MemoryStore;

use crate::{SessionToken, guard::Guard};

/// What an operation of a store comes to.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// Keeps the [`Record`] of each [`Account`], and hands out the right to log in.
///
/// Object-safe: an `Arc<dyn SessionStore>` is a store, so that one can be chosen at run time. An operation that takes
/// longer than 25 seconds, or than half of the time of a call, has failed as far as this crate is concerned, and so has
/// one that panics.
///
/// # What an implementation must guarantee
///
/// Everybody who shares the store sees the same record, and:
///
/// 1. **A read is cheap and whole.** [`load`](Self::load) sees the record as some commit left it, never a mixture, and
///    waits for nobody who logs in. An account that was never written has the default record.
/// 2. **The right to log in is exclusive and expires.** While one [`Lease`] is held, [`acquire`](Self::acquire)
///    grants no other for the same account. It ends with [`release`](Self::release) or when its time is over, which
///    the store measures: a holder that died must not keep the others out.
/// 3. **Fencing.** Each lease has a [`fence`](Lease::fence) larger than every earlier one of the account, across
///    restarts as far as records survive them. [`commit`](Self::commit) changes the record only if its lease is the
///    latest that was granted, and says `false` otherwise; so one who stalled past the end of the lease cannot
///    overwrite the successor's result. A lease that has expired, but has no successor, may still commit; one that
///    was released may not.
/// 4. **A commit is atomic and durable** as far as the store is durable at all: when it has said `true`, a reader
///    sees all of it, and so does one who comes after a crash.
/// 5. **A session is touched and forgotten by its identity.** [`touch`](Self::touch) and [`forget`](Self::forget)
///    need no lease and change the record only if it still holds that very session: a newer one is never touched.
///    They leave everything else in the record as it is, and do not disturb a lease or its commit other than that a
///    later commit of the holder replaces the record as a whole.
/// 6. **Trouble is told.** What cannot be read or written is a [`StoreError`], never a default record: a fresh start
///    would forget the count that keeps the account open.
/// 7. **Accounts do not meet.** What happens to one account is not seen on another.
///
/// A future that is dropped half-way leaves the record as it was or as it was to become; a commit that was dropped is
/// made before any later one or never. A dropped [`acquire`](Self::acquire) may leave the right taken until its time is
/// over.
///
/// The conformance suite in [`testing`](self) (feature `store-testing`) checks all of it.
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// The record that holds now.
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record>;

    /// The right to log in for at most `time`, with the record that holds at that moment; `None` while somebody else
    /// has it.
    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>>;

    /// Replaces the record. `false`: a later lease was granted or this one was released, and nothing was changed.
    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool>;

    /// Gives the right up. Without effect if a later lease was granted.
    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()>;

    /// Notes that the session with this token was in use at `at`, if the record still holds it and knows of no later
    /// use.
    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()>;

    /// Drops the session with this token from the record, if it still holds it.
    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()>;

    /// Returns when another look at the record is worth while: at the latest after `patience`, at once where the
    /// store is told of changes. By default after a short pause.
    fn changed<'a>(
        &'a self,
        account: &'a Account,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let _ = account;
        Box::pin(tokio::time::sleep(patience.min(Duration::from_millis(50))))
    }
}

/// Whose session it is: base URL, API key and username.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    base_url: String,
    api_key: String,
    username: String,
}

impl Account {
    /// The account of this user of this application on this platform.
    #[must_use]
    pub fn new(base_url: impl Into<String>, api_key: impl Into<String>, username: impl Into<String>) -> Self {
        Self { base_url: base_url.into(), api_key: api_key.into(), username: username.into() }
    }

    /// The name of the user.
    #[must_use]
    pub fn username(&self) -> &str {
        &self.username
    }

    /// A name for the account that tells nothing of it: 64 hexadecimal digits, the same everywhere.
    #[must_use]
    pub fn id(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.base_url, &self.api_key, &self.username] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.finalize().iter().fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
    }
}

/// The right to log in, until it expires or is released.
#[derive(Debug, PartialEq, Eq)]
pub struct Lease {
    fence: u64,
}

impl Lease {
    /// A lease with this fence, which has to be larger than that of every earlier lease of the account.
    #[must_use]
    pub fn new(fence: u64) -> Self {
        Self { fence }
    }

    /// The fencing token.
    #[must_use]
    pub fn fence(&self) -> u64 {
        self.fence
    }
}

/// What a store keeps of an account. Stores treat it as one value: it is written and read as a whole, in whatever
/// form `serde` gives it. It holds the session token, so what holds it belongs to its owner alone.
///
/// One that holds what this version does not know cannot be read: a version that left part of the count away would
/// forget it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    pub(crate) session: Option<StoredSession>,
    pub(crate) guard: Guard,
}

impl Record {
    /// The token of the session, if there is one.
    #[must_use]
    pub fn session(&self) -> Option<&SessionToken> {
        self.session.as_ref().map(|session| &session.token)
    }

    /// When the session was last known to be in use.
    #[must_use]
    pub fn used_at(&self) -> Option<SystemTime> {
        self.session.as_ref().map(|session| session.used_at)
    }

    /// The same record with another session, in use at `used_at`.
    #[must_use]
    pub fn with_session(mut self, token: SessionToken, used_at: SystemTime) -> Self {
        self.session = Some(StoredSession { token, used_at });
        self
    }

    /// What [`SessionStore::touch`] does to a record. `true` if that changed it.
    pub fn touch(&mut self, token: &SessionToken, at: SystemTime) -> bool {
        match &mut self.session {
            Some(session) if session.token == *token && session.used_at < at => {
                session.used_at = at;
                true
            }
            _ => false,
        }
    }

    /// What [`SessionStore::forget`] does to a record. `true` if that changed it.
    pub fn forget(&mut self, token: &SessionToken) -> bool {
        self.session.take_if(|session| session.token == *token).is_some()
    }
}

/// A session as a store keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct StoredSession {
    pub(crate) token: SessionToken,
    pub(crate) used_at: SystemTime,
}

/// Why a store could not do what it was asked for. Nothing was changed, as far as can be known.
///
/// The variants answer one question: does calling again help, while the operator does nothing?
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// Calling again does not help: the stored content cannot be understood. The operator has to look at it. A fresh
    /// start would forget how many logins have failed.
    #[error("{place}: {problem}")]
    Damaged {
        /// Which file, key or address.
        place: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },
    /// Calling again does not help: the operator has to change the configuration or the environment. Examples are a
    /// missing directory, a missing right and a wrong password of the server.
    #[error("{place} cannot be used: {problem}")]
    Misconfigured {
        /// Which file, key or address.
        place: String,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// Calling again may help: the store cannot be used for now. Examples are a server that does not answer, a full disk
    /// and a lock that another process keeps. [`Error::is_retryable`](crate::Error::is_retryable) holds for this
    /// variant alone.
    #[error("{place} cannot be used: {problem}")]
    Unavailable {
        /// Which file, key or address.
        place: String,
        /// Why.
        problem: String,
    },
}

impl StoreError {
    /// Whether calling again may help.
    pub(crate) fn is_passing(&self) -> bool {
        matches!(self, Self::Unavailable { .. })
    }
}
