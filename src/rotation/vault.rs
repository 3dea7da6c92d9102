//! The interface of a vault: its guarantees and its states.

use std::{
    error::Error as StdError,
    future::Future,
    pin::Pin,
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Deserializer, Serialize};

use crate::{Credentials, credentials::redacting, store::random};

/// The future that an operation of a vault returns.
pub type VaultFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Why a vault failed. A vault returns [`StoreError::Unavailable`](crate::store::StoreError) if a repeated call may help;
/// [`Error::is_retryable`](crate::Error::is_retryable) is then true.
pub type VaultError = Box<dyn StdError + Send + Sync>;

/// Keeps one [`VaultState`]: the credentials of one user, and whether a rotation is pending.
///
/// A vault may hold the only copy of a password. So a write must survive a power failure, and must not overwrite the write
/// of another process. A call that takes longer than 25 seconds or panics has failed. A swap whose future is dropped may
/// have happened, may happen late, or never.
///
/// A database with a conditional write is a vault; with serde, [`VaultState`] is one value to store in it. In memory, for
/// a test:
///
/// ```
/// use std::sync::Mutex;
/// use thingspace_session::rotation::{PasswordVault, VaultFuture, VaultState};
///
/// struct MemoryVault(Mutex<VaultState>);
///
/// impl PasswordVault for MemoryVault {
///     fn load(&self) -> VaultFuture<'_, VaultState> {
///         Box::pin(async { Ok(self.0.lock().unwrap().clone()) })
///     }
///
///     fn compare_and_swap<'a>(
///         &'a self,
///         expected: &'a VaultState,
///         new: &'a VaultState,
///     ) -> VaultFuture<'a, bool> {
///         Box::pin(async move {
///             let mut state = self.0.lock().unwrap();
///             let is_expected = *state == *expected;
///             if is_expected {
///                 *state = new.clone();
///             }
///             Ok(is_expected)
///         })
///     }
/// }
/// # async fn example(session: thingspace_session::Session) -> Result<(), thingspace_session::Error> {
///
/// let vault = std::sync::Arc::new(MemoryVault(Mutex::new(VaultState::Empty)));
/// session.rotate_password(&vault).await
/// # }
/// ```
///
/// An `Arc` of a vault is a vault, so `Arc<dyn PasswordVault>` can be chosen at run time.
pub trait PasswordVault: Send + Sync {
    /// The state of the latest swap.
    fn load(&self) -> VaultFuture<'_, VaultState>;

    /// Replaces the state by `new` if it is `expected`: compares and writes in one step, for all processes that use the
    /// vault. Returns `true` once `new` is durable; `false`, and changes nothing, if the state is not `expected`.
    ///
    /// A swap of a state for itself writes as any other, to prove that the vault can write.
    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool>;
}

impl<V: PasswordVault + ?Sized> PasswordVault for Arc<V> {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        (**self).load()
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        (**self).compare_and_swap(expected, new)
    }
}

/// The content of a vault. It can be written and read with serde. **Serialized, the password is in the clear.**
///
/// ```
/// use thingspace_session::{Credentials, rotation::VaultState};
///
/// let state = VaultState::Current(Credentials::new("zbeeblebrox", "IMgr8"));
/// let text = serde_json::to_string(&state)?;
/// assert_eq!(text, r#"{"state":"current","username":"zbeeblebrox","password":"IMgr8"}"#);
/// assert_eq!(serde_json::from_str::<VaultState>(&text)?, state);
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum VaultState {
    /// Nothing was ever stored.
    Empty,
    /// The valid credentials.
    Current(Credentials),
    /// A rotation has begun. Until it has ended, another does not begin.
    Pending(Pending),
}

impl<'de> Deserialize<'de> for VaultState {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        #[derive(Deserialize)]
        #[serde(tag = "state", rename_all = "snake_case", deny_unknown_fields)]
        enum Fields {
            Empty,
            Current(Credentials),
            Pending { old: Credentials, since_ms: u64, id: String },
        }
        redacting::fields(deserializer).map(|fields| match fields {
            Fields::Empty => Self::Empty,
            Fields::Current(credentials) => Self::Current(credentials),
            Fields::Pending { old, since_ms, id } => Self::Pending(Pending { old, since_ms, id }),
        })
    }
}

/// A rotation that has begun. Each has a random id, so that no two are equal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pending {
    /// The credentials that it replaces: still valid, or superseded.
    pub old: Credentials,
    since_ms: u64,
    id: String,
}

impl Pending {
    /// A rotation of these credentials that begins at this time.
    #[must_use]
    pub fn new(old: Credentials, since: SystemTime) -> Self {
        let since = since.duration_since(UNIX_EPOCH).unwrap_or_default();
        Self { old, since_ms: u64::try_from(since.as_millis()).unwrap_or(u64::MAX), id: format!("{:032x}", random()) }
    }

    /// The time at which it began, in whole milliseconds since 1970.
    #[must_use]
    pub fn since(&self) -> SystemTime {
        UNIX_EPOCH.checked_add(Duration::from_millis(self.since_ms)).unwrap_or(UNIX_EPOCH)
    }
}
