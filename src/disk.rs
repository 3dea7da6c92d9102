//! A file on the disk: read whole, replaced whole, by one process at a time, for its owner alone. The store and the vault
//! are such files.

use std::{
    ffi::OsStr,
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use crate::store::StoreError;

/// How long `lock` waits. A process holds the lock for a few writes: one that holds it for longer was stopped half-way,
/// which the operator has to know.
const PATIENCE: Duration = Duration::from_secs(20);
/// The longest pause between two looks at the lock, in milliseconds.
const PAUSE: u64 = 8;
/// The longest file that is read, in bytes: a store of many thousand accounts is shorter.
const LONGEST: u64 = 64 * 1024 * 1024;
/// How many digits the name of a temporary file has.
const DIGITS: usize = 16;

/// The file, and those beside it.
pub(crate) struct Disk {
    path: PathBuf,
    directory: PathBuf,
}

/// The right to replace the file, until it is dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "closing it gives the lock up")] File);

impl Disk {
    pub(crate) fn new(path: PathBuf) -> Self {
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        Self { path, directory }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Does work on a thread that may block. The work runs to its end even if the future is dropped.
    pub(crate) async fn run<T: Send + 'static>(
        self: Arc<Self>,
        work: impl FnOnce(&Self) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let place = self.place();
        tokio::task::spawn_blocking(move || work(&self)).await.unwrap_or_else(|_| Err(broken_off(place)))
    }

    /// The content of the file; `None` if there is no file.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let file = match self.open()? {
            // A disk that is not mounted is no fresh start.
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
        // With room to spare the buffer does not grow, and so leaves no copy of a secret behind.
        let room = usize::try_from(length).unwrap_or_default().saturating_add(64);
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        file.take(LONGEST).read_to_end(&mut text).map_err(self.trouble("it cannot be read"))?;
        Ok(Some(text))
    }

    /// Opens the file itself, and nothing else: opening a pipe would wait for a writer.
    fn open(&self) -> Result<io::Result<File>, StoreError> {
        let problem = match fs::symlink_metadata(&self.path) {
            Ok(metadata) if metadata.is_file() => return Ok(File::open(&self.path)),
            Ok(metadata) if metadata.is_symlink() => "a symbolic link; give the path of the file that it points to",
            Ok(_) => "not a file; give the path of one",
            Err(error) => return Ok(Err(error)),
        };
        Err(self.misconfigured(format!("it is {problem}")))
    }

    /// Waits until no other process may replace the file.
    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        self.lock_within(PATIENCE)
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

    /// Replaces the file: a reader finds the old one or the new one, and so does a process that starts after a crash.
    pub(crate) fn replace(&self, _: &Lock, text: &[u8]) -> Result<(), StoreError> {
        if text.len() as u64 > LONGEST {
            let problem = format!("it would be {} bytes long, and {LONGEST} are the most that is read", text.len());
            return Err(self.misconfigured(format!("{problem}; use several files, each for some of the accounts")));
        }
        self.write(text, |temporary| fs::rename(temporary, &self.path))
    }

    /// Removes the file, if there is one, and proves that another can be written.
    pub(crate) fn remove(&self, _: &Lock) -> Result<(), StoreError> {
        self.write(&[0], |_| match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        })
    }

    /// Writes a temporary file, and makes last what `put` does with it.
    fn write(&self, text: &[u8], put: impl FnOnce(&Path) -> io::Result<()>) -> Result<(), StoreError> {
        self.sweep();
        let temporary = self.beside(&format!(".{:0width$x}.tmp", fastrand::u64(..), width = DIGITS));
        let create = || {
            let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(&temporary)?;
            file.write_all(text)?;
            // Before the rename: a name that is safe on the disk must not stand for content that is not.
            file.sync_all()?;
            put(&temporary)?;
            // A directory can be opened and synchronized on Unix only.
            if cfg!(unix) { File::open(&self.directory)?.sync_all() } else { Ok(()) }
        };
        let written = create();
        let _ = fs::remove_file(&temporary);
        written.map_err(self.trouble("it cannot be replaced"))
    }

    /// Removes what writers left that died half-way. A process writes only under the lock, so these belong to none; one
    /// that cannot be removed does no harm to the file.
    fn sweep(&self) {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| self.is_temporary(&entry.file_name())) {
            let _ = fs::remove_file(entry.path());
        }
    }

    fn is_temporary(&self, name: &OsStr) -> bool {
        let own = self.path.file_name().unwrap_or_default().as_encoded_bytes();
        let rest = name.as_encoded_bytes().strip_prefix(own).and_then(|rest| rest.strip_prefix(b"."));
        let digits = rest.and_then(|rest| rest.strip_suffix(b".tmp"));
        digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
    }

    fn beside(&self, ending: &str) -> PathBuf {
        let mut path = self.path.clone().into_os_string();
        path.push(ending);
        path.into()
    }

    /// What a failure of the file system means: it may pass, or the operator has to act.
    fn trouble(&self, what: &str) -> impl Fn(io::Error) -> StoreError {
        move |error| match self.cure(&error) {
            Some(cure) => self.misconfigured(format!("{what}: {error}; {cure}")),
            None => self.unavailable(format!("{what}: {error}")),
        }
    }

    /// What the operator has to do; `None` if the failure may pass by itself.
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
            // Stable Rust cannot name this kind yet, but prints it.
            kind if format!("{kind:?}") == "FilesystemLoop" => "give a path whose symbolic links do not form a loop",
            _ => return None,
        };
        Some(cure.to_owned())
    }

    /// What to create; `None` if nothing is missing: then another process has removed a file at this moment.
    fn missing(&self) -> Option<String> {
        let directory = self.directory.display();
        // `mkdir` refuses the name of a link, whether or not the link leads anywhere.
        let link = self.directory.ancestors().find(|path| path.is_symlink() && !path.exists());
        let cure = match (link, self.path.file_name()) {
            (_, None) => "give the path of a file".to_owned(),
            _ if self.directory.is_dir() && self.beside(".lock").exists() => return None,
            _ if self.directory.is_dir() => format!("{directory} does not accept this file; give a path elsewhere"),
            (Some(link), _) => {
                let target = fs::read_link(link).unwrap_or_default();
                format!("the symbolic link {} leads nowhere; create its target {}", link.display(), target.display())
            }
            _ => format!("create the directory {directory}"),
        };
        Some(cure)
    }

    fn place(&self) -> String {
        self.path.display().to_string()
    }

    pub(crate) fn damaged(&self, problem: String) -> StoreError {
        StoreError::Damaged { place: self.place(), problem }
    }

    fn misconfigured(&self, problem: String) -> StoreError {
        StoreError::Misconfigured { place: self.place(), problem }
    }

    fn unavailable(&self, problem: String) -> StoreError {
        StoreError::Unavailable { place: self.place(), problem }
    }
}

/// Creates a file for its owner alone: at no moment can others open it.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// The rights to the file. Other systems than Unix have none that are checked.
fn mode(metadata: &Metadata) -> u32 {
    #[cfg(unix)]
    let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions());
    #[cfg(not(unix))]
    let mode = u32::from(metadata.is_file()) << 7;
    mode & 0o777
}

/// The error of work that was not finished. Another call begins it again.
pub(crate) fn broken_off(place: String) -> StoreError {
    StoreError::Unavailable { place, problem: "the work was broken off, as by the end of the runtime".to_owned() }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    #[test]
    fn a_lock_that_is_not_given_up_is_told() {
        let directory = tempfile::tempdir().unwrap();
        let disk = Disk::new(directory.path().join("thingspace.json"));
        let lock = disk.lock().unwrap();
        let error =
            disk.lock_within(Duration::from_millis(30)).err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("another process has kept its lock for 30ms"), "{error}");
        drop(lock);
        assert!(disk.lock().is_ok());
    }
}
