//! A session: what a service holds to talk to the platform.

#[cfg(feature = "reqwest-middleware")]
mod middleware;
#[cfg(feature = "tower")]
pub(crate) mod service;

use std::{convert::identity, sync::Arc};

use http::Method;
use reqwest::{Request, RequestBuilder, Response, Url};
use tracing::Instrument as _;

use crate::{
    Error, Password, Retry, SessionToken,
    auth::SessionTokens,
    generated::client as api,
    rotation::{self, PasswordVault},
    transport::{ResponseKind, Transport, as_sent},
};

/// A Connectivity Management session.
///
/// Cheap to clone; clones share the session. It renews itself: when the platform calls it dead, the crate logs in once
/// for all callers and sends each request again, as often as the platform accepts a newer session within the time of
/// the call. Unused for 20 minutes it is known to be dead, and no request is wasted on it. A rejection that may be about
/// the session (401, 403, or a message that says so) gets one fresh login a minute, and is the answer if it comes again.
///
/// A request that cannot be sent twice, because its body is a stream or it is a password reset, ends with
/// [`Error::SessionRenewed`]: it was not processed, and can be sent again.
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

debug!(Session, |this| "Session {{ base_url: {:?}, .. }}", this.0.base_url.as_str());

struct Inner {
    api: api::Client,
    base_url: Url,
    transport: Transport,
    tokens: Arc<SessionTokens>,
}

impl Session {
    pub(crate) fn new(tokens: Arc<SessionTokens>, transport: &Transport, base_url: &Url) -> Self {
        let transport = transport.with_session(Arc::new(tokens.clone()));
        let api = api::Client::new_with_client(api_base(base_url), transport.http().clone(), transport.clone());
        Self(Arc::new(Inner { api, base_url: base_url.clone(), transport, tokens }))
    }

    /// The generated client, carrying both tokens: every operation of `openapi.yaml`.
    ///
    /// Prefer the methods of `Session` for the three operations on the session itself. A login through this client is
    /// not counted, and the new password of a reset through it is not taken up. A session that is logged out through
    /// it, or with [`send`](Self::send), has ended as after [`end`](Self::end); a dead one is renewed first, as for any
    /// operation.
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
            return Err(Error::InvalidRequest {
                problem: "its path has to begin with a slash, without the base URL before it".to_owned(),
            });
        }
        Ok(self.0.transport.http().request(method, format!("{}{path}", api_base(&self.0.base_url))))
    }

    /// Sends any ThingSpace request with both tokens and hands back the answer, whatever its status.
    ///
    /// The request may have been begun with any [`reqwest::Client`]; it is sent by this crate's own, which follows no
    /// redirect. The time of a call covers everything up to the head of the answer; the body of a success then
    /// streams without limit, unless the request has a timeout of its own. What is sent again, and when, stands at
    /// [`RetryPolicy`](crate::RetryPolicy).
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the request leads away from the platform, [`Error::LoginSuspended`] and others if a
    /// session could not be had, and otherwise whatever kept the answer from arriving. An answer is no error: see
    /// [`Response::error_for_status`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        self.execute(request.build().map_err(Error::from_reqwest)?).await
    }

    /// [`send`](Self::send) for a request that is built already, as [`reqwest::Client::execute`] takes it.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.execute_as(request, None).await
    }

    /// [`send`](Self::send) for a request of which the caller knows when it may be sent again: ThingSpace reads by `POST`,
    /// and without a word a `POST` is not sent again after a status 503.
    ///
    /// An operation of `openapi.yaml`, such as a login or a reset, is never sent again where the document forbids it.
    ///
    /// ```
    /// # use thingspace_session::{Retry, Session};
    /// # async fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = session.request(reqwest::Method::POST, "/m2m/v1/devices/actions/list")?;
    /// let devices = session.send_with(request.json(&serde_json::json!({})), Retry::Always).await?;
    /// # drop(devices);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn send_with(&self, request: RequestBuilder, retry: Retry) -> Result<Response, Error> {
        self.execute_as(request.build().map_err(Error::from_reqwest)?, Some(retry)).await
    }

    async fn execute_as(&self, request: Request, retry: Option<Retry>) -> Result<Response, Error> {
        let mut operation = as_sent(request.method(), self.below_base(request.url()), retry);
        // Another origin knows nothing of this session.
        operation.ends_session &= request.url().origin() == self.0.base_url.origin();
        self.0.transport.execute(&operation, request, ResponseKind::Raw).await
    }

    /// The path of a URL, counted from the base URL.
    fn below_base<'a>(&self, url: &'a Url) -> Option<&'a str> {
        url.path().strip_prefix(self.0.base_url.path().trim_end_matches('/'))
    }

    /// The status and the headers of this session's last successful login, reset or logout. `None` if the session comes
    /// from the store and none of them was sent.
    #[must_use]
    pub fn last_response(&self) -> Option<http::Response<()>> {
        self.0.tokens.last_response()
    }

    /// Replaces the password of the session's user by a random one, which is returned; the old one is dead at that
    /// moment. The session goes on.
    ///
    /// The request is sent once. The new password exists in this one answer: make it durable before anything else, or
    /// have [`rotate_password`](Self::rotate_password) do so. The session logs in with it from then on, and no process that
    /// shares the store logs in with the old one.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] with a status below 500, other than 408, if it was refused, [`Error::Connect`] and
    /// [`Error::AccessToken`] if it was not sent: the old password holds. With any other status, and with
    /// [`Error::Timeout`], [`Error::Interrupted`] and [`Error::UnexpectedResponse`], it is unknown which password
    /// holds until one login with the old one has been tried; if there was an answer without a new password where it
    /// belongs, [`Error::body`] has it. After [`Error::SessionRenewed`], and whatever else kept a session from being
    /// had, nothing was reset: call again.
    ///
    /// # Time
    ///
    /// The crate waits for a session and the claim as long as a call may take; the reset then has the time of a call for
    /// itself, because one that is cut short loses the new password.
    ///
    /// # Cancel safety
    ///
    /// A future that is dropped takes the new password with it: only this session, which logs in with it, still has
    /// it. The reset runs to its end, and keeps no process from logging in for longer. Await it.
    #[doc(alias = "reset_connectivity_management_password")]
    #[doc(alias = "resetConnectivityManagementPassword")]
    pub async fn reset_password(&self, old: impl Into<Password>) -> Result<Password, Error> {
        to_its_end(self.0.tokens.clone().reset_password(old.into()), after_shutdown).await
    }

    /// Replaces the password of the session's user by a random one and keeps it in a vault, so that no crash at any
    /// moment loses it unnoticed.
    ///
    /// The vault proves that it can write and saves that a rotation is pending. Then the crate sends the reset, once, and
    /// saves the new password before it does anything else. It replaces the vault's password, or that of the session's
    /// source while the vault is empty. It runs to its end even if the future is dropped, and takes as long as
    /// [`reset_password`](Self::reset_password) does, and the vault's time on top.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`], and whatever kept the reset from being processed: the old password holds. The vault knows,
    /// unless it has failed at that moment: the next rotation then ends with [`Error::RotationPending`].
    /// [`Error::PasswordNotSaved`] has the new password inside. After [`Error::ResetOutcomeUnknown`], and after a crash,
    /// [`ThingSpace::recover_rotation`](crate::ThingSpace::recover_rotation) finds out; until then further rotations
    /// end with [`Error::RotationPending`].
    pub async fn rotate_password(&self, vault: &(impl PasswordVault + Clone + 'static)) -> Result<(), Error> {
        let (tokens, vault) = (self.0.tokens.clone(), vault.clone());
        to_its_end(async move { rotation::rotate(&tokens, &vault).await }, after_shutdown).await
    }

    /// Puts both tokens on a request and does not send it: what the benchmarks measure.
    #[cfg(feature = "__bench")]
    #[doc(hidden)]
    pub async fn attach(&self, request: &mut reqwest::Request, now: tokio::time::Instant) -> Result<(), Error> {
        self.0.transport.attach(&crate::transport::ANY, request, now).await
    }

    /// Ends the session, for all its clones: from then on they answer with [`Error::SessionEnded`]. A session that
    /// is dead already counts as ended. Callbacks that were registered go on being sent.
    ///
    /// # Errors
    ///
    /// Whatever kept the platform from ending it; the session is then as it was, for its clones. Clone it first if
    /// the call is to be made again.
    #[doc(alias = "logout")]
    #[doc(alias = "end_connectivity_management_session")]
    #[doc(alias = "endConnectivityManagementSession")]
    pub async fn end(self) -> Result<(), Error> {
        to_its_end(async move { self.0.tokens.end().await }, identity).await
    }

    /// The session token, for tools that speak to the platform by themselves. A dead session is renewed first.
    ///
    /// # Errors
    ///
    /// [`Error::SessionEnded`] if the session was ended, and whatever keeps it from being renewed.
    pub async fn token(&self) -> Result<SessionToken, Error> {
        self.0.tokens.session_token().await
    }

    /// Reports that the platform has refused this session token to a program that talks to the platform by itself.
    /// Nothing is sent; the next call of this session or a clone renews it. The store and other sessions are not told: they
    /// find out by their next request. A token that is not the current one changes nothing.
    ///
    /// ```
    /// # use thingspace_session::{Error, Session};
    /// # async fn example(session: Session) -> Result<(), Error> {
    /// let token = session.token().await?;
    /// // … another program has sent a request with it, and the platform has called it expired.
    /// session.invalidate(&token);
    /// let newer = session.token().await?;
    /// # drop(newer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn invalidate(&self, token: &SessionToken) {
        self.0.tokens.invalidate_token(token);
    }
}

/// Runs in a task of its own. Cancelling the caller does not cancel it. A panic in it is passed to the caller.
pub(crate) async fn to_its_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
    after_shutdown: fn(Error) -> Error,
) -> Result<T, Error> {
    match tokio::spawn(work.in_current_span()).await {
        Ok(outcome) => outcome,
        Err(end) if end.is_panic() => std::panic::resume_unwind(end.into_panic()),
        Err(_) => Err(after_shutdown(Error::configuration("the runtime was shut down in the middle of the call"))),
    }
}

fn after_shutdown(error: Error) -> Error {
    Error::ResetOutcomeUnknown { source: Box::new(error) }
}

/// The base URL as the generated client joins it with paths.
pub(crate) fn api_base(base_url: &Url) -> &str {
    base_url.as_str().trim_end_matches('/')
}
