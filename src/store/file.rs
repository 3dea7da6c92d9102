//! A store for one machine: all of its processes share one session and one count, which outlive them.
//!
//! One JSON file is replaced as a whole, under a lock of the operating system: a reader needs no lock and never sees
//! half of it, a process that dies leaves it as it was, and one that dies while it holds the lock holds it no more.
//! What the file says is in `document`, how it gets to the disk and back in `crate::disk`.

mod document;

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};

use document::{Document, Entry};

use super::{Account, Lease, Record, SessionStore, StoreError, StoreFuture};
use crate::{
    SessionToken,
    disk::{Disk, broken_off},
};

/// Keeps records in a file, for all processes of one machine that are given the same path. Clones share it.
///
/// **The file holds session tokens.** It belongs to its owner alone: it is created with mode 0600, and a file that the
/// group or others have any right to is refused, with the command that cures it. The username, the password and the
/// API key are not in it: an account goes by [`Account::id`], credentials by a salted hash.
///
/// All processes have to run as the same user. The directory must exist, on a disk of this machine; it should be one
/// to which nobody else may write, and it has to take three kinds of file: the one that was named; beside it
/// `<name>.lock`, which must not be removed while the store is in use; and for a moment `<name>.<digits>.tmp`. In a
/// container, mount the directory, not the file: a mounted file cannot be replaced.
///
/// The path is made absolute when the store is created. A symbolic link in place of the file is refused: whoever
/// replaced it would part from those who use the file that it points to, and there would be two counts.
///
/// # When something is wrong
///
/// Whatever cannot be read or understood is a [`StoreError`], and nobody logs in: what the file holds is the count of
/// failed logins, which keeps the account from being locked. Only if there is no file at all does the count begin. A
/// directory that does not exist is [`StoreError::Misconfigured`]: it may be a disk that is not mounted.
///
/// ```
/// use std::time::{Duration, SystemTime};
/// use thingspace_session::{
///     FileStore,
///     store::{Account, SessionStore},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let directory = tempfile::tempdir()?;
/// # let directory = directory.path();
/// let store = FileStore::new(directory.join("thingspace.json"));
/// let account = Account::new("https://thingspace.verizon.com", "key", "zbeeblebrox");
///
/// let (lease, record) = store.acquire(&account, Duration::from_secs(60)).await?.expect("nobody has it");
/// let record = record.with_session("d5f1…".into(), SystemTime::now());
/// assert!(store.commit(&account, &lease, &record).await?);
/// store.release(&account, lease).await?;
///
/// // Any other process finds the session, now and after everybody has been started anew.
/// let other = FileStore::new(directory.join("thingspace.json"));
/// assert_eq!(other.load(&account).await?, record);
/// # Ok(())
/// # }
/// ```
///
/// # Details
///
/// Leases are measured by the clock of the machine. Set forward, it ends them early; set back by more than a second,
/// it ends those that would otherwise last longer than they were granted for. In both cases fencing keeps the former
/// holder from overwriting anything.
///
/// The work is done on the blocking threads of the tokio runtime. If a future is dropped half-way, a commit is made
/// before any later one or never, and what is released, touched or forgotten is so even late. A dropped
/// [`acquire`](SessionStore::acquire) may leave the right to log in taken until its time is over.
#[derive(Clone)]
pub struct FileStore {
    disk: Arc<Disk>,
}

impl FileStore {
    /// The store in this file. Nothing is opened or created before it is used.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        let path = path.into();
        // What cannot be made absolute cannot be opened either, which is told when it is tried.
        Self { disk: Arc::new(Disk::new(std::path::absolute(&path).unwrap_or(path))) }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.disk.path()
    }

    /// Does work that blocks. Once it has begun to write, it writes to the end, whether or not anybody waits for it.
    fn blocking<'a, T, F>(&self, work: F) -> StoreFuture<'a, T>
    where
        T: Send + 'static,
        F: FnOnce(&Disk, &Caller) -> Result<T, StoreError> + Send + 'static,
    {
        let disk = self.disk.clone();
        Box::pin(async move {
            let place = disk.path().display().to_string();
            let caller = Caller::default();
            let _gone = Gone(caller.clone());
            tokio::task::spawn_blocking(move || work(&disk, &caller)).await.unwrap_or_else(|_| Err(broken_off(place)))
        })
    }

    /// Changes what is kept of an account; `change` tells whether it did.
    fn update<'a, T, F>(&self, account: &Account, unheard: Unheard, change: F) -> StoreFuture<'a, T>
    where
        T: Send + 'static,
        F: Fn(&mut Entry) -> (T, Changed) + Send + 'static,
    {
        let account = account.id();
        self.blocking(move |disk, caller| {
            // What needs no change needs no lock: the file is whole at any moment.
            let (outcome, changed) = change(&mut Document::read(disk)?.entry(&account));
            if changed == Changed::No {
                return Ok(outcome);
            }
            let lock = disk.lock()?;
            // Asked under the lock: whatever the caller does after it has gone comes after what is written here.
            if unheard == Unheard::Stop && caller.is_gone() {
                return Err(broken_off(disk.path().display().to_string()));
            }
            let mut document = Document::read(disk)?;
            let mut entry = document.entry(&account);
            let (outcome, changed) = change(&mut entry);
            if changed == Changed::Yes {
                document.set(account, entry);
                document.write(disk, &lock)?;
            }
            Ok(outcome)
        })
    }
}

/// Who waits for work that blocks.
#[derive(Clone, Default)]
struct Caller(Arc<AtomicBool>);

impl Caller {
    fn is_gone(&self) -> bool {
        self.0.load(Ordering::SeqCst)
    }
}

/// Says that the caller waits no more, when it is dropped.
struct Gone(Caller);

impl Drop for Gone {
    fn drop(&mut self) {
        self.0.0.store(true, Ordering::SeqCst);
    }
}

/// What becomes of a change that nobody waits for any more.
#[derive(Clone, Copy, PartialEq)]
enum Unheard {
    /// It is not made: it would come after what the caller did since, or give a right to nobody.
    Stop,
    /// It is made, however late: it names what it is about, and does nothing to what came after that.
    GoOn,
}

/// Whether there is something to write.
#[derive(Clone, Copy, PartialEq)]
enum Changed {
    Yes,
    No,
}

impl From<bool> for Changed {
    fn from(changed: bool) -> Self {
        if changed { Self::Yes } else { Self::No }
    }
}

impl SessionStore for FileStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Record> {
        let account = account.id();
        self.blocking(move |disk, _| Ok(Document::read(disk)?.entry(&account).record))
    }

    fn acquire<'a>(&'a self, account: &'a Account, time: Duration) -> StoreFuture<'a, Option<(Lease, Record)>> {
        self.update(account, Unheard::Stop, move |entry| {
            let lease = entry.acquire(SystemTime::now(), time);
            let changed = lease.is_some().into();
            (lease.map(|lease| (lease, entry.record.clone())), changed)
        })
    }

    fn commit<'a>(&'a self, account: &'a Account, lease: &'a Lease, record: &'a Record) -> StoreFuture<'a, bool> {
        let (fence, record) = (lease.fence(), record.clone());
        self.update(account, Unheard::Stop, move |entry| {
            let is_current = entry.is_current(fence);
            if is_current {
                entry.record = record.clone();
            }
            (is_current, is_current.into())
        })
    }

    fn release<'a>(&'a self, account: &'a Account, lease: Lease) -> StoreFuture<'a, ()> {
        self.update(account, Unheard::GoOn, move |entry| ((), entry.release(lease.fence()).into()))
    }

    fn touch<'a>(&'a self, account: &'a Account, token: &'a SessionToken, at: SystemTime) -> StoreFuture<'a, ()> {
        let token = token.clone();
        self.update(account, Unheard::GoOn, move |entry| ((), entry.record.touch(&token, at).into()))
    }

    fn forget<'a>(&'a self, account: &'a Account, token: &'a SessionToken) -> StoreFuture<'a, ()> {
        let token = token.clone();
        self.update(account, Unheard::GoOn, move |entry| ((), entry.record.forget(&token).into()))
    }
}

impl fmt::Debug for FileStore {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("FileStore").field("path", &self.disk.path()).finish_non_exhaustive()
    }
}
