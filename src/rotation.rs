//! Crash-safe password rotation.
//!
//! A reset answers with the new password once, and the old one is dead at that moment. This keeps the promise that a
//! new password is never dropped: a place for it is proved and the intent is durable before the reset is sent, the
//! new password is durable before anything else happens, and a run that was interrupted is found and resolved by the
//! next.

mod vault;

use std::{error::Error as StdError, future::Future, pin::Pin, sync::Arc, time::SystemTime};

pub use vault::FileVault;

use crate::{
    Credentials, Error, Password, Suspension, SuspensionReason,
    session::logins::{Logins, send_reset},
};

/// What a vault answers with.
pub type VaultFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, VaultError>> + Send + 'a>>;

/// Why a vault could not do what it was asked for.
pub type VaultError = Box<dyn StdError + Send + Sync>;

/// Where a rotation keeps the password, and remembers that it has begun.
///
/// Every method has to be durable when it answers: what it wrote is there after a power failure.
pub trait PasswordVault: Send + Sync {
    /// What it holds.
    fn state(&self) -> VaultFuture<'_, VaultState>;

    /// Proves that it can write, and changes nothing.
    fn check(&self) -> VaultFuture<'_, ()>;

    /// Remembers that these credentials are about to be replaced, and keeps them until they are.
    fn begin<'a>(&'a self, old: &'a Credentials) -> VaultFuture<'a, ()>;

    /// Keeps the new password in the place of the old one, and forgets that a rotation has begun.
    fn keep<'a>(&'a self, new: &'a Password) -> VaultFuture<'a, ()>;

    /// Forgets that a rotation has begun: the old password holds.
    fn abandon(&self) -> VaultFuture<'_, ()>;
}

/// What a vault holds.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum VaultState {
    /// Nothing yet.
    Empty,
    /// The credentials that hold.
    Settled(Credentials),
    /// A rotation has begun and did not come to an end.
    Begun {
        /// The credentials that it was to replace: they may hold or be dead.
        old: Credentials,
        /// When it began.
        since: SystemTime,
    },
}

/// What an interrupted rotation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// No rotation was under way.
    Nothing,
    /// The reset was not processed: the old password holds, and the vault says so.
    OldHolds,
    /// The old password is dead and the new one never arrived: nobody has it. Only Verizon can help.
    Lost,
}

fn vault_failed(error: VaultError) -> Error {
    Error::Vault(error.into())
}

/// Proves the vault, remembers the intent, resets, keeps.
pub(crate) async fn rotate<V: PasswordVault>(logins: &Arc<Logins>, vault: &V) -> Result<(), Error> {
    let old = match vault.state().await.map_err(vault_failed)? {
        VaultState::Begun { since, .. } => return Err(Error::RotationUnresolved { since }),
        VaultState::Settled(old) if old.username() != logins.username() => {
            return Err(Error::configuration("the vault holds the password of another user: use another vault"));
        }
        VaultState::Settled(old) => old,
        VaultState::Empty => logins.credentials().await?,
    };
    vault.check().await.map_err(vault_failed)?;
    // A session that is dead would only be found out in the middle of it.
    logins.current().await?;
    vault.begin(&old).await.map_err(vault_failed)?;
    tracing::info!("password rotation begun");
    let secret = old.password().clone();
    let outcome = logins.reset(secret.clone(), async |api| {
        let new = send_reset(&api, secret).await?;
        match vault.keep(&new).await {
            Ok(()) => Ok(new),
            Err(source) => Err(Error::PasswordNotKept { password: new, source: source.into() }),
        }
    });
    match outcome.await {
        Ok(_) => {
            tracing::info!("password rotation done");
            Ok(())
        }
        Err(error @ Error::PasswordNotKept { .. }) => Err(error),
        Err(error) if is_unprocessed(&error) => {
            vault.abandon().await.map_err(vault_failed)?;
            Err(error)
        }
        Err(error) => Err(Error::PasswordUnknown { source: Box::new(error) }),
    }
}

/// Whether it is certain that the password was not reset.
fn is_unprocessed(error: &Error) -> bool {
    let is_refusal = matches!(error, Error::Platform(refusal) if refusal.status().is_client_error());
    is_refusal || !error.may_have_been_processed()
}

/// Finds out what an interrupted rotation has come to, with at most one login. `logins` makes those of the old
/// credentials.
pub(crate) async fn resolve<V: PasswordVault>(
    vault: &V,
    logins: impl FnOnce(Credentials) -> Arc<Logins>,
) -> Result<Resolution, Error> {
    let VaultState::Begun { old, .. } = vault.state().await.map_err(vault_failed)? else {
        return Ok(Resolution::Nothing);
    };
    // A login also ends the session that a reset still under way somewhere would need.
    let is_dead = match logins(old).prove().await {
        Ok(()) => false,
        Err(Error::Platform(refusal)) if refusal.status().is_client_error() => true,
        Err(Error::LoginSuspended(Suspension {
            reason: SuspensionReason::Refused { .. } | SuspensionReason::Retired,
            ..
        })) => true,
        Err(error) => return Err(error),
    };
    // Looked at again: the rotation may have been under way elsewhere all the while, and have come to its end.
    let VaultState::Begun { .. } = vault.state().await.map_err(vault_failed)? else {
        return Ok(Resolution::Nothing);
    };
    if is_dead {
        return Ok(Resolution::Lost);
    }
    vault.abandon().await.map_err(vault_failed)?;
    Ok(Resolution::OldHolds)
}
