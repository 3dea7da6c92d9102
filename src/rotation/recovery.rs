//! Finds the outcome of an interrupted rotation.

use std::{sync::Arc, time::SystemTime};

use super::{PATIENCE, PasswordVault, VaultState, load, rollback};
use crate::{Credentials, Error, Suspension, SuspensionReason, auth::SessionTokens, events};

/// The outcome of an interrupted rotation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Recovery {
    /// No rotation was pending.
    NothingPending,
    /// The reset was not processed. The old password is valid, and the vault has it as the current one.
    OldPasswordValid,
    /// The old password is superseded, and the vault does not have the new one. [`Error::PasswordNotSaved`] had it, or the
    /// [`Error::body`] of an [`Error::ResetOutcomeUnknown`]: swap [`VaultState::Pending`] for the saved password.
    /// If it was not saved, have Verizon set another one, and swap it in.
    NewPasswordLost,
}

/// Finds the outcome with at most one login. `tokens` are those of the old credentials.
pub(crate) async fn recover(
    vault: &impl PasswordVault,
    tokens: impl FnOnce(Credentials) -> Arc<SessionTokens>,
) -> Result<Recovery, Error> {
    let VaultState::Pending(pending) = load(vault).await? else { return Ok(Recovery::NothingPending) };
    let tokens = tokens(pending.old.clone());
    let is_pending = async || Ok::<_, Error>(load(vault).await? == VaultState::Pending(pending.clone()));
    let login = async {
        // A process that rotates or recovers now holds the claim until it has finished.
        let claim = tokens.claim_recovery(&pending.old, PATIENCE).await?;
        match is_pending().await {
            // The login also ends the session that a reset still in progress elsewhere would need.
            Ok(true) => tokens.recover(claim, &pending.old).await.map(|()| true),
            not_pending => {
                tokens.release(claim).await;
                not_pending
            }
        }
    };
    let recovery = match login.await {
        Ok(true) => rollback(vault, &pending).await.map(|()| Recovery::OldPasswordValid).map_err(Error::Vault),
        Ok(false) => Ok(Recovery::NothingPending),
        Err(error) if proves_superseded(&error, pending.since()) => Ok(Recovery::NewPasswordLost),
        Err(error) => Err(error),
    };
    // A process that shares no store may have finished the rotation meanwhile.
    let is_certain = matches!(recovery, Ok(Recovery::OldPasswordValid)) || is_pending().await?;
    let recovery = if is_certain { recovery } else { Ok(Recovery::NothingPending) };
    match recovery {
        Ok(Recovery::OldPasswordValid) => events::rotation_recovered(),
        Ok(Recovery::NewPasswordLost) => events::password_lost(),
        Ok(Recovery::NothingPending) | Err(_) => {}
    }
    recovery
}

/// Whether this error of a login proves that the password is superseded: it was rejected, now or since the rotation
/// began.
fn proves_superseded(error: &Error, begun: SystemTime) -> bool {
    match error {
        Error::Platform(response) if error.is_rejection() => {
            response.code.as_ref().is_some_and(|code| is_about_the_password(code.as_str()))
        }
        Error::LoginSuspended(Suspension { reason: SuspensionReason::Rejected { code: Some(code) }, since }) => {
            *since >= begun && is_about_the_password(code)
        }
        Error::LoginSuspended(Suspension { reason: SuspensionReason::Superseded, since }) => *since >= begun,
        _ => false,
    }
}

/// An account that is locked rejects the valid password, too.
fn is_about_the_password(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    !["lock", "disabled", "suspended", "inactive"].iter().any(|part| code.contains(part))
}
