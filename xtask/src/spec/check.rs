//! `cargo xtask spec check`: every mistake at once, each with its place and what to write instead.

use std::fs;

use serde_json::json;

use super::{Arguments, findings::findings, path, read, shown};
use crate::{Result, generator::finding::Finding, workspace};

/// Fails if there is a mistake.
pub(super) fn run(arguments: &Arguments) -> Result {
    let path = path(arguments.word.as_deref());
    let name = shown(&path);
    let contract = fs::read(&path).map_err(|error| format!("{name} cannot be read: {error}"))?;
    let findings = findings(&contract, &read(&workspace::root().join("Cargo.toml"))?);
    if arguments.format == "json" {
        let list: Vec<_> = findings.iter().map(|finding| in_json(&name, finding)).collect();
        println!("{:#}", json!(list));
    } else {
        findings.iter().flat_map(|finding| finding.lines(&name)).for_each(|line| println!("{line}"));
    }
    match findings.len() {
        0 => {
            if arguments.format != "json" {
                println!("{name}: nothing found");
            }
            Ok(())
        }
        1 => Err(format!("1 mistake in {name}").into()),
        number => Err(format!("{number} mistakes in {name}").into()),
    }
}

fn in_json(file: &str, finding: &Finding) -> serde_json::Value {
    let Finding { place, rule, message, help } = finding;
    json!({
        "file": file, "line": place.line, "column": place.column,
        "severity": "error", "rule": rule, "message": message, "help": help,
    })
}
