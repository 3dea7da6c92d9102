//! Values that hold numbers, and a file store in a temporary directory.

use std::{fs, path::PathBuf, time::Duration};

use tempfile::TempDir;
use thingspace_session::store::{Account, FileStore, SessionStore, Snapshot, StoreError, Version};

/// Long enough for any test.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) fn account() -> Account {
    Account::new("https://thingspace.example", "the-api-key", "zbeeblebrox")
}

/// The value with this number.
pub(crate) fn numbered(number: u64) -> Vec<u8> {
    format!("token-{number}").into_bytes()
}

/// The number in the value, or 0 without a value.
pub(crate) fn number(found: &Snapshot) -> u64 {
    let Some(value) = &found.value else { return 0 };
    std::str::from_utf8(value.bytes()).unwrap().strip_prefix("token-").unwrap().parse().unwrap()
}

pub(crate) fn version(found: &Snapshot) -> Option<Version> {
    found.value.as_ref().map(|value| value.version)
}

/// Swaps in the value with this number, if the stored version is the expected one.
pub(crate) async fn swap(store: &dyn SessionStore, expected: Option<Version>, value: u64) -> bool {
    try_swap(store, expected, value).await.unwrap()
}

pub(crate) async fn try_swap(
    store: &dyn SessionStore,
    expected: Option<Version>,
    value: u64,
) -> Result<bool, StoreError> {
    store.compare_and_swap(&account(), expected, Version::random(), &numbered(value)).await
}

/// Replaces any value of a store by the value with this number. Returns the version that was replaced.
pub(crate) async fn write(store: &dyn SessionStore, value: u64) -> Option<Version> {
    let found = version(&store.load(&account()).await.unwrap());
    assert!(swap(store, found, value).await);
    found
}

pub(crate) async fn read(store: &dyn SessionStore) -> u64 {
    number(&store.load(&account()).await.unwrap())
}

/// A file store in its own temporary directory.
pub(crate) struct Scratch {
    pub(crate) directory: TempDir,
    pub(crate) store: FileStore,
}

impl Scratch {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let store = FileStore::new(directory.path().join("thingspace.json"));
        Self { directory, store }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.store.path().to_owned()
    }

    pub(crate) fn text(&self) -> String {
        fs::read_to_string(self.path()).unwrap()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text()).unwrap()
    }

    /// Replaces the text of the file, and keeps its permissions.
    pub(crate) fn overwrite(&self, text: impl AsRef<[u8]>) {
        fs::write(self.path(), text).unwrap();
    }

    /// The names of all files in the directory.
    pub(crate) fn names(&self) -> Vec<String> {
        let entries = fs::read_dir(self.directory.path()).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    /// The error of every operation, which must be the same.
    pub(crate) async fn refusal(&self) -> StoreError {
        let error = self.store.load(&account()).await.unwrap_err();
        for expected in [None, Some(Version::random())] {
            let other = try_swap(&self.store, expected, 666).await.unwrap_err();
            assert_eq!(other.to_string(), error.to_string());
        }
        error
    }

    /// Why the store rejects the file as damaged. The error must name the file and leave it unchanged.
    pub(crate) async fn damage(&self) -> String {
        let before = fs::read(self.path()).ok();
        match self.refusal().await {
            StoreError::Damaged { place, problem } => self.left_alone(&place, before.as_deref(), problem),
            error => panic!("not damaged: {error:?}"),
        }
    }

    /// What the operator has to change. The error must name the file and leave it unchanged.
    pub(crate) async fn misconfiguration(&self) -> String {
        let before = fs::read(self.path()).ok();
        match self.refusal().await {
            StoreError::Misconfigured { place, problem } => self.left_alone(&place, before.as_deref(), problem),
            error => panic!("not misconfigured: {error:?}"),
        }
    }

    fn left_alone(&self, place: &str, before: Option<&[u8]>, problem: String) -> String {
        assert_eq!(place, self.path().display().to_string());
        assert!(fs::read(self.path()).ok().as_deref() == before, "the store changed a file that it rejected");
        problem
    }
}
