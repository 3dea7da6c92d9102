//! The record of one account as this process sees it: what the store holds, merged with what the process remembers.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use tokio::{
    task::AbortHandle,
    time::{Instant, sleep, timeout},
};

use crate::{
    Credentials, Error, events,
    guard::{Attempt, Begun, Fingerprint, Finish, History, Kept, Record, Suspension, Timestamp},
    store::{Account, Limited, SessionStore as _, StoreError, Version},
};

/// The pause after another process was faster; of that between a half and the whole.
pub(super) const CONFLICT_PAUSE: Duration = Duration::from_millis(10);
/// How often a swap is tried against other processes.
const MOST_CONFLICTS: u32 = 500;
/// How long a wait for a change of the record lasts at most: a message of the store may be lost.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// The pause before a store that has failed is tried again; it doubles up to the longest.
const SHORTEST_PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Damage is never a fresh start: that would forget the failed logins.
const ADVICE: &str = "it holds the count of failed logins, so no login is sent without it: make sure that the account is \
                      not locked and the password is right, then delete the record and call reset_login_guard";

/// The record of one account, shared through a store.
pub(crate) struct SharedRecord {
    account: Account,
    store: Arc<Limited>,
    /// What this process has seen, in case the store loses it.
    memory: Mutex<History>,
    /// The task that gives the store what it lacks.
    writing_back: Mutex<Option<AbortHandle>>,
}

/// The record as it was loaded.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) record: Record,
    pub(crate) version: Option<Version>,
    /// Whether the store has all that this process remembers.
    is_complete: bool,
    /// The store's time when the answer arrived, or a little earlier.
    now: Timestamp,
    at: Instant,
    /// How long the store took.
    latency: Duration,
}

/// An attempt of this process: no other process logs in or resets the password before it ends.
pub(crate) struct Claim {
    begun: Begun,
    seen: Seen,
    ends: Instant,
}

impl Seen {
    /// The store's time, or a little earlier.
    pub(crate) fn now(&self) -> Timestamp {
        self.now.plus(self.at.elapsed())
    }
}

impl Claim {
    /// For how long no other task or process can begin.
    pub(crate) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now())
    }

    /// The store's time when it began.
    pub(crate) fn began(&self) -> Timestamp {
        self.begun.attempt.began
    }

    /// The record as it will be if nothing but this happens.
    fn foresee(&self, finish: &Finish) -> Record {
        let mut record = self.seen.record.clone();
        record.finish(&self.begun, finish, self.began(), 0.0);
        record
    }

    /// Why no login with its credentials is sent then.
    pub(crate) fn suspension(&self, finish: &Finish) -> Option<Suspension> {
        self.foresee(finish).suspended(self.begun.attempt.credentials)
    }
}

impl SharedRecord {
    pub(crate) fn new(account: Account, store: Arc<Limited>) -> Self {
        Self { account, store, memory: Mutex::default(), writing_back: Mutex::default() }
    }

    pub(crate) fn account(&self) -> &Account {
        &self.account
    }

    pub(crate) fn fingerprint(&self, credentials: &Credentials) -> Fingerprint {
        Fingerprint::new(&self.account, credentials.password())
    }

    /// Whether the caller chose no store.
    pub(crate) fn is_default_store(&self) -> bool {
        self.store.is_default()
    }

    /// Whether it remembers nothing.
    pub(crate) fn is_blank(&self) -> bool {
        *self.memory() == History::default()
    }

    fn memory(&self) -> MutexGuard<'_, History> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) async fn load(&self) -> Result<Seen, Error> {
        let asked = Instant::now();
        let snapshot = self.store.load(&self.account).await?;
        let (at, now) = (Instant::now(), Timestamp::from(snapshot.now));
        let stored = snapshot.value.as_ref().map(|value| Record::decode(value.bytes()));
        let mut record = stored.transpose().map_err(|problem| self.damaged(&problem))?.unwrap_or_default();
        record.history.trim(now);
        let mut memory = self.memory();
        memory.merge(&record.history);
        memory.trim(now);
        let is_complete = *memory == record.history;
        if !is_complete {
            record.history.clone_from(&memory);
        }
        let version = snapshot.value.map(|value| value.version);
        Ok(Seen { record, version, is_complete, now, at, latency: at.duration_since(asked) })
    }

    /// Replaces the record that was seen with this one. `false`: another process was faster.
    async fn swap(&self, seen: &mut Seen, mut record: Record) -> Result<bool, Error> {
        // What is trimmed away is remembered as it came to be, not as it was before.
        let history = record.history.clone();
        record.history.trim(seen.now());
        let bytes = record.encode().map_err(|error| self.damaged(&error.to_string()))?;
        let (version, mut is_sent_again) = (Version::random(), false);
        let swapped = loop {
            match self.store.compare_and_swap(&self.account, seen.version, version, &bytes).await {
                // The swap may have been stored and its answer lost: sent again, it is not stored twice.
                Err(StoreError::Unavailable { .. }) if !is_sent_again => is_sent_again = true,
                swapped => break swapped,
            }
        };
        if !matches!(swapped, Ok(false)) || is_sent_again {
            self.memory().merge(&history);
        }
        let swapped = swapped?;
        if swapped {
            (seen.record, seen.version, seen.is_complete) = (record, Some(version), true);
        }
        Ok(swapped)
    }

    /// Changes the record, as often as it takes against other processes.
    pub(crate) async fn update<T>(&self, mut change: impl FnMut(&mut Record, Timestamp) -> T) -> Result<T, Error> {
        let mut seen = self.load().await?;
        for _ in 0..MOST_CONFLICTS {
            let (mut record, now) = (seen.record.clone(), seen.now());
            let outcome = change(&mut record, now);
            if (seen.record == record && seen.is_complete) || self.swap(&mut seen, record).await? {
                return Ok(outcome);
            }
            seen = self.load_after_conflict().await?;
        }
        Err(too_many_conflicts())
    }

    async fn load_after_conflict(&self) -> Result<Seen, Error> {
        sleep(CONFLICT_PAUSE.mul_f64(0.5 + fastrand::f64() / 2.0)).await;
        self.load().await
    }

    /// Gives the store what it has lost, and waits for that at most `patience`.
    pub(crate) async fn write_back(self: &Arc<Self>, mut seen: Seen, patience: Duration) {
        if !seen.is_complete {
            let (shared, record) = (self.clone(), seen.record.clone());
            let writing = tokio::spawn(async move { shared.swap(&mut seen, record).await });
            let _ = timeout(patience, writing).await;
        }
    }

    /// Gives the store what it lacks, by one task, however long the store takes.
    fn write_back_later(self: &Arc<Self>) {
        let mut task = self.writing_back.lock().unwrap_or_else(PoisonError::into_inner);
        if task.as_ref().is_none_or(AbortHandle::is_finished) {
            let record = Arc::downgrade(self);
            let writing = tokio::spawn(async move {
                for pause in pauses() {
                    let Some(record) = record.upgrade() else { return };
                    let Err(error) = record.update(|_, _| ()).await else { return };
                    if pause == SHORTEST_PAUSE {
                        events::store_failed(&error, "it lacks attempts that this process remembers");
                    }
                    drop(record);
                    sleep(pause).await;
                }
            });
            *task = Some(writing.abort_handle());
        }
    }

    /// Begins an attempt, which is its count and its claim at once. `None`: another process was faster.
    pub(crate) async fn begin(
        self: &Arc<Self>,
        mut seen: Seen,
        time: Duration,
        attempt: impl FnOnce(&mut Record, Timestamp) -> Begun,
    ) -> Result<Option<Claim>, Error> {
        // The store's time is known to within its latency: the claim ends here before it ends there.
        let (now, ends) = (seen.now(), Instant::now() + time.saturating_sub(seen.latency));
        let mut record = seen.record.clone();
        let begun = attempt(&mut record, now);
        let swapped = self.swap(&mut seen, record).await;
        let claim = Claim { begun, seen, ends };
        if let Ok(true) = swapped {
            return Ok(Some(claim));
        }
        // Nothing is sent for it. The swap may have been stored all the same, if its answer was lost.
        let may_be_stored = self.memory().attempts.contains_key(&claim.begun.id);
        if may_be_stored {
            self.memory().merge(&claim.foresee(&Finish::NotProcessed).history);
            self.write_back_later();
        }
        swapped.map(|_| None)
    }

    /// Makes the claim last for `time` from now on.
    pub(crate) async fn extend(&self, claim: &mut Claim, time: Duration) -> Result<(), Error> {
        for _ in 0..MOST_CONFLICTS {
            let seen = &mut claim.seen;
            let (mut record, ends) = (seen.record.clone(), Instant::now() + time.saturating_sub(seen.latency));
            let (id, now) = (claim.begun.id, seen.now());
            let history = &record.history;
            let is_claim = |attempt: &Attempt| history.claim_left(attempt, now).is_some();
            if history.attempts.iter().any(|(other, attempt)| *other != id && is_claim(attempt)) {
                return Err(Error::LoginInProgress { after: time });
            }
            claim.begun.attempt.claimed_until = now.plus(time);
            record.history.add(id, &claim.begun.attempt);
            if self.swap(seen, record).await? {
                claim.ends = ends;
                return Ok(());
            }
            claim.seen = self.load_after_conflict().await?;
        }
        Err(too_many_conflicts())
    }

    /// Records what an attempt came to, and releases its claim.
    async fn finish(&self, claim: &mut Claim, finish: &Finish) -> Result<Kept, Error> {
        for _ in 0..MOST_CONFLICTS {
            let mut record = claim.seen.record.clone();
            // The latest that it may be there: a claim that may be over is over.
            let now = claim.seen.now().plus(claim.seen.latency);
            let kept = record.finish(&claim.begun, finish, now, fastrand::f64());
            // A failure is remembered whether or not the store learns of it, a success once it may have.
            if !matches!(finish, Finish::LoggedIn(_)) {
                self.memory().merge(&record.history);
            }
            if self.swap(&mut claim.seen, record).await? {
                return Ok(kept);
            }
            claim.seen = self.load_after_conflict().await?;
        }
        Err(too_many_conflicts())
    }

    /// The same, however long the store takes. `failed` learns of the first failure.
    pub(crate) async fn settle(
        self: Arc<Self>,
        mut claim: Claim,
        finish: Finish,
        failed: impl FnOnce(&Error) + Send,
    ) -> Kept {
        let (mut failed, mut pauses) = (Some(failed), pauses());
        claim.begun.over_at = Some(claim.seen.now());
        loop {
            match self.finish(&mut claim, &finish).await {
                Ok(kept) => return kept,
                Err(error) => {
                    if let Some(failed) = failed.take() {
                        failed(&error);
                    }
                }
            }
            sleep(pauses.next().unwrap_or(LONGEST_PAUSE)).await;
        }
    }

    /// Waits until the record is another than that version, for at most `patience`.
    pub(crate) async fn changed(&self, seen: Option<Version>, patience: Duration) {
        self.store.changed(&self.account, seen, patience.min(LONGEST_WAIT)).await;
    }

    fn damaged(&self, problem: &str) -> Error {
        let place = format!("the record {} in {:?}", self.account.id(), self.store);
        StoreError::Damaged { place, problem: format!("{problem}; {ADVICE}") }.into()
    }
}

/// The pauses before a store that has failed is tried again.
fn pauses() -> impl Iterator<Item = Duration> + Send {
    std::iter::successors(Some(SHORTEST_PAUSE), |pause| Some(LONGEST_PAUSE.min(*pause * 2)))
}

fn too_many_conflicts() -> Error {
    let problem = format!("another process changed the record {MOST_CONFLICTS} times in a row");
    StoreError::Unavailable { place: "the store".to_owned(), problem }.into()
}
