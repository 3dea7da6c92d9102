//! A vault in a file: the embedded default.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{
    Begun, PasswordVault, VaultError, VaultFuture, VaultState,
    vault::{at, milliseconds},
};
use crate::{
    CredentialFuture, CredentialSource, Credentials, Password,
    disk::{Disk, Lock, broken_off},
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
/// # use std::time::SystemTime;
/// # use thingspace_session::{Credentials, FileVault, rotation::{Begun, PasswordVault, VaultState}};
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let vault = FileVault::new(directory.join("password.json"));
/// assert!(matches!(vault.state().await?, VaultState::Empty));
/// let begun = Begun::new(Credentials::new("zbeeblebrox", "IMgr8"), SystemTime::now());
/// vault.begin(&begun).await?;
/// vault.keep(&begun, &"Wh0a1545a84d".into()).await?;
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
        Box::pin(async move {
            let place = disk.path().display().to_string();
            tokio::task::spawn_blocking(move || work(&disk)).await.unwrap_or_else(|_| Err(broken_off(place).into()))
        })
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
            return Err(format!(
                "{place}: it has format {}, and this version of thingspace-session knows format {VERSION} alone; use \
                 one version everywhere",
                document.version
            )
            .into());
        }
        Ok(Some(document))
    }

    fn write(&self, disk: &Disk, lock: &Lock) -> Result<(), VaultError> {
        // With room to spare the buffer does not grow, and so leaves no copy of the password behind.
        let mut text = Zeroizing::new(Vec::with_capacity(4096));
        serde_json::to_writer(&mut *text, self)?;
        Ok(disk.replace(lock, &text)?)
    }

    /// The file of a rotation that is under way.
    fn of(begun: &Begun) -> Self {
        Self {
            version: VERSION,
            username: begun.old.username().to_owned(),
            password: begun.old.password().clone(),
            begun_ms: Some(milliseconds(begun.since)),
        }
    }

    fn state(&self) -> VaultState {
        let credentials = Credentials::new(self.username.clone(), self.password.clone());
        match self.begun_ms {
            None => VaultState::Settled(credentials),
            Some(begun) => VaultState::Begun(Begun::new(credentials, at(begun))),
        }
    }

    /// The same with this password, and no rotation under way.
    fn settled(self, password: Password) -> Self {
        Self { password, begun_ms: None, ..self }
    }
}

/// Ends a rotation, if it is the one that the file holds.
fn end(disk: &Disk, begun: Begun, password: Password) -> Result<(), VaultError> {
    let lock = disk.lock()?;
    let ended = Document::of(&begun).settled(password);
    match Document::read(disk)?.map(|there| there.state()) {
        // It was ended like this before, and that was not heard.
        Some(there) if there == ended.state() => Ok(()),
        Some(there) if there == VaultState::Begun(begun) => ended.write(disk, &lock),
        _ => Err(format!(
            "{}: it does not hold this rotation any more; call ThingSpace::resolve_rotation",
            disk.path().display()
        )
        .into()),
    }
}

impl PasswordVault for FileVault {
    fn state(&self) -> VaultFuture<'_, VaultState> {
        self.blocking(|disk| Ok(Document::read(disk)?.map_or(VaultState::Empty, |document| document.state())))
    }

    fn check(&self) -> VaultFuture<'_, ()> {
        self.blocking(|disk| {
            let lock = disk.lock()?;
            Ok(disk.check(&lock, 4096)?)
        })
    }

    fn begin<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        let begun = begun.clone();
        self.blocking(move |disk| {
            let lock = disk.lock()?;
            let problem = match Document::read(disk)?.map(|there| there.state()) {
                Some(VaultState::Begun(_)) => "another rotation is under way; call ThingSpace::resolve_rotation once it is over",
                Some(there) if there != VaultState::Settled(begun.old.clone()) => {
                    "it holds other credentials than those that are to be replaced; start the session with those that it holds"
                }
                _ => return Document::of(&begun).write(disk, &lock),
            };
            Err(format!("{}: {problem}", disk.path().display()).into())
        })
    }

    fn keep<'a>(&'a self, begun: &'a Begun, new: &'a Password) -> VaultFuture<'a, ()> {
        let (begun, new) = (begun.clone(), new.clone());
        self.blocking(move |disk| end(disk, begun, new))
    }

    fn abandon<'a>(&'a self, begun: &'a Begun) -> VaultFuture<'a, ()> {
        let begun = begun.clone();
        self.blocking(move |disk| {
            let old = begun.old.password().clone();
            end(disk, begun, old)
        })
    }
}

impl CredentialSource for FileVault {
    fn credentials(&self) -> CredentialFuture<'_> {
        Box::pin(async {
            let place = self.path().display();
            match self.state().await? {
                VaultState::Settled(credentials) => Ok(credentials),
                VaultState::Empty => {
                    Err(format!("{place} holds no password yet; start with Credentials, and rotate the password")
                        .into())
                }
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
