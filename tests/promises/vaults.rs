//! Vaults that fail, hang, panic or are slow, for the tests of rotations.

use std::{
    future::pending,
    io::Write as _,
    panic::resume_unwind,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use thingspace_session::{
    FileVault,
    rotation::{PasswordVault, VaultFuture, VaultState},
};

pub(crate) fn vault(directory: &tempfile::TempDir) -> FileVault {
    FileVault::new(directory.path().join("password.json"))
}

/// The current password of the vault.
pub(crate) async fn kept(vault: &FileVault) -> Option<String> {
    match vault.load().await.unwrap() {
        VaultState::Current(credentials) => Some(credentials.password().expose_secret().to_owned()),
        _ => None,
    }
}

/// The fault of a vault at one of its steps. Each method has two steps: before its work, and after.
#[derive(Clone, Copy)]
pub(crate) enum Trouble {
    Fails,
    Panics,
    /// Hangs forever, and prints that on standard output.
    Stops,
    Takes(Duration),
}

/// The steps of a successful rotation. The second step of a swap is its result.
pub(crate) const PROVE: u32 = 3;
pub(crate) const BEGIN: u32 = 7;
pub(crate) const COMMIT: u32 = 9;
pub(crate) const STEPS: u32 = 10;

#[derive(Clone)]
pub(crate) struct Brittle {
    inner: FileVault,
    step: Arc<AtomicU32>,
    /// The step; `None` for all.
    at: Option<u32>,
    trouble: Trouble,
}

impl Brittle {
    pub(crate) fn new(inner: FileVault, at: u32, trouble: Trouble) -> Self {
        Self { inner, step: Arc::default(), at: Some(at), trouble }
    }

    pub(crate) fn at_each_step(inner: FileVault, trouble: Trouble) -> Self {
        Self { inner, step: Arc::default(), at: None, trouble }
    }

    fn guarded<'a, T: Send + 'a>(&'a self, work: VaultFuture<'a, T>) -> VaultFuture<'a, T> {
        Box::pin(async move {
            self.pass().await?;
            let outcome = work.await?;
            self.pass().await?;
            Ok(outcome)
        })
    }

    async fn pass(&self) -> Result<(), String> {
        let step = self.step.fetch_add(1, Ordering::SeqCst) + 1;
        match self.trouble {
            _ if self.at.is_some_and(|at| at != step) => {}
            Trouble::Fails => return Err(format!("failed at step {step}")),
            Trouble::Panics => resume_unwind(Box::new("the vault's own code has a bug")),
            Trouble::Takes(time) => tokio::time::sleep(time).await,
            Trouble::Stops => {
                println!("stopped");
                std::io::stdout().flush().unwrap();
                pending::<()>().await;
            }
        }
        Ok(())
    }
}

impl PasswordVault for Brittle {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        self.guarded(self.inner.load())
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        self.guarded(self.inner.compare_and_swap(expected, new))
    }
}
