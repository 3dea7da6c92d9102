//! Replaces a dead session by a new one: the procedure from top to bottom.
//!
//! One task of a process runs it for all callers, and the claim lets one process at a time log in.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

use super::{
    live_session::LiveSession,
    record::{CONFLICT_PAUSE, Claim, Seen},
    session_token::SessionTokens,
};
use crate::{
    Credentials, Error, ErrorResponse, Secret, SessionToken,
    error::Disposition,
    events,
    guard::{Begun, Decision, Fingerprint, Finish, Kept, Record, Timestamp},
    store::Version,
    transport::TokenHeader,
};

/// The time by which a claim outlasts its request.
pub(crate) const SLACK: Duration = Duration::from_secs(5);
/// The time before the end of a claim at which its request is cut off.
const MARGIN: Duration = Duration::from_secs(1);
/// The time that a caller waits for the store to record an outcome.
const FINISH_PATIENCE: Duration = Duration::from_secs(2);

/// Why a login returned no session.
pub(super) enum Failure {
    /// Load the record again: another process was faster.
    Overtaken,
    /// Try again after a pause: the request was not sent.
    NotSent(Error),
    Final(Error),
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self::Final(error.into())
    }
}

impl SessionTokens {
    /// A live session, within the time of a call.
    pub(super) async fn renew(self: &Arc<Self>) -> Result<Arc<LiveSession>, Error> {
        self.note_idle();
        let renewed = self.renew_in_time().await;
        match &renewed {
            Ok(_) => self.failure.clear(),
            Err(error) => withheld(error),
        }
        renewed
    }

    async fn renew_in_time(self: &Arc<Self>) -> Result<Arc<LiveSession>, Error> {
        let limit = self.transport.timeout();
        let end = Instant::now() + limit;
        // The platform may ask for a pause of any length.
        let in_time = |pause: &Duration| Instant::now().checked_add(*pause).is_some_and(|over| over < end);
        let late = || self.failure.get(limit).unwrap_or(Error::LoginInProgress { after: limit });
        let (mut pauses, mut provided) = (self.transport.pauses(), None);
        loop {
            if self.is_ended() {
                return Err(Error::SessionEnded);
            }
            let seen = self.record.load().await?;
            if let Some(live) = self.adopt(&seen) {
                return Ok(live);
            }
            // Before the claim, so that a slow provider keeps no other process waiting.
            let decided = match self.provided(&mut provided, seen.version).await {
                Ok(credentials) => {
                    let fingerprint = self.record.fingerprint(&credentials);
                    (seen.record.decide(fingerprint, seen.now()), Ok((credentials, fingerprint)))
                }
                // Another process may log in now.
                Err(error) => (seen.record.decide_reset(seen.now()), Err(error)),
            };
            let pause = match decided {
                (Decision::Go, Ok((credentials, fingerprint))) => {
                    match self.claim_and_log_in(seen, &credentials, fingerprint).await {
                        Ok(live) => return Ok(live),
                        Err(Failure::Final(error)) => return Err(error),
                        Err(Failure::Overtaken) if in_time(&CONFLICT_PAUSE) => CONFLICT_PAUSE,
                        Err(Failure::Overtaken) => return Err(late()),
                        Err(Failure::NotSent(error)) => {
                            self.failure.note(&error);
                            let retry_after =
                                error.headers().and_then(crate::transport::retry_after).unwrap_or_default();
                            pauses.next().map(|pause| pause.max(retry_after)).filter(in_time).ok_or(error)?
                        }
                    }
                }
                (Decision::Go, Err(error)) => return Err(error),
                (Decision::Suspended(suspension), _) => {
                    self.record.write_back(seen, FINISH_PATIENCE).await;
                    return Err(Error::LoginSuspended(suspension));
                }
                (Decision::Backoff(wait), _) if !in_time(&wait) => return Err(Error::LoginBackoff { wait }),
                // Another process may log in first.
                (Decision::Backoff(wait) | Decision::InProgress(wait), _) => {
                    let patience = wait.min(end.saturating_duration_since(Instant::now()));
                    if patience.is_zero() {
                        return Err(late());
                    }
                    self.record.changed(seen.version, patience).await;
                    Duration::ZERO
                }
            };
            sleep(pause).await;
        }
    }

    /// Asks the provider, again only if the record has changed: then it may return other credentials.
    async fn provided(
        &self,
        last: &mut Option<(Option<Version>, Result<Credentials, Error>)>,
        version: Option<Version>,
    ) -> Result<Credentials, Error> {
        match last {
            Some((seen, provided)) if *seen == version => provided.clone(),
            _ => {
                let provided = self.credentials().await;
                *last = Some((version, provided.clone()));
                provided
            }
        }
    }

    async fn claim_and_log_in(
        self: &Arc<Self>,
        seen: Seen,
        credentials: &Credentials,
        fingerprint: Fingerprint,
    ) -> Result<Arc<LiveSession>, Failure> {
        // Also before the claim.
        self.access_token().await?;
        let time = self.transport.timeout() + SLACK;
        let claim = self.record.begin(seen, time, |record, now| record.begin_login(fingerprint, now, time)).await?;
        self.log_in(claim.ok_or(Failure::Overtaken)?, credentials).await
    }

    async fn access_token(&self) -> Result<(), Failure> {
        self.waits_for_access.store(true, Ordering::Relaxed);
        let token = self.transport.access().await;
        self.waits_for_access.store(false, Ordering::Relaxed);
        token.map(drop).map_err(|error| match &error {
            Error::AccessToken { source } if !source.may_have_been_processed() && error.is_retryable() => {
                Failure::NotSent(error)
            }
            _ => Failure::Final(error),
        })
    }

    /// Waits for a claim for a login or a reset, for `patience` at most.
    pub(super) async fn claim(
        &self,
        time: Duration,
        patience: Duration,
        decide: impl Fn(&Seen) -> Decision,
        begin: impl Fn(&mut Record, Timestamp) -> Begun,
    ) -> Result<Claim, Error> {
        let end = Instant::now() + patience;
        loop {
            let seen = self.record.load().await?;
            let version = seen.version;
            let wait = match decide(&seen) {
                Decision::Go => match self.record.begin(seen, time, &begin).await? {
                    Some(claim) => return Ok(claim),
                    None => CONFLICT_PAUSE,
                },
                Decision::InProgress(left) => left,
                Decision::Backoff(wait) => return Err(Error::LoginBackoff { wait }),
                Decision::Suspended(suspension) => {
                    self.record.write_back(seen, FINISH_PATIENCE).await;
                    return Err(Error::LoginSuspended(suspension));
                }
            };
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Error::LoginInProgress { after: patience });
            }
            self.record.changed(version, wait.min(left)).await;
        }
    }

    /// Sends the login of this claim, and records its outcome.
    pub(super) async fn log_in(
        self: &Arc<Self>,
        claim: Claim,
        credentials: &Credentials,
    ) -> Result<Arc<LiveSession>, Failure> {
        let outcome = self.send_login(&claim, credentials).await;
        let finish = match &outcome {
            Ok(token) => Finish::LoggedIn(token.clone()),
            Err(error) => match error.disposition() {
                Disposition::NotSent | Disposition::NotProcessed => Finish::NotProcessed,
                Disposition::Final => Finish::Rejected { code: error.code().map(ToString::to_string) },
                _ => Finish::Unknown { is_answered: error.is_answered() },
            },
        };
        let suspension = outcome.as_ref().err().and_then(|error| {
            self.failure.note(error);
            claim.suspension(&finish)
        });
        let kept = self.finish(claim, finish.clone()).await;
        match outcome {
            Ok(token) if kept == Kept::Overtaken => {
                self.discard(token).await;
                Err(Failure::Overtaken)
            }
            Ok(token) => {
                if let Some(live) = self.publish(&token)? {
                    return Ok(live);
                }
                self.forget(&token).await;
                self.discard(token).await;
                Err(Error::SessionEnded.into())
            }
            Err(mut error) => {
                events::login_failed(&error);
                if let Some(suspension) = suspension {
                    if let Error::Platform(response) = &mut error {
                        response.of_a_login(self.record.is_default_store());
                    }
                    events::login_suspended(&suspension.reason);
                }
                let is_retried = finish == Finish::NotProcessed && error.is_retryable();
                Err(if is_retried { Failure::NotSent(error) } else { Failure::Final(error) })
            }
        }
    }

    /// Sends the login, if enough of the claim is left: two logins must not overlap.
    async fn send_login(&self, claim: &Claim, credentials: &Credentials) -> Result<SessionToken, Error> {
        if self.is_ended() {
            return Err(Error::SessionEnded);
        }
        let time = claim.left().saturating_sub(MARGIN);
        if time.is_zero() {
            return Err(Error::LoginInProgress { after: self.transport.timeout() });
        }
        let late = Err(Error::Timeout { after: time, sent: true, retryable: false });
        timeout(time, self.send(credentials)).await.unwrap_or(late)
    }

    async fn send(&self, credentials: &Credentials) -> Result<SessionToken, Error> {
        let password = Secret::from(credentials.password().clone());
        let login = self.api.start_connectivity_management_session();
        let login = login.body_map(|body| body.username(credentials.username()).password(password));
        let answer = login.send().await?;
        self.responded(answer.status(), answer.headers());
        let unfit =
            |problem: &str| Error::unexpected(problem, ErrorResponse::new(answer.status(), answer.headers().clone()));
        let token = answer.session_token.as_ref().filter(|token| !token.expose_secret().is_empty());
        let token = token.ok_or_else(|| unfit("it holds no session token"))?;
        TokenHeader::new(token.expose_secret())
            .map_err(|_| unfit("its session token holds characters that no header takes"))?;
        Ok(token.clone().into())
    }

    /// Records the outcome of an attempt. If the store is slow or fails, a background task continues without the caller.
    pub(super) async fn finish(self: &Arc<Self>, claim: Claim, finish: Finish) -> Kept {
        // The process may end with this error, and the rejection must be in the store before.
        let is_rejected = matches!(finish, Finish::Rejected { .. });
        let patience = if is_rejected { self.transport.timeout() / 2 } else { FINISH_PATIENCE };
        let (sender, mut receiver) = oneshot::channel();
        let tokens = self.clone();
        // Boxed, because tokio copies a task's future several times.
        tokio::spawn(Box::pin(async move {
            let mut sender = Some(sender);
            let failed = |error: &Error| {
                events::store_failed(error, consequence(&finish));
                if !is_rejected {
                    drop(sender.take());
                }
            };
            let kept = tokens.record.clone().settle(claim, finish.clone(), failed).await;
            let is_late = sender.take().is_none_or(|sender| sender.send(kept).is_err());
            let Finish::LoggedIn(token) = finish else { return };
            if is_late && kept == Kept::Overtaken {
                tokens.invalidate_token(&token);
                tokens.discard(token).await;
            } else if is_late && tokens.is_ended() {
                tokens.forget(&token).await;
            }
        }));
        let kept = timeout(patience, &mut receiver).await;
        // An outcome that arrives from here on is late.
        receiver.close();
        match kept {
            Ok(Ok(kept)) => kept,
            _ => receiver.try_recv().unwrap_or(Kept::Yes),
        }
    }
}

/// The consequence, if the store fails to record this outcome.
fn consequence(finish: &Finish) -> &'static str {
    match finish {
        Finish::LoggedIn(_) => "the new session is not recorded",
        Finish::Reset(_) => "a reset is not recorded yet, so other processes may log in with the old password",
        Finish::Rejected { .. } | Finish::Unknown { .. } => "a failed login is not recorded yet",
        Finish::NotProcessed | Finish::ResetUnknown => "the claim is not released yet; it expires",
    }
}

/// Reports to the operator that no login was sent, and why.
pub(super) fn withheld(error: &Error) {
    match error {
        Error::Store(error) => events::store_failed(error, "the crate sends no login without it"),
        Error::LoginSuspended(_)
        | Error::LoginBackoff { .. }
        | Error::LoginInProgress { .. }
        | Error::CredentialsProvider(_)
        | Error::Configuration { .. } => events::login_withheld(error),
        _ => {}
    }
}
