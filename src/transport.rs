//! The one way out: every request of this crate goes through [`Transport::carry`].
//!
//! It attaches the credentials that the operation needs, bounds the time and the memory of a call, repeats what may
//! be repeated, and judges the answer. It keeps three promises: tokens go to the platform and nowhere else, nothing
//! from the network causes a panic or an unbounded buffer, and an operation is sent twice only where `openapi.yaml`
//! allows it.

mod answer;
mod origin;
mod retries;
mod token;

use std::{
    fmt,
    future::Future,
    pin::{Pin, pin},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
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
pub(crate) use answer::{Handling, retry_after};
pub(crate) use origin::{Origins, is_loopback, parse as parse_url};
pub use retries::Retries;
pub(crate) use token::TokenHeader;

use crate::{
    Error,
    error::Carrier,
    events,
    generated::{Operation, Repeat, client, operations::SESSION_HEADER},
};
use answer::{Judge, Outcome, Stage};

/// Where the transport has a token from. Made above it, so that no import runs upwards.
pub(crate) trait TokenSource: Send + Sync {
    /// The header value of the token that is at hand and holds now, without waiting for anything.
    fn at_hand(&self, now: Instant) -> Option<HeaderValue>;

    /// The header value of the token that holds now.
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send + '_>>;

    /// Reports that this token was refused; a newer one is not touched. Whether asking for a token again is worth
    /// while.
    fn refused(&self, token: &HeaderValue, doubt: Doubt) -> bool;

    /// Reports that a request with this token was answered, and not because of the token.
    fn accepted(&self, _token: &HeaderValue) {}
}

/// How sure it is that a refused token is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Doubt {
    /// The other side says so.
    None,
    /// The other side refuses the request and does not say why.
    Some,
}

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
}

impl Transport {
    /// A transport that carries no token.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), access: None, session: None, repeats: true }
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
    pub(crate) async fn carry(
        &self,
        operation: &Operation,
        request: Request,
        handling: Handling,
    ) -> Result<Response, Error> {
        let span = events::call(operation, &request);
        let started = Instant::now();
        let limit = request.timeout().copied().unwrap_or(self.settings.timeout);
        let progress = Progress::default();
        // Pinned where it is: it is large, and would be copied with everything that is put around it.
        let work = pin!(self.attempts(operation, request, handling, started, limit, &progress));
        let outcome = tokio::time::timeout(limit, work.instrument(span.clone())).await.unwrap_or_else(|_| {
            let sent = progress.sent.load(Ordering::Relaxed);
            let retryable = operation.repeat == Repeat::Always || !sent;
            Err(Error::Timeout { after: limit, sent, retryable })
        });
        events::call_ended(&span, &outcome, progress.attempt.load(Ordering::Relaxed));
        outcome
    }

    async fn attempts(
        &self,
        operation: &Operation,
        mut request: Request,
        handling: Handling,
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
        let (mut renewed, mut now) = (Renewed::default(), started);
        loop {
            self.attach(operation, &mut request, now).await?;
            // With the tokens, which are put in their places anew if it is sent again. A stream cannot be had twice.
            let again = request.try_clone();
            let head = again.is_none().then(|| request.headers().clone());
            let sent =
                Sent { headers: again.as_ref().map(Request::headers).or(head.as_ref()), request: again.as_ref() };
            progress.attempt.fetch_add(1, Ordering::Relaxed);
            let was_sent = progress.sent.swap(true, Ordering::Relaxed);
            let Outcome { result, stage, wait } = self.attempt(operation, request, handling, sent).await;
            progress.sent.store(was_sent || !matches!(stage, Stage::Unsent | Stage::Mistrusted), Ordering::Relaxed);

            let renewable = self.report(operation, stage, sent, &mut renewed);
            let pause = if renewable && operation.repeat != Repeat::IfUnsent {
                Some(Duration::ZERO)
            } else if permits(operation.repeat, stage) {
                delays.next().map(|delay| delay.max(wait.unwrap_or_default()))
            } else {
                None
            };
            let in_time = |pause: &Duration| {
                deadline.is_none_or(|end| Instant::now().checked_add(*pause).is_some_and(|over| over < end))
            };
            let (Some(next), Some(pause)) = (again, pause.filter(in_time)) else {
                if renewable
                    && stage == Stage::SessionDead
                    && let Some(session) = &self.session
                {
                    session.token().await.map_err(Error::without_session)?;
                    return Err(Error::SessionRenewed);
                }
                let retryable = renewable || permits(operation.repeat, stage);
                return result.map_err(|error| match error {
                    // This attempt was not sent, but an earlier one was.
                    Error::Connect(source) if was_sent => Error::Interrupted { source, retryable },
                    error => error.with_retryable(retryable),
                });
            };
            events::request_resent(stage.as_str(), pause);
            tokio::time::sleep(pause).await;
            (request, now) = (next, Instant::now());
        }
    }

    /// Tells the source of a token that it was refused. Whether sending again with another one is worth while, which
    /// it is once for each kind.
    fn report(&self, operation: &Operation, stage: Stage, sent: Sent<'_>, renewed: &mut Renewed) -> bool {
        let access = || sent.headers?.get(AUTHORIZATION).filter(|_| operation.access_token);
        let session = || sent.headers?.get(&SESSION_HEADER).filter(|_| operation.session_token);
        let (source, token, renewed, doubt) = match stage {
            Stage::TokenRefused => (&self.access, access(), &mut renewed.access, Doubt::None),
            Stage::SessionDead => (&self.session, session(), &mut renewed.session, Doubt::None),
            Stage::SessionDoubted => (&self.session, session(), &mut renewed.session, Doubt::Some),
            Stage::Settled => {
                if let (Some(source), Some(token)) = (&self.session, session()) {
                    source.accepted(token);
                }
                return false;
            }
            _ => return false,
        };
        let (Some(source), Some(token)) = (source, token) else { return false };
        // What was renewed for this call is kept: the next one may find that it holds.
        !std::mem::replace(renewed, true) && source.refused(token, doubt)
    }

    async fn attempt(&self, operation: &Operation, request: Request, handling: Handling, sent: Sent<'_>) -> Outcome {
        let started = Instant::now();
        let Settings { http, response_limit, retries, .. } = &*self.settings;
        match http.execute(request).await {
            Ok(response) => {
                let judge = Judge { operation, sent, limit: *response_limit, started, retries };
                match handling {
                    Handling::Judge => judge.judge(response).await,
                    Handling::HandBack => judge.hand_back(response).await,
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
        let token = match source.at_hand(now) {
            Some(token) => Ok(token),
            None => source.token().await,
        };
        token.map(Some).map_err(|source| Error::AccessToken { source: Box::new(source) })
    }

    /// Puts on the request what the operation needs.
    pub(crate) async fn attach(
        &self,
        operation: &Operation,
        request: &mut Request,
        mut now: Instant,
    ) -> Result<(), Error> {
        if operation.session_token {
            // First, because without a session nothing at all is to be sent.
            let source = self.session.as_ref();
            let source = source.ok_or_else(|| Error::SessionRequired { operation: operation.id.to_owned() })?;
            let token = if let Some(token) = source.at_hand(now) {
                token
            } else {
                let token = source.token().await.map_err(Error::without_session)?;
                now = Instant::now();
                token
            };
            request.headers_mut().insert(&SESSION_HEADER, token);
        }
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

/// How far a call has come, for the span and for the case that its time runs out.
#[derive(Default)]
struct Progress {
    attempt: AtomicU32,
    sent: AtomicBool,
}

/// What was sent, to find in it what the answer is about.
#[derive(Clone, Copy)]
struct Sent<'a> {
    headers: Option<&'a HeaderMap>,
    /// Not there if its body is a stream.
    request: Option<&'a Request>,
}

/// Which tokens a call has had renewed.
#[derive(Default)]
struct Renewed {
    access: bool,
    session: bool,
}

/// Whether an operation may be sent again after it came to nothing at this stage.
fn permits(repeat: Repeat, stage: Stage) -> bool {
    match stage {
        Stage::Settled | Stage::Mistrusted | Stage::TokenRefused | Stage::SessionDead | Stage::SessionDoubted => false,
        Stage::Unsent => true,
        Stage::Unprocessed => repeat != Repeat::IfUnsent,
        Stage::Unknown => repeat == Repeat::Always,
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
    Operation { id: "send", repeat, ..answer::ANY }
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
            Some(operation) => self.inner().carry(operation, request, Handling::Judge).await,
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
