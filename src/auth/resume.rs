//! A session that another program has started.

use std::{sync::Arc, time::Duration};

use super::{live_session::LiveSession, session_token::SessionTokens};
use crate::{Error, SessionToken, events, guard::StoredSession};

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
            let is_in_use = self.cache.cached().as_ref().is_some_and(|live| live.token == token);
            // A login in progress ends this session.
            if is_in_use && record.claimed(now).is_none() {
                record.session = Some(StoredSession { token: token.clone(), used_at: now });
            }
        });
        if let Err(error) = recorded.await {
            events::store_failed(&error, "it does not know the session that was resumed");
        }
    }
}
