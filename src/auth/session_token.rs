//! The session token of one account: read by every request, renewed when it dies, shared through the record.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use futures_util::future::BoxFuture;
use http::{HeaderMap, HeaderValue, StatusCode};
use tokio::time::{Instant, timeout};

use super::{cache::TokenCache, live_session::LiveSession, record::SharedRecord};
use crate::{
    Credentials, CredentialsProvider, Error, Password, SessionToken,
    credentials::complete,
    error::Disposition,
    events::{self, Renewed},
    generated::client as api,
    store::limited,
    transport::{LastFailure, TokenSource, Transport},
};

/// How often at most an ambiguous rejection, or the rejection of a session that was never accepted, leads to a login.
pub(super) const AMBIGUOUS_PAUSE: Duration = Duration::from_secs(60);
/// How long a session that is rejected before it was ever accepted waits for an acceptance, which another request's answer
/// may bring late; and how often it looks.
const OVERTAKING: Duration = Duration::from_secs(1);
const LOOK: Duration = Duration::from_millis(20);
/// A use that is recorded less often than this is not recorded again.
const TOUCHED: Duration = Duration::from_secs(30);
/// How many dead sessions are remembered.
const MOST_DEAD: usize = 8;
/// How much longer a caller waits for a session than a call may take: the call's own error then says more.
const GRACE: Duration = Duration::from_millis(500);

/// The session token of one account, and what it takes to get another.
pub(crate) struct SessionTokens {
    pub(super) record: Arc<SharedRecord>,
    source: Arc<dyn CredentialsProvider>,
    /// Carries the access token alone and sends once: the procedures repeat, with the guard in between.
    pub(super) api: api::Client,
    pub(super) transport: Transport,
    pub(super) cache: TokenCache<LiveSession>,
    state: Mutex<State>,
    /// Why the last attempt to get a session failed, while the next one is under way.
    pub(super) failure: LastFailure,
    /// Whether the renewal waits for an access token.
    pub(super) waits_for_access: AtomicBool,
}

#[derive(Default)]
pub(super) struct State {
    /// The last tokens that were rejected: found in the store, they are not used again.
    pub(super) dead: VecDeque<SessionToken>,
    pub(super) is_ended: bool,
    /// The head of the last successful login, reset or logout.
    response: Option<http::Response<()>>,
    /// Why the session is renewed, for the log.
    reason: Option<Renewed>,
    /// When an ambiguous rejection last led to a login.
    pub(super) ambiguous: Option<Instant>,
    /// When the rejection of a session that was never accepted last led to a login, if none was accepted since.
    unaccepted: Option<Instant>,
    /// When the record was last looked at for another session.
    pub(super) looked: Option<Instant>,
    /// The passwords that resets through this session have replaced, and the credentials that are valid now.
    superseded: Option<(Vec<Password>, Credentials)>,
}

/// Asks a provider of credentials, which must not keep all callers waiting for ever.
pub(crate) async fn ask(provider: &dyn CredentialsProvider, patience: Duration) -> Result<Credentials, Error> {
    let answer = limited("the credentials provider", patience, || provider.credentials()).await;
    let credentials = answer.map_err(|error| Error::CredentialsProvider(error.into()))?;
    for (name, text) in [("username", credentials.username()), ("password", credentials.password().expose_secret())] {
        complete(name, text).map_err(Error::configuration)?;
    }
    Ok(credentials)
}

impl SessionTokens {
    pub(crate) fn new(
        record: Arc<SharedRecord>,
        source: Arc<dyn CredentialsProvider>,
        api: &api::Client,
        transport: Transport,
    ) -> Arc<Self> {
        let once = transport.once();
        let api = api::Client::new_with_client(api::ClientInfo::baseurl(api), once.http().clone(), once);
        let (cache, state, failure, waits_for_access) = Default::default();
        Arc::new(Self { record, source, api, transport, cache, state, failure, waits_for_access })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps the head of a success for [`last_response`](Self::last_response).
    pub(super) fn responded(&self, status: StatusCode, headers: &HeaderMap) {
        let mut response = http::Response::new(());
        (*response.status_mut(), *response.headers_mut()) = (status, headers.clone());
        self.state().response = Some(response);
    }

    pub(crate) fn last_response(&self) -> Option<http::Response<()>> {
        self.state().response.clone()
    }

    pub(super) fn is_ended(&self) -> bool {
        self.state().is_ended
    }

    /// The session that is valid now; a new one if there is none. A login that takes longer goes on for later callers.
    pub(super) async fn session(self: &Arc<Self>) -> Result<Arc<LiveSession>, Error> {
        let limit = self.transport.timeout() + GRACE;
        let session = self.cache.get(|| {
            let tokens = self.clone();
            Box::pin(async move { tokens.renew().await })
        });
        let session = timeout(limit, session).await.unwrap_or_else(|_| Err(self.late(limit)));
        if self.is_ended() { Err(Error::SessionEnded) } else { session }
    }

    pub(super) async fn session_for_use(self: &Arc<Self>) -> Result<Arc<LiveSession>, Error> {
        self.session().await.inspect(|session| self.note_use(session, Instant::now()))
    }

    pub(crate) async fn session_token(self: &Arc<Self>) -> Result<SessionToken, Error> {
        self.session_for_use().await.map(|session| session.token.clone())
    }

    /// Makes sure that there is a session. Nothing is sent with it, so it does not count as used.
    pub(crate) async fn start(self: &Arc<Self>) -> Result<(), Error> {
        self.session().await.map(drop)
    }

    /// The error of a caller that has waited for so long: why the last attempt failed, if one has.
    pub(super) fn late(&self, after: Duration) -> Error {
        self.last_failure().unwrap_or(Error::LoginInProgress { after })
    }

    /// An attempt to get the access token is part of the attempt to get a session.
    fn last_failure(&self) -> Option<Error> {
        let of_the_token = || self.waits_for_access.load(Ordering::Relaxed).then(|| self.transport.access_failure());
        self.failure.get(self.transport.timeout()).or_else(|| of_the_token().flatten())
    }

    /// A caller has met this token dead.
    pub(crate) fn invalidate_token(&self, token: &SessionToken) {
        let mut state = self.state();
        if let Ok(header) = HeaderValue::from_str(token.expose_secret())
            && let Some(session) = self.cache.invalidate(&header)
        {
            bury(&mut state, &session.token, Renewed::Expired);
        }
    }

    fn note_use(self: &Arc<Self>, session: &LiveSession, now: Instant) {
        if session.note_use(now) {
            tokio::spawn(self.clone().touch(session.token.clone()));
        }
    }

    /// Records that the session is in use. No request waits for that, or fails by it.
    async fn touch(self: Arc<Self>, token: SessionToken) {
        let touched = self.record.update(|record, now| {
            if let Some(session) = record.session.as_mut().filter(|session| session.token == token) {
                // Another process has just done so.
                if now.after(session.used_at).is_some_and(|unused| unused >= TOUCHED) {
                    session.used_at = now;
                }
            }
        });
        if let Err(error) = touched.await {
            events::store_failed(&error, "it does not know that the session is in use");
        }
    }

    /// The credentials of the provider, or those that a reset has made of them.
    pub(crate) async fn credentials(&self) -> Result<Credentials, Error> {
        let credentials = ask(&*self.source, self.transport.timeout()).await?;
        if credentials.username() != self.username() {
            let problem = "the credentials provider has changed the username: start another session for it";
            return Err(Error::configuration(problem));
        }
        match &self.state().superseded {
            Some((old, new)) if old.contains(credentials.password()) => Ok(new.clone()),
            _ => Ok(credentials),
        }
    }

    /// From here on the new credentials replace the old ones, should the provider still return those.
    pub(super) fn supersede(&self, old: Password, new: Credentials) {
        let mut state = self.state();
        let mut all = state.superseded.take().map(|(all, _)| all).unwrap_or_default();
        all.retain(|superseded| superseded != new.password());
        all.push(old);
        state.superseded = Some((all, new));
    }

    pub(crate) fn username(&self) -> &str {
        self.record.account().username()
    }

    /// Why a renewal starts.
    pub(super) fn note_idle(&self) {
        if self.cache.cached().is_some() {
            self.state().reason = Some(Renewed::Idle);
        }
    }

    /// Uses a session that was started, unless this one was ended meanwhile.
    pub(super) fn publish(&self, token: &SessionToken) -> Result<Option<Arc<LiveSession>>, Error> {
        let live = LiveSession::new(token.clone(), Duration::ZERO)?;
        let mut state = self.state();
        if state.is_ended {
            return Ok(None);
        }
        events::session_started(state.reason.take());
        Ok(Some(self.cache.store(live)))
    }

    /// A transport whose session is this one and no other.
    pub(super) fn with_session(&self, header: HeaderValue) -> Transport {
        self.transport.with_session(Arc::new(header))
    }

    pub(super) fn base_url(&self) -> &str {
        api::ClientInfo::baseurl(&self.api)
    }
}

/// No request uses this token from here on, and it is not taken up again from the record.
fn bury(state: &mut State, token: &SessionToken, reason: Renewed) {
    state.reason = Some(reason);
    remember_dead(state, token);
}

pub(super) fn remember_dead(state: &mut State, token: &SessionToken) {
    state.dead.push_back(token.clone());
    if state.dead.len() > MOST_DEAD {
        state.dead.pop_front();
    }
}

impl TokenSource for Arc<SessionTokens> {
    fn cached(&self, now: Instant) -> Option<HeaderValue> {
        let session = self.cache.cached();
        let session = session.as_ref().filter(|session| !session.is_idle(now))?;
        self.note_use(session, now);
        Some(session.header.value().clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(async { self.session_for_use().await.map(|session| session.header.value().clone()) })
    }

    fn invalidate(&self, token: &HeaderValue, rejection: Disposition) -> bool {
        let mut state = self.state();
        let Some(session) = self.cache.cached().clone().filter(|session| session.header == *token) else {
            // A newer one is there, or on its way.
            return true;
        };
        // A platform that rejects each session at once, or a caller without rights, must not cause a login for each
        // request.
        let (last, reason) = match rejection {
            Disposition::Unauthorized => (Some(&mut state.ambiguous), Renewed::Refused),
            // A resumed one is rejected only once, and the stored one may be dead as well.
            _ if session.is_accepted() || session.is_resumed => (None, Renewed::Expired),
            _ => (Some(&mut state.unaccepted), Renewed::Expired),
        };
        if let Some(last) = last {
            let now = Instant::now();
            if last.is_some_and(|last| now < last + AMBIGUOUS_PAUSE) {
                return false;
            }
            *last = Some(now);
        }
        if self.cache.invalidate(token).is_some() {
            bury(&mut state, &session.token, reason);
        }
        true
    }

    fn reconsider<'a>(&'a self, token: &'a HeaderValue) -> BoxFuture<'a, bool> {
        Box::pin(async {
            let end = Instant::now() + OVERTAKING;
            while Instant::now() < end {
                self.adopt_another(token).await;
                tokio::time::sleep(LOOK).await;
                if self.invalidate(token, Disposition::SessionExpired) {
                    return true;
                }
            }
            false
        })
    }

    fn confirm(&self, token: &HeaderValue) {
        match self.cache.cached().as_ref().filter(|session| session.header == *token) {
            Some(session) if session.accept() => {
                self.state().unaccepted = None;
                if session.is_resumed {
                    tokio::spawn(self.clone().record_resumed(session.token.clone()));
                }
            }
            Some(_) => {}
            // The answer that rejected it has overtaken this one.
            None => {
                let mut state = self.state();
                if state.dead.iter().any(|dead| dead.expose_secret().as_bytes() == token.as_bytes()) {
                    state.unaccepted = None;
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
        let tokens = self.clone();
        let token = SessionToken::from(String::from_utf8_lossy(token.as_bytes()).into_owned());
        // Cancelling the caller leaves no dead session in the record.
        let forgetting = tokio::spawn(async move { tokens.forget_all(&token, left).await });
        Box::pin(async { drop(forgetting.await) })
    }
}

/// A session token that is not renewed.
impl TokenSource for HeaderValue {
    fn cached(&self, _: Instant) -> Option<HeaderValue> {
        Some(self.clone())
    }

    fn token(&self) -> BoxFuture<'_, Result<HeaderValue, Error>> {
        Box::pin(std::future::ready(Ok(self.clone())))
    }

    fn invalidate(&self, _: &HeaderValue, _: Disposition) -> bool {
        false
    }
}
