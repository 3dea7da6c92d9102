//! Where a rotation keeps the password: what any vault has to guarantee.

use std::{error::Error as StdError, future::Future, pin::Pin, sync::Arc, time::SystemTime};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::{Credentials, Password, credentials::unquoted};

/// What a vault answers with.
pub type VaultFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Why a vault could not do what it was asked for. A vault returns [`StoreError::Unavailable`](crate::store::StoreError)
/// where calling again may help: then [`Error::is_retryable`](crate::Error::is_retryable) holds.
pub type VaultError = Box<dyn StdError + Send + Sync>;

/// Where a rotation keeps the password, and remembers that it has begun.
///
/// Every method has to be durable when it answers: what it wrote is there after a power failure. And each of those that
/// write compares and writes in one step, so that of several that use the vault at the same time none takes away what
/// another has written: what it holds may be the only copy of a password. One that takes longer than 25 seconds counts
/// as failed.
///
/// An `Arc` of a vault is one, too, so that `Arc<dyn PasswordVault>` can be chosen at run time.
pub trait PasswordVault: Send + Sync {
    /// What it holds.
    fn state(&self) -> VaultFuture<'_, VaultState>;

    /// Proves that it can write, and changes nothing.
    fn check(&self) -> VaultFuture<'_, ()>;

    /// Remembers that this rotation has begun, and keeps the old credentials until it ends. It is an error, and nothing
    /// changes, unless the vault is empty or holds these very credentials, with no rotation under way.
    fn begin<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()>;

    /// Keeps the new password in the place of the old one, and forgets that this rotation has begun. It is an error,
    /// and nothing changes, if the vault holds anything but this rotation.
    fn keep<'a>(&'a self, begun: &'a Begun, new: &'a Password) -> VaultFuture<'a, ()>;

    /// Forgets that this rotation has begun: the old password holds. It is an error, and nothing changes, if the vault
    /// holds anything but this rotation.
    fn abandon<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()>;
}

impl<V: PasswordVault + ?Sized> PasswordVault for Arc<V> {
    fn state(&self) -> VaultFuture<'_, VaultState> {
        (**self).state()
    }

    fn check(&self) -> VaultFuture<'_, ()> {
        (**self).check()
    }

    fn begin<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        (**self).begin(begun)
    }

    fn keep<'a>(&'a self, begun: &'a Begun, new: &'a Password) -> VaultFuture<'a, ()> {
        (**self).keep(begun, new)
    }

    fn abandon<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        (**self).abandon(begun)
    }
}

/// What a vault holds.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum VaultState {
    /// Nothing yet.
    Empty,
    /// The credentials that hold.
    Settled(Credentials),
    /// A rotation has begun and did not come to an end.
    Begun(Begun),
}

/// A rotation that has begun. No two of a vault are equal.
///
/// For vaults of one's own it can be written and read with serde: `old`, and `since_ms`, in milliseconds since 1970.
/// **Serialized, the password is in the clear.**
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Begun {
    /// The credentials that it is to replace: they may hold or be dead.
    pub old: Credentials,
    /// When it began, in whole milliseconds since 1970.
    #[serde(rename = "since_ms", serialize_with = "as_milliseconds")]
    pub since: SystemTime,
}

impl<'de> Deserialize<'de> for Begun {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Fields {
            old: Credentials,
            since_ms: u64,
        }
        unquoted::fields(deserializer).map(|Fields { old, since_ms }| Self::new(old, at(since_ms)))
    }
}

fn as_milliseconds<S: Serializer>(since: &SystemTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(milliseconds(*since))
}

impl Begun {
    /// The rotation of these credentials that began at this time, of which what is below a millisecond is left out.
    #[must_use]
    pub fn new(old: Credentials, since: SystemTime) -> Self {
        Self { old, since: at(milliseconds(since)) }
    }
}

/// Milliseconds since 1970.
pub(super) fn milliseconds(time: SystemTime) -> u64 {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

/// So many milliseconds after 1970.
pub(super) fn at(milliseconds: u64) -> SystemTime {
    let since = std::time::Duration::from_millis(milliseconds);
    SystemTime::UNIX_EPOCH.checked_add(since).unwrap_or(SystemTime::UNIX_EPOCH)
}
