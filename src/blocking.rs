//! The same facade for programs without an async runtime: `blocking::ThingSpace` and `blocking::Session` (feature
//! `blocking`).
//!
//! A thin mirror: each call runs on a runtime that the client keeps in the background and waits for its end, so
//! everything that is promised of [`ThingSpace`](crate::ThingSpace) and [`Session`](crate::Session) holds here, and the
//! configuration, the stores, the vaults and the errors are the same. All types are `Send` and `Sync`.
//!
//! ```no_run
//! use thingspace_session::{Credentials, blocking::ThingSpace, reqwest::Method};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let thingspace = ThingSpace::from_env()?;
//! let session = thingspace.start_session(Credentials::from_env()?)?;
//! let request = session.request(Method::GET, "/m2m/v1/callbacks/0000123456-00001")?;
//! let callbacks: serde_json::Value = session.send(request)?.error_for_status()?.json()?;
//! # drop(callbacks);
//! session.end()?;
//! # Ok(())
//! # }
//! ```
//!
//! # In async code
//!
//! A call that waits would stop all other tasks of its thread, so it ends with [`Error::Configuration`] there. Call
//! [`ThingSpace`](crate::ThingSpace) and `.await` it, or move the call into `tokio::task::spawn_blocking`, where it is
//! let in. Sources of credentials, stores and vaults of one's own are called by async code: what blocks in them belongs
//! there, too.
//!
//! A process that forks does so before it builds a client: threads do not come along.

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
    /// [`Error::Configuration`], as there; also if the system gives the client no thread to work on.
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
    /// As [`ThingSpace::builder`](crate::ThingSpace::builder): [`ThingSpaceBuilder::build_blocking`] ends it, and not
    /// `build`, which makes the async client.
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

    /// As [`ThingSpace::api`](crate::ThingSpace::api); [`call`](Self::call) waits for what it begins.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        self.inner.api()
    }

    /// Waits for an operation of the generated client, as [`Session::call`] does.
    ///
    /// # Errors
    ///
    /// Whatever the operation ends with; [`Error::Configuration`] in async code.
    pub fn call<T, E>(&self, operation: impl Future<Output = Result<T, E>>) -> Result<T, Error>
    where
        Error: From<E>,
    {
        Ok(self.background.wait(operation)??)
    }

    /// The URL that every path is joined to.
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
    /// As [`Session::api`](crate::Session::api); [`call`](Self::call) waits for what it begins.
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
    /// let answer = session.call(session.api().reset_connectivity_management_password().body(body).send())?;
    /// println!("{} {:?}", answer.status(), answer.new_password); // prints no password
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Whatever the operation ends with; [`Error::Configuration`] in async code.
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

    /// As [`Session::send`](crate::Session::send). The time of a call covers everything up to the head of the answer;
    /// reading the body waits for as long as the request's own timeout says, and without one, for as long as it takes.
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
