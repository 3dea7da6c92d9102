//! Tests that only concern a sealed store.

use thingspace_session::store::{Account, MemoryStore, Sealed, SessionStore, StoreError, Version};

use crate::support::{Scratch, account, numbered, read, version, write};

const KEY: [u8; 32] = [7; 32];

/// The error of the store, which must state the next step and quote nothing.
async fn damage(store: &dyn SessionStore, account: &Account) -> String {
    let error = store.load(account).await.unwrap_err();
    let text = error.to_string();
    assert!(matches!(error, StoreError::Damaged { .. }), "{text}");
    assert!(text.contains(&account.id()) && text.contains("count of failed logins"), "{text}");
    assert!(!text.contains("token-") && !format!("{error:?}").contains("token-"), "{text}");
    text
}

#[tokio::test]
async fn a_sealed_store_reveals_no_session_and_another_key_opens_nothing() {
    let inner = MemoryStore::new();
    let store = Sealed::new(inner.clone(), KEY);
    write(&store, 1).await;
    assert_eq!(read(&store).await, 1);
    let stored = inner.load(&account()).await.unwrap().value.unwrap();
    assert!(!stored.bytes().windows(5).any(|part| part == b"token"));
    let text = damage(&Sealed::new(inner.clone(), [8; 32]), &account()).await;
    assert!(text.contains("another key"), "{text}");
    assert_eq!(read(&store).await, 1);
}

#[tokio::test]
async fn every_seal_is_different() {
    let inner = MemoryStore::new();
    let store = Sealed::new(inner.clone(), KEY);
    let mut sealed = Vec::new();
    for _ in 0..2 {
        write(&store, 1).await;
        sealed.push(inner.load(&account()).await.unwrap().value.unwrap().bytes().to_vec());
    }
    assert_ne!(sealed[0], sealed[1]);
}

#[tokio::test]
async fn a_value_that_is_not_sealed_is_damage() {
    let inner = MemoryStore::new();
    write(&inner, 1).await;
    let text = damage(&Sealed::new(inner, KEY), &account()).await;
    assert!(text.contains("not sealed"), "{text}");
}

#[tokio::test]
async fn every_change_of_a_sealed_value_is_damage() {
    let inner = MemoryStore::new();
    let store = Sealed::new(inner.clone(), KEY);
    write(&store, 1).await;
    let mut whole = inner.load(&account()).await.unwrap().value.unwrap();
    for length in 0..whole.bytes().len() {
        let mut changed = whole.bytes().to_vec();
        changed[length] ^= 1;
        for bytes in [&whole.bytes()[..length], &changed, &[whole.bytes(), b"."].concat()] {
            // Stored with the version for which it was sealed.
            let away = Version::random();
            assert!(inner.compare_and_swap(&account(), Some(whole.version), away, b"").await.unwrap());
            assert!(inner.compare_and_swap(&account(), Some(away), whole.version, bytes).await.unwrap());
            damage(&store, &account()).await;
        }
    }
    let away = Version::random();
    assert!(inner.compare_and_swap(&account(), Some(whole.version), away, b"").await.unwrap());
    assert!(inner.compare_and_swap(&account(), Some(away), whole.version, whole.bytes()).await.unwrap());
    assert_eq!(read(&store).await, 1);
    whole = inner.load(&account()).await.unwrap().value.unwrap();
    assert!(store.compare_and_swap(&account(), Some(whole.version), Version::random(), b"").await.unwrap());
}

#[tokio::test]
async fn a_value_is_bound_to_its_account_and_its_version() {
    let inner = MemoryStore::new();
    let store = Sealed::new(inner.clone(), KEY);
    write(&store, 1).await;
    let old = inner.load(&account()).await.unwrap().value.unwrap();
    let another = Account::new("https://thingspace.example", "the-api-key", "another");
    assert!(inner.compare_and_swap(&another, None, old.version, old.bytes()).await.unwrap());
    damage(&store, &another).await;

    write(&store, 2).await;
    let current = version(&inner.load(&account()).await.unwrap());
    let replayed = Version::random();
    assert!(inner.compare_and_swap(&account(), current, replayed, old.bytes()).await.unwrap());
    damage(&store, &account()).await;
}

#[tokio::test]
async fn a_sealed_file_store_works_like_a_file_store() {
    let scratch = Scratch::new();
    let store = Sealed::new(scratch.store.clone(), KEY);
    assert!(store.compare_and_swap(&account(), None, Version::random(), &numbered(1)).await.unwrap());
    assert_eq!(read(&Sealed::new(scratch.store.clone(), KEY)).await, 1);
    let shown = format!("{store:?}");
    assert_eq!(shown, format!("Sealed {{ store: {:?}, .. }}", scratch.store));
}
