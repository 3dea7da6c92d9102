//! A vault in a file: the embedded default.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use futures_util::TryFutureExt as _;
use serde::{Deserialize, Serialize};

use super::{PasswordVault, Pending, VaultFuture, VaultState};
use crate::{
    CredentialsFuture, CredentialsProvider,
    store::{
        StoreError,
        disk::{Disk, FORMAT, Lock},
    },
};

/// The next step if the file is damaged.
const ADVICE: &str = "it may hold the only copy of a password, so keep it, and put a whole one in its place";

/// Keeps the credentials of one user in a file, which each write replaces as a whole. Clones share it.
///
/// **The file holds the password in the clear.** The vault creates it with mode 0600, and returns an error if another user
/// has any right to it. Only its owner should have the right to write to its directory. A damaged file is an error and
/// never a fresh start. The vault also writes `<name>.lock` and, for a moment, `<name>.replacement.tmp`.
///
/// A `FileVault` is a [`CredentialsProvider`]: pass it to
/// [`ThingSpace::start_session`](crate::ThingSpace::start_session) once it holds the password.
///
/// ```
/// # use thingspace_session::{Credentials, FileVault, rotation::{PasswordVault, VaultState}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let vault = FileVault::new(directory.join("password.json"));
/// let current = VaultState::Current(Credentials::new("zbeeblebrox", "IMgr8"));
/// assert!(vault.compare_and_swap(&VaultState::Empty, &current).await?);
/// assert_eq!(vault.load().await?, current);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FileVault(Arc<Disk>);

debug!(FileVault, |this| "FileVault {{ path: {:?}, .. }}", this.0.path());

/// The whole file. Without a file the vault is empty.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    vault: VaultState,
}

impl FileVault {
    /// The vault in this file. The first use opens or creates it.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self(Disk::new(path.into()))
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }
}

impl PasswordVault for FileVault {
    fn load(&self) -> VaultFuture<'_, VaultState> {
        Box::pin(self.0.clone().run(|disk, _| read(disk)).err_into())
    }

    fn compare_and_swap<'a>(&'a self, expected: &'a VaultState, new: &'a VaultState) -> VaultFuture<'a, bool> {
        let (expected, new) = (expected.clone(), new.clone());
        let swap = move |disk: &Disk, caller: &_| {
            let lock = disk.lock(caller)?;
            let is_expected = read(disk)? == expected;
            if is_expected {
                write(disk, &lock, new)?;
            }
            Ok(is_expected)
        };
        Box::pin(self.0.clone().run(swap).err_into())
    }
}

fn read(disk: &Disk) -> Result<VaultState, StoreError> {
    Ok(disk.read(ADVICE)?.map_or(VaultState::Empty, |document: Document| document.vault))
}

fn write(disk: &Disk, lock: &Lock, vault: VaultState) -> Result<(), StoreError> {
    match &vault {
        VaultState::Empty => disk.remove(lock),
        VaultState::Current(user) | VaultState::Pending(Pending { old: user, .. }) => {
            let longest = 256 + 6 * (user.username().len() + user.password().expose_secret().len());
            disk.replace(lock, &Document { version: FORMAT, vault }, longest)
        }
    }
}

impl CredentialsProvider for FileVault {
    fn credentials(&self) -> CredentialsFuture<'_> {
        Box::pin(async {
            let problem = match self.load().await? {
                VaultState::Current(credentials) => return Ok(credentials),
                VaultState::Empty => "holds no password yet; start with Credentials, and rotate the password",
                VaultState::Pending(_) => "has a pending rotation; call ThingSpace::recover_rotation first",
            };
            Err(format!("{} {problem}", self.path().display()).into())
        })
    }
}
