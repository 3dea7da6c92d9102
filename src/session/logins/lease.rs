//! The right to log in, held for a while: whatever becomes of the holder, it is given back.

use std::{ops::Deref, time::Duration};

use tokio::{
    runtime::Handle,
    time::{Instant, sleep, timeout},
};

use crate::{
    Error, events,
    store::{Account, Bounded, Lease, Record, SessionStore as _},
};

/// How much longer the right to log in lasts than a login may take.
pub(super) const SLACK: Duration = Duration::from_secs(5);

/// How long whoever gives it back waits for that.
const MOMENT: Duration = Duration::from_secs(2);
/// The shortest time between two looks at the record.
const SHORTEST_WAIT: Duration = Duration::from_millis(10);
/// The pause before it is tried again, which doubles each time.
const PAUSE: Duration = Duration::from_secs(1);

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

    /// Gives it back. A store that hangs or fails keeps nobody from what comes next: it is then told later.
    pub(super) async fn release(mut self) {
        let given = timeout(MOMENT, self.store.release(&self.account, Lease::new(self.lease.fence()))).await;
        self.is_over = matches!(given, Ok(Ok(())));
    }

    /// Gives it back, however long the store takes, until it ends by itself.
    fn give_back(&self) -> impl Future<Output = ()> + Send + use<> {
        let (store, account, fence, ends) = (self.store.clone(), self.account.clone(), self.lease.fence(), self.ends);
        async move {
            let mut pause = PAUSE;
            while let Err(error) = store.release(&account, Lease::new(fence)).await {
                if pause == PAUSE {
                    events::store_failed(&error, "the right to log in was not given back yet; it ends by itself");
                }
                if Instant::now() + pause >= ends {
                    return;
                }
                sleep(pause).await;
                pause *= 2;
            }
        }
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
            runtime.spawn(self.give_back());
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
    let began = Instant::now();
    let left = end.saturating_duration_since(began);
    if !left.is_zero() {
        store.changed(account, left.min(Duration::from_secs(1))).await;
        // A store that does not wait must not make a loop of this.
        sleep(SHORTEST_WAIT.saturating_sub(began.elapsed())).await;
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
