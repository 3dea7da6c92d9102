//! Stores: what keeps the record of an account, so that many tasks, processes and machines share one session and one
//! count of failed logins.
//!
//! A store keeps bytes under a key and does not know what they mean. The rules and the encoding of the record are in `guard`.

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

/// What an operation of a store returns.
pub type StoreFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'a>>;

/// What waiting for a change is.
pub type StoreWait<'a> = Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

/// Keeps one value for each [`Account`]: bytes with a [`Version`]. The bytes mean nothing to the store, and they hold the
/// session token, or the access token if the clients share it: only the processes that share the store should be able to
/// read them.
///
/// A database with a conditional write is enough. [`Account::id`] is the key, and a version is kept as its 32 digits; the
/// example `sqlite_store` is a whole store.
///
/// # Guarantees
///
/// 1. [`load`](Self::load) returns the whole value of the account's latest swap, or a [`StoreError`]: never a part, never an
///    older value, and never "no value" because reading failed.
/// 2. [`compare_and_swap`](Self::compare_and_swap) compares and writes in one step, for all processes that share the
///    store; when it returns `true`, the value is as durable as the store is.
/// 3. A swap whose `new` version is already stored returns `true` and changes nothing: the answer to it was lost, and it is
///    sent again.
/// 4. [`Snapshot::now`] comes from one clock for all processes that share the store.
///
/// A future that is dropped has swapped, swaps before any later swap succeeds, or never swaps. Guarantee 2 implies that:
/// no version is drawn twice, so a late swap finds another version than it expects.
///
/// The crate calls a store under a time limit of its own, and a store that panics has failed. The suite in
/// `store::testing` (feature `store-testing`) checks the guarantees.
pub trait SessionStore: Send + Sync + fmt::Debug {
    /// The value of the account, and the time.
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

    /// Returns when the stored version is another than `seen`, also if it was so before the call, and at the latest after
    /// `patience`. It may return early: by default after 50 ms, so that the caller looks again.
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

/// What a store holds for an account at a moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The time by the store's clock.
    pub now: SystemTime,
    /// The value; `None` if nothing was ever stored.
    pub value: Option<Value>,
}

/// A stored value. It holds the session token: its bytes are erased when it is dropped, and never printed.
#[derive(Clone)]
pub struct Value {
    /// Its version.
    pub version: Version,
    bytes: Zeroizing<Vec<u8>>,
}

debug!(Value, |this| "Value {{ version: {:?}, .. }}", this.version);

impl Value {
    /// These bytes, as they were swapped in.
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
