//! What is special to the store in a file.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime},
};

use serde_json::{Value, json};
use thingspace_session::{
    FileStore,
    store::{Record, SessionStore},
};
use tokio::time::timeout;

use crate::support::{LONG, Shelf, account, number, numbered, read, write};

/// Far more than an operation takes that waits for nobody.
const PROMPTLY: Duration = Duration::from_secs(5);

/// Takes the lock as a process does that is about to write.
fn lock(shelf: &Shelf) -> File {
    let path = shelf.directory.path().join("thingspace.json.lock");
    let file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.lock().unwrap();
    file
}

fn change(shelf: &Shelf, change: impl FnOnce(&mut Value)) {
    let mut json = shelf.json();
    change(&mut json["accounts"][account().id()]);
    shelf.overwrite(json.to_string());
}

#[tokio::test]
async fn records_and_fences_outlive_the_process() {
    let shelf = Shelf::new();
    write(&shelf.store, 7).await;
    let (before, _) = shelf.store.acquire(&account(), LONG).await.unwrap().unwrap();
    let later = FileStore::new(shelf.path());
    assert_eq!(read(&later).await, 7);
    assert!(later.acquire(&account(), LONG).await.unwrap().is_none(), "the lease is forgotten");
    let fence = before.fence();
    later.release(&account(), before).await.unwrap();
    let (after, _) = FileStore::new(shelf.path()).acquire(&account(), LONG).await.unwrap().unwrap();
    assert!(after.fence() > fence);
}

#[tokio::test]
async fn the_file_names_nobody() {
    let shelf = Shelf::new();
    write(&shelf.store, 7).await;
    let text = shelf.text();
    assert!(text.contains("token-7") && text.contains(&account().id()), "{text}");
    for private in ["zbeeblebrox", "the-api-key", "thingspace.example"] {
        assert!(!text.contains(private), "{private} is in the file");
    }
    assert_eq!(shelf.json()["version"], 1);
}

#[tokio::test]
async fn debug_prints_the_path_alone() {
    let shelf = Shelf::new();
    write(&shelf.store, 7).await;
    assert_eq!(format!("{:?}", shelf.store), format!("FileStore {{ path: {:?}, .. }}", shelf.path()));
}

#[test]
fn the_path_holds_wherever_the_process_goes() {
    let store = FileStore::new("thingspace.json");
    assert_eq!(store.path(), std::env::current_dir().unwrap().join("thingspace.json"));
    assert_eq!(FileStore::new("").path(), Path::new(""));
}

#[tokio::test]
async fn what_crashed_writers_left_is_cleared_away_and_nothing_else() {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    let stale = ["thingspace.json.0123456789abcdef.tmp", "thingspace.json.ffffffffffffffff.tmp"];
    let kept = [
        "other.json.0123456789abcdef.tmp",
        "thingspace.json.0123456789abcdef",
        "thingspace.json.0123456789abcdeg.tmp",
        "thingspace.json.0123456789abcdef0.tmp",
        "thingspace.json.bak.tmp",
        "thingspace.json.tmp",
        "thingspace.json~",
    ];
    for name in stale.iter().chain(&kept) {
        fs::write(shelf.directory.path().join(name), "half a fi").unwrap();
    }
    assert_eq!(read(&shelf.store).await, 1);
    assert!(stale.iter().all(|name| shelf.names().contains(&(*name).to_owned())), "a reader has no business with them");
    write(&shelf.store, 2).await;
    let mut expected = [&kept[..], &["thingspace.json", "thingspace.json.lock"]].concat();
    expected.sort_unstable();
    assert_eq!(shelf.names(), expected);
}

/// Whether the right is free, with the end of the lease moved by so many milliseconds: what remains of it then is what
/// would remain if the clock had been moved the other way.
async fn is_free_with_end_moved(milliseconds: i64) -> bool {
    let shelf = Shelf::new();
    let (lease, _) = shelf.store.acquire(&account(), Duration::from_secs(30)).await.unwrap().unwrap();
    change(&shelf, |entry| {
        let until = entry["lease"]["until_ms"].as_u64().unwrap();
        entry["lease"]["until_ms"] = json!(until.saturating_add_signed(milliseconds));
    });
    match shelf.store.acquire(&account(), LONG).await.unwrap() {
        Some((later, _)) => {
            assert!(later.fence() > lease.fence());
            assert!(!shelf.store.commit(&account(), &lease, &Record::default()).await.unwrap());
            true
        }
        None => false,
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_keep_the_right_for_ever() {
    let (minute, year) = (60_000, 365 * 24 * 3_600_000);
    for back in [minute, year, i64::MAX] {
        assert!(is_free_with_end_moved(back).await, "set back by {back} ms, the right is kept");
    }
    assert!(!is_free_with_end_moved(500).await, "the clock was but set right, and the right is lost");
    assert!(!is_free_with_end_moved(-10_000).await, "the lease still runs");
    assert!(is_free_with_end_moved(-40_000).await, "the lease is over");
}

#[tokio::test]
async fn a_lease_without_end_and_one_without_length_are_leases() {
    let (shelf, account) = (Shelf::new(), account());
    let (first, _) = shelf.store.acquire(&account, Duration::ZERO).await.unwrap().unwrap();
    shelf.store.release(&account, first).await.unwrap();
    let (lease, record) = shelf.store.acquire(&account, Duration::MAX).await.unwrap().unwrap();
    assert!(shelf.store.acquire(&account, LONG).await.unwrap().is_none());
    assert!(shelf.store.commit(&account, &lease, &numbered(record, 1)).await.unwrap());
    assert_eq!(read(&shelf.store).await, 1);
}

#[tokio::test]
async fn what_changes_nothing_waits_for_no_writer_and_writes_nothing() {
    let (shelf, account) = (Shelf::new(), account());
    write(&shelf.store, 1).await;
    let (lease, _) = shelf.store.acquire(&account, LONG).await.unwrap().unwrap();
    let old = || thingspace_session::store::Lease::new(lease.fence() - 1);
    let before = (shelf.text(), fs::metadata(shelf.path()).unwrap().modified().unwrap());

    let _writer = lock(&shelf);
    let store = &shelf.store;
    let idle = async {
        assert_eq!(read(store).await, 1);
        assert!(store.acquire(&account, LONG).await.unwrap().is_none());
        assert!(!store.commit(&account, &old(), &Record::default()).await.unwrap());
        store.release(&account, old()).await.unwrap();
        store.touch(&account, &"token-0".into(), SystemTime::now()).await.unwrap();
        store.touch(&account, &"token-1".into(), SystemTime::UNIX_EPOCH).await.unwrap();
        let used_at = store.load(&account).await.unwrap().used_at().unwrap();
        store.touch(&account, &"token-1".into(), used_at).await.unwrap();
        store.forget(&account, &"token-0".into()).await.unwrap();
    };
    timeout(PROMPTLY, idle).await.expect("waited for a lock that it does not need");
    assert_eq!((shelf.text(), fs::metadata(shelf.path()).unwrap().modified().unwrap()), before);
}

#[tokio::test]
async fn a_writer_waits_for_the_lock() {
    let (shelf, account) = (Shelf::new(), account());
    let writer = lock(&shelf);
    let store = shelf.store.clone();
    let grant = tokio::spawn(async move { store.acquire(&account, LONG).await.unwrap() });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!grant.is_finished());
    assert_eq!(shelf.names(), ["thingspace.json.lock"], "written without the lock");
    drop(writer);
    assert!(timeout(PROMPTLY, grant).await.unwrap().unwrap().is_some());
}

#[tokio::test]
async fn a_commit_that_was_given_up_before_it_got_the_lock_is_never_made() {
    let (shelf, account) = (Shelf::new(), account());
    let (lease, record) = shelf.store.acquire(&account, LONG).await.unwrap().unwrap();
    let writer = lock(&shelf);
    let given_up = numbered(record.clone(), 1);
    let wait = timeout(Duration::from_millis(50), shelf.store.commit(&account, &lease, &given_up));
    assert!(wait.await.is_err());
    drop(writer);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(read(&shelf.store).await, 0);
    assert!(shelf.store.commit(&account, &lease, &numbered(record, 2)).await.unwrap());
    assert_eq!(number(&shelf.store.load(&account).await.unwrap()), 2);
}

#[tokio::test]
async fn what_was_released_or_forgotten_is_so_even_if_nobody_waits_for_it() {
    let (shelf, account) = (Shelf::new(), account());
    write(&shelf.store, 1).await;
    let (lease, _) = shelf.store.acquire(&account, LONG).await.unwrap().unwrap();
    let writer = lock(&shelf);
    let given_up = Duration::from_millis(50);
    assert!(timeout(given_up, shelf.store.release(&account, lease)).await.is_err());
    assert!(timeout(given_up, shelf.store.forget(&account, &"token-1".into())).await.is_err());
    drop(writer);
    let done = async {
        while read(&shelf.store).await != 0 || shelf.store.acquire(&account, LONG).await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PROMPTLY, done).await.expect("given up");
}
