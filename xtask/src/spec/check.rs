//! `cargo xtask spec check`: every mistake at once, each with its place and what to write instead.

use serde_json::json;

use super::{Arguments, bytes, path, read, shown};
use crate::{
    Result,
    generator::{
        self,
        finding::{Finding, Place},
    },
    workspace,
};

/// Fails if there is a mistake.
pub(super) fn run(arguments: &Arguments) -> Result {
    let path = path(arguments.word.as_deref());
    let name = shown(&path);
    let is_json = arguments.format == "json";
    let findings = match bytes(&path) {
        Ok(contract) => {
            let manifest = read(&workspace::root().join("Cargo.toml"))?;
            generator::compile(&contract, &manifest).err().unwrap_or_default()
        }
        // Who reads JSON is told in JSON.
        Err(error) if is_json => vec![unreadable(&error.to_string())],
        Err(error) => return Err(error),
    };
    if is_json {
        let list: Vec<_> = findings.iter().map(|finding| in_json(&name, finding)).collect();
        println!("{:#}", json!(list));
    } else {
        findings.iter().flat_map(|finding| finding.lines(&name)).for_each(|line| println!("{line}"));
    }
    match findings.len() {
        0 => {
            if !is_json {
                println!("{name}: nothing found");
            }
            Ok(())
        }
        1 => Err(format!("1 mistake in {name}").into()),
        number => Err(format!("{number} mistakes in {name}").into()),
    }
}

fn unreadable(error: &str) -> Finding {
    Finding::new("unreadable-file", Place::default(), error, "name a file that is there and may be read")
}

fn in_json(file: &str, finding: &Finding) -> serde_json::Value {
    let Finding { place, rule, message, help } = finding;
    json!({
        "file": file, "line": place.line, "column": place.column,
        "severity": "error", "rule": rule, "message": message, "help": help,
    })
}
