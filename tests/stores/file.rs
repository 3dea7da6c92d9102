//! Tests that only concern the file store.

use std::{
    fs::{self, File},
    path::Path,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use base64::{Engine as _, prelude::BASE64_STANDARD};
use thingspace_session::store::{FileStore, SessionStore as _, Version};
use tokio::time::timeout;

use crate::support::{Scratch, account, numbered, read, swap, version, write};

/// Far longer than an operation takes that does not wait for a lock.
const PROMPTLY: Duration = Duration::from_secs(5);

/// Takes the lock, as a process does before it writes.
fn lock(scratch: &Scratch) -> File {
    let path = scratch.directory.path().join("thingspace.json.lock");
    let file = File::options().write(true).create(true).truncate(false).open(path).unwrap();
    file.lock().unwrap();
    file
}

#[tokio::test]
async fn values_outlive_the_process() {
    let scratch = Scratch::new();
    write(&scratch.store, 7).await;
    let before = version(&scratch.store.load(&account()).await.unwrap());
    let later = FileStore::new(scratch.path());
    assert_eq!(read(&later).await, 7);
    assert!(!swap(&later, None, 8).await, "the store lost the version");
    assert!(swap(&later, before, 8).await);
    assert_eq!(read(&FileStore::new(scratch.path())).await, 8);
}

#[tokio::test]
async fn the_file_holds_no_name_of_the_user() {
    let scratch = Scratch::new();
    write(&scratch.store, 7).await;
    let text = scratch.text();
    assert!(text.contains(&BASE64_STANDARD.encode(numbered(7))) && text.contains(&account().id()), "{text}");
    for private in ["zbeeblebrox", "the-api-key", "thingspace.example"] {
        assert!(!text.contains(private), "{private} is in the file");
    }
    assert_eq!(scratch.json()["version"], 1);
}

#[tokio::test]
async fn debug_prints_only_the_path() {
    let scratch = Scratch::new();
    write(&scratch.store, 7).await;
    assert_eq!(format!("{:?}", scratch.store), format!("FileStore {{ path: {:?}, .. }}", scratch.path()));
}

#[test]
fn the_path_stays_valid_after_a_change_of_directory() {
    let store = FileStore::new("thingspace.json");
    assert_eq!(store.path(), std::env::current_dir().unwrap().join("thingspace.json"));
    assert_eq!(FileStore::new("").path(), Path::new(""));
}

#[tokio::test]
async fn a_writer_removes_the_files_of_a_crashed_writer_and_no_others() {
    let scratch = Scratch::new();
    write(&scratch.store, 1).await;
    let stale = "thingspace.json.replacement.tmp";
    let kept = ["other.json.tmp", "thingspace.json.0123456789abcdef.tmp", "thingspace.json.tmp", "thingspace.json~"];
    for name in kept.iter().chain([&stale]) {
        fs::write(scratch.directory.path().join(name), "half a fi").unwrap();
    }
    assert_eq!(read(&scratch.store).await, 1);
    assert!(scratch.names().contains(&stale.to_owned()), "a reader removed the file of a crashed writer");
    write(&scratch.store, 2).await;
    let mut expected = [&kept[..], &["thingspace.json", "thingspace.json.lock"]].concat();
    expected.sort_unstable();
    assert_eq!(scratch.names(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_clock_is_the_system_clock_or_the_given_one() {
    let scratch = Scratch::new();
    let before = SystemTime::now();
    let now = scratch.store.load(&account()).await.unwrap().now;
    assert!(before <= now && now <= SystemTime::now());

    let begin = tokio::time::Instant::now();
    let store = scratch.store.clone().with_clock(move || UNIX_EPOCH + begin.elapsed());
    tokio::time::advance(Duration::from_secs(3600)).await;
    assert_eq!(store.load(&account()).await.unwrap().now, UNIX_EPOCH + Duration::from_secs(3600));
}

#[tokio::test]
async fn an_operation_that_changes_nothing_waits_for_no_writer_and_writes_nothing() {
    let scratch = Scratch::new();
    write(&scratch.store, 1).await;
    let old = write(&scratch.store, 2).await;
    let before = (scratch.text(), fs::metadata(scratch.path()).unwrap().modified().unwrap());

    let _writer = lock(&scratch);
    let store = &scratch.store;
    let idle = async {
        assert_eq!(read(store).await, 2);
        for expected in [None, old, Some(Version::random())] {
            assert!(!swap(store, expected, 3).await);
        }
        store.changed(&account(), old, Duration::from_millis(10)).await;
    };
    timeout(PROMPTLY, idle).await.expect("the operation waits for a lock that it does not need");
    assert_eq!((scratch.text(), fs::metadata(scratch.path()).unwrap().modified().unwrap()), before);
}

#[tokio::test]
async fn a_writer_waits_for_the_lock() {
    let scratch = Scratch::new();
    let writer = lock(&scratch);
    let store = scratch.store.clone();
    let swapped = tokio::spawn(async move { swap(&store, None, 1).await });
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(!swapped.is_finished());
    assert_eq!(scratch.names(), ["thingspace.json.lock"], "the store wrote without the lock");
    drop(writer);
    assert!(timeout(PROMPTLY, swapped).await.unwrap().unwrap());
}

#[tokio::test]
async fn a_swap_cancelled_before_it_has_the_lock_is_made_only_if_it_is_sent_again() {
    let (scratch, account, given_up) = (Scratch::new(), account(), Version::random());
    let writer = lock(&scratch);
    let bytes = numbered(1);
    let send = || scratch.store.compare_and_swap(&account, None, given_up, &bytes);
    assert!(timeout(Duration::from_millis(50), send()).await.is_err());
    drop(writer);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(read(&scratch.store).await, 0);
    assert!(send().await.unwrap() && send().await.unwrap());
    assert_eq!(read(&scratch.store).await, 1);
    assert!(swap(&scratch.store, Some(given_up), 2).await);
    assert!(!send().await.unwrap());
    assert_eq!(read(&scratch.store).await, 2);
}
