//! What is special to the store in a file.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use thingspace_session::store::{FileStore, SessionStore as _, Version};
use tokio::time::timeout;

use crate::support::{Shelf, account, numbered, read, swap, version, write};

/// Far more than an operation takes that waits for no lock.
const PROMPTLY: Duration = Duration::from_secs(5);

/// Takes the lock as a process does that is about to write.
fn lock(shelf: &Shelf) -> File {
    let path = shelf.directory.path().join("thingspace.json.lock");
    let file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn values_outlive_the_process() {
    let shelf = Shelf::new();
    write(&shelf.store, 7).await;
    let before = version(&shelf.store.load(&account()).await.unwrap());
    let later = FileStore::new(shelf.path());
    assert_eq!(read(&later).await, 7);
    assert!(!swap(&later, None, 8).await, "the version is forgotten");
    assert!(swap(&later, before, 8).await);
    assert_eq!(read(&FileStore::new(shelf.path())).await, 8);
}

#[tokio::test]
async fn the_file_names_nobody() {
    let shelf = Shelf::new();
    write(&shelf.store, 7).await;
    let text = shelf.text();
    assert!(text.contains(&BASE64_STANDARD.encode(numbered(7))) && text.contains(&account().id()), "{text}");
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
async fn what_a_crashed_writer_left_is_cleared_away_and_nothing_else() {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    let stale = "thingspace.json.replacement.tmp";
    let kept = ["other.json.tmp", "thingspace.json.0123456789abcdef.tmp", "thingspace.json.tmp", "thingspace.json~"];
    for name in kept.iter().chain([&stale]) {
        fs::write(shelf.directory.path().join(name), "half a fi").unwrap();
    }
    assert_eq!(read(&shelf.store).await, 1);
    assert!(shelf.names().contains(&stale.to_owned()), "a reader has no business with it");
    write(&shelf.store, 2).await;
    let mut expected = [&kept[..], &["thingspace.json", "thingspace.json.lock"]].concat();
    expected.sort_unstable();
    assert_eq!(shelf.names(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_the_one_of_the_machine_or_the_one_that_is_given() {
    let shelf = Shelf::new();
    let before = SystemTime::now();
    let now = shelf.store.load(&account()).await.unwrap().now;
    assert!(before <= now && now <= SystemTime::now());

    let begin = tokio::time::Instant::now();
    let store = shelf.store.clone().with_clock(move || UNIX_EPOCH + begin.elapsed());
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(store.load(&account()).await.unwrap().now, UNIX_EPOCH + Duration::from_secs(3600));
}

#[tokio::test]
async fn what_changes_nothing_waits_for_no_writer_and_writes_nothing() {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    let old = write(&shelf.store, 2).await;
    let before = (shelf.text(), fs::metadata(shelf.path()).unwrap().modified().unwrap());

    let _writer = lock(&shelf);
    let store = &shelf.store;
    let idle = async {
        assert_eq!(read(store).await, 2);
        for expected in [None, old, Some(Version::random())] {
            assert!(!swap(store, expected, 3).await);
        }
        store.changed(&account(), old, Duration::from_millis(10)).await;
    };
    timeout(PROMPTLY, idle).await.expect("waited for a lock that it does not need");
    assert_eq!((shelf.text(), fs::metadata(shelf.path()).unwrap().modified().unwrap()), before);
}

#[tokio::test]
async fn a_writer_waits_for_the_lock() {
    let shelf = Shelf::new();
    let writer = lock(&shelf);
    let store = shelf.store.clone();
    let swapped = tokio::spawn(async move { swap(&store, None, 1).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!swapped.is_finished());
    assert_eq!(shelf.names(), ["thingspace.json.lock"], "written without the lock");
    drop(writer);
    assert!(timeout(PROMPTLY, swapped).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_swap_that_was_given_up_before_it_got_the_lock_is_never_made_unless_it_is_sent_again() {
    let (shelf, account, given_up) = (Shelf::new(), account(), Version::random());
    let writer = lock(&shelf);
    let bytes = numbered(1);
    let send = || shelf.store.compare_and_swap(&account, None, given_up, &bytes);
    assert!(timeout(Duration::from_millis(50), send()).await.is_err());
    drop(writer);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(read(&shelf.store).await, 0);
    assert!(send().await.unwrap() && send().await.unwrap());
    assert_eq!(read(&shelf.store).await, 1);
    assert!(swap(&shelf.store, Some(given_up), 2).await);
    assert!(!send().await.unwrap());
    assert_eq!(read(&shelf.store).await, 2);
}
