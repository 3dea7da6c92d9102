//! The client of an application: its configuration, its access token, and the records of its users.

mod builder;
mod config;
mod http;
mod status;
mod tls;
mod variables;

use std::{
    collections::HashMap,
    convert::identity,
    sync::{Arc, Mutex, PoisonError},
};

use reqwest::Url;

pub use builder::ThingSpaceBuilder;
pub use config::Config;
pub use status::AccountStatus;
pub use tls::TlsBackend;
pub use variables::EnvironmentCredentials;

use crate::{
    AccessToken, Credentials, CredentialsProvider, Error, Session, SessionToken,
    auth::{AccessTokens, SessionTokens, SharedRecord, ask},
    generated::client as api,
    guard::Record,
    rotation::{self, PasswordVault, Recovery},
    session::{api_base, to_its_end},
    store::{Account, Limited},
    transport::Transport,
};

/// A client of the platform for one application: holds its configuration and its access token.
///
/// Cheap to clone; clones share the access token and the connections.
#[derive(Clone)]
pub struct ThingSpace(Arc<Inner>);

debug!(ThingSpace, |this| "ThingSpace {{ base_url: {:?}, .. }}", this.0.base_url.as_str());

struct Inner {
    api: api::Client,
    base_url: Url,
    access: Arc<AccessTokens>,
    transport: Transport,
    store: Arc<Limited>,
    /// The public half of the API key, which is part of the account's name. Empty without an API key.
    application: String,
    records: Mutex<HashMap<String, Arc<SharedRecord>>>,
}

impl ThingSpace {
    /// Begins a configuration. The environment is production by default.
    #[must_use]
    pub fn builder() -> ThingSpaceBuilder {
        ThingSpaceBuilder::default()
    }

    /// Builds a client from the variables of [`ThingSpaceBuilder::from_env`]. To set more, begin with that function.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if a variable is missing or unusable.
    pub fn from_env() -> Result<Self, Error> {
        ThingSpaceBuilder::from_env()?.build()
    }

    /// Returns a session for this user: the one in the store, or a new one. The session renews itself.
    ///
    /// Takes [`Credentials`](crate::Credentials), or a provider that supplies them at each login. A rejected login
    /// suspends these credentials for all processes that share the store, because five failed logins in a row lock the
    /// account (Verizon's documentation of the operation).
    ///
    /// # Errors
    ///
    /// [`Error::Platform`] if the platform rejects the credentials now, [`Error::LoginSuspended`] if it rejected them
    /// before. Otherwise the error that prevented the login.
    #[doc(alias = "start_connectivity_management_session")]
    #[doc(alias = "startConnectivityManagementSession")]
    #[doc(alias = "login")]
    pub async fn start_session(&self, credentials: impl CredentialsProvider + 'static) -> Result<Session, Error> {
        let tokens = self.tokens_of(credentials).await?;
        tokens.start().await?;
        Ok(Session::new(tokens, &self.0.transport, &self.0.base_url))
    }

    /// The session that another program has started, by its token: a second login would end that session. Nothing is
    /// sent; when the platform calls the session dead, the crate logs in with these credentials, under the login guard.
    ///
    /// The store keeps the session that it holds until the platform has accepted this one, and this one from then on. If
    /// the platform calls this one dead instead, the crate tries the stored session before it logs in.
    /// [`Session::end`] ends the session for the other program, too. Pass the token of a session of this user: the crate
    /// cannot tell whose it is, and stores it for all processes of this user.
    ///
    /// # Errors
    ///
    /// [`Error::Configuration`] if the token is empty or no header takes it; whatever the credentials provider fails with.
    pub async fn resume_session(
        &self,
        credentials: impl CredentialsProvider + 'static,
        token: impl Into<SessionToken>,
    ) -> Result<Session, Error> {
        let tokens = self.tokens_of(credentials).await?;
        tokens.resume(token.into())?;
        Ok(Session::new(tokens, &self.0.transport, &self.0.base_url))
    }

    async fn tokens_of(&self, credentials: impl CredentialsProvider + 'static) -> Result<Arc<SessionTokens>, Error> {
        let source: Arc<dyn CredentialsProvider> = Arc::new(credentials);
        let found = ask(&*source, self.0.transport.timeout()).await?;
        Ok(self.tokens(found.username(), source))
    }

    /// Finds the outcome of an interrupted rotation with at most one login, and updates the vault. Like every login, this
    /// one ends the session in use, which then renews itself. A second call sends no login if the store has recorded that
    /// the platform rejected the old password. A process that its supervisor restarts needs a store that outlives it.
    ///
    /// # Errors
    ///
    /// [`Error::Vault`], or the error that left the outcome of the login unknown. The vault is then unchanged: call again.
    /// The outcome stays unknown if the account is locked, or if the platform rejected the old password before the
    /// rotation began. Make sure that the account is open, and call [`reset_login_guard`](Self::reset_login_guard) first.
    pub async fn recover_rotation(&self, vault: &(impl PasswordVault + Clone + 'static)) -> Result<Recovery, Error> {
        let (client, vault) = (self.clone(), vault.clone());
        let tokens = move |old: Credentials| {
            let username = old.username().to_owned();
            client.tokens(&username, Arc::new(old))
        };
        to_its_end(async move { rotation::recover(&vault, tokens).await }, identity).await
    }

    fn tokens(&self, username: &str, source: Arc<dyn CredentialsProvider>) -> Arc<SessionTokens> {
        let Inner { api, transport, .. } = &*self.0;
        SessionTokens::new(self.record(username), source, api, transport.clone())
    }

    /// The record of this user, with this process's memory of it. All sessions of the client share it.
    fn record(&self, username: &str) -> Arc<SharedRecord> {
        let mut records = self.0.records.lock().unwrap_or_else(PoisonError::into_inner);
        let new = || {
            let account = Account::new(api_base(&self.0.base_url), &*self.0.application, username);
            Arc::new(SharedRecord::new(account, self.0.store.clone()))
        };
        if !records.contains_key(username) {
            // Drop the records that no session uses and that remember nothing.
            records.retain(|_, record| Arc::strong_count(record) > 1 || !record.is_blank());
        }
        records.entry(username.to_owned()).or_insert_with(new).clone()
    }

    /// Lifts the suspensions of the login guard, after an operator has made sure that the credentials are right and the
    /// account is open. The crate sends nothing, and the platform's own count stays as it is. Make sure again before a
    /// second call. Superseded credentials stay suspended. A username without a record is no error.
    ///
    /// # Errors
    ///
    /// [`Error::Store`] if the store fails.
    pub async fn reset_login_guard(&self, username: impl Into<String>) -> Result<(), Error> {
        let record = self.record(&username.into());
        to_its_end(async move { record.update(Record::reset_guard).await }, identity).await
    }

    /// Reads the record of this user: the session's last use, the failed logins and the suspensions. It holds no secret.
    /// The crate sends nothing to the platform and changes nothing.
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
        let seen = self.record(&username.into()).load().await?;
        Ok(AccountStatus::of(&seen))
    }

    /// The access token that holds now, for tools that speak to the platform by themselves, and to keep it across
    /// restarts. The crate fetches one if there is none.
    ///
    /// # Errors
    ///
    /// Whatever keeps the crate from an access token, such as [`Error::Oauth`].
    pub async fn access_token(&self) -> Result<AccessToken, Error> {
        self.0.access.access_token().await
    }

    /// The generated client with the access token, for operations that need no session.
    #[must_use]
    pub fn api(&self) -> &api::Client {
        &self.0.api
    }

    /// The URL in front of every path of `openapi.yaml`.
    #[must_use]
    pub fn base_url(&self) -> &Url {
        &self.0.base_url
    }
}
