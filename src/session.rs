//! A session: what a service holds to talk to the platform.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, PoisonError, RwLock},
};

use http::{HeaderMap, HeaderValue, Method, StatusCode};
use reqwest::{RequestBuilder, Response, Url};

use crate::{
    Credentials, Error, Password, Refusal, Secret, SessionToken,
    generated::client as api,
    transport::{Handling, TokenSource, Transport, as_sent, secret_header},
};

/// A Connectivity Management session.
///
/// Cheap to clone; clones share the session. A session lives as long as it is used and dies after 20 minutes without
/// use. A call then ends with an error for which [`Error::is_session_expired`] holds; an answer that
/// [`send`](Self::send) hands back has a code in its body for which
/// [`ErrorCode::is_session_expired`](crate::ErrorCode::is_session_expired) holds.
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
/// let request = session.request(reqwest::Method::GET, "/m2m/v1/callbacks/0000123456-00001")?;
/// let callbacks: serde_json::Value = session.send(request).await?.error_for_status()?.json().await?;
/// # drop(callbacks);
/// session.end().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Session(Arc<Inner>);

struct Inner {
    api: api::Client,
    base_url: Url,
    transport: Transport,
    tokens: Arc<Current>,
}

impl Session {
    /// Logs in through `api`, the client that carries the access token alone.
    pub(crate) async fn start(
        api: &api::Client,
        transport: &Transport,
        base_url: &Url,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        let secret = Secret::from(credentials.password().clone());
        let answer = api
            .start_connectivity_management_session()
            .body_map(|body| body.username(credentials.username()).password(secret))
            .send()
            .await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let token = answer.into_inner().session_token.filter(|token| !token.expose_secret().is_empty());
        let tokens = match token {
            Some(token) => Current::new(token, status, &headers)?,
            None => return Err(missing("session token", "", status, headers)),
        };
        let tokens = Arc::new(tokens);
        let transport = transport.with_session(tokens.clone());
        let api = api::Client::new_with_client(api_base(base_url), transport.http().clone(), transport.clone());
        Ok(Self(Arc::new(Inner { api, base_url: base_url.clone(), transport, tokens })))
    }

    /// The generated client, carrying both tokens: every operation of `openapi.yaml`.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        &self.0.api
    }

    /// Begins a request to a path below the base URL, such as `/m2m/v1/devices/actions/list`; [`Session::send`] sends
    /// it.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the path does not begin with a slash.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        if !path.starts_with('/') {
            return Err(Error::InvalidRequest { problem: "its path has to begin with a slash".to_owned() });
        }
        Ok(self.0.transport.http().request(method, format!("{}{path}", api_base(&self.0.base_url))))
    }

    /// Sends any ThingSpace request with both tokens and hands back the answer, whatever its status.
    ///
    /// The request may have been begun with any [`reqwest::Client`]; it is sent by this crate's own, which follows no
    /// redirect. The time of a call covers everything up to the head of the answer; the body of a success then
    /// streams without limit, unless the request has a timeout of its own. What is repeated, and when, is told at
    /// [`Retries`](crate::Retries).
    ///
    /// # Errors
    ///
    /// [`Error::ForeignOrigin`] if the request leads away from the platform, and otherwise whatever kept the answer
    /// from arriving. An answer is no error: see [`Response::error_for_status`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        let request = request.build().map_err(Error::from_reqwest)?;
        let path = request.url().path().to_owned();
        let below = path.strip_prefix(self.0.base_url.path().trim_end_matches('/'));
        let operation = as_sent(request.method(), below);
        self.0.transport.carry(&operation, request, below.unwrap_or(&path), Handling::HandBack).await
    }

    /// Replaces the password of the session's user by a random one, which is returned; the old one is dead at that
    /// moment. The session goes on.
    ///
    /// The request is sent once. The new password exists in this one answer: make it durable before anything else.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] with a status below 500 if it was refused, [`Error::Connect`] and [`Error::AccessToken`] if
    /// it was not sent: the old password holds. With any other status, and with [`Error::Timeout`],
    /// [`Error::Interrupted`] and [`Error::UnexpectedResponse`], nobody can
    /// know which password holds until one login with the old one has been tried; if there was an answer that could
    /// not be read, [`Error::body`] has it.
    ///
    /// # Cancel safety
    ///
    /// None: a future that is dropped takes the new password with it. Give the call its time with
    /// [`ThingSpaceBuilder::timeout`](crate::ThingSpaceBuilder::timeout) and await it to its end.
    #[doc(alias = "reset_connectivity_management_password")]
    #[doc(alias = "resetConnectivityManagementPassword")]
    pub async fn reset_password(&self, old: impl Into<Password>) -> Result<Password, Error> {
        let old = Secret::from(old.into());
        let reset = self.api().reset_connectivity_management_password();
        let answer = reset.body_map(|body| body.old_password(old)).send().await?;
        let (status, headers) = (answer.status(), answer.headers().clone());
        let new = answer.into_inner().new_password.filter(|new| !new.expose_secret().is_empty());
        let advice = ": the old one may be dead, so try one login with it before anything else";
        new.map(Password::from).ok_or_else(|| missing("new password", advice, status, headers))
    }

    /// Ends the session, for all its clones: from then on they answer with [`Error::SessionEnded`]. A session that
    /// is dead already counts as ended. Callbacks that were registered go on being sent.
    ///
    /// # Errors
    ///
    /// Whatever kept the platform from ending it; the session is then as it was, for its clones. Clone it first if
    /// the call is to be made again.
    #[doc(alias = "end_connectivity_management_session")]
    #[doc(alias = "endConnectivityManagementSession")]
    pub async fn end(self) -> Result<(), Error> {
        let outcome = self.api().end_connectivity_management_session().send().await.map_err(Error::from);
        match outcome {
            Ok(_) => {}
            Err(error) if error.is_session_expired() => {}
            Err(error) => return Err(error),
        }
        self.0.tokens.end();
        Ok(())
    }

    /// The session token, for tools that speak to the platform by themselves.
    ///
    /// # Errors
    ///
    /// [`Error::SessionEnded`] if there is none any more.
    pub fn token(&self) -> Result<SessionToken, Error> {
        self.0.tokens.live().map(|live| live.token)
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Session").field("base_url", &self.0.base_url.as_str()).finish_non_exhaustive()
    }
}

/// The base URL as the generated client joins it with paths.
pub(crate) fn api_base(base_url: &Url) -> &str {
    base_url.as_str().trim_end_matches('/')
}

/// A success that lacks what it was called for.
fn missing(what: &str, advice: &str, status: StatusCode, headers: HeaderMap) -> Error {
    Error::unexpected(format!("it holds no {what}{advice}"), Refusal::new(status, headers))
}

/// The token of the session, until it is ended.
struct Current(RwLock<Option<Live>>);

#[derive(Clone)]
struct Live {
    header: HeaderValue,
    token: SessionToken,
}

impl Current {
    fn new(token: Secret, status: StatusCode, headers: &HeaderMap) -> Result<Self, Error> {
        let header = secret_header(token.expose_secret()).map_err(|_| {
            let problem = "its session token holds characters that no header takes";
            Error::unexpected(problem, Refusal::new(status, headers.clone()))
        })?;
        Ok(Self(RwLock::new(Some(Live { header, token: token.into() }))))
    }

    fn live(&self) -> Result<Live, Error> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone().ok_or(Error::SessionEnded)
    }

    fn end(&self) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = None;
    }
}

impl TokenSource for Current {
    fn token(&self) -> Pin<Box<dyn Future<Output = Result<HeaderValue, Error>> + Send + '_>> {
        Box::pin(async { self.live().map(|live| live.header) })
    }

    fn refused(&self, _: &HeaderValue) {
        // A dead session stays dead: its owner is told.
    }
}
