//! A store that breaks one guarantee at a time.

use std::{
    collections::HashMap,
    pin::Pin,
    sync::{Arc, Mutex},
    time::{Duration, SystemTime},
};

use thingspace_session::{
    SessionToken,
    store::{Account, Lease, Record, SessionStore, StoreError, StoreFuture, testing::Handles},
};
use tokio::{
    task::yield_now,
    time::{Instant, sleep},
};

use crate::support::LONG;

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fault {
    None,
    Filled,
    Torn,
    ReadsWait,
    Unshared,
    Forgetful,
    StaleGrant,
    TwoHolders,
    EndsOnCommit,
    NeverReleased,
    NeverExpires,
    ExpiresEarly,
    OneFence,
    AnyoneCommits,
    ExpiredRefused,
    ReleasedCommits,
    FutureCommits,
    RefusesAloud,
    AnyoneReleases,
    TouchesNot,
    TouchesBack,
    TouchesAny,
    TouchEndsLease,
    ForgetsNot,
    ForgetsAll,
    ForgetsAny,
    OneAccount,
    OneRecord,
    RacyGrant,
    Deaf,
    Patient,
    LateDrop,
    KeepsDropped,
    Failing,
}

#[derive(Clone, Debug)]
pub(crate) struct Faulty {
    fault: Fault,
    entries: Arc<Mutex<HashMap<String, Entry>>>,
}

#[derive(Clone, Debug, Default)]
struct Entry {
    record: Record,
    fence: u64,
    lease: Option<Instant>,
    commits: u64,
}

impl Entry {
    fn is_held(&self) -> bool {
        self.lease.is_some_and(|end| Instant::now() < end)
    }
}

impl Faulty {
    pub(crate) fn handles(fault: Fault) -> Handles {
        let (one, another) = (Self::new(fault), Self::new(fault));
        let other = if fault == Fault::Unshared { another } else { one.clone() };
        (Arc::new(one), Arc::new(other))
    }

    fn new(fault: Fault) -> Self {
        Self { fault, entries: Arc::default() }
    }

    fn has(&self, fault: Fault) -> bool {
        self.fault == fault
    }

    fn with<T>(&self, account: &Account, act: impl FnOnce(&mut Entry) -> T) -> T {
        let name = if self.has(Fault::OneAccount) { String::new() } else { account.id() };
        let mut entries = self.entries.lock().unwrap();
        let shared = entries.get("").map(|entry| entry.record.clone()).unwrap_or_default();
        let entry = entries.entry(name).or_default();
        if !self.has(Fault::OneRecord) {
            return act(entry);
        }
        entry.record = shared;
        let outcome = act(entry);
        let record = entry.record.clone();
        entries.entry(String::new()).or_default().record = record;
        outcome
    }

    async fn grant(&self, account: &Account, time: Duration) -> Option<(Lease, Record)> {
        let is_held = self.with(account, |entry| entry.is_held());
        if self.has(Fault::RacyGrant) && time == Duration::from_secs(120) {
            yield_now().await;
        }
        if is_held && !self.has(Fault::TwoHolders) {
            return None;
        }
        let end = Instant::now()
            + match self.fault {
                Fault::NeverExpires => LONG,
                Fault::ExpiresEarly => time / 2,
                _ => time,
            };
        let grant = self.with(account, |entry| {
            entry.fence = if self.has(Fault::OneFence) { 1 } else { entry.fence + 1 };
            entry.lease = Some(if self.has(Fault::KeepsDropped) { Instant::now() + LONG } else { end });
            let record = if self.has(Fault::StaleGrant) { Record::default() } else { entry.record.clone() };
            (Lease::new(entry.fence), record)
        });
        if self.has(Fault::KeepsDropped) {
            yield_now().await;
            self.with(account, |entry| entry.lease = Some(end));
        }
        Some(grant)
    }

    async fn put(&self, account: &Account, fence: u64, record: &Record) -> bool {
        if self.has(Fault::Torn) {
            let before = self.with(account, |entry| entry.record.used_at());
            let torn = record.session().zip(before).map(|(token, at)| record.clone().with_session(token.clone(), at));
            self.with(account, |entry| entry.record = torn.unwrap_or_default());
            yield_now().await;
        }
        self.with(account, |entry| {
            let is_latest = entry.fence == fence;
            let may = match self.fault {
                Fault::AnyoneCommits => fence > 0,
                Fault::ReleasedCommits => is_latest && fence > 0,
                Fault::FutureCommits => is_latest && entry.lease.is_some() || fence > entry.fence,
                Fault::ExpiredRefused => is_latest && entry.is_held(),
                _ => is_latest && entry.lease.is_some(),
            };
            let is_kept = match self.fault {
                Fault::Forgetful => false,
                Fault::RefusesAloud => true,
                _ => may,
            };
            if is_kept {
                entry.record = record.clone();
            }
            if self.has(Fault::EndsOnCommit) {
                entry.lease = None;
            }
            may
        })
    }
}

impl SessionStore for Faulty {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        Box::pin(async {
            while self.has(Fault::ReadsWait) && self.with(account, |entry| entry.is_held() && entry.commits > 2) {
                sleep(Duration::from_millis(10)).await;
            }
            if self.has(Fault::Failing) {
                let (place, problem) = ("memory".to_owned(), "out of order".to_owned());
                return Err(StoreError::Unavailable { place, problem });
            }
            let record = self.with(account, |entry| entry.record.clone());
            let is_filled = self.has(Fault::Filled) && record == Record::default();
            Ok(if is_filled { record.with_session("token".into(), SystemTime::now()) } else { record })
        })
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        Box::pin(async move { Ok(self.grant(account, time).await) })
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        Box::pin(async move {
            let commits = self.with(account, |entry| {
                entry.commits += 1;
                entry.commits
            });
            if !self.has(Fault::LateDrop) {
                return Ok(self.put(account, lease.fence(), record).await);
            }
            let (store, account, fence, record) = (self.clone(), account.clone(), lease.fence(), record.clone());
            let write = tokio::spawn(async move {
                sleep(Duration::from_millis(if commits % 3 == 2 { 4 } else { 0 })).await;
                store.put(&account, fence, &record).await
            });
            Ok(write.await.unwrap())
        })
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.with(account, |entry| {
                let is_latest = entry.fence == lease.fence() || self.has(Fault::AnyoneReleases);
                if is_latest && !self.has(Fault::NeverReleased) {
                    entry.lease = None;
                }
            });
            Ok(())
        })
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.with(account, |entry| {
                let current = entry.record.session().cloned();
                match (self.fault, current) {
                    (Fault::TouchesNot, _) => {}
                    (Fault::TouchesAny, Some(current)) => _ = entry.record.touch(&current, at),
                    (Fault::TouchesBack, Some(current)) if current == *token => {
                        entry.record = entry.record.clone().with_session(current, at);
                    }
                    _ => _ = entry.record.touch(token, at),
                }
                if self.has(Fault::TouchEndsLease) {
                    entry.lease = None;
                }
            });
            Ok(())
        })
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        Box::pin(async move {
            self.with(account, |entry| {
                let current = entry.record.session().cloned();
                match (self.fault, current) {
                    (Fault::ForgetsNot, _) => {}
                    (Fault::ForgetsAny, Some(current)) => _ = entry.record.forget(&current),
                    (Fault::ForgetsAll, Some(current)) if current == *token => entry.record = Record::default(),
                    _ => _ = entry.record.forget(token),
                }
            });
            Ok(())
        })
    }

    fn changed<'a>(&'a self, _: &'a Account, patience: Duration) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>> {
        Box::pin(sleep(match self.fault {
            Fault::Deaf => patience,
            Fault::Patient => patience + LONG,
            _ => patience.min(Duration::from_millis(10)),
        }))
    }
}
