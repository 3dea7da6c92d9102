//! Rotates a password so that no crash loses the new one silently.
//!
//! The platform returns a new password once, and the old one is superseded at that moment. So a rotation is pending in
//! the vault before the reset is sent, the new password is durable there before anything else happens, and the next run
//! finds a rotation that was interrupted.

mod file_vault;
mod recovery;
mod vault;

use std::{error::Error as StdError, sync::Arc, time::Duration};

pub use file_vault::FileVault;
pub use recovery::Recovery;
pub(crate) use recovery::recover;
pub use vault::{PasswordVault, Pending, VaultError, VaultFuture, VaultState};

use crate::{
    Credentials, Error, Password,
    auth::{Claim, SLACK, SessionTokens},
    events,
    store::{StoreError, limited},
};

/// The name of the vault in errors.
const PLACE: &str = "the vault";
/// The time limit of a swap, and of a load: both happen while other processes wait to log in.
const PATIENCE: Duration = Duration::from_secs(25);

/// Why a vault failed, as an [`Error`] has it.
type Failure = Arc<dyn StdError + Send + Sync>;

async fn ask<T, F: Future<Output = Result<T, VaultError>>>(call: impl FnOnce() -> F) -> Result<T, Failure> {
    limited(PLACE, PATIENCE, call).await.map_err(Into::into)
}

async fn load(vault: &impl PasswordVault) -> Result<VaultState, Error> {
    ask(|| vault.load()).await.map_err(Error::Vault)
}

/// Swaps. If the response is lost or `false`, the vault may nevertheless hold `new`: a swap of `new` for itself then
/// proves that it is durable.
async fn swap(vault: &impl PasswordVault, expected: &VaultState, new: &VaultState) -> Result<(), Failure> {
    let work = async || {
        let swapped = vault.compare_and_swap(expected, new).await;
        if matches!(swapped, Ok(true)) || matches!(vault.compare_and_swap(new, new).await, Ok(true)) {
            return Ok(());
        }
        let problem = "another process has changed its content; call again".to_owned();
        swapped.and_then(|_| Err(StoreError::Unavailable { place: PLACE.to_owned(), problem }.into()))
    };
    ask(work).await
}

/// Proves the vault, begins, resets, commits.
pub(crate) async fn rotate(tokens: &Arc<SessionTokens>, vault: &impl PasswordVault) -> Result<(), Error> {
    step_by_step(tokens, vault).await.inspect_err(events::rotation_failed)
}

async fn step_by_step(tokens: &Arc<SessionTokens>, vault: &impl PasswordVault) -> Result<(), Error> {
    // Before the claim, because this may fail or take long while other processes would wait.
    let state = load(vault).await?;
    let mut old = match current(&state, tokens.username())? {
        Some(old) => old.clone(),
        None => tokens.credentials().await?,
    };
    // `false` if another rotation has just finished. The vault can write then, and `begin` loads again.
    ask(|| vault.compare_and_swap(&state, &state)).await.map_err(Error::Vault)?;
    // Each claim covers the steps until the next one. If the process is killed, others wait for that long only.
    let (mut claim, session, pending) = loop {
        let (claim, session) = tokens.claim_reset(old.password(), 2 * PATIENCE + SLACK).await?;
        match begin(tokens, vault, &claim, &old).await {
            Ok(Ok(pending)) => break (claim, session, pending),
            // Another rotation has finished meanwhile. A claim is for the credentials that it supersedes.
            Ok(Err(newer)) => {
                tokens.release(claim).await;
                old = newer;
            }
            Err(error) => return Err(tokens.not_reset(claim, &session, error).await),
        }
    };
    events::rotation_begun();
    let old = pending.old.password();
    let reset = match tokens.extend(&mut claim, PATIENCE).await {
        Ok(()) => tokens.send_reset(&claim, session.clone(), old.clone()).await,
        Err(error) => Err(error),
    };
    let error = match reset {
        Ok(new) => {
            let saved = commit(vault, &pending, &new).await;
            tokens.replaced(claim, old.clone(), new.clone()).await;
            saved.map_err(|source| Error::PasswordNotSaved { password: new, source })?;
            events::rotation_completed();
            return Ok(());
        }
        Err(error) if error.is_unprocessed() => {
            if let Err(problem) = rollback(vault, &pending).await {
                events::vault_failed(&problem, "the rotation stays pending although nothing was reset: recover it");
            }
            error
        }
        Err(error) => Error::ResetOutcomeUnknown { source: Box::new(error) },
    };
    Err(tokens.not_reset(claim, &session, error).await)
}

/// Saves that a rotation of `old` is pending. Returns the vault's credentials if they are others: the vault is loaded again,
/// because another rotation may have finished meanwhile.
async fn begin(
    tokens: &SessionTokens,
    vault: &impl PasswordVault,
    claim: &Claim,
    old: &Credentials,
) -> Result<Result<Pending, Credentials>, Error> {
    let state = load(vault).await?;
    if let Some(newer) = current(&state, tokens.username())?.filter(|current| *current != old) {
        return Ok(Err(newer.clone()));
    }
    let pending = Pending::new(old.clone(), claim.began().into());
    swap(vault, &state, &VaultState::Pending(pending.clone())).await.map_err(Error::Vault)?;
    Ok(Ok(pending))
}

/// Saves the new password.
async fn commit(vault: &impl PasswordVault, pending: &Pending, new: &Password) -> Result<(), Failure> {
    let new = Credentials::new(pending.old.username(), new.clone());
    swap(vault, &VaultState::Pending(pending.clone()), &VaultState::Current(new)).await
}

/// Saves that the old password is valid.
async fn rollback(vault: &impl PasswordVault, pending: &Pending) -> Result<(), Failure> {
    commit(vault, pending, pending.old.password()).await
}

/// The credentials that the vault holds, if there are any.
///
/// # Errors
///
/// If no rotation of this user can begin.
fn current<'a>(state: &'a VaultState, username: &str) -> Result<Option<&'a Credentials>, Error> {
    match state {
        VaultState::Empty => Ok(None),
        VaultState::Current(old) if old.username() == username => Ok(Some(old)),
        VaultState::Current(_) => {
            Err(Error::configuration("the vault holds the password of another user: use another vault"))
        }
        VaultState::Pending(pending) => Err(Error::RotationPending { since: pending.since() }),
    }
}
