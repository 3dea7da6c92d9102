//! A file on the disk: read whole, replaced whole, by one at a time, for the eyes of its owner alone. The store and
//! the vault are such files.

mod trouble;

use std::{
    ffi::{OsStr, OsString},
    fs::{self, File, Metadata, OpenOptions, TryLockError},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use zeroize::Zeroizing;

use crate::store::StoreError;

/// How long the lock is waited for. It is held for the time of a few writes, so whoever has it for as long has been
/// stopped half-way; that has to be told, not shared.
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
    name: OsString,
    lock: PathBuf,
    patience: Duration,
}

/// The right to replace the file, until it is dropped.
pub(crate) struct Lock(#[expect(dead_code, reason = "closing it gives the lock up")] File);

impl Disk {
    pub(crate) fn new(path: PathBuf) -> Self {
        let directory = path.parent().map(Path::to_owned).unwrap_or_default();
        let name = path.file_name().unwrap_or_default().to_owned();
        let mut lock = path.clone().into_os_string();
        lock.push(".lock");
        Self { path, directory, name, lock: lock.into(), patience: PATIENCE }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// What the file says; nothing, if there is none.
    pub(crate) fn read(&self) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
        let Some(file) = self.open()? else { return Ok(None) };
        let metadata = file.metadata().map_err(|error| self.trouble("it cannot be read", &error))?;
        self.check_owner_only(&metadata)?;
        if metadata.len() > LONGEST {
            let problem =
                format!("it is {} bytes long, and {LONGEST} are the most that is read; it is", metadata.len());
            return Err(self.damaged(format!("{problem} not what was written: put a whole one in its place")));
        }
        // With room to spare the buffer does not grow, and so leaves no copy of a secret behind.
        let room = usize::try_from(metadata.len()).unwrap_or_default().saturating_add(64);
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        file.take(LONGEST).read_to_end(&mut text).map_err(|error| self.trouble("it cannot be read", &error))?;
        Ok(Some(text))
    }

    /// Waits until nobody else may replace the file.
    pub(crate) fn lock(&self) -> Result<Lock, StoreError> {
        let refused = |error: &io::Error| self.trouble("its lock file cannot be opened and locked", error);
        if fs::symlink_metadata(&self.lock).is_ok_and(|metadata| !metadata.is_file()) {
            let lock = self.lock.display();
            return Err(self.misconfigured(format!("its lock file is not a file; remove what is at {lock}")));
        }
        let file = self.open_lock().map_err(|error| refused(&error))?;
        let end = Instant::now() + self.patience;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(Lock(file)),
                Err(TryLockError::Error(error)) => return Err(refused(&error)),
                Err(TryLockError::WouldBlock) if Instant::now() < end => {
                    thread::sleep(Duration::from_millis(fastrand::u64(1..=PAUSE)));
                }
                Err(TryLockError::WouldBlock) => {
                    let (patience, lock) = (self.patience, self.lock.display());
                    let problem = format!(
                        "another process has kept its lock for {patience:?}; end that process if {lock} stays locked"
                    );
                    return Err(StoreError::Unavailable { place: self.place(), problem });
                }
            }
        }
    }

    fn open_lock(&self) -> io::Result<File> {
        owner_only(OpenOptions::new().write(true).create(true)).open(&self.lock)
    }

    /// Replaces the file: a reader finds the old one or the new one, and so does whoever comes after a crash.
    pub(crate) fn replace(&self, _: &Lock, text: &[u8]) -> Result<(), StoreError> {
        self.sweep();
        let replaced = self.write(text).and_then(|temporary| {
            fs::rename(&temporary.0, &self.path)?;
            sync_directory(&self.directory)
        });
        replaced.map_err(|error| self.trouble("it cannot be replaced", &error))
    }

    /// Proves that a file of this length can be written, and changes nothing.
    pub(crate) fn check(&self, _: &Lock, length: usize) -> Result<(), StoreError> {
        self.read()?;
        self.write(&vec![b' '; length]).map(drop).map_err(|error| self.trouble("it cannot be replaced", &error))
    }

    fn write(&self, text: &[u8]) -> io::Result<Temporary> {
        let temporary = Temporary(self.directory.join(self.temporary_name()));
        let mut file = owner_only(OpenOptions::new().write(true).create_new(true)).open(&temporary.0)?;
        file.write_all(text)?;
        // Before the rename: a name that is safe on the disk must not stand for content that is not.
        file.sync_all()?;
        Ok(temporary)
    }

    fn temporary_name(&self) -> OsString {
        let mut name = self.name.clone();
        name.push(format!(".{:0width$x}.tmp", fastrand::u64(..), width = DIGITS));
        name
    }

    /// Removes what writers left that died half-way. Only who holds the lock writes, so under it nobody misses them;
    /// and what cannot be removed does no harm to the file.
    fn sweep(&self) {
        let entries = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        for entry in entries.filter(|entry| self.is_temporary(&entry.file_name())) {
            let _ = fs::remove_file(entry.path());
        }
    }

    fn is_temporary(&self, name: &OsStr) -> bool {
        let digits = name
            .as_encoded_bytes()
            .strip_prefix(self.name.as_encoded_bytes())
            .and_then(|rest| rest.strip_prefix(b"."))
            .and_then(|rest| rest.strip_suffix(b".tmp"));
        digits.is_some_and(|digits| digits.len() == DIGITS && digits.iter().all(u8::is_ascii_hexdigit))
    }

    /// The file itself: what is no file is refused, and never waited for.
    fn open(&self) -> Result<Option<File>, StoreError> {
        let found = fs::symlink_metadata(&self.path).and_then(|metadata| {
            // Opening a pipe would wait for somebody to write to it.
            if metadata.is_file() { File::open(&self.path).map(Ok) } else { Ok(Err(metadata)) }
        });
        match found {
            Ok(Ok(file)) => Ok(Some(file)),
            Ok(Err(metadata)) if metadata.is_symlink() => {
                Err(self.misconfigured("it is a symbolic link; give the path of the file that it points to".to_owned()))
            }
            Ok(Err(_)) => Err(self.misconfigured("it is not a file; give the path of one".to_owned())),
            // A disk that is not mounted is no fresh start.
            Err(error) if error.kind() == ErrorKind::NotFound && self.directory.is_dir() => Ok(None),
            Err(error) => Err(self.trouble("it cannot be opened", &error)),
        }
    }

    #[cfg(unix)]
    fn check_owner_only(&self, metadata: &Metadata) -> Result<(), StoreError> {
        use std::os::unix::fs::PermissionsExt as _;

        const OF_OTHERS: u32 = 0o077;

        let (mode, place) = (metadata.permissions().mode() & 0o777, self.place());
        if mode & OF_OTHERS != 0 {
            return Err(self.misconfigured(format!(
                "it holds secrets, and its mode {mode:04o} gives others a right to it; do `chmod 600 {place}`"
            )));
        }
        Ok(())
    }

    #[cfg(not(unix))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the directory's rights are all there is")]
    fn check_owner_only(&self, _: &Metadata) -> Result<(), StoreError> {
        Ok(())
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
}

/// Removes a file when it is dropped; one that has been renamed is no longer there.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// What is created belongs to its owner from the start: there is no moment in which others could open it.
fn owner_only(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Makes a rename last.
fn sync_directory(directory: &Path) -> io::Result<()> {
    if cfg!(unix) { File::open(directory)?.sync_all() } else { Ok(()) }
}

/// What is said of work in a file that did not come to its end. Another call begins it again.
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
        let mut disk = Disk::new(directory.path().join("thingspace.json"));
        disk.patience = Duration::from_millis(30);
        let lock = disk.lock().unwrap();
        let error = disk.lock().err().map(|error| error.to_string()).unwrap_or_default();
        assert!(error.contains("another process has kept its lock for 30ms"), "{error}");
        drop(lock);
        assert!(disk.lock().is_ok());
    }
}
