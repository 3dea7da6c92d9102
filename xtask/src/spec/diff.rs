//! `cargo xtask spec diff`: reports how a change of `openapi.yaml` affects clients that are already built, and Rust
//! code that callers compile with the next version.
//!
//! The command prints the changes and succeeds. With `--check`, for pull requests, it fails if `Cargo.toml` or
//! `CHANGELOG.md` lack what the changes require.

mod base;
mod bodies;
mod bump;
mod change;
mod compare;
mod document;
mod facade;
mod operations;
mod parameters;
mod rules;
mod schemas;
mod show;
#[cfg(test)]
mod tests;
mod uses;

use std::{fs, path::Path};

use clap::ValueEnum;
use thingspace_codegen::{
    Finding, check,
    load::{self, Node},
};

use super::{SPEC, bytes};
use crate::{Misuse, Result, workspace};
use base::{Base, CHANGELOG, MANIFEST, Release};
use bump::Demand;
use show::Report;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// A file or a git revision
    #[arg(default_value = "HEAD")]
    base: String,
    /// Fail if Cargo.toml or CHANGELOG.md lack what the changes require
    #[arg(long)]
    check: bool,
    /// Output format of the changes
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Like a compiler
    #[default]
    Text,
    /// As an object
    Json,
    /// As a table for a pull request
    Markdown,
}

/// Compares with a revision or a file.
pub(super) fn run(arguments: &Arguments) -> Result {
    let outcome = outcome(&workspace::root(), &arguments.base, arguments.format)?;
    print!("{}", outcome.text);
    if !arguments.check {
        return Ok(());
    }
    match outcome.missing {
        Some(missing) if missing.is_empty() => Ok(()),
        Some(missing) => Err(missing.join("\n       ").into()),
        None => Err(Misuse("--check needs a revision: a file has no Cargo.toml beside it".to_owned()).into()),
    }
}

/// The output, and what the release still needs. `missing` is `None` if the base is a file.
#[derive(Debug)]
struct Outcome {
    text: String,
    missing: Option<Vec<String>>,
}

/// Compares the contract in a directory with one of its revisions, or with a file.
fn outcome(root: &Path, word: &str, format: Format) -> Result<Outcome> {
    let base = Base::of(root, word)?;
    let contract = bytes(&root.join(SPEC))?;
    let (before, after) = (document(&base.name, &base.contract)?, document(SPEC, &contract)?);
    let changes = compare::compare(&before, &after);
    let beside = |file: &str| fs::read_to_string(root.join(file)).unwrap_or_default();
    let release = Release { manifest: beside(MANIFEST), changelog: beside(CHANGELOG) };
    let worst = changes.iter().map(change::Change::class).max();
    let demand = Demand::of(worst, base.release.as_ref(), &release);
    let report = Report { base: &base.name, now: SPEC, changes: &changes, demand: &demand };
    let text = match format {
        Format::Json => format!("{:#}\n", report.json()),
        Format::Markdown => report.markdown(),
        Format::Text => report.text(),
    };
    Ok(Outcome { text, missing: base.release.map(|_| demand.missing()) })
}

/// Reads a document for the comparison, which needs only YAML and OpenAPI 3.0.
fn document(name: &str, contract: &[u8]) -> Result<Node> {
    let mut findings = Vec::new();
    let text = load::text(contract).map_err(|finding| findings.push(finding)).ok();
    let document = text.and_then(|text| load::read(text, &mut findings));
    if let Some(document) = document.filter(|_| findings.is_empty()) {
        if document.text_of("openapi").is_some_and(check::is_version) {
            return Ok(document);
        }
        findings.push(Finding::new(
            "openapi-version",
            document.get("openapi").unwrap_or(&document).place,
            "this document is not OpenAPI 3.0",
            "compare documents that say openapi: 3.0.3",
        ));
    }
    let lines: Vec<_> = findings.iter().flat_map(|finding| finding.lines(name)).collect();
    Err(format!("{name} cannot be compared\n{}", lines.join("\n")).into())
}
