//! A file that cannot be understood is told, and never a fresh start: it holds the count of failed logins.

use std::fs;

use serde_json::{Value, json};
use thingspace_session::store::{FileStore, SessionStore as _, StoreError};

use crate::support::{Shelf, account, read, try_swap, write};

async fn filled() -> Shelf {
    let shelf = Shelf::new();
    write(&shelf.store, 1).await;
    shelf
}

/// The file with one change in what it says of the account.
fn changed(shelf: &Shelf, change: impl FnOnce(&mut Value)) -> String {
    let mut json = shelf.json();
    change(&mut json["accounts"][account().id()]);
    json.to_string()
}

#[tokio::test]
async fn every_truncation_is_damage() {
    let shelf = filled().await;
    let whole = fs::read(shelf.path()).unwrap();
    for length in 0..whole.len() {
        shelf.overwrite(&whole[..length]);
        let problem = shelf.damage().await;
        assert!(problem.contains("move the file away"), "{length}: {problem}");
    }
    shelf.overwrite(&whole);
    assert_eq!(read(&shelf.store).await, 1);
}

#[tokio::test]
async fn whatever_is_not_what_the_store_wrote_is_damage() {
    let shelf = filled().await;
    let text = shelf.text();
    let entry = |field: &str, value: Value| changed(&shelf, |entry| entry[field] = value);
    for damaged in [
        String::new(),
        " ".to_owned(),
        "\n".to_owned(),
        "\0".repeat(text.len()),
        "null".to_owned(),
        "[]".to_owned(),
        "{}".to_owned(),
        "not JSON".to_owned(),
        format!("{text}}}"),
        format!("{text}{text}"),
        text.replace("\"version\":1", "\"version\":\"1\""),
        text.replace("\"version\":1", "\"version\":-1"),
        text.replace("\"version\":1,", ""),
        text.replace("\"accounts\"", "\"acounts\""),
        text.replace("\"accounts\"", "\"more\":1,\"accounts\""),
        json!({"version": 1}).to_string(),
        json!({"version": 1, "accounts": {account().id(): {}}}).to_string(),
        entry("version", json!(1)),
        entry("version", json!("")),
        entry("version", json!("0".repeat(31))),
        entry("version", json!("0".repeat(33))),
        entry("version", json!("g".repeat(32))),
        entry("version", Value::Null),
        entry("value", Value::Null),
        entry("value", json!({})),
        entry("value", json!("token-1")),
        entry("value", json!("dG9rZW4tM")),
        entry("more", json!(1)),
    ] {
        assert_ne!(damaged, text);
        shelf.overwrite(&damaged);
        let problem = shelf.damage().await;
        assert!(problem.contains("count of failed logins"), "{damaged}: {problem}");
    }
    shelf.overwrite([text.as_bytes(), b"\xff"].concat());
    shelf.damage().await;
}

#[tokio::test]
async fn a_file_of_another_version_is_left_alone() {
    let shelf = filled().await;
    for version in [0u64, 2, u64::MAX] {
        shelf.overwrite(json!({"version": version, "whatever": ["it", "says"]}).to_string());
        let problem = shelf.damage().await;
        assert!(problem.contains(&format!("format {version},")) && problem.contains("format 1 alone"), "{problem}");
        assert!(!problem.contains("move"), "a newer version knows the count: {problem}");
    }
}

#[tokio::test]
async fn what_is_wrong_is_told_without_quoting_the_file() {
    let shelf = filled().await;
    // The error of the JSON reader would quote what it found in place of a number.
    let text = changed(&shelf, |entry| entry["value"] = json!("token-that-slipped"));
    shelf.overwrite(text);
    let error = shelf.refusal().await;
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("token-that-slipped") && !shown.contains("token-1"), "{shown}");
        assert!(shown.contains("line 1, column "), "{shown}");
        assert!(shown.contains(&shelf.path().display().to_string()), "{shown}");
    }
}

#[tokio::test]
async fn the_count_begins_only_where_there_is_no_file() {
    let shelf = filled().await;
    fs::rename(shelf.path(), shelf.directory.path().join("away.json")).unwrap();
    assert_eq!(read(&shelf.store).await, 0);
    assert_eq!(shelf.names(), ["away.json", "thingspace.json.lock"], "reading created a file");
    write(&shelf.store, 2).await;
    assert_eq!(read(&shelf.store).await, 2);
}

#[tokio::test]
async fn a_directory_that_is_not_there_is_no_fresh_start() {
    let shelf = Shelf::new();
    for path in [shelf.directory.path().join("unmounted/thingspace.json"), "/".into(), "".into()] {
        let store = FileStore::new(&path);
        let errors = [store.load(&account()).await.err(), try_swap(&store, None, 1).await.err()];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{path:?} is a fresh start"));
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
        }
    }
    assert!(shelf.names().is_empty());
}

#[tokio::test]
async fn a_name_that_cannot_be_looked_up_is_no_fresh_start() {
    let shelf = Shelf::new();
    let store = FileStore::new(shelf.directory.path().join("x".repeat(1000)));
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
}

/// A sparse file: it says that it is 8 TiB long, and takes no room.
#[tokio::test]
async fn a_file_of_any_length_is_an_error_and_no_abort() {
    let shelf = filled().await;
    fs::OpenOptions::new().write(true).open(shelf.path()).unwrap().set_len(1 << 43).unwrap();
    let outcome = shelf.store.load(&account()).await;
    let Err(StoreError::Damaged { problem, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(problem.contains("8796093022208 bytes"), "{problem}");
}

/// Sparse files as well: what fills them up is damage, once it is read.
#[tokio::test]
async fn a_file_is_read_up_to_the_length_that_is_told() {
    let shelf = filled().await;
    for (length, expected) in [(1 << 26, "move the file away"), ((1 << 26) + 1, "67108864 are the most that is read")] {
        fs::OpenOptions::new().write(true).open(shelf.path()).unwrap().set_len(length).unwrap();
        let outcome = shelf.store.load(&account()).await;
        let Err(StoreError::Damaged { problem, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(problem.contains(expected), "{length}: {problem}");
    }
}
