//! `cargo xtask spec check`: every mistake at once, each with its place and what to write instead.

use std::path::PathBuf;

use clap::ValueEnum;
use serde_json::json;
use thingspace_codegen::{self as codegen, Finding, Output, Place, check, load::Node};

use super::{bytes, path, read, shown};
use crate::{Result, workspace};

#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The document [default: openapi.yaml of this workspace]
    file: Option<PathBuf>,
    /// How mistakes are told
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// As compilers do
    #[default]
    Text,
    /// As a list of objects
    Json,
}

/// Fails if there is a mistake.
pub(super) fn run(arguments: &Arguments) -> Result {
    generate(arguments).map(drop)
}

/// The same; what the document becomes is not thrown away.
pub(super) fn generate(arguments: &Arguments) -> Result<Output> {
    let path = path(arguments.file.as_deref());
    let name = shown(&path);
    let is_json = arguments.format == Format::Json;
    let checked = match bytes(&path) {
        Ok(contract) => codegen::compile(&contract, &read(&workspace::root().join("Cargo.toml"))?),
        // A caller of JSON gets this as JSON, too.
        Err(error) if is_json => Err(vec![unreadable(&error.to_string())]),
        Err(error) => return Err(error),
    };
    let findings = checked.as_ref().err().map(Vec::as_slice).unwrap_or_default();
    if is_json {
        let list: Vec<_> = findings.iter().map(|finding| in_json(&name, finding)).collect();
        println!("{:#}", json!(list));
    } else {
        findings.iter().flat_map(|finding| finding.lines(&name)).for_each(|line| println!("{line}"));
    }
    match checked {
        Ok((document, output)) => {
            if !is_json {
                println!("{name}: no mistakes in {}; a client can be generated from it", counted(&document));
            }
            Ok(output)
        }
        Err(findings) if findings.len() == 1 => Err(format!("1 mistake in {name}").into()),
        Err(findings) => Err(format!("{} mistakes in {name}", findings.len()).into()),
    }
}

/// What a document has, in words.
fn counted(document: &Node) -> String {
    let schemas = document.pointer("/components/schemas").into_iter().flat_map(Node::entries).count();
    let number = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!("{} and {}", number(check::operations_of(document).count(), "operation"), number(schemas, "schema"))
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
