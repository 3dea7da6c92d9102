//! What an interrupted rotation has come to.

use std::time::SystemTime;

use super::{Begun, PATIENCE, PasswordVault, Resets, VaultState, ask, vault_failed};
use crate::{Credentials, Error, Suspension, SuspensionReason, events};

/// What an interrupted rotation has come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Resolution {
    /// No rotation was under way.
    Nothing,
    /// The reset was not processed: the old password holds, and the vault says so.
    OldHolds,
    /// The old password is dead, and the vault has not got the new one: whoever has not kept it from an
    /// [`Error::PasswordNotKept`] or from the [`Error::body`] of an [`Error::PasswordUnknown`] has to ask Verizon for
    /// another, move what the vault holds out of its way, and start with that one.
    Lost,
}

/// Finds out, with at most one login. `account` is that of the old credentials.
pub(crate) async fn resolve<A: Resets>(
    vault: &impl PasswordVault,
    account: impl FnOnce(Credentials) -> A,
) -> Result<Resolution, Error> {
    let VaultState::Begun(begun) = ask(|| vault.state()).await.map_err(vault_failed)? else {
        return Ok(Resolution::Nothing);
    };
    let account = account(begun.old.clone());
    // Whoever rotates or resolves at this moment has the right to log in until it is over.
    let right = account.right(3 * PATIENCE).await?;
    let resolution = resolve_alone(vault, &account, &right, &begun).await;
    account.give_back(right).await;
    match resolution {
        Ok(Resolution::OldHolds) => events::rotation_resolved(),
        Ok(Resolution::Lost) => events::password_lost(),
        Ok(Resolution::Nothing) | Err(_) => {}
    }
    resolution
}

async fn resolve_alone<A: Resets>(
    vault: &impl PasswordVault,
    account: &A,
    right: &A::Right,
    begun: &Begun,
) -> Result<Resolution, Error> {
    if is_over(vault, begun).await? {
        return Ok(Resolution::Nothing);
    }
    // A login also ends the session that a reset still under way somewhere would need.
    let outcome = account.prove(right, &begun.old).await;
    // For the case that whoever rotates elsewhere shares no store.
    if is_over(vault, begun).await? {
        return Ok(Resolution::Nothing);
    }
    match outcome {
        Ok(()) => {
            ask(|| vault.abandon(begun)).await.map_err(vault_failed)?;
            Ok(Resolution::OldHolds)
        }
        Err(error) if tells_a_dead_password(&error, begun.since) => Ok(Resolution::Lost),
        Err(error) => Err(error),
    }
}

async fn is_over(vault: &impl PasswordVault, begun: &Begun) -> Result<bool, Error> {
    let state = ask(|| vault.state()).await.map_err(vault_failed)?;
    Ok(state != VaultState::Begun(begun.clone()))
}

/// Whether a login that was refused, now or since the rotation began, proves that the password holds no more.
fn tells_a_dead_password(error: &Error, begun: SystemTime) -> bool {
    match error {
        Error::Platform(refusal) if error.is_refusal() => {
            refusal.code().is_some_and(|code| is_of_the_password(code.as_str()))
        }
        Error::LoginSuspended(Suspension { reason: SuspensionReason::Refused { code: Some(code) }, since }) => {
            *since >= begun && is_of_the_password(code)
        }
        Error::LoginSuspended(Suspension { reason: SuspensionReason::Retired, since }) => *since >= begun,
        _ => false,
    }
}

/// An account that is shut refuses the right password, too.
fn is_of_the_password(code: &str) -> bool {
    let code = code.to_ascii_lowercase();
    !["lock", "disabled", "suspended", "inactive"].iter().any(|part| code.contains(part))
}
