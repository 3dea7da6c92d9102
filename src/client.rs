//! The entry: what holds for all sessions of an application, and the start of one.

mod builder;
mod http;
mod status;
mod tls;

use std::{convert::identity, fmt, sync::Arc};

use reqwest::Url;

pub use builder::ThingSpaceBuilder;
pub use status::AccountStatus;
pub use tls::TlsBackend;

use crate::{
    CredentialSource, Credentials, Error, Session,
    generated::client as api,
    guard::KnownAccounts,
    rotation::{self, PasswordVault, Resolution},
    session::{
        api_base,
        logins::{self, Logins},
        to_its_end,
    },
    store::{Account, Bounded, SessionStore as _},
    transport::Transport,
};

/// A client of the platform for one application: holds its configuration and its access token.
///
/// Cheap to clone; clones share the access token and the connections.
#[derive(Clone)]
pub struct ThingSpace(Arc<Inner>);

struct Inner {
    api: api::Client,
    base_url: Url,
    transport: Transport,
    store: Arc<Bounded>,
    /// The API key without its secret, which is part of the account's name; empty where tokens come from elsewhere.
    application: String,
    known: KnownAccounts,
}

impl ThingSpace {
    /// Begins a configuration: production, unless something else is said.
    #[must_use]
    pub fn builder() -> ThingSpaceBuilder {
        ThingSpaceBuilder::default()
    }

    /// Reads `THINGSPACE_KEY` and `THINGSPACE_SECRET`, and `THINGSPACE_BASE_URL` and `THINGSPACE_STORE` if they are set. To
    /// set more than that, begin with [`ThingSpaceBuilder::from_env`].
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if one of them is missing or unusable.
    pub fn from_env() -> Result<Self, Error> {
        ThingSpaceBuilder::from_env()?.build()
    }

    /// A session for this user: the one that the store holds, or a new one. From then on it renews itself.
    ///
    /// The credentials may be [`Credentials`](crate::Credentials) or anything that supplies them at each login. A
    /// login that is refused suspends logging in with these credentials, here and for everybody who shares the store,
    /// because five refused ones in a row lock the account.
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] if the credentials were refused just now, [`Error::LoginSuspended`] if they were before.
    /// Otherwise whatever kept a session from being started.
    #[doc(alias = "start_connectivity_management_session")]
    #[doc(alias = "startConnectivityManagementSession")]
    #[doc(alias = "login")]
    pub async fn start_session(&self, credentials: impl CredentialSource + 'static) -> Result<Session, Error> {
        let source: Arc<dyn CredentialSource> = Arc::new(credentials);
        let username = logins::ask(&*source, self.0.transport.timeout()).await?.username().to_owned();
        Session::start(self.logins(username, source), &self.0.transport, &self.0.base_url).await
    }

    /// Finds out what a rotation has come to that was interrupted, with at most one login, and brings the vault up to
    /// date. That login ends the session in use, as any does; sessions renew themselves. Called again, it makes no
    /// further login where the store remembers that the old password was refused: give a process that may be started
    /// over and over a store that outlives it.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`], and whatever kept the login from telling: the vault is then as it was, so call again. An account
    /// that is locked tells nothing, and neither does a refusal from before the rotation began: open it, or make sure
    /// that it is open, then call [`reset_login_guard`](Self::reset_login_guard) first.
    pub async fn resolve_rotation<V>(&self, vault: &V) -> Result<Resolution, Error>
    where
        V: PasswordVault + Clone + 'static,
    {
        let (client, vault) = (self.clone(), vault.clone());
        let logins = move |old: Credentials| client.logins(old.username().to_owned(), Arc::new(old));
        to_its_end(async move { rotation::resolve(&vault, logins).await }, identity).await
    }

    fn logins(&self, username: String, source: Arc<dyn CredentialSource>) -> Arc<Logins> {
        let Inner { api, transport, store, known, .. } = &*self.0;
        let known = known.of(&username);
        Logins::new(self.account(username), source, store.clone(), known, api, transport.clone())
    }

    /// Lets logins be tried again that the guard has suspended: for a person who knows that the credentials are right
    /// now, or that the account is open. Nothing is sent, and the platform's own count stays as it is: make sure of it
    /// before calling this a second time. Credentials that a reset has replaced stay retired. A username that nobody has
    /// logged in with yet is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store fails, [`Error::LoginBusy`] if somebody is logging in all the while.
    pub async fn reset_login_guard(&self, username: impl Into<String>) -> Result<(), Error> {
        let (account, store, limit) = (self.account(username.into()), self.0.store.clone(), self.0.transport.timeout());
        let reset =
            async move { logins::update(&store, &account, limit, |record| record.guard.reset(logins::now())).await };
        to_its_end(reset, identity).await
    }

    /// Reads what the store has recorded of this user: the session's last use, the failed logins and the suspensions, and
    /// no secret. Nothing is sent to the platform and nothing is changed.
    ///
    /// ```
    /// # use thingspace_session::{Error, ThingSpace};
    /// # async fn example(thingspace: ThingSpace) -> Result<(), Error> {
    /// let status = thingspace.account_status("zbeeblebrox").await?;
    /// for suspension in &status.suspensions {
    ///     println!("{suspension}"); // why, and the date
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store fails.
    pub async fn account_status(&self, username: impl Into<String>) -> Result<AccountStatus, Error> {
        let record = self.0.store.load(&self.account(username.into())).await?;
        Ok(AccountStatus::of(&record))
    }

    fn account(&self, username: String) -> Account {
        Account::new(api_base(&self.0.base_url), &*self.0.application, username)
    }

    /// The generated client, carrying the access token alone; for operations that need no session.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        &self.0.api
    }

    /// The URL that every path is joined to.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.0.base_url
    }
}

impl fmt::Debug for ThingSpace {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ThingSpace").field("base_url", &self.0.base_url.as_str()).finish_non_exhaustive()
    }
}
