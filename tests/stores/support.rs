//! Numbers in records, and a file store in a directory that goes when the test ends.

use std::{
    fs,
    path::PathBuf,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tempfile::TempDir;
use thingspace_session::{
    FileStore,
    store::{Account, Record, SessionStore, StoreError},
};

/// Long enough for any test.
pub(crate) const LONG: Duration = Duration::from_secs(300);

pub(crate) fn account() -> Account {
    Account::new("https://thingspace.example", "the-api-key", "zbeeblebrox")
}

fn at(number: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_700_000_000 + number)
}

/// The record with the session of this number.
pub(crate) fn numbered(record: Record, number: u64) -> Record {
    record.with_session(format!("token-{number}").into(), at(number))
}

/// The number of the record; 0 without a session.
pub(crate) fn number(record: &Record) -> u64 {
    let Some(used_at) = record.used_at() else { return 0 };
    let number = used_at.duration_since(at(0)).unwrap().as_secs();
    assert_eq!(record.session().unwrap().expose_secret(), format!("token-{number}"), "a mixture of two records");
    number
}

/// Puts the record with this number into a store.
pub(crate) async fn write(store: &dyn SessionStore, value: u64) {
    let (lease, record) = store.acquire(&account(), LONG).await.unwrap().expect("the right to log in is free");
    assert!(store.commit(&account(), &lease, &numbered(record, value)).await.unwrap());
    store.release(&account(), lease).await.unwrap();
}

pub(crate) async fn read(store: &dyn SessionStore) -> u64 {
    number(&store.load(&account()).await.unwrap())
}

/// A file store, and the directory around it.
pub(crate) struct Shelf {
    pub(crate) directory: TempDir,
    pub(crate) store: FileStore,
}

impl Shelf {
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

    /// Puts a text in place of the file's, with the rights that the file has.
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

    /// The error of every operation, which has to be the same.
    pub(crate) async fn refusal(&self) -> StoreError {
        let (store, account) = (&self.store, account());
        let (lease, token) = (thingspace_session::store::Lease::new(1), "token-1".into());
        let errors = [
            store.load(&account).await.unwrap_err(),
            store.acquire(&account, LONG).await.unwrap_err(),
            store.commit(&account, &lease, &Record::default()).await.unwrap_err(),
            store.release(&account, lease).await.unwrap_err(),
            store.touch(&account, &token, SystemTime::now()).await.unwrap_err(),
            store.forget(&account, &token).await.unwrap_err(),
        ];
        let texts = errors.each_ref().map(ToString::to_string);
        assert!(texts.iter().all(|text| *text == texts[0]), "{texts:#?}");
        let [error, ..] = errors;
        error
    }

    /// Why the file is refused as damaged. It has to be named, and left as it is.
    pub(crate) async fn damage(&self) -> String {
        let before = fs::read(self.path()).ok();
        match self.refusal().await {
            StoreError::Damaged { place, problem } => self.left_alone(&place, before.as_deref(), problem),
            error => panic!("not damaged: {error:?}"),
        }
    }

    /// What the operator has to change. The file has to be named, and left as it is.
    pub(crate) async fn misconfiguration(&self) -> String {
        let before = fs::read(self.path()).ok();
        match self.refusal().await {
            StoreError::Misconfigured { place, problem } => self.left_alone(&place, before.as_deref(), problem),
            error => panic!("not misconfigured: {error:?}"),
        }
    }

    fn left_alone(&self, place: &str, before: Option<&[u8]>, problem: String) -> String {
        assert_eq!(place, self.path().display().to_string());
        assert!(fs::read(self.path()).ok().as_deref() == before, "a file that was refused was changed");
        problem
    }
}
