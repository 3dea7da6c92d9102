//! The same facade for programs without an async runtime: `blocking::ThingSpace` and `blocking::Session` (feature
//! `blocking`).
//!
//! Each call runs on a runtime that the client keeps in the background, and waits for its end. So all promises of
//! [`ThingSpace`](crate::ThingSpace) and [`Session`](crate::Session) apply, and the configuration, the stores, the vaults
//! and the errors are the same. All types are `Send` and `Sync`.
//!
//! ```no_run
//! use thingspace_session::{Credentials, blocking::ThingSpace, reqwest::Method};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let thingspace = ThingSpace::from_env()?;
//! let session = thingspace.start_session(Credentials::from_env()?)?;
//! let request = session.request(Method::GET, "/m2m/v1/callbacks/0000123456-00001")?;
//! let response = session.send(request)?.error_for_status()?;
//! let callbacks: serde_json::Value = response.json()?;
//! # drop(callbacks);
//! session.end()?;
//! # Ok(())
//! # }
//! ```
//!
//! # In async code
//!
//! A blocking call would stop all other tasks of its thread, so there it returns [`Error::Configuration`]. Call
//! [`ThingSpace`](crate::ThingSpace) and `.await` it, or move the call into `tokio::task::spawn_blocking`, where it is
//! allowed. Async code calls your providers, stores and vaults: move blocking work in them into `spawn_blocking`, too.
//!
//! A process that forks must do so before it builds a client, because the child process has no other threads.

mod background;
mod response;

use std::sync::Arc;

use reqwest::{Method, Request, RequestBuilder, Url};

pub use response::Response;

use crate::{
    AccessToken, AccountStatus, CredentialsProvider, Error, Password, Retry, SessionToken, ThingSpaceBuilder,
    generated::client as api,
    rotation::{PasswordVault, Recovery},
};
use background::Background;

impl ThingSpaceBuilder {
    /// As [`build`](Self::build), for callers without a runtime.
    ///
    /// # Errors
    ///
    /// As there; also [`Error::Configuration`] if the operating system starts no thread for the client.
    pub fn build_blocking(self) -> Result<ThingSpace, Error> {
        ThingSpace::new(self.build()?)
    }
}

/// [`ThingSpace`](crate::ThingSpace) for callers without a runtime.
#[derive(Clone)]
pub struct ThingSpace {
    inner: crate::ThingSpace,
    background: Arc<Background>,
}

debug!(ThingSpace, |this| "{:?}", this.inner);

impl ThingSpace {
    /// As [`ThingSpace::builder`](crate::ThingSpace::builder). End it with [`ThingSpaceBuilder::build_blocking`]; `build`
    /// returns the async client.
    #[must_use]
    pub fn builder() -> ThingSpaceBuilder {
        ThingSpaceBuilder::default()
    }

    /// As [`ThingSpace::from_env`](crate::ThingSpace::from_env).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn from_env() -> Result<Self, Error> {
        ThingSpaceBuilder::from_env()?.build_blocking()
    }

    pub(crate) fn new(inner: crate::ThingSpace) -> Result<Self, Error> {
        Ok(Self { inner, background: Arc::new(Background::start()?) })
    }

    /// As [`ThingSpace::start_session`](crate::ThingSpace::start_session).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn start_session(&self, credentials: impl CredentialsProvider + 'static) -> Result<Session, Error> {
        let inner = self.background.wait(self.inner.start_session(credentials))??;
        Ok(Session { inner, background: self.background.clone() })
    }

    /// As [`ThingSpace::resume_session`](crate::ThingSpace::resume_session).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn resume_session(
        &self,
        credentials: impl CredentialsProvider + 'static,
        token: impl Into<SessionToken>,
    ) -> Result<Session, Error> {
        let inner = self.background.wait(self.inner.resume_session(credentials, token))??;
        Ok(Session { inner, background: self.background.clone() })
    }

    /// As [`ThingSpace::access_token`](crate::ThingSpace::access_token).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn access_token(&self) -> Result<AccessToken, Error> {
        self.background.wait(self.inner.access_token())?
    }

    /// As [`ThingSpace::recover_rotation`](crate::ThingSpace::recover_rotation).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn recover_rotation(&self, vault: &(impl PasswordVault + Clone + 'static)) -> Result<Recovery, Error> {
        self.background.wait(self.inner.recover_rotation(vault))?
    }

    /// As [`ThingSpace::reset_login_guard`](crate::ThingSpace::reset_login_guard).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn reset_login_guard(&self, username: impl Into<String>) -> Result<(), Error> {
        self.background.wait(self.inner.reset_login_guard(username))?
    }

    /// As [`ThingSpace::account_status`](crate::ThingSpace::account_status).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn account_status(&self, username: impl Into<String>) -> Result<AccountStatus, Error> {
        self.background.wait(self.inner.account_status(username))?
    }

    /// As [`ThingSpace::api`](crate::ThingSpace::api); [`call`](Self::call) waits for its operations.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        self.inner.api()
    }

    /// Waits for an operation of the generated client, as [`Session::call`] does.
    ///
    /// # Errors
    ///
    /// The error of the operation; [`Error::Configuration`] in async code.
    pub fn call<T, E>(&self, operation: impl Future<Output = Result<T, E>>) -> Result<T, Error>
    where
        Error: From<E>,
    {
        Ok(self.background.wait(operation)??)
    }

    /// The URL in front of every path of `openapi.yaml`.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        self.inner.base_url()
    }
}

/// [`Session`](crate::Session) for callers without a runtime. Cheap to clone; clones share the session, on all threads.
#[derive(Clone)]
pub struct Session {
    inner: crate::Session,
    background: Arc<Background>,
}

debug!(Session, |this| "{:?}", this.inner);

impl Session {
    /// As [`Session::api`](crate::Session::api); [`call`](Self::call) waits for its operations.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        self.inner.api()
    }

    /// Waits for an operation of the generated client.
    ///
    /// ```
    /// # use thingspace_session::{Error, api::types::SessionResetPasswordRequest, blocking::Session};
    /// # fn example(session: &Session) -> Result<(), Error> {
    /// let body = SessionResetPasswordRequest::builder().old_password("grflbk");
    /// let reset = session.api().reset_connectivity_management_password().body(body);
    /// let response = session.call(reset.send())?;
    /// println!("{} {:?}", response.status(), response.new_password); // prints no password
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// The error of the operation; [`Error::Configuration`] in async code.
    pub fn call<T, E>(&self, operation: impl Future<Output = Result<T, E>>) -> Result<T, Error>
    where
        Error: From<E>,
    {
        Ok(self.background.wait(operation)??)
    }

    /// As [`Session::request`](crate::Session::request).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn request(&self, method: Method, path: &str) -> Result<RequestBuilder, Error> {
        self.inner.request(method, path)
    }

    /// As [`Session::send`](crate::Session::send). The time of a call covers everything up to the head of the response.
    /// Reading the body is limited by the request's own timeout, if it has one.
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn send(&self, request: RequestBuilder) -> Result<Response, Error> {
        self.execute(request.build().map_err(Error::from_reqwest)?)
    }

    /// As [`Session::send_with`](crate::Session::send_with), and [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn send_with(&self, request: RequestBuilder, retry: Retry) -> Result<Response, Error> {
        let response = self.background.wait(self.inner.send_with(request, retry))??;
        Ok(Response::new(response, self.background.clone()))
    }

    /// As [`Session::execute`](crate::Session::execute), and [`send`](Self::send).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn execute(&self, request: Request) -> Result<Response, Error> {
        let response = self.background.wait(self.inner.execute(request))??;
        Ok(Response::new(response, self.background.clone()))
    }

    /// As [`Session::last_response`](crate::Session::last_response).
    #[must_use]
    pub fn last_response(&self) -> Option<http::Response<()>> {
        self.inner.last_response()
    }

    /// As [`Session::reset_password`](crate::Session::reset_password).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn reset_password(&self, old: impl Into<Password>) -> Result<Password, Error> {
        self.background.wait(self.inner.reset_password(old))?
    }

    /// As [`Session::rotate_password`](crate::Session::rotate_password).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn rotate_password(&self, vault: &(impl PasswordVault + Clone + 'static)) -> Result<(), Error> {
        self.background.wait(self.inner.rotate_password(vault))?
    }

    /// As [`Session::end`](crate::Session::end).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn end(self) -> Result<(), Error> {
        self.background.wait(self.inner.end())?
    }

    /// As [`Session::token`](crate::Session::token).
    ///
    /// # Errors
    ///
    /// As there; [`Error::Configuration`] in async code.
    pub fn token(&self) -> Result<SessionToken, Error> {
        self.background.wait(self.inner.token())?
    }

    /// As [`Session::invalidate`](crate::Session::invalidate).
    pub fn invalidate(&self, token: &SessionToken) {
        self.inner.invalidate(token);
    }
}
