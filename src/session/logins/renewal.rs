//! A session for everybody who waits for one: found in the store or logged in for, by one task, within the time of a
//! call.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::time::Instant;

use super::{
    Logins, State,
    lease::{Held, SLACK, another_look},
    login::Stop,
    now,
};
use crate::{
    Credentials, Error,
    error::Fate,
    events,
    guard::{Guard, SuspensionReason},
    single_flight::{self, Outcome},
    store::{Record, SessionStore as _},
};

/// How often who waits for the pause after a login to be over looks whether somebody else has logged in.
const SHORTEST_LOOK: Duration = Duration::from_millis(50);
const LONGEST_LOOK: Duration = Duration::from_secs(1);
/// The pause after a login elsewhere has changed the record between two looks.
const CONFLICT_PAUSE: Duration = Duration::from_millis(10);

/// What the source said, and of which count it was asked: when that has changed, it may say something else.
struct Asked {
    guard: Guard,
    credentials: Result<Credentials, Error>,
}

impl Logins {
    /// The login that is under way, or a new one.
    pub(super) fn join(self: &Arc<Self>, state: &mut State) -> Outcome<()> {
        let logins = self.clone();
        single_flight::join(
            &mut state.renewal,
            || Box::pin(async move { logins.renew().await.inspect_err(tell) }),
            // What a store's code does is told by the store; the other foreign code in here is the source's.
            |panic| Error::CredentialSource(panic.into()),
        )
    }

    async fn renew(self: &Arc<Self>) -> Result<(), Error> {
        self.renew_in_time().await.inspect(|()| self.failure.clear())
    }

    async fn renew_in_time(self: &Arc<Self>) -> Result<(), Error> {
        let limit = self.transport.timeout();
        let end = Instant::now() + limit;
        // An attempt to log in elsewhere outlasts this one; the last failure here says more.
        let late = || self.failure.get(limit).unwrap_or(Error::LoginBusy { after: limit });
        // What is asked for comes from the network and may be any time at all.
        let in_time = |pause: &Duration| Instant::now().checked_add(*pause).is_some_and(|over| over < end);
        let (mut pauses, mut asked) = (self.transport.pauses(), None);
        loop {
            let pause = match self.look(&mut asked).await {
                Ok(()) => return Ok(()),
                Err(Stop::Failed(error)) => return Err(error),
                // A record that changes at every look must not keep this loop from pausing.
                Err(Stop::Again) if in_time(&CONFLICT_PAUSE) => CONFLICT_PAUSE,
                Err(Stop::Busy) if another_look(&self.store, &self.account, end).await => continue,
                Err(Stop::Again | Stop::Busy) => return Err(late()),
                Err(Stop::After(pause)) if in_time(&pause) => {
                    let look = Instant::now() + (pause / 8).clamp(SHORTEST_LOOK, LONGEST_LOOK).min(pause);
                    // Or until somebody else has logged in, which is looked for the more seldom the longer it is.
                    another_look(&self.store, &self.account, Instant::now() + pause).await;
                    look.saturating_duration_since(Instant::now())
                }
                Err(Stop::After(wait)) => return Err(Error::LoginDelayed { wait }),
                Err(Stop::Unreached(error)) => {
                    self.failure.note(&error);
                    let wished = error.headers().and_then(crate::transport::retry_after).unwrap_or_default();
                    let pause = pauses.next().map(|pause| pause.max(wished)).filter(in_time);
                    pause.ok_or(error)?
                }
            };
            tokio::time::sleep(pause).await;
        }
    }

    /// One look at the store, and one login if there is need for it.
    async fn look(self: &Arc<Self>, asked: &mut Option<Asked>) -> Result<(), Stop> {
        if self.state().is_ended {
            return Err(Error::SessionEnded.into());
        }
        let record = self.store.load(&self.account).await?;
        if self.adopt(&record) {
            self.known.note(&record.guard);
            return Ok(());
        }
        // Asked before the right to log in is: a source that takes its time keeps nobody from it.
        if asked.as_ref().is_none_or(|asked| asked.guard != record.guard) {
            *asked = Some(Asked { guard: record.guard.clone(), credentials: self.credentials().await });
        }
        let Some(Asked { guard, credentials }) = asked else { return Err(Stop::Again) };
        if let Ok(credentials) = credentials {
            match self.foresee(record, credentials) {
                // Before as well: who fails here has kept nobody from it.
                Ok(()) => self.access_token().await?,
                // It may be the try that somebody is making now: whoever gets the right knows.
                Err(stop) if self.may_be_under_way(&stop) => {}
                Err(stop) => {
                    if matches!(stop, Stop::Failed(_)) && guard.knows_nothing_of(credentials) {
                        self.remind(credentials).await;
                    }
                    return Err(stop);
                }
            }
        }
        let time = self.transport.timeout() + SLACK;
        let granted = Held::acquire(&self.store, &self.account, time).await?;
        let Some((lease, mut record)) = granted else { return Err(Stop::Busy) };
        let outcome = if self.adopt(&record) {
            self.known.note(&record.guard);
            Ok(())
        } else if record.guard != *guard {
            Err(Stop::Again)
        } else {
            match credentials {
                Ok(credentials) => {
                    // Who holds the right has found it dead: nobody is to take it up meanwhile.
                    record.session = None;
                    self.log_in_with(&lease, record, credentials).await
                }
                Err(error) => Err(error.clone().into()),
            }
        };
        lease.release().await;
        outcome
    }

    async fn access_token(&self) -> Result<(), Stop> {
        self.waits_for_access.store(true, Ordering::Relaxed);
        let token = self.transport.access().await;
        self.waits_for_access.store(false, Ordering::Relaxed);
        token.map(drop).map_err(on_the_way)
    }

    /// Tells a store what it has lost of these credentials, so that nobody who knows less tries them.
    async fn remind(self: &Arc<Self>, credentials: &Credentials) {
        if let Ok(Some((lease, mut record))) = Held::acquire(&self.store, &self.account, SLACK).await {
            let owed = self.catch_up(&mut record.guard, Some(credentials));
            if matches!(self.store.commit(&self.account, &lease, &record).await, Ok(true)) {
                self.caught_up(&owed);
            }
            lease.release().await;
        }
    }

    /// Whether what suspends logins may be a login that has not come to its end.
    fn may_be_under_way(&self, stop: &Stop) -> bool {
        use SuspensionReason::{OneTryLeft, UnknownOutcome};
        let Stop::Failed(Error::LoginSuspended(suspension)) = stop else { return false };
        let age = now().duration_since(suspension.since).unwrap_or_default();
        matches!(suspension.reason, OneTryLeft | UnknownOutcome) && age < self.transport.timeout() + SLACK
    }

    /// Says what the guard is going to say, before anything is sent for it.
    fn foresee(&self, mut record: Record, credentials: &Credentials) -> Result<(), Stop> {
        self.catch_up(&mut record.guard, Some(credentials));
        let fingerprint = record.guard.fingerprint(credentials);
        if let Some(suspension) = record.guard.suspension(&fingerprint) {
            return Err(Error::LoginSuspended(suspension).into());
        }
        let shared =
            record.guard.wait(&fingerprint, now()).map(|until| until.duration_since(now()).unwrap_or_default());
        // By its own clock, too: that of those who share the store may be another.
        let own = self.state().rest.filter(|_| record.guard.is_backing_off(&fingerprint));
        let own = own.map(|until| until.saturating_duration_since(Instant::now()));
        match shared.max(own) {
            Some(wait) if !wait.is_zero() => Err(Stop::After(wait)),
            _ => Ok(()),
        }
    }
}

/// An operator has to know that no login was made, and why.
pub(super) fn tell(error: &Error) {
    match error {
        Error::Store(error) => events::store_failed(error, "no login is made without it"),
        Error::LoginSuspended(_)
        | Error::LoginDelayed { .. }
        | Error::LoginBusy { .. }
        | Error::CredentialSource(_)
        | Error::Configuration { .. } => events::login_withheld(error),
        _ => {}
    }
}

/// What it means for a login that there is no access token.
fn on_the_way(error: Error) -> Stop {
    let is_unreached = matches!(&error, Error::AccessToken { source } if source.fate() == Fate::Unreached);
    if is_unreached && error.is_retryable() { Stop::Unreached(error) } else { Stop::Failed(error) }
}
