//! A custom session store: one table of a database in a file, for all processes of one machine.
//!
//! `cargo run --example sqlite_store` checks that it keeps every guarantee of a store.

#![allow(clippy::unwrap_used, clippy::print_stdout, reason = "it is a program")]

use std::sync::{Arc, Mutex};
use std::time::SystemTime;

use rusqlite::{Connection, ErrorCode, OptionalExtension as _, Row, params};
use thingspace_session::store::{Account, SessionStore, Snapshot, StoreError, StoreFuture, Value, Version, testing};

#[derive(Clone, Debug)]
struct SqliteStore(Arc<Mutex<Connection>>);

impl SqliteStore {
    fn new(db: Connection) -> rusqlite::Result<Self> {
        db.execute("CREATE TABLE IF NOT EXISTS record (account TEXT PRIMARY KEY, version TEXT, bytes BLOB)", [])?;
        Ok(Self(Arc::new(Mutex::new(db))))
    }

    /// Runs work on a thread that may block.
    fn run<'a, T: Send + 'static>(
        &self,
        work: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'a, T> {
        let db = self.0.clone();
        let work = tokio::task::spawn_blocking(move || work(&db.lock().unwrap()).map_err(|error| explain(&error)));
        Box::pin(async { work.await.unwrap() })
    }
}

/// Reports unreadable content as damaged, because it must never be a fresh start.
fn explain(error: &rusqlite::Error) -> StoreError {
    let (place, problem) = ("the SQLite database".to_owned(), error.to_string());
    match error.sqlite_error_code() {
        None | Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Damaged { place, problem },
        Some(_) => StoreError::Unavailable { place, problem },
    }
}

fn find(db: &Connection, account: &str) -> rusqlite::Result<Option<Value>> {
    let read = |row: &Row<'_>| {
        let version = row.get::<_, String>("version")?.parse().map_err(|_| rusqlite::Error::InvalidQuery)?;
        Ok(Value::new(version, row.get::<_, Vec<u8>>("bytes")?))
    };
    db.query_row("SELECT version, bytes FROM record WHERE account = ?1", [account], read).optional()
}

impl SessionStore for SqliteStore {
    fn load<'a>(&'a self, account: &'a Account) -> StoreFuture<'a, Snapshot> {
        let account = account.id();
        self.run(move |db| Ok(Snapshot { value: find(db, &account)?, now: SystemTime::now() }))
    }

    fn compare_and_swap<'a>(
        &'a self,
        account: &'a Account,
        expected: Option<Version>,
        new: Version,
        bytes: &'a [u8],
    ) -> StoreFuture<'a, bool> {
        let (account, name, bytes) = (account.id(), new.to_string(), bytes.to_vec());
        self.run(move |db| {
            let swap = match expected {
                None => "INSERT OR IGNORE INTO record SELECT ?1, ?2, ?3 WHERE ?4 IS NULL",
                Some(_) => "UPDATE record SET version = ?2, bytes = ?3 WHERE account = ?1 AND version = ?4",
            };
            let expected = expected.map(|version| version.to_string());
            let swapped = db.execute(swap, params![account, name, bytes, expected])?;
            // The version is stored already, because the swap was sent again.
            Ok(swapped == 1 || find(db, &account)?.is_some_and(|found| found.version == new))
        })
    }
}

pub(crate) async fn check() {
    let (directory, number) = (tempfile::tempdir().unwrap(), std::cell::Cell::new(0));
    let make = || {
        let path = directory.path().join(number.replace(number.get() + 1).to_string());
        let open = || Arc::new(SqliteStore::new(Connection::open(&path).unwrap()).unwrap());
        let handles: testing::Handles = (open(), open());
        std::future::ready(handles)
    };
    testing::conformance(make).await;
}

#[tokio::main]
async fn main() {
    check().await;
    println!("it keeps every guarantee");
}
