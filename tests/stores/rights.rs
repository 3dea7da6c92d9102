//! Only the owner can read the file, and the path must name a regular file.

#![cfg(unix)]

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt as _, symlink},
};

use thingspace_session::store::{FileStore, StoreError};

use crate::support::{Scratch, read, try_swap, write};

fn set_mode(path: impl AsRef<std::path::Path>, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn only_the_owner_can_read_the_files_that_the_store_creates() {
    let scratch = Scratch::new();
    write(&scratch.store, 1).await;
    write(&scratch.store, 2).await;
    assert_eq!(scratch.names(), ["thingspace.json", "thingspace.json.lock"]);
    for name in scratch.names() {
        let mode = fs::metadata(scratch.directory.path().join(&name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}

#[tokio::test]
async fn the_error_for_a_file_that_other_users_can_read_states_the_next_step() {
    let scratch = Scratch::new();
    write(&scratch.store, 1).await;
    for mode in [0o644, 0o640, 0o620, 0o660, 0o604, 0o602, 0o606, 0o666, 0o777] {
        set_mode(scratch.path(), mode);
        let problem = scratch.misconfiguration().await;
        let cure = format!("chmod 600 {}", scratch.path().display());
        assert!(problem.contains(&cure) && problem.contains(&format!("{mode:04o}")), "{mode:04o}: {problem}");
    }
    set_mode(scratch.path(), 0o600);
    assert_eq!(read(&scratch.store).await, 1);
    set_mode(scratch.path(), 0o400);
    write(&scratch.store, 2).await;
    assert_eq!(read(&scratch.store).await, 2);
}

#[tokio::test]
async fn a_symbolic_link_is_rejected_with_any_target() {
    let (target, scratch) = (Scratch::new(), Scratch::new());
    symlink(target.path(), scratch.path()).unwrap();
    for is_there in [false, true] {
        if is_there {
            write(&target.store, 1).await;
        }
        let problem = scratch.misconfiguration().await;
        assert!(problem.contains("symbolic link"), "{problem}");
        assert!(scratch.path().is_symlink());
    }
    // A directory of the path may be a symbolic link.
    let through = scratch.directory.path().join("link");
    symlink(target.directory.path(), &through).unwrap();
    assert_eq!(read(&FileStore::new(through.join("thingspace.json"))).await, 1);
}

#[tokio::test]
async fn a_link_in_place_of_the_lock_file_is_rejected() {
    let (target, scratch) = (Scratch::new(), Scratch::new());
    symlink(target.path(), scratch.directory.path().join("thingspace.json.lock")).unwrap();
    let error = try_swap(&scratch.store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { problem, .. } if problem.contains("lock")), "{error}");
    assert!(target.names().is_empty());
}

#[tokio::test]
async fn a_path_that_is_not_a_file_is_rejected_without_a_wait() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    assert!(scratch.misconfiguration().await.contains("not a file"));
    fs::remove_dir(scratch.path()).unwrap();

    // The store opens neither: opening a socket fails, and opening a pipe waits.
    let _socket = std::os::unix::net::UnixListener::bind(scratch.path()).unwrap();
    assert!(scratch.misconfiguration().await.contains("not a file"));
}

#[tokio::test]
async fn a_read_only_directory_is_an_error() {
    let scratch = Scratch::new();
    set_mode(scratch.directory.path(), 0o500);
    // The superuser can write to every directory.
    let is_closed = fs::write(scratch.directory.path().join("probe"), "").is_err();
    if is_closed {
        let error = try_swap(&scratch.store, None, 1).await.unwrap_err();
        assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error}");
    }
    set_mode(scratch.directory.path(), 0o700);
}

#[tokio::test]
#[cfg(target_os = "linux")]
async fn a_directory_that_accepts_no_files_is_an_error_even_for_the_superuser() {
    let store = FileStore::new("/proc/self/thingspace.json");
    let error = try_swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error}");
    assert!(error.to_string().contains("/proc/self/thingspace.json"), "{error}");
}
