//! The one way out: every request of this crate goes through [`Transport::execute`].
//!
//! It attaches the credentials that the operation needs, bounds the time and the memory of a call, repeats what may
//! be repeated, and judges the answer. It keeps three promises: tokens go to the platform and nowhere else, nothing
//! from the network causes a panic or an unbounded buffer, and an operation is sent twice only where `openapi.yaml`
//! allows it.

mod answer;
mod execute;
mod last_failure;
mod origin;
mod own_headers;
mod retry_policy;
mod token;
mod token_source;

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderValue, Method, header::AUTHORIZATION};
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

/// The longest time of a call: a moment can be found by adding it.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(365 * 24 * 3600);

/// What does not change from call to call.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) http: reqwest::Client,
    pub(crate) origins: Origins,
    pub(crate) timeout: Duration,
    pub(crate) response_limit: usize,
    pub(crate) retry_policy: RetryPolicy,
    pub(crate) headers: OwnHeaders,
}

/// Carries requests, with the tokens that it was given sources for. The generated client's inner type.
#[derive(Clone)]
pub struct Transport {
    settings: Arc<Settings>,
    access: Option<Arc<dyn TokenSource>>,
    session: Option<Arc<dyn TokenSource>>,
    retries: bool,
    /// Where a failed attempt is noted for callers that wait for the token which it is to fetch.
    failure: Option<LastFailure>,
}

debug!(Transport, |_this| "Transport {{ .. }}");

impl Transport {
    /// A transport that carries no token.
    pub(crate) fn new(settings: Settings) -> Self {
        Self { settings: Arc::new(settings), access: None, session: None, retries: true, failure: None }
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
        Self { retries: false, ..self.clone() }
    }

    /// The same, which notes failed attempts there.
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

    /// The pauses between tries that have not reached the platform, for as long as there is time.
    pub(crate) fn pauses(&self) -> impl Iterator<Item = Duration> + Send + use<> {
        self.settings.retry_policy.unending()
    }

    pub(crate) fn http(&self) -> &reqwest::Client {
        &self.settings.http
    }

    /// Whether a URL leads to where the tokens may go.
    #[cfg(any(feature = "reqwest-middleware", feature = "tower"))]
    pub(crate) fn serves(&self, url: &reqwest::Url) -> bool {
        self.settings.origins.contain(url)
    }

    /// The access token that holds now, if this transport carries one.
    pub(crate) async fn access(&self) -> Result<Option<HeaderValue>, Error> {
        let Some(source) = &self.access else { return Ok(None) };
        let token = held(source, &mut Instant::now()).await;
        token.map(Some).map_err(Error::without_access)
    }

    /// Puts on the request what the operation needs.
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
            // First, because without a session nothing at all is to be sent.
            let source = self.session.as_ref().ok_or_else(|| Error::InvalidRequest {
                problem: format!("{} needs a session: start one and call it through Session::api()", operation.id),
            })?;
            *phase = Phase::Session;
            let token = held(source, &mut now).await.map_err(Error::without_session)?;
            request.headers_mut().insert(header, token);
        }
        if let Some(source) = self.access.as_ref().filter(|_| operation.access_token) {
            *phase = Phase::AccessToken;
            let token = held(source, &mut now).await.map_err(Error::without_access)?;
            request.headers_mut().insert(AUTHORIZATION, token);
        }
        *phase = Phase::Request;
        Ok(())
    }
}

/// The token that holds now, which may have to be waited for.
async fn held(source: &Arc<dyn TokenSource>, now: &mut Instant) -> Result<HeaderValue, Error> {
    if let Some(token) = source.cached(*now) {
        return Ok(token);
    }
    let token = source.token().await;
    *now = Instant::now();
    token
}

/// The operation that stands for a request of the caller's own making. One that `openapi.yaml` describes is treated
/// as described there; any other is repeated after any passing failure if its method is safe (RFC 9110, section
/// 9.2.1), and else only where the platform has not seen it. The caller may say otherwise, within what the document says.
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
    /// A typed error travels inside the [`reqwest::Error`] of a body that cannot be read, because this signature has
    /// room for no other; `From<api::Error<E>> for Error` takes it out again.
    async fn exec(&self, mut request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        // progenitor's own header, which the platform does not know.
        request.headers_mut().remove("api-version");
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
