//! Stores keep the record of an account, so that many tasks, processes and machines share one session and one count of
//! failed logins.
//!
//! A store keeps opaque bytes under a key. The rules and the encoding of the record are in `guard`.

mod account;
pub(crate) mod disk;
mod error;
mod file;
mod limited;
mod memory;
#[cfg(feature = "sealed")]
mod sealed;
#[cfg(feature = "store-testing")]
pub mod testing;
mod version;

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime},
};

use zeroize::Zeroizing;

pub use account::Account;
pub use error::StoreError;
pub use file::FileStore;
pub(crate) use limited::{Limited, limited};
pub use memory::MemoryStore;
#[cfg(feature = "sealed")]
pub use sealed::Sealed;
pub(crate) use version::random;
pub use version::{Version, VersionError};

/// The future that an operation of a store returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// The future that [`SessionStore::changed`] returns.
pub type StoreWait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Keeps one value for each [`Account`]: opaque bytes with a [`Version`]. The bytes hold tokens, so only the
/// processes that share the store should be able to read them.
///
/// A database with a conditional write is enough. [`Account::id`] is the key, and a version has 32 digits. The example
/// `sqlite_store` is a complete store.
///
/// # Guarantees
///
/// 1. [`load`](Self::load) returns the whole value of the account's latest swap, or a [`StoreError`]: never a part, never an
///    older value, and never "no value" because reading failed.
/// 2. [`compare_and_swap`](Self::compare_and_swap) compares and writes in one step, for all processes that share the
///    store; when it returns `true`, the value is as durable as the store is.
/// 3. A swap whose `new` version is already stored returns `true` and changes nothing: the crate sends a swap again if its
///    response is lost.
/// 4. [`Snapshot::now`] comes from one clock for all processes that share the store.
///
/// A swap whose future is dropped may have happened, may happen before the next successful swap, or never. Guarantee 2
/// implies that: versions are unique, so a late swap finds another version than it expects.
///
/// An operation that takes longer than 25 seconds or half the time of a call, or that panics, has failed. The suite in
/// `store::testing` (feature `store-testing`) checks the guarantees.
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// The value of the account, and the time by the store's clock.
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot>;

    /// Stores `bytes` as version `new`, if the stored version is `expected`; `None` expects that there is no value.
    /// Returns whether version `new` is stored now.
    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool>;

    /// Returns once the stored version is not `seen`, at the latest after `patience`. It may return early; the caller then
    /// loads the value and waits again. The default implementation returns after 50 ms.
    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        let _ = (account, seen);
        Box::pin(tokio::time::sleep(patience.min(Duration::from_millis(50))))
    }
}

impl<S: SessionStore + ?Sized> SessionStore for Arc<S> {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        (**self).load(account)
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        (**self).compare_and_swap(account, expected, new, bytes)
    }

    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        (**self).changed(account, seen, patience)
    }
}

/// The value of an account at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The time by the store's clock.
    pub now: SystemTime,
    /// The value; `None` if nothing was ever stored.
    pub value: Option<Value>,
}

/// A stored value. It holds tokens: its bytes are erased when it is dropped, and never printed.
#[derive(Clone)]
pub struct Value {
    /// Its version.
    pub version: Version,
    bytes: Zeroizing<Vec<u8>>,
}

debug!(Value, |this| "Value {{ version: {:?}, .. }}", this.version);

impl Value {
    /// A value with these bytes.
    #[must_use]
    pub fn new(version: Version, bytes: impl Into<Vec<u8>>) -> Self {
        Self { version, bytes: Zeroizing::new(bytes.into()) }
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}
