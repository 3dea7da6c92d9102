//! One document: its findings, and its module.

use std::{collections::BTreeSet, fs, path::Path};

use serde::{Deserialize, Serialize};
use thingspace_codegen::{
    self as codegen, Finding, Generator, Output, Place,
    check::{self, OF_THE_FACADE},
    load::{self, Kind, Node},
};

use super::examples;
use crate::Result;

/// The crates that the types of generated code may come from.
const MANIFEST: &str = "[dependencies]\nchrono = \"0.4\"\nuuid = \"1\"\nregress = \"0.12\"\n[dependencies.schemars]\n\
                        version = \"1\"\nfeatures = [\"chrono04\", \"uuid1\"]\n";

/// The results for a document.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(super) struct Row {
    /// The file.
    pub(super) name: String,
    /// Why there is no result.
    pub(super) crashed: Option<String>,
    /// The number of errors that only the facade reports.
    pub(super) facade: usize,
    /// Every other error.
    pub(super) errors: Vec<String>,
    pub(super) warnings: usize,
    pub(super) operations: usize,
    /// The number of operations that were generated.
    pub(super) kept: usize,
    /// The module, if there is one.
    pub(super) module: Option<String>,
    /// The types of its examples.
    pub(super) types: BTreeSet<String>,
    /// Why the module does not compile, or does not run.
    pub(super) flaw: Option<String>,
    pub(super) tried: usize,
    pub(super) survived: usize,
    /// The examples that changed or were rejected.
    pub(super) lost: Vec<String>,
}

impl Row {
    /// Whether the generator has made a mistake.
    pub(super) fn is_wrong(&self) -> bool {
        self.flaw.is_some() || !self.lost.is_empty()
    }
}

/// Writes `MODULE.row` into a folder and, if the document passes, `MODULE.rs` and `MODULE.json` with its examples.
pub(super) fn run(file: &Path, has_rest: bool, module: &str, into: &Path) -> Result {
    let mut row = Row::default();
    let bytes = fs::read(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    if let Some(document) = read(&bytes, &mut row) {
        row.operations = check::operations_of(&document).count();
        generated(document, has_rest, module, into, &mut row)?;
    }
    fs::write(into.join(format!("{module}.row")), serde_json::to_vec(&row)?)?;
    Ok(())
}

fn read(bytes: &[u8], row: &mut Row) -> Option<Node> {
    let mut findings = Vec::new();
    let document = load::text(bytes).map_err(|finding| findings.push(finding)).ok();
    let document = document.and_then(|text| load::read(text, &mut findings));
    row.errors.extend(findings.iter().map(line));
    document.filter(|_| findings.is_empty())
}

fn line(finding: &Finding) -> String {
    let Finding { place, rule, message, .. } = finding;
    format!("{}:{}: {rule}: {message}", place.line, place.column)
}

fn generated(mut document: Node, has_rest: bool, module: &str, into: &Path, row: &mut Row) -> Result {
    let mut is_first = true;
    loop {
        let findings = codegen::examine(&document, MANIFEST);
        let (errors, warnings): (Vec<_>, Vec<_>) = findings.into_iter().partition(Finding::is_error);
        let (facade, errors): (Vec<_>, Vec<_>) =
            errors.into_iter().partition(|error| OF_THE_FACADE.contains(&error.rule));
        if is_first {
            (row.facade, row.warnings) = (facade.len(), warnings.len());
            row.errors.extend(errors.iter().map(line));
        }
        is_first = false;
        let errors = if errors.is_empty() {
            match client(&document) {
                Ok((output, types)) => {
                    let examples = examples::of(&document, &types);
                    row.types = examples.iter().map(|example| example.of.clone()).collect();
                    row.kept = check::operations_of(&document).count();
                    row.module = Some(module.to_owned());
                    fs::write(into.join(format!("{module}.rs")), output.client)?;
                    fs::write(into.join(format!("{module}.json")), serde_json::to_vec(&examples)?)?;
                    return Ok(());
                }
                Err(errors) => {
                    row.errors.extend(errors.iter().map(line));
                    errors
                }
            }
        } else {
            errors
        };
        if !has_rest || !without(&mut document, &errors) {
            return Ok(());
        }
    }
}

fn client(document: &Node) -> std::result::Result<(Output, BTreeSet<String>), Vec<Finding>> {
    codegen::attempt(document, |document| {
        let spec = codegen::adapt(document)?;
        let client = Generator::new(&codegen::settings()).generate_tokens(&spec).map_err(|error| error.to_string())?;
        let types = codegen::type_names(&client)?;
        Ok((Output::of_client(client), types))
    })
}

/// Removes the units that have errors. Returns `false` if it can remove none.
fn without(document: &mut Node, errors: &[Finding]) -> bool {
    let units = units(document);
    let wrong: BTreeSet<&Vec<String>> = errors
        .iter()
        .filter_map(|error| units.get(units.partition_point(|(place, _)| *place <= error.place).checked_sub(1)?))
        .filter_map(|(_, unit)| unit.as_ref())
        .collect();
    wrong.iter().filter(|unit| remove(document, unit)).count() > 0
}

/// The beginnings of all parts. A part that can be removed has its path: an operation, a path, a component.
fn units(document: &Node) -> Vec<(Place, Option<Vec<String>>)> {
    let mut units = Vec::new();
    for (section, entry) in document.entries() {
        units.push((entry.key, None));
        for (name, inner) in entry.value.entries() {
            if section == "paths" {
                let path = vec![section.to_owned(), name.to_owned()];
                units.push((inner.key, Some(path.clone())));
                for (method, operation) in inner.value.entries() {
                    let is_method = check::operations_of(document).any(|known| known.method_key == operation.key);
                    let longer = is_method.then(|| [path.as_slice(), &[method.to_owned()]].concat());
                    units.push((operation.key, Some(longer.unwrap_or_else(|| path.clone()))));
                }
            } else if section == "components" {
                units.push((inner.key, None));
                let of = |name: &str, kind: &str| Some(vec![section.to_owned(), kind.to_owned(), name.to_owned()]);
                units.extend(inner.value.entries().map(|(one, entry)| (entry.key, of(one, name))));
            }
        }
    }
    units.sort_by_key(|(place, _)| *place);
    units
}

fn remove(document: &mut Node, path: &[String]) -> bool {
    let (Kind::Map(map), [first, rest @ ..]) = (&mut document.kind, path) else { return false };
    if rest.is_empty() {
        return map.shift_remove(first).is_some();
    }
    map.get_mut(first).is_some_and(|entry| remove(&mut entry.value, rest))
}
