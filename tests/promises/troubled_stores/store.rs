//! A store with configurable faults.

use serde_json::{Value as Json, json};
use std::{
    collections::HashMap,
    future::pending,
    pin::Pin,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use thingspace_session::{
    MemoryStore,
    store::{Account, SessionStore, Snapshot, StoreError, StoreFuture, Value, Version},
};
use tokio::time::sleep;

use super::SECOND;

/// The fault of a store, or none.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u32)]
pub(crate) enum Trouble {
    None,
    LoadsHang,
    LoadsPanic,
    SwapsHang,
    AllSwapsFail,
    /// Every second swap fails, also when repeated: the store has the attempt, but not its outcome.
    SecondSwapsFail,
    /// Every swap after the first fails, also when repeated: the store has no outcome of a login.
    LaterSwapsFail,
    /// Every second swap takes effect and returns an error.
    SecondSwapsAreDenied,
    /// Every swap takes effect and returns an error the first time.
    FirstAnswersAreLost,
    /// Each swap takes a second and is too late: another process was faster.
    SwapsComeTooLate,
    /// Claims expire early.
    ClaimsEndEarly,
    /// A swap takes effect and returns ten seconds later.
    SwapsTakeTime,
    /// The swap with the outcome, which releases the claim, takes a second.
    ReleasesTakeTime,
    /// It takes ten seconds, longer than any caller waits for it.
    ReleasesTakeLong,
    ReleasesFail,
    /// Another process always has a claim, and each wait for a change ends at once.
    WaitsEndAtOnce,
    /// The record changes between each load and the swap after it.
    RecordsChange,
}

/// A store with faults and its own clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Troubled {
    pub(crate) inner: MemoryStore,
    pub(crate) trouble: Arc<AtomicU32>,
    /// Number of different swaps.
    pub(crate) swaps: Arc<AtomicU32>,
    pub(crate) loads: Arc<AtomicU32>,
    pub(crate) numbers: Arc<Mutex<HashMap<Version, u32>>>,
    /// Seconds by which its clock is ahead.
    pub(crate) ahead: i64,
}

impl Troubled {
    pub(crate) fn set(&self, trouble: Trouble) {
        self.swaps.store(0, Ordering::SeqCst);
        self.trouble.store(trouble as u32, Ordering::SeqCst);
    }

    fn has(&self, trouble: Trouble) -> bool {
        self.trouble.load(Ordering::SeqCst) == trouble as u32
    }

    /// The number of a swap; a repeated one keeps its number.
    fn number(&self, version: Version) -> u32 {
        let next = || self.swaps.fetch_add(1, Ordering::SeqCst);
        *self.numbers.lock().unwrap().entry(version).or_insert_with(next)
    }
}

/// The attempts of a record.
fn attempts(record: &mut Json) -> &mut serde_json::Map<String, Json> {
    record["record"]["history"]["attempts"].as_object_mut().unwrap()
}

/// The record with claims of a tenth of their duration.
fn shortened(bytes: &[u8]) -> Vec<u8> {
    let mut record: Json = serde_json::from_slice(bytes).unwrap();
    for attempt in attempts(&mut record).values_mut() {
        if let (Some(began), Some(until)) = (attempt["began"].as_u64(), attempt["claimed_until"].as_u64()) {
            attempt["claimed_until"] = json!(began + (until - began) / 10);
        }
    }
    serde_json::to_vec(&record).unwrap()
}

/// The record with a new claim of another process.
fn claimed(bytes: &[u8], now: u64) -> Vec<u8> {
    let mut record: Json = serde_json::from_slice(bytes).unwrap();
    let attempt = json!({
        "credentials": 0, "outcome": "pending", "began": now, "after": 0, "claimed_until": now + 60_000,
    });
    attempts(&mut record).insert(now.to_string(), attempt);
    serde_json::to_vec(&record).unwrap()
}

/// Whether the swap releases every claim.
fn releases(bytes: &[u8]) -> bool {
    let mut record: Json = serde_json::from_slice(bytes).unwrap();
    attempts(&mut record).values().all(|attempt| attempt.get("is_over").is_some())
}

impl SessionStore for Troubled {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async move {
            self.loads.fetch_add(1, Ordering::SeqCst);
            assert!(!self.has(Trouble::LoadsPanic), "a bug in the store");
            if self.has(Trouble::LoadsHang) {
                pending::<()>().await;
            }
            let mut snapshot = self.inner.load(account).await?;
            let ahead = Duration::from_secs(self.ahead.unsigned_abs());
            snapshot.now = if self.ahead < 0 { snapshot.now - ahead } else { snapshot.now + ahead };
            if self.has(Trouble::WaitsEndAtOnce) {
                let now = snapshot.now.duration_since(std::time::UNIX_EPOCH).unwrap().as_millis();
                let value = snapshot.value.take().unwrap();
                let bytes = claimed(value.bytes(), now.try_into().unwrap());
                snapshot.value = Some(Value::new(value.version, bytes));
            }
            Ok(snapshot)
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
            let is_first = !self.numbers.lock().unwrap().contains_key(&new);
            let number = self.number(new);
            if self.has(Trouble::SwapsHang) {
                pending::<()>().await;
            }
            if self.has(Trouble::SwapsComeTooLate) {
                sleep(SECOND).await;
                return Ok(false);
            }
            if self.has(Trouble::RecordsChange) {
                return Ok(false);
            }
            if releases(bytes) {
                if self.has(Trouble::ReleasesTakeTime) {
                    sleep(SECOND).await;
                }
                if self.has(Trouble::ReleasesTakeLong) {
                    sleep(10 * SECOND).await;
                }
            }
            let is_second = number % 2 == 1;
            let (place, problem) = ("the store".to_owned(), "no space left on device".to_owned());
            let failure = Err(StoreError::Unavailable { place, problem });
            let is_later = self.has(Trouble::LaterSwapsFail) && number > 0;
            let is_release = self.has(Trouble::ReleasesFail) && releases(bytes);
            if self.has(Trouble::AllSwapsFail)
                || is_later
                || is_release
                || self.has(Trouble::SecondSwapsFail) && is_second
            {
                return failure;
            }
            let short = self.has(Trouble::ClaimsEndEarly).then(|| shortened(bytes));
            let bytes = short.as_deref().unwrap_or(bytes);
            let outcome = self.inner.compare_and_swap(account, expected, new, bytes).await;
            if self.has(Trouble::SwapsTakeTime) {
                sleep(10 * SECOND).await;
            }
            let is_denied = self.has(Trouble::SecondSwapsAreDenied) && is_second;
            if is_denied || self.has(Trouble::FirstAnswersAreLost) && is_first { failure } else { outcome }
        })
    }

    fn changed<'a>(
        &'a self,
        account: &'a Account,
        seen: Option<Version>,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let at_once = self.has(Trouble::WaitsEndAtOnce);
        if at_once { Box::pin(std::future::ready(())) } else { self.inner.changed(account, seen, patience) }
    }
}
