//! One call: sent until its answer is final, within its time.

use std::{pin::pin, time::Duration};

use http::{
    HeaderName, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_LENGTH},
};
use reqwest::{Request, Response};
use tokio::time::Instant;
use tracing::Instrument as _;

use super::{
    LONGEST_TIMEOUT, ResponseKind, Settings, Transport,
    answer::{Judge, Outcome},
};
use crate::{
    Error,
    error::Disposition,
    events,
    generated::{Operation, Retry},
};

impl Transport {
    /// Sends a request and judges its answer, within the time of a call.
    pub(crate) async fn execute(
        &self,
        operation: &Operation,
        request: Request,
        kind: ResponseKind,
    ) -> Result<Response, Error> {
        let span = events::call(operation, &request);
        let limit = request.timeout().map_or(self.timeout(), |limit| LONGEST_TIMEOUT.min(*limit));
        let mut progress = Progress::default();
        let outcome = {
            // Pinned where it is: it is large, and would be copied with everything that is put around it.
            let work = pin!(self.send_until_final(operation, request, kind, limit, &mut progress));
            tokio::time::timeout(limit, work.instrument(span.clone())).await
        };
        let attempts = progress.attempts;
        let outcome = outcome.unwrap_or_else(|_| Err(self.cut_off(operation, limit, progress)));
        events::call_ended(&span, &outcome, attempts);
        outcome
    }

    /// The error of a call whose time is over: the failure of the last attempt, unless a request may have been processed
    /// that must not be sent twice.
    fn cut_off(&self, operation: &Operation, limit: Duration, progress: Progress) -> Error {
        let Progress { sent, phase, failure, .. } = progress;
        let retryable = operation.retry == Retry::Always || !sent;
        let failure = match phase {
            _ if !retryable => None,
            Phase::Session => self.session.as_ref().and_then(|session| session.failure()).map(Error::without_session),
            Phase::AccessToken => self.access_failure(),
            Phase::Request => failure,
        };
        failure.unwrap_or(Error::Timeout { after: limit, sent, retryable })
    }

    async fn send_until_final(
        &self,
        operation: &Operation,
        mut request: Request,
        kind: ResponseKind,
        limit: Duration,
        progress: &mut Progress,
    ) -> Result<Response, Error> {
        self.settings.origins.permit(request.url())?;
        let mut now = Instant::now();
        let deadline = now + limit;
        if request.body().is_none() && [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
            // As RFC 9110, section 8.6, asks: there are servers that insist on it.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // Once for all attempts, and before a token is on the request.
        self.settings.headers.add(request.headers_mut())?;
        let mut delays = self.settings.retry_policy.delays().take(if self.retries { usize::MAX } else { 0 });
        loop {
            self.attach_in(operation, &mut request, now, &mut progress.phase).await?;
            let token = |name: Option<&HeaderName>| name.and_then(|name| request.headers().get(name)).cloned();
            let tokens = Tokens {
                access: token(operation.access_token.then_some(&AUTHORIZATION)),
                session: token(operation.session_header()),
            };
            // With the tokens, which are put in their places anew if it is sent again. A stream cannot be had twice.
            let again = request.try_clone();
            let (was_sent, started) = (std::mem::replace(&mut progress.sent, true), Instant::now());
            progress.attempts += 1;
            let Settings { http, response_limit: limit, retry_policy, .. } = &*self.settings;
            let judge = Judge { operation, request: again.as_ref(), kind, limit: *limit, started, retry_policy };
            let attempt = async { judge.judge(http.execute(request).await).await };
            // One that is not sent again would lose its outcome and gain nothing.
            let is_cut = operation.retry == Retry::Always && again.is_some();
            let outcome = match retry_policy.attempt_limit().filter(|_| is_cut) {
                Some(limit) => tokio::time::timeout(limit, attempt).await.unwrap_or_else(|_| Outcome::cut_off(limit)),
                None => attempt.await,
            };
            let Outcome { result, disposition, wait, accepted } = outcome;
            // What certainly was not processed does not keep a later failure from being told as it is.
            let is_sent = !result.as_ref().is_err_and(Error::is_connect)
                && matches!(disposition, Disposition::Final | Disposition::Indeterminate);
            progress.sent = was_sent || is_sent;

            let is_renewable = if disposition == Disposition::Final {
                self.confirm(operation, &tokens, accepted, &result).await;
                false
            } else {
                self.invalidate(disposition, &tokens, deadline, progress).await
            };
            let pause = if is_renewable && operation.retry != Retry::IfNotSent {
                progress.renewals += 1;
                Some(pause_after(progress.renewals))
            } else if disposition.permits(operation.retry) {
                delays.next().map(|delay| delay.max(retry_policy.honoured(wait)))
            } else {
                None
            };
            // Whether an ambiguous rejection was processed is not certain.
            let is_safe = operation.retry != Retry::IfNotSent || disposition != Disposition::Unauthorized;
            let retryable = is_renewable && is_safe || disposition.permits(operation.retry);
            let result = result.map_err(|error| match error {
                // This attempt was not sent, but an earlier one was.
                Error::Connect(source) if was_sent => Error::Interrupted { source, retryable },
                error => error.with_retryable(retryable),
            });
            // What a new token puts right is not the cause of what comes after it.
            progress.failure = result.as_ref().err().filter(|_| !is_renewable).cloned();
            if let (Some(failure), Err(error)) = (&self.failure, &result) {
                failure.note(error);
            }
            // A server that took its time to refuse a connection will take it again: the deadline must not fall into it.
            let needed = if disposition == Disposition::NotSent { started.elapsed() } else { Duration::ZERO };
            let in_time = |pause: &Duration| pause.saturating_add(needed) < left(deadline);
            let (Some(next), Some(pause)) = (again, pause.filter(in_time)) else {
                if is_renewable
                    && disposition == Disposition::SessionExpired
                    && let Some(session) = &self.session
                {
                    progress.phase = Phase::Session;
                    session.token().await.map_err(Error::without_session)?;
                    return Err(Error::SessionRenewed);
                }
                return result;
            };
            events::request_resent(disposition.as_str(), pause);
            tokio::time::sleep(pause).await;
            (request, now) = (next, Instant::now());
        }
    }

    /// Invalidates the token that was refused. Returns whether the request is worth sending again with another one: with
    /// an access token once, with a session token as often as there is a newer one. There is one as often as the platform
    /// has accepted the one before, so a platform that accepts none is not flooded.
    async fn invalidate(
        &self,
        disposition: Disposition,
        tokens: &Tokens,
        deadline: Instant,
        progress: &mut Progress,
    ) -> bool {
        let (source, token) = match disposition {
            Disposition::InvalidToken => (&self.access, &tokens.access),
            Disposition::SessionExpired | Disposition::Unauthorized => (&self.session, &tokens.session),
            _ => return false,
        };
        let (Some(source), Some(token)) = (source, token) else { return false };
        // A second access token that is refused is kept: the next call may find that it holds.
        let is_second =
            disposition == Disposition::InvalidToken && std::mem::replace(&mut progress.has_renewed_access, true);
        if !is_second && source.invalidate(token, disposition) {
            return true;
        }
        if disposition != Disposition::SessionExpired {
            return false;
        }
        // Less than the call has, so that it returns the platform's answer.
        tokio::time::timeout(left(deadline) * 3 / 4, source.reconsider(token)).await.unwrap_or(false)
    }

    /// Confirms the session token that the platform has accepted, and closes a session that this request has ended.
    async fn confirm(&self, operation: &Operation, tokens: &Tokens, accepted: bool, result: &Result<Response, Error>) {
        if let (true, Some(source), Some(token)) = (accepted, &self.session, &tokens.session) {
            source.confirm(token);
            if operation.ends_session && result.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                source.ended(token).await;
            }
        }
    }
}

fn left(deadline: Instant) -> Duration {
    deadline.saturating_duration_since(Instant::now())
}

/// The pause after so many tokens were refused to one call. Two are no reason to wait. More of them come where the platform
/// ends sessions all the time, or where one address calls every session dead and the others accept them: a growing pause
/// keeps the latter from causing login after login.
fn pause_after(renewals: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(500);
    renewals
        .checked_sub(3)
        .map_or(Duration::ZERO, |doublings| FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST))
}

/// How far a call has come.
#[derive(Default)]
struct Progress {
    attempts: u32,
    /// Whether the platform may have processed the request.
    sent: bool,
    phase: Phase,
    /// Why the last attempt failed.
    failure: Option<Error>,
    has_renewed_access: bool,
    renewals: u32,
}

/// What a call waits for.
#[derive(Default)]
pub(super) enum Phase {
    #[default]
    Request,
    Session,
    AccessToken,
}

/// The tokens that this crate has put on a request.
struct Tokens {
    access: Option<HeaderValue>,
    session: Option<HeaderValue>,
}
