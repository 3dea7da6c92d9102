//! A reset of the password, sent once under a claim. The caller gets the new password even if the store fails afterwards.

use std::{sync::Arc, time::Duration};

use http::{HeaderValue, Method, header::ACCEPT};
use tokio::time::{Instant, timeout};

use super::{
    login::{Failure, SLACK, withheld},
    record::Claim,
    session_token::SessionTokens,
};
use crate::{
    Credentials, Error, ErrorResponse, Password,
    credentials::complete,
    events,
    generated::{Operation, client::types},
    guard::Finish,
    transport::{ResponseKind, TokenSource as _},
};

/// The name of the reset in the generated client.
const RESET: &str = "reset_connectivity_management_password";

impl SessionTokens {
    /// Resets the password; the old one is superseded.
    pub(crate) async fn reset_password(self: Arc<Self>, old: Password) -> Result<Password, Error> {
        let (claim, session) = self.claim_reset(&old, self.transport.timeout() + SLACK).await?;
        match self.send_reset(&claim, session.clone(), old.clone()).await {
            Ok(new) => {
                self.replaced(claim, old, new.clone()).await;
                Ok(new)
            }
            Err(error) => {
                if !error.is_unprocessed() {
                    events::reset_outcome_unknown(&error);
                }
                Err(self.not_reset(claim, &session, error).await)
            }
        }
    }

    /// A live session, and then the claim, both within the time of a call. The session is not renewed from then on, because
    /// no process can log in.
    pub(crate) async fn claim_reset(
        self: &Arc<Self>,
        old: &Password,
        time: Duration,
    ) -> Result<(Claim, HeaderValue), Error> {
        complete("old password", old.expose_secret()).map_err(Error::configuration)?;
        let (limit, start) = (self.transport.timeout(), Instant::now());
        let session = timeout(limit, self.session_for_use()).await.unwrap_or_else(|_| Err(self.late(limit)));
        let session = session.map_err(Error::without_session)?;
        let old = self.record.fingerprint(&Credentials::new(self.username(), old.clone()));
        let claim = self.claim(
            time,
            limit.saturating_sub(start.elapsed()),
            |seen| seen.record.decide_reset(seen.now()),
            |record, now| record.begin_reset(old, now, time),
        );
        Ok((claim.await?, session.header.value().clone()))
    }

    /// Sends the reset, once, with this session and no other, if enough of the claim is left.
    pub(crate) async fn send_reset(
        &self,
        claim: &Claim,
        session: HeaderValue,
        old: Password,
    ) -> Result<Password, Error> {
        let limit = self.transport.timeout();
        if claim.left() < limit {
            return Err(Error::LoginInProgress { after: limit });
        }
        let operation = Operation::by_id(RESET).ok_or_else(|| Error::configuration("the platform has no reset"))?;
        let method = Method::from_bytes(operation.method.as_bytes()).unwrap_or_default();
        let body = types::SessionResetPasswordRequest { old_password: old.into() };
        let url = format!("{}{}", self.base_url(), operation.path);
        let request = self.transport.http().request(method, url).header(ACCEPT, "application/json").json(&body);
        let request = request.build().map_err(Error::from_reqwest)?;
        let answer = self.with_session(session).execute(operation, request, ResponseKind::Typed).await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        self.responded(status, &headers);
        let body = answer.bytes().await.map_err(Error::from_reqwest)?;
        let result: Option<types::SessionResetPasswordResult> = serde_json::from_slice(&body).ok();
        let new = result.and_then(|result| result.new_password).filter(|new| !new.expose_secret().is_empty());
        // It may have another name in the body.
        let problem = "it holds no new password where one belongs, and the old one may be invalid: look into Error::body, \
                       then try one login with the old one before anything else";
        let response = || ErrorResponse::new(status, headers).with_body(&body);
        new.map(Password::from).ok_or_else(|| Error::unexpected(problem, response()))
    }

    /// Makes the new password replace the old one: in this process now, and elsewhere once the store has recorded it.
    pub(crate) async fn replaced(self: &Arc<Self>, claim: Claim, old: Password, new: Password) {
        events::password_reset();
        let new = Credentials::new(self.username(), new);
        let fingerprint = self.record.fingerprint(&new);
        self.supersede(old, new);
        self.finish(claim, Finish::Reset(fingerprint)).await;
    }

    /// Releases the claim if nothing was reset or the outcome is unknown, and renews a dead session. Returns the error for
    /// the caller.
    pub(crate) async fn not_reset(self: &Arc<Self>, claim: Claim, session: &HeaderValue, error: Error) -> Error {
        let finish = if error.is_unprocessed() { Finish::NotProcessed } else { Finish::ResetUnknown };
        self.finish(claim, finish).await;
        if !error.is_session_expired() {
            return error;
        }
        // The platform accepts no session, so the crate does not log in again.
        if !self.invalidate(session, crate::error::Disposition::SessionExpired) && !self.reconsider(session).await {
            return error;
        }
        let limit = self.transport.timeout();
        match timeout(limit, self.session_for_use()).await {
            Ok(Ok(_)) => Error::SessionRenewed,
            Ok(Err(error)) => error.without_session(),
            Err(_) => self.late(limit).without_session(),
        }
    }

    /// Makes the claim last for a reset and `beyond`.
    pub(crate) async fn extend(&self, claim: &mut Claim, beyond: Duration) -> Result<(), Error> {
        self.record.extend(claim, self.transport.timeout() + beyond + SLACK).await
    }

    /// The claim for the one login of a recovery, and `beyond`, with the session of the record as it is.
    pub(crate) async fn claim_recovery(&self, old: &Credentials, beyond: Duration) -> Result<Claim, Error> {
        // Before the claim, so that a failure keeps no other process waiting.
        self.transport.access().await?;
        let (limit, old) = (self.transport.timeout(), self.record.fingerprint(old));
        let time = limit + beyond + SLACK;
        let claim = self.claim(
            time,
            limit,
            |seen| seen.record.decide(old, seen.now()),
            |record, now| record.begin_recovery(old, now, time),
        );
        claim.await.inspect_err(withheld)
    }

    /// Sends the login of a recovery.
    pub(crate) async fn recover(self: &Arc<Self>, claim: Claim, old: &Credentials) -> Result<(), Error> {
        let outcome = self.log_in(claim, old).await.map(drop).map_err(|failure| match failure {
            Failure::Overtaken => Error::LoginInProgress { after: self.transport.timeout() },
            Failure::NotSent(error) | Failure::Final(error) => error,
        });
        outcome.inspect_err(withheld)
    }

    /// Releases a claim for which nothing was sent.
    pub(crate) async fn release(self: &Arc<Self>, claim: Claim) {
        self.finish(claim, Finish::NotProcessed).await;
    }
}
