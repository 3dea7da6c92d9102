//! The command as it is called.

use std::{
    fs,
    process::{Command, Output},
};

use serde_json::Value;

use crate::mistake;

fn check(arguments: &[&str]) -> (Option<i32>, String, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_xtask")).args(["spec", "check"]).args(arguments).output().unwrap();
    (status.code(), String::from_utf8(stdout).unwrap(), String::from_utf8(stderr).unwrap())
}

#[test]
fn the_contract_is_checked_where_no_file_is_named() {
    assert_eq!(check(&[]), (Some(0), "openapi.yaml: nothing found\n".to_owned(), String::new()));
    assert_eq!(check(&["--format", "json"]), (Some(0), "[]\n".to_owned(), String::new()));
}

#[test]
fn mistakes_are_told_as_compilers_tell_them_and_end_in_status_1() {
    let mistakes = mistake::made(&["unknown-type", "missing-repeatable-unknown"]);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("other.yaml");
    let name = file.to_str().unwrap();
    fs::write(&file, &mistakes.contract).unwrap();

    let (status, said, errors) = check(&[name]);
    assert_eq!(said, mistakes.said.replace("openapi.yaml:", &format!("{name}:")));
    assert_eq!((status, errors), (Some(1), format!("xtask: 2 mistakes in {name}\n")));

    let (status, said, _) = check(&["--format=json", name]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!(status, Some(1));
    assert_eq!(found.as_array().unwrap().len(), 2);
    for (found, lines) in found.as_array().unwrap().iter().zip(mistakes.said.lines().collect::<Vec<_>>().chunks(2)) {
        let text = |key: &str| found[key].as_str().unwrap().to_owned();
        let place = format!("openapi.yaml:{}:{}", found["line"], found["column"]);
        assert_eq!(format!("{place}: {}[{}]: {}", text("severity"), text("rule"), text("message")), lines[0]);
        assert_eq!(format!("  help: {}", text("help")), lines[1]);
        assert_eq!(text("file"), name);
    }
}

#[test]
fn what_cannot_be_read_or_understood_is_said() {
    let (status, _, errors) = check(&["no such file.yaml"]);
    assert_eq!(status, Some(1));
    assert!(errors.starts_with("xtask: no such file.yaml cannot be read: "), "{errors}");
    let (status, said, errors) = check(&["no such file.yaml", "--format", "json"]);
    let found: Value = serde_json::from_str(&said).unwrap();
    assert_eq!((status, &found[0]["rule"]), (Some(1), &"unreadable-file".into()));
    assert!(found[0]["message"].as_str().unwrap().starts_with("no such file.yaml cannot be read: "), "{said}");
    assert_eq!(errors, "xtask: 1 mistake in no such file.yaml\n");

    let (status, _, errors) = check(&["--format"]);
    assert_eq!((status, errors.lines().next()), (Some(2), Some("xtask: --format wants to know which: text, json")));
    for arguments in [&["--format", "xml"][..], &["a.yaml", "b.yaml"], &["--quick"], &["--format"]] {
        assert_eq!(check(arguments).0, Some(2), "{arguments:?}");
    }
}

#[test]
fn whoever_asks_is_told_what_there_is() {
    for question in ["help", "--help", "-h"] {
        let Output { status, stdout, stderr } =
            Command::new(env!("CARGO_BIN_EXE_xtask")).arg(question).output().unwrap();
        let said = String::from_utf8(stdout).unwrap();
        assert!(status.success() && stderr.is_empty(), "{question}");
        assert!(said.starts_with("Usage: cargo xtask COMMAND\n") && said.contains("  spec check [FILE] "), "{said}");
    }
}
