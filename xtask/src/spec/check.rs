//! `cargo xtask spec check`: every mistake at once, each with its place and what to write instead.

use serde_json::json;

use super::{Arguments, examples, path, read, shown};
use crate::{
    Result,
    generator::{self, finding::Finding},
    workspace,
};

/// Fails if there is a mistake.
pub(super) fn run(arguments: &Arguments) -> Result {
    let path = path(arguments.word.as_deref());
    let (name, text) = (shown(&path), read(&path)?);
    let manifest = read(&workspace::root().join("Cargo.toml"))?;
    let findings = findings(&text, &manifest);
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

/// What stops or misleads the generator, and what is wrong with the examples.
pub(crate) fn findings(text: &str, manifest: &str) -> Vec<Finding> {
    let (mut findings, document) = match generator::checked(text, manifest) {
        Ok(document) => (generator::compile(text, manifest).err().unwrap_or_default(), Some(document)),
        Err(findings) => (findings, generator::load::read(text, &mut Vec::new())),
    };
    findings.extend(document.iter().flat_map(examples::check));
    findings.sort();
    findings.dedup();
    findings
}

fn in_json(file: &str, finding: &Finding) -> serde_json::Value {
    let Finding { place, rule, message, help } = finding;
    json!({
        "file": file, "line": place.line, "column": place.column,
        "severity": "error", "rule": rule, "message": message, "help": help,
    })
}
