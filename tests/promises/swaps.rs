//! Swaps of a vault: one of several rotations wins, and a swap with a lost or wrong result loses no password.

use std::{
    fs,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, SystemTime},
};

use thingspace_sandbox::{Fault, Operation, Sandbox};
use thingspace_session::{
    Credentials, Error, FileVault,
    rotation::{PasswordVault, Pending, Recovery, VaultFuture, VaultState},
};
use tokio::{sync::Barrier, time::sleep};

use crate::support::{PASSWORD, USERNAME, client_of, credentials, session, shown};
use crate::vaults::{BEGIN, Brittle, Trouble, kept, vault};

fn pending() -> VaultState {
    VaultState::Pending(Pending::new(credentials(), SystemTime::UNIX_EPOCH))
}

fn current(password: &str) -> VaultState {
    VaultState::Current(Credentials::new(USERNAME, password))
}

#[tokio::test]
async fn a_file_vault_swaps_between_any_two_states_and_only_from_the_expected_one() {
    let directory = tempfile::tempdir().unwrap();
    let vault = vault(&directory);
    assert_ne!(pending(), pending(), "two rotations of the same millisecond");
    let states = [VaultState::Empty, current(PASSWORD), current("another"), pending(), pending()];
    let mut held = VaultState::Empty;
    for (from, to) in states.iter().flat_map(|from| states.iter().map(move |to| (from, to))) {
        assert!(vault.compare_and_swap(&held, from).await.unwrap());
        for other in states.iter().filter(|state| *state != from) {
            let before = fs::read(vault.path()).ok();
            assert!(!vault.compare_and_swap(other, to).await.unwrap(), "{other:?} is not {from:?}");
            assert_eq!(fs::read(vault.path()).ok(), before);
        }
        assert!(vault.compare_and_swap(from, to).await.unwrap());
        // Another process reads the new state.
        assert_eq!(FileVault::new(vault.path()).load().await.unwrap(), *to);
        assert_eq!(vault.path().exists(), *to != VaultState::Empty);
        held = to.clone();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_rotations_wins() {
    let directory = tempfile::tempdir().unwrap();
    for first in [VaultState::Empty, current(PASSWORD)] {
        let held = vault(&directory).load().await.unwrap();
        assert!(vault(&directory).compare_and_swap(&held, &first).await.unwrap());
        let start = Arc::new(Barrier::new(16));
        let rotations = (0..16).map(|_| {
            let (start, vault, first, own) = (start.clone(), vault(&directory), first.clone(), pending());
            tokio::spawn(async move {
                start.wait().await;
                vault.compare_and_swap(&first, &own).await.unwrap().then_some(own)
            })
        });
        let mut winners = Vec::new();
        for rotation in rotations.collect::<Vec<_>>() {
            winners.extend(rotation.await.unwrap());
        }
        assert_eq!(winners, [vault(&directory).load().await.unwrap()]);
    }
}

/// Two processes that share a vault and no store.
#[tokio::test(start_paused = true)]
async fn a_rotation_overtaken_by_another_resets_nothing() {
    let sandbox = Sandbox::start().await.unwrap();
    let directory = tempfile::tempdir().unwrap();
    let session = async || client_of(&sandbox).build().unwrap().start_session(credentials()).await.unwrap();
    let (overtaken, winner) = (session().await, session().await);
    // It loads the vault under its own claim, and is then slow.
    let slow = Brittle::new(vault(&directory), BEGIN, Trouble::Takes(Duration::from_secs(5)));
    let overtaken = tokio::spawn(async move { overtaken.rotate_password(&slow).await });
    sleep(Duration::from_secs(1)).await;
    winner.rotate_password(&vault(&directory)).await.unwrap();
    let error = overtaken.await.unwrap().unwrap_err();
    assert!(matches!(error, Error::Vault(_)) && error.is_retryable(), "{error:?}");
    assert!(shown(&error).contains("another process has changed its content"), "{error:?}");
    assert_eq!(sandbox.counters().resets_attempted, 1);
    assert_eq!(kept(&vault(&directory)).await, sandbox.password(USERNAME));
}

/// A vault that returns `false` for one or all swaps, before the swap or after a successful one.
#[derive(Clone)]
struct Denying {
    inner: FileVault,
    swaps: Arc<AtomicU32>,
    /// The number of the swap; 0 for all.
    at: u32,
    swaps_first: bool,
}

impl Denying {
    fn new(inner: FileVault, at: u32, swaps_first: bool) -> Self {
        Self { inner, swaps: Arc::default(), at, swaps_first }
    }
}

impl PasswordVault for Denying {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        self.inner.load()
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        let number = self.swaps.fetch_add(1, Ordering::SeqCst) + 1;
        let denies = [0, number].contains(&self.at);
        Box::pin(async move {
            let is_made = !denies || self.swaps_first;
            let has_swapped = is_made && self.inner.compare_and_swap(expected, new).await?;
            Ok(has_swapped && !denies)
        })
    }
}

/// A rotation swaps three times: to prove the vault, to begin, to commit.
#[tokio::test]
async fn a_vault_that_denies_a_swap_loses_no_password() {
    for (at, swaps_first) in (0..=3).flat_map(|at| [(at, false), (at, true)]) {
        let (sandbox, thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        let outcome = session.rotate_password(&Denying::new(vault(&directory), at, swaps_first)).await;
        let (holds, kept) = (sandbox.password(USERNAME).unwrap(), kept(&vault(&directory)).await);
        let resets = sandbox.counters().resets_attempted;
        match (at, swaps_first, &outcome) {
            // Another rotation may just have finished, or the denied swap has taken effect.
            (1, ..) | (2 | 3, true, _) => {
                outcome.unwrap();
                assert_eq!(kept, Some(holds));
            }
            (3, false, Err(Error::PasswordNotSaved { password, .. })) => {
                assert_eq!(password.expose_secret(), holds);
                // The caller writes the saved password to the vault, which works again.
                let pending = vault(&directory).load().await.unwrap();
                assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::NewPasswordLost);
                assert!(vault(&directory).compare_and_swap(&pending, &current(&holds)).await.unwrap());
                session.rotate_password(&vault(&directory)).await.unwrap();
            }
            (0 | 2, _, Err(error @ Error::Vault(_))) => {
                assert!(error.is_retryable(), "{error:?}");
                assert_eq!((holds.as_str(), resets), (PASSWORD, 0), "{at}");
            }
            _ => panic!("{at}, {swaps_first}: {outcome:?}"),
        }
    }
}

#[tokio::test]
async fn a_recovery_with_a_denied_or_lost_swap_returns_the_true_state() {
    for swaps_first in [false, true] {
        let (sandbox, thingspace, session) = session().await;
        let directory = tempfile::tempdir().unwrap();
        sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
        session.rotate_password(&vault(&directory)).await.unwrap_err();
        let outcome = thingspace.recover_rotation(&Denying::new(vault(&directory), 1, swaps_first)).await;
        if swaps_first {
            assert_eq!(outcome.unwrap(), Recovery::OldPasswordValid);
        } else {
            assert!(matches!(outcome, Err(Error::Vault(_))), "{outcome:?}");
            assert_eq!(thingspace.recover_rotation(&vault(&directory)).await.unwrap(), Recovery::OldPasswordValid);
        }
        assert_eq!(kept(&vault(&directory)).await.as_deref(), Some(PASSWORD));
    }
    let (sandbox, thingspace, session) = session().await;
    let directory = tempfile::tempdir().unwrap();
    sandbox.fault(Operation::Reset, Fault::CloseBefore, 1);
    session.rotate_password(&vault(&directory)).await.unwrap_err();
    // The vault is loaded twice, and then it swaps.
    let brittle = Brittle::new(vault(&directory), 6, Trouble::Fails);
    assert_eq!(thingspace.recover_rotation(&brittle).await.unwrap(), Recovery::OldPasswordValid);
    assert_eq!(kept(&vault(&directory)).await.as_deref(), Some(PASSWORD));
}
