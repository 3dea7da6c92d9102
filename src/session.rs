//! A session, with which a service sends requests to the platform.

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
/// Cheap to clone; clones share the session. It renews itself. If the platform's error code says that the session is
/// dead, the crate logs in once for all callers and sends each request again, as often as the platform accepts a newer
/// session within the time of the call. After 20 minutes without use (Verizon's figure) the crate logs in before it sends
/// a request. After an ambiguous rejection (401, 403, or a message about the session) it logs in at most once a minute,
/// and returns the rejection if it comes again.
///
/// If the crate cannot send a request twice, because its body is a stream or it is a password reset, the call returns
/// [`Error::SessionRenewed`]. The platform has not processed it: call again.
///
/// ```
/// # use thingspace_session::{Error, Session};
/// # async fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
/// let path = "/m2m/v1/callbacks/0000123456-00001";
/// let response = session.send(session.request(reqwest::Method::GET, path)?).await?;
/// let callbacks: serde_json::Value = response.error_for_status()?.json().await?;
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

    /// The generated client with both tokens: every operation of `openapi.yaml`.
    ///
    /// Prefer the methods of `Session` for login, logout and reset. The login guard does not count a login through this
    /// client, and the session does not use the new password of a reset through it. A logout through it, or with
    /// [`send`](Self::send), ends the session as [`end`](Self::end) does, but renews a dead session first.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        &self.0.api
    }

    /// Begins a request to a path below the base URL, such as `/m2m/v1/devices/actions/list`. [`Session::send`] sends it.
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

    /// Sends any ThingSpace request with both tokens and returns the response, whatever its status.
    ///
    /// Takes a request of any [`reqwest::Client`]; the crate sends it with its own, which follows no redirect. The time of
    /// a call covers everything up to the head of the response. The body of a success then streams without limit, unless
    /// the request has a timeout of its own. [`RetryPolicy`](crate::RetryPolicy) has the rules for sending it again.
    ///
    /// # Errors
    ///
    /// [`Error::InvalidRequest`] if the request goes to another origin, [`Error::LoginSuspended`] and others if there is no
    /// session, and otherwise the error that prevented a response. An error response is no `Error`: see
    /// [`Response::error_for_status`].
    pub async fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        self.execute_as(request.build().map_err(Error::from_reqwest)?, None).await
    }

    /// [`send`](Self::send) for a request that is built, as [`reqwest::Client::execute`] takes it.
    ///
    /// # Errors
    ///
    /// As there.
    pub async fn execute(&self, request: Request) -> Result<Response, Error> {
        self.execute_as(request, None).await
    }

    /// [`send`](Self::send) for a request that the caller allows to be sent again. ThingSpace reads by `POST`, and by
    /// default the crate does not send a `POST` again after a status 503.
    ///
    /// The crate never sends an operation of `openapi.yaml`, such as a login or a reset, again if the document forbids it.
    ///
    /// ```
    /// # use thingspace_session::{Retry, Session};
    /// # async fn example(session: Session) -> Result<(), Box<dyn std::error::Error>> {
    /// let request = session.request(reqwest::Method::POST, "/m2m/v1/devices/actions/list")?;
    /// let request = request.json(&serde_json::json!({}));
    /// let devices = session.send_with(request, Retry::Always).await?;
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
        operation.ends_session = operation.ends_session && request.url().origin() == self.0.base_url.origin();
        self.0.transport.execute(&operation, request, ResponseKind::Raw).await
    }

    /// The path of a URL below the base URL.
    fn below_base<'a>(&self, url: &'a Url) -> Option<&'a str> {
        url.path().strip_prefix(self.0.base_url.path().trim_end_matches('/'))
    }

    /// The status and the headers of this session's last successful login, reset or logout. `None` if the session came
    /// from the store and has sent none of them.
    ///
    /// ```
    /// # use thingspace_session::{Credentials, Error, ThingSpace};
    /// # async fn example(thingspace: ThingSpace) -> Result<(), Error> {
    /// let session = thingspace.start_session(Credentials::new("zbeeblebrox", "IMgr8")).await?;
    /// if let Some(response) = session.last_response() {
    ///     println!("{} {:?}", response.status(), response.headers().get("x-request-id"));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn last_response(&self) -> Option<http::Response<()>> {
        self.0.tokens.last_response()
    }

    /// Replaces the password of the session's user by a random one and returns it. The old one is invalid at once. The
    /// session stays alive.
    ///
    /// The crate sends the request once. The new password exists in this one response only: save it before anything else,
    /// or call [`rotate_password`](Self::rotate_password), which does. The session logs in with the new password from then
    /// on, and no process that shares the store logs in with the old one.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] with a status below 500 other than 408 if the platform rejected the reset, [`Error::Connect`]
    /// and [`Error::AccessToken`] if it was not sent: the old password is valid. After any other status, and after
    /// [`Error::Timeout`], [`Error::Interrupted`] and [`Error::UnexpectedResponse`], either password may be valid; one login
    /// with the old one finds out. If there was a response without a new password in its place, [`Error::body`] has it.
    /// After [`Error::SessionRenewed`], and if there was no session, nothing was reset: call again.
    ///
    /// # Time
    ///
    /// The crate waits for a session and the claim for the time of a call at most. The reset then has the time of a call
    /// for itself, because cutting it off loses the new password.
    ///
    /// # Cancel safety
    ///
    /// Await the future. The reset runs to its end even if the future is dropped, but the caller then does not get the new
    /// password: only this session has it.
    #[doc(alias = "reset_connectivity_management_password")]
    #[doc(alias = "resetConnectivityManagementPassword")]
    pub async fn reset_password(&self, old: impl Into<Password>) -> Result<Password, Error> {
        to_its_end(self.0.tokens.clone().reset_password(old.into()), after_shutdown).await
    }

    /// Replaces the password of the session's user by a random one and saves it in a vault. A crash at any moment does not
    /// lose it silently.
    ///
    /// The vault saves that a rotation is pending, which proves that it can write. Then the crate sends the reset once,
    /// and saves the new password before anything else. It replaces the vault's password, or that of the session's
    /// provider if the vault is empty. The rotation runs to its end even if the future is dropped. It takes as long as
    /// [`reset_password`](Self::reset_password), plus the vault's time.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`], and every error after which the platform has not processed the reset: the old password is valid.
    /// The vault records that, unless it fails at this moment; the next rotation then returns [`Error::RotationPending`].
    /// [`Error::PasswordNotSaved`] holds the new password. After [`Error::ResetOutcomeUnknown`] and after a crash, call
    /// [`ThingSpace::recover_rotation`](crate::ThingSpace::recover_rotation). Until then further rotations return
    /// [`Error::RotationPending`].
    pub async fn rotate_password(&self, vault: &(impl PasswordVault + Clone + 'static)) -> Result<(), Error> {
        let (tokens, vault) = (self.0.tokens.clone(), vault.clone());
        to_its_end(async move { rotation::rotate(&tokens, &vault).await }, after_shutdown).await
    }

    /// Puts both tokens on a request without sending it, for the benchmarks.
    #[cfg(feature = "__bench")]
    #[doc(hidden)]
    pub async fn attach(&self, request: &mut reqwest::Request, now: tokio::time::Instant) -> Result<(), Error> {
        self.0.transport.attach(&crate::transport::ANY, request, now).await
    }

    /// Logs out, for all clones: their later calls return [`Error::SessionEnded`]. A dead session counts as ended. The
    /// platform still sends registered callbacks (Verizon's documentation of the operation).
    ///
    /// # Errors
    ///
    /// The error that prevented the logout. The session of the clones is then unchanged: to call again, clone it first.
    #[doc(alias = "logout")]
    #[doc(alias = "end_connectivity_management_session")]
    #[doc(alias = "endConnectivityManagementSession")]
    pub async fn end(self) -> Result<(), Error> {
        to_its_end(async move { self.0.tokens.end().await }, identity).await
    }

    /// The session token, for programs that send requests to the platform themselves. Renews a dead session first.
    ///
    /// # Errors
    ///
    /// [`Error::SessionEnded`] if the session was ended, or the error that prevented the login.
    pub async fn token(&self) -> Result<SessionToken, Error> {
        self.0.tokens.session_token().await
    }

    /// Reports that the platform has rejected this session token in a request of another program. The crate sends nothing;
    /// the next call of this session or a clone logs in. The store and other sessions still hold the token until their
    /// next request. A token that is not the current one changes nothing.
    ///
    /// ```
    /// # use thingspace_session::{Error, Session};
    /// # async fn example(session: Session) -> Result<(), Error> {
    /// let token = session.token().await?;
    /// // … another program has sent a request with it, and the response says that it has expired.
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

/// Runs work in a task of its own. Cancelling the caller does not cancel it, and its panic reaches the caller.
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
