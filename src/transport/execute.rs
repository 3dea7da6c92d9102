//! One call: sends the request until its response is final, within the time of the call.

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
    answer::{Classifier, Outcome},
};
use crate::{
    Error,
    error::Disposition,
    events,
    generated::{Operation, Retry},
};

impl Transport {
    /// Sends a request and classifies its response, within the time of a call.
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
            // Pinned in place: the future is large, and each wrapper would copy it.
            let work = pin!(self.send_until_final(operation, request, kind, limit, &mut progress));
            tokio::time::timeout(limit, work.instrument(span.clone())).await
        };
        let attempts = progress.attempts;
        let outcome = outcome.unwrap_or_else(|_| Err(self.cut_off(operation, limit, progress)));
        events::call_ended(&span, &outcome, attempts);
        outcome
    }

    /// The error of a call whose time has expired: the failure of the last attempt, unless the platform may have processed
    /// a request that must not be sent twice.
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
            // RFC 9110, section 8.6, asks for it, and some servers insist.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        // Once for all attempts, and before the request has a token.
        self.settings.headers.add(request.headers_mut())?;
        let mut delays = self.settings.retry_policy.delays().take(if self.retries { usize::MAX } else { 0 });
        loop {
            self.attach_in(operation, &mut request, now, &mut progress.phase).await?;
            let token = |name: Option<&HeaderName>| name.and_then(|name| request.headers().get(name)).cloned();
            let tokens = Tokens {
                access: token(operation.access_token.then_some(&AUTHORIZATION)),
                session: token(operation.session_header()),
            };
            // The copy has these tokens; a retry replaces them. A stream cannot be copied.
            let again = request.try_clone();
            let (was_sent, started) = (std::mem::replace(&mut progress.sent, true), Instant::now());
            progress.attempts += 1;
            let Settings { http, response_limit: limit, retry_policy, .. } = &*self.settings;
            let classifier =
                Classifier { operation, request: again.as_ref(), kind, limit: *limit, started, retry_policy };
            let attempt = async { classifier.classify(http.execute(request).await).await };
            // Without a retry, cutting an attempt off would only hide its outcome.
            let is_cut = operation.retry == Retry::Always && again.is_some();
            let outcome = match retry_policy.attempt_limit().filter(|_| is_cut) {
                Some(limit) => tokio::time::timeout(limit, attempt).await.unwrap_or_else(|_| Outcome::cut_off(limit)),
                None => attempt.await,
            };
            let Outcome { result, disposition, wait, accepted } = outcome;
            // An attempt that was certainly not processed does not change how a later failure is reported.
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
            // An ambiguous rejection may have been processed.
            let is_safe = operation.retry != Retry::IfNotSent || disposition != Disposition::Unauthorized;
            let retryable = is_renewable && is_safe || disposition.permits(operation.retry);
            let result = result.map_err(|error| match error {
                // This attempt was not sent, but an earlier one was.
                Error::Connect(source) if was_sent => Error::Interrupted { source, retryable },
                error => error.with_retryable(retryable),
            });
            // A failure that a new token corrects is not the cause of a later one.
            progress.failure = result.as_ref().err().filter(|_| !is_renewable).cloned();
            if let (Some(failure), Err(error)) = (&self.failure, &result) {
                failure.note(error);
            }
            // Another attempt to connect will take as long as this one. It has to end before the deadline.
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

    /// Invalidates the rejected token. Returns whether to send the request again with another one: once for an access
    /// token, and for a session token as often as there is a newer one. The cache fetches a newer session token only after
    /// the platform has accepted the one before, so the crate does not flood a platform that accepts none.
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
        // Keep a second access token that is rejected: the platform may accept it in the next call.
        let is_second =
            disposition == Disposition::InvalidToken && std::mem::replace(&mut progress.has_renewed_access, true);
        if !is_second && source.invalidate(token, disposition) {
            return true;
        }
        if disposition != Disposition::SessionExpired {
            return false;
        }
        // Less than the time that is left, so that the call returns the platform's response.
        tokio::time::timeout(left(deadline) * 3 / 4, source.reconsider(token)).await.unwrap_or(false)
    }

    /// Confirms a session token that the platform has accepted, and closes a session that this request has ended.
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

/// The pause after this many rejected tokens in one call. After two there is none. More occur if the platform ends
/// sessions all the time, or if one of its addresses calls every session dead and the others accept them. In that case
/// a growing pause limits the logins.
fn pause_after(renewals: u32) -> Duration {
    const FIRST: Duration = Duration::from_millis(10);
    const LONGEST: Duration = Duration::from_millis(500);
    renewals
        .checked_sub(3)
        .map_or(Duration::ZERO, |doublings| FIRST.saturating_mul(1 << doublings.min(10)).min(LONGEST))
}

/// The progress of a call.
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

/// The step that a call waits for.
#[derive(Default)]
pub(super) enum Phase {
    #[default]
    Request,
    Session,
    AccessToken,
}

/// The tokens of one attempt.
struct Tokens {
    access: Option<HeaderValue>,
    session: Option<HeaderValue>,
}
