//! A session that another process has started: its token was passed in, or it is in the record.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tokio::time::Instant;

use super::{
    live_session::{IDLE, LiveSession},
    record::Seen,
    session_token::{AMBIGUOUS_PAUSE, SessionTokens, State, remember_dead},
};
use crate::{Error, SessionToken, events, guard::StoredSession};

/// How often it looks whether the record has another session: the login of another process is no login of this one.
const ANOTHER: Duration = Duration::from_millis(250);

impl SessionTokens {
    /// Uses this session from now on. Nothing is sent.
    pub(crate) fn resume(&self, token: SessionToken) -> Result<(), Error> {
        if token.expose_secret().is_empty() {
            return Err(Error::configuration("the session token is empty: pass the one of the other program"));
        }
        let mut live = LiveSession::new(token, Duration::ZERO)?;
        live.is_resumed = true;
        self.cache.store(live);
        events::session_resumed();
        Ok(())
    }

    /// Records a resumed session, which the platform has accepted: the one in the record is dead then.
    pub(super) async fn record_resumed(self: Arc<Self>, token: SessionToken) {
        let recorded = self.record.update(|record, now| {
            let known_for =
                self.cache.cached().as_ref().filter(|live| live.token == token).map(|live| live.known_for());
            // A login in progress ends this session, and so does one that began after it was passed in.
            let last_login = record.history.last_success.and_then(|last| now.after(last.login_began));
            if known_for.is_some_and(|time| last_login.is_none_or(|ago| ago > time)) && record.claimed(now).is_none() {
                record.session = Some(StoredSession { token: token.clone(), used_at: now });
            }
        });
        match recorded.await {
            Err(error) => events::store_failed(&error, "it does not know the session that was resumed"),
            Ok(()) if self.is_ended() => self.forget(&token).await,
            Ok(()) => {}
        }
    }

    /// Takes up the session of the record, if it may be alive.
    pub(super) fn adopt(&self, seen: &Seen) -> Option<Arc<LiveSession>> {
        let live = self.cache.store(alive(&mut self.state(), seen)?);
        events::session_resumed();
        Some(live)
    }

    /// Puts the session of the record in the place of this one, which was rejected, if it is another that may be alive.
    pub(super) async fn adopt_another(&self, rejected: &HeaderValue) {
        let now = Instant::now();
        {
            let mut state = self.state();
            if state.looked.is_some_and(|looked| now < looked + ANOTHER) {
                return;
            }
            state.looked = Some(now);
        }
        let Ok(seen) = self.record.load().await else { return };
        let is_other = |token: &SessionToken| token.expose_secret().as_bytes() != rejected.as_bytes();
        if !seen.record.session.as_ref().is_some_and(|session| is_other(&session.token)) {
            return;
        }
        let mut state = self.state();
        let Some(cached) = self.cache.cached().clone().filter(|cached| cached.header == *rejected) else { return };
        let Some(other) = alive(&mut state, &seen) else { return };
        self.cache.replace(&cached, other);
        remember_dead(&mut state, &cached.token);
        drop(state);
        events::session_resumed();
    }
}

/// The session of the record, if it may be alive.
fn alive(state: &mut State, seen: &Seen) -> Option<LiveSession> {
    let session = seen.record.session.as_ref()?;
    let unused = seen.now().after(session.used_at).unwrap_or_default();
    if unused >= IDLE || state.is_ended || state.dead.contains(&session.token) {
        return None;
    }
    // One that no header takes is none.
    let live = LiveSession::new(session.token.clone(), unused).ok()?;
    // Another process may just have logged in: an ambiguous rejection must not end its session at once.
    if unused < AMBIGUOUS_PAUSE {
        state.ambiguous = Some(Instant::now());
    }
    Some(live)
}
