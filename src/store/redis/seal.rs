//! What is kept so that who reads the server does not hold it: XChaCha20-Poly1305, with a nonce of chance for each
//! value, bound to its account and its place.

use chacha20poly1305::{
    XChaCha20Poly1305, XNonce,
    aead::{Aead as _, KeyInit as _, Payload},
};
use zeroize::Zeroizing;

/// What a sealed value begins with.
const SEALED: &[u8] = b"sealed:";
/// What a value begins with that is not.
const PLAIN: &[u8] = b"plain:";
const NONCE: usize = 24;

/// Seals values, if there is a key.
pub(super) struct Seal(Option<XChaCha20Poly1305>);

impl Seal {
    pub(super) fn none() -> Self {
        Self(None)
    }

    pub(super) fn with(key: &[u8; 32]) -> Self {
        Self(Some(XChaCha20Poly1305::new(key.into())))
    }

    /// The value as it is stored in this place.
    pub(super) fn close(&self, place: &str, value: &[u8]) -> Result<Vec<u8>, String> {
        let Some(cipher) = &self.0 else { return Ok([PLAIN, value].concat()) };
        let mut nonce = [0; NONCE];
        getrandom::fill(&mut nonce).map_err(|error| format!("there is no source of randomness: {error}"))?;
        let payload = Payload { msg: value, aad: place.as_bytes() };
        let sealed = cipher.encrypt(&XNonce::from(nonce), payload).map_err(|_| "it cannot be sealed".to_owned())?;
        Ok([SEALED, &nonce, &sealed].concat())
    }

    /// The value that is stored in this place; or why it cannot be read.
    pub(super) fn open(&self, place: &str, stored: &[u8]) -> Result<Zeroizing<Vec<u8>>, &'static str> {
        match (&self.0, stored.strip_prefix(PLAIN), stored.strip_prefix(SEALED)) {
            (None, Some(plain), _) => Ok(Zeroizing::new(plain.to_vec())),
            (Some(cipher), _, Some(sealed)) => {
                let broken = "it was sealed with another key, or changed since: give RedisStore::sealed the key that the other replicas have";
                let (nonce, sealed) = sealed.split_first_chunk::<NONCE>().ok_or(broken)?;
                let payload = Payload { msg: sealed, aad: place.as_bytes() };
                cipher.decrypt(&XNonce::from(*nonce), payload).map(Zeroizing::new).map_err(|_| broken)
            }
            (None, _, Some(_)) => Err("it is sealed: give RedisStore::sealed the key that the other replicas have"),
            (Some(_), Some(_), _) => {
                Err("it is not sealed: either all replicas have a key for RedisStore::sealed or none")
            }
            _ => Err("it is nothing that this crate has written"),
        }
    }
}
