//! The right to log in, held for a while: whatever becomes of the holder, it is given back.

use std::{ops::Deref, time::Duration};

use tokio::{runtime::Handle, time::Instant};

use crate::{
    Error, events,
    store::{Account, Bounded, Lease, Record, SessionStore as _},
};

/// How much longer the right to log in lasts than a login may take.
pub(super) const SLACK: Duration = Duration::from_secs(5);

/// The right to log in. Dropped, as with a call that was given up, it is given back all the same.
pub(crate) struct Held {
    lease: Lease,
    store: Bounded,
    account: Account,
    ends: Instant,
    is_over: bool,
}

impl Held {
    /// Asks for it once; nothing while somebody else has it.
    pub(super) async fn acquire(
        store: &Bounded,
        account: &Account,
        time: Duration,
    ) -> Result<Option<(Self, Record)>, Error> {
        let ends = Instant::now() + time;
        let granted = store.acquire(account, time).await?;
        Ok(granted.map(|(lease, record)| {
            (Self { lease, store: store.clone(), account: account.clone(), ends, is_over: false }, record)
        }))
    }

    /// For how long it is certainly held, less what it takes to say what came of it.
    pub(super) fn left(&self) -> Duration {
        self.ends.saturating_duration_since(Instant::now()).saturating_sub(SLACK / 5)
    }

    /// Gives it back; if that fails, it ends by itself.
    pub(super) async fn release(mut self) {
        give_back(&self.store, &self.account, self.lease.fence()).await;
        self.is_over = true;
    }
}

async fn give_back(store: &Bounded, account: &Account, fence: u64) {
    if let Err(error) = store.release(account, Lease::new(fence)).await {
        events::store_failed(&error, "the right to log in was not given back; it ends by itself");
    }
}

impl Deref for Held {
    type Target = Lease;

    fn deref(&self) -> &Lease {
        &self.lease
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Ok(runtime) = Handle::try_current()
            && !self.is_over
        {
            let (store, account, fence) = (self.store.clone(), self.account.clone(), self.lease.fence());
            runtime.spawn(async move { give_back(&store, &account, fence).await });
        }
    }
}

/// The right to log in for `time`, waited for at most `patience`.
pub(super) async fn lease(
    store: &Bounded,
    account: &Account,
    time: Duration,
    patience: Duration,
) -> Result<(Held, Record), Error> {
    let end = Instant::now() + patience;
    loop {
        if let Some(granted) = Held::acquire(store, account, time).await? {
            return Ok(granted);
        }
        if !another_look(store, account, end).await {
            return Err(Error::LoginBusy { after: patience });
        }
    }
}

/// Waits until another look at the record is worth while; `false` if there is no time for one.
pub(super) async fn another_look(store: &Bounded, account: &Account, end: Instant) -> bool {
    let left = end.saturating_duration_since(Instant::now());
    if !left.is_zero() {
        store.changed(account, left.min(Duration::from_secs(1))).await;
    }
    !left.is_zero()
}

/// Changes a record under a lease, waiting for it at most `patience`.
pub(crate) async fn update(
    store: &Bounded,
    account: &Account,
    patience: Duration,
    change: impl FnOnce(&mut Record),
) -> Result<(), Error> {
    let (lease, mut record) = lease(store, account, patience, patience).await?;
    change(&mut record);
    let outcome = store.commit(account, &lease, &record).await;
    lease.release().await;
    if outcome? { Ok(()) } else { Err(Error::LoginBusy { after: patience }) }
}
