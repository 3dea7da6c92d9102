//! A store for one machine. Its processes share one session and one count of failed logins, which outlive them.
//!
//! Each swap replaces the whole file under a lock of the operating system. A reader needs no lock and never sees a part,
//! and a process that dies leaves the file unchanged. `document` is the content, `disk` reads and replaces the file.

mod document;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use document::Document;

use super::{Account, SessionStore, Snapshot, StoreFuture, Value, Version, disk::Disk};

/// Keeps values in a file, for all processes of one machine that are given the same path. Clones share it.
///
/// **The file holds session tokens**, in the clear unless the store is sealed. The store creates it with mode 0600. If
/// another user has any right to the file, the store returns an error with the command that corrects it. The file holds
/// no username, password or API key: [`Account::id`] identifies an account.
///
/// All processes must run as the same user. The directory must exist, on a disk of this machine, and only that user should
/// have the right to write to it. The store creates three files there: the named one, `<name>.lock`, and for a moment
/// `<name>.replacement.tmp`. Do not remove the lock file while the store is in use. In a container, mount the directory: a
/// file that is mounted by itself cannot be replaced.
///
/// The store makes the path absolute when it is created. A symbolic link in place of the file is an error: the first swap
/// would replace the link, and processes that use its target would keep a count of their own.
///
/// ```
/// use thingspace_session::store::{Account, FileStore, SessionStore, Version};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let store = FileStore::new(directory.join("thingspace.json"));
/// let account = Account::new("https://thingspace.verizon.com", "key", "zbeeblebrox");
/// assert!(store.compare_and_swap(&account, None, Version::random(), b"value").await?);
///
/// // Another process finds the value, now and after a restart.
/// let other = FileStore::new(directory.join("thingspace.json"));
/// let value = other.load(&account).await?.value.expect("a value was stored");
/// assert_eq!(value.bytes(), b"value");
/// # Ok(())
/// # }
/// ```
///
/// # Details
///
/// The store's clock is that of the machine. The store works on the blocking threads of the tokio runtime.
#[derive(Clone)]
pub struct FileStore {
    disk: Arc<Disk>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

debug!(FileStore, |this| "FileStore {{ path: {:?}, .. }}", this.disk.path());

impl FileStore {
    /// The store in this file. The first use opens or creates it.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { disk: Disk::new(path.into()), clock: Arc::new(SystemTime::now) }
    }

    /// Replaces the clock, for tests with virtual time. All processes that share the file need the same clock.
    #[must_use]
    pub fn with_clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// The path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.disk.path()
    }
}

impl SessionStore for FileStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        let account = account.id();
        let value = self.disk.clone().run(move |disk, _| Ok(Document::read(disk)?.take(&account)));
        Box::pin(async move { Ok(Snapshot { value: value.await?, now: (self.clock)() }) })
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        let (account, value) = (account.id(), Value::new(new, bytes));
        Box::pin(self.disk.clone().run(move |disk, caller| {
            let fits = |found: Option<Version>| found == expected || found == Some(new);
            // The file is complete at every moment, so a swap that fails needs no lock.
            if !fits(Document::read(disk)?.version(&account)) {
                return Ok(false);
            }
            let lock = disk.lock(caller)?;
            let mut document = Document::read(disk)?;
            let found = document.version(&account);
            if fits(found) {
                if found != Some(new) {
                    document.put(account, &value);
                }
                // Write also if the value is there: the last step of writing it may have failed.
                disk.replace(&lock, &document, document.longest())?;
            }
            Ok(fits(found))
        }))
    }
}
