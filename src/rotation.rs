//! Crash-safe password rotation.
//!
//! A reset answers with the new password once, and the old one is dead at that moment. This keeps the promise that a
//! new password is never dropped: a place for it is proved and the intent is durable before the reset is sent, the
//! new password is durable before anything else happens, and a run that was interrupted is found and resolved by the
//! next.

mod file;
mod resolution;
mod vault;

use std::{
    future::Future,
    panic::AssertUnwindSafe,
    time::{Duration, SystemTime},
};

use futures_util::FutureExt as _;
use http::HeaderValue;

pub use file::FileVault;
pub use resolution::Resolution;
pub(crate) use resolution::resolve;
pub use vault::{Begun, PasswordVault, VaultError, VaultFuture, VaultState};

use crate::{Credentials, Error, Password, events, store::StoreError};

/// How long a vault has for an answer. What it is asked while nobody can log in has to come to an end.
const PATIENCE: Duration = Duration::from_secs(25);

/// What a rotation asks of the account whose password it replaces. Implemented above it, so that no import runs
/// upwards.
pub(crate) trait Resets: Send + Sync {
    /// The right to log in and to reset, which nobody else has until it is dropped.
    type Right: Send + Sync;

    fn username(&self) -> &str;

    /// The time by which the account's failed logins are noted.
    fn now(&self) -> SystemTime;

    /// The credentials that the session has at present.
    fn credentials(&self) -> impl Future<Output = Result<Credentials, Error>> + Send;

    /// The right, and a session that is alive. It lasts for a reset and `beyond`.
    fn ready(&self, beyond: Duration) -> impl Future<Output = Result<(Self::Right, HeaderValue), Error>> + Send;

    /// Sends the reset, once.
    fn reset(
        &self,
        right: &Self::Right,
        session: HeaderValue,
        old: Password,
    ) -> impl Future<Output = Result<Password, Error>> + Send;

    /// From here on nobody logs in with the old password.
    fn replaced(&self, right: Self::Right, old: Password, new: Password) -> impl Future<Output = ()> + Send;

    /// Gives the right back after nothing was reset, or nobody knows, and says why; a session that died is renewed.
    fn failed(&self, right: Self::Right, session: &HeaderValue, error: Error) -> impl Future<Output = Error> + Send;

    /// The right alone. It lasts for a login and `beyond`.
    fn right(&self, beyond: Duration) -> impl Future<Output = Result<Self::Right, Error>> + Send;

    /// Makes one login with these credentials, whatever session there is.
    fn prove(&self, right: &Self::Right, credentials: &Credentials) -> impl Future<Output = Result<(), Error>> + Send;

    fn give_back(&self, right: Self::Right) -> impl Future<Output = ()> + Send;
}

/// Asks a vault, whose own code may panic or never answer.
async fn ask<T, F>(question: impl FnOnce() -> F) -> Result<T, VaultError>
where
    F: Future<Output = Result<T, VaultError>>,
{
    let answer = AssertUnwindSafe(async { question().await }).catch_unwind();
    match tokio::time::timeout(PATIENCE, answer).await {
        Ok(Ok(answer)) => answer,
        Ok(Err(_)) => Err("the vault has panicked; correct its code".into()),
        Err(_) => {
            let (place, problem) = ("the vault".to_owned(), format!("no answer within {PATIENCE:?}"));
            Err(StoreError::Unavailable { place, problem }.into())
        }
    }
}

fn vault_failed(error: VaultError) -> Error {
    Error::Vault(error.into())
}

/// Proves the vault, remembers the intent, resets, keeps.
pub(crate) async fn rotate(account: &impl Resets, vault: &impl PasswordVault) -> Result<(), Error> {
    step_by_step(account, vault).await.inspect_err(events::rotation_failed)
}

async fn step_by_step(account: &impl Resets, vault: &impl PasswordVault) -> Result<(), Error> {
    // Before the others are kept from logging in: this may fail, or take its time.
    let found = match settled(account, vault).await? {
        Some(old) => old,
        None => account.credentials().await?,
    };
    ask(|| vault.check()).await.map_err(vault_failed)?;
    let (right, session) = account.ready(3 * PATIENCE).await?;
    let begun = match begin(account, vault, found).await {
        Ok(begun) => begun,
        Err(error) => return Err(account.failed(right, &session, error).await),
    };
    events::rotation_begun();
    let secret = begun.old.password().clone();
    match account.reset(&right, session.clone(), secret.clone()).await {
        Ok(new) => {
            let kept = ask(|| vault.keep(&begun, &new)).await;
            account.replaced(right, secret, new.clone()).await;
            kept.map_err(|source| Error::PasswordNotKept { password: new, source: source.into() })?;
            events::rotation_completed();
            Ok(())
        }
        Err(error) if error.is_unprocessed() => {
            if let Err(problem) = ask(|| vault.abandon(&begun)).await {
                events::vault_failed(
                    &problem,
                    "it does not know that nothing was reset: the rotation has to be resolved",
                );
            }
            Err(account.failed(right, &session, error).await)
        }
        Err(error) => {
            let unknown = Error::PasswordUnknown { source: Box::new(error) };
            Err(account.failed(right, &session, unknown).await)
        }
    }
}

/// Remembers the intent. The vault is asked again, because another rotation may have come to its end meanwhile.
async fn begin(account: &impl Resets, vault: &impl PasswordVault, found: Credentials) -> Result<Begun, Error> {
    let old = settled(account, vault).await?.unwrap_or(found);
    let begun = Begun::new(old, account.now());
    ask(|| vault.begin(&begun)).await.map_err(vault_failed)?;
    Ok(begun)
}

/// The credentials that the vault says hold, unless it holds none yet.
async fn settled(account: &impl Resets, vault: &impl PasswordVault) -> Result<Option<Credentials>, Error> {
    match ask(|| vault.state()).await.map_err(vault_failed)? {
        VaultState::Begun(begun) => Err(Error::RotationUnresolved { since: begun.since }),
        VaultState::Settled(old) if old.username() != account.username() => {
            Err(Error::configuration("the vault holds the password of another user: use another vault"))
        }
        VaultState::Settled(old) => Ok(Some(old)),
        VaultState::Empty => Ok(None),
    }
}
