//! How a session comes about, and comes about again: found in the store, or logged in for by one while all others
//! wait, under the guard's rules.
//!
//! Keeps two promises: one login at a time, for tasks and for processes; and at most two failed logins per set of
//! credentials, whoever dies or gives up in the middle.

mod login;
mod prove;
mod reset;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use futures_util::future::{BoxFuture, FutureExt as _, Shared};
use http::HeaderValue;
use tokio::time::Instant;

use login::Stop;
pub(crate) use reset::send_reset;

use crate::{
    CredentialSource, Credentials, Error, Password, SessionToken,
    generated::client as api,
    store::{Account, Lease, Record, SessionStore},
    transport::{Doubt, TokenSource, Transport, secret_header},
};

/// How long a session lives without use: the platform's figure.
const IDLE: Duration = Duration::from_secs(20 * 60);
/// How often the store is told that the session is in use.
const TOUCH: Duration = Duration::from_secs(60);
/// How often at most a refusal that does not name the session leads to a fresh login.
const DOUBT: Duration = Duration::from_secs(60);
/// How much longer the right to log in lasts than a login may take.
const SLACK: Duration = Duration::from_secs(5);
/// The longest pause between two logins that did not reach the platform.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);

/// The session token of one account, and all that it takes to get another.
pub(crate) struct Logins {
    account: Account,
    source: Arc<dyn CredentialSource>,
    store: Arc<dyn SessionStore>,
    /// Carries the access token alone.
    api: api::Client,
    transport: Transport,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    live: Option<Live>,
    /// The last token that was refused: found in the store, it is not taken up again.
    dead: Option<SessionToken>,
    is_ended: bool,
    renewal: Option<Renewal>,
    /// When a refusal that did not name the session last led to a login.
    doubted: Option<Instant>,
    /// What resets through this session have replaced, and with what.
    replaced: Option<(Vec<Password>, Credentials)>,
}

/// A login that several wait for. It runs in a task of its own: who gives up neither aborts nor repeats it.
type Renewal = Shared<BoxFuture<'static, Result<(), Error>>>;

struct Live {
    header: HeaderValue,
    token: SessionToken,
    used: Instant,
    touched: Instant,
}

/// The system's time, as far as tokio's clock has moved since this was first asked.
pub(crate) fn now() -> SystemTime {
    static START: std::sync::OnceLock<(SystemTime, std::time::Instant)> = std::sync::OnceLock::new();
    let (system, instant) = *START.get_or_init(|| (SystemTime::now(), std::time::Instant::now()));
    let moved = Instant::now().into_std().checked_duration_since(instant).unwrap_or_default();
    system + moved
}

/// Asks a source, which must not keep everybody waiting for ever.
pub(crate) async fn ask(source: &dyn CredentialSource, patience: Duration) -> Result<Credentials, Error> {
    let late = || Err(format!("no answer within {patience:?}").into());
    let answer = tokio::time::timeout(patience, source.credentials()).await;
    answer.unwrap_or_else(|_| late()).map_err(|error| Error::CredentialSource(error.into()))
}

/// Changes a record under a lease, waiting for it at most `patience`.
pub(crate) async fn update(
    store: &dyn SessionStore,
    account: &Account,
    patience: Duration,
    change: impl FnOnce(&mut Record),
) -> Result<(), Error> {
    let (lease, mut record) = lease(store, account, patience, patience).await?;
    change(&mut record);
    let outcome = store.commit(account, &lease, &record).await;
    store.release(account, lease).await?;
    if outcome? { Ok(()) } else { Err(Error::LoginBusy { after: patience }) }
}

async fn lease(
    store: &dyn SessionStore,
    account: &Account,
    time: Duration,
    patience: Duration,
) -> Result<(Lease, Record), Error> {
    let end = Instant::now() + patience;
    loop {
        if let Some(granted) = store.acquire(account, time).await? {
            return Ok(granted);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Error::LoginBusy { after: patience });
        }
        store.changed(account, left.min(Duration::from_secs(1))).await;
    }
}

impl Logins {
    pub(crate) fn new(
        account: Account,
        source: Arc<dyn CredentialSource>,
        store: Arc<dyn SessionStore>,
        api: api::Client,
        transport: Transport,
    ) -> Arc<Self> {
        Arc::new(Self { account, source, store, api, transport, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that holds now; a new one if there is none.
    pub(crate) async fn current(self: &Arc<Self>) -> Result<(HeaderValue, SessionToken), Error> {
        loop {
            let renewal = {
                let mut state = self.state();
                if state.is_ended {
                    return Err(Error::SessionEnded);
                }
                let now = Instant::now();
                if let Some(live) = state.live.as_mut().filter(|live| now < live.used + IDLE) {
                    live.used = now;
                    if now >= live.touched + TOUCH {
                        live.touched = now;
                        tokio::spawn(self.clone().touch(live.token.clone()));
                    }
                    return Ok((live.header.clone(), live.token.clone()));
                }
                self.join(&mut state)
            };
            renewal.await?;
        }
    }

    /// Tells the others that the session is in use. That is not what a request waits for, or fails by.
    async fn touch(self: Arc<Self>, token: SessionToken) {
        if let Err(error) = self.store.touch(&self.account, &token, now()).await {
            tracing::warn!(%error, "the session store does not know that the session is in use");
        }
    }

    /// From here on the new credentials stand in for the old ones, should the source still give those.
    fn replace(&self, old: Password, new: Credentials) {
        let mut state = self.state();
        let mut all = state.replaced.take().map(|(all, _)| all).unwrap_or_default();
        all.retain(|replaced| replaced != new.password());
        all.push(old);
        state.replaced = Some((all, new));
    }

    /// Gives the right to log in back; if that fails, it ends by itself.
    async fn release(&self, lease: Lease) {
        if let Err(error) = self.store.release(&self.account, lease).await {
            tracing::warn!(%error, "the right to log in could not be given back; it ends by itself");
        }
    }

    /// The login that is under way, or a new one.
    fn join(self: &Arc<Self>, state: &mut State) -> Renewal {
        if let Some(renewal) = &state.renewal {
            return renewal.clone();
        }
        let under_way = UnderWay(self.clone());
        let task = tokio::spawn(async move { under_way.0.renew().await });
        let renewal = task.map(|end| {
            end.unwrap_or_else(|end| {
                // The source's own code has panicked, or the runtime is shut down: whoever calls again tries again.
                let problem = if end.is_panic() { "it has panicked" } else { "the runtime was shut down" };
                let problem: Box<dyn std::error::Error + Send + Sync> = problem.into();
                Err(Error::CredentialSource(problem.into()))
            })
        });
        let renewal = renewal.boxed().shared();
        state.renewal = Some(renewal.clone());
        renewal
    }

    async fn renew(&self) -> Result<(), Error> {
        let limit = self.transport.timeout();
        let end = Instant::now() + limit;
        for attempt in 0.. {
            if self.adopt(&self.store.load(&self.account).await?)? {
                return Ok(());
            }
            // Before the right to log in is asked for: who fails here has kept nobody from it.
            self.transport.access().await?;
            let left = end.saturating_duration_since(Instant::now());
            let Some((lease, record)) = self.store.acquire(&self.account, limit + SLACK).await? else {
                if left.is_zero() {
                    return Err(Error::LoginBusy { after: limit });
                }
                self.store.changed(&self.account, left.min(Duration::from_secs(1))).await;
                continue;
            };
            let outcome = self.log_in(&lease, record).await;
            self.release(lease).await;
            let pause = match outcome {
                Ok(()) => return Ok(()),
                Err(Stop::Again) if Instant::now() < end => Duration::ZERO,
                Err(Stop::Again) => break,
                Err(Stop::After(pause)) if Instant::now() + pause < end => pause,
                Err(Stop::After(wait)) => return Err(Error::LoginDelayed { wait }),
                Err(Stop::Unreached(error)) => {
                    let asked = error.headers().and_then(crate::transport::retry_after).unwrap_or_default();
                    let pause = Duration::from_millis(500).saturating_mul(1 << attempt.min(6)).min(LONGEST_PAUSE);
                    let pause = pause.max(asked);
                    // What is asked for comes from the network and may be any time at all.
                    if Instant::now().checked_add(pause).is_none_or(|over| over >= end) {
                        return Err(error);
                    }
                    pause
                }
                Err(Stop::Failed(error)) => return Err(error),
            };
            tokio::time::sleep(pause).await;
        }
        Err(Error::LoginBusy { after: limit })
    }

    /// Takes up the session that a record holds, if it can be alive.
    fn adopt(&self, record: &Record) -> Result<bool, Error> {
        let Some(session) = &record.session else { return Ok(false) };
        let unused = now().duration_since(session.used_at).unwrap_or_default();
        let mut state = self.state();
        if unused >= IDLE || state.dead.as_ref() == Some(&session.token) {
            return Ok(false);
        }
        state.live = Some(Live::new(session.token.clone(), unused)?);
        Ok(true)
    }

    pub(crate) fn username(&self) -> &str {
        self.account.username()
    }

    /// What the source says, or what a reset has made of it.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Error> {
        let credentials = ask(&*self.source, self.transport.timeout()).await?;
        if credentials.username() != self.account.username() {
            let problem = "the source of the credentials has changed the username: start another session for it";
            return Err(Error::configuration(problem));
        }
        let state = self.state();
        match &state.replaced {
            Some((old, new)) if old.contains(credentials.password()) => Ok(new.clone()),
            _ => Ok(credentials),
        }
    }

    /// A client whose session is this one and no other.
    fn api_with(&self, header: HeaderValue) -> api::Client {
        let transport = self.transport.with_session(Arc::new(Fixed(header)));
        api::Client::new_with_client(api::ClientInfo::baseurl(&self.api), transport.http().clone(), transport)
    }

    /// Ends the session on the platform, in the store and here. It is never started anew for that.
    pub(crate) async fn end(&self) -> Result<(), Error> {
        let live = {
            let state = self.state();
            if state.is_ended {
                return Err(Error::SessionEnded);
            }
            state.live.as_ref().map(|live| (live.header.clone(), live.token.clone()))
        };
        if let Some((header, token)) = live {
            let answer = self.api_with(header).end_connectivity_management_session().send().await;
            match answer.map_err(Error::from) {
                Ok(_) => {}
                Err(error) if error.is_session_expired() => {}
                Err(error) => return Err(error),
            }
            self.state().is_ended = true;
            if let Err(error) = self.store.forget(&self.account, &token).await {
                tracing::warn!(%error, "the session has ended, but the session store still holds it");
            }
        }
        let mut state = self.state();
        state.is_ended = true;
        state.live = None;
        Ok(())
    }
}

impl Live {
    fn new(token: SessionToken, unused: Duration) -> Result<Self, Error> {
        let header = secret_header(token.expose_secret())
            .map_err(|_| Error::configuration("the stored session token holds characters that no header takes"))?;
        let now = Instant::now();
        Ok(Self { header, token, used: now.checked_sub(unused).unwrap_or(now), touched: now })
    }
}

/// A renewal that has not ended, be it by success, failure, or the end of its runtime.
struct UnderWay(Arc<Logins>);

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.state().renewal = None;
    }
}

impl TokenSource for Arc<Logins> {
    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async { self.current().await.map(|(header, _)| header) })
    }

    fn refused(&self, token: &HeaderValue, doubt: Doubt) -> bool {
        let mut state = self.state();
        if state.is_ended || state.live.as_ref().is_none_or(|live| live.header != *token) {
            // A newer one is there, or on its way.
            return true;
        }
        if doubt == Doubt::Some {
            let now = Instant::now();
            if state.doubted.is_some_and(|doubted| now < doubted + DOUBT) {
                return false;
            }
            state.doubted = Some(now);
        }
        state.dead = state.live.take().map(|live| live.token);
        true
    }
}

/// A session token that is not renewed.
struct Fixed(HeaderValue);

impl TokenSource for Fixed {
    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn refused(&self, _: &HeaderValue, _: Doubt) -> bool {
        false
    }
}
