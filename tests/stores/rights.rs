//! The file is for the eyes of its owner alone, and it is what its path says.

#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

use thingspace_session::store::{FileStore, StoreError};

use crate::support::{Shelf, read, try_swap, write};

fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_the_store_creates_belongs_to_its_owner_alone() {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    write(&shelf.store, 2).await;
    assert_eq!(shelf.names(), ["thingspace.json", "thingspace.json.lock"]);
    for name in shelf.names() {
        let mode = fs::metadata(shelf.directory.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn a_file_that_others_have_a_right_to_is_refused_with_the_cure() {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    for mode in [0o644, 0o640, 0o620, 0o660, 0o604, 0o602, 0o606, 0o666, 0o777] {
        set_mode(shelf.path(), mode);
        let problem = shelf.misconfiguration().await;
        let cure = format!("chmod 600 {}", shelf.path().display());
        assert!(problem.contains(&cure) && problem.contains(&format!("{mode:04o}")), "{mode:04o}: {problem}");
    }
    set_mode(shelf.path(), 0o600);
    assert_eq!(read(&shelf.store).await, 1);
    set_mode(shelf.path(), 0o400);
    write(&shelf.store, 2).await;
    assert_eq!(read(&shelf.store).await, 2);
}

#[tokio::test]
async fn a_symbolic_link_is_refused_wherever_it_leads() {
    let (target, shelf) = (Shelf::new(), Shelf::new());
    symlink(target.path(), shelf.path()).unwrap();
    for is_there in [false, true] {
        if is_there {
            write(&target.store, 1).await;
        }
        let problem = shelf.misconfiguration().await;
        assert!(problem.contains("symbolic link"), "{problem}");
        assert!(shelf.path().is_symlink());
    }
    // A directory may be reached by one.
    let through = shelf.directory.path().join("link");
    symlink(target.directory.path(), &through).unwrap();
    assert_eq!(read(&FileStore::new(through.join("thingspace.json"))).await, 1);
}

#[tokio::test]
async fn a_link_in_place_of_the_lock_file_is_refused() {
    let (target, shelf) = (Shelf::new(), Shelf::new());
    symlink(target.path(), shelf.directory.path().join("thingspace.json.lock")).unwrap();
    let error = try_swap(&shelf.store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { problem, .. } if problem.contains("lock")), "{error}");
    assert!(target.names().is_empty());
}

#[tokio::test]
async fn what_is_no_file_is_refused_and_not_waited_for() {
    let shelf = Shelf::new();
    fs::create_dir(shelf.path()).unwrap();
    assert!(shelf.misconfiguration().await.contains("not a file"));
    fs::remove_dir(shelf.path()).unwrap();

    // Opening a socket fails, opening a pipe waits; neither is tried.
    let _socket = std::os::unix::net::UnixListener::bind(shelf.path()).unwrap();
    assert!(shelf.misconfiguration().await.contains("not a file"));
}

#[tokio::test]
async fn a_directory_that_cannot_be_written_to_is_told() {
    let shelf = Shelf::new();
    set_mode(shelf.directory.path(), 0o500);
    // Nothing is closed to the superuser.
    let is_closed = fs::write(shelf.directory.path().join("probe"), "").is_err();
    if is_closed {
        let error = try_swap(&shelf.store, None, 1).await.unwrap_err();
        assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error}");
    }
    set_mode(shelf.directory.path(), 0o700);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_directory_that_takes_no_files_is_told_even_to_the_superuser() {
    let store = FileStore::new("/proc/self/thingspace.json");
    let error = try_swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("/proc/self/thingspace.json"), "{error}");
}
