//! How a session comes about, and comes about again: found in the store, or logged in for by one while all others
//! wait, under the guard's rules.
//!
//! Keeps two promises: one login at a time, for tasks and for processes; and at most two failed logins per set of
//! credentials, whoever dies or gives up in the middle.

mod lease;
mod live;
mod login;
mod prove;
mod renewal;
mod reset;

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use futures_util::future::BoxFuture;
use http::HeaderValue;
use tokio::time::Instant;

pub(crate) use lease::update;
use lease::{Held, SLACK, lease};
use live::{IDLE, Live, Moment};
use login::Owed;

use crate::{
    CredentialSource, Credentials, Error, Password, SessionToken,
    events::{self, Renewed},
    generated::client as api,
    guard::Known,
    single_flight::{SecondChance, SingleFlight},
    store::{Account, Bounded, Record, SessionStore as _},
    transport::{LastFailure, Rejection, TokenSource, Transport},
};

/// How often at most a refusal that does not name the session, or of a session that was never taken, leads to a fresh
/// login. The latter count from the last session that was taken on.
const DOUBT: Duration = Duration::from_secs(60);
/// How long a session that is dead before its first acceptance is given for that to arrive: answers overtake each other.
/// And how often it is looked for.
const MOMENT: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);
/// How many dead sessions are remembered.
const MOST_DEAD: usize = 8;
/// How much longer a session is waited for than a call may take, so that a call that ran out of its own time is told
/// as such.
const GRACE: Duration = Duration::from_millis(500);

/// Whether a session is about to be used.
#[derive(Clone, Copy, PartialEq)]
enum Use {
    Yes,
    No,
}

/// The session token of one account, and all that it takes to get another.
pub(crate) struct Logins {
    account: Account,
    source: Arc<dyn CredentialSource>,
    store: Arc<Bounded>,
    /// What the store held, should it forget that.
    known: Arc<Known>,
    /// Carries the access token alone, and sends once: the renewal repeats what may be, with the guard in between.
    api: api::Client,
    transport: Transport,
    /// The session in use, which requests read without a lock; written by who holds that of the state.
    live: ArcSwapOption<Live>,
    state: Mutex<State>,
    /// Why the last attempt to get a session failed, while the next one is under way.
    failure: LastFailure,
    /// Whether the renewal waits for an access token.
    waits_for_access: AtomicBool,
}

#[derive(Default)]
struct State {
    /// The last tokens that were refused: found in the store, they are not taken up again.
    dead: VecDeque<SessionToken>,
    is_ended: bool,
    renewal: Option<SingleFlight<()>>,
    /// Why there is to be another session, for the log.
    reason: Option<Renewed>,
    /// When a refusal that says little of the session last led to a login.
    ambiguous: Option<Instant>,
    /// When one of a session that was never taken did, if none was taken since.
    unused: Option<Instant>,
    /// No login before this, after one of unknown outcome.
    rest: Option<Instant>,
    /// What came of logins, as far as the store has yet to be told.
    owed: Vec<Arc<Owed>>,
    /// What resets through this session have replaced, and with what.
    replaced: Option<(Vec<Password>, Credentials)>,
}

/// The system's time, moved by as much as tokio's clock is: that one is virtual in tests.
pub(crate) fn now() -> SystemTime {
    let (system, real, tokio) = (SystemTime::now(), std::time::Instant::now(), Instant::now().into_std());
    match tokio.checked_duration_since(real) {
        Some(ahead) => system + ahead,
        None => system - real.duration_since(tokio),
    }
}

/// Asks a source, which must not keep everybody waiting for ever.
pub(crate) async fn ask(source: &dyn CredentialSource, patience: Duration) -> Result<Credentials, Error> {
    let late = || Err(format!("no answer within {patience:?}").into());
    let answer = tokio::time::timeout(patience, source.credentials()).await;
    let credentials = answer.unwrap_or_else(|_| late()).map_err(|error| Error::CredentialSource(error.into()))?;
    if credentials.username().is_empty() || credentials.password().expose_secret().is_empty() {
        return Err(Error::configuration("the username or the password is empty: nothing was sent"));
    }
    Ok(credentials)
}

impl Logins {
    pub(crate) fn new(
        account: Account,
        source: Arc<dyn CredentialSource>,
        store: Arc<Bounded>,
        known: Arc<Known>,
        api: &api::Client,
        transport: Transport,
    ) -> Arc<Self> {
        let once = transport.once();
        let api = api::Client::new_with_client(api::ClientInfo::baseurl(api), once.http().clone(), once);
        let (live, state, failure, waits_for_access) = Default::default();
        Arc::new(Self { account, source, store, known, api, transport, live, state, failure, waits_for_access })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The session that holds now; a new one if there is none.
    ///
    /// A login that takes longer goes on for those who come later; it has begun late, because others were before it.
    async fn current(self: &Arc<Self>) -> Result<Arc<Live>, Error> {
        self.within_a_call(Use::Yes).await
    }

    /// The token of the session that holds now.
    pub(crate) async fn session_token(self: &Arc<Self>) -> Result<SessionToken, Error> {
        self.current().await.map(|live| live.token.clone())
    }

    /// Sees to it that there is a session. Nothing is sent with it, so the platform does not take it for used.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        self.within_a_call(Use::No).await.map(drop)
    }

    async fn within_a_call(self: &Arc<Self>, used: Use) -> Result<Arc<Live>, Error> {
        let limit = self.transport.timeout() + GRACE;
        let session = tokio::time::timeout(limit, self.wait(used)).await;
        session.unwrap_or_else(|_| Err(self.late(limit)))
    }

    /// The error of a caller who has waited for so long: why the last attempt failed, if one has.
    fn late(&self, after: Duration) -> Error {
        self.last_failure().unwrap_or(Error::LoginBusy { after })
    }

    /// An attempt to get the access token is part of the attempt to get a session.
    fn last_failure(&self) -> Option<Error> {
        let of_the_token = || self.waits_for_access.load(Ordering::Relaxed).then(|| self.transport.access_failure());
        self.failure.get(self.transport.timeout()).or_else(|| of_the_token().flatten())
    }

    async fn wait(self: &Arc<Self>, used: Use) -> Result<Arc<Live>, Error> {
        let mut second_chance = SecondChance::default();
        loop {
            let renewal = {
                let mut state = self.state();
                if state.is_ended {
                    return Err(Error::SessionEnded);
                }
                let now = Instant::now();
                match self.live.load_full() {
                    Some(live) if !live.is_idle(live.at(now)) => {
                        if used == Use::Yes {
                            self.note_use(&live, live.at(now));
                        }
                        return Ok(live);
                    }
                    Some(_) => state.reason = Some(Renewed::Idle),
                    None => {}
                }
                self.join(&mut state)
            };
            match renewal.await {
                Some(outcome) => outcome?,
                None => second_chance.take()?,
            }
        }
    }

    /// A program that talks to the platform by itself has met this token dead.
    pub(crate) fn invalidate_token(&self, token: &SessionToken) {
        let mut state = self.state();
        if self.live.load().as_ref().is_some_and(|live| live.token == *token) {
            self.drop_live(&mut state, token, Renewed::Expired);
        }
    }

    /// No request takes this token from here on, and it is not taken up again from the store.
    fn drop_live(&self, state: &mut State, token: &SessionToken, reason: Renewed) {
        state.reason = Some(reason);
        self.live.store(None);
        state.dead.push_back(token.clone());
        if state.dead.len() > MOST_DEAD {
            state.dead.pop_front();
        }
    }

    fn note_use(self: &Arc<Self>, live: &Live, now: Moment) {
        if live.is_to_be_told(now) {
            tokio::spawn(self.clone().touch(live.token.clone(), self::now()));
        }
    }

    /// Tells the others that the session is in use. That is not what a request waits for, or fails by.
    async fn touch(self: Arc<Self>, token: SessionToken, at: SystemTime) {
        if let Err(error) = self.store.touch(&self.account, &token, at).await {
            events::store_failed(&error, "it does not know that the session is in use");
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

    /// Takes up the session that a record holds, if it can be alive.
    fn adopt(&self, record: &Record) -> bool {
        let Some(session) = &record.session else { return false };
        let unused = now().duration_since(session.used_at).unwrap_or_default();
        let mut state = self.state();
        if unused >= IDLE || state.is_ended || state.dead.contains(&session.token) {
            return false;
        }
        // One that no header takes is none.
        let Ok(live) = Live::new(session.token.clone(), unused) else { return false };
        self.live.store(Some(Arc::new(live)));
        // Another process may just have logged in: an ambiguous rejection must not end its session at once. One that
        // was not used for a while was not started because of it.
        if unused < DOUBT {
            state.ambiguous = Some(Instant::now());
        }
        drop(state);
        events::session_resumed();
        true
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

    /// A transport whose session is this one and no other.
    fn with_session(&self, header: HeaderValue) -> Transport {
        self.transport.with_session(Arc::new(Fixed(header)))
    }

    /// A client whose session is this one and no other.
    fn api_with(&self, header: HeaderValue) -> api::Client {
        let transport = self.with_session(header);
        api::Client::new_with_client(self.base_url(), transport.http().clone(), transport)
    }

    fn base_url(&self) -> &str {
        api::ClientInfo::baseurl(&self.api)
    }

    /// Ends the session on the platform, in the store and here. It is never started anew for that, and no request is
    /// wasted on one that is known to be dead.
    pub(crate) async fn end(&self) -> Result<(), Error> {
        let (live, dead) = {
            let state = self.state();
            if state.is_ended {
                return Err(Error::SessionEnded);
            }
            (self.live.load_full(), state.dead.back().cloned())
        };
        if let Some(live) = live {
            if !live.is_idle(live.at(Instant::now())) || self.is_used_elsewhere(&live.token).await {
                let client = self.api_with(live.header.value().clone());
                match client.end_connectivity_management_session().send().await.map_err(Error::from) {
                    Ok(_) => {}
                    Err(error) if error.is_session_expired() => {}
                    Err(error) => return Err(error),
                }
            }
            let left = self.close();
            self.forget_all(&live.token, left).await;
        } else if let Some(dead) = dead {
            // No other process is to take it up.
            let left = self.close();
            self.forget_all(&dead, left).await;
        }
        self.close();
        events::session_ended();
        Ok(())
    }

    /// Has the store forget a session that was ended, and ends the one that was left in use: another task started it
    /// because the platform had called the first one dead.
    async fn forget_all(&self, ended: &SessionToken, left: Option<Arc<Live>>) {
        self.forget(ended).await;
        if let Some(other) = left.filter(|other| other.token != *ended) {
            self.forget(&other.token).await;
            self.log_out(other.token.clone()).await;
        }
    }

    /// No request goes out from here on. The session that was in use until now, if there was one.
    fn close(&self) -> Option<Arc<Live>> {
        let mut state = self.state();
        state.is_ended = true;
        self.live.swap(None)
    }

    /// Whether somebody who shares the store has used a session that was idle here; for all that is known, if the
    /// store does not say.
    async fn is_used_elsewhere(&self, token: &SessionToken) -> bool {
        let Ok(record) = self.store.load(&self.account).await else { return true };
        let session = record.session.filter(|session| session.token == *token);
        session.is_some_and(|session| now().duration_since(session.used_at).unwrap_or_default() < IDLE)
    }

    async fn forget(&self, token: &SessionToken) {
        if let Err(error) = self.store.forget(&self.account, token).await {
            events::store_failed(&error, "it still holds a session that was ended");
        }
    }
}

impl TokenSource for Arc<Logins> {
    fn cached(&self, now: Instant) -> Option<HeaderValue> {
        let live = self.live.load();
        let live = live.as_ref()?;
        let now = live.at(now);
        if live.is_idle(now) {
            return None;
        }
        self.note_use(live, now);
        Some(live.header.value().clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async { self.current().await.map(|live| live.header.value().clone()) })
    }

    fn invalidate(&self, token: &HeaderValue, rejection: Rejection) -> bool {
        let mut state = self.state();
        let Some(live) = self.live.load_full().filter(|live| live.header == *token) else {
            // A newer one is there, or on its way.
            return true;
        };
        // A platform that calls each session dead at once, or a caller without rights, is not to cause a login for
        // each request.
        let last = match rejection {
            Rejection::Ambiguous => Some(&mut state.ambiguous),
            Rejection::Explicit if live.is_accepted() => None,
            Rejection::Explicit => Some(&mut state.unused),
        };
        if let Some(last) = last {
            let now = Instant::now();
            if last.is_some_and(|last| now < last + DOUBT) {
                return false;
            }
            *last = Some(now);
        }
        let reason = match rejection {
            Rejection::Explicit => Renewed::Expired,
            Rejection::Ambiguous => Renewed::Refused,
        };
        self.drop_live(&mut state, &live.token, reason);
        true
    }

    fn reconsider<'a>(&'a self, token: &'a HeaderValue) -> BoxFuture<'a, bool> {
        Box::pin(async {
            let end = Instant::now() + MOMENT;
            while Instant::now() < end {
                tokio::time::sleep(LOOK).await;
                if self.invalidate(token, Rejection::Explicit) {
                    return true;
                }
            }
            false
        })
    }

    fn confirm(&self, token: &HeaderValue) {
        match self.live.load().as_ref().filter(|live| live.header == *token) {
            Some(live) if live.accept() => self.state().unused = None,
            Some(_) => {}
            // The answer that called it dead has overtaken this one.
            None => {
                let mut state = self.state();
                if state.dead.iter().any(|dead| dead.expose_secret().as_bytes() == token.as_bytes()) {
                    state.unused = None;
                }
            }
        }
    }

    fn failure(&self) -> Option<Error> {
        self.last_failure()
    }

    fn ended(&self, token: &HeaderValue) -> BoxFuture<'_, ()> {
        let left = self.close();
        events::session_ended();
        let logins = self.clone();
        let token = SessionToken::from(String::from_utf8_lossy(token.as_bytes()).into_owned());
        // A caller that gives up leaves no dead session in the store.
        let forgetting = tokio::spawn(async move { logins.forget_all(&token, left).await });
        Box::pin(async { drop(forgetting.await) })
    }
}

/// A session token that is not renewed.
struct Fixed(HeaderValue);

impl TokenSource for Fixed {
    fn cached(&self, _: Instant) -> Option<HeaderValue> {
        Some(self.0.clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(std::future::ready(Ok(self.0.clone())))
    }

    fn invalidate(&self, _: &HeaderValue, _: Rejection) -> bool {
        false
    }
}
