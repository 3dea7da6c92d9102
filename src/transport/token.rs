//! The header value of a token, copied so that threads do not contend for its reference count.

use std::sync::{
    OnceLock,
    atomic::{AtomicUsize, Ordering},
};

use bytes::Bytes;
use http::{HeaderValue, header::InvalidHeaderValue};
use zeroize::Zeroizing;

/// The number of copies. Threads that count references to the same copy wait for each other.
const COPIES: usize = 16;

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    /// The index of this thread's copy.
    static OWN: usize = NEXT.fetch_add(1, Ordering::Relaxed) % COPIES;
}

/// A header value that prints as "Sensitive". It is erased with its last copy.
#[derive(Clone, Debug)]
pub(crate) struct TokenHeader {
    first: HeaderValue,
    /// Made when a thread first asks for its copy: few threads use most sessions.
    copies: Box<[OnceLock<HeaderValue>; COPIES]>,
}

/// On a cache line of its own, with its reference count.
#[repr(align(128))]
struct Apart(Zeroizing<Vec<u8>>);

impl AsRef<[u8]> for Apart {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl TokenHeader {
    pub(crate) fn new(text: &str) -> Result<Self, InvalidHeaderValue> {
        let (first, copies) = (copy(text.as_bytes())?, Box::default());
        Ok(Self { first, copies })
    }

    /// The copy of this thread.
    pub(crate) fn value(&self) -> &HeaderValue {
        let own = OWN.try_with(|own| self.copies.get(*own)).ok().flatten();
        own.map_or(&self.first, |own| {
            // The copy of a valid header value is valid.
            own.get_or_init(|| copy(self.first.as_bytes()).unwrap_or_else(|_| self.first.clone()))
        })
    }
}

fn copy(text: &[u8]) -> Result<HeaderValue, InvalidHeaderValue> {
    let bytes = Bytes::from_owner(Apart(Zeroizing::new(text.to_vec())));
    let mut copy = HeaderValue::from_maybe_shared(bytes)?;
    copy.set_sensitive(true);
    Ok(copy)
}

impl PartialEq<HeaderValue> for TokenHeader {
    fn eq(&self, other: &HeaderValue) -> bool {
        self.first == other
    }
}
