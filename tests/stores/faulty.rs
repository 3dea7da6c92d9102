//! A store that breaks one guarantee at a time.

use std::{
    collections::HashMap,
    future::pending,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use thingspace_session::store::{
    Account, SessionStore, Snapshot, StoreError, StoreFuture, Value, Version, testing::Handles,
};
use tokio::{
    sync::Notify,
    task::yield_now,
    time::{Instant, sleep, timeout},
};

use crate::support::LONG;

/// The guarantee that the store breaks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    Filled,
    Failing,
    Short,
    DropsEmpty,
    Text,
    Unshared,
    Forgetful,
    OneAccount,
    Torn,
    Stale,
    NoneIsAny,
    AnyIsNone,
    Overwrites,
    ComparesNot,
    TakesOlder,
    Refuses,
    Racy,
    DeniesAgain,
    RemembersAll,
    StandsStill,
    TwoClocks,
    Seconds,
    Deaf,
    OnlyNext,
    Patient,
    LateDrop,
    Hangs,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    fault: Fault,
    began: Instant,
    entries: Arc<Mutex<HashMap<String, Entry>>>,
    changes: Arc<Notify>,
}

/// All values that the account has had. The last one is stored.
#[derive(Clone, Debug, Default)]
struct Entry {
    values: Vec<Value>,
    loads: u64,
}

impl Entry {
    fn version(&self) -> Option<Version> {
        self.values.last().map(|value| value.version)
    }

    fn had(&self, version: Version) -> bool {
        self.values.iter().any(|value| value.version == version)
    }
}

impl Faulty {
    pub(crate) fn handles(fault: Fault) -> Handles {
        let new = |began| Self { fault, began, entries: Arc::default(), changes: Arc::default() };
        let one = new(Instant::now());
        let mut other = if fault == Fault::Unshared { new(one.began) } else { one.clone() };
        if fault == Fault::TwoClocks {
            other.began -= Duration::from_secs(1);
        }
        (Arc::new(one), Arc::new(other))
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn with<T>(&self, account: &Account, act: impl FnOnce(&mut Entry) -> T) -> T {
        let name = if self.has(Fault::OneAccount) { String::new() } else { account.id() };
        act(self.entries.lock().unwrap().entry(name).or_default())
    }

    fn now(&self) -> SystemTime {
        let passed = self.began.elapsed();
        UNIX_EPOCH
            + match self.fault {
                Fault::StandsStill => Duration::ZERO,
                Fault::Seconds => Duration::from_secs(passed.as_secs()),
                _ => passed,
            }
    }

    fn kept(&self, new: Version, bytes: &[u8]) -> Value {
        match self.fault {
            Fault::Short => Value::new(new, &bytes[..bytes.len().min(1000)]),
            Fault::Text => Value::new(new, String::from_utf8_lossy(bytes).into_owned()),
            _ => Value::new(new, bytes),
        }
    }

    /// Whether a swap on this entry succeeds.
    fn fits(&self, entry: &Entry, expected: Option<Version>) -> bool {
        let found = entry.version();
        match self.fault {
            Fault::NoneIsAny => found == expected || expected.is_none(),
            Fault::AnyIsNone => found == expected || found.is_none(),
            Fault::ComparesNot => true,
            Fault::TakesOlder => found == expected || expected.is_some_and(|expected| entry.had(expected)),
            Fault::Refuses => false,
            _ => found == expected,
        }
    }

    async fn swap(&self, account: &Account, expected: Option<Version>, new: Version, bytes: &[u8]) -> bool {
        let is_again = self.with(account, |entry| match self.fault {
            Fault::DeniesAgain => false,
            Fault::RemembersAll => entry.had(new),
            _ => entry.version() == Some(new),
        });
        if is_again {
            return true;
        }
        let fits = self.with(account, |entry| self.fits(entry, expected));
        if self.has(Fault::Racy) {
            yield_now().await;
        } else if self.has(Fault::Torn) && fits && bytes.len() > 8 {
            self.with(account, |entry| entry.values.push(Value::new(new, &bytes[..bytes.len() / 2])));
            yield_now().await;
        }
        if fits && !self.has(Fault::Forgetful) || self.has(Fault::Overwrites) {
            self.with(account, |entry| entry.values.push(self.kept(new, bytes)));
            self.changes.notify_waiters();
        }
        fits
    }
}

impl SessionStore for Faulty {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        Box::pin(async {
            match self.fault {
                Fault::Hangs => pending().await,
                Fault::Failing => {
                    let (place, problem) = ("memory".to_owned(), "out of order".to_owned());
                    return Err(StoreError::Unavailable { place, problem });
                }
                _ => {}
            }
            let value = self.with(account, |entry| {
                entry.loads += 1;
                let age = if self.has(Fault::Stale) && entry.loads % 7 == 0 && entry.values.len() > 9 { 5 } else { 1 };
                entry.values.iter().nth_back(age - 1).cloned()
            });
            let value = match self.fault {
                Fault::Filled => value.or_else(|| Some(Value::new(Version::random(), *b"filled"))),
                Fault::DropsEmpty => value.filter(|value| !value.bytes().is_empty()),
                _ => value,
            };
            Ok(Snapshot { value, now: self.now() })
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
            if !self.has(Fault::LateDrop) || bytes != b"dropped" {
                return Ok(self.swap(account, expected, new, bytes).await);
            }
            let (store, account, bytes) = (self.clone(), account.clone(), bytes.to_vec());
            let write = tokio::spawn(async move {
                sleep(Duration::from_millis(4)).await;
                store.with(&account, |entry| entry.values.push(Value::new(new, bytes)));
                true
            });
            Ok(write.await.unwrap())
        })
    }

    fn changed<'a>(
        &'a self,
        _: &'a Account,
        _: Option<Version>,
        patience: Duration,
    ) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        let next = self.changes.notified();
        Box::pin(async move {
            match self.fault {
                Fault::Deaf => sleep(patience).await,
                Fault::Patient => sleep(patience + LONG).await,
                Fault::OnlyNext => _ = timeout(patience, next).await,
                _ => sleep(patience.min(Duration::from_millis(10))).await,
            }
        })
    }
}
