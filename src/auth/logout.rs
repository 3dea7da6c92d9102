//! The end of a session: on the platform, in the record and in this process.

use std::{sync::Arc, time::Duration};

use http::HeaderValue;
use tokio::time::Instant;

use super::{
    live_session::{IDLE, LiveSession},
    session_token::SessionTokens,
};
use crate::{Error, SessionToken, events, generated::client as api};

impl SessionTokens {
    async fn log_out(&self, header: HeaderValue) -> Result<api::ResponseValue<impl Sized + use<>>, Error> {
        let transport = self.with_session(header);
        let client = api::Client::new_with_client(self.base_url(), transport.http().clone(), transport);
        Ok(client.end_connectivity_management_session().send().await?)
    }

    /// Logs an unused session out, and ignores the outcome.
    pub(super) async fn discard(&self, token: SessionToken) {
        if let Ok(session) = LiveSession::new(token, Duration::ZERO) {
            let _ = self.log_out(session.header.value().clone()).await;
        }
    }

    /// Ends the session on the platform, in the record and in this process. Starts no session for that, and sends no
    /// request for a session that is known to be dead.
    pub(crate) async fn end(&self) -> Result<(), Error> {
        let dead = {
            let state = self.state();
            if state.is_ended {
                return Err(Error::SessionEnded);
            }
            state.dead.back().cloned()
        };
        let live = self.cache.cached().clone();
        if let Some(live) = &live
            && (!live.is_idle(Instant::now()) || self.is_used_elsewhere(&live.token).await)
        {
            match self.log_out(live.header.value().clone()).await {
                Ok(response) => self.responded(response.status(), response.headers()),
                Err(error) if error.is_session_expired() => {}
                Err(error) => return Err(error),
            }
        }
        let left = self.close();
        if let Some(ended) = live.map(|live| live.token.clone()).or(dead) {
            self.forget_all(&ended, left).await;
        }
        events::session_ended();
        Ok(())
    }

    /// Drops an ended session from the record. Also ends the session that another task has started meanwhile, because the
    /// platform had rejected the first one.
    pub(super) async fn forget_all(&self, ended: &SessionToken, left: Option<Arc<LiveSession>>) {
        self.forget(ended).await;
        if let Some(other) = left.filter(|other| other.token != *ended) {
            self.forget(&other.token).await;
            self.discard(other.token.clone()).await;
        }
    }

    /// Closes the session: no request is sent from here on. Returns the session that was in use.
    pub(super) fn close(&self) -> Option<Arc<LiveSession>> {
        self.state().is_ended = true;
        self.cache.take()
    }

    /// Whether another process has used a session that was idle here; assumed, if the store fails.
    async fn is_used_elsewhere(&self, token: &SessionToken) -> bool {
        let Ok(seen) = self.record.load().await else { return true };
        let session = seen.record.session.as_ref().filter(|session| session.token == *token);
        session.is_some_and(|session| seen.now().after(session.used_at).unwrap_or_default() < IDLE)
    }

    pub(super) async fn forget(&self, token: &SessionToken) {
        let forgotten = self.record.update(|record, _| {
            record.session.take_if(|session| session.token == *token);
        });
        if let Err(error) = forgotten.await {
            events::store_failed(&error, "an ended session is still recorded");
        }
    }
}
