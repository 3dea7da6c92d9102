//! Sends every request of this crate, by [`Transport::execute`].
//!
//! It attaches the tokens that the operation needs, limits the time and the memory of a call, sends requests again where
//! that is allowed, and classifies the response. It keeps three promises: tokens go to the platform only, no input from
//! the network causes a panic or an unbounded buffer, and an operation is sent twice only where `openapi.yaml` allows it.

mod answer;
mod execute;
mod last_failure;
mod misfit;
mod origin;
mod own_headers;
mod retry_policy;
mod token;
mod token_source;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method, header::AUTHORIZATION};
use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::{Body, Request, Response};
use tokio::time::Instant;
use url::Position;

pub(crate) use answer::{ANY, ResponseKind, retry_after};
pub(crate) use last_failure::LastFailure;
pub(crate) use origin::{Origins, is_loopback, parse as parse_url};
pub(crate) use own_headers::OwnHeaders;
pub use retry_policy::RetryPolicy;
pub(crate) use token::TokenHeader;
pub(crate) use token_source::TokenSource;

use crate::{
    Error,
    generated::{Operation, Retry, client},
};
use execute::Phase;

/// The maximum time of a call. Adding it to an `Instant` does not overflow.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// progenitor's own header, which the platform does not know.
static API_VERSION: HeaderName = HeaderName::from_static("api-version");

/// The settings, which are the same for all calls.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) http: reqwest::Client,
    pub(crate) origins: Origins,
    pub(crate) timeout: Duration,
    pub(crate) response_limit: usize,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) headers: OwnHeaders,
}

/// Sends requests with the tokens of its sources. The generated client's inner type.
#[derive(Clone)]
pub struct Transport {
    settings: Arc<Settings>,
    access: Option<Arc<dyn TokenSource>>,
    session: Option<Arc<dyn TokenSource>>,
    retries: bool,
    /// Keeps the last failure for callers that wait for the token of this request.
    failure: Option<LastFailure>,
}

debug!(Transport, |_this| "Transport {{ .. }}");

impl Transport {
    /// A transport without tokens.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), access: None, session: None, retries: true, failure: None }
    }

    /// A copy with access tokens.
    pub(crate) fn with_access(&self, source: Arc<dyn TokenSource>) -> Self {
        Self { access: Some(source), ..self.clone() }
    }

    /// A copy with session tokens.
    pub(crate) fn with_session(&self, source: Arc<dyn TokenSource>) -> Self {
        Self { session: Some(source), ..self.clone() }
    }

    /// A copy that leaves retries to its caller. It still renews a rejected access token.
    pub(crate) fn once(&self) -> Self {
        Self { retries: false, ..self.clone() }
    }

    /// A copy that records failed attempts in `failure`.
    pub(crate) fn noting(&self, failure: LastFailure) -> Self {
        Self { failure: Some(failure), ..self.clone() }
    }

    /// Why the last attempt to get an access token failed, while the next one is under way.
    pub(crate) fn access_failure(&self) -> Option<Error> {
        self.access.as_ref()?.failure().map(Error::without_access)
    }

    /// The time of a call.
    pub(crate) fn timeout(&self) -> Duration {
        self.settings.timeout.min(LONGEST_TIMEOUT)
    }

    /// The pauses between attempts that have not reached the platform, without an end.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.settings.retry_policy.unending()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.settings.http
    }

    /// Whether the tokens may go to this URL.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(crate) fn serves(&self, url: &reqwest::Url) -> bool {
        self.settings.origins.contain(url)
    }

    /// The current access token, if this transport has a source of them.
    pub(crate) async fn access(&self) -> Result<Option<HeaderValue>, Error> {
        let Some(source) = &self.access else { return Ok(None) };
        let token = current(source, &mut Instant::now()).await;
        token.map(Some).map_err(Error::without_access)
    }

    /// Puts the tokens on the request that the operation needs.
    #[cfg(feature = "__bench")]
    pub(crate) async fn attach(&self, operation: &Operation, request: &mut Request, now: Instant) -> Result<(), Error> {
        self.attach_in(operation, request, now, &mut Phase::default()).await
    }

    async fn attach_in(
        &self,
        operation: &Operation,
        request: &mut Request,
        mut now: Instant,
        phase: &mut Phase,
    ) -> Result<(), Error> {
        if let Some(header) = operation.session_header() {
            // First: without a session the crate does not fetch an access token either.
            let source = self.session.as_ref().ok_or_else(|| Error::InvalidRequest {
                problem: format!("{} needs a session: start one and call it through Session::api()", operation.id),
            })?;
            *phase = Phase::Session;
            let token = current(source, &mut now).await.map_err(Error::without_session)?;
            request.headers_mut().insert(header, token);
        }
        if let Some(source) = self.access.as_ref().filter(|_| operation.access_token) {
            *phase = Phase::AccessToken;
            let token = current(source, &mut now).await.map_err(Error::without_access)?;
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        *phase = Phase::Request;
        Ok(())
    }
}

/// The cached token, or the one that the source fetches.
async fn current(source: &Arc<dyn TokenSource>, now: &mut Instant) -> Result<HeaderValue, Error> {
    if let Some(token) = source.cached(*now) {
        return Ok(token);
    }
    let token = source.token().await;
    *now = Instant::now();
    token
}

/// The operation for a request that the caller has built. If `openapi.yaml` describes it, its rules apply. Otherwise the
/// crate sends it again after any passing failure if its method is safe (RFC 9110, section 9.2.1), and else only if the
/// platform has not processed it. The caller's wish applies within the limits of the document.
pub(crate) fn as_sent(method: &Method, path_below_base: Option<&str>, wished: Option<Retry>) -> Operation {
    let described = path_below_base.and_then(|path| Operation::by_request(method.as_str(), path));
    let retry = match described {
        Some(operation) => wished.map_or(operation.retry, |wished| wished.stricter(operation.retry)),
        None => wished.unwrap_or(if method.is_safe() { Retry::Always } else { Retry::IfNotProcessed }),
    };
    let ends_session = described.is_some_and(|operation| operation.ends_session);
    let session_header = described.and_then(|operation| operation.session_header).or(ANY.session_header);
    Operation { id: "send", session_header, retry, ends_session, ..ANY }
}

impl ClientHooks<Transport> for client::Client {
    /// This signature allows errors of reqwest only. A body that fails to read carries the typed error inside such a
    /// [`reqwest::Error`], and `From<api::Error<E>> for Error` extracts it.
    async fn exec(&self, mut request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        request.headers_mut().remove(&API_VERSION);
        let below = request.url()[..Position::AfterPath].strip_prefix(self.baseurl());
        let outcome = match Operation::by_id(info.operation_id) {
            Some(operation) if !below.is_some_and(|path| operation.is_at(path)) => Err(Error::InvalidRequest {
                problem: "a parameter of the path is empty, or is . or .., or holds a backslash, which a URL reads as \
                          another path"
                    .to_owned(),
            }),
            Some(operation) => self.inner().execute(operation, request, ResponseKind::Typed).await,
            None => Err(Error::InvalidRequest { problem: format!("{} is no operation", info.operation_id) }),
        };
        let error = match outcome {
            Ok(response) => return Ok(response),
            Err(error) => error,
        };
        let body = Body::wrap_stream(futures_util::stream::iter([Err::<Bytes, _>(error)]));
        let carried = Response::from(http::Response::new(body)).bytes().await;
        carried.map(|body| Response::from(http::Response::new(body))).map_err(reqwest::Error::without_url)
    }
}
