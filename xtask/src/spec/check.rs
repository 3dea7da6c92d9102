//! `cargo xtask spec check`: prints all errors and warnings at once, each with its place and a correction.

use std::path::PathBuf;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use clap::ValueEnum;
use serde_json::json;
use thingspace_codegen::{self as codegen, Compiled, Finding, Output, Place, check, load::Node};

use super::{bytes, path, read, shown};
use crate::{Result, workspace};

#[derive(Debug, Default, clap::Args)]
pub(super) struct Arguments {
    /// The document [default: openapi.yaml of this workspace]
    file: Option<PathBuf>,
    /// Output format of errors and warnings
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Like a compiler
    #[default]
    Text,
    /// As a list of objects
    Json,
}

/// Returns an error if the document has one.
pub(super) fn run(arguments: &Arguments) -> Result {
    generate(arguments).map(drop)
}

/// Like `run`, but returns the generated code.
pub(super) fn generate(arguments: &Arguments) -> Result<Output> {
    let path = path(arguments.file.as_deref());
    let name = shown(&path);
    let is_json = arguments.format == Format::Json;
    let contract = bytes(&path);
    let text = contract.as_ref().map(|contract| String::from_utf8_lossy(contract).into_owned()).unwrap_or_default();
    let checked = match contract {
        Ok(contract) => codegen::compile(&contract, &read(&workspace::root().join("Cargo.toml"))?),
        // With JSON output, this error is JSON too.
        Err(error) if is_json => Err(vec![unreadable(&error.to_string())]),
        Err(error) => return Err(error),
    };
    let findings = match &checked {
        Ok(compiled) => &compiled.warnings,
        Err(findings) => findings,
    };
    if is_json {
        let list: Vec<_> = findings.iter().map(|finding| in_json(&name, finding)).collect();
        println!("{:#}", json!(list));
    } else {
        for finding in findings {
            let [mistake, help] = finding.lines(&name);
            println!("{mistake}{}\n{help}", excerpt(&text, finding.place));
        }
    }
    match checked {
        Ok(Compiled { document, output, warnings }) => {
            if !is_json {
                let also =
                    if warnings.is_empty() { String::new() } else { format!(", {}", number(&warnings, "warning")) };
                println!("{name}: no errors{also} in {}; a client can be generated from it", counted(&document));
            }
            Ok(output)
        }
        Err(findings) => {
            let (errors, warnings): (Vec<_>, Vec<_>) = findings.iter().partition(|finding| finding.is_error());
            let also =
                if warnings.is_empty() { String::new() } else { format!(" and {}", number(&warnings, "warning")) };
            Err(format!("{}{also} in {name}", number(&errors, "error")).into())
        }
    }
}

fn number<T>(what: &[T], name: &str) -> String {
    format!("{} {name}{}", what.len(), if what.len() == 1 { "" } else { "s" })
}

/// The line of the finding, with the word underlined.
fn excerpt(text: &str, place: Place) -> String {
    let (line, column) = (usize::try_from(place.line), usize::try_from(place.column));
    let (Ok(line), Ok(column)) = (line, column) else { return String::new() };
    let Some(source) = text.lines().nth(line.saturating_sub(1)) else { return String::new() };
    let start = source.char_indices().nth(column.saturating_sub(1)).map_or(source.len(), |(start, _)| start);
    let length = source.get(start..).and_then(|rest| rest.split(char::is_whitespace).next()).map_or(0, str::len);
    let mark = AnnotationKind::Primary.span(start..start + length);
    let snippet = Snippet::source(source).line_start(line).annotation(mark);
    let shown = Renderer::plain().render(&[Group::with_level(Level::ERROR).element(snippet)]);
    format!("\n{shown}")
}

/// The number of operations and schemas, for the output.
fn counted(document: &Node) -> String {
    let schemas = document.pointer("/components/schemas").into_iter().flat_map(Node::entries).count();
    let number = |number: usize, what: &str| format!("{number} {what}{}", if number == 1 { "" } else { "s" });
    format!("{} and {}", number(check::operations_of(document).count(), "operation"), number(schemas, "schema"))
}

fn unreadable(error: &str) -> Finding {
    Finding::new("unreadable-file", Place::default(), error, "name a file that exists and is readable")
}

fn in_json(file: &str, finding: &Finding) -> serde_json::Value {
    let Finding { place, rule, level, message, help } = finding;
    json!({
        "file": file, "line": place.line, "column": place.column,
        "severity": level.to_string(), "rule": rule, "message": message, "help": help,
    })
}
