//! A damaged file is an error and never a fresh start, because the file holds the count of failed logins.

use std::fs;

use serde_json::{Value, json};
use thingspace_session::store::{FileStore, SessionStore as _, StoreError};

use crate::support::{Scratch, account, read, try_swap, write};

async fn filled() -> Scratch {
    let scratch = Scratch::new();
    write(&scratch.store, 1).await;
    scratch
}

/// The file with one change in the entry of the account.
fn changed(scratch: &Scratch, change: impl FnOnce(&mut Value)) -> String {
    let mut json = scratch.json();
    change(&mut json["accounts"][account().id()]);
    json.to_string()
}

#[tokio::test]
async fn every_truncation_is_damage() {
    let scratch = filled().await;
    let whole = fs::read(scratch.path()).unwrap();
    for length in 0..whole.len() {
        scratch.overwrite(&whole[..length]);
        let problem = scratch.damage().await;
        assert!(problem.contains("move the file away"), "{length}: {problem}");
    }
    scratch.overwrite(&whole);
    assert_eq!(read(&scratch.store).await, 1);
}

#[tokio::test]
async fn content_that_the_store_did_not_write_is_damage() {
    let scratch = filled().await;
    let text = scratch.text();
    let entry = |field: &str, value: Value| changed(&scratch, |entry| entry[field] = value);
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
        scratch.overwrite(&damaged);
        let problem = scratch.damage().await;
        assert!(problem.contains("count of failed logins"), "{damaged}: {problem}");
    }
    scratch.overwrite([text.as_bytes(), b"\xff"].concat());
    scratch.damage().await;
}

#[tokio::test]
async fn a_file_of_another_version_stays_unchanged() {
    let scratch = filled().await;
    for version in [0u64, 2, u64::MAX] {
        scratch.overwrite(json!({"version": version, "whatever": ["it", "says"]}).to_string());
        let problem = scratch.damage().await;
        assert!(problem.contains(&format!("format {version},")) && problem.contains("format 1 only"), "{problem}");
        assert!(!problem.contains("move"), "a newer version knows the count: {problem}");
    }
}

#[tokio::test]
async fn the_error_for_a_damaged_file_does_not_quote_it() {
    let scratch = filled().await;
    // The error of the JSON reader would quote the value in place of the number.
    let text = changed(&scratch, |entry| entry["value"] = json!("token-that-slipped"));
    scratch.overwrite(text);
    let error = scratch.refusal().await;
    for shown in [error.to_string(), format!("{error:?}")] {
        assert!(!shown.contains("token-that-slipped") && !shown.contains("token-1"), "{shown}");
        assert!(shown.contains("line 1, column "), "{shown}");
        assert!(shown.contains(&scratch.path().display().to_string()), "{shown}");
    }
}

#[tokio::test]
async fn the_count_starts_at_zero_only_if_the_file_is_missing() {
    let scratch = filled().await;
    fs::rename(scratch.path(), scratch.directory.path().join("away.json")).unwrap();
    assert_eq!(read(&scratch.store).await, 0);
    assert_eq!(scratch.names(), ["away.json", "thingspace.json.lock"], "reading created a file");
    write(&scratch.store, 2).await;
    assert_eq!(read(&scratch.store).await, 2);
}

#[tokio::test]
async fn a_missing_directory_is_an_error_and_no_fresh_start() {
    let scratch = Scratch::new();
    for path in [scratch.directory.path().join("unmounted/thingspace.json"), "/".into(), "".into()] {
        let store = FileStore::new(&path);
        let errors = [store.load(&account()).await.err(), try_swap(&store, None, 1).await.err()];
        for error in errors {
            let error = error.unwrap_or_else(|| panic!("{path:?} is a fresh start"));
            assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
        }
    }
    assert!(scratch.names().is_empty());
}

#[tokio::test]
async fn a_failed_lookup_of_the_name_is_no_fresh_start() {
    let scratch = Scratch::new();
    let store = FileStore::new(scratch.directory.path().join("x".repeat(1000)));
    let error = store.load(&account()).await.unwrap_err();
    assert!(matches!(error, StoreError::Misconfigured { .. }), "{error:?}");
}

/// A sparse file: its length is 8 TiB, and it takes no space on the disk.
#[tokio::test]
async fn a_huge_file_is_an_error_and_does_not_abort_the_process() {
    let scratch = filled().await;
    fs::OpenOptions::new().write(true).open(scratch.path()).unwrap().set_len(1 << 43).unwrap();
    let outcome = scratch.store.load(&account()).await;
    let Err(StoreError::Damaged { problem, .. }) = outcome else { panic!("{outcome:?}") };
    assert!(problem.contains("8796093022208 bytes"), "{problem}");
}

/// These files are sparse as well. The store reads their zeros as damage.
#[tokio::test]
async fn the_store_reads_a_file_up_to_the_length_that_the_error_names() {
    let scratch = filled().await;
    for (length, expected) in [(1 << 26, "move the file away"), ((1 << 26) + 1, "67108864 are the most that is read")] {
        fs::OpenOptions::new().write(true).open(scratch.path()).unwrap().set_len(length).unwrap();
        let outcome = scratch.store.load(&account()).await;
        let Err(StoreError::Damaged { problem, .. }) = outcome else { panic!("{outcome:?}") };
        assert!(problem.contains(expected), "{length}: {problem}");
    }
}
