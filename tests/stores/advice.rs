//! Does calling again help? Where the operator has to act, an error of the file store or the file vault is not
//! retryable, and says what to do.

use std::{fs, path::Path};

use thingspace_session::{
    CredentialsProvider as _, Error, FileVault,
    rotation::{self, PasswordVault as _, VaultState},
    store::{FileStore, SessionStore as _, StoreError},
};

use crate::support::{Shelf, account, try_swap};

/// What store and vault say of a path that cannot be used. They have to agree.
async fn advice(path: &Path) -> String {
    let (store, vault) = (FileStore::new(path), FileVault::new(path));
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(try_swap(&store, None, 1).await, Err(StoreError::Misconfigured { .. })));
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    let text = error.to_string();
    assert!(text.contains(&path.display().to_string()), "{text}");
    let told = Error::from(error);
    assert!(!told.is_retryable() && told.to_string().contains(&text), "{told:?}");

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
async fn a_missing_directory_is_to_be_created() {
    let shelf = Shelf::new();
    for path in ["state/thingspace.json", "a/b/c/thingspace.json"] {
        let path = shelf.directory.path().join(path);
        let text = advice(&path).await;
        let directory = path.parent().unwrap();
        assert!(text.ends_with(&format!("create the directory {}", directory.display())), "{text}");
        fs::create_dir_all(directory).unwrap();
        try_swap(&FileStore::new(&path), None, 1).await.expect("the advice helps");
        prove(&FileVault::new(path.with_extension("vault"))).await.expect("the advice helps");
    }
}

#[tokio::test]
async fn a_file_in_place_of_a_directory_is_named() {
    let shelf = Shelf::new();
    let file = shelf.directory.path().join("state");
    fs::write(&file, "").unwrap();
    for path in ["thingspace.json", "deeper/thingspace.json"] {
        let text = advice(&file.join(path)).await;
        assert!(text.contains(&format!("{} is not a directory", file.display())), "{text}");
    }
}

#[tokio::test]
async fn what_is_no_file_is_told_as_such() {
    let shelf = Shelf::new();
    fs::create_dir(shelf.path()).unwrap();
    assert!(advice(&shelf.path()).await.contains("give the path of one"));
    for path in ["/", ""] {
        let text = advice(Path::new(path)).await;
        assert!(text.contains("give the path of"), "{text}");
    }
}

#[tokio::test]
async fn a_directory_in_place_of_the_lock_file_is_to_be_removed() {
    let shelf = Shelf::new();
    let lock = shelf.directory.path().join("thingspace.json.lock");
    fs::create_dir(&lock).unwrap();
    let error = try_swap(&shelf.store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains(&format!("remove what is at {}", lock.display())), "{error}");
}

#[tokio::test]
async fn a_name_that_is_too_long_is_to_be_shorter() {
    let shelf = Shelf::new();
    assert!(advice(&shelf.directory.path().join("x".repeat(300))).await.contains("give a shorter path"));
    // There is room for the file, and none for those beside it.
    let store = FileStore::new(shelf.directory.path().join("x".repeat(250)));
    store.load(&account()).await.unwrap();
    let error = try_swap(&store, None, 1).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("give a shorter path"), "{error}");
}

#[tokio::test]
async fn a_name_that_no_system_takes_is_told() {
    let shelf = Shelf::new();
    let error = FileStore::new(shelf.directory.path().join("a\0b")).load(&account()).await.unwrap_err();
    assert!(matches!(&error, StoreError::Misconfigured { .. }), "{error:?}");
    assert!(error.to_string().contains("give a path that the operating system accepts"), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn symbolic_links_that_lead_nowhere_or_in_a_circle_are_told() {
    use std::os::unix::fs::symlink;

    let shelf = Shelf::new();
    let at = |name: &str| shelf.directory.path().join(name);
    symlink(at("b"), at("a")).unwrap();
    symlink(at("a"), at("b")).unwrap();
    let text = advice(&at("a/thingspace.json")).await;
    assert!(text.contains("do not form a loop"), "{text}");
    // `mkdir` of the link fails, so that to create the directory would be the wrong advice.
    symlink(at("target"), at("link")).unwrap();
    for path in ["link/thingspace.json", "link/deeper/thingspace.json"] {
        let text = advice(&at(path)).await;
        assert!(text.ends_with(&format!("create its target {}", at("target").display())), "{text}");
    }
    symlink("nowhere", shelf.path()).unwrap();
    assert!(advice(&shelf.path()).await.contains("give the path of the file that it points to"));
}

/// Where the system refuses the work of the superuser as well.
#[cfg(target_os = "linux")]
#[tokio::test]
async fn a_directory_that_takes_no_files_is_told() {
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
