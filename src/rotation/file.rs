//! A vault in a file: the embedded default.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{PasswordVault, VaultError, VaultFuture, VaultState};
use crate::{
    CredentialFuture, CredentialSource, Credentials, Password,
    disk::{Disk, Lock},
};

/// The format that this code reads and writes.
const VERSION: u64 = 1;

/// Keeps the credentials of one user in a file of one's own, replaced as a whole and owner-only. Clones share it.
///
/// **The file holds the password in the clear.** It is created with mode 0600 and refused if others have any right to
/// it; its directory should be one to which nobody else may write. A file that is damaged is an error, never a fresh
/// start. Beside it `<name>.lock` and, for a moment, `<name>.<digits>.tmp` are written.
///
/// It is a [`CredentialSource`], too: give it to [`ThingSpace::start_session`](crate::ThingSpace::start_session) once
/// it holds the password.
///
/// ```
/// # use thingspace_session::{Credentials, FileVault, rotation::{PasswordVault, VaultState}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let vault = FileVault::new(directory.join("password.json"));
/// assert!(matches!(vault.state().await?, VaultState::Empty));
/// vault.begin(&Credentials::new("zbeeblebrox", "IMgr8")).await?;
/// vault.keep(&"Wh0a1545a84d".into()).await?;
/// assert!(matches!(vault.state().await?, VaultState::Settled(_)));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct FileVault(Arc<Disk>);

/// The whole file.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u64,
    username: String,
    /// The password that holds; while a rotation is under way, the one that it is to replace.
    password: Password,
    /// When the rotation began that is under way, in milliseconds since 1970.
    begun_ms: Option<u64>,
}

impl FileVault {
    /// The vault in this file. Nothing is opened or created before it is used.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        Self(Arc::new(Disk::new(std::path::absolute(&path).unwrap_or(path))))
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.0.path()
    }

    fn blocking<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T, VaultError> + Send + 'static,
    ) -> VaultFuture<'a, T> {
        let disk = self.0.clone();
        Box::pin(async move { tokio::task::spawn_blocking(move || work(&disk)).await? })
    }
}

impl Document {
    fn read(disk: &Disk) -> Result<Option<Self>, VaultError> {
        let Some(text) = disk.read()? else { return Ok(None) };
        // The error's own text may quote the password.
        let document: Self = serde_json::from_slice(&text).map_err(|error| {
            let (place, line, column) = (disk.path().display(), error.line(), error.column());
            format!(
                "{place}: it is damaged at line {line}, column {column}; it may hold the only copy of a password, so \
                 keep it, and put a whole one in its place"
            )
        })?;
        if document.version != VERSION {
            let place = disk.path().display();
            return Err(format!("{place}: it has format {}, and only {VERSION} is known", document.version).into());
        }
        Ok(Some(document))
    }

    fn write(&self, disk: &Disk, lock: &Lock) -> Result<(), VaultError> {
        // With room to spare the buffer does not grow, and so leaves no copy of the password behind.
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *text, self)?;
        Ok(disk.replace(lock, &text)?)
    }

    fn change(disk: &Disk, change: impl FnOnce(&mut Self)) -> Result<(), VaultError> {
        let lock = disk.lock()?;
        let document = Self::read(disk)?;
        let mut document = document.ok_or_else(|| format!("{}: it is gone", disk.path().display()))?;
        change(&mut document);
        document.write(disk, &lock)
    }

    fn credentials(&self) -> Credentials {
        Credentials::new(self.username.clone(), self.password.clone())
    }
}

impl PasswordVault for FileVault {
    fn state(&self) -> VaultFuture<'_, VaultState> {
        self.blocking(|disk| {
            Ok(match Document::read(disk)? {
                None => VaultState::Empty,
                Some(document) => match document.begun_ms {
                    None => VaultState::Settled(document.credentials()),
                    Some(begun) => {
                        let since = UNIX_EPOCH.checked_add(Duration::from_millis(begun)).unwrap_or(UNIX_EPOCH);
                        VaultState::Begun { old: document.credentials(), since }
                    }
                },
            })
        })
    }

    fn check(&self) -> VaultFuture<'_, ()> {
        self.blocking(|disk| {
            let lock = disk.lock()?;
            Ok(disk.check(&lock, 4096)?)
        })
    }

    fn begin<'a>(&'a self, old: &'a Credentials) -> VaultFuture<'a, ()> {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_millis();
        let document = Document {
            version: VERSION,
            username: old.username().to_owned(),
            password: old.password().clone(),
            begun_ms: Some(u64::try_from(since).unwrap_or(u64::MAX)),
        };
        self.blocking(move |disk| {
            let lock = disk.lock()?;
            // Looked at again under the lock: of two that begin at the same time, one does.
            if Document::read(disk)?.is_some_and(|there| there.begun_ms.is_some()) {
                return Err(format!("{}: another rotation is under way", disk.path().display()).into());
            }
            document.write(disk, &lock)
        })
    }

    fn keep<'a>(&'a self, new: &'a Password) -> VaultFuture<'a, ()> {
        let new = new.clone();
        self.blocking(move |disk| {
            Document::change(disk, |document| {
                document.password = new;
                document.begun_ms = None;
            })
        })
    }

    fn abandon(&self) -> VaultFuture<'_, ()> {
        self.blocking(|disk| Document::change(disk, |document| document.begun_ms = None))
    }
}

impl CredentialSource for FileVault {
    fn credentials(&self) -> CredentialFuture<'_> {
        Box::pin(async {
            let place = self.path().display();
            match self.state().await? {
                VaultState::Settled(credentials) => Ok(credentials),
                VaultState::Empty => Err(format!("{place} holds no password yet").into()),
                VaultState::Begun { .. } => {
                    Err(format!("{place}: a rotation was interrupted: call ThingSpace::resolve_rotation first").into())
                }
            }
        })
    }
}

impl fmt::Debug for FileVault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileVault").field("path", &self.path()).finish_non_exhaustive()
    }
}
