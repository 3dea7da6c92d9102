//! If the operator has to act, an error of the file store or the file vault is not retryable and states the next step.

use std::{fs, path::Path};

use thingspace_session::{
    CredentialsProvider as _, Error, FileVault,
    rotation::{self, PasswordVault as _, VaultState},
    store::{FileStore, SessionStore as _, StoreError},
};

use crate::support::{Scratch, account, try_swap};

/// The error of store and vault for an unusable path, which must be the same.
async fn advice(path: &Path) -> String {
    let (store, vault) = (FileStore::new(path), FileVault::new(path));
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(try_swap(&store, None, 1).await, Err(StoreError::Misconfigured { .. })));
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    let converted = Error::from(error);
    assert!(!converted.is_retryable() && converted.to_string().contains(&text), "{converted:?}");

    let of_the_vault = vault.load().await.unwrap_err();
    assert_eq!(of_the_vault.to_string(), text);
    assert!(prove(&vault).await.is_err());
    assert!(!Error::Vault(of_the_vault.into()).is_retryable());
    let of_the_source = vault.credentials().await.unwrap_err();
    assert!(!Error::CredentialsProvider(of_the_source.into()).is_retryable());
    text
}

async fn prove(vault: &FileVault) -> Result<bool, rotation::VaultError> {
    vault.compare_and_swap(&VaultState::Empty, &VaultState::Empty).await
}

#[tokio::test]
async fn the_error_for_a_missing_directory_is_to_create_it() {
    let scratch = Scratch::new();
    for path in ["state/thingspace.json", "a/b/c/thingspace.json"] {
        let path = scratch.directory.path().join(path);
        let text = advice(&path).await;
        let directory = path.parent().unwrap();
        assert!(text.ends_with(&format!("create the directory {}", directory.display())), "{text}");
        fs::create_dir_all(directory).unwrap();
        try_swap(&FileStore::new(&path), None, 1).await.expect("the next step solves the problem");
        prove(&FileVault::new(path.with_extension("vault"))).await.expect("the next step solves the problem");
    }
}

#[tokio::test]
async fn a_file_in_place_of_a_directory_is_named() {
    let scratch = Scratch::new();
    let file = scratch.directory.path().join("state");
    fs::write(&file, "").unwrap();
    for path in ["thingspace.json", "deeper/thingspace.json"] {
        let text = advice(&file.join(path)).await;
        assert!(text.contains(&format!("{} is not a directory", file.display())), "{text}");
    }
}

#[tokio::test]
async fn the_error_names_a_path_that_is_not_a_file() {
    let scratch = Scratch::new();
    fs::create_dir(scratch.path()).unwrap();
    assert!(advice(&scratch.path()).await.contains("give the path of one"));
    for path in ["/", ""] {
        let text = advice(Path::new(path)).await;
        assert!(text.contains("give the path of"), "{text}");
    }
}

#[tokio::test]
async fn the_error_for_a_directory_in_place_of_the_lock_file_is_to_remove_it() {
    let scratch = Scratch::new();
    let lock = scratch.directory.path().join("thingspace.json.lock");
    fs::create_dir(&lock).unwrap();
    let error = try_swap(&scratch.store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("remove what is at {}", lock.display())), "{error}");
}

#[tokio::test]
async fn the_error_for_a_long_name_is_to_give_a_shorter_path() {
    let scratch = Scratch::new();
    assert!(advice(&scratch.directory.path().join("x".repeat(300))).await.contains("give a shorter path"));
    // The name of the file fits, and the names of the files beside it are too long.
    let store = FileStore::new(scratch.directory.path().join("x".repeat(250)));
    store.load(&account()).await.unwrap();
    let error = try_swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("give a shorter path"), "{error}");
}

#[tokio::test]
async fn a_name_that_no_operating_system_accepts_is_an_error() {
    let scratch = Scratch::new();
    let error = FileStore::new(scratch.directory.path().join("a\0b")).load(&account()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("give a path that the operating system accepts"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn dangling_and_circular_symbolic_links_are_errors() {
    use std::os::unix::fs::symlink;

    let scratch = Scratch::new();
    let at = |name: &str| scratch.directory.path().join(name);
    symlink(at("b"), at("a")).unwrap();
    symlink(at("a"), at("b")).unwrap();
    let text = advice(&at("a/thingspace.json")).await;
    assert!(text.contains("do not form a loop"), "{text}");
    // `mkdir` of the link fails, so the error must not say to create the directory.
    symlink(at("target"), at("link")).unwrap();
    for path in ["link/thingspace.json", "link/deeper/thingspace.json"] {
        let text = advice(&at(path)).await;
        assert!(text.ends_with(&format!("create its target {}", at("target").display())), "{text}");
    }
    symlink("nowhere", scratch.path()).unwrap();
    assert!(advice(&scratch.path()).await.contains("give the path of the file that it points to"));
}

/// A directory in which even the superuser cannot create files.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_accepts_no_files_is_an_error() {
    for path in ["/proc/self/thingspace.json", "/sys/thingspace.json"] {
        let error = try_swap(&FileStore::new(path), None, 1).await.unwrap_err();
        assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
        assert!(!Error::from(error).is_retryable());
    }
}

#[test]
fn what_may_pass_is_retryable_from_store_vault_and_source() {
    let passing =
        || StoreError::Unavailable { place: "the disk".to_owned(), problem: "it cannot be replaced".to_owned() };
    assert!(Error::from(passing()).is_retryable());
    assert!(Error::Vault(std::sync::Arc::new(passing())).is_retryable());
    assert!(Error::CredentialsProvider(std::sync::Arc::new(passing())).is_retryable());
    let kept = Error::PasswordNotSaved { password: "new".into(), source: std::sync::Arc::new(passing()) };
    assert!(!kept.is_retryable(), "the password was reset");
}
