//! The header value of a token, as every request on every core reads it.

use std::{
    fmt,
    sync::atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderValue, header::InvalidHeaderValue};
use zeroize::Zeroizing;

/// How many copies there are. Threads that count references to one and the same copy wait for each other.
const COPIES: usize = 16;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// Which copy this thread takes.
    static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % COPIES;
}

/// A header value that prints as "Sensitive" and is erased with its last copy.
#[derive(Clone)]
pub(crate) struct TokenHeader(Box<[HeaderValue; COPIES]>);

/// On cache lines of its own, with the count of references to it.
#[repr(align(128))]
struct Apart(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Apart {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl TokenHeader {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidHeaderValue> {
        let mut copies = Box::new([const { HeaderValue::from_static("") }; COPIES]);
        for copy in copies.iter_mut() {
            let bytes = Bytes::from_owner(Apart(Zeroizing::new(text.as_bytes().to_vec())));
            *copy = HeaderValue::from_maybe_shared(bytes)?;
            copy.set_sensitive(true);
        }
        Ok(Self(copies))
    }

    /// The copy of this thread.
    pub(crate) fn value(&self) -> &HeaderValue {
        let [first, ..] = &*self.0;
        OWN.try_with(|own| self.0.get(*own)).ok().flatten().unwrap_or(first)
    }
}

impl PartialEq<HeaderValue> for TokenHeader {
    fn eq(&self, other: &HeaderValue) -> bool {
        self.value() == other
    }
}

impl fmt::Debug for TokenHeader {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value().fmt(formatter)
    }
}
