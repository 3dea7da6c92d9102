//! Encrypts the values of any store with XChaCha20-Poly1305. A reader of the store learns no session, and a writer forges
//! none.

use std::time::Duration;

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use zeroize::Zeroizing;

use super::{Account, SessionStore, Snapshot, StoreError, StoreFuture, StoreWait, Value, Version};

/// The first bytes of a sealed value; a nonce follows.
const SEALED: &[u8] = b"sealed:";
/// The length of a nonce, in bytes.
const NONCE: usize = 24;
/// The next step if a value cannot be decrypted.
const ADVICE: &str = "it holds the count of failed logins, so no login is sent without it; if no replica can read it, make \
                      sure that the account is not locked and the password is right, then remove it from the store and call \
                      reset_login_guard";

/// A store whose values are encrypted with a key. All replicas need the same key, from the beginning.
///
/// A sealed value is bound to its account and its version: it cannot be moved to another account, and an old value
/// cannot be put under the current version. A value that was not sealed, or that does not fit the key, is
/// [`StoreError::Damaged`].
///
/// ```
/// use thingspace_session::store::{FileStore, Sealed};
///
/// # fn key_of_the_fleet() -> [u8; 32] { [7; 32] }
/// let store = FileStore::new("/var/lib/fleet/thingspace.json");
/// let store = Sealed::new(store, key_of_the_fleet());
/// ```
pub struct Sealed<S> {
    inner: S,
    /// Erases its key when it is dropped.
    cipher: XChaCha20Poly1305,
}

impl<S: std::fmt::Debug> std::fmt::Debug for Sealed<S> {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Sealed {{ store: {:?}, .. }}", self.inner)
    }
}

impl<S> Sealed<S> {
    /// Encrypts the values of this store with this key: 32 random bytes.
    pub fn new(store: S, key: [u8; 32]) -> Self {
        let key = Zeroizing::new(key);
        Self { inner: store, cipher: XChaCha20Poly1305::new((&*key).into()) }
    }

    fn close(&self, account: &Account, version: Version, bytes: &[u8]) -> Result<Vec<u8>, StoreError> {
        let fail = |problem| StoreError::Misconfigured { place: place(account), problem };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| fail(format!("there is no source of randomness: {error}")))?;
        let place = bound_to(account, version);
        let payload = Payload { msg: bytes, aad: place.as_bytes() };
        let sealed = self.cipher.encrypt(&XNonce::from(nonce), payload);
        let sealed = sealed.map_err(|_| fail("it is too long to be sealed".to_owned()))?;
        Ok([SEALED, &nonce, &sealed].concat())
    }

    fn open(&self, account: &Account, stored: &Value) -> Result<Value, StoreError> {
        let fail = |problem| StoreError::Damaged { place: place(account), problem: format!("{problem}; {ADVICE}") };
        let changed =
            "it was sealed with another key, or changed since: give Sealed::new the key of the other replicas";
        let sealed = stored.bytes().strip_prefix(SEALED);
        let sealed = sealed.ok_or_else(|| fail("it is not sealed: either all replicas use Sealed or none"))?;
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or_else(|| fail(changed))?;
        let place = bound_to(account, stored.version);
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        let bytes = self.cipher.decrypt(&XNonce::from(*nonce), payload).map_err(|_| fail(changed))?;
        Ok(Value::new(stored.version, bytes))
    }
}

fn place(account: &Account) -> String {
    format!("the stored value of account {}", account.id())
}

fn bound_to(account: &Account, version: Version) -> String {
    format!("{} {version}", account.id())
}

impl<S: SessionStore> SessionStore for Sealed<S> {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move {
            let Snapshot { now, value } = self.inner.load(account).await?;
            let value = value.map(|stored| self.open(account, &stored)).transpose()?;
            Ok(Snapshot { now, value })
        })
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let sealed = self.close(account, new, bytes)?;
            self.inner.compare_and_swap(account, expected, new, &sealed).await
        })
    }

    fn changed<'a>(&'a self, account: &'a Account, seen: Option<Version>, patience: Duration) -> StoreWait<'a> {
        self.inner.changed(account, seen, patience)
    }
}
