//! The one way out: every request of this crate goes through [`Transport::execute`].
//!
//! It attaches the credentials that the operation needs, bounds the time and the memory of a call, repeats what may
//! be repeated, and judges the answer. It keeps three promises: tokens go to the platform and nowhere else, nothing
//! from the network causes a panic or an unbounded buffer, and an operation is sent twice only where `openapi.yaml`
//! allows it.

mod answer;
mod disposition;
mod last_failure;
mod origin;
mod progress;
mod retries;
mod token;
mod token_source;

use std::{
    fmt,
    pin::pin,
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method,
    header::{AUTHORIZATION, CONTENT_LENGTH},
};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{Body, Request, Response};
use tokio::time::Instant;
use tracing::Instrument as _;

#[cfg(feature = "__bench")]
pub(crate) use answer::ANY;
pub(crate) use answer::{ResponseKind, retry_after};
pub(crate) use last_failure::LastFailure;
pub(crate) use origin::{Origins, is_loopback, parse as parse_url};
pub use retries::Retries;
pub(crate) use token::TokenHeader;
pub(crate) use token_source::{Rejection, TokenSource};

use crate::{
    Error,
    error::Carrier,
    events,
    generated::{Operation, Repeat, client, operations::SESSION_HEADER},
};
use answer::{Judge, Outcome};
use disposition::Disposition;
use progress::{Phase, Progress};

/// What does not change from call to call.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) http: reqwest::Client,
    pub(crate) origins: Origins,
    pub(crate) timeout: Duration,
    pub(crate) response_limit: usize,
    pub(crate) retries: Retries,
}

/// Carries requests, with the tokens that it was given sources for. The generated client's inner type.
#[derive(Clone)]
pub struct Transport {
    settings: Arc<Settings>,
    access: Option<Arc<dyn TokenSource>>,
    session: Option<Arc<dyn TokenSource>>,
    repeats: bool,
    /// Where a failed attempt is noted for callers that wait for the token which it is to fetch.
    failure: Option<LastFailure>,
}

impl Transport {
    /// A transport that carries no token.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), access: None, session: None, repeats: true, failure: None }
    }

    /// The same with access tokens.
    pub(crate) fn with_access(&self, source: Arc<dyn TokenSource>) -> Self {
        Self { access: Some(source), ..self.clone() }
    }

    /// The same with session tokens.
    pub(crate) fn with_session(&self, source: Arc<dyn TokenSource>) -> Self {
        Self { session: Some(source), ..self.clone() }
    }

    /// The same, which leaves repeats to its caller; a refused access token is still renewed.
    pub(crate) fn once(&self) -> Self {
        Self { repeats: false, ..self.clone() }
    }

    /// The same, which notes failed attempts there.
    pub(crate) fn noting(&self, failure: LastFailure) -> Self {
        Self { failure: Some(failure), ..self.clone() }
    }

    /// Why the last attempt to get an access token failed, while the next one is under way.
    pub(crate) fn access_failure(&self) -> Option<Error> {
        self.access.as_ref()?.failure().map(|source| Error::AccessToken { source: Box::new(source) })
    }

    /// The time of a call, short enough that a moment can be found by adding it.
    pub(crate) fn timeout(&self) -> Duration {
        const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);
        self.settings.timeout.min(A_YEAR)
    }

    /// The pauses between tries that have not reached the platform, for as long as there is time.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.settings.retries.unending()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.settings.http
    }

    /// Whether a URL leads to where the tokens may go.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(crate) fn serves(&self, url: &reqwest::Url) -> bool {
        self.settings.origins.contain(url)
    }

    /// Sends a request and judges its answer, within the time of a call.
    pub(crate) async fn execute(
        &self,
        operation: &Operation,
        request: Request,
        kind: ResponseKind,
    ) -> Result<Response, Error> {
        let span = events::call(operation, &request);
        let started = Instant::now();
        let limit = request.timeout().copied().unwrap_or(self.settings.timeout);
        let progress = Progress::default();
        // Pinned where it is: it is large, and would be copied with everything that is put around it.
        let work = pin!(self.send_until_final(operation, request, kind, started, limit, &progress));
        let outcome = tokio::time::timeout(limit, work.instrument(span.clone())).await;
        let outcome = outcome.unwrap_or_else(|_| Err(self.cut_off(operation, limit, &progress)));
        events::call_ended(&span, &outcome, progress.attempt.load(Ordering::Relaxed));
        outcome
    }

    /// The error of a call whose time is over: the failure of the last attempt, unless a request may have been processed
    /// that must not be sent twice.
    fn cut_off(&self, operation: &Operation, limit: Duration, progress: &Progress) -> Error {
        let sent = progress.sent.load(Ordering::Relaxed);
        let retryable = operation.repeat == Repeat::Always || !sent;
        let failure = match progress.phase() {
            _ if !retryable => None,
            Phase::Session => self.session.as_ref().and_then(|session| session.failure()).map(Error::without_session),
            Phase::AccessToken => self.access_failure(),
            Phase::Request => progress.failure(),
        };
        failure.unwrap_or(Error::Timeout { after: limit, sent, retryable })
    }

    async fn send_until_final(
        &self,
        operation: &Operation,
        mut request: Request,
        kind: ResponseKind,
        started: Instant,
        limit: Duration,
        progress: &Progress,
    ) -> Result<Response, Error> {
        self.settings.origins.permit(request.url())?;
        let deadline = started.checked_add(limit);
        if request.body().is_none() && [Method::POST, Method::PUT, Method::PATCH].contains(request.method()) {
            // As RFC 9110, section 8.6, asks: there are servers that insist on it.
            request.headers_mut().insert(CONTENT_LENGTH, HeaderValue::from_static("0"));
        }
        let mut delays = self.settings.retries.delays().take(if self.repeats { usize::MAX } else { 0 });
        let (mut has_renewed_access, mut renewals, mut now) = (false, 0, started);
        loop {
            self.attach_in(operation, &mut request, now, progress).await?;
            progress.enter(Phase::Request);
            // With the tokens, which are put in their places anew if it is sent again. A stream cannot be had twice.
            let again = request.try_clone();
            let head = again.is_none().then(|| request.headers().clone());
            let sent =
                Sent { headers: again.as_ref().map(Request::headers).or(head.as_ref()), request: again.as_ref() };
            progress.attempt.fetch_add(1, Ordering::Relaxed);
            let (was_sent, began) = (progress.sent.swap(true, Ordering::Relaxed), Instant::now());
            let Outcome { result, disposition, wait, accepted } = self.send_once(operation, request, kind, sent).await;
            // What certainly was not processed does not keep a later failure from being told as it is.
            let is_sent = !result.as_ref().is_err_and(Error::is_connect)
                && matches!(disposition, Disposition::Final | Disposition::Indeterminate);
            progress.sent.store(was_sent || is_sent, Ordering::Relaxed);

            let renewable = match disposition {
                Disposition::Final => {
                    self.confirm(operation, sent, accepted, &result).await;
                    false
                }
                _ => self.invalidate(operation, disposition, sent, deadline, &mut has_renewed_access).await,
            };
            let pause = if renewable && operation.repeat != Repeat::IfUnsent {
                renewals += 1;
                Some(pause_after(renewals))
            } else if disposition.permits(operation.repeat) {
                delays.next().map(|delay| delay.max(wait.unwrap_or_default()))
            } else {
                None
            };
            // Whether an ambiguous rejection was processed is not certain.
            let is_safe = operation.repeat != Repeat::IfUnsent || disposition != Disposition::Unauthorized;
            let retryable = renewable && is_safe || disposition.permits(operation.repeat);
            let result = result.map_err(|error| match error {
                // This attempt was not sent, but an earlier one was.
                Error::Connect(source) if was_sent => Error::Interrupted { source, retryable },
                error => error.with_retryable(retryable),
            });
            // What a new token puts right is not the cause of what comes after it.
            progress.note(result.as_ref().err().filter(|_| !renewable));
            if let (Some(failure), Err(error)) = (&self.failure, &result) {
                failure.note(error);
            }
            // A server that took its time to refuse a connection will take it again: the deadline must not fall into it.
            let needed = if disposition == Disposition::NotSent { began.elapsed() } else { Duration::ZERO };
            let in_time = |pause: &Duration| {
                let over =
                    |end| Instant::now().checked_add(pause.saturating_add(needed)).is_some_and(|over| over < end);
                deadline.is_none_or(over)
            };
            let (Some(next), Some(pause)) = (again, pause.filter(in_time)) else {
                if renewable
                    && disposition == Disposition::SessionExpired
                    && let Some(session) = &self.session
                {
                    progress.enter(Phase::Session);
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
        operation: &Operation,
        disposition: Disposition,
        sent: Sent<'_>,
        deadline: Option<Instant>,
        has_renewed_access: &mut bool,
    ) -> bool {
        let (source, token, rejection) = match disposition {
            Disposition::InvalidToken => (&self.access, sent.access_token(operation), Rejection::Explicit),
            Disposition::SessionExpired => (&self.session, sent.session_token(operation), Rejection::Explicit),
            Disposition::Unauthorized => (&self.session, sent.session_token(operation), Rejection::Ambiguous),
            _ => return false,
        };
        let (Some(source), Some(token)) = (source, token) else { return false };
        // A second access token that is refused is kept: the next call may find that it holds.
        let is_second = disposition == Disposition::InvalidToken && std::mem::replace(has_renewed_access, true);
        if !is_second && source.invalidate(token, rejection) {
            return true;
        }
        if disposition != Disposition::SessionExpired {
            return false;
        }
        // Less than the call has, so that it returns the platform's answer.
        let left = deadline.map_or(Duration::MAX, |end| end.saturating_duration_since(Instant::now()));
        let patience = left.saturating_sub(left / 4);
        tokio::time::timeout(patience, source.reconsider(token)).await.unwrap_or(false)
    }

    /// Confirms the session token that the platform has accepted, and closes a session that this request has ended.
    async fn confirm(&self, operation: &Operation, sent: Sent<'_>, accepted: bool, result: &Result<Response, Error>) {
        if let (true, Some(source), Some(token)) = (accepted, &self.session, sent.session_token(operation)) {
            source.confirm(token);
            if operation.ends_session && result.as_ref().is_ok_and(|answer| answer.status().is_success()) {
                source.ended(token).await;
            }
        }
    }

    async fn send_once(&self, operation: &Operation, request: Request, kind: ResponseKind, sent: Sent<'_>) -> Outcome {
        let started = Instant::now();
        let Settings { http, response_limit, retries, .. } = &*self.settings;
        match http.execute(request).await {
            Ok(response) => {
                let judge = Judge { operation, sent, limit: *response_limit, started, retries };
                match kind {
                    ResponseKind::Typed => judge.judge(response).await,
                    ResponseKind::Raw => judge.hand_back(response).await,
                }
            }
            Err(error) => Outcome::failed(error, started.elapsed()),
        }
    }

    /// The access token that holds now, if this transport carries one.
    pub(crate) async fn access(&self) -> Result<Option<HeaderValue>, Error> {
        self.access_at(Instant::now()).await
    }

    async fn access_at(&self, now: Instant) -> Result<Option<HeaderValue>, Error> {
        let Some(source) = &self.access else { return Ok(None) };
        let token = match source.cached(now) {
            Some(token) => Ok(token),
            None => source.token().await,
        };
        token.map(Some).map_err(|source| Error::AccessToken { source: Box::new(source) })
    }

    /// Puts on the request what the operation needs.
    #[cfg(feature = "__bench")]
    pub(crate) async fn attach(&self, operation: &Operation, request: &mut Request, now: Instant) -> Result<(), Error> {
        self.attach_in(operation, request, now, &Progress::default()).await
    }

    async fn attach_in(
        &self,
        operation: &Operation,
        request: &mut Request,
        mut now: Instant,
        progress: &Progress,
    ) -> Result<(), Error> {
        if operation.session_token {
            // First, because without a session nothing at all is to be sent.
            let source = self.session.as_ref();
            let source = source.ok_or_else(|| Error::SessionRequired { operation: operation.id.to_owned() })?;
            let token = if let Some(token) = source.cached(now) {
                token
            } else {
                progress.enter(Phase::Session);
                let token = source.token().await.map_err(Error::without_session)?;
                now = Instant::now();
                token
            };
            request.headers_mut().insert(&SESSION_HEADER, token);
        }
        progress.enter(Phase::AccessToken);
        if operation.access_token
            && let Some(token) = self.access_at(now).await?
        {
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        Ok(())
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Transport").finish_non_exhaustive()
    }
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

/// What was sent, to find in it what the answer is about.
#[derive(Clone, Copy)]
struct Sent<'a> {
    headers: Option<&'a HeaderMap>,
    /// Not there if its body is a stream.
    request: Option<&'a Request>,
}

impl<'a> Sent<'a> {
    fn access_token(self, operation: &Operation) -> Option<&'a HeaderValue> {
        self.headers?.get(AUTHORIZATION).filter(|_| operation.access_token)
    }

    fn session_token(self, operation: &Operation) -> Option<&'a HeaderValue> {
        self.headers?.get(&SESSION_HEADER).filter(|_| operation.session_token)
    }
}

/// The operation that stands for a request of the caller's own making. One that `openapi.yaml` describes is treated
/// as described there; any other is repeated after any passing failure if its method is safe (RFC 9110, section
/// 9.2.1), and else only where the platform has not seen it.
pub(crate) fn as_sent(method: &Method, path_below_base: Option<&str>) -> Operation {
    let described = path_below_base.and_then(|path| Operation::by_request(method.as_str(), path));
    let repeat = match described {
        Some(operation) => operation.repeat,
        None if method.is_safe() => Repeat::Always,
        None => Repeat::IfUnprocessed,
    };
    let ends_session = described.is_some_and(|operation| operation.ends_session);
    Operation { id: "send", repeat, ends_session, ..answer::ANY }
}

/// The path of a base URL as this crate writes one: without the slash at its end, and with nothing behind it.
fn path_of(base_url: &str) -> Option<&str> {
    let (_, rest) = base_url.split_once("://")?;
    Some(rest.find('/').map_or("", |start| rest.split_at(start).1).trim_end_matches('/'))
}

impl ClientHooks<Transport> for client::Client {
    /// A typed error travels inside the [`reqwest::Error`] of a body that cannot be read, because this signature has
    /// room for no other; `From<api::Error<E>> for Error` takes it out again.
    async fn exec(&self, mut request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        // progenitor's own header, which the platform does not know.
        request.headers_mut().remove("api-version");
        let below = path_of(self.baseurl()).and_then(|base| request.url().path().strip_prefix(base));
        let outcome = match Operation::by_id(info.operation_id) {
            Some(operation) if !below.is_some_and(|path| operation.is_at(path)) => Err(Error::InvalidRequest {
                problem: "a parameter of the path is empty, or is . or .., or holds a backslash, which a URL reads as \
                          another path"
                    .to_owned(),
            }),
            Some(operation) => self.inner().execute(operation, request, ResponseKind::Typed).await,
            None => Err(Error::InvalidRequest { problem: format!("{} is no operation", info.operation_id) }),
        };
        match outcome {
            Ok(response) => Ok(response),
            Err(error) => {
                let body = futures_util::stream::iter([Err::<Bytes, _>(Carrier(error))]);
                let carrier = Response::from(http::Response::new(Body::wrap_stream(body)));
                let error = carrier.bytes().await.map_err(reqwest::Error::without_url);
                error.map(|rest| Response::from(http::Response::new(rest)))
            }
        }
    }
}
