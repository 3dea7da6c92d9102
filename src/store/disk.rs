//! A file that is read and replaced as a whole, by one process at a time, with rights for its owner only. The store and
//! the vault are such files.

use std::{
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::{Arc, Weak},
    thread,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use zeroize::Zeroizing;

use super::StoreError;

/// The time that `lock` waits. A process holds the lock for a few writes. One that holds it for longer hangs, which the
/// operator has to know.
const PATIENCE: Duration = Duration::from_secs(20);
/// The maximum pause between two attempts to lock, in milliseconds.
const PAUSE: u64 = 8;
/// The maximum length of a file, in bytes. A store of many thousand accounts is shorter.
const LONGEST: u64 = 64 * 1024 * 1024;
/// The version of the formats of store and vault. A change that an older reader would misunderstand needs a new number.
pub(crate) const FORMAT: u64 = 1;

/// The file, and those beside it.
pub(crate) struct Disk {
    path: PathBuf,
    directory: PathBuf,
}

/// The right to replace the file, until it is dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "closing the file releases the lock")] File);

/// The caller that waits for the work. If it cannot be upgraded, the caller was cancelled.
pub(crate) type Caller = Weak<()>;

impl Disk {
    pub(crate) fn new(path: PathBuf) -> Arc<Self> {
        // A path that cannot be made absolute cannot be opened either; opening it reports that.
        let path = std::path::absolute(&path).unwrap_or(path);
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        Arc::new(Self { path, directory })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs work on a thread that may block, to its end even if the future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Self, &Caller) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (disk, waits) = (self.clone(), Arc::new(()));
        let caller = Arc::downgrade(&waits);
        let outcome = tokio::task::spawn_blocking(move || work(&disk, &caller)).await;
        drop(waits);
        outcome.unwrap_or_else(|_| Err(self.broken_off()))
    }

    /// The content of the file; `None` if there is no file. If it is damaged, the error gives the advice.
    pub(crate) fn read<T: DeserializeOwned>(&self, advice: &str) -> Result<Option<T>, StoreError> {
        #[derive(Deserialize)]
        struct Format {
            version: u64,
        }
        let Some(text) = self.text()? else { return Ok(None) };
        // The text of serde's error may quote a secret.
        let misread = |error: serde_json::Error| {
            self.damaged(format!("it is damaged at line {}, column {}; {advice}", error.line(), error.column()))
        };
        let Format { version } = serde_json::from_slice(&text).map_err(misread)?;
        if version != FORMAT {
            return Err(self.damaged(format!(
                "it has format {version}, and this version of thingspace-session reads format {FORMAT} only; use one \
                 version everywhere"
            )));
        }
        serde_json::from_slice(&text).map(Some).map_err(misread)
    }

    fn text(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let file = match self.open()? {
            // If the directory is missing, the disk may not be mounted: that is no fresh start.
            Err(error) if error.kind() == ErrorKind::NotFound && self.directory.is_dir() => return Ok(None),
            file => file.map_err(self.trouble("it cannot be opened"))?,
        };
        let metadata = file.metadata().map_err(self.trouble("it cannot be read"))?;
        let (length, mode, path) = (metadata.len(), mode(&metadata), self.path.display());
        if mode & 0o077 != 0 {
            return Err(self.misconfigured(format!(
                "it holds secrets, and its mode {mode:04o} gives others a right to it; do `chmod 600 {path}`"
            )));
        }
        if length > LONGEST {
            let problem = format!("it is {length} bytes long, and {LONGEST} are the most that is read");
            return Err(self.damaged(format!("{problem}; it is not what was written: put a whole one in its place")));
        }
        // A buffer that grows would leave copies of secrets in memory.
        let room = usize::try_from(length).unwrap_or_default().saturating_add(64);
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        file.take(LONGEST).read_to_end(&mut text).map_err(self.trouble("it cannot be read"))?;
        Ok(Some(text))
    }

    /// Opens a regular file only: opening a pipe would wait for a writer.
    fn open(&self) -> Result<io::Result<File>, StoreError> {
        let problem = match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => return Ok(File::open(&self.path)),
            Ok(metadata) if metadata.is_symlink() => "a symbolic link; give the path of the file that it points to",
            Ok(_) => "not a file; give the path of one",
            Err(error) => return Ok(Err(error)),
        };
        Err(self.misconfigured(format!("it is {problem}")))
    }

    /// Waits for the right to replace the file.
    pub(crate) fn lock(&self, caller: &Caller) -> Result<Lock, StoreError> {
        let lock = self.lock_within(PATIENCE)?;
        // Checked under the lock: a change whose caller was cancelled must not follow the caller's next change.
        if caller.strong_count() == 0 { Err(self.broken_off()) } else { Ok(lock) }
    }

    fn lock_within(&self, patience: Duration) -> Result<Lock, StoreError> {
        let (path, end) = (self.beside(".lock"), Instant::now() + patience);
        let lock = path.display();
        if fs::symlink_metadata(&path).is_ok_and(|metadata| !metadata.is_file()) {
            return Err(self.misconfigured(format!("its lock file is not a file; remove what is at {lock}")));
        }
        let file = owner_only(OpenOptions::new().write(true).create(true)).open(&path);
        let locked = file.and_then(|file| {
            loop {
                match file.try_lock() {
                    Ok(()) => return Ok(Some(Lock(file))),
                    Err(TryLockError::Error(error)) => return Err(error),
                    Err(TryLockError::WouldBlock) if Instant::now() >= end => return Ok(None),
                    Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(fastrand::u64(1..=PAUSE))),
                }
            }
        });
        locked.map_err(self.trouble("its lock file cannot be opened and locked"))?.ok_or_else(|| {
            let problem = format!("another process has kept its lock for {patience:?}");
            self.unavailable(format!("{problem}; end that process if {lock} stays locked"))
        })
    }

    /// Replaces the file. A reader finds the old file or the new one, also after a crash. The last byte of the text is its
    /// closing brace, so a truncated file is not valid. The text is at most `longest` bytes long: a buffer that grows would
    /// leave copies of secrets in memory.
    pub(crate) fn replace(&self, _: &Lock, content: &impl Serialize, longest: usize) -> Result<(), StoreError> {
        let mut text = Zeroizing::new(Vec::with_capacity(longest));
        serde_json::to_writer(&mut *text, content).map_err(|error| self.damaged(error.to_string()))?;
        if text.len() as u64 > LONGEST {
            let problem = format!("it would be {} bytes long, and {LONGEST} are the most that is read", text.len());
            return Err(self.misconfigured(format!("{problem}; use several files, each for some of the accounts")));
        }
        self.write(&text, |temporary| fs::rename(temporary, &self.path))
    }

    /// Removes the file if there is one, and proves that a file can be written.
    pub(crate) fn remove(&self, _: &Lock) -> Result<(), StoreError> {
        self.write(&[0], |_| match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Writes a temporary file, calls `put` with it, and makes the result durable.
    fn write(&self, text: &[u8], put: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), StoreError> {
        // A process writes only under the lock, so the writer of an existing temporary file has died.
        let temporary = self.beside(".replacement.tmp");
        let _ = fs::remove_file(&temporary);
        let create = || {
            let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
            file.write_all(text)?;
            // Before the rename: a durable name must not point to content that is not durable.
            file.sync_all()?;
            put(&temporary)?;
            // A directory can be opened and synchronized on Unix only.
            if cfg!(unix) { File::open(&self.directory)?.sync_all() } else { Ok(()) }
        };
        let written = create();
        let _ = fs::remove_file(&temporary);
        written.map_err(self.trouble("it cannot be replaced"))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// Classifies a failure of the file system: it may pass, or the operator has to act.
    fn trouble(&self, what: &str) -> impl Fn(io::Error) -> StoreError {
        move |error| match self.cure(&error) {
            Some(cure) => self.misconfigured(format!("{what}: {error}; {cure}")),
            None => self.unavailable(format!("{what}: {error}")),
        }
    }

    /// The next step of the operator; `None` if the failure may pass by itself.
    fn cure(&self, error: &io::Error) -> Option<String> {
        let directory = self.directory.display();
        let cure = match error.kind() {
            ErrorKind::NotFound => return self.missing(),
            ErrorKind::NotADirectory => match self.directory.ancestors().find(|path| path.exists() && !path.is_dir()) {
                Some(file) => {
                    return Some(format!("{} is not a directory; give a path in a directory", file.display()));
                }
                None => "give the path of a file in a directory",
            },
            ErrorKind::PermissionDenied => {
                return Some(format!("give the user of this process the right to read and write it and {directory}"));
            }
            ErrorKind::ReadOnlyFilesystem => "mount its file system with write access, or give a path elsewhere",
            ErrorKind::IsADirectory => "give the path of a file",
            ErrorKind::InvalidFilename => "give a shorter path",
            ErrorKind::InvalidInput => "give a path that the operating system accepts",
            ErrorKind::Unsupported => "give a path on a disk of this machine, which supports locks",
            // The file is a mount point: a rename cannot replace it.
            ErrorKind::ResourceBusy | ErrorKind::CrossesDevices => "if it is mounted by itself, mount its directory",
            ErrorKind::FileTooLarge => "raise the limit of the length of files",
            // Stable Rust has no name for this kind yet, but prints it.
            kind if format!("{kind:?}") == "FilesystemLoop" => "give a path whose symbolic links do not form a loop",
            _ => return None,
        };
        Some(cure.to_owned())
    }

    /// The file or directory to create; `None` if nothing is missing, because another process has just removed a file.
    fn missing(&self) -> Option<String> {
        let directory = self.directory.display();
        // `mkdir` does not create the target of a dangling link.
        let link = self.directory.ancestors().find(|path| path.is_symlink() && !path.exists());
        let cure = match (link, self.path.file_name()) {
            (_, None) => "give the path of a file".to_owned(),
            _ if self.directory.is_dir() && self.beside(".lock").exists() => return None,
            _ if self.directory.is_dir() => format!("{directory} does not accept this file; give a path elsewhere"),
            (Some(link), _) => {
                let target = fs::read_link(link).unwrap_or_default();
                format!("the symbolic link {} leads nowhere; create its target {}", link.display(), target.display())
            }
            _ if self.directory.components().any(|part| part.as_os_str() == "~") => {
                format!("write the path of {directory} whole: only a shell expands ~")
            }
            _ => format!("create the directory {directory}"),
        };
        Some(cure)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    fn damaged(&self, problem: String) -> StoreError {
        StoreError::Damaged { place: self.place(), problem }
    }

    fn misconfigured(&self, problem: String) -> StoreError {
        StoreError::Misconfigured { place: self.place(), problem }
    }

    fn unavailable(&self, problem: String) -> StoreError {
        StoreError::Unavailable { place: self.place(), problem }
    }

    /// The error of work that was not finished. Another call begins it again.
    fn broken_off(&self) -> StoreError {
        self.unavailable("the work was interrupted, as by the end of the runtime".to_owned())
    }
}

/// Creates a file that only its owner can open, from the first moment on.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The rights to the file. The store checks them on Unix only.
fn mode(metadata: &Metadata) -> u32 {
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    #[cfg(not(unix))]
    let mode = u32::from(metadata.is_file()) << 7;
    mode & 0o777
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_lock_that_another_process_keeps_is_an_error_after_a_time() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path().join("thingspace.json"));
        let caller = Arc::new(());
        let lock = disk.lock(&Arc::downgrade(&caller)).unwrap();
        let error =
            disk.lock_within(Duration::from_millis(30)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("another process has kept its lock for 30ms"), "{error}");
        drop(lock);
        assert!(disk.lock(&Arc::downgrade(&caller)).is_ok());
    }
}
